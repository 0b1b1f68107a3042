//! CAPABILITY (RFC 9051 §7.2.2), as a response and as a code.

use crate::{Output, Settings, State, capability};

impl Output {
    /// `* CAPABILITY IMAP4rev1 ...`
    pub(crate) fn capability(&mut self, settings: &Settings, state: State, compressed: bool) {
        self.raw(b"* CAPABILITY ");
        capability::write(self, settings, state, compressed);
        self.crlf();
    }

    /// `[CAPABILITY IMAP4rev1 ...] `
    pub(crate) fn capability_code(&mut self, settings: &Settings, state: State, compressed: bool) {
        self.raw(b"[CAPABILITY ");
        capability::write(self, settings, state, compressed);
        self.raw(b"] ");
    }
}
