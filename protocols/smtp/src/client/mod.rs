//! The client's side of SMTP and LMTP: for the relay and for every test of the server.
//!
//! The caller asks ([`Session::send`], [`Session::start_tls`] ..), the session says what became of it in [`Event`]s. With
//! PIPELINING a whole envelope leaves in one write. Bare CR and LF never leave through DATA: they become CRLF.

mod extension;
mod session;
mod stuffing;

use crate::command::{Mail, Rcpt};
use crate::limits::ClientLimits;
use crate::reply::Reply;

pub use extension::Extensions;
pub use session::Session;

/// How to speak.
#[derive(Debug, Clone)]
pub struct Options {
    /// LHLO and one outcome per recipient instead of EHLO.
    pub lmtp: bool,
    /// Our name: a domain or an address literal with its brackets.
    pub name: String,
    /// Bounds.
    pub limits: ClientLimits,
}

/// Who sends to whom. Parameters the server does not offer are left out on the wire.
#[derive(Debug, Clone)]
pub struct Envelope {
    /// Sender and parameters of the message.
    pub mail: Mail,
    /// Recipients; events name them by their index here.
    pub recipients: Vec<Rcpt>,
}

/// What happened, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Greeting and EHLO are done, also again after TLS: anything may be asked now.
    Ready(Extensions),
    /// The server turned us away at the greeting or at EHLO.
    Refused(Reply),
    /// The server awaits the handshake; then call [`Session::tls_established`].
    TlsReady,
    /// STARTTLS was refused; the session goes on in clear.
    TlsRefused(Reply),
    /// Signed in.
    Authenticated,
    /// Not signed in; the session goes on.
    AuthenticationRefused(Reply),
    /// The server failed to prove itself, or its challenge made no sense.
    AuthenticationFailed(hongyan_sasl::ClientError),
    /// Answer to MAIL. When negative nothing follows but [`Event::Done`].
    Sender(Reply),
    /// Answer to a RCPT.
    Recipient {
        /// Index in [`Envelope::recipients`].
        index: usize,
        /// The answer.
        reply: Reply,
    },
    /// Hand over the message: [`Session::data`] any number of times, then [`Session::finish`].
    SendMessage,
    /// The server took the recipients but not the message command; [`Event::Done`] follows.
    MessageRefused(Reply),
    /// What became of the message: for all accepted recipients, or in LMTP for one.
    Outcome {
        /// Index in [`Envelope::recipients`]; `None` is all accepted ones.
        index: Option<usize>,
        /// The answer.
        reply: Reply,
    },
    /// The transaction is over; another may begin.
    Done,
    /// RSET or QUIT was answered.
    Answered(Reply),
    /// The connection is of no more use. A message without an [`Event::Outcome`] has an unknown one.
    Failed(Failure),
}

/// Why a connection is of no more use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The server did not answer in time.
    #[error("the server did not answer in time")]
    Timeout,
    /// The server's reply makes no sense.
    #[error("{0}")]
    Reply(#[from] crate::ReplyError),
    /// A reply to nothing, or data behind STARTTLS.
    #[error("the server sent what nobody asked for")]
    Unexpected,
    /// The server ended the session (421).
    #[error("the server closed the session: {0}")]
    Goodbye(Reply),
    /// The connection broke.
    #[error("the connection was closed")]
    Closed,
}

/// Why an envelope cannot be sent to this server at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// An address or the header needs SMTPUTF8 (RFC 6531 §3.2).
    #[error("the server does not support international addresses")]
    NeedsSmtpUtf8,
    /// The body is binary and the server lacks BINARYMIME.
    #[error("the server does not take binary bodies")]
    NeedsBinary,
    /// Larger than the server announced to take.
    #[error("the message is larger than the server takes")]
    TooLarge,
    /// Something else is still under way.
    #[error("the session is busy")]
    Busy,
}
