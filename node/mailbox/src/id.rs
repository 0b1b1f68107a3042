//! What things in a mailbox are called.

use std::fmt;

use hongyan_actor::EntityKey;
use hongyan_types::{AccountId, TenantId};

/// The mailbox of one account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MailboxId {
    /// Whose customer.
    pub tenant: TenantId,
    /// Whose mailbox.
    pub account: AccountId,
}

impl EntityKey for MailboxId {
    const KIND: &'static str = "mailbox";
    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.tenant.0.to_be_bytes());
        bytes.extend_from_slice(&self.account.0.to_be_bytes());
    }
    fn read(bytes: &[u8]) -> Option<Self> {
        let (tenant, account) = bytes.split_first_chunk()?;
        Some(Self {
            tenant: TenantId(u64::from_be_bytes(*tenant)),
            account: AccountId(u64::from_be_bytes(account.try_into().ok()?)),
        })
    }
}

/// A folder of one mailbox; kept for life, never used again. INBOX is 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FolderId(pub u32);

impl FolderId {
    /// INBOX of every mailbox.
    pub const INBOX: Self = Self(1);
}

/// One mail of one mailbox, however many folders it is in; never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EmailId(pub u64);

/// A conversation of one mailbox: the email id of the mail that began it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ThreadId(pub u64);

/// The id under which a repeated delivery is recognised: unique for one mail to one recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryId(pub [u8; 16]);

// RFC 8474 §7: an objectid is 1*255(ALPHA / DIGIT / "_" / "-").
impl fmt::Display for FolderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "F{:08x}", self.0)
    }
}
impl fmt::Display for EmailId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "M{:012x}", self.0)
    }
}
impl fmt::Display for ThreadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "T{:012x}", self.0)
    }
}
