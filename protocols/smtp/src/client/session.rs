//! The client's session: what was asked, what is expected, what came.

use std::collections::VecDeque;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::BytesMut;
use hongyan_types::Instant;

use super::stuffing::Stuffing;
use super::{Envelope, Event, Extensions, Failure, Options, SendError};
use crate::command::{Auth, Bdat, Body, Hello, HelloKind};
use crate::line::{Found, LineReader};
use crate::reply::{Reply, ReplyError, ReplyReader};

/// One connection to a server.
#[derive(Debug)]
pub struct Session {
    options: Options,
    input: BytesMut,
    output: Vec<u8>,
    lines: LineReader,
    reader: ReplyReader,
    /// Answers outstanding, in order.
    expected: VecDeque<Expect>,
    /// Commands that wait for the answer before them, where the server does not offer PIPELINING.
    held: VecDeque<(Expect, String)>,
    events: VecDeque<Event>,
    extensions: Extensions,
    sasl: Option<hongyan_sasl::Client>,
    sasl_error: Option<hongyan_sasl::ClientError>,
    sending: Option<Sending>,
    failed: bool,
    since: Instant,
}

/// A transaction under way.
#[derive(Debug)]
struct Sending {
    sender_taken: bool,
    accepted: Vec<usize>,
    chunked: bool,
    stuffing: Stuffing,
    finished: bool,
    /// A chunk was refused; what is still answered behind it does not count.
    refused: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expect {
    Greeting,
    Ehlo,
    Helo,
    StartTls,
    Auth,
    Mail,
    Rcpt(usize),
    Data,
    Chunk,
    Outcome(Option<usize>),
    /// Outcome of an empty message sent because DATA was pipelined behind refused recipients.
    Discarded,
    /// RSET that ends a transaction.
    Abandon,
    Rset,
    Quit,
}

impl Session {
    /// A session at `now`, waiting for the server's greeting.
    #[must_use]
    pub fn new(options: Options, now: Instant) -> Self {
        Self {
            options,
            input: BytesMut::new(),
            output: Vec::new(),
            lines: LineReader::default(),
            reader: ReplyReader::default(),
            expected: VecDeque::from([Expect::Greeting]),
            held: VecDeque::new(),
            events: VecDeque::new(),
            extensions: Extensions::default(),
            sasl: None,
            sasl_error: None,
            sending: None,
            failed: false,
            since: now,
        }
    }

    /// Takes bytes that arrived.
    pub fn receive(&mut self, now: Instant, bytes: &[u8]) {
        if self.failed {
            return;
        }
        self.input.extend_from_slice(bytes);
        while !self.failed {
            match self
                .lines
                .next(&mut self.input, self.options.limits.reply_line_octets_max)
            {
                Found::Line(line) => match self.reader.line(&line, self.options.limits.reply_lines_max) {
                    Ok(None) => {}
                    Ok(Some(reply)) => self.answered(now, reply),
                    Err(error) => self.fail(Failure::Reply(error)),
                },
                Found::NeedMore if self.lines.is_skipping() => self.fail(Failure::Reply(ReplyError::TooLong)),
                Found::NeedMore => break,
                Found::TooLong => self.fail(Failure::Reply(ReplyError::TooLong)),
                Found::Bare => self.fail(Failure::Reply(ReplyError::Malformed)),
            }
        }
    }

    /// Notes that the server closed the connection.
    pub fn closed(&mut self) {
        self.fail(Failure::Closed);
    }

    /// What happened next.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Moves what is to be sent to `out`; whether there was anything.
    pub fn poll_output(&mut self, out: &mut Vec<u8>) -> bool {
        let any = !self.output.is_empty();
        out.append(&mut self.output);
        any
    }

    /// When [`Session::handle_timeout`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let first = self.expected.front()?;
        if self.failed {
            return None;
        }
        Some(self.since.after(self.patience(*first)))
    }

    /// Gives up when the time has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.poll_timeout().is_some_and(|due| due <= now) {
            self.fail(Failure::Timeout);
        }
    }

    /// What the server offers, as of its last EHLO reply.
    #[must_use]
    pub fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    /// Whether nothing is under way, so that something may be asked.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        !self.failed && self.expected.is_empty() && self.sending.is_none()
    }

    /// Asks for TLS.
    pub fn start_tls(&mut self, now: Instant) {
        self.ask(now, Expect::StartTls, "STARTTLS");
    }

    /// The handshake is done: greets again, because what was learnt in clear does not count (RFC 3207 §4.2).
    pub fn tls_established(&mut self, now: Instant) {
        self.input.clear();
        self.lines = LineReader::default();
        self.reader = ReplyReader::default();
        self.extensions = Extensions::default();
        self.greet(now);
    }

    /// Signs in.
    pub fn authenticate(&mut self, now: Instant, mut client: hongyan_sasl::Client) {
        let auth = Auth {
            mechanism: client.mechanism(),
            initial: client.initial(),
        };
        self.sasl = Some(client);
        self.ask(now, Expect::Auth, &auth.to_string());
    }

    /// Begins a transaction.
    ///
    /// # Errors
    /// When this server cannot take such a message; nothing was sent then.
    pub fn send(&mut self, now: Instant, envelope: &Envelope) -> Result<(), SendError> {
        if !self.is_idle() {
            return Err(SendError::Busy);
        }
        let mut mail = envelope.mail.clone();
        let offers = &self.extensions;
        let international = mail.smtputf8
            || mail.reverse_path.as_ref().is_some_and(|path| !path.is_ascii())
            || envelope.recipients.iter().any(|rcpt| !rcpt.path.is_ascii());
        if international && !offers.smtputf8 {
            return Err(SendError::NeedsSmtpUtf8);
        }
        let chunked = mail.body == Body::Binary;
        if chunked && !(offers.binary && offers.chunking) {
            return Err(SendError::NeedsBinary);
        }
        match (mail.size, offers.size) {
            (Some(size), Some(limit)) if limit > 0 && size > limit => return Err(SendError::TooLarge),
            (_, None) => mail.size = None,
            _ => {}
        }
        mail.smtputf8 = international;
        if !offers.eight_bit {
            // Eight-bit mail is sent as it is: servers without 8BITMIME that cannot carry it are extinct.
            mail.body = Body::SevenBit;
        }
        let dsn = offers.dsn;
        if !dsn {
            mail.ret = None;
            mail.envid = None;
        }
        if offers.mechanisms.is_empty() {
            mail.auth = None;
        }
        self.sending = Some(Sending {
            sender_taken: false,
            accepted: Vec::new(),
            chunked,
            stuffing: Stuffing::new(),
            finished: false,
            refused: false,
        });
        self.held.push_back((Expect::Mail, mail.to_string()));
        for (index, rcpt) in envelope.recipients.iter().enumerate() {
            let mut rcpt = rcpt.clone();
            if !dsn {
                rcpt.notify = None;
                rcpt.orcpt = None;
            }
            self.held.push_back((Expect::Rcpt(index), rcpt.to_string()));
        }
        if self.extensions.pipelining && !chunked {
            self.held.push_back((Expect::Data, "DATA".to_owned()));
        }
        self.release(now);
        Ok(())
    }

    /// Hands over octets of the message, after [`Event::SendMessage`].
    pub fn data(&mut self, now: Instant, bytes: &[u8]) {
        let Some(sending) = self.sending.as_mut().filter(|sending| !sending.finished) else {
            return;
        };
        if bytes.is_empty() {
            return;
        }
        if sending.chunked {
            let bdat = Bdat {
                octets: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
                last: false,
            };
            self.ask(now, Expect::Chunk, &bdat.to_string());
            self.output.extend_from_slice(bytes);
        } else {
            sending.stuffing.push(bytes, &mut self.output);
            self.since = now;
        }
    }

    /// Ends the message; [`Event::Outcome`] follows.
    pub fn finish(&mut self, now: Instant) {
        let Some(sending) = self.sending.as_mut().filter(|sending| !sending.finished) else {
            return;
        };
        sending.finished = true;
        let outcomes: Vec<_> = if self.options.lmtp {
            sending
                .accepted
                .iter()
                .map(|index| Expect::Outcome(Some(*index)))
                .collect()
        } else {
            vec![Expect::Outcome(None)]
        };
        if sending.chunked {
            self.output.extend_from_slice(b"BDAT 0 LAST\r\n");
        } else {
            sending.stuffing.finish(&mut self.output);
        }
        if self.expected.is_empty() {
            self.since = now;
        }
        self.expected.extend(outcomes);
    }

    /// Forgets a transaction whose message cannot be sent, or shows that the server is alive; [`Event::Answered`] follows.
    pub fn reset(&mut self, now: Instant) {
        self.sending = None;
        self.ask(now, Expect::Rset, "RSET");
    }

    /// Leaves.
    pub fn quit(&mut self, now: Instant) {
        self.ask(now, Expect::Quit, "QUIT");
    }

    fn answered(&mut self, now: Instant, reply: Reply) {
        self.since = now;
        let goodbye = (reply.code == 421).then(|| reply.clone());
        match self.expected.pop_front() {
            None => {
                let failure = goodbye.map_or(Failure::Unexpected, Failure::Goodbye);
                self.fail(failure);
                return;
            }
            Some(expect) => self.settle(now, expect, reply),
        }
        match goodbye {
            Some(reply) => self.fail(Failure::Goodbye(reply)),
            None => self.release(now),
        }
    }

    fn settle(&mut self, now: Instant, expect: Expect, reply: Reply) {
        match expect {
            Expect::Greeting if reply.code == 220 => self.greet(now),
            Expect::Ehlo if reply.is_positive() => {
                self.extensions = Extensions::parse(&reply.text);
                self.events.push_back(Event::Ready(self.extensions.clone()));
            }
            // RFC 5321 §3.2: a server that does not know EHLO may know HELO.
            Expect::Ehlo if reply.is_permanent() && !self.options.lmtp => self.hello(now, HelloKind::Helo),
            Expect::Helo if reply.is_positive() => self.events.push_back(Event::Ready(Extensions::default())),
            Expect::Greeting | Expect::Ehlo | Expect::Helo => self.events.push_back(Event::Refused(reply)),
            Expect::StartTls if reply.code == 220 && self.input.is_empty() => self.events.push_back(Event::TlsReady),
            // RFC 3207 §6: what stands behind the 220 in clear would be taken for the server's words inside TLS.
            Expect::StartTls if reply.code == 220 => self.fail(Failure::Unexpected),
            Expect::StartTls => self.events.push_back(Event::TlsRefused(reply)),
            Expect::Auth => self.on_auth(now, reply),
            Expect::Mail => {
                if let Some(sending) = &mut self.sending {
                    sending.sender_taken = reply.is_positive();
                }
                self.events.push_back(Event::Sender(reply));
                self.envelope_answered(now);
            }
            Expect::Rcpt(index) => {
                self.on_rcpt(index, reply);
                self.envelope_answered(now);
            }
            Expect::Data => self.on_data(now, reply),
            Expect::Chunk => self.on_chunk(now, reply),
            Expect::Outcome(index) => self.on_outcome(now, index, reply),
            Expect::Discarded | Expect::Abandon => self.done(),
            Expect::Rset | Expect::Quit => self.events.push_back(Event::Answered(reply)),
        }
    }

    fn on_auth(&mut self, now: Instant, reply: Reply) {
        let Some(mut client) = self.sasl.take() else {
            return;
        };
        if let Some(error) = self.sasl_error.take() {
            self.events.push_back(Event::AuthenticationFailed(error));
        } else if reply.code == 235 {
            self.events.push_back(match client.succeeded() {
                Ok(()) => Event::Authenticated,
                Err(error) => Event::AuthenticationFailed(error),
            });
        } else if reply.code != 334 {
            self.events.push_back(Event::AuthenticationRefused(reply));
        } else {
            let answer = STANDARD
                .decode(reply.text.trim())
                // RFC 4954 leaves the text of the first 334 of LOGIN and PLAIN to the server; some write words.
                .or_else(|_| {
                    if self.sasl_may_ignore(&client) {
                        Ok(Vec::new())
                    } else {
                        Err(())
                    }
                })
                .map_err(|()| hongyan_sasl::ClientError::Malformed)
                .and_then(|challenge| client.respond(&challenge));
            let line = match answer {
                Ok(response) => STANDARD.encode(response),
                Err(error) => {
                    self.sasl_error = Some(error);
                    "*".to_owned()
                }
            };
            self.sasl = Some(client);
            self.ask(now, Expect::Auth, &line);
        }
    }

    fn sasl_may_ignore(&self, client: &hongyan_sasl::Client) -> bool {
        client.mechanism().sends_password()
    }

    fn on_rcpt(&mut self, index: usize, reply: Reply) {
        let Some(sending) = self.sending.as_mut().filter(|sending| sending.sender_taken) else {
            return;
        };
        if reply.is_positive() {
            sending.accepted.push(index);
        }
        self.events.push_back(Event::Recipient { index, reply });
    }

    /// When the last answer to the envelope is in and DATA was not sent along, goes on or gives up.
    fn envelope_answered(&mut self, now: Instant) {
        let Some(sending) = &mut self.sending else {
            return;
        };
        if !sending.sender_taken {
            // Nothing that waits makes sense any more.
            self.held.clear();
        }
        if !(self.expected.is_empty() && self.held.is_empty()) {
            return;
        }
        if !sending.sender_taken || sending.accepted.is_empty() {
            self.ask(now, Expect::Abandon, "RSET");
        } else if sending.chunked {
            self.events.push_back(Event::SendMessage);
        } else {
            self.ask(now, Expect::Data, "DATA");
        }
    }

    fn on_data(&mut self, now: Instant, reply: Reply) {
        let Some(sending) = &mut self.sending else {
            return;
        };
        if reply.code != 354 {
            if !sending.accepted.is_empty() {
                self.events.push_back(Event::MessageRefused(reply));
            }
            self.ask(now, Expect::Abandon, "RSET");
        } else if sending.accepted.is_empty() {
            // RFC 2920 §3.1: the server wants data although nobody is to get it; an empty message ends that.
            sending.finished = true;
            self.ask(now, Expect::Discarded, ".");
        } else {
            self.events.push_back(Event::SendMessage);
        }
    }

    fn on_chunk(&mut self, now: Instant, reply: Reply) {
        let Some(sending) = &mut self.sending else {
            return;
        };
        if !reply.is_positive() && !sending.refused {
            sending.refused = true;
            sending.finished = true;
            self.events.push_back(Event::MessageRefused(reply));
        }
        self.abandon_refused(now);
    }

    fn on_outcome(&mut self, now: Instant, index: Option<usize>, reply: Reply) {
        if self.sending.as_ref().is_some_and(|sending| sending.refused) {
            self.abandon_refused(now);
            return;
        }
        self.events.push_back(Event::Outcome { index, reply });
        if self.expected.is_empty() {
            self.done();
        }
    }

    fn abandon_refused(&mut self, now: Instant) {
        if self.expected.is_empty() && self.sending.as_ref().is_some_and(|sending| sending.refused) {
            self.ask(now, Expect::Abandon, "RSET");
        }
    }

    fn done(&mut self) {
        self.sending = None;
        self.events.push_back(Event::Done);
    }

    fn greet(&mut self, now: Instant) {
        let kind = if self.options.lmtp {
            HelloKind::Lhlo
        } else {
            HelloKind::Ehlo
        };
        self.hello(now, kind);
    }

    fn hello(&mut self, now: Instant, kind: HelloKind) {
        let name = self.options.name.clone();
        let expect = match kind {
            HelloKind::Helo => Expect::Helo,
            HelloKind::Ehlo | HelloKind::Lhlo => Expect::Ehlo,
        };
        self.ask(now, expect, &Hello { kind, name }.to_string());
    }

    /// Sends the held commands that may go: all with PIPELINING, else one at a time.
    fn release(&mut self, now: Instant) {
        while (self.extensions.pipelining || self.expected.is_empty())
            && let Some((expect, line)) = self.held.pop_front()
        {
            self.ask(now, expect, &line);
        }
    }

    fn ask(&mut self, now: Instant, expect: Expect, line: &str) {
        if self.failed {
            return;
        }
        if self.expected.is_empty() {
            self.since = now;
        }
        self.output.extend_from_slice(line.as_bytes());
        self.output.extend_from_slice(b"\r\n");
        self.expected.push_back(expect);
    }

    fn fail(&mut self, failure: Failure) {
        if !self.failed {
            self.failed = true;
            self.expected.clear();
            self.held.clear();
            self.events.push_back(Event::Failed(failure));
        }
    }

    fn patience(&self, expect: Expect) -> Duration {
        let limits = &self.options.limits;
        match expect {
            Expect::Greeting => limits.greeting_timeout,
            Expect::Data => limits.data_start_timeout,
            Expect::Chunk => limits.data_block_timeout,
            Expect::Outcome(_) | Expect::Discarded => limits.data_end_timeout,
            Expect::Quit => limits.quit_timeout,
            _ => limits.command_timeout,
        }
    }
}
