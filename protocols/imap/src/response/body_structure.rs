//! BODY and BODYSTRUCTURE (RFC 9051 §7.5.2), from the stored structure, whose depth the scanner bounds.

use hongyan_message::{Content, Disposition, Parameter, Part};

use crate::Output;

impl Output {
    /// `BODY (...)`: without extension data.
    pub fn fetch_body(&mut self, root: &Part) {
        self.item();
        self.raw(b"BODY ");
        self.part(root, false);
    }

    /// `BODYSTRUCTURE (...)`: with extension data.
    pub fn fetch_body_structure(&mut self, root: &Part) {
        self.item();
        self.raw(b"BODYSTRUCTURE ");
        self.part(root, true);
    }

    fn part(&mut self, part: &Part, extended: bool) {
        self.raw(b"(");
        match &part.content {
            Content::Multipart(children) => {
                for child in children {
                    self.part(child, extended);
                }
                self.raw(b" ");
                self.string(part.media.subtype.as_bytes());
                if extended {
                    self.raw(b" ");
                    self.parameters(&part.media.params);
                    self.extension(part);
                }
            }
            Content::Leaf | Content::Message(_) => self.single_part(part, extended),
        }
        self.raw(b")");
    }

    fn single_part(&mut self, part: &Part, extended: bool) {
        self.string(part.media.kind.as_bytes());
        self.raw(b" ");
        self.string(part.media.subtype.as_bytes());
        self.raw(b" ");
        self.parameters(&part.media.params);
        self.raw(b" ");
        self.text_or_nil(part.id.as_deref());
        self.raw(b" ");
        self.text_or_nil(part.description.as_deref());
        self.raw(b" ");
        self.string(part.encoding.as_str().as_bytes());
        self.raw(b" ");
        self.number(part.body_octets);
        if let Content::Message(message) = &part.content {
            self.raw(b" ");
            self.envelope(&message.envelope);
            self.raw(b" ");
            self.part(&message.root, extended);
        }
        // body-type-text and body-type-msg tell their lines.
        if part.media.kind == "text" || matches!(part.content, Content::Message(_)) {
            self.raw(b" ");
            self.number(part.body_lines);
        }
        if extended {
            self.raw(b" ");
            self.text_or_nil(part.md5.as_deref());
            self.extension(part);
        }
    }

    /// Disposition, language, location: the same for all parts.
    fn extension(&mut self, part: &Part) {
        self.raw(b" ");
        self.disposition(part.disposition.as_ref());
        self.raw(b" ");
        match part.language.as_slice() {
            [] => self.raw(b"NIL"),
            [only] => self.string(only.as_bytes()),
            several => {
                self.raw(b"(");
                let mut separate = false;
                for language in several {
                    if separate {
                        self.raw(b" ");
                    }
                    separate = true;
                    self.string(language.as_bytes());
                }
                self.raw(b")");
            }
        }
        self.raw(b" ");
        self.text_or_nil(part.location.as_deref());
    }

    fn disposition(&mut self, disposition: Option<&Disposition>) {
        let Some(disposition) = disposition else {
            return self.raw(b"NIL");
        };
        self.raw(b"(");
        self.string(disposition.kind.as_bytes());
        self.raw(b" ");
        self.parameters(&disposition.params);
        self.raw(b")");
    }

    fn parameters(&mut self, parameters: &[Parameter]) {
        if parameters.is_empty() {
            return self.raw(b"NIL");
        }
        self.raw(b"(");
        let mut separate = false;
        for parameter in parameters {
            if separate {
                self.raw(b" ");
            }
            separate = true;
            self.string(parameter.name.as_bytes());
            self.raw(b" ");
            self.string(parameter.value.as_bytes());
        }
        self.raw(b")");
    }
}
