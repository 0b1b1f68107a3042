//! Whether a chain is whole.

use crate::record::entry;
use crate::{Chain, Head};

/// An end of the chain that was noted elsewhere, earlier.
pub type Anchor = Head;

/// What a look through a chain has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Every entry follows from the one before, up to this end; note it elsewhere.
    Whole(Head),
    /// Up to the number before this one all is whole.
    Broken {
        /// The first entry that is not as it was written.
        sequence: u64,
        /// What is wrong with it.
        reason: String,
    },
}

/// Goes through a chain entry by entry.
pub(crate) struct Verifier {
    chain: Chain,
    head: Head,
    anchor: Option<Anchor>,
}

impl Verifier {
    pub(crate) fn new(chain: Chain, anchor: Option<Anchor>) -> Self {
        Self {
            chain,
            head: Head::START,
            anchor,
        }
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
        let noted = self.anchor.filter(|anchor| anchor.sequence == sequence);
        noted.filter(|anchor| anchor.hash != sealed.hash).map(|_| {
            broken(
                sequence,
                "the chain was rewritten: its hash is not the one that was noted",
            )
        })
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
            _ => Verdict::Whole(end),
        }
    }
}

fn broken(sequence: u64, reason: &str) -> Verdict {
    Verdict::Broken {
        sequence,
        reason: reason.to_owned(),
    }
}
