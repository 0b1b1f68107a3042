//! Writes down what clients ask and see: the history that is judged, and beside it how long things took, what failed,
//! and which connections ended.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use hongyan_env::Env;
use hongyan_invariant::{CallId, ClientId, Event, History, MailId, Operation, Outcome, SessionId, Wire};

/// Away for less than this is not away.
const AWAY_MICROS_MIN: u64 = 100_000;

/// Who observes: a client, and of those that ask one mailbox which one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Observer {
    pub(crate) client: ClientId,
    /// The mailbox, counted from 0, of a client that asks it all the time.
    pub(crate) mailbox: Option<usize>,
}

/// A time in which an observer got no answer, from the first question that failed or waited to the first answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Away {
    pub(crate) observer: Observer,
    /// The node that it speaks to, counted from 0; none when that changes.
    pub(crate) node: Option<usize>,
    pub(crate) from: u64,
    pub(crate) to: u64,
}

/// How something that a client was doing came to a bad end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The connection could not be made, was closed or reset.
    Closed,
    /// No answer for too long.
    Silent,
    /// The server said that it goes: BYE, 421.
    Moved,
    /// The server refused, in its words, or said what makes no sense.
    Refused(String),
}

/// A command that failed, or a connection that ended without its client.
#[derive(Debug, Clone)]
pub(crate) struct Trouble {
    pub(crate) client: ClientId,
    pub(crate) node: Option<usize>,
    pub(crate) what: String,
    pub(crate) failure: Failure,
    pub(crate) from: u64,
    pub(crate) to: u64,
}

/// What is known so far. Clones share it.
#[derive(Clone)]
pub(crate) struct Recorder {
    env: Env,
    inner: Rc<RefCell<Book>>,
}

/// All that was written down.
#[derive(Default)]
pub(crate) struct Book {
    pub(crate) history: History,
    pub(crate) commands: BTreeMap<String, u64>,
    pub(crate) connections: u64,
    pub(crate) failed: Vec<Trouble>,
    pub(crate) dropped: Vec<Trouble>,
    pub(crate) away: Vec<Away>,
    open: BTreeMap<Observer, (Option<usize>, u64)>,
    calls: u64,
    sessions: u32,
    mails: u64,
}

impl Recorder {
    pub(crate) fn new(env: &Env) -> Self {
        Self {
            env: env.clone(),
            inner: Rc::default(),
        }
    }
    pub(crate) fn now(&self) -> u64 {
        self.env.now_micros()
    }
    pub(crate) fn new_mail(&self) -> MailId {
        let mut inner = self.inner.borrow_mut();
        inner.mails += 1;
        MailId(inner.mails)
    }
    pub(crate) fn new_session(&self) -> SessionId {
        let mut inner = self.inner.borrow_mut();
        inner.sessions += 1;
        SessionId(inner.sessions)
    }
    pub(crate) fn call(&self, client: ClientId, session: SessionId, operation: Operation) -> CallId {
        let mut inner = self.inner.borrow_mut();
        inner.calls += 1;
        let call = CallId(inner.calls);
        inner.history.events.push(Event::Call {
            call,
            client,
            session,
            operation,
        });
        call
    }
    pub(crate) fn returned(&self, call: CallId, outcome: Outcome) {
        let event = Event::Return { call, outcome };
        self.inner.borrow_mut().history.events.push(event);
    }
    pub(crate) fn wire(&self, session: SessionId, wire: Wire) {
        let event = Event::Wire { session, wire };
        self.inner.borrow_mut().history.events.push(event);
    }
    /// A command was answered well.
    pub(crate) fn answered(&self, what: &str) {
        *self.inner.borrow_mut().commands.entry(what.to_owned()).or_default() += 1;
    }
    pub(crate) fn connected(&self) {
        self.inner.borrow_mut().connections += 1;
    }
    /// A command was not.
    pub(crate) fn failed(&self, trouble: Trouble) {
        self.inner.borrow_mut().failed.push(trouble);
    }
    /// A connection ended that its client would have kept.
    pub(crate) fn dropped(&self, trouble: Trouble) {
        self.inner.borrow_mut().dropped.push(trouble);
    }
    /// An observer asked at `from` and has now been answered, or not.
    pub(crate) fn asked(&self, observer: Observer, node: Option<usize>, from: u64, is_answered: bool) {
        let now = self.now();
        let mut inner = self.inner.borrow_mut();
        if !is_answered {
            inner.open.entry(observer).or_insert((node, from));
            return;
        }
        let (node, from) = inner.open.remove(&observer).unwrap_or((node, from));
        if now.saturating_sub(from) >= AWAY_MICROS_MIN {
            inner.away.push(Away {
                observer,
                node,
                from,
                to: now,
            });
        }
    }
    /// Nobody observes any more: who still waits has waited until now.
    pub(crate) fn close(&self) {
        let now = self.now();
        let mut inner = self.inner.borrow_mut();
        for (observer, (node, from)) in std::mem::take(&mut inner.open) {
            inner.away.push(Away {
                observer,
                node,
                from,
                to: now,
            });
        }
    }
    pub(crate) fn with<T>(&self, look: impl FnOnce(&Book) -> T) -> T {
        look(&self.inner.borrow())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn away_lasts_from_the_first_failure_to_the_next_answer() {
        let (env, clock) = Env::manual(1);
        let recorder = Recorder::new(&env);
        let observer = Observer {
            client: ClientId(1),
            mailbox: Some(0),
        };
        let ask = |millis: u64, is_answered: bool| {
            let from = recorder.now();
            clock.advance(std::time::Duration::from_millis(millis));
            recorder.asked(observer, Some(1), from, is_answered);
            from
        };
        ask(5, true);
        let began = ask(5, false);
        ask(700, false);
        ask(5, true);
        ask(300, true);
        let away = recorder.with(|book| book.away.clone());
        assert_eq!(away.len(), 2);
        assert_eq!(away[0].from, began);
        assert_eq!(away[0].to - away[0].from, 710_000);
        assert_eq!(away[1].to - away[1].from, 300_000);
    }
}
