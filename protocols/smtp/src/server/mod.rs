//! The server's side of SMTP (RFC 5321), message submission (RFC 6409) and LMTP (RFC 2033).
//!
//! The session knows grammar, order and limits and answers what breaks them; what a command means is its caller's:
//! every [`Command`] that [`Command::wants_reply`] is answered with [`Session::reply`] before the next one is given.

mod capability;
mod data;
mod refusal;
mod session;
mod transaction;

use bytes::Bytes;
use hongyan_sasl::Mechanism;

use crate::command::{Auth, Hello, Mail, Rcpt};
use crate::limits::Limits;

pub use session::Session;

/// Which dialect is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// From other hosts.
    Smtp,
    /// From the organisation's own clients: nothing without authentication.
    Submission,
    /// From a local agent; one reply per recipient.
    Lmtp,
}

/// What a session offers.
#[derive(Debug, Clone)]
pub struct Options {
    /// Dialect.
    pub mode: Mode,
    /// Our name in the greeting and the EHLO reply.
    pub host_name: String,
    /// Whether the connection is already inside TLS.
    pub tls: bool,
    /// Whether STARTTLS may be used.
    pub starttls: bool,
    /// Mechanisms offered inside TLS.
    pub mechanisms_tls: Vec<Mechanism>,
    /// Mechanisms offered in clear: none but where the operator trusts the network.
    pub mechanisms_clear: Vec<Mechanism>,
    /// Bounds.
    pub limits: Limits,
}

/// Names a command until it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CommandId(pub u64);

/// What the client wants, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// The connection is there: 220 greets, anything else turns it away.
    Connect,
    /// EHLO, HELO or LHLO; a 250 is completed with the capabilities.
    Hello(Hello),
    /// After the 220: send all output, run the handshake, call [`Session::tls_established`].
    StartTls,
    /// Begin an exchange: answer with [`crate::Reply`] 334 (see [`challenge`]), 235 or a refusal.
    Auth(Auth),
    /// The client's next response, decoded; answered like [`Command::Auth`].
    AuthResponse(Vec<u8>),
    /// Begin a transaction.
    Mail(Mail),
    /// One recipient.
    Rcpt(Rcpt),
    /// A message begins: [`crate::Reply::go_ahead`] or a refusal.
    MessageStart,
    /// Octets of the message, dots taken off. No reply.
    Chunk(Bytes),
    /// The message is complete. SMTP: one reply. LMTP: [`Session::reply_each`], one per accepted recipient in order.
    MessageEnd,
    /// The message begun will not be completed; forget it. No reply.
    MessageAbort,
    /// Forget sender and recipients. No reply.
    Reset,
    /// VRFY.
    Verify(String),
    /// EXPN.
    Expand(String),
    /// The client leaves. No reply.
    Quit,
}

impl Command {
    /// Whether the session waits for [`Session::reply`].
    #[must_use]
    pub fn wants_reply(&self) -> bool {
        !matches!(self, Self::Chunk(_) | Self::MessageAbort | Self::Reset | Self::Quit)
    }
}

/// The 334 that carries a SASL challenge.
#[must_use]
pub fn challenge(data: &[u8]) -> crate::Reply {
    use base64::Engine as _;
    crate::Reply::bare(334, base64::engine::general_purpose::STANDARD.encode(data))
}
