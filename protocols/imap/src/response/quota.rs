//! QUOTA and QUOTAROOT (RFC 9208 §5).

use crate::Output;

/// Use and limit of one resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuotaResource {
    /// `STORAGE` (in units of 1,024 octets) or `MESSAGE`.
    pub name: &'static str,
    /// Used.
    pub usage: u64,
    /// Allowed.
    pub limit: u64,
}

impl Output {
    /// `* QUOTA "" (STORAGE 10 512)`
    pub fn quota(&mut self, root: &str, resources: &[QuotaResource]) {
        self.raw(b"* QUOTA ");
        self.string(root.as_bytes());
        self.raw(b" (");
        let mut separate = false;
        for resource in resources {
            if separate {
                self.raw(b" ");
            }
            separate = true;
            self.text(resource.name);
            self.raw(b" ");
            self.number(resource.usage);
            self.raw(b" ");
            self.number(resource.limit);
        }
        self.raw(b")\r\n");
    }

    /// `* QUOTAROOT INBOX ""`
    pub fn quota_root(&mut self, mailbox: &str, root: &str) {
        self.raw(b"* QUOTAROOT ");
        self.mailbox(mailbox);
        self.raw(b" ");
        self.string(root.as_bytes());
        self.crlf();
    }
}
