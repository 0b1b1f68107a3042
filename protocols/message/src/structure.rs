//! What is known of a message after one pass over its bytes: enough for ENVELOPE, BODYSTRUCTURE, BODY[section] and
//! BINARY without reading it again. Plain public fields, so that who stores it converts it by hand.
//!
//! Text here is UTF-8: raw 8-bit header text has been decoded by its likely charset. Encoded words (RFC 2047) are kept
//! as they came; [`crate::words::decode`] reads them.

use crate::{AddressItem, SentDate};

/// The structure of a whole message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Structure {
    /// Octets of the message.
    pub octets: u64,
    /// The envelope of the message itself.
    pub envelope: Envelope,
    /// When the `Date` field says it was sent, if it can be read.
    pub sent: Option<SentDate>,
    /// Message ids of `References`, oldest first, without angle brackets; at most
    /// [`crate::message_id::REFERENCES_MAX`].
    pub references: Vec<String>,
    /// The tree of parts; the root's header is the message's header.
    pub root: Part,
    /// The beginning of its text (RFC 8970 §3.2), white space collapsed; empty when it has none.
    pub preview: String,
    /// Whether a limit cut something: parts, depth, or text that did not fit.
    pub truncated: bool,
}

/// The fields of ENVELOPE (RFC 9051 §7.5.2). An absent field is `None` or an empty list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Envelope {
    /// `Date`, as it stands there.
    pub date: Option<String>,
    /// `Subject`, unfolded, encoded words kept.
    pub subject: Option<String>,
    /// `From`.
    pub from: Vec<AddressItem>,
    /// `Sender`; [`Envelope::sender_or_from`] applies the default.
    pub sender: Vec<AddressItem>,
    /// `Reply-To`; [`Envelope::reply_to_or_from`] applies the default.
    pub reply_to: Vec<AddressItem>,
    /// `To`.
    pub to: Vec<AddressItem>,
    /// `Cc`.
    pub cc: Vec<AddressItem>,
    /// `Bcc`.
    pub bcc: Vec<AddressItem>,
    /// `In-Reply-To`, as it stands there.
    pub in_reply_to: Option<String>,
    /// `Message-ID`, as it stands there, with its angle brackets.
    pub message_id: Option<String>,
}

impl Envelope {
    /// `Sender`, or `From` when it is absent (RFC 9051 §7.5.2).
    #[must_use]
    pub fn sender_or_from(&self) -> &[AddressItem] {
        if self.sender.is_empty() {
            &self.from
        } else {
            &self.sender
        }
    }

    /// `Reply-To`, or `From` when it is absent (RFC 9051 §7.5.2).
    #[must_use]
    pub fn reply_to_or_from(&self) -> &[AddressItem] {
        if self.reply_to.is_empty() {
            &self.from
        } else {
            &self.reply_to
        }
    }
}

/// One part: its place in the bytes, its MIME header, and what it holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Part {
    /// Where its header begins, in octets from the start of the message.
    pub header_offset: u64,
    /// Octets of its header with the blank line after it.
    pub header_octets: u64,
    /// Octets of its body, as transferred; the line end before a boundary is not part of it.
    pub body_octets: u64,
    /// Lines of its body; a last line without line end counts.
    pub body_lines: u64,
    /// Octets of its body after the transfer encoding is undone (BINARY.SIZE, RFC 3516 §4.3); for containers and
    /// unknown encodings the same as `body_octets`.
    pub decoded_octets: u64,
    /// `Content-Type`, or the default that applies.
    pub media: MediaType,
    /// `Content-Transfer-Encoding`.
    pub encoding: Encoding,
    /// `Content-ID`, with its angle brackets.
    pub id: Option<String>,
    /// `Content-Description`.
    pub description: Option<String>,
    /// `Content-MD5`.
    pub md5: Option<String>,
    /// `Content-Disposition`.
    pub disposition: Option<Disposition>,
    /// `Content-Language`.
    pub language: Vec<String>,
    /// `Content-Location`.
    pub location: Option<String>,
    /// What is inside.
    pub content: Content,
}

/// What a part holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Content {
    /// Bytes.
    #[default]
    Leaf,
    /// Parts between boundaries: at least one. A multipart without any is a `text/plain` leaf.
    Multipart(Vec<Part>),
    /// A message (`message/rfc822`, `message/global`). Only such parts and all such parts have this; one that lies too
    /// deep is an `application/octet-stream` leaf.
    Message(Box<Embedded>),
}

/// A message inside a part; its root's offsets count from the start of the outermost message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Embedded {
    /// Its envelope.
    pub envelope: Envelope,
    /// Its parts.
    pub root: Part,
}

/// A media type with its parameters (RFC 2045 §5.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaType {
    /// Lower case, such as `text`.
    pub kind: String,
    /// Lower case, such as `plain`.
    pub subtype: String,
    /// Parameters in their order.
    pub params: Vec<Parameter>,
}

/// A parameter of a media type or disposition: RFC 2231 continuations joined and its charset decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Lower case.
    pub name: String,
    /// The value in UTF-8, without quotes.
    pub value: String,
}

/// `Content-Disposition` (RFC 2183).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disposition {
    /// Lower case, such as `attachment`.
    pub kind: String,
    /// Parameters in their order.
    pub params: Vec<Parameter>,
}

/// `Content-Transfer-Encoding` (RFC 2045 §6).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Encoding {
    /// `7bit`, and the default.
    #[default]
    SevenBit,
    /// `8bit`.
    EightBit,
    /// `binary`.
    Binary,
    /// `quoted-printable`.
    QuotedPrintable,
    /// `base64`.
    Base64,
    /// Any other word, in lower case; its bytes cannot be decoded (BINARY: UNKNOWN-CTE).
    Other(String),
}

impl Encoding {
    /// The word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::SevenBit => "7bit",
            Self::EightBit => "8bit",
            Self::Binary => "binary",
            Self::QuotedPrintable => "quoted-printable",
            Self::Base64 => "base64",
            Self::Other(word) => word,
        }
    }
}

impl MediaType {
    /// A type without parameters; both words in lower case.
    #[must_use]
    pub fn new(kind: &str, subtype: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            subtype: subtype.to_owned(),
            params: Vec::new(),
        }
    }
    /// Whether it is `kind/subtype`; both in lower case.
    #[must_use]
    pub fn is(&self, kind: &str, subtype: &str) -> bool {
        self.kind == kind && self.subtype == subtype
    }
    /// The value of the parameter `name`, in lower case.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        find_param(&self.params, name)
    }
}

impl Default for MediaType {
    /// `text/plain` (RFC 2045 §5.2).
    fn default() -> Self {
        Self::new("text", "plain")
    }
}

impl Disposition {
    /// The value of the parameter `name`, in lower case.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        find_param(&self.params, name)
    }
}

fn find_param<'a>(params: &'a [Parameter], name: &str) -> Option<&'a str> {
    params
        .iter()
        .find(|param| param.name == name)
        .map(|param| param.value.as_str())
}

impl Part {
    /// Where its body begins, in octets from the start of the message.
    #[must_use]
    pub fn body_offset(&self) -> u64 {
        self.header_offset.saturating_add(self.header_octets)
    }

    /// The `charset` parameter.
    #[must_use]
    pub fn charset(&self) -> Option<&str> {
        self.media.param("charset")
    }

    /// The name a client would save it under: `filename` of the disposition or `name` of the type.
    #[must_use]
    pub fn file_name(&self) -> Option<&str> {
        self.disposition
            .as_ref()
            .and_then(|disposition| disposition.param("filename"))
            .or_else(|| self.media.param("name"))
    }

    /// Whether it says that it is an attachment.
    #[must_use]
    pub fn is_attachment(&self) -> bool {
        self.disposition
            .as_ref()
            .is_some_and(|disposition| disposition.kind == "attachment")
    }

    /// Its direct children: of a multipart its parts, of a message the message's root.
    #[must_use]
    pub fn children(&self) -> &[Self] {
        match &self.content {
            Content::Leaf => &[],
            Content::Multipart(parts) => parts,
            Content::Message(message) => std::slice::from_ref(&message.root),
        }
    }

    /// Calls `visit` for this part and all parts in it, in the order of the bytes.
    pub fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Self)) {
        visit(self);
        for child in self.children() {
            child.walk(visit);
        }
    }

    fn section_child(&self, number: u32) -> Option<&Self> {
        match &self.content {
            Content::Multipart(parts) => {
                let at = usize::try_from(number).ok()?.checked_sub(1)?;
                parts.get(at)
            }
            // RFC 9051 §6.4.5.1: a message that is not multipart has its body as part 1.
            Content::Message(message) => match &message.root.content {
                Content::Multipart(_) => message.root.section_child(number),
                _ => (number == 1).then_some(&message.root),
            },
            Content::Leaf => None,
        }
    }
}

impl Structure {
    /// The part that the numbers of a section name (RFC 9051 §6.4.5.1), such as `[2, 1]` for `BODY[2.1]`; the root
    /// for no number. `HEADER` and `TEXT` behind numbers are of the message in that part: see [`Content::Message`].
    #[must_use]
    pub fn section(&self, numbers: &[u32]) -> Option<&Part> {
        let mut part = &self.root;
        for (at, number) in numbers.iter().enumerate() {
            let is_whole = at == 0 && !matches!(part.content, Content::Multipart(_));
            part = if is_whole {
                (*number == 1).then_some(part)?
            } else {
                part.section_child(*number)?
            };
        }
        Some(part)
    }

    /// How many parts there are, the root included.
    #[must_use]
    pub fn part_count(&self) -> usize {
        let mut count: usize = 0;
        self.root.walk(&mut |_| count = count.saturating_add(1));
        count
    }
}
