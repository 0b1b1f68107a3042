//! One message in one folder, inside chunks and log entries; and sets of UIDs.

use hongyan_types::{ModSeq, Octets, SystemFlags, Timestamp, Uid, UidSet};
use minicbor::{Decode, Encode};

use crate::{EmailId, KeywordId, KeywordSet, MessageEntry, ThreadId};

#[derive(Encode, Decode)]
pub(super) struct EntryV1 {
    #[n(0)]
    uid: u32,
    #[n(1)]
    email: u64,
    #[n(2)]
    thread: u64,
    #[n(3)]
    modseq: u64,
    #[n(4)]
    flags: u8,
    #[n(5)]
    keywords: Vec<u32>,
    #[n(6)]
    octets: u64,
    #[n(7)]
    internal_millis: i64,
    #[n(8)]
    save_millis: i64,
}

impl From<&MessageEntry> for EntryV1 {
    fn from(entry: &MessageEntry) -> Self {
        Self {
            uid: entry.uid.get(),
            email: entry.email.0,
            thread: entry.thread.0,
            modseq: entry.modseq.0,
            flags: entry.flags.bits(),
            keywords: entry.keywords.ids().iter().map(|id| id.0).collect(),
            octets: entry.octets.0,
            internal_millis: entry.internal_date.millis,
            save_millis: entry.save_date.millis,
        }
    }
}

impl EntryV1 {
    /// The entry; `None` for UID 0, which nothing of ours has.
    pub(super) fn read(self) -> Option<MessageEntry> {
        Some(MessageEntry {
            uid: Uid::new(self.uid)?,
            email: EmailId(self.email),
            thread: ThreadId(self.thread),
            modseq: ModSeq(self.modseq),
            flags: SystemFlags::from_bits(self.flags),
            keywords: KeywordSet::new(self.keywords.into_iter().map(KeywordId).collect()),
            octets: Octets(self.octets),
            internal_date: Timestamp {
                millis: self.internal_millis,
            },
            save_date: Timestamp {
                millis: self.save_millis,
            },
        })
    }
}

/// Ranges as first, last, first, last ...
pub(crate) fn put_uids(uids: &UidSet) -> Vec<u32> {
    uids.ranges().flat_map(|range| [range.first, range.last]).collect()
}

pub(crate) fn get_uids(flat: &[u32]) -> UidSet {
    let mut uids = UidSet::new();
    for pair in flat.chunks_exact(2) {
        if let (Some(first), Some(last)) = (Uid::new(pair[0]), Uid::new(pair[1])) {
            uids.insert_range(first, last);
        }
    }
    uids
}
