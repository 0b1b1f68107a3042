//! The exclusive maildrop of POP3 (RFC 1939 §4).

use std::time::Duration;

/// Takes, keeps or gives back the maildrop. The lock lives in memory: it ends by itself after `span`, and when the mailbox moves.
#[derive(Debug, Clone)]
pub struct LockMaildrop {
    /// Which session: a random number of its own.
    pub session: u64,
    /// For how long from now; zero gives it back.
    pub span: Duration,
}

/// It is this session's (or nobody's, if given back).
#[derive(Debug, Clone)]
pub struct LockMaildropReply;
