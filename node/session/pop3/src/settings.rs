//! Limits of POP3 sessions.

use std::time::Duration;

use hongyan_pop3::Limits;

/// Named limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pop3Settings {
    /// Limits of the protocol: lines, errors, silence.
    pub limits: Limits,
    /// How long the maildrop stays locked after a session that vanished without a word, with its node for example.
    pub lock_span: Duration,
    /// Longest wait for the mailbox's answer.
    pub mailbox_timeout: Duration,
    /// Messages that one request to the mailbox deletes at most.
    pub delete_batch_max: usize,
    /// Whether loopback clients may sign in without TLS.
    pub clear_passwords_on_loopback: bool,
    /// Whether every client may.
    pub clear_passwords: bool,
}

impl Default for Pop3Settings {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            lock_span: Duration::from_secs(30),
            mailbox_timeout: Duration::from_secs(30),
            delete_batch_max: 2000,
            clear_passwords_on_loopback: false,
            clear_passwords: false,
        }
    }
}
