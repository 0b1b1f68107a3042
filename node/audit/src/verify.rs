//! Whether a chain is whole.

use crate::record::entry;
use crate::{Chain, Cut, Head};

/// An end of the chain that was noted elsewhere, earlier.
pub type Anchor = Head;

/// What a look through a chain has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Every entry follows from the one before.
    Whole(Whole),
    /// Up to the number before this one all is whole.
    Broken {
        /// The first entry that is not as it was written.
        sequence: u64,
        /// What is wrong with it.
        reason: String,
    },
}

/// A chain that is as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Whole {
    /// Up to where; note it elsewhere.
    pub end: Head,
    /// From where, if entries before it were kept long enough and removed.
    pub cut: Option<Cut>,
}

/// Goes through a chain entry by entry.
pub(crate) struct Verifier {
    chain: Chain,
    head: Head,
    anchor: Option<Anchor>,
    cut: Option<Cut>,
    /// Whether the chain itself tells of the cut.
    is_told: bool,
}

impl Verifier {
    pub(crate) fn new(chain: Chain, cut: Option<Cut>, anchor: Option<Anchor>) -> Self {
        Self {
            chain,
            head: cut.map_or(Head::START, |cut| cut.last),
            anchor,
            cut,
            is_told: cut.is_none(),
        }
    }

    /// Tells when the chain goes on from another entry than the one that was noted.
    pub(crate) fn check_anchor(&self) -> Option<Verdict> {
        let cut = self.cut?;
        let noted = self.anchor.filter(|anchor| anchor.sequence == cut.last.sequence);
        noted
            .filter(|anchor| *anchor != cut.last)
            .map(|anchor| rewritten(anchor.sequence))
    }

    pub(crate) fn head(&self) -> Head {
        self.head
    }

    /// Takes the next entry; tells when it does not follow.
    pub(crate) fn take(&mut self, sequence: u64, stored: &[u8]) -> Option<Verdict> {
        let expect = self.head.sequence + 1;
        if sequence != expect {
            return Some(broken(expect, "the entry is missing"));
        }
        let sealed = match entry::unseal(stored) {
            Ok(sealed) => sealed,
            Err(error) => return Some(broken(sequence, &format!("the entry cannot be read: {error}"))),
        };
        if entry::hash(self.chain, self.head, &sealed.said) != sealed.hash {
            return Some(broken(sequence, "the entry does not follow from what is before it"));
        }
        self.head = Head {
            sequence,
            hash: sealed.hash,
        };
        if let (Some(cut), false) = (&self.cut, self.is_told) {
            // What a later release says in other words tells of nothing that this one cut.
            self.is_told = entry::read(&sealed.said).is_ok_and(|said| cut.is_told_by(&said));
        }
        let noted = self.anchor.filter(|anchor| anchor.sequence == sequence);
        noted
            .filter(|anchor| anchor.hash != sealed.hash)
            .map(|_| rewritten(sequence))
    }

    pub(crate) fn finish(self, end: Head) -> Verdict {
        if self.head.sequence < end.sequence {
            return broken(self.head.sequence + 1, "the entry is missing");
        }
        if self.head != end {
            return broken(end.sequence, "the chain's end is another than the one recorded");
        }
        match self.anchor {
            Some(anchor) if anchor.sequence > end.sequence => {
                broken(end.sequence + 1, "entries that were noted are missing")
            }
            _ if !self.is_told => broken(
                self.cut.map_or(1, |cut| cut.last.sequence + 1),
                "what was before it was removed, and the log does not say so",
            ),
            _ => Verdict::Whole(Whole { end, cut: self.cut }),
        }
    }
}

fn rewritten(sequence: u64) -> Verdict {
    broken(
        sequence,
        "the chain was rewritten: its hash is not the one that was noted",
    )
}

fn broken(sequence: u64, reason: &str) -> Verdict {
    Verdict::Broken {
        sequence,
        reason: reason.to_owned(),
    }
}
