//! Conditions on one message, in three steps; `None` says that the next step must decide.

use hongyan_imap::command::search::SearchKey;
use hongyan_imap::{Date, Ranges, Status};
use hongyan_mailbox::search::{Needle, Place, fold};
use hongyan_mailbox::{Email, KeywordId, MessageEntry};
use hongyan_message::{AddressItem, words};
use hongyan_types::{Octets, Timestamp};

use crate::number::count;
use crate::select_state::Selected;
use crate::stop::Stop;

/// A search key with everything looked up that is the same for all messages.
enum Condition {
    Constant(bool),
    All(Vec<Condition>),
    Any(Box<Condition>, Box<Condition>),
    Not(Box<Condition>),
    Sequence(Ranges),
    Uid(Ranges),
    Index(fn(&MessageEntry, u64) -> bool, u64),
    Keyword(KeywordId),
    Day(DayOf, Comparison, Date),
    EmailId(String),
    ThreadId(String),
    /// A field of the stored envelope contains this (folded).
    Envelope(EnvelopeField, String),
    /// Number of a needle.
    Text(usize),
}

#[derive(Clone, Copy)]
enum DayOf {
    Internal,
    Sent,
    Saved,
}

#[derive(Clone, Copy)]
enum Comparison {
    Before,
    On,
    Since,
}

#[derive(Clone, Copy)]
enum EnvelopeField {
    Bcc,
    Cc,
    From,
    Subject,
    To,
}

/// All conditions of one search.
pub(super) struct Conditions {
    root: Condition,
    needles: Vec<Needle>,
}

impl Conditions {
    pub(super) fn new(key: &SearchKey, selected: &Selected, now: Timestamp) -> Result<Self, Stop> {
        let mut needles = Vec::new();
        let root = compile(key, selected, now, &mut needles)?;
        Ok(Self { root, needles })
    }

    pub(super) fn needles(&self) -> &[Needle] {
        &self.needles
    }

    pub(super) fn by_index(&self, sequence: u32, entry: &MessageEntry) -> Option<bool> {
        self.root.check(&Message {
            sequence,
            entry,
            email: None,
            found: None,
        })
    }

    pub(super) fn by_record(&self, sequence: u32, entry: &MessageEntry, email: &Email) -> Option<bool> {
        self.root.check(&Message {
            sequence,
            entry,
            email: Some(email),
            found: None,
        })
    }

    /// `found` says of each needle whether it is there.
    pub(super) fn by_text(&self, sequence: u32, entry: &MessageEntry, email: &Email, found: &[bool]) -> bool {
        let message = Message {
            sequence,
            entry,
            email: Some(email),
            found: Some(found),
        };
        self.root.check(&message) == Some(true)
    }
}

fn compile(key: &SearchKey, selected: &Selected, now: Timestamp, needles: &mut Vec<Needle>) -> Result<Condition, Stop> {
    let mut needle = |place, text: &str| {
        needles.push(Needle {
            place,
            text: fold(text),
        });
        Condition::Text(needles.len() - 1)
    };
    Ok(match key {
        SearchKey::And(keys) => {
            let all: Result<Vec<_>, Stop> = keys.iter().map(|key| compile(key, selected, now, needles)).collect();
            Condition::All(all?)
        }
        SearchKey::Or(left, right) => Condition::Any(
            Box::new(compile(left, selected, now, needles)?),
            Box::new(compile(right, selected, now, needles)?),
        ),
        SearchKey::Not(key) => Condition::Not(Box::new(compile(key, selected, now, needles)?)),
        SearchKey::Sequence(hongyan_imap::SequenceSet::Saved) => Condition::Uid(selected.saved.clone()),
        SearchKey::Sequence(set) => {
            let messages = count(selected.view.len());
            let ranges = set.resolve(messages, &selected.saved);
            if ranges.last().is_some_and(|last| last > messages) {
                return Err(Status::bad("No message of that number").into());
            }
            Condition::Sequence(ranges)
        }
        SearchKey::Uid(set) => {
            let largest = selected.view.last().map_or(1, |entry| entry.uid.get());
            Condition::Uid(set.resolve(largest, &selected.saved))
        }
        SearchKey::Header(name, text) => match (envelope_field(name), text.is_empty()) {
            (Some(field), false) => Condition::Envelope(field, fold(text)),
            _ => needle(Place::Field(name.clone()), text),
        },
        SearchKey::Body(text) => needle(Place::Body, text),
        SearchKey::Text(text) => needle(Place::Everywhere, text),
        key => compile_index(key, selected, now),
    })
}

fn compile_index(key: &SearchKey, selected: &Selected, now: Timestamp) -> Condition {
    let ago = |secs: &u32| u64::try_from(now.secs().saturating_sub(i64::from(*secs))).unwrap_or(0);
    match key {
        SearchKey::Flag(flag) => Condition::Index(
            |entry, bit| u64::from(entry.flags.bits()) & bit != 0,
            u64::from(flag.bit()),
        ),
        SearchKey::Keyword(keyword) => match selected.latest().keywords().id(keyword) {
            Some(id) => Condition::Keyword(id),
            None => Condition::Constant(false),
        },
        SearchKey::Before(date) => Condition::Day(DayOf::Internal, Comparison::Before, *date),
        SearchKey::On(date) => Condition::Day(DayOf::Internal, Comparison::On, *date),
        SearchKey::Since(date) => Condition::Day(DayOf::Internal, Comparison::Since, *date),
        SearchKey::SentBefore(date) => Condition::Day(DayOf::Sent, Comparison::Before, *date),
        SearchKey::SentOn(date) => Condition::Day(DayOf::Sent, Comparison::On, *date),
        SearchKey::SentSince(date) => Condition::Day(DayOf::Sent, Comparison::Since, *date),
        SearchKey::SavedBefore(date) => Condition::Day(DayOf::Saved, Comparison::Before, *date),
        SearchKey::SavedOn(date) => Condition::Day(DayOf::Saved, Comparison::On, *date),
        SearchKey::SavedSince(date) => Condition::Day(DayOf::Saved, Comparison::Since, *date),
        // RFC 5032 §3: younger is "within", older is "not within".
        SearchKey::Older(span) => Condition::Not(Box::new(younger(ago(span)))),
        SearchKey::Younger(span) => younger(ago(span)),
        SearchKey::Larger(octets) => Condition::Index(|entry, octets| entry.octets > Octets(octets), *octets),
        SearchKey::Smaller(octets) => Condition::Index(|entry, octets| entry.octets < Octets(octets), *octets),
        SearchKey::ModSeq(modseq) => Condition::Index(|entry, modseq| entry.modseq.0 >= modseq, *modseq),
        SearchKey::EmailId(id) => Condition::EmailId(id.clone()),
        SearchKey::ThreadId(id) => Condition::ThreadId(id.clone()),
        _ => Condition::Constant(true),
    }
}

fn younger(since: u64) -> Condition {
    Condition::Index(
        |entry, since| u64::try_from(entry.internal_date.secs()).unwrap_or(0) >= since,
        since,
    )
}

fn envelope_field(name: &str) -> Option<EnvelopeField> {
    let fields = [
        ("BCC", EnvelopeField::Bcc),
        ("CC", EnvelopeField::Cc),
        ("FROM", EnvelopeField::From),
        ("SUBJECT", EnvelopeField::Subject),
        ("TO", EnvelopeField::To),
    ];
    let found = fields.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.map(|(_, field)| field)
}

/// A message with what has been read of it.
struct Message<'a> {
    sequence: u32,
    entry: &'a MessageEntry,
    email: Option<&'a Email>,
    found: Option<&'a [bool]>,
}

impl Condition {
    fn check(&self, message: &Message<'_>) -> Option<bool> {
        let entry = message.entry;
        match self {
            Self::Constant(value) => Some(*value),
            Self::All(all) => {
                let mut verdict = Some(true);
                for condition in all {
                    match condition.check(message) {
                        Some(true) => {}
                        Some(false) => return Some(false),
                        None => verdict = None,
                    }
                }
                verdict
            }
            Self::Any(left, right) => match (left.check(message), right.check(message)) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            },
            Self::Not(condition) => condition.check(message).map(|verdict| !verdict),
            Self::Sequence(ranges) => Some(ranges.contains(message.sequence)),
            Self::Uid(ranges) => Some(ranges.contains(entry.uid.get())),
            Self::Index(check, argument) => Some(check(entry, *argument)),
            Self::Keyword(id) => Some(entry.keywords.contains(*id)),
            Self::Day(of, comparison, date) => {
                let day = match of {
                    DayOf::Internal => Date::of(entry.internal_date),
                    DayOf::Saved => Date::of(entry.save_date),
                    DayOf::Sent => sent_day(message.email?, entry),
                };
                Some(match comparison {
                    Comparison::Before => day < *date,
                    Comparison::On => day == *date,
                    Comparison::Since => day >= *date,
                })
            }
            Self::EmailId(id) => Some(entry.email.to_string() == *id),
            Self::ThreadId(id) => Some(entry.thread.to_string() == *id),
            Self::Envelope(field, text) => Some(envelope_contains(message.email?, *field, text)),
            Self::Text(number) => message.found?.get(*number).copied(),
        }
    }
}

/// The day of the Date field, disregarding time and zone (RFC 9051 §6.4.4); the internal date without one.
fn sent_day(email: &Email, entry: &MessageEntry) -> Date {
    match &email.structure.sent {
        Some(sent) => Date::of(Timestamp {
            millis: sent
                .timestamp
                .millis
                .saturating_add(i64::from(sent.zone_minutes) * 60_000),
        }),
        None => Date::of(entry.internal_date),
    }
}

fn envelope_contains(email: &Email, field: EnvelopeField, text: &str) -> bool {
    let envelope = &email.structure.envelope;
    let list = match field {
        EnvelopeField::Bcc => &envelope.bcc,
        EnvelopeField::Cc => &envelope.cc,
        EnvelopeField::From => &envelope.from,
        EnvelopeField::To => &envelope.to,
        EnvelopeField::Subject => {
            let subject = envelope.subject.as_deref();
            return subject.is_some_and(|subject| fold(&words::decode(subject)).contains(text));
        }
    };
    list.iter().any(|item| match item {
        AddressItem::Mailbox(mailbox) => {
            let name = mailbox.name.as_deref().unwrap_or("");
            let domain = mailbox.domain.as_deref().unwrap_or("");
            fold(&format!("{} <{}@{domain}>", words::decode(name), mailbox.local)).contains(text)
        }
        AddressItem::GroupStart(name) => fold(&words::decode(name)).contains(text),
        AddressItem::GroupEnd => false,
    })
}
