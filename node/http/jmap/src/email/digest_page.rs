//! What is kept of mails that lie together: texts to sort by and to look into, each text once.

use std::collections::BTreeMap;
use std::sync::Arc;

use hongyan_jmap::object::bodies;
use hongyan_mailbox::search::fold;
use hongyan_mailbox::{Email, EmailId, SUMMARY_EMAILS};
use hongyan_message::{AddressItem, subject, words};
use memchr::memmem::Finder;

use super::condition::{Field, shown};

/// Octets kept of a text that is sorted by.
pub(super) const KEY_OCTETS_MAX: usize = 64;
/// Octets of a text that is looked into; a longer one is read again.
const TEXT_OCTETS_MAX: usize = 512;
/// Stands between addresses.
const BETWEEN: &str = "\0";

/// Texts of a mail: [`KEYS`] to sort by, then those to look into.
pub(super) const TEXTS: usize = 8;
/// Keys to sort by: sender, recipient, subject.
const KEYS: usize = 3;
/// Marks: whether the texts that are looked into are whole, a bit each; then whether there is an attachment.
const ATTACHMENT: u8 = 1 << (TEXTS - KEYS);

/// What is kept of one mail beside its texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// Its id modulo [`SUMMARY_EMAILS`].
    pub(super) place: u8,
    pub(super) marks: u8,
    pub(super) sent_millis: i64,
    /// Numbers of its texts.
    pub(super) texts: [u16; TEXTS],
}
const _: () = assert!(SUMMARY_EMAILS == 1 << u8::BITS);

/// What is kept of mails that lie together.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Page {
    /// By place.
    rows: Vec<Row>,
    /// Where each text ends in `pool`, where they lie one behind the other.
    ends: Vec<u32>,
    pool: Box<str>,
}

/// What is kept of a mail.
#[derive(Debug, Clone, Copy)]
pub(super) struct Digest<'p> {
    page: &'p Page,
    row: &'p Row,
}

/// The place of a mail among those that it lies with.
pub(super) fn place_of(email: EmailId) -> u8 {
    u8::try_from(email.0 % SUMMARY_EMAILS).expect("as many as octets have values")
}

impl Page {
    /// Nothing when that cannot be a page.
    pub(super) fn new(rows: Vec<Row>, ends: Vec<u32>, pool: Box<str>) -> Option<Self> {
        let is_text = |end: &u32| usize::try_from(*end).is_ok_and(|end| pool.is_char_boundary(end));
        let has_all = |row: &Row| row.texts.iter().all(|text| usize::from(*text) < ends.len());
        let is_right = ends.is_sorted()
            && ends.iter().all(is_text)
            && rows.is_sorted_by(|a, b| a.place < b.place)
            && rows.iter().all(has_all);
        is_right.then_some(Self { rows, ends, pool })
    }
    pub(super) fn rows(&self) -> &[Row] {
        &self.rows
    }
    pub(super) fn ends(&self) -> &[u32] {
        &self.ends
    }
    pub(super) fn pool(&self) -> &str {
        &self.pool
    }
    pub(super) fn get(&self, place: u8) -> Option<Digest<'_>> {
        // Few mails are missing, so it is near where it would be.
        let near = usize::from(place).min(self.rows.len());
        let row = match self.rows.get(near) {
            Some(row) if row.place == place => row,
            _ => {
                let found = self.rows[..near].binary_search_by_key(&place, |row| row.place);
                &self.rows[found.ok()?]
            }
        };
        Some(Digest { page: self, row })
    }
    fn text(&self, number: u16) -> &str {
        let end = |at: usize| self.ends[at] as usize;
        let at = usize::from(number);
        &self.pool[at.checked_sub(1).map_or(0, end)..end(at)]
    }
}

impl<'p> Digest<'p> {
    fn text(&self, at: usize) -> &'p str {
        self.page.text(self.row.texts[at])
    }
    pub(super) fn from(&self) -> &'p str {
        self.text(0)
    }
    pub(super) fn to(&self) -> &'p str {
        self.text(1)
    }
    pub(super) fn subject(&self) -> &'p str {
        self.text(2)
    }
    pub(super) fn sent_millis(&self) -> i64 {
        self.row.sent_millis
    }
    pub(super) fn has_attachment(&self) -> bool {
        self.row.marks & ATTACHMENT != 0
    }
    /// Whether a field has `text`; unknown of what is not kept.
    pub(super) fn has(&self, field: Field, text: &Finder<'_>) -> Option<bool> {
        let at = match field {
            Field::From => 0,
            Field::To => 1,
            Field::Subject => 2,
            Field::Cc => 3,
            Field::Bcc => 4,
        };
        let is_in = text.find(self.text(KEYS + at).as_bytes()).is_some();
        let is_whole = self.row.marks >> at & 1 == 1;
        (is_in || is_whole).then_some(is_in)
    }
}

/// A page being made.
#[derive(Debug, Default)]
pub(super) struct PageDraft {
    rows: BTreeMap<u8, Row>,
    texts: Vec<Arc<str>>,
    numbers: BTreeMap<Arc<str>, u16>,
}

impl PageDraft {
    /// Takes in a mail that belongs to this page.
    pub(super) fn add(&mut self, email: EmailId, mail: &Email) {
        let structure = &mail.structure;
        let envelope = &structure.envelope;
        let subject_line = envelope.subject.as_deref().unwrap_or_default();
        let keys = [
            name(&envelope.from),
            name(&envelope.to),
            subject::key(&subject::base(subject_line)),
        ];
        let looked_into = [
            join(&envelope.from),
            join(&envelope.to),
            fold(&words::decode(subject_line)),
            join(&envelope.cc),
            join(&envelope.bcc),
        ];
        let mut row = Row {
            place: place_of(email),
            marks: 0,
            sent_millis: structure.sent.map_or(i64::MIN, |sent| sent.timestamp.millis),
            texts: [0; TEXTS],
        };
        for (bit, text) in looked_into.iter().enumerate() {
            row.marks |= u8::from(text.len() <= TEXT_OCTETS_MAX) << bit;
        }
        if bodies(structure).has_attachment() {
            row.marks |= ATTACHMENT;
        }
        let keys = keys.iter().map(|key| (key, KEY_OCTETS_MAX));
        let texts = keys.chain(looked_into.iter().map(|text| (text, TEXT_OCTETS_MAX)));
        for ((text, max), number) in texts.zip(&mut row.texts) {
            *number = self.number(&text[..text.floor_char_boundary(max)]);
        }
        self.rows.insert(row.place, row);
    }
    /// Takes in those mails of a page that are `wanted`, by place.
    pub(super) fn add_page(&mut self, page: &Page, wanted: impl Fn(u8) -> bool) {
        self.add_cut(page, usize::MAX, wanted);
    }
    /// The same with shorter texts to look into.
    pub(super) fn add_cut(&mut self, page: &Page, octets_max: usize, wanted: impl Fn(u8) -> bool) {
        for row in page.rows.iter().filter(|row| wanted(row.place)) {
            let mut row = row.clone();
            for (at, number) in row.texts.iter_mut().enumerate() {
                let text = page.text(*number);
                let cut = match at {
                    ..KEYS => text,
                    at => {
                        let cut = &text[..text.floor_char_boundary(octets_max)];
                        if cut.len() < text.len() {
                            row.marks &= !(1 << (at - KEYS));
                        }
                        cut
                    }
                };
                *number = self.number(cut);
            }
            self.rows.insert(row.place, row);
        }
    }
    fn number(&mut self, text: &str) -> u16 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = u16::try_from(self.texts.len()).expect("there are few mails in a page");
        let text: Arc<str> = text.into();
        self.texts.push(Arc::clone(&text));
        self.numbers.insert(text, number);
        number
    }
    pub(super) fn finish(self) -> Page {
        let mut pool = String::with_capacity(self.texts.iter().map(|text| text.len()).sum());
        let mut ends = Vec::with_capacity(self.texts.len());
        for text in &self.texts {
            pool.push_str(text);
            ends.push(u32::try_from(pool.len()).expect("all of them are short"));
        }
        Page {
            rows: self.rows.into_values().collect(),
            ends,
            pool: pool.into(),
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

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use hongyan_message::parse;

    pub(in super::super) fn mail(head: &str) -> Email {
        Email {
            blob: hongyan_blob::BlobAddress([0; 32]),
            octets: hongyan_types::Octets(1),
            thread: hongyan_mailbox::ThreadId(1),
            structure: parse(format!("{head}\r\n\r\nx").as_bytes()),
        }
    }

    pub(in super::super) fn page(mails: &[(u64, &str)]) -> Page {
        let mut draft = PageDraft::default();
        for (email, head) in mails {
            draft.add(EmailId(*email), &mail(head));
        }
        draft.finish()
    }

    fn has(digest: Digest<'_>, field: Field, text: &str) -> Option<bool> {
        digest.has(field, &Finder::new(text))
    }

    #[test]
    fn rfc_8621_4_4_fields_are_sorted_and_looked_into() {
        let page = page(&[(
            7,
            "From: =?utf-8?q?Z=C3=B6e?= <zoe@x.test>\r\nTo: a@y.test, B <b@y.test>\r\nSubject: Re: Hi There\r\nCc: C <c@y.test>",
        )]);
        let found = page.get(7).unwrap();
        assert_eq!(
            (found.from(), found.to(), found.subject()),
            ("zöe", "a@y.test", "hi there")
        );
        assert_eq!(has(found, Field::From, "zoe@x"), Some(true));
        assert_eq!(has(found, Field::To, "b <b@y"), Some(true));
        assert_eq!(has(found, Field::Subject, "re: hi"), Some(true));
        assert_eq!(has(found, Field::Subject, "bye"), Some(false));
        assert_eq!(has(found, Field::Cc, "c <c@"), Some(true));
        assert_eq!(has(found, Field::Bcc, "x"), Some(false));
    }

    #[test]
    fn of_a_long_list_only_what_is_found_is_known() {
        let to: Vec<String> = (0..100).map(|at| format!("somebody{at}@y.test")).collect();
        let page = page(&[(7, &format!("To: {}", to.join(", ")))]);
        let found = page.get(7).unwrap();
        assert_eq!(has(found, Field::To, "somebody0@"), Some(true));
        assert_eq!(has(found, Field::To, "somebody99@"), None);
    }

    #[test]
    fn mails_are_found_by_place_and_texts_are_kept_once() {
        let page = page(&[(700, "Subject: A"), (513, "Subject: a"), (767, "Subject: b")]);
        let places = [0_u8, 1, 187, 188, 189, 255];
        let subjects = places.map(|place| page.get(place).map(|digest| digest.subject()));
        assert_eq!(subjects, [None, Some("a"), None, Some("a"), None, Some("b")]);
        assert_eq!((page.pool(), page.ends()), ("ab", &[0, 1, 2][..]));
        let mut draft = PageDraft::default();
        draft.add_page(&page, |place| place != 188);
        draft.add(EmailId(512), &mail("Subject: c"));
        let other = draft.finish();
        let subjects = places.map(|place| other.get(place).map(|digest| digest.subject()));
        assert_eq!(subjects, [Some("c"), Some("a"), None, None, None, Some("b")]);
    }

    #[test]
    fn what_cannot_be_is_no_page() {
        let row = |place, text| Row {
            place,
            marks: 0,
            sent_millis: 0,
            texts: [text; TEXTS],
        };
        let page = |rows: &[Row], ends: &[u32]| Page::new(rows.to_vec(), ends.to_vec(), "aé".into()).is_some();
        assert!(page(&[row(1, 0), row(2, 1)], &[1, 3]));
        assert!(!page(&[row(1, 2)], &[1, 3]), "no such text");
        assert!(!page(&[row(1, 0)], &[2]), "inside a character");
        assert!(!page(&[row(1, 0)], &[3, 1]) && !page(&[row(1, 0)], &[4]));
        assert!(!page(&[row(2, 0), row(2, 0)], &[1]), "twice");
    }
}
