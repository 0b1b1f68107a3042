//! Bodies and attachments of items, and which of them a device wants ([MS-ASAIRS]).

use crate::command::number;
use crate::page::air_sync_base as page;
use crate::{CommandError, Element};

/// In which form a body is ([MS-ASAIRS] §2.2.2.41).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyType {
    /// Plain text.
    Plain,
    /// HTML.
    Html,
    /// RTF, which nothing here is in.
    Rtf,
    /// The whole mail.
    Mime,
}

impl BodyType {
    /// Its number on the wire.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Plain => 1,
            Self::Html => 2,
            Self::Rtf => 3,
            Self::Mime => 4,
        }
    }

    /// Of its number on the wire.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        [Self::Plain, Self::Html, Self::Rtf, Self::Mime]
            .into_iter()
            .find(|kind| kind.number() == number)
    }
}

/// How a device wants bodies of one form ([MS-ASAIRS] §2.2.2.12).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyPreference {
    /// The form.
    pub kind: BodyType,
    /// Octets after which a body is cut; `None` for never.
    pub truncation_size: Option<u32>,
    /// A body that would be cut is not wanted at all in this form.
    pub all_or_none: bool,
    /// Characters of a preview, up to 255; `None` for no preview.
    pub preview: Option<u16>,
}

impl BodyPreference {
    /// Reads all that are in an element, in order.
    ///
    /// # Errors
    /// One has no form that there is, or a number that is none: 103.
    pub(crate) fn read_all(options: &Element) -> Result<Vec<Self>, CommandError> {
        options.children(page::BODY_PREFERENCE).map(Self::read).collect()
    }

    fn read(element: &Element) -> Result<Self, CommandError> {
        let wrong = CommandError::invalid("a body preference has no type, or a number that is none");
        let preview = number(element, page::PREVIEW, wrong)?;
        Ok(Self {
            kind: number(element, page::TYPE, wrong)?
                .and_then(BodyType::from_number)
                .ok_or(wrong)?,
            truncation_size: number(element, page::TRUNCATION_SIZE, wrong)?,
            all_or_none: flag(element, page::ALL_OR_NONE),
            preview: preview.map(|characters: u16| characters.min(255)),
        })
    }

    pub(crate) fn write(&self) -> Element {
        let element = Element::new(page::BODY_PREFERENCE)
            .number(page::TYPE, self.kind.number())
            .number_if(page::TRUNCATION_SIZE, self.truncation_size);
        let all_or_none = self.all_or_none.then(|| Element::of_text(page::ALL_OR_NONE, "1"));
        element.with_all(all_or_none).number_if(page::PREVIEW, self.preview)
    }
}

/// Whether something that may be left out, be empty or have a boolean is said ([MS-ASDTYPE] §2.1).
pub(crate) fn flag(element: &Element, tag: crate::Tag) -> bool {
    element
        .text_of(tag)
        .is_some_and(|text| !matches!(text.trim(), "0" | "false" | "FALSE" | "False"))
}

/// What a body says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BodyData {
    /// Text or HTML.
    Text(String),
    /// A mail, or its beginning.
    Mime(Vec<u8>),
}

/// A body ([MS-ASAIRS] §2.2.2.9).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// In which form.
    pub kind: BodyType,
    /// Octets of the whole, cut or not; a client leaves it out.
    pub estimated_data_size: Option<u32>,
    /// Whether it was cut.
    pub truncated: bool,
    /// What it says; `None` where it is left out, or comes as a part of its own.
    pub data: Option<BodyData>,
    /// Which part of an answer in parts has what it says.
    pub part: Option<u32>,
    /// How it begins.
    pub preview: Option<String>,
}

impl Body {
    /// Writes it.
    #[must_use]
    pub fn write(&self) -> Element {
        let truncated = self.truncated.then(|| Element::of_text(page::TRUNCATED, "1"));
        let element = Element::new(page::BODY)
            .number(page::TYPE, self.kind.number())
            .number_if(page::ESTIMATED_DATA_SIZE, self.estimated_data_size)
            .with_all(truncated);
        let element = match &self.data {
            None => element,
            Some(BodyData::Text(text)) => element.text(page::DATA, text),
            Some(BodyData::Mime(octets)) => element.with(mime(octets)),
        };
        element
            .number_if(crate::page::item_operations::PART, self.part)
            .text_if(page::PREVIEW, self.preview.as_ref())
    }

    /// Reads it.
    ///
    /// # Errors
    /// It has no form that there is, or text that is none: 103.
    pub fn read(element: &Element) -> Result<Self, CommandError> {
        let wrong = CommandError::invalid("a body has no type, or a number that is none");
        let kind = number(element, page::TYPE, wrong)?
            .and_then(BodyType::from_number)
            .ok_or(wrong)?;
        let data = match (kind, element.child(page::DATA)) {
            (_, None) => None,
            (BodyType::Mime, Some(data)) => Some(BodyData::Mime(data.own_octets().to_vec())),
            (_, Some(data)) => {
                let text = std::str::from_utf8(data.own_octets());
                Some(BodyData::Text(
                    text.map_err(|_| CommandError::invalid("a body is no text"))?.to_owned(),
                ))
            }
        };
        Ok(Self {
            kind,
            estimated_data_size: number(element, page::ESTIMATED_DATA_SIZE, wrong)?,
            truncated: flag(element, page::TRUNCATED),
            data,
            part: number(element, crate::page::item_operations::PART, wrong)?,
            preview: element.text_of(page::PREVIEW).map(str::to_owned),
        })
    }
}

/// A mail is a string where it can be one: that is how Exchange sends it. Others are octets, so that nothing is lost.
fn mime(octets: &[u8]) -> Element {
    if let Ok(text) = std::str::from_utf8(octets) {
        let element = Element::of_text(page::DATA, text);
        if element.own_octets() == octets {
            return element;
        }
    }
    Element {
        tag: page::DATA,
        content: vec![crate::Content::Opaque(octets.to_vec())],
    }
}

/// What an attachment is ([MS-ASAIRS] §2.2.2.31).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttachmentMethod {
    /// A file.
    Normal,
    /// A mail in the mail.
    Embedded,
    /// An object of OLE.
    Ole,
}

impl AttachmentMethod {
    /// Its number on the wire.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Normal => 1,
            Self::Embedded => 5,
            Self::Ole => 6,
        }
    }

    /// Of its number on the wire.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        [Self::Normal, Self::Embedded, Self::Ole]
            .into_iter()
            .find(|method| method.number() == number)
    }
}

/// An attachment as it is listed with its mail ([MS-ASAIRS] §2.2.2.7).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Its name.
    pub display_name: Option<String>,
    /// By which it is fetched.
    pub file_reference: String,
    /// What the device called it, in the answer to a draft that brought it (16.0).
    pub client_id: Option<String>,
    /// What it is.
    pub method: AttachmentMethod,
    /// Its octets.
    pub estimated_data_size: u32,
    /// By which HTML refers to it.
    pub content_id: Option<String>,
    /// Where it says to be from.
    pub content_location: Option<String>,
    /// Whether HTML shows it.
    pub is_inline: bool,
}

impl Attachment {
    pub(crate) fn write(&self) -> Element {
        let is_inline = self.is_inline.then(|| Element::of_text(page::IS_INLINE, "1"));
        Element::new(page::ATTACHMENT)
            .text_if(page::DISPLAY_NAME, self.display_name.as_ref())
            .text(page::FILE_REFERENCE, &self.file_reference)
            .text_if(page::CLIENT_ID, self.client_id.as_ref())
            .number(page::METHOD, self.method.number())
            .number(page::ESTIMATED_DATA_SIZE, self.estimated_data_size)
            .text_if(page::CONTENT_ID, self.content_id.as_ref())
            .text_if(page::CONTENT_LOCATION, self.content_location.as_ref())
            .with_all(is_inline)
    }

    pub(crate) fn read(element: &Element) -> Result<Self, CommandError> {
        let wrong = CommandError::invalid("an attachment has no reference, or no method or size that is one");
        let text = |tag| element.text_of(tag).map(str::to_owned);
        Ok(Self {
            display_name: text(page::DISPLAY_NAME),
            file_reference: text(page::FILE_REFERENCE).ok_or(wrong)?,
            client_id: text(page::CLIENT_ID),
            method: number(element, page::METHOD, wrong)?
                .and_then(AttachmentMethod::from_number)
                .ok_or(wrong)?,
            estimated_data_size: number(element, page::ESTIMATED_DATA_SIZE, wrong)?.unwrap_or_default(),
            content_id: text(page::CONTENT_ID),
            content_location: text(page::CONTENT_LOCATION),
            is_inline: flag(element, page::IS_INLINE),
        })
    }
}

/// An attachment that a draft of a device brings (16.0, [MS-ASAIRS] §2.2.2.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAttachment {
    /// What the device calls it.
    pub client_id: String,
    /// Its name.
    pub display_name: Option<String>,
    /// Its media type.
    pub content_type: Option<String>,
    /// By which HTML refers to it.
    pub content_id: Option<String>,
    /// Whether HTML shows it.
    pub is_inline: bool,
    /// What is in it.
    pub content: Vec<u8>,
}

impl NewAttachment {
    pub(crate) fn write(&self) -> Element {
        let is_inline = self.is_inline.then(|| Element::of_text(page::IS_INLINE, "1"));
        Element::new(page::ADD)
            .text(page::CLIENT_ID, &self.client_id)
            .number(page::METHOD, AttachmentMethod::Normal.number())
            .opaque(page::CONTENT, self.content.clone())
            .text_if(page::DISPLAY_NAME, self.display_name.as_ref())
            .text_if(page::CONTENT_TYPE, self.content_type.as_ref())
            .text_if(page::CONTENT_ID, self.content_id.as_ref())
            .with_all(is_inline)
    }

    pub(crate) fn read(element: &Element) -> Result<Self, CommandError> {
        let missing = CommandError::invalid("an attachment of a draft has no identifier or no content");
        let text = |tag| element.text_of(tag).map(str::to_owned);
        Ok(Self {
            client_id: text(page::CLIENT_ID).ok_or(missing)?,
            display_name: text(page::DISPLAY_NAME),
            content_type: text(page::CONTENT_TYPE),
            content_id: text(page::CONTENT_ID),
            is_inline: flag(element, page::IS_INLINE),
            content: element.octets_of(page::CONTENT).ok_or(missing)?.to_vec(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::testing::octets;

    #[test]
    fn acc_4_preferences_both_ways() {
        let preference = BodyPreference {
            kind: BodyType::Html,
            truncation_size: Some(500),
            all_or_none: true,
            preview: Some(255),
        };
        let options = Element::new(crate::page::air_sync::OPTIONS).with(preference.write());
        let golden = b"\x03\x01\x6a\x00\x57\x00\x11\x45\x46\x032\x00\x01\x47\x03500\x00\x01\x48\x031\x00\x01\x58\x03255\x00\x01\x01\x01";
        assert_eq!(octets(&options), golden);
        assert_eq!(BodyPreference::read_all(&options), Ok(vec![preference]));
        for wrong in ["", "5", "x"] {
            let options = Element::new(crate::page::air_sync::OPTIONS)
                .with(Element::new(page::BODY_PREFERENCE).text(page::TYPE, wrong));
            assert_eq!(BodyPreference::read_all(&options).unwrap_err().status, 103);
        }
    }

    #[test]
    fn mails_that_are_no_text_are_octets() {
        for (mail, is_text) in [
            (&b"Subject: \xe5\xbc\xa0\r\n"[..], true),
            (b"\xff", false),
            (b"a\x0cb", false),
            (b"", true),
        ] {
            let body = Body {
                kind: BodyType::Mime,
                estimated_data_size: Some(5),
                truncated: true,
                data: Some(BodyData::Mime(mail.to_vec())),
                part: None,
                preview: None,
            };
            let written = body.write();
            let content = &written.child(page::DATA).unwrap().content;
            assert_eq!(matches!(content[0], crate::Content::Text(_)), is_text);
            assert_eq!(Body::read(&written), Ok(body));
        }
    }

    #[test]
    fn attachments_both_ways() {
        let new = NewAttachment {
            client_id: "c".to_owned(),
            display_name: Some("a.png".to_owned()),
            content_type: Some("image/png".to_owned()),
            content_id: Some("i".to_owned()),
            is_inline: true,
            content: vec![0, 255],
        };
        assert_eq!(NewAttachment::read(&new.write()), Ok(new));
        assert_eq!(NewAttachment::read(&Element::new(page::ADD)).unwrap_err().status, 103);
    }
}
