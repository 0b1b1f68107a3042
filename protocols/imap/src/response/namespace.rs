//! NAMESPACE (RFC 9051 §7.3.3).

use crate::Output;

impl Output {
    /// One personal namespace with the prefix "" and the separator "/".
    pub fn namespace(&mut self) {
        self.raw(b"* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n");
    }
}
