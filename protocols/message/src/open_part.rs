//! A part while it is being read: its fields as they come, what its body is, and its sizes when it ends.

use crate::address::{AddressItem, parse_list_bounded};
use crate::structure::{Content, Encoding, Envelope, MediaType, Parameter, Part};
use crate::transfer::DecodedCounter;
use crate::{header, media, message_id};

/// The longest single text that is kept.
const TEXT_OCTETS_MAX: usize = 8 * 1024;
/// What a kept text costs beside its octets.
const TEXT_COST: usize = 4;

/// Octets of text that the structure may still hold.
#[derive(Debug)]
pub(crate) struct Budget {
    left: usize,
    is_exceeded: bool,
}

impl Budget {
    pub(crate) fn new(octets: usize) -> Self {
        Self {
            left: octets,
            is_exceeded: false,
        }
    }
    pub(crate) fn exceed(&mut self) {
        self.is_exceeded = true;
    }
    pub(crate) fn is_exceeded(&self) -> bool {
        self.is_exceeded
    }

    fn spend(&mut self, octets: usize) -> bool {
        let cost = octets.saturating_add(TEXT_COST);
        match self.left.checked_sub(cost) {
            Some(left) => {
                self.left = left;
                true
            }
            None => {
                self.is_exceeded = true;
                false
            }
        }
    }

    /// `text`, cut to what a single text may have; `None` when there is no room for it.
    fn keep(&mut self, text: &str) -> Option<String> {
        let mut end = text.len().min(TEXT_OCTETS_MAX);
        while !text.is_char_boundary(end) {
            end = end.saturating_sub(1);
        }
        if end < text.len() {
            self.is_exceeded = true;
        }
        let text = text.get(..end)?;
        self.spend(text.len()).then(|| text.to_owned())
    }

    fn keep_some(&mut self, text: &str) -> Option<String> {
        if text.is_empty() {
            return None;
        }
        self.keep(text)
    }

    fn keep_params(&mut self, params: Vec<Parameter>) -> Vec<Parameter> {
        params
            .into_iter()
            .filter(|param| self.spend(param.name.len().saturating_add(param.value.len())))
            .collect()
    }

    fn keep_addresses(&mut self, text: &str) -> Vec<AddressItem> {
        // No entry costs less, so no more than these can be kept.
        let items_max = (self.left / TEXT_COST).saturating_add(2);
        let mut kept = Vec::new();
        let mut is_open = false;
        for item in parse_list_bounded(text, items_max) {
            let cost = match &item {
                AddressItem::GroupStart(name) => name.len(),
                AddressItem::GroupEnd => 0,
                AddressItem::Mailbox(mailbox) => {
                    let of = |text: &Option<String>| text.as_deref().map_or(0, str::len);
                    of(&mailbox.name)
                        .saturating_add(of(&mailbox.route))
                        .saturating_add(of(&mailbox.domain))
                        .saturating_add(mailbox.local.len())
                }
            };
            if !self.spend(cost) {
                break;
            }
            is_open = match &item {
                AddressItem::GroupStart(_) => true,
                AddressItem::GroupEnd => false,
                AddressItem::Mailbox(_) => is_open,
            };
            kept.push(item);
        }
        if is_open {
            kept.push(AddressItem::GroupEnd);
        }
        kept
    }
}

/// The fields that the structure is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    ContentType,
    ContentTransferEncoding,
    ContentId,
    ContentDescription,
    ContentMd5,
    ContentDisposition,
    ContentLanguage,
    ContentLocation,
    Date,
    Subject,
    From,
    Sender,
    ReplyTo,
    To,
    Cc,
    Bcc,
    InReplyTo,
    MessageId,
    References,
}

const FIELDS: [(&str, Field); 19] = [
    ("content-type", Field::ContentType),
    ("content-transfer-encoding", Field::ContentTransferEncoding),
    ("content-id", Field::ContentId),
    ("content-description", Field::ContentDescription),
    ("content-md5", Field::ContentMd5),
    ("content-disposition", Field::ContentDisposition),
    ("content-language", Field::ContentLanguage),
    ("content-location", Field::ContentLocation),
    ("date", Field::Date),
    ("subject", Field::Subject),
    ("from", Field::From),
    ("sender", Field::Sender),
    ("reply-to", Field::ReplyTo),
    ("to", Field::To),
    ("cc", Field::Cc),
    ("bcc", Field::Bcc),
    ("in-reply-to", Field::InReplyTo),
    ("message-id", Field::MessageId),
    ("references", Field::References),
];

impl Field {
    pub(crate) fn find(name: &[u8]) -> Option<Self> {
        FIELDS
            .iter()
            .find(|(known, _)| name.eq_ignore_ascii_case(known.as_bytes()))
            .map(|(_, field)| *field)
    }

    /// Its bit, to remember that it has been there: of several the first counts.
    fn bit(self) -> u32 {
        let at = FIELDS.iter().position(|(_, field)| *field == self);
        1_u32
            .checked_shl(at.and_then(|at| u32::try_from(at).ok()).unwrap_or(31))
            .unwrap_or(0)
    }
}

/// What the body of an open part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Still in its header.
    Header,
    Leaf,
    /// A message, whose root is the next on the stack.
    Message,
    /// A multipart before its first delimiter.
    Preamble,
    /// A multipart with a part open.
    Inside,
    /// A multipart behind its last part.
    Epilogue,
}

#[derive(Debug)]
pub(crate) struct Open {
    pub(crate) part: Part,
    pub(crate) state: State,
    pub(crate) boundary: Vec<u8>,
    /// Of the root of a message.
    pub(crate) envelope: Option<Envelope>,
    /// Of the root of the outermost message.
    pub(crate) references: Vec<String>,
    pub(crate) counter: DecodedCounter,
    is_outermost: bool,
    is_in_digest: bool,
    seen: u32,
    line_feeds_before: u64,
}

impl Open {
    fn new(header_offset: u64) -> Self {
        Self {
            part: Part {
                header_offset,
                ..Part::default()
            },
            state: State::Header,
            boundary: Vec::new(),
            envelope: None,
            references: Vec::new(),
            counter: DecodedCounter::new(&Encoding::SevenBit),
            is_outermost: false,
            is_in_digest: false,
            seen: 0,
            line_feeds_before: 0,
        }
    }

    pub(crate) fn root() -> Self {
        Self {
            envelope: Some(Envelope::default()),
            is_outermost: true,
            ..Self::new(0)
        }
    }

    pub(crate) fn embedded(header_offset: u64) -> Self {
        Self {
            envelope: Some(Envelope::default()),
            ..Self::new(header_offset)
        }
    }

    pub(crate) fn child(header_offset: u64, is_in_digest: bool) -> Self {
        Self {
            is_in_digest,
            ..Self::new(header_offset)
        }
    }

    /// Takes the value of a field.
    pub(crate) fn set(&mut self, field: Field, raw: &[u8], budget: &mut Budget) {
        if self.seen & field.bit() != 0 {
            return;
        }
        self.seen |= field.bit();
        let text = header::unfold(raw);
        if !self.set_mime(field, &text, budget) {
            self.set_envelope(field, &text, budget);
        }
    }

    fn set_mime(&mut self, field: Field, text: &str, budget: &mut Budget) -> bool {
        let part = &mut self.part;
        match field {
            Field::ContentType => {
                // RFC 2045 §5.2: what cannot be read is text/plain, in a digest too.
                let mut media = media::media_type_or_text(text);
                // The boundary is known whatever the budget says.
                self.boundary = media
                    .param("boundary")
                    .map(|boundary| boundary.trim_end().as_bytes().to_vec())
                    .unwrap_or_default();
                media.params = budget.keep_params(media.params);
                if budget.spend(media.kind.len().saturating_add(media.subtype.len())) {
                    part.media = media;
                } else {
                    part.media = MediaType::new("application", "octet-stream");
                }
            }
            Field::ContentTransferEncoding => {
                part.encoding = match media::encoding(text) {
                    Encoding::Other(word) if !budget.spend(word.len()) => Encoding::Binary,
                    encoding => encoding,
                };
            }
            Field::ContentId => part.id = budget.keep_some(text),
            Field::ContentDescription => part.description = budget.keep_some(text),
            Field::ContentMd5 => part.md5 = budget.keep_some(text),
            Field::ContentLocation => part.location = budget.keep_some(text),
            Field::ContentDisposition => {
                part.disposition = media::disposition(text).filter(|d| budget.spend(d.kind.len()));
                if let Some(disposition) = &mut part.disposition {
                    let params = std::mem::take(&mut disposition.params);
                    disposition.params = budget.keep_params(params);
                }
            }
            Field::ContentLanguage => {
                let words = media::languages(text);
                part.language = words.into_iter().filter(|w| budget.spend(w.len())).collect();
            }
            _ => return false,
        }
        true
    }

    fn set_envelope(&mut self, field: Field, text: &str, budget: &mut Budget) {
        let Some(envelope) = &mut self.envelope else {
            return;
        };
        match field {
            Field::Date => envelope.date = budget.keep(text),
            Field::Subject => envelope.subject = budget.keep(text),
            Field::From => envelope.from = budget.keep_addresses(text),
            Field::Sender => envelope.sender = budget.keep_addresses(text),
            Field::ReplyTo => envelope.reply_to = budget.keep_addresses(text),
            Field::To => envelope.to = budget.keep_addresses(text),
            Field::Cc => envelope.cc = budget.keep_addresses(text),
            Field::Bcc => envelope.bcc = budget.keep_addresses(text),
            Field::InReplyTo => envelope.in_reply_to = budget.keep_some(text),
            Field::MessageId => envelope.message_id = budget.keep_some(text),
            Field::References if self.is_outermost => {
                let ids = message_id::list(text);
                self.references = ids.into_iter().filter(|id| budget.spend(id.len())).collect();
            }
            _ => {}
        }
    }

    pub(crate) fn end_header(&mut self, offset: u64, line_feeds: u64) {
        self.part.header_octets = offset.saturating_sub(self.part.header_offset);
        self.line_feeds_before = line_feeds;
    }

    /// Says what the body is, by the fields and the limits.
    pub(crate) fn decide(&mut self, boundary_octets_max: usize, is_deep: bool, is_full: bool, budget: &mut Budget) {
        let has_type = self.seen & Field::ContentType.bit() != 0;
        if self.is_in_digest && !has_type {
            // RFC 2046 §5.1.5.
            self.part.media = MediaType::new("message", "rfc822");
        }
        let media = &self.part.media;
        let is_message = media.is("message", "rfc822") || media.is("message", "global");
        let is_multipart = media.kind == "multipart";
        self.state = State::Leaf;
        if is_message && (is_deep || is_full) || is_multipart && is_deep {
            budget.exceed();
            self.part.media = MediaType::new("application", "octet-stream");
        } else if is_message {
            self.state = State::Message;
        } else if is_multipart {
            if self.boundary.is_empty() || self.boundary.len() > boundary_octets_max {
                self.part.media = MediaType::default();
            } else {
                self.state = State::Preamble;
            }
        }
        if self.state == State::Leaf {
            self.counter = DecodedCounter::new(&self.part.encoding);
        }
    }

    pub(crate) fn make_opaque(&mut self) {
        self.part.media = MediaType::new("application", "octet-stream");
        self.state = State::Leaf;
    }

    /// Ends the body at `offset`, of which `tail` are the octets before. Says whether a line end was cut off.
    pub(crate) fn close(&mut self, offset: u64, line_feeds: u64, tail: [u8; 4], cut: bool) -> bool {
        let raw = offset.saturating_sub(self.part.body_offset());
        let feeds = line_feeds.saturating_sub(self.line_feeds_before);
        let line_end: u64 = match tail {
            [.., b'\r', b'\n'] if cut && raw >= 2 => 2,
            [.., b'\n'] if cut && raw >= 1 => 1,
            _ => 0,
        };
        let body = raw.saturating_sub(line_end);
        let last = match (line_end, tail) {
            (0, [.., last]) | (1, [.., last, _]) | (_, [_, last, _, _]) => last,
        };
        let is_open_line = body > 0 && last != b'\n';
        self.part.body_octets = body;
        self.part.body_lines = feeds
            .saturating_sub(u64::from(line_end > 0))
            .saturating_add(u64::from(is_open_line));
        let is_empty_multipart =
            matches!(self.state, State::Preamble | State::Epilogue) && self.part.content == Content::Leaf;
        if is_empty_multipart {
            // Nothing was found in it: its text is all there is to show.
            self.part.media = MediaType::default();
            self.part.encoding = Encoding::EightBit;
        }
        let counter = std::mem::replace(&mut self.counter, DecodedCounter::new(&Encoding::SevenBit));
        self.part.decoded_octets = counter.finish(body, line_end > 0);
        line_end > 0
    }
}
