//! SEARCH (RFC 3501 §7.2.5), for clients that speak IMAP4rev1.

use crate::{Output, Ranges};

impl Output {
    /// `* SEARCH 2 3 6 (MODSEQ 917162500)`
    pub fn search(&mut self, found: &Ranges, mod_seq: Option<u64>) {
        self.raw(b"* SEARCH");
        for number in found.numbers() {
            self.raw(b" ");
            self.number32(number);
        }
        self.order_end(mod_seq);
    }

    pub(crate) fn order_end(&mut self, mod_seq: Option<u64>) {
        if let Some(mod_seq) = mod_seq {
            self.raw(b" (MODSEQ ");
            self.number(mod_seq);
            self.raw(b")");
        }
        self.crlf();
    }
}
