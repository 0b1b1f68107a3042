//! One mail in the log of an organisation (STAT-5, LOG-4, LOG-6): who sent what to whom and how it ended; never its text.
//!
//! Kept twice, with the same value: at ("statistics", "mail", tenant, millis, random) for the organisation and at
//! ("statistics", "mail-of", account, millis, random) for the account.

use bytes::Bytes;
use hongyan_kv::record::{RecordError, Schema, decode as read, encode as write};
use hongyan_types::{AccountId, TenantId, Timestamp};
use minicbor::{Decode, Encode};

/// Characters kept of a subject.
const SUBJECT_CHARACTERS_MAX: usize = 200;
/// Characters kept of an address, and of words.
const WORDS_CHARACTERS_MAX: usize = 320;
/// Recipients that are named; of more, only the number is kept.
const RECIPIENTS_MAX: usize = 50;

/// Which way a mail went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum MailKind {
    /// The account sent it.
    #[n(0)]
    Sent,
    /// The account got it.
    #[n(1)]
    Received,
}

/// How far a mail has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum MailState {
    /// It is in the mailbox.
    #[n(0)]
    Delivered,
    /// It waits: for its time, for the mailbox, or for another host.
    #[n(1)]
    Queued,
    /// It was put off; whoever sent it has to come again.
    #[n(2)]
    Deferred,
    /// It will never arrive.
    #[n(3)]
    Refused,
}

impl MailState {
    /// A stable word.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Queued => "queued",
            Self::Deferred => "deferred",
            Self::Refused => "refused",
        }
    }
}

/// A recipient.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct MailRecipient {
    /// The address that was written to.
    #[n(0)]
    pub address: String,
    /// How far it came when the node answered.
    #[n(1)]
    pub state: MailState,
    /// Why, where that is not plain.
    #[n(2)]
    pub words: Option<String>,
}

/// A mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailEntry {
    /// When.
    pub at: Timestamp,
    /// Whose organisation.
    pub tenant: TenantId,
    /// Whose mail.
    pub account: AccountId,
    /// Their address at that time.
    pub owner: String,
    /// Which way.
    pub kind: MailKind,
    /// The subject, decoded.
    pub subject: String,
    /// The envelope's sender; empty is the null sender.
    pub sender: String,
    /// To whom it was sent; who got it, for one that came.
    pub recipients: Vec<MailRecipient>,
    /// How many recipients there were.
    pub recipients_total: u64,
    /// How large it was.
    pub octets: u64,
    /// The mail in the mailbox.
    pub email: Option<u64>,
    /// The folder it was put into.
    pub folder: Option<u32>,
    /// In the trail of the account (`node/trail`), where what became of it later is noted.
    pub submission: Option<u64>,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct V1 {
    #[n(0)]
    tenant: u64,
    #[n(1)]
    account: u64,
    #[n(2)]
    owner: String,
    #[n(3)]
    kind: MailKind,
    #[n(4)]
    subject: String,
    #[n(5)]
    sender: String,
    #[n(6)]
    recipients: Vec<MailRecipient>,
    #[n(7)]
    recipients_total: u64,
    #[n(8)]
    octets: u64,
    #[n(9)]
    email: Option<u64>,
    #[n(10)]
    folder: Option<u32>,
    #[n(11)]
    submission: Option<u64>,
}

const SCHEMA: Schema = Schema(1);

fn cut(text: &str, max: usize) -> String {
    let plain = text.chars().filter(|char| !char.is_control());
    plain.take(max).collect()
}

impl MailEntry {
    /// Cuts what is too long to be kept.
    pub(crate) fn cut(&mut self) {
        self.subject = cut(&self.subject, SUBJECT_CHARACTERS_MAX);
        self.sender = cut(&self.sender, WORDS_CHARACTERS_MAX);
        self.recipients.truncate(RECIPIENTS_MAX);
        for recipient in &mut self.recipients {
            recipient.address = cut(&recipient.address, WORDS_CHARACTERS_MAX);
            if let Some(words) = &mut recipient.words {
                *words = cut(words, WORDS_CHARACTERS_MAX);
            }
        }
    }
    pub(crate) fn encode(&self) -> Bytes {
        let body = V1 {
            tenant: self.tenant.0,
            account: self.account.0,
            owner: self.owner.clone(),
            kind: self.kind,
            subject: self.subject.clone(),
            sender: self.sender.clone(),
            recipients: self.recipients.clone(),
            recipients_total: self.recipients_total,
            octets: self.octets,
            email: self.email,
            folder: self.folder,
            submission: self.submission,
        };
        write(SCHEMA, &body)
    }
    pub(crate) fn decode(millis: u64, stored: &[u8]) -> Result<Self, RecordError> {
        let body: V1 = read(SCHEMA, stored)?;
        Ok(Self {
            at: Timestamp {
                millis: i64::try_from(millis).unwrap_or(i64::MAX),
            },
            tenant: TenantId(body.tenant),
            account: AccountId(body.account),
            owner: body.owner,
            kind: body.kind,
            subject: body.subject,
            sender: body.sender,
            recipients: body.recipients,
            recipients_total: body.recipients_total,
            octets: body.octets,
            email: body.email,
            folder: body.folder,
            submission: body.submission,
        })
    }
}

#[cfg(test)]
pub(crate) fn example(at: i64, account: AccountId, kind: MailKind, subject: &str) -> MailEntry {
    MailEntry {
        at: Timestamp { millis: at },
        tenant: TenantId(1),
        account,
        owner: format!("a{}@a.test", account.0),
        kind,
        subject: subject.to_owned(),
        sender: "s@b.test".to_owned(),
        recipients: vec![MailRecipient {
            address: "r@c.test".to_owned(),
            state: MailState::Queued,
            words: None,
        }],
        recipients_total: 1,
        octets: 9,
        email: Some(5),
        folder: Some(1),
        submission: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let entry = example(1_000, AccountId(7), MailKind::Received, "s");
        let golden =
            b"\x01\x00\x01\xab\x00\x01\x01\x07\x02\x69a7@a.test\x03\x01\x04\x61s\x05\x68s@b.test\x06\x81\xa2\x00\x68\
                       r@c.test\x01\x01\x07\x01\x08\x09\x09\x05\x0a\x01";
        assert_eq!(&entry.encode()[..], golden);
        assert_eq!(MailEntry::decode(1_000, golden), Ok(entry));
    }

    #[test]
    fn stat_5_what_is_long_is_cut() {
        let mut entry = example(1, AccountId(7), MailKind::Sent, &"信\u{7}".repeat(300));
        let one = entry.recipients[0].clone();
        entry.recipients = vec![one; 90];
        entry.recipients_total = 90;
        entry.cut();
        assert_eq!(entry.subject, "信".repeat(200));
        assert_eq!((entry.recipients.len(), entry.recipients_total), (50, 90));
        assert!(entry.encode().len() < 30_000);
    }
}
