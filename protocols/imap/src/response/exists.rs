//! EXISTS (RFC 9051 §7.4.1) and RECENT (RFC 3501 §7.3.2).

use crate::Output;

impl Output {
    /// `* 23 EXISTS`
    pub fn exists(&mut self, messages: u32) {
        self.raw(b"* ");
        self.number32(messages);
        self.raw(b" EXISTS\r\n");
    }

    /// `* 0 RECENT`: IMAP4rev1 requires the response; no message is ever recent here.
    pub fn recent_none(&mut self) {
        self.raw(b"* 0 RECENT\r\n");
    }
}
