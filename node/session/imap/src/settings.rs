//! Settings of IMAP sessions, beside the protocol's own limits.

use std::time::Duration;

use hongyan_imap::Limits;

/// When a password may cross the wire without TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginWithoutTls {
    /// Never.
    Never,
    /// From this machine.
    Loopback,
    /// From everywhere: the operator secures the network otherwise.
    Always,
}

/// Settings of all IMAP sessions of a node.
#[derive(Debug, Clone)]
pub struct ImapSettings {
    /// Limits of the protocol.
    pub limits: Limits,
    /// Text of the greeting.
    pub greeting: String,
    /// How long a mailbox may take to answer.
    pub ask_timeout: Duration,
    /// When passwords are accepted without TLS.
    pub login_without_tls: LoginWithoutTls,
    /// Most messages in one APPEND.
    pub append_messages_max: usize,
    /// Most messages one SORT or THREAD may order.
    pub ordered_messages_max: usize,
    /// Most batches of messages, a quarter of a megabyte each, that all sessions together have read before they could send them.
    pub batches_ahead_max: usize,
}

impl Default for ImapSettings {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            greeting: "Hongyan ready".to_owned(),
            ask_timeout: Duration::from_secs(30),
            login_without_tls: LoginWithoutTls::Never,
            append_messages_max: 1_000,
            ordered_messages_max: 500_000,
            batches_ahead_max: 128,
        }
    }
}
