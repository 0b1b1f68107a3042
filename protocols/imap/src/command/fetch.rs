//! FETCH (RFC 9051 §6.4.5) with CHANGEDSINCE and VANISHED (RFC 7162 §3.1.4.1, §3.2.6), BINARY (RFC 3516), PREVIEW
//! (RFC 8970), SAVEDATE (RFC 8514), OBJECTID (RFC 8474):
//! `"FETCH" SP sequence-set SP ("ALL" / "FULL" / "FAST" / fetch-att / "(" fetch-att .. ")") [SP fetch-modifiers]`.

use crate::parser::{Parsed, Parser};
use crate::{Code, Refusal, SequenceSet};

/// Asks for items of messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetch {
    /// The set holds UIDs.
    pub uid: bool,
    /// Which messages.
    pub set: SequenceSet,
    /// What of them.
    pub items: FetchItems,
    /// Only those changed since.
    pub changed_since: Option<u64>,
    /// Tell what vanished since, too.
    pub vanished: bool,
}

/// Items without arguments, and sections.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FetchItems {
    /// UID
    pub uid: bool,
    /// FLAGS
    pub flags: bool,
    /// INTERNALDATE
    pub internal_date: bool,
    /// RFC822.SIZE
    pub size: bool,
    /// ENVELOPE
    pub envelope: bool,
    /// BODY
    pub body: bool,
    /// BODYSTRUCTURE
    pub body_structure: bool,
    /// MODSEQ
    pub mod_seq: bool,
    /// EMAILID
    pub email_id: bool,
    /// THREADID
    pub thread_id: bool,
    /// SAVEDATE
    pub save_date: bool,
    /// PREVIEW
    pub preview: bool,
    /// Sections, in the order asked.
    pub sections: Vec<Section>,
}

/// A part of a message's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// How the item is named.
    pub form: SectionForm,
    /// Reading it leaves \Seen alone.
    pub peek: bool,
    /// Part numbers, outermost first; none for the message itself.
    pub part: Vec<u32>,
    /// What of the part.
    pub text: SectionText,
    /// Only some octets.
    pub partial: Option<Partial>,
}

/// Name of a section item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SectionForm {
    /// `BODY[..]`
    Body,
    /// `BINARY[..]`: the transfer encoding removed
    Binary,
    /// `BINARY.SIZE[..]`
    BinarySize,
    /// `RFC822`
    Rfc822,
    /// `RFC822.HEADER`
    Rfc822Header,
    /// `RFC822.TEXT`
    Rfc822Text,
}

/// What of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SectionText {
    /// All of it.
    All,
    /// Its header.
    Header,
    /// Some header fields, or all but some.
    HeaderFields {
        /// All but these.
        not: bool,
        /// Field names as the client wrote them.
        names: Vec<String>,
    },
    /// Its text without the header.
    Text,
    /// The MIME header of the part.
    Mime,
}

/// `<offset.octets>`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partial {
    /// First octet.
    pub offset: u64,
    /// How many.
    pub octets: u64,
}

impl FetchItems {
    /// Whether reading these marks the message as seen.
    #[must_use]
    pub fn sets_seen(&self) -> bool {
        self.sections.iter().any(|section| !section.peek)
    }

    /// Whether only what a folder's index holds is asked for: no record need be read.
    #[must_use]
    pub fn index_only(&self) -> bool {
        !(self.envelope || self.body || self.body_structure || self.thread_id || self.preview)
            && self.sections.is_empty()
    }

    fn macro_or_item(&mut self, parser: &mut Parser<'_>) -> Parsed<()> {
        for (name, level) in [("ALL", 2), ("FULL", 3), ("FAST", 1)] {
            if parser.word(name) {
                self.flags = true;
                self.internal_date = true;
                self.size = true;
                self.envelope = level >= 2;
                self.body = level >= 3;
                return Ok(());
            }
        }
        self.item(parser)
    }

    fn item(&mut self, parser: &mut Parser<'_>) -> Parsed<()> {
        let name = parser
            .take_while(|byte| crate::parser::is_atom_char(byte) && byte != b'[' && byte != b'<')
            .to_ascii_uppercase();
        if parser.peek() == Some(b'[') {
            let section = Section::parse(&name, parser)?;
            return self.add(section, parser);
        }
        match name.as_slice() {
            b"UID" => self.uid = true,
            b"FLAGS" => self.flags = true,
            b"INTERNALDATE" => self.internal_date = true,
            b"RFC822.SIZE" => self.size = true,
            b"ENVELOPE" => self.envelope = true,
            b"BODY" => self.body = true,
            b"BODYSTRUCTURE" => self.body_structure = true,
            b"MODSEQ" => self.mod_seq = true,
            b"EMAILID" => self.email_id = true,
            b"THREADID" => self.thread_id = true,
            b"SAVEDATE" => self.save_date = true,
            b"PREVIEW" => self.preview(parser)?,
            b"RFC822" => return self.add(Section::whole(SectionForm::Rfc822), parser),
            b"RFC822.HEADER" => return self.add(Section::whole(SectionForm::Rfc822Header), parser),
            b"RFC822.TEXT" => return self.add(Section::whole(SectionForm::Rfc822Text), parser),
            _ => return Err(Refusal::bad("Unknown fetch item")),
        }
        Ok(())
    }

    /// `PREVIEW [SP "(LAZY)"]`; previews are stored, so LAZY changes nothing (RFC 8970 §4.1).
    fn preview(&mut self, parser: &mut Parser<'_>) -> Parsed<()> {
        self.preview = true;
        let mut ahead = *parser;
        if ahead.skip(b' ') && ahead.peek() == Some(b'(') {
            let mut lazy = false;
            let list = ahead.list(|parser| {
                lazy = parser.word("LAZY");
                if lazy {
                    Ok(())
                } else {
                    Err(Refusal::bad("Unknown preview modifier"))
                }
            });
            // Outside parentheses a list may be the modifiers of the command.
            if list.is_ok() && lazy {
                *parser = ahead;
            }
        }
        Ok(())
    }

    fn add(&mut self, section: Section, parser: &Parser<'_>) -> Parsed<()> {
        if self.sections.len() >= parser.limits.fetch_sections_max {
            return Err(Refusal::bad_with(Code::Limit, "Too many sections"));
        }
        if !self.sections.contains(&section) {
            self.sections.push(section);
        }
        Ok(())
    }
}

impl Section {
    fn whole(form: SectionForm) -> Self {
        Self {
            form,
            // RFC 3501 §6.4.5: RFC822.HEADER does not set \Seen.
            peek: form == SectionForm::Rfc822Header,
            part: Vec::new(),
            text: match form {
                SectionForm::Rfc822Header => SectionText::Header,
                SectionForm::Rfc822Text => SectionText::Text,
                _ => SectionText::All,
            },
            partial: None,
        }
    }

    fn parse(name: &[u8], parser: &mut Parser<'_>) -> Parsed<Self> {
        let (form, peek) = match name {
            b"BODY" => (SectionForm::Body, false),
            b"BODY.PEEK" => (SectionForm::Body, true),
            b"BINARY" => (SectionForm::Binary, false),
            b"BINARY.PEEK" => (SectionForm::Binary, true),
            b"BINARY.SIZE" => (SectionForm::BinarySize, true),
            _ => return Err(Refusal::bad("Unknown fetch item")),
        };
        parser.expect(b'[', "Expected a section")?;
        let mut section = Self {
            form,
            peek,
            ..Self::whole(form)
        };
        let mut text_follows = true;
        while parser.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            section.part.push(parser.non_zero()?);
            if section.part.len() > parser.limits.part_depth_max {
                return Err(Refusal::bad_with(Code::Limit, "Part number too deep"));
            }
            text_follows = parser.skip(b'.');
            if !text_follows {
                break;
            }
        }
        if text_follows && (!section.part.is_empty() || parser.peek() != Some(b']')) {
            if form != SectionForm::Body {
                return Err(Refusal::bad("BINARY takes part numbers only"));
            }
            section.text = SectionText::parse(parser, !section.part.is_empty())?;
        }
        parser.expect(b']', "Expected the end of a section")?;
        if form != SectionForm::BinarySize && parser.skip(b'<') {
            section.partial = Some(Partial::parse(parser)?);
        }
        Ok(section)
    }
}

impl SectionText {
    fn parse(parser: &mut Parser<'_>, in_part: bool) -> Parsed<Self> {
        let word = parser
            .take_while(|byte| byte.is_ascii_alphabetic() || byte == b'.')
            .to_ascii_uppercase();
        let not = match word.as_slice() {
            b"HEADER" => return Ok(Self::Header),
            b"TEXT" => return Ok(Self::Text),
            // RFC 9051 §6.4.5.1: MIME needs a part number.
            b"MIME" if in_part => return Ok(Self::Mime),
            b"HEADER.FIELDS" => false,
            b"HEADER.FIELDS.NOT" => true,
            _ => return Err(Refusal::bad("Unknown section")),
        };
        parser.space()?;
        let mut names = Vec::new();
        parser.list(|parser| {
            names.push(parser.astring_utf8()?);
            if names.len() > parser.limits.header_fields_max {
                return Err(Refusal::bad_with(Code::Limit, "Too many header names"));
            }
            Ok(())
        })?;
        if names.is_empty() {
            return Err(Refusal::bad("Expected a header name"));
        }
        Ok(Self::HeaderFields { not, names })
    }
}

impl Partial {
    fn parse(parser: &mut Parser<'_>) -> Parsed<Self> {
        let offset = parser.number64()?;
        parser.expect(b'.', "Bad partial")?;
        let octets = parser.number64()?;
        parser.expect(b'>', "Bad partial")?;
        if octets == 0 {
            return Err(Refusal::bad("Bad partial"));
        }
        Ok(Self { offset, octets })
    }
}

impl Fetch {
    pub(crate) fn parse(parser: &mut Parser<'_>, uid: bool) -> Parsed<Self> {
        parser.space()?;
        let set = SequenceSet::parse(parser)?;
        parser.space()?;
        let mut items = FetchItems::default();
        if parser.peek() == Some(b'(') {
            parser.list(|parser| items.item(parser))?;
        } else {
            items.macro_or_item(parser)?;
        }
        // RFC 9051 §6.4.9: UID FETCH always tells the UID.
        items.uid |= uid;
        let mut fetch = Self {
            uid,
            set,
            items,
            changed_since: None,
            vanished: false,
        };
        if parser.skip(b' ') && !parser.is_empty() {
            parser.list(|parser| {
                if parser.word("CHANGEDSINCE") {
                    parser.space()?;
                    fetch.changed_since = Some(parser.number64()?);
                } else if parser.word("VANISHED") {
                    fetch.vanished = true;
                } else {
                    return Err(Refusal::bad("Unknown modifier"));
                }
                Ok(())
            })?;
        }
        if fetch.vanished && (!uid || fetch.changed_since.is_none()) {
            // RFC 7162 §3.2.6
            return Err(Refusal::bad("VANISHED needs UID FETCH with CHANGEDSINCE"));
        }
        fetch.items.mod_seq |= fetch.changed_since.is_some();
        Ok(fetch)
    }
}
