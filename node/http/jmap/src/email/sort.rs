//! Orders of emails. What is in the folders' views sorts at once; the rest needs digests of the mails' records.

use std::cmp::Ordering;

use hongyan_jmap::object::EmailSort;
use hongyan_mailbox::{EmailId, ThreadId};

use super::digest_page::Digest;
use super::digests::Digests;
use super::keywords::Wanted;
use crate::snapshot::{Found, Placed, Snapshot, Threaded};

/// An email in a list that is sorted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub(super) email: EmailId,
    pub(super) thread: ThreadId,
    pub(super) received_millis: i64,
    pub(super) octets: u64,
}

pub(super) fn needs_digests(sort: &EmailSort) -> bool {
    matches!(
        sort,
        EmailSort::From | EmailSort::To | EmailSort::Subject | EmailSort::SentAt
    )
}

/// What rows are sorted by.
struct Order<'k> {
    sorts: &'k [(EmailSort, bool)],
    rows: &'k [Row],
    /// Of each row, where a sort needs them.
    digests: Vec<Option<Digest<'k>>>,
    /// Of each row, for each sort by a keyword whether the email has it; empty when there is none.
    marks: Vec<u64>,
}

/// Sorts `rows`; what is equal is in the order in which it came, or the other way round when the first sort is.
pub(super) fn sort(rows: &mut Vec<Row>, sorts: &[(EmailSort, bool)], snapshot: &Snapshot, digests: &Digests) {
    // Nearly all lists are of this kind, and need nothing but what the row has.
    if let [(EmailSort::ReceivedAt, is_ascending)] = sorts {
        rows.sort_unstable_by_key(|row| (row.received_millis, row.email));
        if !is_ascending {
            rows.reverse();
        }
        return;
    }
    let order = Order::new(rows, sorts, snapshot, digests);
    // Most comparisons end at a number that stands beside the row: they touch no other memory.
    let mut sorted: Vec<(u128, usize)> = (0..rows.len()).map(|at| (order.first(at), at)).collect();
    sorted.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| order.compare(a.1, b.1)));
    *rows = sorted.into_iter().map(|(_, at)| rows[at]).collect();
}

/// The beginning of a text as a number of the same order.
fn beginning(text: &str) -> u128 {
    let mut octets = [0; 16];
    let length = text.len().min(octets.len());
    octets[..length].copy_from_slice(&text.as_bytes()[..length]);
    u128::from_be_bytes(octets)
}

fn of_signed(number: i64) -> u128 {
    u128::from(number.cast_unsigned() ^ 1 << 63)
}

impl<'k> Order<'k> {
    fn new(rows: &'k [Row], sorts: &'k [(EmailSort, bool)], snapshot: &Snapshot, known: &'k Digests) -> Self {
        let wanted: Vec<Option<(Wanted, Option<bool>)>> = sorts.iter().map(|(by, _)| keyword_of(by)).collect();
        let has_marks = wanted.iter().any(Option::is_some);
        let mut digests = Vec::new();
        if sorts.iter().any(|(by, _)| needs_digests(by)) {
            let mut known = known.reader();
            digests.extend(rows.iter().map(|row| known.get(row.email)));
        }
        let mut marked = Vec::new();
        if has_marks {
            marked.extend(rows.iter().map(|row| marks(row, &wanted, snapshot)));
        }
        Self {
            sorts,
            rows,
            digests,
            marks: marked,
        }
    }
    /// A number by which a row comes before or behind others by the first sort; equal ones must be compared.
    fn first(&self, at: usize) -> u128 {
        let Some((by, is_ascending)) = self.sorts.first() else {
            return 0;
        };
        let digest = || self.digests[at];
        let number = match by {
            EmailSort::ReceivedAt => of_signed(self.rows[at].received_millis),
            EmailSort::Size => u128::from(self.rows[at].octets),
            EmailSort::From => digest().map_or(0, |digest| beginning(digest.from())),
            EmailSort::To => digest().map_or(0, |digest| beginning(digest.to())),
            EmailSort::Subject => digest().map_or(0, |digest| beginning(digest.subject())),
            EmailSort::SentAt => digest().map_or(0, |digest| of_signed(digest.sent_millis())),
            _ => u128::from(self.marks[at] & 1),
        };
        if *is_ascending { number } else { !number }
    }
    fn compare(&self, a: usize, b: usize) -> Ordering {
        for (sort, (by, is_ascending)) in self.sorts.iter().enumerate() {
            let order = self.compare_by(a, b, by, sort);
            let order = if *is_ascending { order } else { order.reverse() };
            if order != Ordering::Equal {
                return order;
            }
        }
        let order = self.rows[a].email.cmp(&self.rows[b].email);
        let is_ascending = self.sorts.first().is_none_or(|(_, is_ascending)| *is_ascending);
        if is_ascending { order } else { order.reverse() }
    }
    fn compare_by(&self, a: usize, b: usize, by: &EmailSort, sort: usize) -> Ordering {
        let text = |text: fn(&Digest<'k>) -> &'k str| {
            let of = |at: usize| self.digests[at].as_ref().map(text);
            of(a).cmp(&of(b))
        };
        let mark = |at: usize| self.marks[at] >> sort & 1;
        match by {
            EmailSort::ReceivedAt => self.rows[a].received_millis.cmp(&self.rows[b].received_millis),
            EmailSort::Size => self.rows[a].octets.cmp(&self.rows[b].octets),
            EmailSort::From => text(Digest::from),
            EmailSort::To => text(Digest::to),
            EmailSort::Subject => text(Digest::subject),
            EmailSort::SentAt => {
                let sent = |at: usize| self.digests[at].map(|digest| digest.sent_millis());
                sent(a).cmp(&sent(b))
            }
            EmailSort::HasKeyword(_) | EmailSort::AllInThreadHaveKeyword(_) | EmailSort::SomeInThreadHaveKeyword(_) => {
                mark(a).cmp(&mark(b))
            }
        }
    }
}

/// The keyword that a sort looks at, and whether in all mails of the thread, in some, or in the mail alone.
fn keyword_of(by: &EmailSort) -> Option<(Wanted, Option<bool>)> {
    match by {
        EmailSort::HasKeyword(name) => Some((Wanted::read(name), None)),
        EmailSort::AllInThreadHaveKeyword(name) => Some((Wanted::read(name), Some(true))),
        EmailSort::SomeInThreadHaveKeyword(name) => Some((Wanted::read(name), Some(false))),
        _ => None,
    }
}

/// A bit for each sort by a keyword: there are few sorts.
fn marks(row: &Row, wanted: &[Option<(Wanted, Option<bool>)>], snapshot: &Snapshot) -> u64 {
    let Some(found) = snapshot.find(row.email) else {
        return 0;
    };
    let bits = wanted.iter().enumerate().map(|(at, wanted)| {
        let is_on = match wanted {
            None => false,
            Some((wanted, None)) => wanted.is_on(snapshot, &found),
            Some((wanted, Some(all))) => thread_has(snapshot, &found, wanted, *all),
        };
        u64::from(is_on) << at
    });
    bits.sum()
}

/// Whether all emails of the thread of `found` have a keyword, or some.
pub(super) fn thread_has(snapshot: &Snapshot, found: &Found<'_>, wanted: &Wanted, all: bool) -> bool {
    let is_on = |places: &[Placed]| {
        let found = snapshot.found(places);
        found.is_some_and(|found| wanted.is_on(snapshot, &found))
    };
    let mut has = |email: &[Threaded]| match email {
        [once] => is_on(&[once.into()]),
        often => is_on(&often.iter().map(Placed::from).collect::<Vec<_>>()),
    };
    let mut emails = snapshot.thread(found.thread()).chunk_by(|a, b| a.1 == b.1);
    if all {
        emails.all(&mut has)
    } else {
        emails.any(&mut has)
    }
}
