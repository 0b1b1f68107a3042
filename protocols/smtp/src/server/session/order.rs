//! The order of commands: what may follow what, and when the caller is asked.

use super::{Chunk, Pending, Phase, Session, Step};
use crate::Enhanced;
use crate::command::{
    Auth, BAD_BASE64, Bdat, Body, Hello, HelloKind, Line, Mail, NEEDS_SMTPUTF8, Rcpt, UNKNOWN_MECHANISM,
};
use crate::line::Found;
use crate::reply::Reply;
use crate::server::refusal::{
    AUTH_CANCELLED, AUTH_LINE_TOO_LONG, AUTH_NOT_NOW, AUTHENTICATE_FIRST, BARE_IN_COMMAND, BINARY_NEEDS_BDAT,
    CLEAR_AFTER_STARTTLS, HELLO_FIRST, HELP, LINE_TOO_LONG, MAIL_FIRST, MESSAGE_BEGUN, NEEDS_TLS, NESTED_MAIL,
    NO_RECIPIENTS, NOT_OFFERED, TLS_ALREADY, TOO_MANY_MESSAGES, WRONG_HELLO, too_large, too_many_recipients,
};
use crate::server::transaction::Intake;
use crate::server::{Command, Mode};

impl Session {
    pub(super) fn command(&mut self) -> Step {
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
    pub(super) fn auth_line_max(&self) -> usize {
        if self.mechanisms().is_empty() {
            0
        } else {
            self.options.limits.auth_line_octets_max
        }
    }

    pub(super) fn dispatch(&mut self, line: Line) -> Step {
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

    pub(super) fn on_hello(&mut self, hello: Hello) -> Step {
        // RFC 2033 §4.1: LMTP has LHLO and nothing else, SMTP the other two.
        if (hello.kind == HelloKind::Lhlo) != (self.options.mode == Mode::Lmtp) {
            return self.fault(WRONG_HELLO);
        }
        let kind = hello.kind;
        Step::Give(Command::Hello(hello), Some(Pending::Hello(kind)))
    }

    pub(super) fn on_mail(&mut self, mail: Mail) -> Step {
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
            let reply = too_large(limits, mail.size);
            return self.answer(&reply);
        }
        Step::Give(Command::Mail(mail.clone()), Some(Pending::Mail(Box::new(mail))))
    }

    pub(super) fn on_rcpt(&mut self, rcpt: Rcpt) -> Step {
        match &self.transaction {
            None => self.fault(MAIL_FIRST),
            Some(transaction) if transaction.intake != Intake::None => self.fault(MESSAGE_BEGUN),
            Some(transaction) if !transaction.smtputf8 && !rcpt.path.is_ascii() => self.fault(NEEDS_SMTPUTF8),
            // RFC 5321 §4.5.3.1.10; no fault: the client sends the rest in another transaction.
            Some(transaction) if transaction.recipients >= self.options.limits.recipients_max => {
                let reply = too_many_recipients(&self.options.limits, transaction.recipients);
                self.answer(&reply)
            }
            Some(_) => Step::Give(Command::Rcpt(rcpt), Some(Pending::Rcpt)),
        }
    }

    pub(super) fn on_data(&mut self) -> Step {
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

    pub(super) fn on_bdat(&mut self, bdat: Bdat) -> Step {
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

    pub(super) fn begin_chunk(&mut self, bdat: Bdat, refused: Option<Reply>) {
        self.phase = Phase::Chunk(Chunk {
            bdat,
            left: bdat.octets,
            refused,
        });
    }

    pub(super) fn on_starttls(&mut self) -> Step {
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

    pub(super) fn on_auth(&mut self, auth: Auth) -> Step {
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

    pub(super) fn auth_response(&mut self) -> Step {
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
}
