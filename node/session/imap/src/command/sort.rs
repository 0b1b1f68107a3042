//! SORT (RFC 5256 §3).

use std::cmp::Ordering;

use hongyan_imap::Status;
use hongyan_imap::command::sort::{Sort, SortBy, SortCriterion};
use hongyan_mailbox::{Email, MessageEntry};
use hongyan_message::{AddressItem, subject};

use crate::command::order::sent_date;
use crate::session::Session;
use crate::stop::Answer;

/// One key of one message.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Number(i64),
    Text(String),
}

impl Session {
    pub(crate) async fn sort(&mut self, sort: &Sort) -> Answer {
        let uses_mod_seq = sort.key.uses_mod_seq();
        if uses_mod_seq {
            self.enable_cond_store();
        }
        let needs_record = sort
            .criteria
            .iter()
            .any(|criterion| !matches!(criterion.by, SortBy::Arrival | SortBy::Size));
        let mut highest = 0;
        let mut rows = self
            .gather(&sort.key, needs_record, |hit, email| {
                highest = highest.max(hit.entry.modseq.0);
                let keys: Vec<Key> = sort
                    .criteria
                    .iter()
                    .map(|criterion| key(criterion.by, &hit.entry, email))
                    .collect();
                (keys, hit.sequence, hit.number(sort.uid))
            })
            .await?;
        // RFC 5256 §3: equal messages stay in the order of the folder, also under REVERSE.
        rows.sort_by(|a, b| compare(&sort.criteria, &a.0, &b.0).then(a.1.cmp(&b.1)));
        let order: Vec<u32> = rows.iter().map(|(_, _, number)| *number).collect();
        let mod_seq = (uses_mod_seq && !order.is_empty()).then_some(highest);
        self.imap.output().sort(&order, mod_seq);
        Ok(Status::ok("Sort completed"))
    }
}

fn compare(criteria: &[SortCriterion], left: &[Key], right: &[Key]) -> Ordering {
    for ((criterion, left), right) in criteria.iter().zip(left).zip(right) {
        let order = left.cmp(right);
        if order != Ordering::Equal {
            return if criterion.reverse { order.reverse() } else { order };
        }
    }
    Ordering::Equal
}

fn key(by: SortBy, entry: &MessageEntry, email: Option<&Email>) -> Key {
    let envelope = email.map(|email| &email.structure.envelope);
    let first = |list: Option<&Vec<AddressItem>>| Key::Text(first_mailbox(list.map_or(&[], Vec::as_slice)));
    match by {
        SortBy::Arrival => Key::Number(entry.internal_date.millis),
        SortBy::Size => Key::Number(i64::try_from(entry.octets.0).unwrap_or(i64::MAX)),
        SortBy::Date => {
            let sent = email.map_or(entry.internal_date, |email| sent_date(entry, email));
            Key::Number(sent.millis)
        }
        SortBy::Cc => first(envelope.map(|envelope| &envelope.cc)),
        SortBy::From => first(envelope.map(|envelope| &envelope.from)),
        SortBy::To => first(envelope.map(|envelope| &envelope.to)),
        SortBy::Subject => {
            let subject = envelope.and_then(|envelope| envelope.subject.as_deref()).unwrap_or("");
            Key::Text(subject::key(&subject::base(subject)))
        }
    }
}

/// The local part of the first address (RFC 5256 §3); a group's name when the list begins with one.
fn first_mailbox(list: &[AddressItem]) -> String {
    match list.first() {
        Some(AddressItem::Mailbox(mailbox)) => mailbox.local.to_lowercase(),
        Some(AddressItem::GroupStart(name)) => name.to_lowercase(),
        Some(AddressItem::GroupEnd) | None => String::new(),
    }
}
