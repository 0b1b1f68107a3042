//! Who reaches the data store, by what nodes say in their heartbeats to this leader.
//!
//! A node that lives without the store serves nobody. While another one could follow it, its heartbeats count for
//! nothing: its lease ends and it is taken for dead like one that is silent. While no other one could, they count, for
//! then there is nothing to be gained.

use std::collections::{BTreeMap, BTreeSet};

use hongyan_metadata::Incarnation;

/// A process of a node.
pub(crate) type Process = (u64, Incarnation);

#[derive(Default)]
pub(crate) struct Able {
    /// When each said last that it reaches the store; none who has said otherwise since.
    said: BTreeMap<Process, u64>,
    /// Those whose last heartbeat did not count.
    without: BTreeSet<Process>,
}

impl Able {
    /// Notes a heartbeat. Gives whether it counts: the node reaches the store, or nobody does who `may_follow` it and has
    /// said so since `fresh_micros`.
    pub(crate) fn hear(
        &mut self,
        process: Process,
        is_able: bool,
        now_micros: u64,
        fresh_micros: u64,
        may_follow: impl Fn(&Process) -> bool,
    ) -> bool {
        if is_able {
            self.said.insert(process, now_micros);
        } else {
            self.said.remove(&process);
        }
        let is_followed = |(other, said): (&Process, &u64)| {
            other.0 != process.0 && now_micros.saturating_sub(*said) < fresh_micros && may_follow(other)
        };
        let counts = is_able || !self.said.iter().any(is_followed);
        if counts {
            self.without.remove(&process);
        } else {
            self.without.insert(process);
        }
        counts
    }
    /// Forgets those who are not `open`.
    pub(crate) fn retain(&mut self, is_open: impl Fn(&Process) -> bool) {
        self.said.retain(|process, _| is_open(process));
        self.without.retain(is_open);
    }
    /// The nodes that have said since `fresh_micros` that they reach the store: what is planned goes to them.
    pub(crate) fn with(&self, now_micros: u64, fresh_micros: u64) -> BTreeSet<u64> {
        let fresh = self
            .said
            .iter()
            .filter(|(_, said)| now_micros.saturating_sub(**said) < fresh_micros);
        fresh.map(|((node, _), _)| *node).collect()
    }
    /// The nodes that lack the store while others have it: not to be given anything.
    pub(crate) fn without(&self) -> BTreeSet<u64> {
        self.without.iter().map(|(node, _)| *node).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(node: u64) -> Process {
        (node, Incarnation { number: 1, nonce: 9 })
    }

    #[test]
    fn who_lacks_the_store_counts_while_nobody_could_follow() {
        let mut able = Able::default();
        let mut hear = |node, is_able, now| able.hear(process(node), is_able, now, 800, |other| other.0 != 4);
        assert!(hear(1, false, 0), "nobody else is known");
        assert!(hear(4, true, 0), "reaches it");
        assert!(hear(1, false, 10), "the fourth may not follow");
        assert!(hear(2, true, 20));
        assert!(!hear(1, false, 30), "the second could follow");
        assert!(!hear(1, false, 819));
        assert!(hear(1, false, 820), "the second has been silent too long");
        assert!(hear(2, true, 900));
        assert!(!hear(1, false, 910));
        assert!(hear(2, false, 920), "nobody else reaches it");
        assert!(hear(1, false, 930), "the second has lost it too");
    }

    #[test]
    fn those_without_are_known_until_they_count_or_are_forgotten() {
        let mut able = Able::default();
        for (node, is_able) in [(1, true), (2, false), (3, false)] {
            able.hear(process(node), is_able, 5, 800, |_| true);
        }
        assert_eq!(able.without(), BTreeSet::from([2, 3]));
        able.hear(process(2), true, 6, 800, |_| true);
        assert_eq!(able.without(), BTreeSet::from([3]));
        able.retain(|(node, _)| *node != 3);
        assert_eq!(able.without(), BTreeSet::new());
    }
}
