//! The tree that a body is: elements of the pages, with text and octets. It is XML without attributes ([MS-ASWBXML] §2.1.1).

use std::fmt;

use crate::page;

/// Which element: its page and its token there.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag {
    /// The code page.
    pub page: u8,
    /// Its number there, 0x05 to 0x3F.
    pub token: u8,
}

impl Tag {
    /// Its name in the documents, without the namespace; `None` where the page has none of this number.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        page::name(self).map(|(_, name)| name)
    }

    /// The namespace of its page, without the colon.
    #[must_use]
    pub fn namespace(self) -> Option<&'static str> {
        page::name(self).map(|(space, _)| space)
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match page::name(*self) {
            Some((space, name)) => write!(f, "{space}:{name}"),
            None => write!(f, "{}:0x{:02X}", self.page, self.token),
        }
    }
}

/// What is in an element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// An element.
    Element(Element),
    /// Text.
    Text(String),
    /// Octets that need not be text: mails, pictures, identifiers.
    Opaque(Vec<u8>),
}

/// An element and what is in it, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    /// Which.
    pub tag: Tag,
    /// What is in it.
    pub content: Vec<Content>,
}

/// Whether XML 1.0 can say it. Devices make XML of what they read, and some give up at anything else.
pub(crate) fn is_xml(character: char) -> bool {
    match character {
        '\t' | '\n' | '\r' => true,
        '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => false,
        _ => true,
    }
}

impl Element {
    /// An empty one.
    #[must_use]
    pub fn new(tag: Tag) -> Self {
        Self {
            tag,
            content: Vec::new(),
        }
    }

    /// One with text in it, without what XML cannot say.
    #[must_use]
    pub fn of_text(tag: Tag, text: impl Into<String>) -> Self {
        let mut text = text.into();
        text.retain(is_xml);
        Self {
            tag,
            content: vec![Content::Text(text)],
        }
    }

    /// And this element in it.
    #[must_use]
    pub fn with(mut self, child: Self) -> Self {
        self.content.push(Content::Element(child));
        self
    }

    /// And these elements in it: of a list, or of what may be there or not.
    #[must_use]
    pub fn with_all(mut self, children: impl IntoIterator<Item = Self>) -> Self {
        self.content.extend(children.into_iter().map(Content::Element));
        self
    }

    /// And an element with text in it.
    #[must_use]
    pub fn text(self, tag: Tag, text: impl Into<String>) -> Self {
        self.with(Self::of_text(tag, text))
    }

    /// And an element with text in it, if there is any.
    #[must_use]
    pub fn text_if(self, tag: Tag, text: Option<impl Into<String>>) -> Self {
        self.with_all(text.map(|text| Self::of_text(tag, text)))
    }

    /// And an element with a number in it.
    #[must_use]
    pub fn number(self, tag: Tag, number: impl Into<u64>) -> Self {
        self.text(tag, number.into().to_string())
    }

    /// And an element with a number in it, if there is one.
    #[must_use]
    pub fn number_if(self, tag: Tag, number: Option<impl Into<u64>>) -> Self {
        self.text_if(tag, number.map(|number| number.into().to_string()))
    }

    /// And an element with 1 or 0 in it ([MS-ASDTYPE] §2.1).
    #[must_use]
    pub fn boolean(self, tag: Tag, value: bool) -> Self {
        self.text(tag, if value { "1" } else { "0" })
    }

    /// And an element with octets in it.
    #[must_use]
    pub fn opaque(self, tag: Tag, octets: Vec<u8>) -> Self {
        self.with(Self {
            tag,
            content: vec![Content::Opaque(octets)],
        })
    }

    /// And an empty element, which says something by being there.
    #[must_use]
    pub fn flag(self, tag: Tag) -> Self {
        self.with(Self::new(tag))
    }

    /// And an empty element, if it is to be there.
    #[must_use]
    pub fn flag_if(self, tag: Tag, there: bool) -> Self {
        self.with_all(there.then(|| Self::new(tag)))
    }

    /// The elements in it.
    pub fn elements(&self) -> impl Iterator<Item = &Self> {
        self.content.iter().filter_map(|content| match content {
            Content::Element(element) => Some(element),
            Content::Text(_) | Content::Opaque(_) => None,
        })
    }

    /// The first element of this tag in it.
    #[must_use]
    pub fn child(&self, tag: Tag) -> Option<&Self> {
        self.elements().find(|element| element.tag == tag)
    }

    /// All elements of this tag in it.
    pub fn children(&self, tag: Tag) -> impl Iterator<Item = &Self> {
        self.elements().filter(move |element| element.tag == tag)
    }

    /// Whether an element of this tag is in it.
    #[must_use]
    pub fn has(&self, tag: Tag) -> bool {
        self.child(tag).is_some()
    }

    /// The text in this element itself, octets that are text of XML counted in; empty where there is none.
    #[must_use]
    pub fn own_text(&self) -> &str {
        self.content
            .iter()
            .find_map(|content| match content {
                Content::Text(text) => Some(text.as_str()),
                Content::Opaque(octets) => std::str::from_utf8(octets).ok().filter(|text| text.chars().all(is_xml)),
                Content::Element(_) => None,
            })
            .unwrap_or_default()
    }

    /// The octets in this element itself, whether sent as octets or as text; empty where there are none.
    #[must_use]
    pub fn own_octets(&self) -> &[u8] {
        self.content
            .iter()
            .find_map(|content| match content {
                Content::Text(text) => Some(text.as_bytes()),
                Content::Opaque(octets) => Some(octets.as_slice()),
                Content::Element(_) => None,
            })
            .unwrap_or_default()
    }

    /// The text of the first element of this tag; empty if that has none.
    #[must_use]
    pub fn text_of(&self, tag: Tag) -> Option<&str> {
        self.child(tag).map(Self::own_text)
    }

    /// The octets of the first element of this tag; empty if that has none.
    #[must_use]
    pub fn octets_of(&self, tag: Tag) -> Option<&[u8]> {
        self.child(tag).map(Self::own_octets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::{air_sync, email};

    #[test]
    fn a_tree_is_built_and_read() {
        let tree = Element::new(air_sync::SYNC)
            .text(air_sync::SYNC_KEY, "1\u{0}\u{b}2")
            .flag(air_sync::MORE_AVAILABLE)
            .opaque(email::SUBJECT, b"x".to_vec())
            .opaque(email::SUBJECT, vec![0xff]);
        assert_eq!(tree.text_of(air_sync::SYNC_KEY), Some("12"));
        assert_eq!(tree.text_of(air_sync::MORE_AVAILABLE), Some(""));
        assert_eq!(tree.text_of(email::SUBJECT), Some("x"));
        assert_eq!(tree.children(email::SUBJECT).count(), 2);
        assert_eq!(tree.children(email::SUBJECT).nth(1).unwrap().own_octets(), [0xff]);
        assert!(tree.has(air_sync::MORE_AVAILABLE) && !tree.has(email::READ));
        assert_eq!(format!("{:?}", tree.tag), "AirSync:Sync");
        assert_eq!(format!("{:?}", Tag { page: 9, token: 0x3f }), "9:0x3F");
    }
}
