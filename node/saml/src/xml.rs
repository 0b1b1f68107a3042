//! XML as far as SAML needs it: namespaces, no document types, bounded in octets, depth, elements and attributes.

use bergshamra_c14n::{C14nMode, C14nSink, canonicalize_doc_to};
use bergshamra_xml::NodeSet;
use uppsala::{Document, NodeId, NodeKind, Parser};

use crate::Fault;

/// Elements within elements.
const DEPTH_MAX: u32 = 32;
/// Signs that open something.
const OPENINGS_MAX: usize = 20_000;
/// Equal signs between two openings: attributes, and their values, of one element.
const EQUALS_MAX: usize = 256;

pub(crate) const ASSERTION: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
pub(crate) const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
pub(crate) const METADATA: &str = "urn:oasis:names:tc:SAML:2.0:metadata";
pub(crate) const SIGNATURE: &str = "http://www.w3.org/2000/09/xmldsig#";
pub(crate) const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";

/// Octets up to a bound. A canonical form names each namespace wherever it is used, so a short document may have a long one.
struct Bounded {
    octets: Vec<u8>,
    max: usize,
    is_over: bool,
}

impl C14nSink for Bounded {
    fn write(&mut self, bytes: &[u8]) {
        self.is_over |= bytes.len() > self.max.saturating_sub(self.octets.len());
        if !self.is_over {
            self.octets.extend_from_slice(bytes);
        }
    }
}

/// A document.
pub(crate) struct Tree<'t>(Document<'t>);

/// An element of it.
#[derive(Clone, Copy)]
pub(crate) struct Element<'d, 't> {
    document: &'d Document<'t>,
    id: NodeId,
}

impl<'t> Tree<'t> {
    pub(crate) fn read(text: &'t str, octets_max: usize) -> Result<Self, Fault> {
        if text.len() > octets_max {
            return Err(Fault::TooLong(octets_max));
        }
        // The parser looks for the same attribute twice by comparing all with all.
        let mut openings = 0;
        for piece in text.split('<') {
            openings += 1;
            if openings > OPENINGS_MAX || piece.matches('=').count() > EQUALS_MAX {
                return Err(Fault::Unreadable("it has too many parts"));
            }
        }
        if text.contains("<!DOCTYPE") {
            return Err(Fault::DocumentType);
        }
        let parser = Parser::new()
            .with_forbid_dtd(true)
            .with_max_depth(DEPTH_MAX)
            .with_max_entity_expansion(0);
        let document = parser.parse(text);
        document.map(Self).map_err(|_| Fault::Unreadable("it is no XML"))
    }

    pub(crate) fn root(&self) -> Result<Element<'_, 't>, Fault> {
        let id = self.0.document_element().ok_or(Fault::Unreadable("it is empty"))?;
        Ok(Element { document: &self.0, id })
    }
}

impl<'d, 't> Element<'d, 't> {
    pub(crate) fn is(self, namespace: &str, local: &str) -> bool {
        let element = self.document.element(self.id);
        element.is_some_and(|element| element.name.matches(Some(namespace), local))
    }

    /// An attribute in no namespace.
    pub(crate) fn attribute(self, local: &str) -> Option<&'d str> {
        let mut attributes = self.document.element(self.id)?.attributes.iter();
        let found = attributes.find(|attribute| attribute.name.matches(None, local))?;
        Some(&found.value)
    }

    pub(crate) fn elements(self) -> impl Iterator<Item = Self> {
        let document = self.document;
        let children = document.children_iter(self.id);
        children
            .filter(|id| document.element(*id).is_some())
            .map(move |id| Self { document, id })
    }

    pub(crate) fn children(self, namespace: &'static str, local: &'static str) -> impl Iterator<Item = Self> {
        self.elements().filter(move |child| child.is(namespace, local))
    }

    /// The one child by that name, or none; of two nobody knows which counts.
    pub(crate) fn child(self, namespace: &'static str, local: &'static str) -> Result<Option<Self>, Fault> {
        let mut children = self.children(namespace, local);
        let first = children.next();
        match children.next() {
            Some(_) => Err(Fault::Wrong(local)),
            None => Ok(first),
        }
    }

    pub(crate) fn need(self, namespace: &'static str, local: &'static str) -> Result<Self, Fault> {
        self.child(namespace, local)?.ok_or(Fault::Wrong(local))
    }

    /// All its text, across comments; an element within is none.
    pub(crate) fn text(self) -> Result<String, Fault> {
        let mut text = String::new();
        for child in self.document.children_iter(self.id) {
            match self.document.node_kind(child) {
                Some(NodeKind::Text(piece) | NodeKind::CData(piece)) => text.push_str(piece),
                Some(NodeKind::Element(_)) => return Err(Fault::Unreadable("there are elements where a text is due")),
                _ => {}
            }
        }
        Ok(text.trim().to_owned())
    }

    /// In the form of Exclusive XML Canonicalization 1.0 without comments, with all it needs of what it is in, without the element
    /// `left_out`, if that is not longer than `octets_max`.
    pub(crate) fn canonical(
        self,
        left_out: Option<Self>,
        prefixes: &[String],
        octets_max: usize,
    ) -> Result<String, Fault> {
        let mut nodes = NodeSet::tree_without_comments(self.id, self.document);
        if let Some(left_out) = left_out {
            nodes.remove_id(left_out.id);
            for below in self.document.descendants(left_out.id) {
                nodes.remove_id(below);
            }
        }
        let mut sink = Bounded {
            octets: Vec::new(),
            max: octets_max,
            is_over: false,
        };
        let made = canonicalize_doc_to(self.document, C14nMode::Exclusive, Some(&nodes), prefixes, &mut sink);
        if sink.is_over {
            return Err(Fault::TooLong(octets_max));
        }
        let text = made.ok().and_then(|()| String::from_utf8(sink.octets).ok());
        text.ok_or(Fault::Unreadable("it has no canonical form"))
    }
}

/// A text as the value of an attribute, or between tags.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root_text(text: &str) -> Result<String, Fault> {
        Tree::read(text, 10_000_000)?.root()?.text()
    }

    #[test]
    fn api_2_texts_are_whole_and_documents_are_bounded() {
        assert_eq!(
            root_text("<a>anna@acme.test<!-- x -->.evil.test</a>").unwrap(),
            "anna@acme.test.evil.test"
        );
        assert_eq!(root_text("<a> x<![CDATA[<y>]]>&amp; </a>").unwrap(), "x<y>&");
        assert_eq!(
            root_text("<a>x<b/></a>"),
            Err(Fault::Unreadable("there are elements where a text is due"))
        );
        assert_eq!(
            root_text("<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>"),
            Err(Fault::DocumentType)
        );
        assert!(matches!(root_text("<a>&e;</a>"), Err(Fault::Unreadable(_))));
        assert_eq!(Tree::read("<a/>", 3).err(), Some(Fault::TooLong(3)));
        assert!(Tree::read("<a/>", 4).is_ok());
        let nested = |depth: usize| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
        assert!(
            root_text(&nested(31))
                .is_err_and(|fault| fault == Fault::Unreadable("there are elements where a text is due"))
        );
        assert_eq!(root_text(&nested(40)), Err(Fault::Unreadable("it is no XML")));
        let many = Err(Fault::Unreadable("it has too many parts"));
        assert_eq!(root_text(&format!("<a>{}</a>", "<b/>".repeat(20_000))), many);
        let attributes: Vec<String> = (0..300).map(|at| format!("a{at}=''")).collect();
        assert_eq!(root_text(&format!("<a {}/>", attributes.join(" "))), many);
        for broken in ["", "<a>", "<a></b>", "x", "<a/><b/>", "<p:a/>", "<a b='1' b='2'/>"] {
            assert!(root_text(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn an_element_is_canonical_wherever_it_is() {
        let text = "<r xmlns='urn:r' xmlns:p='urn:p' xmlns:q='urn:q'><p:e b='2' a='1'><x/><!-- c --><p:s><q:y/></p:s> t&#13;</p:e></r>";
        let tree = Tree::read(text, 1_000).unwrap();
        let element = tree.root().unwrap().need("urn:p", "e").unwrap();
        let within = element.need("urn:p", "s").unwrap();
        let whole = element.canonical(None, &[], 1_000).unwrap();
        assert_eq!(
            whole,
            "<p:e xmlns:p=\"urn:p\" a=\"1\" b=\"2\"><x xmlns=\"urn:r\"></x><p:s><q:y xmlns:q=\"urn:q\"></q:y></p:s> t&#xD;</p:e>"
        );
        let rest = element.canonical(Some(within), &["q".to_owned()], 1_000).unwrap();
        assert_eq!(
            rest,
            "<p:e xmlns:p=\"urn:p\" xmlns:q=\"urn:q\" a=\"1\" b=\"2\"><x xmlns=\"urn:r\"></x> t&#xD;</p:e>"
        );
        assert_eq!(element.canonical(None, &[], whole.len()), Ok(whole.clone()));
        let short = whole.len() - 1;
        assert_eq!(element.canonical(None, &[], short), Err(Fault::TooLong(short)));
    }
}
