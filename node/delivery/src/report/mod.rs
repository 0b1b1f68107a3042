//! Delivery reports (RFC 3461, RFC 3462, RFC 3464): what a sender is told of a message, in plain words (RS-13).
//!
//! Only the text is made here; who gets a report and how it travels is [`crate::Delivery`]'s and the queue's business.

mod build;
mod explain;
mod text;

use bytes::Bytes;
use hongyan_types::{Address, Timestamp};

pub use build::build;
pub(crate) use build::put;
pub use explain::{Explanation, explain};

/// A status code `class.subject.detail` (RFC 3463).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Status(pub u8, pub u16, pub u16);

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// What became of the message for one recipient (RFC 3464 §2.3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It will not arrive.
    Failed,
    /// It has not arrived yet; it is tried until then.
    Delayed {
        /// When we give up.
        retry_until: Option<Timestamp>,
    },
    /// It is in the mailbox.
    Delivered,
    /// It was handed to a server that does not report.
    Relayed,
    /// It was delivered to a list of addresses.
    Expanded,
}

/// One recipient in a report.
#[derive(Debug, Clone)]
pub struct ReportRecipient {
    /// The address as given in RCPT.
    pub address: String,
    /// ORCPT: type and address.
    pub original: Option<(String, String)>,
    /// What happened.
    pub action: Action,
    /// Why.
    pub status: Status,
    /// The reply of the other server, as it was.
    pub diagnostic: Option<String>,
    /// The other server.
    pub remote_host: Option<String>,
    /// When it was last tried.
    pub last_attempt: Option<Timestamp>,
}

/// How much of the message comes back.
#[derive(Debug, Clone)]
pub enum Returned {
    /// Its header.
    Header(Bytes),
    /// All of it.
    Full(Bytes),
}

/// A report before it is written.
#[derive(Debug, Clone)]
pub struct Report {
    /// The node's name: it reports.
    pub host_name: String,
    /// Who gets the report: the sender of the message. There is none for the null sender.
    pub to: Address,
    /// When the message came in.
    pub arrived: Timestamp,
    /// When the report is written.
    pub now: Timestamp,
    /// The sender's own name for the envelope.
    pub envelope_id: Option<String>,
    /// The recipients it is about; not empty.
    pub recipients: Vec<ReportRecipient>,
    /// What comes back.
    pub returned: Returned,
    /// Where to read on; left out when the operator named none.
    pub help_link: Option<String>,
    /// Makes boundary and Message-ID unique.
    pub unique: u64,
}
