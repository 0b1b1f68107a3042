//! Orders of emails. What is in the folders' views sorts at once; the rest needs keys from the mails' records, which are
//! read once and kept with the snapshot.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use hongyan_jmap::object::EmailSort;
use hongyan_mailbox::{Email, EmailId, read_emails};
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

/// Sorts `rows`; what is equal is in the order in which it came, or the other way round when the first sort is.
pub(super) fn sort(rows: &mut [Row], sorts: &[(EmailSort, bool)], snapshot: &Snapshot, keys: &SortKeys) {
    // Nearly all lists are of this kind, and need nothing but what the row has.
    if let [(EmailSort::ReceivedAt, is_ascending)] = sorts {
        rows.sort_unstable_by_key(|row| (row.received_millis, row.email));
        if !is_ascending {
            rows.reverse();
        }
        return;
    }
    let marks: Vec<BTreeMap<EmailId, bool>> = sorts.iter().map(|(sort, _)| marks(rows, sort, snapshot)).collect();
    rows.sort_by(|a, b| {
        for ((sort, is_ascending), marks) in sorts.iter().zip(&marks) {
            let order = compare(a, b, sort, keys, marks);
            let order = if *is_ascending { order } else { order.reverse() };
            if order != Ordering::Equal {
                return order;
            }
        }
        let is_ascending = sorts.first().is_none_or(|(_, is_ascending)| *is_ascending);
        let order = a.email.cmp(&b.email);
        if is_ascending { order } else { order.reverse() }
    });
}

fn compare(a: &Row, b: &Row, sort: &EmailSort, keys: &SortKeys, marks: &BTreeMap<EmailId, bool>) -> Ordering {
    fn by<K: Ord>(a: Option<K>, b: Option<K>) -> Ordering {
        a.cmp(&b)
    }
    let (first, second) = (keys.get(&a.email), keys.get(&b.email));
    match sort {
        EmailSort::ReceivedAt => a.received_millis.cmp(&b.received_millis),
        EmailSort::Size => a.octets.cmp(&b.octets),
        EmailSort::From => by(first.map(|keys| &keys.from), second.map(|keys| &keys.from)),
        EmailSort::To => by(first.map(|keys| &keys.to), second.map(|keys| &keys.to)),
        EmailSort::Subject => by(first.map(|keys| &keys.subject), second.map(|keys| &keys.subject)),
        EmailSort::SentAt => by(first.map(|keys| keys.sent_millis), second.map(|keys| keys.sent_millis)),
        EmailSort::HasKeyword(_) | EmailSort::AllInThreadHaveKeyword(_) | EmailSort::SomeInThreadHaveKeyword(_) => {
            marks.get(&a.email).cmp(&marks.get(&b.email))
        }
    }
}

/// Whether each email has what a sort by keyword looks at.
fn marks(rows: &[Row], sort: &EmailSort, snapshot: &Snapshot) -> BTreeMap<EmailId, bool> {
    let (name, in_thread) = match sort {
        EmailSort::HasKeyword(name) => (name, None),
        EmailSort::AllInThreadHaveKeyword(name) => (name, Some(true)),
        EmailSort::SomeInThreadHaveKeyword(name) => (name, Some(false)),
        _ => return BTreeMap::new(),
    };
    let wanted = Wanted::read(name);
    let rows = rows.iter().filter_map(|row| {
        let found = snapshot.find(row.email)?;
        let mark = match in_thread {
            None => wanted.is_on(snapshot, &found),
            Some(all) => thread_has(snapshot, found.thread(), &wanted, all),
        };
        Some((row.email, mark))
    });
    rows.collect()
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
