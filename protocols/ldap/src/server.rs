//! The server's session: six verbs, the order of binds, and what needs no directory to answer.
//!
//! Requests are worked on one after another; those that come meanwhile wait in line, so that Abandon reaches them.

use std::collections::VecDeque;

use bytes::{Buf, BytesMut};
use hongyan_sasl::Secret;
use hongyan_types::Instant;

use crate::ber::frame;
use crate::request::{Operation, Proof, Request};
pub use crate::response::disconnection;
use crate::response::{self, EXTENDED};
use crate::{Answer, Compare, Found, Limits, ResultCode, START_TLS, Scope, Search, WHO_AM_I};

/// No further request is taken while so much output waits: a client that never reads stops being served.
const OUTPUT_OCTETS_MAX: usize = 64 << 10;
/// The answer to a bind.
const BOUND: u8 = 0x61;

/// What a session offers.
#[derive(Debug, Clone)]
pub struct Options {
    /// Whether TLS is there already.
    pub tls: bool,
    /// Whether STARTTLS can be had.
    pub start_tls: bool,
    /// Whether passwords may cross the wire without TLS.
    pub clear_passwords: bool,
    /// Limits.
    pub limits: Limits,
}

/// Names one request of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CommandId(u32);

/// What the caller must do. All but [`Command::StartTls`] are answered with [`Session::reply`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// The answer to StartTLS is in the output: send it, complete the handshake, call [`Session::tls_established`].
    StartTls,
    /// Whoever signed in is no longer signed in: the client is anonymous now.
    Anonymous,
    /// Verify name and password of a simple bind. Neither is empty. Whoever signed in before is no longer.
    Bind {
        /// The name.
        name: String,
        /// The password.
        password: Secret,
    },
    /// Verify what a client says by SASL PLAIN (RFC 4616). Whoever signed in before is no longer.
    Plain(Vec<u8>),
    /// Find entries: [`Session::push`] gives each. An anonymous client asks for the root DSE only.
    Search(Search),
    /// Tell whether an entry has a value.
    Compare(Compare),
}

/// The answer to a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// This became of it.
    Done(Answer),
    /// A bind has succeeded: as whom the client acts from now on (RFC 4513 §5.2.1.8).
    SignedIn {
        /// Such as `dn:uid=anna,ou=people,dc=example,dc=org`.
        authorization: String,
    },
    /// A page is complete; with a cookie there are more.
    Page {
        /// What became of it.
        answer: Answer,
        /// Where the next one begins.
        cookie: Vec<u8>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    Handshake,
    Closing,
}

#[derive(Debug)]
struct Current {
    id: u32,
    answer: u8,
    is_wanted: bool,
}

/// One connection.
#[derive(Debug)]
pub struct Session {
    options: Options,
    input: BytesMut,
    output: Vec<u8>,
    waiting: VecDeque<Request>,
    current: Option<Current>,
    phase: Phase,
    /// As whom the client acts, when it has signed in.
    authorization: Option<String>,
    failures: u32,
    touched: Instant,
}

impl Session {
    /// A session at `now`.
    #[must_use]
    pub fn new(options: Options, now: Instant) -> Self {
        Self {
            options,
            input: BytesMut::new(),
            output: Vec::new(),
            waiting: VecDeque::new(),
            current: None,
            phase: Phase::Open,
            authorization: None,
            failures: 0,
            touched: now,
        }
    }

    /// Takes bytes that arrived. While a command is worked on this too is to be called, so that it can be abandoned.
    pub fn receive(&mut self, now: Instant, bytes: &[u8]) {
        if self.phase == Phase::Open {
            self.input.extend_from_slice(bytes);
            self.read_ahead(now);
        }
    }

    /// Whether [`Session::receive`] is to be called at all: otherwise what came waits until output is taken.
    #[must_use]
    pub fn wants_input(&self) -> bool {
        self.input.len() <= self.options.limits.message_octets_max
    }

    /// The next command, if one is complete and the last one is answered.
    pub fn poll_command(&mut self, now: Instant) -> Option<(CommandId, Command)> {
        loop {
            self.read_ahead(now);
            if self.current.is_some() || self.phase != Phase::Open || self.is_full() {
                return None;
            }
            let request = self.waiting.pop_front()?;
            self.touched = now;
            let Some(answer) = request.answer else {
                self.end();
                return None;
            };
            let id = request.id;
            self.current = Some(Current {
                id,
                answer,
                is_wanted: true,
            });
            let command = match request.operation {
                Ok(operation) => self.command(id, operation),
                Err(refused) => Err(Answer::new(refused.code, refused.text)),
            };
            match command {
                Ok(Some(command)) => return Some((CommandId(id), command)),
                Ok(None) => self.current = None,
                Err(answer) => self.reply(now, CommandId(id), Reply::Done(answer)),
            }
        }
    }

    /// Gives an entry that a search has found; whether more are wanted. Send the output before the next one.
    pub fn push(&mut self, id: CommandId, found: &Found) -> bool {
        let is_wanted = self.is_wanted(id);
        if is_wanted {
            self.output.extend(response::found(id.0, found));
        }
        is_wanted
    }

    /// Whether a command is still to be worked on: it was neither abandoned nor ended with the session.
    #[must_use]
    pub fn is_wanted(&self, id: CommandId) -> bool {
        let current = self.current.as_ref();
        current.is_some_and(|current| current.id == id.0 && current.is_wanted) && self.phase == Phase::Open
    }

    /// Answers a command. An id other than the one outstanding is ignored; what was abandoned is not answered.
    pub fn reply(&mut self, now: Instant, id: CommandId, reply: Reply) {
        let Some(current) = self.current.take_if(|current| current.id == id.0) else {
            return;
        };
        self.touched = now;
        if !current.is_wanted || self.phase == Phase::Closing {
            return;
        }
        match reply {
            Reply::Page { answer, cookie } => {
                self.output.extend(response::page_done(current.id, &answer, &cookie));
            }
            Reply::SignedIn { authorization } => {
                self.authorization = Some(authorization);
                self.output
                    .extend(response::done(current.id, current.answer, &Answer::success()));
            }
            Reply::Done(answer) => self.done(&current, &answer),
        }
    }

    fn done(&mut self, current: &Current, answer: &Answer) {
        if current.answer == EXTENDED {
            self.output.extend(response::extended(current.id, answer, None, None));
        } else {
            self.output.extend(response::done(current.id, current.answer, answer));
        }
        let is_step = answer.code == ResultCode::SASL_BIND_IN_PROGRESS;
        if current.answer == BOUND && answer.code != ResultCode::SUCCESS && !is_step {
            self.failures += 1;
            if self.failures >= self.options.limits.bind_failures_max {
                self.close(ResultCode::UNAVAILABLE, "too many binds were refused");
            }
        }
    }

    /// Moves what is to be sent to `out`; whether there was anything.
    pub fn poll_output(&mut self, out: &mut Vec<u8>) -> bool {
        let any = !self.output.is_empty();
        if out.is_empty() {
            // The caller's empty buffer becomes ours, so neither is copied nor made anew.
            std::mem::swap(out, &mut self.output);
        } else {
            out.append(&mut self.output);
        }
        any
    }

    /// When [`Session::handle_timeout`] is due; `None` while a command is being worked on.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.current.is_some() || self.phase != Phase::Open {
            return None;
        }
        let limits = &self.options.limits;
        Some(self.touched.after(match self.authorization {
            Some(_) => limits.idle_timeout,
            None => limits.anonymous_timeout,
        }))
    }

    /// Ends a session that has been silent too long.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.poll_timeout().is_some_and(|due| due <= now) {
            self.close(ResultCode::UNAVAILABLE, "silent too long");
        }
    }

    /// Ends the session with a notice of disconnection (RFC 4511 §4.4.1).
    pub fn close(&mut self, code: ResultCode, text: &str) {
        if self.phase != Phase::Closing {
            self.output.extend(response::disconnection(&Answer::new(code, text)));
            self.end();
        }
    }

    /// Whether the connection is to be closed once the output is sent.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        self.phase == Phase::Closing
    }

    /// Whether whoever signed in may ask.
    #[must_use]
    pub fn is_signed_in(&self) -> bool {
        self.authorization.is_some()
    }

    /// The handshake asked for by [`Command::StartTls`] is complete.
    pub fn tls_established(&mut self, now: Instant) {
        if self.phase == Phase::Handshake {
            self.options.tls = true;
            // What came before TLS may be anybody's.
            self.input.clear();
            self.phase = Phase::Open;
            self.touched = now;
        }
    }

    fn end(&mut self) {
        self.phase = Phase::Closing;
        self.waiting.clear();
        self.input = BytesMut::new();
    }

    fn is_full(&self) -> bool {
        self.output.len() > OUTPUT_OCTETS_MAX
    }

    /// Puts all requests that have come into the line.
    fn read_ahead(&mut self, now: Instant) {
        while self.phase == Phase::Open && !self.is_full() {
            let octets_max = self.options.limits.message_octets_max;
            let whole = match frame(&self.input) {
                Ok(Some(whole)) if whole > octets_max => {
                    let text = format!("a message has more than {octets_max} octets");
                    return self.close(ResultCode::PROTOCOL_ERROR, &text);
                }
                Ok(Some(whole)) if whole <= self.input.len() => whole,
                Ok(_) => {
                    if self.input.is_empty() {
                        // A silent client keeps no buffer.
                        self.input = BytesMut::new();
                    }
                    return;
                }
                Err(_) => return self.close(ResultCode::PROTOCOL_ERROR, "it is no LDAP message"),
            };
            let read = self
                .input
                .get(..whole)
                .map(|octets| Request::read(octets, &self.options.limits));
            self.input.advance(whole);
            self.touched = now;
            match read {
                Some(Ok(request)) => self.take(request),
                _ => return self.close(ResultCode::PROTOCOL_ERROR, "it is no LDAP request"),
            }
        }
    }

    fn take(&mut self, request: Request) {
        if let Ok(Operation::Abandon(id)) = request.operation {
            return self.abandon(id);
        }
        let open = self.waiting.len() + usize::from(self.current.is_some());
        match request.answer {
            // Unbind is never refused: it ends whatever is in line.
            None => {
                self.waiting.clear();
                self.end();
            }
            Some(answer) if open >= self.options.limits.operations_max => {
                let busy = Answer::new(ResultCode::BUSY, "too many requests wait for an answer");
                let octets = match answer {
                    EXTENDED => response::extended(request.id, &busy, None, None),
                    answer => response::done(request.id, answer, &busy),
                };
                self.output.extend(octets);
            }
            Some(_) => self.waiting.push_back(request),
        }
    }

    /// RFC 4511 §4.11: neither the abandoning nor what is abandoned is answered; binds and StartTLS cannot be.
    fn abandon(&mut self, id: u32) {
        let can_be = |answer: Option<u8>| !matches!(answer, Some(BOUND | EXTENDED));
        self.waiting
            .retain(|request| request.id != id || !can_be(request.answer));
        if let Some(current) = &mut self.current
            && current.id == id
            && can_be(Some(current.answer))
        {
            current.is_wanted = false;
        }
    }

    /// What the caller must do for a request; nothing when it is answered already.
    fn command(&mut self, id: u32, operation: Operation) -> Result<Option<Command>, Answer> {
        match operation {
            Operation::Bind { version, name, proof } => self.bind(version, name, proof).map(Some),
            Operation::Extended(name) => self.extended(id, &name),
            Operation::Search(search) => {
                // RFC 4513 §5.1.1: an anonymous client sees what it needs to sign in.
                let is_root = search.base.is_empty() && search.scope == Scope::Base;
                if !is_root {
                    self.check_signed_in()?;
                }
                Ok(Some(Command::Search(search)))
            }
            Operation::Compare(compare) => {
                self.check_signed_in()?;
                Ok(Some(Command::Compare(compare)))
            }
            Operation::Update => Err(Answer::new(
                ResultCode::UNWILLING_TO_PERFORM,
                "the directory is read only here",
            )),
            // They never stand in line.
            Operation::Unbind | Operation::Abandon(_) => Ok(None),
        }
    }

    fn check_signed_in(&self) -> Result<(), Answer> {
        match self.authorization {
            Some(_) => Ok(()),
            None => Err(Answer::new(ResultCode::STRONGER_AUTH_REQUIRED, "bind first")),
        }
    }

    fn bind(&mut self, version: u32, name: String, proof: Proof) -> Result<Command, Answer> {
        // RFC 4511 §4.2.1: whatever becomes of it, nobody is signed in meanwhile.
        self.authorization = None;
        let refused = |code, text: &str| Err(Answer::new(code, text));
        if version != 3 {
            return refused(ResultCode::PROTOCOL_ERROR, "only version 3 is spoken here");
        }
        match proof {
            Proof::Simple(Some(password)) if password.reveal().is_empty() && name.is_empty() => Ok(Command::Anonymous),
            // RFC 4513 §5.1.2: many a program takes the success of it for a proof.
            Proof::Simple(Some(password)) if password.reveal().is_empty() => refused(
                ResultCode::UNWILLING_TO_PERFORM,
                "a name without a password proves nothing",
            ),
            Proof::Simple(_) | Proof::Sasl(..) if !self.passwords_allowed() => {
                refused(ResultCode::CONFIDENTIALITY_REQUIRED, "passwords only under TLS")
            }
            Proof::Simple(Some(password)) if !name.is_empty() => Ok(Command::Bind { name, password }),
            Proof::Simple(_) => refused(ResultCode::INVALID_CREDENTIALS, "authentication failed"),
            Proof::Sasl(mechanism, initial) if mechanism.eq_ignore_ascii_case("PLAIN") => match initial {
                Some(initial) => Ok(Command::Plain(initial)),
                None => refused(ResultCode::SASL_BIND_IN_PROGRESS, ""),
            },
            Proof::Sasl(..) => refused(ResultCode::AUTH_METHOD_NOT_SUPPORTED, "the mechanism is not offered"),
            Proof::Other => refused(
                ResultCode::AUTH_METHOD_NOT_SUPPORTED,
                "simple and SASL PLAIN are offered",
            ),
        }
    }

    fn passwords_allowed(&self) -> bool {
        self.options.tls || self.options.clear_passwords
    }

    fn extended(&mut self, id: u32, name: &str) -> Result<Option<Command>, Answer> {
        match name {
            START_TLS => self.start_tls(id).map(Some),
            WHO_AM_I => {
                let who = self.authorization.clone().unwrap_or_default();
                let octets = response::extended(id, &Answer::success(), None, Some(who.as_bytes()));
                self.output.extend(octets);
                Ok(None)
            }
            // RFC 4511 §4.12.
            _ => Err(Answer::new(
                ResultCode::PROTOCOL_ERROR,
                "there is no such extended operation",
            )),
        }
    }

    fn start_tls(&mut self, id: u32) -> Result<Command, Answer> {
        let refused = |code, text: &str| Answer::new(code, text);
        if self.options.tls {
            return Err(refused(ResultCode::OPERATIONS_ERROR, "TLS is there already"));
        }
        if !self.options.start_tls {
            return Err(refused(ResultCode::PROTOCOL_ERROR, "TLS is not offered"));
        }
        // RFC 4511 §4.14.1: not while other requests are outstanding.
        if !self.waiting.is_empty() {
            return Err(refused(ResultCode::OPERATIONS_ERROR, "requests wait for an answer"));
        }
        let octets = response::extended(id, &Answer::success(), Some(START_TLS), None);
        self.output.extend(octets);
        self.current = None;
        self.phase = Phase::Handshake;
        self.input.clear();
        Ok(Command::StartTls)
    }
}

impl Command {
    /// Short name, for metrics.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::StartTls => "start-tls",
            Self::Anonymous | Self::Bind { .. } | Self::Plain(_) => "bind",
            Self::Search(_) => "search",
            Self::Compare(_) => "compare",
        }
    }
}
