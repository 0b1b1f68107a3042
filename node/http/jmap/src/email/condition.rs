//! Conditions on an email (RFC 8621 §4.4.1) in four steps: on its places, on what is kept of its record, on the record, on
//! its text. Each step is taken only for emails that the cheaper ones leave open.

use hongyan_jmap::method::{Filter, FilterOperator};
use hongyan_jmap::object::EmailCondition;
use hongyan_jmap::{MethodError, MethodErrorType};
use hongyan_mailbox::search::{Needle, Place, fold};
use hongyan_mailbox::{Email, FolderId};
use hongyan_message::{AddressItem, words};
use memchr::memmem::Finder;

use super::digest_page::Digest;
use super::keywords::Wanted;
use super::sort::thread_has;
use crate::ids;
use crate::snapshot::{Found, Snapshot};

/// A filter with everything looked up that is the same for all emails.
pub(super) enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    None(Vec<Condition>),
    /// In one of these folders, or in none; folders that are not there hold nothing.
    In(Vec<FolderId>),
    InOtherThan(Vec<FolderId>),
    ReceivedBefore(i64),
    ReceivedFrom(i64),
    OctetsFrom(u64),
    OctetsBelow(u64),
    Keyword(Wanted, bool),
    Thread {
        wanted: Wanted,
        all: bool,
        is_on: bool,
    },
    HasAttachment(bool),
    Envelope(Field, Box<Finder<'static>>),
    /// Number of a needle.
    Text(usize),
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Field {
    From,
    To,
    Cc,
    Bcc,
    Subject,
}

/// An email as far as it has been read.
pub(super) struct Looked<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) found: &'a Found<'a>,
    pub(super) digest: Option<Digest<'a>>,
    pub(super) record: Option<&'a Email>,
    /// Which needles are in it.
    pub(super) needles: Option<&'a [bool]>,
}

impl<'a> Looked<'a> {
    /// An email of which nothing is known but its places.
    pub(super) fn new(snapshot: &'a Snapshot, found: &'a Found<'a>) -> Self {
        Self {
            snapshot,
            found,
            digest: None,
            record: None,
            needles: None,
        }
    }
}

/// A filter ready for use.
pub(super) struct Conditions {
    pub(super) root: Condition,
    pub(super) needles: Vec<Needle>,
}

impl Conditions {
    pub(super) fn new(filter: Option<&Filter<EmailCondition>>) -> Result<Self, MethodError> {
        let mut needles = Vec::new();
        let root = match filter {
            Some(filter) => join(filter, &mut needles)?,
            None => Condition::All(Vec::new()),
        };
        Ok(Self { root, needles })
    }
    /// The folder that an email must be in to be found, if there is one.
    pub(super) fn folder(&self) -> Option<FolderId> {
        fn folder(condition: &Condition) -> Option<FolderId> {
            match condition {
                Condition::In(folders) => folders.first().copied(),
                Condition::All(conditions) => conditions.iter().find_map(folder),
                _ => None,
            }
        }
        folder(&self.root)
    }
    /// Whether what it says of an email can change while the email stays in its mailboxes.
    pub(super) fn looks_at_keywords(&self) -> bool {
        fn looks(condition: &Condition) -> bool {
            match condition {
                Condition::All(inner) | Condition::Any(inner) | Condition::None(inner) => inner.iter().any(looks),
                Condition::Keyword(..) | Condition::Thread { .. } => true,
                _ => false,
            }
        }
        looks(&self.root)
    }
    /// Whether being in [`Self::folder`] is all that it asks for.
    pub(super) fn is_folder_only(&self) -> bool {
        match &self.root {
            Condition::In(folders) => folders.len() == 1,
            Condition::All(conditions) => {
                matches!(conditions.as_slice(), [Condition::In(folders)] if folders.len() == 1)
            }
            _ => false,
        }
    }
}

fn join(filter: &Filter<EmailCondition>, needles: &mut Vec<Needle>) -> Result<Condition, MethodError> {
    match filter {
        Filter::Condition(condition) => read(condition, needles),
        Filter::Operator(operator, filters) => {
            let joined: Result<Vec<Condition>, MethodError> =
                filters.iter().map(|filter| join(filter, needles)).collect();
            Ok(match operator {
                FilterOperator::And => Condition::All(joined?),
                FilterOperator::Or => Condition::Any(joined?),
                FilterOperator::Not => Condition::None(joined?),
            })
        }
    }
}

fn read(condition: &EmailCondition, needles: &mut Vec<Needle>) -> Result<Condition, MethodError> {
    let mut all = Vec::new();
    if let Some(id) = &condition.in_mailbox {
        all.push(Condition::In(ids::read_folder(id).into_iter().collect()));
    }
    if let Some(others) = &condition.in_mailbox_other_than {
        all.push(Condition::InOtherThan(
            others.iter().filter_map(ids::read_folder).collect(),
        ));
    }
    all.extend(condition.before.map(|date| Condition::ReceivedBefore(date.0.millis)));
    all.extend(condition.after.map(|date| Condition::ReceivedFrom(date.0.millis)));
    all.extend(condition.min_size.map(Condition::OctetsFrom));
    all.extend(condition.max_size.map(Condition::OctetsBelow));
    let keyword = |name: &Option<String>, is_on| {
        name.as_deref()
            .map(|name| Condition::Keyword(Wanted::read(name), is_on))
    };
    all.extend(keyword(&condition.has_keyword, true));
    all.extend(keyword(&condition.not_keyword, false));
    let thread = |name: &Option<String>, in_all, is_on| {
        name.as_deref().map(|name| Condition::Thread {
            wanted: Wanted::read(name),
            all: in_all,
            is_on,
        })
    };
    all.extend(thread(&condition.all_in_thread_have_keyword, true, true));
    all.extend(thread(&condition.some_in_thread_have_keyword, false, true));
    all.extend(thread(&condition.none_in_thread_have_keyword, false, false));
    all.extend(condition.has_attachment.map(Condition::HasAttachment));
    read_texts(condition, &mut all, needles)?;
    Ok(Condition::All(all))
}

fn read_texts(
    condition: &EmailCondition,
    all: &mut Vec<Condition>,
    needles: &mut Vec<Needle>,
) -> Result<(), MethodError> {
    let fields = [
        (Field::From, &condition.from),
        (Field::To, &condition.to),
        (Field::Cc, &condition.cc),
        (Field::Bcc, &condition.bcc),
        (Field::Subject, &condition.subject),
    ];
    for (field, text) in fields {
        let words = text.as_deref().map(phrases).unwrap_or_default();
        all.extend(words.into_iter().map(|word| {
            let finder = Finder::new(word.as_bytes()).into_owned();
            Condition::Envelope(field, Box::new(finder))
        }));
    }
    let mut look = |place: Place, text: String| {
        needles.push(Needle { place, text });
        all.push(Condition::Text(needles.len() - 1));
    };
    for (place, text) in [(Place::Everywhere, &condition.text), (Place::Body, &condition.body)] {
        let words = text.as_deref().map(phrases).unwrap_or_default();
        words.into_iter().for_each(|word| look(place.clone(), word));
    }
    match condition.header.as_deref() {
        None => {}
        Some([name]) => look(Place::Field(name.clone()), String::new()),
        Some([name, text]) => look(Place::Field(name.clone()), fold(text)),
        Some(_) => {
            let words = "header has one or two elements";
            return Err(MethodError::with(MethodErrorType::InvalidArguments, words));
        }
    }
    Ok(())
}

/// RFC 8621 §4.4.1: words that must all be there, and phrases in quotes; folded.
pub(super) fn phrases(text: &str) -> Vec<String> {
    let mut phrases = Vec::new();
    let mut rest = text.trim();
    while let Some(first) = rest.chars().next() {
        let quoted = matches!(first, '"' | '\'')
            .then(|| rest[1..].split_once(first))
            .flatten();
        let (phrase, tail) = match quoted {
            Some((phrase, tail)) => (phrase, tail),
            None => rest.split_once(char::is_whitespace).unwrap_or((rest, "")),
        };
        if !phrase.trim().is_empty() {
            phrases.push(fold(phrase));
        }
        rest = tail.trim_start();
    }
    phrases
}

impl Condition {
    /// Whether it holds; `None` when more must be read to know.
    pub(super) fn check(&self, looked: &Looked<'_>) -> Option<bool> {
        let Looked { snapshot, found, .. } = looked;
        match self {
            Self::All(conditions) => all(conditions, looked, true),
            Self::Any(conditions) => all(conditions, looked, false).map(|none| !none),
            Self::None(conditions) => all(conditions, looked, false),
            Self::In(folders) => Some(found.places.iter().any(|place| folders.contains(&place.folder))),
            Self::InOtherThan(folders) => Some(found.places.iter().any(|place| !folders.contains(&place.folder))),
            Self::ReceivedBefore(millis) => Some(found.received().millis < *millis),
            Self::ReceivedFrom(millis) => Some(found.received().millis >= *millis),
            Self::OctetsFrom(octets) => Some(found.first.octets.0 >= *octets),
            Self::OctetsBelow(octets) => Some(found.first.octets.0 < *octets),
            Self::Keyword(wanted, is_on) => Some(wanted.is_on(snapshot, found) == *is_on),
            Self::Thread { wanted, all, is_on } => Some(thread_has(snapshot, found, wanted, *all) == *is_on),
            Self::HasAttachment(has) => Some(looked.digest?.has_attachment() == *has),
            Self::Envelope(field, text) => match looked.digest?.has(*field, text) {
                Some(has) => Some(has),
                None => Some(envelope_has(looked.record?, *field, text)),
            },
            Self::Text(needle) => Some(*looked.needles?.get(*needle)?),
        }
    }
}

/// Whether all of `conditions` are `wanted`.
fn all(conditions: &[Condition], looked: &Looked<'_>, wanted: bool) -> Option<bool> {
    let mut is_open = false;
    for condition in conditions {
        match condition.check(looked) {
            Some(found) if found != wanted => return Some(false),
            Some(_) => {}
            None => is_open = true,
        }
    }
    (!is_open).then_some(true)
}

fn envelope_has(record: &Email, field: Field, text: &Finder<'_>) -> bool {
    let has = |shown: &str| text.find(shown.as_bytes()).is_some();
    let envelope = &record.structure.envelope;
    let list = match field {
        Field::From => &envelope.from,
        Field::To => &envelope.to,
        Field::Cc => &envelope.cc,
        Field::Bcc => &envelope.bcc,
        Field::Subject => {
            let subject = envelope.subject.as_deref();
            return subject.is_some_and(|subject| has(&fold(&words::decode(subject))));
        }
    };
    list.iter().filter_map(shown).any(|shown| has(&shown))
}

/// An address as it is looked into, folded.
pub(super) fn shown(item: &AddressItem) -> Option<String> {
    match item {
        AddressItem::Mailbox(mailbox) => {
            let name = mailbox.name.as_deref().unwrap_or_default();
            let domain = mailbox.domain.as_deref().unwrap_or_default();
            Some(fold(&format!("{} <{}@{domain}>", words::decode(name), mailbox.local)))
        }
        AddressItem::GroupStart(name) => Some(fold(&words::decode(name))),
        AddressItem::GroupEnd => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_quoted_phrases() {
        assert_eq!(phrases(" Red  \"Blue Green\" it's"), ["red", "blue green", "it's"]);
        assert_eq!(phrases("\"open end"), ["\"open", "end"]);
        assert!(phrases("  ").is_empty());
    }
}
