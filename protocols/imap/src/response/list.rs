//! LIST (RFC 9051 §7.3.1) and LSUB (RFC 3501 §7.2.3).

use crate::Output;

/// One mailbox of a listing.
#[derive(Debug, Clone, Default)]
pub struct ListEntry<'a> {
    /// Attributes such as `\HasNoChildren`, with their backslash.
    pub attributes: Vec<&'a str>,
    /// Name in UTF-8.
    pub name: &'a str,
    /// CHILDINFO ("SUBSCRIBED"): children match a selection option (RFC 5258 §3.5).
    pub child_info_subscribed: bool,
    /// OLDNAME: what the client asked for, when the server names it differently (RFC 9051 §6.3.9.7).
    pub old_name: Option<&'a str>,
}

impl Output {
    /// `* LIST (\HasNoChildren) "/" INBOX`
    pub fn list(&mut self, entry: &ListEntry<'_>) {
        self.raw(b"* LIST ");
        self.list_entry(entry);
    }

    /// `* LSUB () "/" INBOX`
    pub fn lsub(&mut self, entry: &ListEntry<'_>) {
        self.raw(b"* LSUB ");
        self.list_entry(entry);
    }

    fn list_entry(&mut self, entry: &ListEntry<'_>) {
        self.raw(b"(");
        let mut separate = false;
        for attribute in &entry.attributes {
            if separate {
                self.raw(b" ");
            }
            separate = true;
            self.text(attribute);
        }
        self.raw(b") \"/\" ");
        self.mailbox(entry.name);
        if entry.child_info_subscribed {
            self.raw(b" (\"CHILDINFO\" (\"SUBSCRIBED\"))");
        }
        if let Some(old_name) = entry.old_name {
            self.raw(b" (\"OLDNAME\" (");
            self.mailbox(old_name);
            self.raw(b"))");
        }
        self.crlf();
    }

    /// `* LIST (\Noselect) "/" ""`: the hierarchy separator.
    pub fn list_separator(&mut self) {
        self.raw(b"* LIST (\\Noselect) \"/\" \"\"\r\n");
    }
}
