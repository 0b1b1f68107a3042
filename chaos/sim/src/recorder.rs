//! Writes down what clients ask and see.

use std::cell::RefCell;
use std::rc::Rc;

use hongyan_invariant::{CallId, ClientId, Event, Failure, History, MailId, Operation, Outcome, SessionId, Wire};

use crate::log::Log;
use crate::probe::{Probe, Probes};

/// The history in the making. Clones share it.
#[derive(Clone)]
pub(crate) struct Recorder {
    inner: Rc<RefCell<Inner>>,
    log: Log,
}

#[derive(Default)]
struct Inner {
    history: History,
    calls: u64,
    sessions: u32,
    mails: u64,
    probes: Probes,
    judges_connections: bool,
    judges_commands: bool,
}

impl Recorder {
    pub(crate) fn new(log: Log) -> Self {
        Self {
            inner: Rc::default(),
            log,
        }
    }
    /// From now on connections are told of.
    pub(crate) fn judge_connections(&self) {
        self.inner.borrow_mut().judges_connections = true;
    }
    /// From now on failed commands are told of.
    pub(crate) fn judge_commands(&self) {
        self.inner.borrow_mut().judges_commands = true;
    }
    pub(crate) fn judges_connections(&self) -> bool {
        self.inner.borrow().judges_connections
    }
    pub(crate) fn judges_commands(&self) -> bool {
        self.inner.borrow().judges_commands
    }
    /// What a client asked for at a node, since `began_micros`, came to nothing.
    pub(crate) fn failed(&self, node: u32, what: &str, began_micros: u64, failure: Failure) {
        if self.judges_commands() {
            self.event(Event::Failed {
                node,
                what: what.chars().take(60).collect(),
                began_micros,
                failure,
            });
        }
    }
    /// A node is told to stop in good order.
    pub(crate) fn node_stops(&self, node: usize) {
        if self.judges_commands() {
            self.event(Event::NodeStopping {
                node: u32::try_from(node).unwrap_or(u32::MAX),
                micros: self.log.now_micros(),
            });
        }
    }
    /// A node that was told to stop lets clients in again.
    pub(crate) fn node_is_back(&self, node: usize) {
        if self.judges_commands() {
            self.event(Event::NodeBack {
                node: u32::try_from(node).unwrap_or(u32::MAX),
            });
        }
    }
    /// A client has signed in at a node.
    pub(crate) fn connected(&self, session: SessionId, node: u32) {
        if self.judges_connections() {
            self.event(Event::Connected { session, node });
        }
    }
    /// A client's connection broke.
    pub(crate) fn connection_lost(&self, session: SessionId) {
        if self.judges_connections() {
            self.event(Event::ConnectionLost { session });
        }
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
        let call = {
            let mut inner = self.inner.borrow_mut();
            inner.calls += 1;
            CallId(inner.calls)
        };
        self.event(Event::Call {
            call,
            client,
            session,
            operation,
        });
        call
    }
    pub(crate) fn returned(&self, call: CallId, outcome: Outcome) {
        self.event(Event::Return { call, outcome });
    }
    pub(crate) fn wire(&self, session: SessionId, wire: Wire) {
        self.event(Event::Wire { session, wire });
    }
    pub(crate) fn event(&self, event: Event) {
        self.log.line(format_args!("{event:?}"));
        self.inner.borrow_mut().history.events.push(event);
    }
    pub(crate) fn probe(&self, probe: Probe) {
        self.log.line(format_args!("probe {probe:?}"));
        *self.inner.borrow_mut().probes.entry(probe).or_default() += 1;
    }
    pub(crate) fn log(&self) -> &Log {
        &self.log
    }
    pub(crate) fn probes(&self) -> Probes {
        self.inner.borrow().probes.clone()
    }
    /// Looks at the history so far.
    pub(crate) fn with<T>(&self, look: impl FnOnce(&History) -> T) -> T {
        look(&self.inner.borrow().history)
    }
}
