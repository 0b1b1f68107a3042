//! MYRIGHTS, ACL and LISTRIGHTS (RFC 4314 §3.6 to §3.8).

use crate::Output;

impl Output {
    /// `* MYRIGHTS INBOX lrs`
    pub fn my_rights(&mut self, mailbox: &str, rights: &str) {
        self.raw(b"* MYRIGHTS ");
        self.mailbox(mailbox);
        self.raw(b" ");
        self.text(rights);
        self.crlf();
    }

    /// `* ACL INBOX "anna" lrs`: what each identifier may do.
    pub fn acl(&mut self, mailbox: &str, entries: &[(String, String)]) {
        self.raw(b"* ACL ");
        self.mailbox(mailbox);
        for (identifier, rights) in entries {
            self.raw(b" ");
            self.string(identifier.as_bytes());
            self.raw(b" ");
            self.text(rights);
        }
        self.crlf();
    }

    /// `* LISTRIGHTS INBOX "anna" lrs w i`: what an identifier always has, then what may be added, in groups that go together.
    pub fn list_rights(&mut self, mailbox: &str, identifier: &str, always: &str, others: &[String]) {
        self.raw(b"* LISTRIGHTS ");
        self.mailbox(mailbox);
        self.raw(b" ");
        self.string(identifier.as_bytes());
        self.raw(b" ");
        if always.is_empty() {
            self.raw(b"\"\"");
        } else {
            self.text(always);
        }
        for other in others {
            self.raw(b" ");
            self.text(other);
        }
        self.crlf();
    }
}
