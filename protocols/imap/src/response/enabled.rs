//! ENABLED (RFC 9051 §7.2.1).

use crate::{Extension, Output};

impl Output {
    /// `* ENABLED CONDSTORE`: what this ENABLE switched on.
    pub fn enabled(&mut self, extensions: &[Extension]) {
        self.raw(b"* ENABLED");
        for extension in extensions {
            self.raw(b" ");
            self.text(extension.name());
        }
        self.crlf();
    }
}
