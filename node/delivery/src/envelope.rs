//! What is delivered, from whom, to whom.

use std::fmt;
use std::sync::Arc;

use hongyan_directory::{AccountRecord, GroupTargets, Recipient};
use hongyan_env::Env;
use hongyan_smtp::{Notify, Return};
use hongyan_trail::SubmissionId;
use hongyan_types::{Address, TenantId, Timestamp};

/// Names one delivery, so that a repeat is recognised in every mailbox it reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DeliveryId(pub [u8; 16]);

impl DeliveryId {
    /// A new one.
    #[must_use]
    pub fn random(env: &Env) -> Self {
        let mut bytes = [0; 16];
        env.fill_random(&mut bytes);
        Self(bytes)
    }

    /// The id of another effect of the same delivery, such as the sender's own copy.
    #[must_use]
    pub fn with_purpose(self, purpose: u8) -> Self {
        let mut bytes = self.0;
        bytes[15] ^= purpose;
        Self(bytes)
    }
}

impl DeliveryId {
    /// The id of one of several copies of a message, each of which is a delivery of its own.
    #[must_use]
    pub fn of_copy(self, number: u32) -> Self {
        let mut bytes = self.0;
        for (byte, other) in bytes.iter_mut().zip((number + 1).to_be_bytes()) {
            *byte ^= other;
        }
        Self(bytes)
    }
}

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

/// Sender, parameters and recipients of one message.
#[derive(Debug, Clone)]
pub struct DeliveryEnvelope {
    /// Its name.
    pub id: DeliveryId,
    /// Where reports go; `None` is the null sender, who never gets one.
    pub sender: Option<Address>,
    /// Whose queue carries it to other hosts; `None` for mail from outside, which leaves only through a group, in its
    /// tenant's queue.
    pub tenant: Option<TenantId>,
    /// The account that submitted it, and gets a copy.
    pub submitter: Option<Arc<AccountRecord>>,
    /// Whether SMTPUTF8 was asked for.
    pub smtputf8: bool,
    /// Whether the body is binary, so that only BDAT can carry it on.
    pub binary: bool,
    /// How much of the message a failure report returns.
    pub ret: Option<Return>,
    /// The sender's own name for the envelope.
    pub envid: Option<String>,
    /// When it came in.
    pub arrived: Timestamp,
    /// To whom.
    pub recipients: Vec<DeliveryRecipient>,
    /// Whether the submitter gets a copy in Sent.
    pub sent_copy: SentCopy,
    /// In whose trail the queue notes what becomes of it, if in any.
    pub submission: Option<SubmissionId>,
}

/// One recipient as accepted.
#[derive(Debug, Clone)]
pub struct DeliveryRecipient {
    /// The address given.
    pub address: Address,
    /// Where it leads.
    pub target: Target,
    /// ORCPT: type and address.
    pub original: Option<(String, String)>,
    /// When to report.
    pub notify: Option<Notify>,
}

/// Where an accepted address leads.
#[derive(Debug, Clone)]
pub enum Target {
    /// To a mailbox.
    Account(Recipient),
    /// To the members of a group.
    Group(Arc<GroupTargets>),
    /// To another host.
    Remote,
    /// Nowhere: everyone it leads to has had the message (see [`crate::LoopMarks`]).
    Returned,
}

/// Whether a copy of what someone submits is put into Sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SentCopy {
    /// If the account keeps what clients send (ACC-13).
    AsSet,
    /// It is.
    Kept,
    /// It is not.
    NotKept,
}

/// What the caller can tell the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// One reply for all recipients: when some succeed, the others are this node's business.
    Whole,
    /// A reply for each recipient: the client keeps those that failed.
    Each,
}
