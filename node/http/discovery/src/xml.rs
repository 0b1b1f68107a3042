//! XML as little as we need: what is written is escaped, what is read is bounded.
//!
//! A reader of what strangers send: no document type, no entities but the five of XML itself, a bounded depth. Names are
//! compared without their prefix, since clients disagree on them.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::escape::{escape, resolve_xml_entity};
use quick_xml::events::Event;

/// Elements within elements.
const DEPTH_MAX: usize = 16;

/// Why a text is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum XmlError {
    /// It is not well-formed.
    #[error("the text is no XML")]
    Malformed,
    /// It has a document type or an entity of its own.
    #[error("document types and entities are not taken")]
    Entities,
    /// Its elements are nested too deeply.
    #[error("the elements are nested too deeply")]
    Deep,
}

/// Writes a document, element by element.
pub(crate) struct XmlWriter {
    text: String,
    open: Vec<&'static str>,
}

impl XmlWriter {
    pub(crate) fn new() -> Self {
        Self {
            text: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned(),
            open: Vec::new(),
        }
    }
    /// What stands between declaration and content; not escaped.
    pub(crate) fn raw(&mut self, line: &str) {
        self.indent();
        self.text.push_str(line);
        self.text.push('\n');
    }
    /// Begins an element with attributes.
    pub(crate) fn open(&mut self, name: &'static str, attributes: &[(&str, &str)]) {
        self.indent();
        self.text.push('<');
        self.text.push_str(name);
        for (name, value) in attributes {
            self.text.push_str(&format!(" {name}=\"{}\"", escape(*value)));
        }
        self.text.push_str(">\n");
        self.open.push(name);
    }
    /// Ends the element that was begun last.
    pub(crate) fn close(&mut self) {
        if let Some(name) = self.open.pop() {
            self.raw(&format!("</{name}>"));
        }
    }
    /// An element with text in it.
    pub(crate) fn leaf(&mut self, name: &str, text: &str) {
        self.raw(&format!("<{name}>{}</{name}>", escape(text)));
    }
    /// Ends all elements: the document.
    pub(crate) fn finish(mut self) -> String {
        while !self.open.is_empty() {
            self.close();
        }
        self.text
    }
    fn indent(&mut self) {
        for _ in &self.open {
            self.text.push_str("  ");
        }
    }
}

/// Reads a document: `see` gets the text of each element that has no other within, by its name without a prefix.
pub(crate) fn leaves(document: &str, mut see: impl FnMut(&str, &str)) -> Result<(), XmlError> {
    let mut reader = Reader::from_str(document);
    let (mut depth, mut is_leaf, mut has_root) = (0, false, false);
    let mut text = String::new();
    loop {
        match reader.read_event().map_err(|_| XmlError::Malformed)? {
            Event::Start(_) => {
                depth += 1;
                if depth > DEPTH_MAX {
                    return Err(XmlError::Deep);
                }
                (is_leaf, has_root) = (true, true);
                text.clear();
            }
            Event::End(end) => {
                depth -= 1;
                if is_leaf {
                    see(end.local_name().into_inner(), text.trim());
                }
                is_leaf = false;
            }
            Event::Empty(_) => (is_leaf, has_root) = (false, true),
            Event::Text(part) => text.push_str(&part.xml10_content()),
            Event::CData(part) => text.push_str(&part.xml10_content()),
            Event::GeneralRef(reference) => text.push_str(&resolved(&reference)?),
            Event::DocType(_) => return Err(XmlError::Entities),
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) => {}
            Event::Eof if depth == 0 && has_root => return Ok(()),
            Event::Eof => return Err(XmlError::Malformed),
        }
    }
}

fn resolved(reference: &quick_xml::events::BytesRef<'_>) -> Result<Cow<'static, str>, XmlError> {
    match reference.resolve_char_ref() {
        Ok(Some(character)) => Ok(character.to_string().into()),
        Ok(None) => resolve_xml_entity(reference)
            .map(Cow::Borrowed)
            .ok_or(XmlError::Entities),
        Err(_) => Err(XmlError::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(document: &str, expect: Result<&[(&str, &str)], XmlError>) {
        let mut seen = Vec::new();
        let outcome = leaves(document, |name, text| seen.push((name.to_owned(), text.to_owned())));
        let expect = expect.map(|leaves| {
            let owned = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
            leaves.iter().map(owned).collect::<Vec<_>>()
        });
        assert_eq!(outcome.map(|()| seen), expect, "{document}");
    }

    #[test]
    fn leaves_are_seen() {
        check(
            "<a><b> x </b><c/><x:d xmlns:x='u'>1&amp;&#50;</x:d></a>",
            Ok(&[("b", "x"), ("d", "1&2")]),
        );
        check(
            "<?xml version='1.0'?><!-- c --><a><![CDATA[<x>]]></a>",
            Ok(&[("a", "<x>")]),
        );
    }

    #[test]
    fn hostile_documents_are_refused() {
        let billion = "<!DOCTYPE a [<!ENTITY l 'ha'><!ENTITY m '&l;&l;'>]><a>&m;</a>";
        check(billion, Err(XmlError::Entities));
        check("<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>", Err(XmlError::Entities));
        check("<a>&other;</a>", Err(XmlError::Entities));
        check(
            &format!("{}{}", "<a>".repeat(17), "</a>".repeat(17)),
            Err(XmlError::Deep),
        );
        for text in [
            "",
            "text",
            "<a>",
            "</a>",
            "<a></b>",
            "<a>&#0;</a>",
            "<a>&#xD800;</a>",
            "<a",
            "<!-- ",
        ] {
            check(text, Err(XmlError::Malformed));
        }
    }

    #[test]
    fn what_is_written_is_escaped() {
        let mut xml = XmlWriter::new();
        xml.open("a", &[("n", "\"<")]);
        xml.leaf("b", "<&>");
        let expect = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a n=\"&quot;&lt;\">\n  <b>&lt;&amp;&gt;</b>\n</a>\n";
        assert_eq!(xml.finish(), expect);
    }
}
