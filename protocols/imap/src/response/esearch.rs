//! ESEARCH (RFC 9051 §7.3.4).

use crate::{Output, Ranges};

/// What a search returns; `None` was not asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Esearch {
    /// The numbers are UIDs.
    pub uid: bool,
    /// Smallest number found.
    pub min: Option<u32>,
    /// Largest number found.
    pub max: Option<u32>,
    /// Everything found; left out when empty.
    pub all: Option<Ranges>,
    /// How many were found.
    pub count: Option<u32>,
    /// Highest modseq of what is returned (RFC 7162 §3.1.10).
    pub mod_seq: Option<u64>,
}

impl Output {
    /// `* ESEARCH (TAG "A2") UID MIN 2 COUNT 3`
    pub fn esearch(&mut self, tag: &[u8], result: &Esearch) {
        self.raw(b"* ESEARCH (TAG ");
        self.string(tag);
        self.raw(b")");
        if result.uid {
            self.raw(b" UID");
        }
        for (name, value) in [(" MIN ", result.min), (" MAX ", result.max), (" COUNT ", result.count)] {
            if let Some(value) = value {
                self.text(name);
                self.number32(value);
            }
        }
        if let Some(all) = result.all.as_ref().filter(|all| !all.is_empty()) {
            self.raw(b" ALL ");
            all.write(self);
        }
        if let Some(mod_seq) = result.mod_seq {
            self.raw(b" MODSEQ ");
            self.number(mod_seq);
        }
        self.crlf();
    }
}
