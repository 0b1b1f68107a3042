//! The server side of one connection: octets in, commands out, replies in, octets out. It only frames, dispatches and
//! keeps the states of RFC 9051 §3; what a command means is decided by whoever calls `poll_command`.
//!
//! One command is in the caller's hands at a time; what the client pipelines waits in the input buffer, which the
//! caller bounds by asking [`Session::wants_input`] before it reads.

mod append;
mod timing;

use std::sync::Arc;

use hongyan_types::Instant;

use crate::command::{self, Command, CommandId, Recognised, authenticate};
use crate::discard::{Discard, Progress};
use crate::input::{Input, LiteralHead, Piece, command_octets_max, trim_line_end};
use crate::parser::{Parser, is_tag_char};
use crate::{Code, Condition, Enabled, Extension, Output, Refusal, Settings, Status};

use append::Message;
use timing::Timing;

/// State of the session (RFC 9051 §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Before login.
    NotAuthenticated,
    /// Logged in.
    Authenticated,
    /// A mailbox is selected.
    Selected,
}

/// What the caller answers to a command.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// The message announced by APPEND or REPLACE may come.
    Continue,
    /// A SASL challenge; the client's response comes as [`Command::AuthenticateResponse`].
    Challenge(Vec<u8>),
    /// The command is finished.
    Done(Status),
    /// Login succeeded: the session is authenticated and the client is told the capabilities.
    LoggedIn(String),
}

/// What the session is doing.
#[derive(Debug)]
enum Mode {
    /// Reading a command.
    Ready,
    /// The caller has the current command.
    Busy,
    /// The caller decides whether the message announced may come.
    Offered(Message),
    /// Reading a message.
    Data(Message, u64),
    /// Reading what follows a message.
    AfterData(Message),
    /// IDLE.
    Idle,
    /// Waiting for a SASL response.
    Sasl,
    /// Dropping a refused command, whose answer follows then.
    Discard(Discard, Status),
    /// Nothing more is read.
    Closed,
}

/// A server session.
#[derive(Debug)]
pub struct Session {
    settings: Arc<Settings>,
    state: State,
    enabled: Enabled,
    compressed: bool,
    input: Input,
    output: Output,
    mode: Mode,
    tag: Vec<u8>,
    id: CommandId,
    bad_in_a_row: u32,
    timing: Timing,
}

impl Session {
    /// A session that greets at once.
    #[must_use]
    pub fn new(settings: Arc<Settings>, now: Instant) -> Self {
        let mut output = Output::new(settings.limits.output_octets_high);
        output.raw(b"* OK ");
        output.capability_code(&settings, State::NotAuthenticated, false);
        output.text(&settings.greeting);
        output.crlf();
        Self {
            timing: Timing::new(now),
            settings,
            state: State::NotAuthenticated,
            enabled: Enabled::default(),
            compressed: false,
            input: Input::default(),
            output,
            mode: Mode::Ready,
            tag: Vec::new(),
            id: CommandId(0),
            bad_in_a_row: 0,
        }
    }

    /// Takes octets from the client.
    pub fn receive(&mut self, now: Instant, octets: &[u8]) {
        self.timing.heard(now);
        if !matches!(self.mode, Mode::Closed) {
            self.input.push(octets);
        }
    }

    /// Whether the caller should read more from the client now.
    #[must_use]
    pub fn wants_input(&self) -> bool {
        let limits = &self.settings.limits;
        !matches!(self.mode, Mode::Closed)
            && self.input.len() <= limits.command_octets_max.max(limits.data_chunk_octets_max)
    }

    /// The next command, or the next step of the current one.
    pub fn poll_command(&mut self) -> Option<(CommandId, Command)> {
        loop {
            let step = match &mut self.mode {
                Mode::Busy | Mode::Offered(_) | Mode::Closed => return None,
                Mode::Ready => self.next_command(),
                Mode::Data(..) => self.next_data(),
                Mode::AfterData(_) => self.after_data(),
                Mode::Idle | Mode::Sasl => self.next_line(),
                Mode::Discard(..) => self.next_discard(),
            };
            match step {
                Step::Wait => return None,
                Step::Again => {}
                Step::Command(command) => return Some((self.id, command)),
            }
        }
    }

    fn next_command(&mut self) -> Step {
        let logged_in = self.state != State::NotAuthenticated;
        let octets_max = command_octets_max(&self.settings.limits, logged_in);
        match self.input.next_piece(octets_max) {
            Piece::Incomplete => {
                self.input.shrink();
                Step::Wait
            }
            Piece::TooLong => {
                self.begin(tag_of(self.input.unread()).to_vec());
                self.input.drop_before_line();
                let refusal = Refusal::bad_with(Code::TooBig, "Command too long");
                self.mode = Mode::Discard(Discard::default(), refusal.into());
                Step::Again
            }
            Piece::Line(Some(literal)) => self.literal_announced(literal, octets_max),
            Piece::Line(None) => self.command_complete(),
        }
    }

    fn literal_announced(&mut self, literal: LiteralHead, octets_max: usize) -> Step {
        match self.recognise_message(literal) {
            Ok(Some(command)) => return Step::Command(command),
            Ok(None) => {}
            Err(refusal) => return self.refuse_literal(literal, refusal),
        }
        let room = octets_max.saturating_sub(self.input.command().len());
        let fits = usize::try_from(literal.octets).ok().filter(|octets| *octets <= room);
        match fits {
            Some(octets) if literal.octets <= self.settings.limits.literal_octets_max => {
                self.input.include_literal(octets);
                if literal.synchronising {
                    self.output.raw(b"+ OK\r\n");
                }
                Step::Again
            }
            _ => {
                self.begin(tag_of(self.input.command()).to_vec());
                self.refuse_literal(literal, Refusal::bad_with(Code::TooBig, "Literal too long"))
            }
        }
    }

    /// Refuses the command that ends in `literal`; the stream stays in sync.
    fn refuse_literal(&mut self, literal: LiteralHead, refusal: Refusal) -> Step {
        self.input.consume_command();
        if literal.synchronising {
            self.refuse(refusal.into());
        } else {
            self.mode = Mode::Discard(Discard::literal(literal.octets), refusal.into());
        }
        Step::Again
    }

    fn command_complete(&mut self) -> Step {
        let line = trim_line_end(self.input.command());
        let tag = tag_of(line).to_vec();
        let settings = Arc::clone(&self.settings);
        let parsed = match line.get(tag.len()..).and_then(|rest| rest.split_first()) {
            Some((b' ', rest)) if !tag.is_empty() => {
                let mut parser = Parser::new(rest, &settings.limits, self.enabled.utf8());
                command::parse(&mut parser, self.state)
            }
            _ => Err(Refusal::bad("Expected a tag and a command")),
        };
        self.input.consume_command();
        self.begin(tag);
        match parsed {
            Err(refusal) => {
                self.refuse(refusal.into());
                Step::Again
            }
            Ok(Recognised::Capability) => {
                self.output.capability(&settings, self.state, self.compressed);
                self.finish(&Status::ok("Capabilities listed"));
                Step::Again
            }
            Ok(Recognised::Command(command)) => self.dispatch(command),
        }
    }

    fn dispatch(&mut self, command: Command) -> Step {
        self.bad_in_a_row = 0;
        let refusal = match &command {
            Command::StartTls if !self.settings.starttls => Some(Refusal::bad("TLS is not available")),
            Command::Login(_) if self.settings.login_disabled => {
                Some(Refusal::no(Code::PrivacyRequired, "Use TLS before you log in"))
            }
            Command::Compress if self.compressed => Some(Refusal::no(Code::CompressionActive, "Already compressed")),
            Command::Authenticate(authenticate) if !self.settings.mechanisms.contains(&authenticate.mechanism) => {
                Some(Refusal::no(Code::Cannot, "Mechanism is not available"))
            }
            Command::Select(select) if select.q_resync.is_some() && !self.enabled.q_resync => {
                Some(Refusal::bad("ENABLE QRESYNC first"))
            }
            Command::Fetch(fetch) if fetch.vanished && !self.enabled.q_resync => {
                Some(Refusal::bad("ENABLE QRESYNC first"))
            }
            _ => None,
        };
        if let Some(refusal) = refusal {
            self.refuse(refusal.into());
            return Step::Again;
        }
        self.mode = Mode::Busy;
        match &command {
            Command::Idle => {
                self.output.raw(b"+ idling\r\n");
                self.mode = Mode::Idle;
                self.timing.idle_begins();
            }
            // RFC 9051 §6.2.1: what was sent before TLS is never executed after it.
            Command::StartTls => self.input.clear(),
            _ => {}
        }
        Step::Command(command)
    }

    /// A line that belongs to the current command: DONE, or a SASL response.
    fn next_line(&mut self) -> Step {
        match self
            .input
            .next_piece(self.settings.limits.command_octets_max_before_login)
        {
            Piece::Incomplete => {
                self.input.shrink();
                return Step::Wait;
            }
            Piece::TooLong => {
                self.bye("Line too long");
                return Step::Wait;
            }
            Piece::Line(_) => {}
        }
        let line = trim_line_end(self.input.command()).to_vec();
        self.input.consume_command();
        let idle = matches!(self.mode, Mode::Idle);
        self.mode = Mode::Busy;
        if idle {
            self.timing.idle_ends();
            return Step::Command(Command::IdleEnd(line.eq_ignore_ascii_case(b"DONE")));
        }
        match authenticate::parse_response(&line) {
            Ok(response) => Step::Command(Command::AuthenticateResponse(response)),
            Err(_) => Step::Command(Command::AuthenticateResponse(None)),
        }
    }

    fn next_discard(&mut self) -> Step {
        let Mode::Discard(discard, status) = &mut self.mode else {
            return Step::Wait;
        };
        match discard.step(&mut self.input, self.settings.limits.discard_octets_max) {
            Progress::Incomplete => {
                self.input.shrink();
                Step::Wait
            }
            Progress::Done => {
                let status = status.clone();
                self.refuse(status);
                Step::Again
            }
            Progress::TooMuch => {
                self.bye("[TOOBIG] Too much data for a refused command");
                Step::Wait
            }
        }
    }

    /// Answers a command.
    ///
    /// # Panics
    /// Never; a reply to a command that is not current is ignored.
    pub fn reply(&mut self, id: CommandId, reply: Reply) {
        if id != self.id || matches!(self.mode, Mode::Ready | Mode::Discard(..) | Mode::Closed) {
            return;
        }
        match reply {
            Reply::Continue => self.accept_message(),
            Reply::Challenge(challenge) => {
                self.output.raw(b"+ ");
                self.output.text(&authenticate::encode(&challenge));
                self.output.crlf();
                self.mode = Mode::Sasl;
            }
            Reply::Done(status) => self.done(status),
            Reply::LoggedIn(text) => {
                self.state = State::Authenticated;
                self.output.raw(&self.tag);
                self.output.raw(b" OK ");
                self.output.capability_code(&self.settings, self.state, self.compressed);
                self.output.text(&text);
                self.output.crlf();
                self.mode = Mode::Ready;
            }
        }
    }

    fn done(&mut self, status: Status) {
        let mode = std::mem::replace(&mut self.mode, Mode::Ready);
        match mode {
            // The client has sent, or will send, the message it announced: it is dropped first.
            Mode::Offered(message) if !message.head.synchronising => {
                self.mode = Mode::Discard(Discard::literal(message.head.octets), status);
            }
            Mode::Data(_, remaining) => self.mode = Mode::Discard(Discard::literal(remaining), status),
            Mode::AfterData(_) => self.mode = Mode::Discard(Discard::default(), status),
            _ => self.finish(&status),
        }
    }

    fn begin(&mut self, tag: Vec<u8>) {
        self.id = CommandId(self.id.0.wrapping_add(1));
        self.tag = tag;
    }

    fn refuse(&mut self, status: Status) {
        if status.condition == Condition::Bad {
            self.bad_in_a_row = self.bad_in_a_row.saturating_add(1);
        }
        self.finish(&status);
        if self.bad_in_a_row >= self.settings.limits.bad_commands_max {
            self.bye("Too many wrong commands");
        }
    }

    fn finish(&mut self, status: &Status) {
        let tag: &[u8] = if self.tag.is_empty() { b"*" } else { &self.tag };
        status.write(&mut self.output, tag);
        self.mode = Mode::Ready;
    }

    /// Says BYE and reads nothing more.
    pub fn bye(&mut self, text: &str) {
        if !matches!(self.mode, Mode::Closed) {
            self.output.bye(text);
            self.mode = Mode::Closed;
            self.input.clear();
        }
    }

    /// Ends the session after LOGOUT: BYE, then the tagged OK (RFC 9051 §6.1.3).
    pub fn logout(&mut self) {
        self.output.bye("Logging out");
        self.finish(&Status::ok("Logout completed"));
        self.mode = Mode::Closed;
        self.input.clear();
    }

    /// Moves what waits for the client to the end of `buf`.
    pub fn poll_output(&mut self, buf: &mut Vec<u8>) {
        self.output.take(buf);
    }

    /// Where untagged responses are written.
    pub fn output(&mut self) -> &mut Output {
        &mut self.output
    }

    /// Gives back buffers that are empty: the session rests.
    pub fn hibernate(&mut self) {
        self.input.shrink();
        self.output.shrink();
    }

    /// Nothing more is read or executed; close after the output is sent.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(self.mode, Mode::Closed)
    }

    /// IDLE is active.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        matches!(self.mode, Mode::Idle)
    }

    /// No command has begun to come in or waits for its end; IDLE, which both sides may end at any time, is none here.
    #[must_use]
    pub fn is_between_commands(&self) -> bool {
        matches!(self.mode, Mode::Ready | Mode::Idle | Mode::Closed) && self.input.len() == 0
    }

    /// State of the session.
    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }

    /// Changes the state after SELECT, CLOSE and the like.
    pub fn enter(&mut self, state: State) {
        self.state = state;
    }

    /// What the client enabled.
    #[must_use]
    pub fn enabled(&self) -> Enabled {
        self.enabled
    }

    /// Enables `extension`; true when it was not enabled before.
    pub fn enable(&mut self, extension: Extension) -> bool {
        let new = self.enabled.enable(extension);
        self.output.set_utf8(self.enabled.utf8());
        new
    }

    /// The tag of the current command.
    #[must_use]
    pub fn tag(&self) -> &[u8] {
        &self.tag
    }

    /// The settings in force.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Another limit of appended messages from now on: that of whoever has logged in.
    pub fn set_append_limit(&mut self, octets_max: u64, name: String) {
        let limits = &mut Arc::make_mut(&mut self.settings).limits;
        limits.append_octets_max = octets_max;
        limits.append_limit_name = name;
    }

    /// TLS is active from now on: what the client sent in clear is forgotten.
    pub fn tls_started(&mut self, settings: Arc<Settings>) {
        self.input.clear();
        self.settings = settings;
    }

    /// Compression is active from now on. A client that did not wait for our answer cannot be understood any more.
    pub fn compression_started(&mut self) {
        self.compressed = true;
        if self.input.len() > 0 {
            self.bye("Data before compression");
        }
    }
}

/// What a step of the session led to.
enum Step {
    /// Octets are missing.
    Wait,
    /// Something was consumed: look again.
    Again,
    /// For the caller.
    Command(Command),
}

/// The tag at the start of `line`; empty when there is none.
fn tag_of(line: &[u8]) -> &[u8] {
    let length = line.iter().take(64).position(|byte| !is_tag_char(*byte)).unwrap_or(0);
    line.get(..length).unwrap_or(&[])
}
