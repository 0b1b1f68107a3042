//! What queries look at in the records of emails: read once, and kept with the snapshot. Emails never change, so what is
//! kept is never wrong; digests of emails that are gone do no harm.

use std::collections::BTreeMap;
use std::sync::Arc;

use hongyan_jmap::object::bodies;
use hongyan_mailbox::search::fold;
use hongyan_mailbox::{Email, EmailId, read_emails, summary_of};
use hongyan_message::{AddressItem, subject, words};
use memchr::memmem::Finder;

use super::condition::{Field, shown};
use super::stored_digests;
use crate::call::Call;
use crate::error::Outcome;
use crate::snapshot::Snapshot;

/// Records read together.
const RECORDS: usize = 256;
/// Octets kept of a text that is sorted by.
const KEY_OCTETS_MAX: usize = 64;
/// Octets of a text that is looked into; a longer one is read again.
const TEXT_OCTETS_MAX: usize = 512;
/// Stands between addresses.
const BETWEEN: &str = "\0";

/// What is kept of an email.
#[derive(Debug, Clone)]
pub(crate) struct Digest {
    /// Its texts one behind the other; they end at `ends`.
    pub(super) texts: Box<str>,
    pub(super) ends: [u16; TEXTS],
    /// Of the texts that are looked into, whether they are whole.
    pub(super) is_whole: [bool; 3],
    pub(super) has_attachment: bool,
    pub(super) sent_millis: i64,
}

/// Three keys to sort by, then three texts to look into: of sender, recipient, subject.
pub(super) const TEXTS: usize = 6;

/// The digests of a mailbox's emails. A copy shares all but what is added to it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Digests {
    chunks: BTreeMap<u64, Arc<Vec<(EmailId, Digest)>>>,
    count: usize,
}

impl Digest {
    pub(super) fn of(email: &Email) -> Self {
        let structure = &email.structure;
        let envelope = &structure.envelope;
        let subject_line = envelope.subject.as_deref().unwrap_or_default();
        let keys = [
            name(&envelope.from),
            name(&envelope.to),
            subject::key(&subject::base(subject_line)),
        ];
        let folded = [
            join(&envelope.from),
            join(&envelope.to),
            fold(&words::decode(subject_line)),
        ];
        let is_whole = [0, 1, 2].map(|at: usize| folded[at].len() <= TEXT_OCTETS_MAX);
        let mut texts = String::new();
        let mut ends = [0; TEXTS];
        let keys = keys.iter().map(|key| (key, KEY_OCTETS_MAX));
        let all = keys.chain(folded.iter().map(|text| (text, TEXT_OCTETS_MAX)));
        for ((text, max), end) in all.zip(&mut ends) {
            texts.push_str(&text[..text.floor_char_boundary(max)]);
            *end = u16::try_from(texts.len()).expect("all of them are short");
        }
        Self {
            texts: texts.into(),
            ends,
            is_whole,
            has_attachment: bodies(structure).has_attachment(),
            sent_millis: structure.sent.map_or(i64::MIN, |sent| sent.timestamp.millis),
        }
    }
    fn text(&self, at: usize) -> &str {
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.texts[usize::from(start)..usize::from(self.ends[at])]
    }
    pub(super) fn from(&self) -> &str {
        self.text(0)
    }
    pub(super) fn to(&self) -> &str {
        self.text(1)
    }
    pub(super) fn subject(&self) -> &str {
        self.text(2)
    }
    /// Whether a field has `text`; unknown of what is not kept.
    pub(super) fn has(&self, field: Field, text: &Finder<'_>) -> Option<bool> {
        let at = match field {
            Field::From => 0,
            Field::To => 1,
            Field::Subject => 2,
            Field::Cc | Field::Bcc => return None,
        };
        let is_in = text.find(self.text(3 + at).as_bytes()).is_some();
        (is_in || self.is_whole[at]).then_some(is_in)
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

/// All addresses as they are looked into. A long list is cut; that it was is still seen.
fn join(items: &[AddressItem]) -> String {
    let mut joined = String::new();
    for text in items.iter().filter_map(shown) {
        joined.push_str(&text);
        joined.push_str(BETWEEN);
        if joined.len() > TEXT_OCTETS_MAX {
            break;
        }
    }
    joined
}

impl Digests {
    pub(super) fn get(&self, email: EmailId) -> Option<&Digest> {
        let chunk = self.chunks.get(&summary_of(email))?;
        let found = chunk.binary_search_by_key(&email, |(id, _)| *id).ok()?;
        Some(&chunk[found].1)
    }
    fn add(&mut self, email: EmailId, digest: Digest) {
        let chunk = Arc::make_mut(self.chunks.entry(summary_of(email)).or_default());
        if let Err(at) = chunk.binary_search_by_key(&email, |(id, _)| *id) {
            chunk.insert(at, (email, digest));
            self.count += 1;
        }
    }
    /// Those of `emails`, which are sorted, alone.
    pub(crate) fn of_emails(&self, emails: impl Iterator<Item = EmailId>) -> Self {
        let mut some = Self::default();
        for email in emails {
            if let Some(digest) = self.get(email) {
                some.add(email, digest.clone());
            }
        }
        some
    }
    /// Those of all mails that lie together, sorted, in place of what was known of them.
    pub(super) fn add_together(&mut self, number: u64, digests: Vec<(EmailId, Digest)>) {
        self.count += digests.len();
        let before = self.chunks.insert(number, Arc::new(digests));
        self.count -= before.map_or(0, |before| before.len());
    }
}

/// The digests of all `emails`, read where they are missing from `known`, and kept for later.
pub(super) async fn digests(
    call: &Call<'_>,
    snapshot: &Snapshot,
    known: &Arc<Digests>,
    emails: impl Iterator<Item = EmailId>,
) -> Outcome<Arc<Digests>> {
    let mut missing: Vec<EmailId> = emails.filter(|email| known.get(*email).is_none()).collect();
    if missing.is_empty() {
        return Ok(Arc::clone(known));
    }
    let mut digests = Digests::clone(known);
    if missing.len() >= stored_digests::MAILS_MIN {
        missing.sort_unstable();
        stored_digests::load(call, &mut digests, &missing).await?;
        missing.retain(|email| digests.get(*email).is_none());
        missing = stored_digests::make(call, snapshot, &mut digests, &missing).await?;
    }
    for some in missing.chunks(RECORDS) {
        let records = read_emails(&call.jmap.services.database, call.account.mailbox, some).await?;
        for (email, record) in some.iter().zip(records) {
            if let Some(record) = record {
                digests.add(*email, Digest::of(&record));
            }
        }
        tokio::task::yield_now().await;
    }
    let digests = Arc::new(digests);
    call.jmap.keep_digests(call.account.mailbox, &digests).await;
    Ok(digests)
}

impl Digests {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hongyan_message::parse;

    fn digest(head: &str) -> Digest {
        let structure = parse(format!("{head}\r\n\r\nx").as_bytes());
        Digest::of(&record(structure))
    }

    fn record(structure: hongyan_message::Structure) -> Email {
        Email {
            blob: hongyan_blob::BlobAddress([0; 32]),
            octets: hongyan_types::Octets(1),
            thread: hongyan_mailbox::ThreadId(1),
            structure,
        }
    }

    fn has(digest: &Digest, field: Field, text: &str) -> Option<bool> {
        digest.has(field, &Finder::new(text))
    }

    #[test]
    fn rfc_8621_4_4_fields_are_sorted_and_looked_into() {
        let found =
            digest("From: =?utf-8?q?Z=C3=B6e?= <zoe@x.test>\r\nTo: a@y.test, B <b@y.test>\r\nSubject: Re: Hi There");
        assert_eq!(
            (found.from(), found.to(), found.subject()),
            ("zöe", "a@y.test", "hi there")
        );
        assert_eq!(has(&found, Field::From, "zoe@x"), Some(true));
        assert_eq!(has(&found, Field::To, "b <b@y"), Some(true));
        assert_eq!(has(&found, Field::Subject, "re: hi"), Some(true));
        assert_eq!(has(&found, Field::Subject, "bye"), Some(false));
        assert_eq!(has(&found, Field::Cc, "x"), None);
    }

    #[test]
    fn of_a_long_list_only_what_is_found_is_known() {
        let to: Vec<String> = (0..100).map(|at| format!("somebody{at}@y.test")).collect();
        let found = digest(&format!("To: {}", to.join(", ")));
        assert_eq!(has(&found, Field::To, "somebody0@"), Some(true));
        assert_eq!(has(&found, Field::To, "somebody99@"), None);
    }

    #[test]
    fn digests_are_found_whatever_order_they_come_in() {
        let mut digests = Digests::default();
        for email in [700, 3, 255, 256, 3] {
            digests.add(EmailId(email), digest(&format!("Subject: {email}")));
        }
        assert_eq!(digests.len(), 4);
        for email in [3, 255, 256, 700] {
            assert_eq!(digests.get(EmailId(email)).unwrap().subject(), email.to_string());
        }
        assert!(digests.get(EmailId(4)).is_none());
    }
}
