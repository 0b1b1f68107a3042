//! Orders of emails. What is in the folders' views sorts at once; the rest needs keys from the mails' records, which are
//! read once and kept with the snapshot.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use hongyan_jmap::object::EmailSort;
use hongyan_mailbox::{Email, EmailId, ThreadId, read_emails};
use hongyan_message::{AddressItem, subject, words};

use super::keywords::Wanted;
use crate::call::Call;
use crate::error::Outcome;
use crate::snapshot::Snapshot;

/// Records read together.
const RECORDS: usize = 256;
/// Octets kept of a text that is sorted by.
const KEY_OCTETS_MAX: usize = 64;

/// What an email is sorted by beside what its entries have.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    from: Box<str>,
    to: Box<str>,
    subject: Box<str>,
    sent_millis: i64,
}

/// The keys of emails; those that are gone do no harm.
pub(crate) type SortKeys = BTreeMap<EmailId, Keys>;

/// An email in a list that is sorted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub(super) email: EmailId,
    pub(super) thread: ThreadId,
    pub(super) received_millis: i64,
    pub(super) octets: u64,
}

impl Keys {
    fn of(email: &Email) -> Self {
        let structure = &email.structure;
        let text = structure.envelope.subject.as_deref().unwrap_or_default();
        Self {
            from: short(&name(&structure.envelope.from)),
            to: short(&name(&structure.envelope.to)),
            subject: short(&subject::key(&subject::base(text))),
            sent_millis: structure.sent.map_or(i64::MIN, |sent| sent.timestamp.millis),
        }
    }
}

/// RFC 8621 §4.4.2: the name of the first address, or the address.
fn name(items: &[AddressItem]) -> String {
    let first = items.iter().find_map(|item| match item {
        AddressItem::Mailbox(mailbox) => Some(mailbox),
        _ => None,
    });
    let Some(mailbox) = first else { return String::new() };
    let name = mailbox.name.as_deref().map(words::decode).unwrap_or_default();
    if name.trim().is_empty() {
        let domain = mailbox.domain.as_deref().unwrap_or_default();
        return format!("{}@{domain}", mailbox.local).to_lowercase();
    }
    name.trim().to_lowercase()
}

fn short(text: &str) -> Box<str> {
    text[..text.floor_char_boundary(KEY_OCTETS_MAX)].into()
}

pub(super) fn needs_keys(sort: &EmailSort) -> bool {
    matches!(
        sort,
        EmailSort::From | EmailSort::To | EmailSort::Subject | EmailSort::SentAt
    )
}

/// The keys of all `emails`, read where they are missing from `known`, and kept for later.
pub(super) async fn keys(
    call: &Call<'_>,
    known: &Arc<SortKeys>,
    emails: impl Iterator<Item = EmailId>,
) -> Outcome<Arc<SortKeys>> {
    let missing: Vec<EmailId> = emails.filter(|email| !known.contains_key(email)).collect();
    if missing.is_empty() {
        return Ok(Arc::clone(known));
    }
    let mut keys = SortKeys::clone(known);
    for some in missing.chunks(RECORDS) {
        let records = read_emails(&call.jmap.services.database, call.account.mailbox, some).await?;
        for (email, record) in some.iter().zip(records) {
            keys.extend(record.map(|record| (*email, Keys::of(&record))));
        }
        tokio::task::yield_now().await;
    }
    let keys = Arc::new(keys);
    call.jmap.keep_keys(call.account.mailbox, &keys).await;
    Ok(keys)
}

/// A row with all that it is sorted by looked up.
struct Sorted<'k> {
    row: Row,
    keys: Option<&'k Keys>,
    /// For each sort by a keyword, whether the email has it.
    marks: u64,
}

/// Sorts `rows`; what is equal is in the order in which it came, or the other way round when the first sort is.
pub(super) fn sort(rows: &mut Vec<Row>, sorts: &[(EmailSort, bool)], snapshot: &Snapshot, keys: &SortKeys) {
    // Nearly all lists are of this kind, and need nothing but what the row has.
    if let [(EmailSort::ReceivedAt, is_ascending)] = sorts {
        rows.sort_unstable_by_key(|row| (row.received_millis, row.email));
        if !is_ascending {
            rows.reverse();
        }
        return;
    }
    let needs_keys = sorts.iter().any(|(by, _)| needs_keys(by));
    let wanted: Vec<Option<(Wanted, Option<bool>)>> = sorts.iter().map(|(by, _)| keyword_of(by)).collect();
    let has_marks = wanted.iter().any(Option::is_some);
    let mut sorted: Vec<Sorted<'_>> = rows
        .iter()
        .map(|row| Sorted {
            row: *row,
            keys: if needs_keys { keys.get(&row.email) } else { None },
            marks: if has_marks { marks(row, &wanted, snapshot) } else { 0 },
        })
        .collect();
    let last = sorts.first().is_none_or(|(_, is_ascending)| *is_ascending);
    sorted.sort_unstable_by(|a, b| {
        for (at, (by, is_ascending)) in sorts.iter().enumerate() {
            let order = compare(a, b, by, at);
            let order = if *is_ascending { order } else { order.reverse() };
            if order != Ordering::Equal {
                return order;
            }
        }
        let order = a.row.email.cmp(&b.row.email);
        if last { order } else { order.reverse() }
    });
    rows.clear();
    rows.extend(sorted.into_iter().map(|sorted| sorted.row));
}

fn compare(a: &Sorted<'_>, b: &Sorted<'_>, by: &EmailSort, at: usize) -> Ordering {
    let mark = |of: &Sorted<'_>| of.marks >> at & 1;
    match by {
        EmailSort::ReceivedAt => a.row.received_millis.cmp(&b.row.received_millis),
        EmailSort::Size => a.row.octets.cmp(&b.row.octets),
        EmailSort::From => a.keys.map(|keys| &keys.from).cmp(&b.keys.map(|keys| &keys.from)),
        EmailSort::To => a.keys.map(|keys| &keys.to).cmp(&b.keys.map(|keys| &keys.to)),
        EmailSort::Subject => a.keys.map(|keys| &keys.subject).cmp(&b.keys.map(|keys| &keys.subject)),
        EmailSort::SentAt => a
            .keys
            .map(|keys| keys.sent_millis)
            .cmp(&b.keys.map(|keys| keys.sent_millis)),
        EmailSort::HasKeyword(_) | EmailSort::AllInThreadHaveKeyword(_) | EmailSort::SomeInThreadHaveKeyword(_) => {
            mark(a).cmp(&mark(b))
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
            Some((wanted, Some(all))) => thread_has(snapshot, found.thread(), wanted, *all),
        };
        u64::from(is_on) << at
    });
    bits.sum()
}

/// Whether all emails of a thread have a keyword, or some.
pub(super) fn thread_has(snapshot: &Snapshot, thread: hongyan_mailbox::ThreadId, wanted: &Wanted, all: bool) -> bool {
    let mut emails = snapshot
        .thread(thread)
        .chunk_by(|a, b| a.1 == b.1)
        .map(|email| email[0].1);
    let mut has = |email| snapshot.find(email).is_some_and(|found| wanted.is_on(snapshot, &found));
    if all {
        emails.all(&mut has)
    } else {
        emails.any(&mut has)
    }
}
