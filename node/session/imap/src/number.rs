//! Sets of numbers between the wire and the mailbox.

use hongyan_imap::Ranges;
use hongyan_types::{Uid, UidSet};

/// UIDs as the wire has them.
pub(crate) fn ranges(uids: &UidSet) -> Ranges {
    Ranges::from_pairs(uids.ranges().map(|range| (range.first, range.last)))
}

/// UIDs as the mailbox has them.
pub(crate) fn uid_set(ranges: &Ranges) -> UidSet {
    let mut uids = UidSet::new();
    for (first, last) in ranges.ranges() {
        if let (Some(first), Some(last)) = (Uid::new(first), Uid::new(last)) {
            uids.insert_range(first, last);
        }
    }
    uids
}

/// A count as IMAP has it: 32 bits.
pub(crate) fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// A count as IMAP has it: 32 bits.
pub(crate) fn count64(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
