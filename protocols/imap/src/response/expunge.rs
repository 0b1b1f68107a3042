//! EXPUNGE (RFC 9051 §7.5.1).

use crate::Output;

impl Output {
    /// `* 5 EXPUNGE`
    pub fn expunge(&mut self, sequence: u32) {
        self.raw(b"* ");
        self.number32(sequence);
        self.raw(b" EXPUNGE\r\n");
    }
}
