//! WBXML as far as ActiveSync uses it ([MS-ASWBXML] §2.1.2; the format is W3C's WBXML 1.3): elements without attributes,
//! strings in place, octets, and pages that are switched. References into a table of strings and single characters are
//! read, though no document asks for them; attributes, extensions and unknown tokens are errors.

use crate::element::is_xml;
use crate::{Content, Element, Tag};

const SWITCH_PAGE: u8 = 0x00;
const END: u8 = 0x01;
const ENTITY: u8 = 0x02;
const STRING: u8 = 0x03;
const STRING_OF_TABLE: u8 = 0x83;
const OPAQUE: u8 = 0xC3;
/// The bit of a tag that something is in it.
const WITH_CONTENT: u8 = 0x40;
/// The bit of a tag that it has attributes.
const WITH_ATTRIBUTES: u8 = 0x80;
/// Version 1.3, no document type known, UTF-8, and an empty table of strings ([MS-ASWBXML] §2.1.2).
const HEAD: [u8; 4] = [0x03, 0x01, 0x6A, 0x00];
/// The charsets that are read: US-ASCII and UTF-8 (IANA's numbers).
const CHARSETS: [u32; 2] = [3, 106];

/// How large a body may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WbxmlLimits {
    /// Octets of the body.
    pub octets_max: usize,
    /// Levels of elements in one another.
    pub depth_max: usize,
    /// Elements in all.
    pub elements_max: usize,
}

impl Default for WbxmlLimits {
    /// 50 MiB, as a mail with its attachments is sent in one body; 32 levels, where the documents need 12; 65,536 elements.
    fn default() -> Self {
        Self {
            octets_max: 52_428_800,
            depth_max: 32,
            elements_max: 65_536,
        }
    }
}

/// Why a body is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WbxmlError {
    /// It is larger than `octets_max`.
    #[error("the body has more than {0} octets")]
    TooManyOctets(usize),
    /// Its elements are nested deeper than `depth_max`.
    #[error("its elements are nested more than {0} deep")]
    TooDeep(usize),
    /// It has more than `elements_max`.
    #[error("it has more than {0} elements")]
    TooManyElements(usize),
    /// It ends before it is over.
    #[error("it ends too early")]
    TooShort,
    /// Something follows its last element.
    #[error("something follows the last element")]
    TrailingOctets,
    /// It is another version of WBXML.
    #[error("it is no WBXML of version 1.1 to 1.3")]
    Version,
    /// Its text is in another charset than UTF-8.
    #[error("its charset is not UTF-8")]
    Charset,
    /// A number is longer than 32 bits.
    #[error("a number is too large")]
    Number,
    /// A text is not UTF-8, or there is no such character, or no such place in the table.
    #[error("a text is none")]
    Text,
    /// No page has this tag.
    #[error("there is no tag 0x{token:02X} on page {page}")]
    UnknownTag {
        /// The page.
        page: u8,
        /// The tag there.
        token: u8,
    },
    /// A token that ActiveSync has no use for: attributes, extensions, processing instructions.
    #[error("the token 0x{0:02X} is not used in ActiveSync")]
    UnknownToken(u8),
}

struct Reader<'b> {
    rest: &'b [u8],
    strings: &'b [u8],
}

impl<'b> Reader<'b> {
    fn octet(&mut self) -> Result<u8, WbxmlError> {
        let (octet, rest) = self.rest.split_first().ok_or(WbxmlError::TooShort)?;
        self.rest = rest;
        Ok(*octet)
    }

    /// A number of up to 32 bits, seven in each octet, the highest first.
    fn number(&mut self) -> Result<u32, WbxmlError> {
        let mut number = 0_u32;
        for _ in 0..5 {
            let octet = self.octet()?;
            if number > u32::MAX >> 7 {
                return Err(WbxmlError::Number);
            }
            number = number << 7 | u32::from(octet & 0x7f);
            if octet & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(WbxmlError::Number)
    }

    fn octets(&mut self) -> Result<&'b [u8], WbxmlError> {
        let length = usize::try_from(self.number()?).map_err(|_| WbxmlError::Number)?;
        let (octets, rest) = self.rest.split_at_checked(length).ok_or(WbxmlError::TooShort)?;
        self.rest = rest;
        Ok(octets)
    }

    fn string(&mut self) -> Result<&'b str, WbxmlError> {
        let (text, octets) = terminated(self.rest, WbxmlError::TooShort)?;
        self.rest = self.rest.get(octets..).ok_or(WbxmlError::TooShort)?;
        Ok(text)
    }

    fn string_of_table(&mut self) -> Result<&'b str, WbxmlError> {
        let at = usize::try_from(self.number()?).map_err(|_| WbxmlError::Number)?;
        let from = self.strings.get(at..).ok_or(WbxmlError::Text)?;
        terminated(from, WbxmlError::Text).map(|(text, _)| text)
    }

    fn head(&mut self) -> Result<(), WbxmlError> {
        if !(0x01..=0x03).contains(&self.octet()?) {
            return Err(WbxmlError::Version);
        }
        if self.number()? == 0 {
            // The type of the document stands in the table of strings.
            self.number()?;
        }
        if !CHARSETS.contains(&self.number()?) {
            return Err(WbxmlError::Charset);
        }
        self.strings = self.octets()?;
        Ok(())
    }
}

/// A text up to its zero, and how many octets both have.
fn terminated(octets: &[u8], endless: WbxmlError) -> Result<(&str, usize), WbxmlError> {
    let end = octets.iter().position(|octet| *octet == 0).ok_or(endless)?;
    let text = octets.get(..end).ok_or(endless)?;
    let text = std::str::from_utf8(text).map_err(|_| WbxmlError::Text)?;
    Ok((text, end + 1))
}

/// Adds text, to the text before it if that is next to it: where it was cut says nothing. What XML cannot say is left out, as
/// it is when we write.
fn add_text(element: &mut Element, text: &str) {
    let sayable = text.chars().filter(|character| is_xml(*character));
    match element.content.last_mut() {
        Some(Content::Text(before)) => before.extend(sayable),
        _ => element.content.push(Content::Text(sayable.collect())),
    }
}

/// Reads a body.
///
/// # Errors
/// It is no WBXML, has what ActiveSync does not know, or is larger than the limits.
pub fn decode(body: &[u8], limits: &WbxmlLimits) -> Result<Element, WbxmlError> {
    if body.len() > limits.octets_max {
        return Err(WbxmlError::TooManyOctets(limits.octets_max));
    }
    let mut reader = Reader {
        rest: body,
        strings: &[],
    };
    reader.head()?;
    let (mut page, mut elements) = (0, 0);
    // Those that have begun and not ended, the outermost first.
    let mut open: Vec<Element> = Vec::new();
    loop {
        let token = reader.octet()?;
        let ended = match (token, open.last_mut()) {
            (SWITCH_PAGE, _) => {
                page = reader.octet()?;
                None
            }
            (END, Some(_)) => open.pop(),
            (STRING, Some(element)) => {
                add_text(element, reader.string()?);
                None
            }
            (STRING_OF_TABLE, Some(element)) => {
                add_text(element, reader.string_of_table()?);
                None
            }
            (ENTITY, Some(element)) => {
                let character = char::from_u32(reader.number()?).filter(|character| *character != '\0');
                add_text(element, character.ok_or(WbxmlError::Text)?.encode_utf8(&mut [0; 4]));
                None
            }
            (OPAQUE, Some(element)) => {
                element.content.push(Content::Opaque(reader.octets()?.to_vec()));
                None
            }
            _ => {
                let element = Element::new(tag(token, page)?);
                elements += 1;
                if elements > limits.elements_max {
                    return Err(WbxmlError::TooManyElements(limits.elements_max));
                }
                if open.len() >= limits.depth_max {
                    return Err(WbxmlError::TooDeep(limits.depth_max));
                }
                if token & WITH_CONTENT == 0 {
                    Some(element)
                } else {
                    open.push(element);
                    None
                }
            }
        };
        let Some(ended) = ended else { continue };
        match open.last_mut() {
            Some(outer) => outer.content.push(Content::Element(ended)),
            None if reader.rest.is_empty() => return Ok(ended),
            None => return Err(WbxmlError::TrailingOctets),
        }
    }
}

fn tag(token: u8, page: u8) -> Result<Tag, WbxmlError> {
    // The tokens below 5 of each quarter are not tags; neither is any with attributes.
    if token & WITH_ATTRIBUTES != 0 || token & !WITH_CONTENT < 5 {
        return Err(WbxmlError::UnknownToken(token));
    }
    let tag = Tag {
        page,
        token: token & !WITH_CONTENT,
    };
    match tag.name() {
        Some(_) => Ok(tag),
        None => Err(WbxmlError::UnknownTag { page, token: tag.token }),
    }
}

/// Writes a body.
#[must_use]
pub fn encode(element: &Element) -> Vec<u8> {
    let mut writer = Writer {
        octets: HEAD.to_vec(),
        page: 0,
    };
    writer.element(element);
    writer.octets
}

struct Writer {
    octets: Vec<u8>,
    page: u8,
}

impl Writer {
    fn element(&mut self, element: &Element) {
        let tag = element.tag;
        if tag.page != self.page {
            self.octets.extend([SWITCH_PAGE, tag.page]);
            self.page = tag.page;
        }
        if element.content.is_empty() {
            self.octets.push(tag.token);
            return;
        }
        self.octets.push(tag.token | WITH_CONTENT);
        for content in &element.content {
            match content {
                Content::Element(element) => self.element(element),
                Content::Text(text) => {
                    self.octets.push(STRING);
                    // A zero ends the text on the wire, so it cannot be in it.
                    self.octets.extend(text.bytes().filter(|octet| *octet != 0));
                    self.octets.push(0);
                }
                Content::Opaque(octets) => {
                    self.octets.push(OPAQUE);
                    self.length(octets.len());
                    self.octets.extend_from_slice(octets);
                }
            }
        }
        self.octets.push(END);
    }

    /// A number, seven bits an octet, the highest first.
    fn length(&mut self, length: usize) {
        let mut shift = usize::BITS - length.leading_zeros().min(usize::BITS - 1);
        shift = shift.saturating_sub(1) / 7 * 7;
        loop {
            let seven = u8::try_from(length >> shift & 0x7f).unwrap_or_default();
            if shift == 0 {
                self.octets.push(seven);
                return;
            }
            self.octets.push(seven | 0x80);
            shift -= 7;
        }
    }
}

#[cfg(test)]
#[path = "wbxml_test.rs"]
mod tests;
