//! THREAD (RFC 5256 §4).

use crate::Output;

/// A message of a thread, or a missing one, with what answers it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ThreadNode {
    /// Number or UID; `None` for a message that is not here.
    pub number: Option<u32>,
    /// Answers, in order.
    pub children: Vec<ThreadNode>,
}

impl Drop for ThreadNode {
    /// A thread may be a hundred thousand answers deep: dropping it does not recurse.
    fn drop(&mut self) {
        let mut nodes = std::mem::take(&mut self.children);
        while let Some(mut node) = nodes.pop() {
            nodes.append(&mut node.children);
        }
    }
}

/// What is left to write: nothing here recurses, a thread may be very deep.
enum Step<'a> {
    Node(&'a ThreadNode),
    Text(&'static [u8]),
}

impl Output {
    /// `* THREAD (2)(3 6 (4 23)(44 7 96))`
    pub fn thread(&mut self, threads: &[ThreadNode]) {
        self.raw(b"* THREAD");
        if !threads.is_empty() {
            self.raw(b" ");
        }
        for thread in threads {
            self.raw(b"(");
            let mut steps = vec![Step::Node(thread)];
            while let Some(step) = steps.pop() {
                match step {
                    Step::Text(text) => self.raw(text),
                    Step::Node(node) => self.thread_node(node, &mut steps),
                }
            }
            self.raw(b")");
        }
        self.crlf();
    }

    fn thread_node<'a>(&mut self, node: &'a ThreadNode, steps: &mut Vec<Step<'a>>) {
        if let Some(number) = node.number {
            self.number32(number);
            if !node.children.is_empty() {
                self.raw(b" ");
            }
        }
        match node.children.as_slice() {
            [only] if node.number.is_some() => steps.push(Step::Node(only)),
            children => {
                for child in children.iter().rev() {
                    steps.push(Step::Text(b")"));
                    steps.push(Step::Node(child));
                    steps.push(Step::Text(b"("));
                }
            }
        }
    }
}
