//! VANISHED (RFC 7162 §3.2.10).

use crate::{Output, Ranges};

impl Output {
    /// `* VANISHED 3:5`: messages expunged now; sequence numbers shift.
    pub fn vanished(&mut self, uids: &Ranges) {
        self.raw(b"* VANISHED ");
        uids.write(self);
        self.crlf();
    }

    /// `* VANISHED (EARLIER) 3:5`: messages expunged before; sequence numbers stay.
    pub fn vanished_earlier(&mut self, uids: &Ranges) {
        self.raw(b"* VANISHED (EARLIER) ");
        uids.write(self);
        self.crlf();
    }
}
