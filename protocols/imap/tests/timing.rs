//! Deadlines: login, inactivity, and the sign of life during IDLE.

#![allow(clippy::unwrap_used, missing_docs)]

use std::sync::Arc;
use std::time::Duration;

use hongyan_imap::{Command, Session, Settings, State};
use hongyan_types::Instant;

fn said(session: &mut Session) -> String {
    let mut said = Vec::new();
    session.poll_output(&mut said);
    String::from_utf8(said).unwrap()
}

fn at(secs: u64) -> Instant {
    Instant::default().after(Duration::from_secs(secs))
}

#[test]
fn login_has_a_deadline() {
    let mut session = Session::new(Arc::new(Settings::default()), at(0));
    said(&mut session);
    session.receive(at(59), b"a NOOP\r\n");
    assert_eq!(session.poll_timeout(), Some(at(60)));
    session.handle_timeout(at(59));
    assert_eq!(said(&mut session), "");
    session.handle_timeout(at(60));
    assert_eq!(said(&mut session), "* BYE Login took too long\r\n");
    assert!(session.is_closed());
}

#[test]
fn idle_is_kept_alive_until_the_client_is_silent_too_long() {
    let mut session = Session::new(Arc::new(Settings::default()), at(0));
    session.enter(State::Authenticated);
    session.receive(at(10), b"a IDLE\r\n");
    assert_eq!(session.poll_command().unwrap().1, Command::Idle);
    said(&mut session);
    assert_eq!(session.poll_timeout(), Some(at(250)));
    session.handle_timeout(at(250));
    assert_eq!(said(&mut session), "* OK Still here\r\n");
    assert_eq!(session.poll_timeout(), Some(at(490)));
    session.handle_timeout(at(10 + 31 * 60));
    assert_eq!(said(&mut session), "* BYE Nothing heard for too long\r\n");
}
