//! The session: its six verbs and what a reply changes. `order` has the commands, `intake` the message.

mod intake;
mod order;

use std::time::Duration;

use bytes::BytesMut;
use hongyan_types::Instant;

use super::data::DataReader;
use super::refusal::{TIMEOUT, TOO_MANY_ERRORS};
use super::transaction::Transaction;
use super::{Command, CommandId, Options, capability};
use crate::command::{Bdat, HelloKind, Mail};
use crate::line::LineReader;
use crate::reply::Reply;

/// No further command is given while so much output waits: a client that never reads stops being served.
const OUTPUT_OCTETS_MAX: usize = 64 << 10;
/// Buffers up to this stay with an idle session.
const INPUT_OCTETS_KEPT: usize = 4 << 10;

/// One connection. See the module for who answers what.
#[derive(Debug)]
pub struct Session {
    options: Options,
    input: BytesMut,
    output: BytesMut,
    lines: LineReader,
    phase: Phase,
    pending: Option<(CommandId, Pending)>,
    commands: u64,
    tls: bool,
    authenticated: bool,
    hello: Option<HelloKind>,
    transaction: Option<Transaction>,
    messages: u32,
    errors: u32,
    refusals: u32,
    touched: Instant,
    message_begun: Instant,
}

#[derive(Debug)]
enum Phase {
    Connect,
    Command,
    Auth,
    Data(DataReader),
    Chunk(Chunk),
    Handshake,
    Closing,
}

/// A BDAT chunk on its way.
#[derive(Debug)]
struct Chunk {
    bdat: Bdat,
    left: u64,
    /// Why it is only read past.
    refused: Option<Reply>,
}

/// Which command the caller works on.
#[derive(Debug)]
enum Pending {
    Connect,
    Hello(HelloKind),
    StartTls,
    Auth,
    Mail(Box<Mail>),
    Rcpt,
    MessageStart(Option<Bdat>),
    MessageEnd,
    Plain,
}

enum Step {
    Again,
    Wait,
    Give(Command, Option<Pending>),
}

impl Session {
    /// A session at `now`; the first command is [`Command::Connect`].
    #[must_use]
    pub fn new(options: Options, now: Instant) -> Self {
        Self {
            tls: options.tls,
            options,
            input: BytesMut::new(),
            output: BytesMut::new(),
            lines: LineReader::default(),
            phase: Phase::Connect,
            pending: None,
            commands: 0,
            authenticated: false,
            hello: None,
            transaction: None,
            messages: 0,
            errors: 0,
            refusals: 0,
            touched: now,
            message_begun: now,
        }
    }

    /// Takes bytes that arrived.
    pub fn receive(&mut self, now: Instant, bytes: &[u8]) {
        self.input.extend_from_slice(bytes);
        self.received(now);
    }

    /// The buffer that [`Session::receive`] appends to, for a reader that can fill it in place; then call [`Session::received`].
    pub fn input(&mut self) -> &mut BytesMut {
        &mut self.input
    }

    /// Notes that [`Session::input`] has grown.
    pub fn received(&mut self, now: Instant) {
        match self.phase {
            Phase::Closing => self.input.clear(),
            // Bytes keep a message alive, but not a command line: that one must arrive whole within its time.
            Phase::Data(_) | Phase::Chunk(_) => self.touched = now,
            _ => {}
        }
    }

    /// The next command, if one is complete and the last one is answered.
    pub fn poll_command(&mut self) -> Option<(CommandId, Command)> {
        loop {
            if self.pending.is_some() || self.output.len() > OUTPUT_OCTETS_MAX {
                return None;
            }
            let step = match &mut self.phase {
                Phase::Connect => Step::Give(Command::Connect, Some(Pending::Connect)),
                Phase::Command => self.command(),
                Phase::Auth => self.auth_response(),
                Phase::Data(_) => self.data(),
                Phase::Chunk(_) => self.chunk(),
                Phase::Handshake => Step::Wait,
                Phase::Closing => {
                    self.input.clear();
                    Step::Wait
                }
            };
            match step {
                Step::Again => {}
                Step::Wait => return None,
                Step::Give(command, pending) => {
                    self.commands = self.commands.wrapping_add(1);
                    let id = CommandId(self.commands);
                    self.pending = pending.map(|pending| (id, pending));
                    return Some((id, command));
                }
            }
        }
    }

    /// Answers a command. An id other than the one outstanding is ignored.
    pub fn reply(&mut self, now: Instant, id: CommandId, reply: Reply) {
        self.reply_each(now, id, vec![reply]);
    }

    /// Answers [`Command::MessageEnd`] of LMTP with one reply per accepted recipient, in order.
    pub fn reply_each(&mut self, now: Instant, id: CommandId, replies: Vec<Reply>) {
        if self.pending.as_ref().is_none_or(|(pending, _)| *pending != id) {
            return;
        }
        let Some((_, pending)) = self.pending.take() else {
            return;
        };
        self.touched = now;
        if let Pending::MessageEnd = pending {
            self.end_message(replies);
            return;
        }
        let Some(reply) = replies.into_iter().next() else {
            self.pending = Some((id, pending));
            return;
        };
        self.settle(now, pending, reply);
    }

    /// Moves what is to be sent to `out`; whether there was anything.
    pub fn poll_output(&mut self, out: &mut Vec<u8>) -> bool {
        let any = !self.output.is_empty();
        out.extend_from_slice(&self.output);
        self.output.clear();
        any
    }

    /// When [`Session::handle_timeout`] is due; `None` while a command is being worked on.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let limits = &self.options.limits;
        match self.phase {
            _ if self.pending.is_some() => None,
            Phase::Data(_) | Phase::Chunk(_) => Some(
                self.touched
                    .after(limits.data_timeout)
                    .min(self.message_begun.after(limits.message_timeout)),
            ),
            Phase::Closing => Some(self.touched.after(Duration::from_secs(30).min(limits.command_timeout))),
            _ => Some(self.touched.after(limits.command_timeout)),
        }
    }

    /// Says goodbye when the time has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.poll_timeout().is_some_and(|due| due <= now) {
            self.close(TIMEOUT);
        }
    }

    /// Ends the session from our side, for instance at shutdown: `421` and no further command.
    pub fn close(&mut self, reply: Reply) {
        if !matches!(self.phase, Phase::Closing) {
            self.write(&reply);
            self.phase = Phase::Closing;
        }
        self.pending = None;
        self.input.clear();
    }

    /// Gives back what a message left behind of buffers: an idle session holds next to nothing.
    pub fn shrink(&mut self) {
        if self.input.is_empty() && self.input.capacity() > INPUT_OCTETS_KEPT {
            self.input = BytesMut::new();
        }
        if self.output.capacity() > INPUT_OCTETS_KEPT {
            self.output = BytesMut::from(self.output.as_ref());
        }
    }

    /// Whether the connection is to be closed once the output is sent.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        matches!(self.phase, Phase::Closing)
    }

    /// Whether the 220 to STARTTLS is out and the handshake is to come.
    #[must_use]
    pub fn wants_handshake(&self) -> bool {
        matches!(self.phase, Phase::Handshake)
    }

    /// The handshake is done: everything known of the client is forgotten (RFC 3207 §4.2), and so is whatever was sent in
    /// clear before it.
    pub fn tls_established(&mut self, now: Instant) {
        self.input.clear();
        self.lines = LineReader::default();
        self.phase = Phase::Command;
        self.tls = true;
        self.authenticated = false;
        self.hello = None;
        self.transaction = None;
        self.touched = now;
    }

    /// Other limits of messages from now on, those of whoever has signed in; the next EHLO announces them.
    pub fn set_message_limits(&mut self, octets_max: u64, recipients_max: u32, names: crate::LimitNames) {
        let limits = &mut self.options.limits;
        limits.message_octets_max = octets_max;
        limits.recipients_max = recipients_max;
        limits.names = names;
    }

    /// The mechanisms that may be used now.
    #[must_use]
    pub fn mechanisms(&self) -> &[hongyan_sasl::Mechanism] {
        capability::mechanisms(&self.options, self.tls)
    }

    fn settle(&mut self, now: Instant, pending: Pending, reply: Reply) {
        let positive = reply.is_positive();
        let refused = !positive && matches!(pending, Pending::Auth | Pending::Mail(_) | Pending::Rcpt);
        match pending {
            Pending::Connect if positive => self.phase = Phase::Command,
            Pending::Connect => {
                self.close(reply);
                return;
            }
            Pending::Hello(kind) if positive => {
                self.hello = Some(kind);
                self.transaction = None;
                if kind != HelloKind::Helo {
                    let reply = capability::reply(&self.options, self.tls, &reply.text);
                    self.write(&reply);
                    return;
                }
            }
            Pending::StartTls if positive => self.phase = Phase::Handshake,
            Pending::Auth => {
                self.phase = if reply.code == 334 { Phase::Auth } else { Phase::Command };
                self.authenticated |= reply.code == 235;
            }
            Pending::Mail(mail) if positive => self.transaction = Some(Transaction::new(&mail)),
            Pending::Rcpt if positive => {
                if let Some(transaction) = &mut self.transaction {
                    transaction.recipients = transaction.recipients.saturating_add(1);
                }
            }
            Pending::MessageStart(bdat) => {
                self.start_message(now, bdat, reply);
                return;
            }
            _ => {}
        }
        self.write(&reply);
        if refused {
            self.refusals = self.refusals.saturating_add(1);
            if self.refusals > self.options.limits.refusals_max {
                self.close(TOO_MANY_ERRORS);
            }
        }
        if reply.code == 421 {
            self.phase = Phase::Closing;
        }
    }

    fn start_message(&mut self, now: Instant, bdat: Option<Bdat>, reply: Reply) {
        let positive = reply.is_positive();
        self.message_begun = now;
        let closing = reply.code == 421;
        match bdat {
            None => {
                self.write(&reply);
                if positive {
                    self.phase = Phase::Data(DataReader::new());
                } else {
                    self.transaction = None;
                }
            }
            Some(bdat) => {
                self.begin_chunk(bdat, None);
                if !positive && let Some(transaction) = &mut self.transaction {
                    transaction.failed = Some(reply);
                }
            }
        }
        if let Some(transaction) = &mut self.transaction {
            transaction.open = positive;
        }
        if closing {
            self.phase = Phase::Closing;
        }
    }

    fn answer(&mut self, reply: &Reply) -> Step {
        self.write(reply);
        Step::Again
    }

    fn fault(&mut self, reply: Reply) -> Step {
        self.write(&reply);
        self.errors = self.errors.saturating_add(1);
        if self.errors > self.options.limits.errors_max {
            self.close(TOO_MANY_ERRORS);
        }
        Step::Again
    }

    fn write(&mut self, reply: &Reply) {
        let utf8 = self
            .transaction
            .as_ref()
            .is_some_and(|transaction| transaction.smtputf8);
        reply.write(utf8, &mut self.output);
    }
}
