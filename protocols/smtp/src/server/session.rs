//! The session: six verbs, and the order of commands.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hongyan_types::Instant;

use super::data::{DataReader, DataStep};
use super::refusal::{
    AUTH_CANCELLED, AUTH_LINE_TOO_LONG, AUTH_NOT_NOW, AUTHENTICATE_FIRST, BARE_IN_COMMAND, BARE_IN_MESSAGE,
    BINARY_NEEDS_BDAT, CLEAR_AFTER_STARTTLS, HELLO_FIRST, HELP, LINE_TOO_LONG, MAIL_FIRST, MESSAGE_BEGUN, NEEDS_TLS,
    NESTED_MAIL, NO_OUTCOME, NO_RECIPIENTS, NOT_OFFERED, TIMEOUT, TLS_ALREADY, TOO_LARGE, TOO_MANY_ERRORS,
    TOO_MANY_MESSAGES, TOO_MANY_RECIPIENTS, WRONG_HELLO,
};
use super::transaction::{Intake, Transaction};
use super::{Command, CommandId, Mode, Options, capability};
use crate::Enhanced;
use crate::command::{
    Auth, BAD_BASE64, Bdat, Body, Hello, HelloKind, Line, Mail, NEEDS_SMTPUTF8, Rcpt, UNKNOWN_MECHANISM,
};
use crate::line::{Found, LineReader};
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

    fn command(&mut self) -> Step {
        let octets_max = self.options.limits.command_line_octets_max.max(self.auth_line_max());
        let line = match self.lines.next(&mut self.input, octets_max) {
            Found::Line(line) => line,
            Found::NeedMore => return Step::Wait,
            Found::TooLong => return self.fault(LINE_TOO_LONG),
            Found::Bare => {
                self.close(BARE_IN_COMMAND);
                return Step::Wait;
            }
        };
        let auth = line.get(..5).is_some_and(|verb| verb.eq_ignore_ascii_case(b"AUTH "));
        if !auth && line.len().saturating_add(2) > self.options.limits.command_line_octets_max {
            return self.fault(LINE_TOO_LONG);
        }
        match Line::parse(&line) {
            Ok(line) => self.dispatch(line),
            Err(reply) => self.fault(reply),
        }
    }

    /// RFC 4954 §4: only the lines of AUTH are longer than others.
    fn auth_line_max(&self) -> usize {
        if self.mechanisms().is_empty() {
            0
        } else {
            self.options.limits.auth_line_octets_max
        }
    }

    fn dispatch(&mut self, line: Line) -> Step {
        match line {
            Line::Hello(hello) => self.on_hello(hello),
            Line::Mail(mail) => self.on_mail(mail),
            Line::Rcpt(rcpt) => self.on_rcpt(rcpt),
            Line::Data => self.on_data(),
            Line::Bdat(bdat) => self.on_bdat(bdat),
            Line::StartTls => self.on_starttls(),
            Line::Auth(auth) => self.on_auth(auth),
            Line::Rset => {
                let had = self.transaction.take().is_some();
                self.write(&Reply::ok("Reset"));
                if had {
                    Step::Give(Command::Reset, None)
                } else {
                    Step::Again
                }
            }
            Line::Noop => self.answer(&Reply::ok("OK")),
            Line::Help => self.answer(&HELP),
            Line::Vrfy(name) => Step::Give(Command::Verify(name), Some(Pending::Plain)),
            Line::Expn(name) => Step::Give(Command::Expand(name), Some(Pending::Plain)),
            Line::Quit => {
                self.write(&Reply::fixed(221, Enhanced(2, 0, 0), "Bye"));
                self.phase = Phase::Closing;
                Step::Give(Command::Quit, None)
            }
        }
    }

    fn on_hello(&mut self, hello: Hello) -> Step {
        // RFC 2033 §4.1: LMTP has LHLO and nothing else, SMTP the other two.
        if (hello.kind == HelloKind::Lhlo) != (self.options.mode == Mode::Lmtp) {
            return self.fault(WRONG_HELLO);
        }
        let kind = hello.kind;
        Step::Give(Command::Hello(hello), Some(Pending::Hello(kind)))
    }

    fn on_mail(&mut self, mail: Mail) -> Step {
        let limits = &self.options.limits;
        if self.hello.is_none() {
            return self.fault(HELLO_FIRST);
        }
        if self.transaction.is_some() {
            return self.fault(NESTED_MAIL);
        }
        if self.options.mode == Mode::Submission && !self.authenticated {
            return self.fault(AUTHENTICATE_FIRST);
        }
        if limits.messages_max > 0 && self.messages >= limits.messages_max {
            return self.answer(&TOO_MANY_MESSAGES);
        }
        if mail.size.is_some_and(|size| size > limits.message_octets_max) {
            return self.answer(&TOO_LARGE);
        }
        Step::Give(Command::Mail(mail.clone()), Some(Pending::Mail(Box::new(mail))))
    }

    fn on_rcpt(&mut self, rcpt: Rcpt) -> Step {
        match &self.transaction {
            None => self.fault(MAIL_FIRST),
            Some(transaction) if transaction.intake != Intake::None => self.fault(MESSAGE_BEGUN),
            Some(transaction) if !transaction.smtputf8 && !rcpt.path.is_ascii() => self.fault(NEEDS_SMTPUTF8),
            // RFC 5321 §4.5.3.1.10; no fault: the client sends the rest in another transaction.
            Some(transaction) if transaction.recipients >= self.options.limits.recipients_max => {
                self.answer(&TOO_MANY_RECIPIENTS)
            }
            Some(_) => Step::Give(Command::Rcpt(rcpt), Some(Pending::Rcpt)),
        }
    }

    fn on_data(&mut self) -> Step {
        let fault = match &mut self.transaction {
            None => Some(MAIL_FIRST),
            Some(transaction) if transaction.intake != Intake::None => Some(MESSAGE_BEGUN),
            Some(transaction) if transaction.recipients == 0 => Some(NO_RECIPIENTS),
            // RFC 3030 §3: binary octets have no lines, so no dot could end them.
            Some(transaction) if transaction.body == Body::Binary => Some(BINARY_NEEDS_BDAT),
            Some(transaction) => {
                transaction.intake = Intake::Data;
                None
            }
        };
        match fault {
            // All recipients were refused before, and were counted then.
            Some(reply) if reply == NO_RECIPIENTS => self.answer(&reply),
            Some(reply) => self.fault(reply),
            None => Step::Give(Command::MessageStart, Some(Pending::MessageStart(None))),
        }
    }

    fn on_bdat(&mut self, bdat: Bdat) -> Step {
        // RFC 3030 §2: the octets of a refused chunk follow all the same and are read past.
        let refused = match &mut self.transaction {
            None => Some(MAIL_FIRST),
            Some(transaction) if transaction.recipients == 0 => Some(NO_RECIPIENTS),
            Some(transaction) if transaction.intake == Intake::None => {
                transaction.intake = Intake::Bdat;
                return Step::Give(Command::MessageStart, Some(Pending::MessageStart(Some(bdat))));
            }
            Some(_) => None,
        };
        self.begin_chunk(bdat, refused);
        Step::Again
    }

    fn begin_chunk(&mut self, bdat: Bdat, refused: Option<Reply>) {
        self.phase = Phase::Chunk(Chunk {
            bdat,
            left: bdat.octets,
            refused,
        });
    }

    fn on_starttls(&mut self) -> Step {
        if self.tls {
            return self.fault(TLS_ALREADY);
        }
        if !self.options.starttls {
            return self.fault(NOT_OFFERED);
        }
        // RFC 3207 §6: what was put behind STARTTLS in clear was put there by somebody else, or by a client to distrust.
        if !self.input.is_empty() {
            self.close(CLEAR_AFTER_STARTTLS);
            return Step::Wait;
        }
        Step::Give(Command::StartTls, Some(Pending::StartTls))
    }

    fn on_auth(&mut self, auth: Auth) -> Step {
        if self.hello.is_none() {
            return self.fault(HELLO_FIRST);
        }
        // RFC 4954 §4: once a session, and not inside a transaction.
        if self.authenticated || self.transaction.is_some() {
            return self.fault(AUTH_NOT_NOW);
        }
        if !self.mechanisms().contains(&auth.mechanism) {
            let reply = if !self.tls && self.options.mechanisms_tls.contains(&auth.mechanism) {
                NEEDS_TLS
            } else if self.mechanisms().is_empty() {
                NOT_OFFERED
            } else {
                UNKNOWN_MECHANISM
            };
            return self.fault(reply);
        }
        Step::Give(Command::Auth(auth), Some(Pending::Auth))
    }

    fn auth_response(&mut self) -> Step {
        use base64::Engine as _;
        let line = match self
            .lines
            .next(&mut self.input, self.options.limits.auth_line_octets_max)
        {
            Found::Line(line) => line,
            Found::NeedMore => return Step::Wait,
            Found::TooLong => {
                self.phase = Phase::Command;
                return self.fault(AUTH_LINE_TOO_LONG);
            }
            Found::Bare => {
                self.close(BARE_IN_COMMAND);
                return Step::Wait;
            }
        };
        if line.as_ref() == b"*" {
            self.phase = Phase::Command;
            return self.fault(AUTH_CANCELLED);
        }
        match base64::engine::general_purpose::STANDARD.decode(&line) {
            Ok(response) => Step::Give(Command::AuthResponse(response), Some(Pending::Auth)),
            Err(_) => {
                self.phase = Phase::Command;
                self.fault(BAD_BASE64)
            }
        }
    }

    fn data(&mut self) -> Step {
        let Phase::Data(reader) = &mut self.phase else {
            return Step::Wait;
        };
        match reader.next(&mut self.input) {
            DataStep::Chunk(chunk) => self.take_octets(chunk),
            DataStep::NeedMore => Step::Wait,
            DataStep::Bare => self.spoil(BARE_IN_MESSAGE),
            DataStep::End => self.message_complete(),
        }
    }

    fn chunk(&mut self) -> Step {
        let Phase::Chunk(chunk) = &mut self.phase else {
            return Step::Wait;
        };
        if chunk.left == 0 {
            return self.chunk_complete();
        }
        let take = usize::try_from(chunk.left).unwrap_or(usize::MAX).min(self.input.len());
        if take == 0 {
            return Step::Wait;
        }
        chunk.left = chunk.left.saturating_sub(u64::try_from(take).unwrap_or(u64::MAX));
        let bytes = self.input.split_to(take).freeze();
        if chunk.refused.is_some() {
            return Step::Again;
        }
        if let Some(transaction) = &mut self.transaction
            && transaction.failed.is_none()
            && transaction.body != Body::Binary
            && !transaction.line_ends.push(&bytes)
        {
            return self.spoil(BARE_IN_MESSAGE);
        }
        self.take_octets(bytes)
    }

    fn chunk_complete(&mut self) -> Step {
        let Phase::Chunk(chunk) = &mut self.phase else {
            return Step::Wait;
        };
        let Bdat { octets, last } = chunk.bdat;
        if let Some(reply) = chunk.refused.take() {
            self.phase = Phase::Command;
            return self.answer(&reply);
        }
        if let Some(transaction) = &mut self.transaction
            && last
            && transaction.failed.is_none()
            && transaction.body != Body::Binary
            && !transaction.line_ends.finish()
        {
            // The phase stays: once the caller knows, this is asked again and finds the message spoiled.
            return self.spoil(BARE_IN_MESSAGE);
        }
        self.phase = Phase::Command;
        match self.transaction.as_ref().map(|transaction| transaction.failed.clone()) {
            _ if last => self.message_complete(),
            Some(Some(reply)) => self.answer(&reply),
            _ => self.answer(&Reply::ok(format!("{octets} octets received"))),
        }
    }

    /// Hands octets on, unless the message is already lost or becomes too large.
    fn take_octets(&mut self, bytes: Bytes) -> Step {
        let Some(transaction) = &mut self.transaction else {
            return Step::Again;
        };
        if transaction.failed.is_some() {
            return Step::Again;
        }
        let octets = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        transaction.octets = transaction.octets.saturating_add(octets);
        if transaction.octets > self.options.limits.message_octets_max {
            return self.spoil(TOO_LARGE);
        }
        Step::Give(Command::Chunk(bytes), None)
    }

    /// The message will be refused at its end; the caller is told at once, so that it holds nothing longer.
    fn spoil(&mut self, reply: Reply) -> Step {
        if let Some(transaction) = &mut self.transaction {
            transaction.failed.get_or_insert(reply);
            if std::mem::take(&mut transaction.open) {
                return Step::Give(Command::MessageAbort, None);
            }
        }
        Step::Again
    }

    fn message_complete(&mut self) -> Step {
        let Some(transaction) = &mut self.transaction else {
            return Step::Again;
        };
        match transaction.failed.take() {
            None => {
                transaction.open = false;
                Step::Give(Command::MessageEnd, Some(Pending::MessageEnd))
            }
            Some(reply) => {
                self.end_message(vec![reply]);
                Step::Give(Command::Reset, None)
            }
        }
    }

    /// Writes the outcome: one reply, in LMTP one per recipient (RFC 2033 §4.2), the last one repeated where some are missing.
    fn end_message(&mut self, replies: Vec<Reply>) {
        self.phase = Phase::Command;
        self.messages = self.messages.saturating_add(1);
        let recipients = match (&self.options.mode, &self.transaction) {
            (Mode::Lmtp, Some(transaction)) => usize::try_from(transaction.recipients).unwrap_or(usize::MAX).max(1),
            _ => 1,
        };
        let last = replies.last().cloned().unwrap_or(NO_OUTCOME);
        let replies = replies.into_iter().chain(std::iter::repeat(last)).take(recipients);
        for reply in replies {
            self.write(&reply);
            if reply.code == 421 {
                self.phase = Phase::Closing;
            }
        }
        self.transaction = None;
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
