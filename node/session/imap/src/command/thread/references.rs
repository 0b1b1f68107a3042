//! THREAD=REFERENCES (RFC 5256 §3, steps 1 to 6): messages joined by their ids, then by subject.
//!
//! Nodes lie in one list and point at each other by index; nothing recurses, so that a chain of a hundred thousand
//! answers costs memory, not stack.

use std::collections::HashMap;

use hongyan_imap::response::ThreadNode;
use hongyan_types::Timestamp;

use super::Message;

#[derive(Debug, Default, Clone)]
struct Node {
    /// `None` for a message that is only referred to.
    message: Option<usize>,
    parent: Option<usize>,
    children: Vec<usize>,
}

struct Forest {
    messages: Vec<Message>,
    nodes: Vec<Node>,
}

/// The threads of `messages`, in order.
pub(super) fn threads(messages: Vec<Message>) -> Vec<ThreadNode> {
    let mut forest = Forest {
        nodes: Vec::with_capacity(messages.len()),
        messages,
    };
    forest.link_by_id();
    let roots = forest.prune();
    let roots = forest.join_by_subject(roots);
    forest.order(roots)
}

impl Forest {
    /// Step 1: a node for every id, each under the one before it in References.
    fn link_by_id(&mut self) {
        let mut by_id: HashMap<String, usize> = HashMap::new();
        for at in 0..self.messages.len() {
            let Some(message) = self.messages.get(at) else {
                continue;
            };
            let (id, references) = (message.id.clone(), message.references.clone());
            let node = self.node_of_message(at, id, &mut by_id);
            let mut above: Option<usize> = None;
            for reference in references {
                let next = match by_id.get(&reference) {
                    Some(node) => *node,
                    None => {
                        let new = self.add(Node::default());
                        by_id.insert(reference, new);
                        new
                    }
                };
                if let Some(above) = above
                    && self.parent(next).is_none()
                {
                    self.adopt(above, next);
                }
                above = Some(next);
            }
            // Step 1.C: the message's own References win over what others said of it.
            if let Some(above) = above {
                self.orphan(node);
                self.adopt(above, node);
            } else {
                self.orphan(node);
            }
        }
    }

    /// The node of a message. A second message of the same id gets a node of its own (step 1.A).
    fn node_of_message(&mut self, at: usize, id: Option<String>, by_id: &mut HashMap<String, usize>) -> usize {
        let known = id.as_ref().and_then(|id| by_id.get(id).copied());
        match known {
            Some(node) if self.nodes.get(node).is_some_and(|node| node.message.is_none()) => {
                if let Some(node) = self.nodes.get_mut(node) {
                    node.message = Some(at);
                }
                node
            }
            _ => {
                let node = self.add(Node {
                    message: Some(at),
                    ..Node::default()
                });
                if let (None, Some(id)) = (known, id) {
                    by_id.insert(id, node);
                }
                node
            }
        }
    }

    fn add(&mut self, node: Node) -> usize {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    fn parent(&self, node: usize) -> Option<usize> {
        self.nodes.get(node)?.parent
    }

    fn children(&self, node: usize) -> &[usize] {
        self.nodes.get(node).map_or(&[], |node| &node.children)
    }

    fn orphan(&mut self, child: usize) {
        if let Some(parent) = self.nodes.get_mut(child).and_then(|node| node.parent.take())
            && let Some(parent) = self.nodes.get_mut(parent)
        {
            parent.children.retain(|known| *known != child);
        }
    }

    /// Puts `child` under `parent` unless that would close a circle.
    fn adopt(&mut self, parent: usize, child: usize) {
        // A node without children is above nobody.
        let mut above = (!self.children(child).is_empty() || child == parent).then_some(parent);
        while let Some(node) = above {
            if node == child {
                return;
            }
            above = self.parent(node);
        }
        if let Some(node) = self.nodes.get_mut(child) {
            node.parent = Some(parent);
        }
        if let Some(node) = self.nodes.get_mut(parent) {
            node.children.push(child);
        }
    }

    fn message(&self, node: usize) -> Option<&Message> {
        self.messages.get(self.nodes.get(node)?.message?)
    }

    /// Steps 2 and 3: the roots, without nodes that stand for no message but for those that hold several together.
    fn prune(&mut self) -> Vec<usize> {
        let mut roots = Vec::new();
        for root in (0..self.nodes.len())
            .filter(|node| self.parent(*node).is_none())
            .collect::<Vec<_>>()
        {
            for node in self.leaves_first(root) {
                if node == root || self.message(node).is_some() {
                    continue;
                }
                let Some(parent) = self.parent(node) else {
                    continue;
                };
                let children = self.children(node).to_vec();
                self.orphan(node);
                for child in children {
                    self.orphan(child);
                    self.adopt(parent, child);
                }
            }
            match (self.message(root).is_some(), self.children(root)) {
                (false, []) => {}
                (false, [only]) => {
                    let only = *only;
                    self.orphan(only);
                    roots.push(only);
                }
                _ => roots.push(root),
            }
        }
        roots
    }

    /// Every node under and with `root`, children before parents.
    fn leaves_first(&self, root: usize) -> Vec<usize> {
        let mut nodes = vec![root];
        let mut at = 0;
        while let Some(node) = nodes.get(at).copied() {
            nodes.extend_from_slice(self.children(node));
            at += 1;
        }
        nodes.reverse();
        nodes
    }

    /// The message that stands for a thread: the root, or its first child when the root is no message.
    fn speaker(&self, root: usize) -> Option<&Message> {
        self.message(root).or_else(|| {
            let children = self.children(root).iter().filter_map(|child| self.message(*child));
            children.min_by_key(|message| (message.sent, message.sequence))
        })
    }

    /// Step 5: threads of equal subject are joined.
    fn join_by_subject(&mut self, roots: Vec<usize>) -> Vec<usize> {
        let mut by_subject: HashMap<String, usize> = HashMap::new();
        for root in &roots {
            let Some(message) = self.speaker(*root).filter(|message| !message.subject.is_empty()) else {
                continue;
            };
            let (subject, is_reply) = (message.subject.clone(), message.is_reply);
            let better = match by_subject.get(&subject) {
                None => true,
                Some(known) => {
                    let known_reply = self.speaker(*known).is_some_and(|message| message.is_reply);
                    let empty = self.message(*root).is_none() && self.message(*known).is_some();
                    empty || (known_reply && !is_reply && self.message(*known).is_some())
                }
            };
            if better {
                by_subject.insert(subject, *root);
            }
        }
        let mut kept = Vec::new();
        let mut gone: Vec<usize> = Vec::new();
        for root in roots {
            let subject = self.speaker(root).map(|message| message.subject.clone());
            let known = subject.and_then(|subject| by_subject.get(&subject).copied());
            match known {
                Some(known) if known != root => self.join(known, root, &mut by_subject, &mut kept, &mut gone),
                _ => kept.push(root),
            }
        }
        kept.retain(|root| !gone.contains(root) && self.parent(*root).is_none());
        kept
    }

    fn join(
        &mut self,
        known: usize,
        root: usize,
        by_subject: &mut HashMap<String, usize>,
        kept: &mut Vec<usize>,
        gone: &mut Vec<usize>,
    ) {
        match (self.message(known), self.message(root)) {
            // Both hold others together: one holds all.
            (None, None) => {
                for child in self.children(root).to_vec() {
                    self.orphan(child);
                    self.adopt(known, child);
                }
                gone.push(root);
            }
            (None, Some(_)) => self.adopt(known, root),
            (Some(first), Some(second)) if second.is_reply && !first.is_reply => self.adopt(known, root),
            // Neither answers the other: both stand under a node that is no message.
            (Some(first), _) => {
                let subject = first.subject.clone();
                let both = self.add(Node::default());
                self.adopt(both, known);
                self.adopt(both, root);
                by_subject.insert(subject, both);
                kept.push(both);
            }
        }
    }

    /// Steps 4 and 6: siblings by sent date.
    fn order(&mut self, mut roots: Vec<usize>) -> Vec<ThreadNode> {
        let key = |forest: &Self, node: usize| {
            let message = forest.speaker(node);
            message.map_or((Timestamp::default(), 0), |message| (message.sent, message.sequence))
        };
        for at in 0..self.nodes.len() {
            let mut children = self.children(at).to_vec();
            children.sort_by_key(|child| key(self, *child));
            if let Some(node) = self.nodes.get_mut(at) {
                node.children = children;
            }
        }
        roots.sort_by_key(|root| key(self, *root));
        roots.into_iter().map(|root| self.written(root)).collect()
    }

    /// The tree under `root`, made from the leaves up.
    fn written(&self, root: usize) -> ThreadNode {
        let mut made: HashMap<usize, ThreadNode> = HashMap::new();
        for node in self.leaves_first(root) {
            let children = self
                .children(node)
                .iter()
                .filter_map(|child| made.remove(child))
                .collect();
            let number = self.message(node).map(|message| message.number);
            made.insert(node, ThreadNode { number, children });
        }
        made.remove(&root).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(number: u32, subject: &str, is_reply: bool, id: &str, references: &[&str]) -> Message {
        Message {
            number,
            sequence: number,
            sent: Timestamp::from_secs(i64::from(number)),
            subject: subject.to_owned(),
            is_reply,
            id: Some(id.to_owned()),
            references: references.iter().map(|id| (*id).to_owned()).collect(),
        }
    }

    fn check(messages: Vec<Message>, expect: &str) {
        let mut output = hongyan_imap::Output::default();
        output.thread(&threads(messages));
        assert_eq!(
            String::from_utf8_lossy(output.waiting()),
            format!("* THREAD{expect}\r\n")
        );
    }

    #[test]
    fn threads_by_references() {
        check(vec![], "");
        check(
            vec![
                message(1, "a", false, "1", &[]),
                message(2, "a", true, "2", &["1"]),
                message(3, "a", true, "3", &["1", "2"]),
                message(4, "b", false, "4", &[]),
                message(5, "a", true, "5", &["1"]),
            ],
            " (1 (2 3)(5))(4)",
        );
        // The message both answer is not here.
        check(
            vec![message(1, "a", true, "1", &["0"]), message(2, "a", true, "2", &["0"])],
            " ((1)(2))",
        );
        // A reply without references finds its thread by subject.
        check(
            vec![message(1, "a", false, "1", &[]), message(2, "a", true, "2", &[])],
            " (1 2)",
        );
        // Equal subjects without a reply mark stand side by side.
        check(
            vec![message(1, "a", false, "1", &[]), message(2, "a", false, "2", &[])],
            " ((1)(2))",
        );
        // A circle is no trap.
        check(
            vec![message(1, "a", false, "1", &["2"]), message(2, "b", false, "2", &["1"])],
            " (2 1)",
        );
    }

    #[test]
    fn a_long_chain_needs_no_stack() {
        let chain = (1..=100_000).map(|number| {
            let above = (number - 1).to_string();
            message(number, "a", true, &number.to_string(), &[above.as_str()])
        });
        let mut output = hongyan_imap::Output::default();
        output.thread(&threads(chain.collect()));
        assert!(output.waiting().ends_with(b" 99999 100000)\r\n"));
    }
}
