//! NAMESPACE (RFC 9051 §7.3.3, RFC 2342).

use crate::Output;

impl Output {
    /// One personal namespace with the prefix "" and the separator "/"; those of other people and of what is shared, by their
    /// prefixes, where there is something in them.
    pub fn namespace(&mut self, others: Option<&str>, shared: Option<&str>) {
        self.raw(b"* NAMESPACE ((\"\" \"/\"))");
        for prefix in [others, shared] {
            match prefix {
                Some(prefix) => {
                    self.raw(b" ((");
                    self.string(prefix.as_bytes());
                    self.raw(b" \"/\"))");
                }
                None => self.raw(b" NIL"),
            }
        }
        self.crlf();
    }
}
