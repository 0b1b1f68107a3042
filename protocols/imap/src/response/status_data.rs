//! STATUS (RFC 9051 §7.3.2).

use crate::Output;

/// What is known of a mailbox that need not be selected; `None` was not asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StatusData {
    /// MESSAGES
    pub messages: Option<u32>,
    /// RECENT, always 0 (RFC 3501 §6.3.10)
    pub recent: Option<u32>,
    /// UIDNEXT
    pub uid_next: Option<u32>,
    /// UIDVALIDITY
    pub uid_validity: Option<u32>,
    /// UNSEEN
    pub unseen: Option<u32>,
    /// DELETED
    pub deleted: Option<u32>,
    /// SIZE
    pub size: Option<u64>,
    /// HIGHESTMODSEQ
    pub highest_mod_seq: Option<u64>,
    /// MAILBOXID
    pub mailbox_id: Option<String>,
    /// APPENDLIMIT
    pub append_limit: Option<u64>,
}

impl Output {
    /// `* STATUS INBOX (MESSAGES 231 UIDNEXT 44292)`
    pub fn status(&mut self, mailbox: &str, data: &StatusData) {
        self.raw(b"* STATUS ");
        self.mailbox(mailbox);
        self.raw(b" (");
        let numbers = [
            ("MESSAGES ", data.messages.map(u64::from)),
            ("RECENT ", data.recent.map(u64::from)),
            ("UIDNEXT ", data.uid_next.map(u64::from)),
            ("UIDVALIDITY ", data.uid_validity.map(u64::from)),
            ("UNSEEN ", data.unseen.map(u64::from)),
            ("DELETED ", data.deleted.map(u64::from)),
            ("SIZE ", data.size),
            ("HIGHESTMODSEQ ", data.highest_mod_seq),
            ("APPENDLIMIT ", data.append_limit),
        ];
        let mut separate = false;
        for (name, value) in numbers {
            if let Some(value) = value {
                if separate {
                    self.raw(b" ");
                }
                separate = true;
                self.text(name);
                self.number(value);
            }
        }
        if let Some(id) = &data.mailbox_id {
            if separate {
                self.raw(b" ");
            }
            self.raw(b"MAILBOXID (");
            self.text(id);
            self.raw(b")");
        }
        self.raw(b")\r\n");
    }
}
