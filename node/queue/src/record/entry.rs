//! One message for one destination.

use bytes::Bytes;
use hongyan_blob::BlobAddress;
use hongyan_kv::record::{Schema, decode, encode};
use hongyan_trail::SubmissionId;
use hongyan_types::{AccountId, TenantId};
use minicbor::{Decode, Encode};

use crate::QueueError;

/// Where an entry goes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Encode, Decode)]
pub enum Destination {
    /// Another system: the domain, as A-labels in lower case, or an address literal in brackets.
    #[n(0)]
    Domain(#[n(0)] String),
    /// Mailboxes of this system that could not answer when the mail came.
    #[n(1)]
    Local,
}

/// What octets the message holds (RFC 6152, RFC 3030): what the next host must be able to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(index_only)]
pub enum BodyKind {
    /// Lines of ASCII.
    #[default]
    #[n(0)]
    SevenBit,
    /// Lines of any octets.
    #[n(1)]
    EightBit,
    /// No lines.
    #[n(2)]
    Binary,
}

/// How much of the message a failure report returns (RFC 3461 §4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum ReturnContent {
    /// The whole message.
    #[n(0)]
    Full,
    /// Its header.
    #[n(1)]
    Headers,
}

/// When the sender wants to hear of a recipient (RFC 3461 §4.1). All false is NEVER.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Notify {
    /// When delivered.
    #[n(0)]
    pub success: bool,
    /// When given up.
    #[n(1)]
    pub failure: bool,
    /// When late.
    #[n(2)]
    pub delay: bool,
}

impl Default for Notify {
    /// What a sender gets who asks for nothing: failures and delays.
    fn default() -> Self {
        Self {
            success: false,
            failure: true,
            delay: true,
        }
    }
}

/// What became of a recipient so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum RecipientState {
    /// Still to be delivered.
    #[n(0)]
    Pending,
    /// The next host has taken responsibility.
    #[n(1)]
    Delivered,
    /// Refused for good.
    #[n(2)]
    Bounced,
    /// Given up after the queue's lifetime.
    #[n(3)]
    Expired,
}

/// What a report is about (RFC 3464 §2.3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum ReportKind {
    /// `failed`.
    #[n(0)]
    Failure,
    /// `delayed`.
    #[n(1)]
    Delay,
    /// `delivered` or `relayed`.
    #[n(2)]
    Success,
}

/// The last word about a recipient: from the next host, or our own.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Attempt {
    /// Who said it: the next host's name; empty when nobody could be reached.
    #[n(0)]
    pub host: String,
    /// Its address.
    #[n(1)]
    pub peer: String,
    /// SMTP reply code; 0 when there was no reply.
    #[n(2)]
    pub code: u16,
    /// Enhanced status code, such as `4.4.1` (RFC 3463).
    #[n(3)]
    pub status: String,
    /// The words.
    #[n(4)]
    pub text: String,
    /// Whether the next host promised to send delivery reports itself (it offers DSN).
    #[n(5)]
    pub relayed_dsn: bool,
}

/// What an attempt brought for one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Taken.
    Delivered(Attempt),
    /// Try again later.
    Deferred(Attempt),
    /// Never.
    Bounced(Attempt),
}

/// One recipient of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Recipient {
    /// The address.
    #[n(0)]
    pub address: String,
    /// Whom the sender meant at first, `type;address` (RFC 3461 §4.2).
    #[n(1)]
    pub original: Option<String>,
    /// When to report.
    #[n(2)]
    pub notify: Notify,
    /// How far it is.
    #[n(3)]
    pub state: RecipientState,
    /// The last word.
    #[n(4)]
    pub last: Option<Attempt>,
    /// The report that is not sent yet.
    #[n(5)]
    pub owed: Option<ReportKind>,
    /// Whether the sender asked for the above in so many words.
    #[n(6)]
    pub notify_asked: bool,
}

/// One message for one destination.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Entry {
    /// Whose message it is.
    #[n(0)]
    pub tenant: u64,
    /// The message's bytes.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub blob: Vec<u8>,
    /// Its length in octets.
    #[n(2)]
    pub octets: u64,
    /// Where reports go; none for the null sender.
    #[n(3)]
    pub sender: Option<String>,
    /// The sender's name for the envelope (RFC 3461 §4.4).
    #[n(4)]
    pub envelope_id: Option<String>,
    /// What a report returns.
    #[n(5)]
    pub return_content: Option<ReturnContent>,
    /// What octets it holds.
    #[n(6)]
    pub body: BodyKind,
    /// Whether addresses or header hold UTF-8.
    #[n(7)]
    pub smtputf8: bool,
    /// Where it goes.
    #[n(8)]
    pub destination: Destination,
    /// Who receives it there.
    #[n(9)]
    pub recipients: Vec<Recipient>,
    /// When we took it, in milliseconds since the Unix epoch.
    #[n(10)]
    pub accepted_millis: i64,
    /// When it is tried next, likewise.
    #[n(11)]
    pub due_millis: i64,
    /// Attempts made.
    #[n(12)]
    pub attempts: u32,
    /// Whether an operator holds it.
    #[n(13)]
    pub held: bool,
    /// Whether the sender was told of the delay.
    #[n(14)]
    pub delay_reported: bool,
    /// The subject, for lists and reports.
    #[n(15)]
    pub subject: String,
    /// The id under which it was accepted.
    #[cbor(n(16), with = "minicbor::bytes")]
    pub delivery_id: Vec<u8>,
    /// In whose trail outcomes are noted: tenant, account, number.
    #[n(17)]
    pub submission: Option<(u64, u64, u64)>,
}

const ENTRY_V1: Schema = Schema(1);

impl Entry {
    pub(crate) fn encode(&self) -> Bytes {
        encode(ENTRY_V1, self)
    }
    pub(crate) fn decode(stored: &[u8]) -> Result<Self, QueueError> {
        Ok(decode(ENTRY_V1, stored)?)
    }
    /// Where the message's bytes are.
    #[must_use]
    pub fn blob_address(&self) -> BlobAddress {
        let mut address = [0; 32];
        // A record with another length was not written by us; such an address finds nothing.
        if self.blob.len() == address.len() {
            address.copy_from_slice(&self.blob);
        }
        BlobAddress(address)
    }
    /// Whether a recipient waits for delivery.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        self.recipients
            .iter()
            .any(|recipient| recipient.state == RecipientState::Pending)
    }
    /// In whose trail outcomes are noted.
    #[must_use]
    pub fn trail(&self) -> Option<SubmissionId> {
        self.submission.map(|(tenant, account, number)| SubmissionId {
            tenant: TenantId(tenant),
            account: AccountId(account),
            number,
        })
    }
    /// The report to send next, if one is owed.
    #[must_use]
    pub fn owed(&self) -> Option<ReportKind> {
        self.recipients.iter().find_map(|recipient| recipient.owed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let entry = Entry {
            tenant: 1,
            blob: vec![0xAB; 4],
            octets: 9,
            sender: None,
            envelope_id: None,
            return_content: Some(ReturnContent::Headers),
            body: BodyKind::EightBit,
            smtputf8: false,
            destination: Destination::Domain("b.test".to_owned()),
            recipients: vec![Recipient {
                address: "x@b.test".to_owned(),
                original: None,
                notify: Notify::default(),
                state: RecipientState::Pending,
                last: None,
                owed: Some(ReportKind::Delay),
                notify_asked: false,
            }],
            accepted_millis: 5,
            due_millis: 6,
            attempts: 2,
            held: false,
            delay_reported: true,
            subject: "s".to_owned(),
            delivery_id: b"d".to_vec(),
            submission: None,
        };
        let golden = b"\x01\x00\x01\x91\x01\x44\xab\xab\xab\xab\x09\xf6\xf6\x01\x01\xf4\x82\x00\x81\x66b.test\x81\x87\x68x@b.test\xf6\x83\xf4\xf5\xf5\x00\xf6\x01\xf4\x05\x06\x02\xf4\xf5\x61s\x41d";
        assert_eq!(&entry.encode()[..], golden);
        assert_eq!(Entry::decode(golden), Ok(entry.clone()));
        let submitted = Entry {
            submission: Some((1, 2, 3)),
            ..entry
        };
        let golden = [&golden[..3], b"\x92", &golden[4..], b"\x83\x01\x02\x03"].concat();
        assert_eq!(&submitted.encode()[..], golden);
        assert_eq!(Entry::decode(&golden), Ok(submitted));
    }
}
