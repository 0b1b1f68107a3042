//! Body sections of FETCH (RFC 9051 §7.5.2: BODY[..], BINARY[..], BINARY.SIZE[..], RFC822 and its parts).

use crate::Output;
use crate::command::fetch::{Section, SectionForm, SectionText};

impl Output {
    /// The item's name, such as `BODY[1.HEADER.FIELDS (TO CC)]<0>`; a value must follow.
    pub fn fetch_section_name(&mut self, section: &Section) {
        self.item();
        match section.form {
            SectionForm::Rfc822 => return self.raw(b"RFC822 "),
            SectionForm::Rfc822Header => return self.raw(b"RFC822.HEADER "),
            SectionForm::Rfc822Text => return self.raw(b"RFC822.TEXT "),
            SectionForm::Body => self.raw(b"BODY["),
            SectionForm::Binary => self.raw(b"BINARY["),
            SectionForm::BinarySize => self.raw(b"BINARY.SIZE["),
        }
        let mut separate = false;
        for number in &section.part {
            if separate {
                self.raw(b".");
            }
            separate = true;
            self.number32(*number);
        }
        let word: &[u8] = match &section.text {
            SectionText::All => b"",
            SectionText::Header => b"HEADER",
            SectionText::HeaderFields { not: false, .. } => b"HEADER.FIELDS",
            SectionText::HeaderFields { not: true, .. } => b"HEADER.FIELDS.NOT",
            SectionText::Text => b"TEXT",
            SectionText::Mime => b"MIME",
        };
        if separate && !word.is_empty() {
            self.raw(b".");
        }
        self.raw(word);
        if let SectionText::HeaderFields { names, .. } = &section.text {
            self.raw(b" (");
            let mut separate = false;
            for name in names {
                if separate {
                    self.raw(b" ");
                }
                separate = true;
                self.header_name(name);
            }
            self.raw(b")");
        }
        self.raw(b"]");
        if let Some(partial) = section.partial {
            self.raw(b"<");
            self.number(partial.offset);
            self.raw(b">");
        }
        self.raw(b" ");
    }

    fn header_name(&mut self, name: &str) {
        if !name.is_empty() && name.bytes().all(crate::parser::is_astring_char) {
            self.text(name);
        } else {
            self.string(name.as_bytes());
        }
    }
}
