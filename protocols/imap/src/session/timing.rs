//! Deadlines of a session: login, inactivity (RFC 9051 §5.4), and the sign of life during IDLE.

use std::time::Duration;

use hongyan_types::Instant;

use super::{Mode, Session, State};

/// When the client was last heard, and when we last spoke while it idles.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timing {
    began: Instant,
    heard: Instant,
    idle_spoke: Option<Instant>,
}

impl Timing {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            began: now,
            heard: now,
            idle_spoke: None,
        }
    }
    pub(super) fn heard(&mut self, now: Instant) {
        self.heard = now;
    }
    pub(super) fn idle_begins(&mut self) {
        self.idle_spoke = Some(self.heard);
    }
    pub(super) fn idle_ends(&mut self) {
        self.idle_spoke = None;
    }
}

impl Session {
    fn logout_at(&self) -> Instant {
        let limits = &self.settings.limits;
        if self.state == State::NotAuthenticated {
            self.timing.began.after(limits.login_timeout)
        } else {
            self.timing.heard.after(limits.inactivity_timeout)
        }
    }

    fn still_here_at(&self) -> Option<Instant> {
        let spoke = self.timing.idle_spoke?;
        Some(spoke.after(self.settings.limits.idle_keep_alive))
    }

    /// When [`Session::handle_timeout`] wants to be called; `None` while the caller works on a command.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        if matches!(self.mode, Mode::Busy | Mode::Offered(_) | Mode::Closed) {
            return None;
        }
        let logout_at = self.logout_at();
        Some(self.still_here_at().map_or(logout_at, |at| at.min(logout_at)))
    }

    /// Does what is due at `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        if matches!(self.mode, Mode::Busy | Mode::Offered(_) | Mode::Closed) {
            return;
        }
        if now.since(self.logout_at()) > Duration::ZERO || now == self.logout_at() {
            self.bye(if self.state == State::NotAuthenticated {
                "Login took too long"
            } else {
                "Nothing heard for too long"
            });
            return;
        }
        if self.still_here_at().is_some_and(|at| at <= now) {
            self.output.raw(b"* OK Still here\r\n");
            self.timing.idle_spoke = Some(now);
        }
    }
}
