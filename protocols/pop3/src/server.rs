//! The server's session: six verbs, the order of states, and what needs no maildrop to answer.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::BytesMut;
use hongyan_sasl::{Mechanism, Secret};
use hongyan_types::Instant;

use crate::body::BodyWriter;
use crate::command::{self, Line};
use crate::language::Language;
use crate::line::{Found, LineReader};
use crate::reply::put_text;
use crate::{Auth, Limits, MessageNumber, Reply, ResponseCode};

/// No further command is given while so much output waits: a client that never reads stops being served.
const OUTPUT_OCTETS_MAX: usize = 64 << 10;

/// What a session offers.
#[derive(Debug, Clone)]
pub struct Options {
    /// The host's name, for the greeting.
    pub host: String,
    /// Whether TLS is there already.
    pub tls: bool,
    /// Whether STLS can be had.
    pub stls: bool,
    /// Whether passwords may cross the wire without TLS.
    pub clear_passwords: bool,
    /// Mechanisms to offer; those that send passwords are left out while they may not. -PLUS is left out without TLS.
    pub mechanisms: Vec<Mechanism>,
    /// Limits.
    pub limits: Limits,
}

/// Names one command of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CommandId(pub u64);

/// What the caller must do. All but [`Command::StartTls`] are answered with [`Session::reply`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// The answer to STLS is in the output: send it, complete the handshake, call [`Session::tls_established`].
    StartTls,
    /// USER and PASS: verify and open the maildrop.
    Login {
        /// The name.
        user: String,
        /// The password.
        password: Secret,
    },
    /// Begin a SASL exchange; answer with a challenge or the outcome.
    Auth(Auth),
    /// The client's next response in it.
    AuthResponse(Vec<u8>),
    /// Number and octets of messages.
    Stat,
    /// Sizes: of one or all.
    List(Option<MessageNumber>),
    /// Lasting names: of one or all.
    Uidl(Option<MessageNumber>),
    /// A whole message.
    Retr(MessageNumber),
    /// Its header and some lines. [`Session::push`] cuts by itself.
    Top(MessageNumber),
    /// Mark for deletion.
    Dele(MessageNumber),
    /// Take all marks back.
    Rset,
    /// Delete what is marked; the session ends with the answer.
    Quit,
}

#[derive(Debug)]
enum Phase {
    Authorization,
    Auth,
    Handshake,
    Transaction,
    Closing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pending {
    Login,
    Plain,
    Top(u32),
    Quit,
}

/// One connection.
#[derive(Debug)]
pub struct Session {
    options: Options,
    input: BytesMut,
    output: Vec<u8>,
    lines: LineReader,
    phase: Phase,
    pending: Option<(CommandId, Pending)>,
    body: Option<(CommandId, BodyWriter)>,
    commands: u64,
    user: Option<String>,
    utf8: bool,
    language: Language,
    /// What `LANG *` means.
    preferred: Language,
    errors: u32,
    failures: u32,
    touched: Instant,
}

impl Session {
    /// A session at `now`; its greeting is in the output.
    #[must_use]
    pub fn new(options: Options, now: Instant) -> Self {
        let mut output = b"+OK ".to_vec();
        put_text(&mut output, &options.host);
        output.extend_from_slice(b" POP3 ready\r\n");
        Self {
            options,
            input: BytesMut::new(),
            output,
            lines: LineReader::default(),
            phase: Phase::Authorization,
            pending: None,
            body: None,
            commands: 0,
            user: None,
            utf8: false,
            language: Language::default(),
            preferred: Language::default(),
            errors: 0,
            failures: 0,
            touched: now,
        }
    }

    /// Takes bytes that arrived.
    pub fn receive(&mut self, _now: Instant, bytes: &[u8]) {
        if !matches!(self.phase, Phase::Closing) {
            self.input.extend_from_slice(bytes);
        }
    }

    /// The next command, if one is complete and the last one is answered.
    pub fn poll_command(&mut self, now: Instant) -> Option<(CommandId, Command)> {
        loop {
            let busy = self.pending.is_some() || self.body.is_some() || self.output.len() > OUTPUT_OCTETS_MAX;
            if busy || matches!(self.phase, Phase::Handshake | Phase::Closing) {
                return None;
            }
            let in_auth = matches!(self.phase, Phase::Auth);
            let limits = &self.options.limits;
            // An initial response makes the AUTH line itself long (RFC 5034 §4).
            let is_auth = in_auth
                || self
                    .input
                    .get(..5)
                    .is_some_and(|start| start.eq_ignore_ascii_case(b"AUTH "));
            let octets_max = if is_auth {
                limits.auth_line_octets_max
            } else {
                limits.line_octets_max
            };
            let line = match self.lines.next(&mut self.input, octets_max) {
                Found::NeedMore => {
                    if self.input.is_empty() {
                        // A silent client keeps no buffer.
                        self.input = BytesMut::new();
                    }
                    return None;
                }
                Found::TooLong => {
                    if in_auth {
                        self.phase = Phase::Authorization;
                    }
                    self.bad("line too long");
                    continue;
                }
                Found::Line(line) => line,
            };
            self.touched = now;
            let given = if in_auth {
                self.auth_line(&line)
            } else {
                self.line(&line)
            };
            if let Some((command, pending)) = given {
                self.commands = self.commands.wrapping_add(1);
                let id = CommandId(self.commands);
                self.pending = pending.map(|pending| (id, pending));
                return Some((id, command));
            }
        }
    }

    /// Answers a command. An id other than the one outstanding is ignored.
    pub fn reply(&mut self, now: Instant, id: CommandId, reply: Reply) {
        let Some((_, pending)) = self.pending.take_if(|(outstanding, _)| *outstanding == id) else {
            return;
        };
        self.touched = now;
        match reply {
            Reply::Ok(text) => self.ok(&text),
            Reply::Err(code, text) => self.refuse(pending, code, &text),
            Reply::Challenge(data) => {
                self.output.extend_from_slice(b"+ ");
                self.output.extend_from_slice(STANDARD.encode(data).as_bytes());
                self.output.extend_from_slice(b"\r\n");
                self.phase = Phase::Auth;
            }
            Reply::SignedIn(text) => {
                self.phase = Phase::Transaction;
                self.ok(&text);
            }
            Reply::Begin(text) => {
                self.ok(&text);
                let writer = match pending {
                    Pending::Top(lines) => BodyWriter::top(lines),
                    _ => BodyWriter::whole(),
                };
                self.body = Some((id, writer));
            }
        }
        if pending == Pending::Quit {
            self.end();
        }
    }

    /// Appends to the body begun by [`Reply::Begin`]; whether more of it is wanted. Send the output before the next piece.
    pub fn push(&mut self, id: CommandId, bytes: &[u8]) -> bool {
        match &mut self.body {
            Some((current, writer)) if *current == id => {
                writer.push(&mut self.output, bytes);
                writer.wants_more()
            }
            _ => false,
        }
    }

    /// Ends the body.
    pub fn finish(&mut self, now: Instant, id: CommandId) {
        if let Some((_, writer)) = self.body.take_if(|(current, _)| *current == id) {
            writer.finish(&mut self.output);
            self.touched = now;
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
        if self.pending.is_some() || self.body.is_some() {
            return None;
        }
        let span = match self.phase {
            Phase::Transaction => self.options.limits.transaction_timeout,
            Phase::Authorization | Phase::Auth => self.options.limits.authorization_timeout,
            Phase::Handshake | Phase::Closing => return None,
        };
        Some(self.touched.after(span))
    }

    /// Ends a session that has been silent too long, without deleting anything (RFC 1939 §3).
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.poll_timeout().is_some_and(|due| due <= now) {
            self.close("silent too long");
        }
    }

    /// Ends the session with `-ERR text`, without deleting anything.
    pub fn close(&mut self, text: &str) {
        if !matches!(self.phase, Phase::Closing) {
            // Within a body nothing but the end of the connection can be told.
            if self.body.take().is_none() {
                self.err(None, text);
            }
            self.end();
        }
    }

    /// Whether the connection is to be closed once the output is sent.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        matches!(self.phase, Phase::Closing)
    }

    /// The handshake asked for by [`Command::StartTls`] is complete.
    pub fn tls_established(&mut self, now: Instant) {
        if matches!(self.phase, Phase::Handshake) {
            // RFC 2595 §4: what was learned before TLS is forgotten.
            self.options.tls = true;
            self.user = None;
            self.utf8 = false;
            self.language = Language::default();
            self.input.clear();
            self.lines = LineReader::default();
            self.phase = Phase::Authorization;
            self.touched = now;
        }
    }

    /// Whether the client has said UTF8.
    #[must_use]
    pub fn utf8(&self) -> bool {
        self.utf8
    }

    /// The account that signed in prefers the language of that tag (RFC 5646): `LANG *` gives it from now on.
    pub fn prefer_language(&mut self, tag: &str) {
        self.preferred = Language::matching(tag).unwrap_or_default();
    }

    /// Mechanisms on offer now.
    fn mechanisms(&self) -> impl Iterator<Item = Mechanism> + '_ {
        let passwords = self.passwords_allowed();
        let tls = self.options.tls;
        self.options.mechanisms.iter().copied().filter(move |mechanism| {
            (passwords || !mechanism.sends_password()) && (tls || *mechanism != Mechanism::ScramSha256Plus)
        })
    }

    fn passwords_allowed(&self) -> bool {
        self.options.tls || self.options.clear_passwords
    }

    fn line(&mut self, line: &[u8]) -> Option<(Command, Option<Pending>)> {
        match command::parse(line) {
            Ok(line) if matches!(self.phase, Phase::Transaction) => self.in_transaction(line),
            Ok(line) => self.in_authorization(line),
            Err(text) => {
                self.bad(text);
                None
            }
        }
    }

    fn in_authorization(&mut self, line: Line) -> Option<(Command, Option<Pending>)> {
        let user = self.user.take();
        match line {
            Line::Capa => self.capa(),
            Line::Noop => self.ok(""),
            Line::Lang(range) => self.lang(range.as_deref()),
            Line::Quit => {
                self.ok("bye");
                self.end();
            }
            Line::Utf8 => {
                self.utf8 = true;
                self.ok("UTF8");
            }
            Line::Stls if self.options.stls && !self.options.tls => return self.stls(),
            Line::Stls => self.bad("STLS is not offered"),
            Line::User(_) | Line::Pass(_) if !self.passwords_allowed() => {
                self.err(None, "passwords only under TLS: say STLS first");
            }
            Line::User(name) => {
                self.user = Some(name);
                self.ok("");
            }
            Line::Pass(password) => match user {
                Some(user) => return Some((Command::Login { user, password }, Some(Pending::Login))),
                None => self.bad("say USER first"),
            },
            Line::AuthList => {
                let list: String = self.mechanisms().map(|mechanism| format!("{mechanism}\r\n")).collect();
                self.listing("mechanisms", &list);
            }
            Line::Auth(auth) => {
                if self.mechanisms().any(|mechanism| mechanism == auth.mechanism) {
                    return Some((Command::Auth(auth), Some(Pending::Login)));
                }
                self.err(None, "mechanism is not offered");
            }
            _ => self.bad("sign in first"),
        }
        None
    }

    fn in_transaction(&mut self, line: Line) -> Option<(Command, Option<Pending>)> {
        let mut pending = Pending::Plain;
        let command = match line {
            Line::Capa => {
                self.capa();
                return None;
            }
            Line::Noop => {
                self.ok("");
                return None;
            }
            Line::Lang(range) => {
                self.lang(range.as_deref());
                return None;
            }
            Line::Stat => Command::Stat,
            Line::List(message) => Command::List(message),
            Line::Uidl(message) => Command::Uidl(message),
            Line::Retr(message) => Command::Retr(message),
            Line::Top { message, lines } => {
                pending = Pending::Top(lines);
                Command::Top(message)
            }
            Line::Dele(message) => Command::Dele(message),
            Line::Rset => Command::Rset,
            Line::Quit => {
                pending = Pending::Quit;
                Command::Quit
            }
            Line::User(_) | Line::Pass(_) | Line::Auth(_) | Line::AuthList | Line::Stls | Line::Utf8 => {
                self.bad("only before signing in");
                return None;
            }
        };
        Some((command, Some(pending)))
    }

    fn stls(&mut self) -> Option<(Command, Option<Pending>)> {
        if !self.input.is_empty() {
            // Clear text behind STLS was never sent by an honest client, and must not be executed after the handshake.
            self.input.clear();
            self.close("nothing may follow STLS");
            return None;
        }
        self.ok("begin TLS");
        self.phase = Phase::Handshake;
        Some((Command::StartTls, None))
    }

    fn auth_line(&mut self, line: &[u8]) -> Option<(Command, Option<Pending>)> {
        // RFC 5034 §4: "*" cancels.
        self.phase = Phase::Authorization;
        if line == b"*" {
            self.err(None, "cancelled");
            return None;
        }
        let Ok(response) = STANDARD.decode(line) else {
            self.bad("response is not base64");
            return None;
        };
        Some((Command::AuthResponse(response), Some(Pending::Login)))
    }

    /// RFC 2449 §6.
    fn capa(&mut self) {
        let mut list =
            String::from("TOP\r\nUIDL\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\nUTF8 USER\r\nLANG\r\n");
        if self.passwords_allowed() {
            list.push_str("USER\r\n");
        }
        let mechanisms: Vec<_> = self.mechanisms().map(Mechanism::name).collect();
        if !mechanisms.is_empty() {
            list.push_str("SASL ");
            list.push_str(&mechanisms.join(" "));
            list.push_str("\r\n");
        }
        if self.options.stls && !self.options.tls {
            list.push_str("STLS\r\n");
        }
        list.push_str("IMPLEMENTATION Hongyan\r\n");
        self.listing("capabilities", &list);
    }

    /// RFC 6856 §3.2.
    fn lang(&mut self, range: Option<&str>) {
        let Some(range) = range else {
            let line = |language: Language| format!("{} {}\r\n", language.tag(), language.name());
            let list: String = Language::ALL.into_iter().map(line).collect();
            self.listing("languages", &list);
            return;
        };
        let wanted = match range {
            "*" => Some(self.preferred),
            range => Language::matching(range),
        };
        match wanted {
            Some(language) => {
                self.language = language;
                let text = format!("{} {}", language.tag(), language.say("language changed"));
                self.ok(&text);
            }
            None => self.err(None, "no such language"),
        }
    }

    fn listing(&mut self, text: &str, lines: &str) {
        self.ok(text);
        self.output.extend_from_slice(lines.as_bytes());
        self.output.extend_from_slice(b".\r\n");
    }

    fn refuse(&mut self, pending: Pending, code: Option<ResponseCode>, text: &str) {
        self.err(code, text);
        if pending == Pending::Login {
            self.phase = Phase::Authorization;
            self.failures = self.failures.saturating_add(1);
            if self.failures >= self.options.limits.login_failures_max {
                self.end();
            }
        }
    }

    /// Refuses a line that is not a command, and ends a session that sends too many of them.
    fn bad(&mut self, text: &str) {
        self.err(None, text);
        self.errors = self.errors.saturating_add(1);
        if self.errors >= self.options.limits.errors_max {
            self.end();
        }
    }

    fn end(&mut self) {
        self.phase = Phase::Closing;
        self.pending = None;
        self.input = BytesMut::new();
    }

    fn ok(&mut self, text: &str) {
        self.output.extend_from_slice(b"+OK");
        self.text(text);
    }

    fn err(&mut self, code: Option<ResponseCode>, text: &str) {
        self.output.extend_from_slice(b"-ERR");
        match code {
            Some(code) => self.text(&format!("[{code}] {text}")),
            None => self.text(text),
        }
    }

    fn text(&mut self, text: &str) {
        if !text.is_empty() {
            self.output.push(b' ');
            put_text(&mut self.output, &self.language.say(text));
        }
        self.output.extend_from_slice(b"\r\n");
    }
}
