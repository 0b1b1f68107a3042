//! The exclusive maildrop of POP3 (RFC 1939 §4).

use std::time::Duration;

use crate::MailboxError;
use crate::work::{Progress, Step, Stop, Work};

/// Takes, keeps or gives back the maildrop, whatever node the session is on. The lock lives in memory: it ends by itself after
/// `span`, and when the mailbox moves; a session confirms that it has it still before it deletes.
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

impl LockMaildrop {
    pub(crate) async fn handle(&self, work: &mut Work<'_>, _: &mut Progress) -> Result<Step<LockMaildropReply>, Stop> {
        let now = work.services.env.now_micros();
        let other = work
            .state
            .maildrop
            .filter(|(session, until)| *session != self.session && *until > now);
        if other.is_some() {
            // Whoever gives back what another holds has lost it already.
            return if self.span.is_zero() {
                Ok(Step::Done(LockMaildropReply))
            } else {
                Err(MailboxError::Locked.into())
            };
        }
        let until = now.saturating_add(u64::try_from(self.span.as_micros()).unwrap_or(u64::MAX));
        work.state.maildrop = (!self.span.is_zero()).then_some((self.session, until));
        Ok(Step::Done(LockMaildropReply))
    }
}
