//! What changed between two views of a folder, found where their shared parts end.

use std::cmp::Ordering;
use std::sync::Arc;

use hongyan_types::UidSet;

use super::folder_view::{Chunk, Group};
use crate::{FolderView, MessageEntry};

/// How a newer view differs from an older one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    /// Messages that are gone.
    pub vanished: UidSet,
    /// Messages in both whose flags changed, as they are now, by UID.
    pub changed: Vec<MessageEntry>,
    /// Messages that are new, by UID.
    pub added: Vec<MessageEntry>,
}

impl Difference {
    /// Whether nothing changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.vanished.is_empty() && self.changed.is_empty() && self.added.is_empty()
    }
    fn add(&mut self, entries: &[MessageEntry]) {
        self.added.extend_from_slice(entries);
    }
    fn vanish(&mut self, entries: &[MessageEntry]) {
        for entry in entries {
            self.vanished.insert(entry.uid);
        }
    }
    fn compare(&mut self, old: &[MessageEntry], new: &[MessageEntry]) {
        merge(
            old,
            new,
            |entry| entry.uid,
            |pair| match pair {
                (Some(old), None) => self.vanish(std::slice::from_ref(old)),
                (None, Some(new)) => self.add(std::slice::from_ref(new)),
                (Some(old), Some(new)) if old.modseq != new.modseq => self.changed.push(new.clone()),
                _ => {}
            },
        );
    }
}

/// Visits two lists sorted by `key` side by side.
fn merge<T, K: Ord>(old: &[T], new: &[T], key: impl Fn(&T) -> K, mut visit: impl FnMut((Option<&T>, Option<&T>))) {
    let (mut old, mut new) = (old.iter().peekable(), new.iter().peekable());
    loop {
        let order = match (old.peek(), new.peek()) {
            (None, None) => return,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(old), Some(new)) => key(old).cmp(&key(new)),
        };
        visit(match order {
            Ordering::Less => (old.next(), None),
            Ordering::Greater => (None, new.next()),
            Ordering::Equal => (old.next(), new.next()),
        });
    }
}

impl FolderView {
    /// How `newer` differs from `self`, both of the same folder and UIDVALIDITY. The cost is that of what differs.
    #[must_use]
    pub fn difference(&self, newer: &Self) -> Difference {
        let mut difference = Difference::default();
        if Arc::ptr_eq(&self.groups, &newer.groups) {
            return difference;
        }
        fn chunks(group: Option<&Arc<Group>>) -> &[Arc<Chunk>] {
            group.map_or(&[], |group| &group.chunks)
        }
        fn entries(chunk: Option<&Arc<Chunk>>) -> &[MessageEntry] {
            chunk.map_or(&[], |chunk| &chunk.entries)
        }
        merge(
            &self.groups,
            &newer.groups,
            |group| group.index,
            |(old, new)| {
                if old.zip(new).is_some_and(|(old, new)| Arc::ptr_eq(old, new)) {
                    return;
                }
                merge(
                    chunks(old),
                    chunks(new),
                    |chunk| chunk.index,
                    |(old, new)| {
                        if !old.zip(new).is_some_and(|(old, new)| Arc::ptr_eq(old, new)) {
                            difference.compare(entries(old), entries(new));
                        }
                    },
                );
            },
        );
        difference
    }
}
