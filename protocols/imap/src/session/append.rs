//! Messages of APPEND and REPLACE: recognised by their literal, streamed in pieces, never collected.

use bytes::Bytes;

use super::{Mode, Session, State, Step, tag_of};
use crate::command::Command;
use crate::command::append::{AppendMessage, Start, recognise};
use crate::discard::Discard;
use crate::input::{LiteralHead, Piece, trim_line_end};
use crate::parser::{Parsed, Parser};
use crate::{Code, Refusal};

/// What must be remembered of a message while it comes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Message {
    /// Its literal.
    pub(super) head: LiteralHead,
    /// It stands in `UTF8 (..)`.
    utf8: bool,
    /// More messages may follow.
    several: bool,
}

impl Session {
    /// Looks whether the literal at the end of the current line is a message.
    pub(super) fn recognise_message(&mut self, literal: LiteralHead) -> Parsed<Option<Command>> {
        let line = trim_line_end(self.input.command());
        let line = line
            .get(..line.len().saturating_sub(literal.head_octets))
            .unwrap_or(&[]);
        let tag = tag_of(line);
        let Some((b' ', rest)) = line.get(tag.len()..).and_then(<[u8]>::split_first) else {
            return Ok(None);
        };
        let tag = tag.to_vec();
        let mut parser = Parser::new(rest, &self.settings.limits, self.enabled.utf8());
        let start = recognise(&mut parser, literal);
        if matches!(start, Ok(Start::NotMessage)) {
            return Ok(None);
        }
        self.begin(tag);
        let (command, message, needed) = match start? {
            Start::NotMessage => return Ok(None),
            Start::Append(append) => {
                let message = append.message.clone();
                (Command::Append(append), message, State::Authenticated)
            }
            Start::Replace(replace) => {
                let message = replace.message.clone();
                (Command::Replace(replace), message, State::Selected)
            }
        };
        match (self.state, needed) {
            (State::NotAuthenticated, _) => return Err(Refusal::bad("Log in first")),
            (State::Authenticated, State::Selected) => return Err(Refusal::bad("No mailbox is selected")),
            _ => {}
        }
        self.check_size(&message)?;
        self.bad_in_a_row = 0;
        self.offer(literal, &message, needed == State::Authenticated);
        Ok(Some(command))
    }

    fn check_size(&self, message: &AppendMessage) -> Parsed<()> {
        let limits = &self.settings.limits;
        if message.octets > limits.append_octets_max {
            let (name, max) = (&limits.append_limit_name, limits.append_octets_max);
            let text = format!(
                "Message too large: {name} is {max} octets and it has {}",
                message.octets
            );
            // RFC 7889 §2, RFC 9051 §7.1
            return Err(Refusal::no(Code::TooBig, text));
        }
        Ok(())
    }

    fn offer(&mut self, head: LiteralHead, message: &AppendMessage, several: bool) {
        self.input.consume_command();
        self.mode = Mode::Offered(Message {
            head,
            utf8: message.utf8,
            several,
        });
    }

    /// The caller takes the message announced.
    pub(super) fn accept_message(&mut self) {
        if let Mode::Offered(message) = self.mode {
            if message.head.synchronising {
                self.output.raw(b"+ OK\r\n");
            }
            self.mode = Mode::Data(message, message.head.octets);
        }
    }

    pub(super) fn next_data(&mut self) -> Step {
        let Mode::Data(message, remaining) = &mut self.mode else {
            return Step::Wait;
        };
        if *remaining == 0 {
            self.mode = Mode::AfterData(*message);
            return Step::Command(Command::AppendMessageEnd);
        }
        let unread = self.input.unread();
        let wanted = usize::try_from(*remaining)
            .unwrap_or(usize::MAX)
            .min(unread.len())
            .min(self.settings.limits.data_chunk_octets_max);
        let Some(chunk) = unread.get(..wanted).filter(|chunk| !chunk.is_empty()) else {
            return Step::Wait;
        };
        let chunk = Bytes::copy_from_slice(chunk);
        *remaining = remaining.saturating_sub(u64::try_from(wanted).unwrap_or(u64::MAX));
        self.input.consume(wanted);
        Step::Command(Command::AppendData(chunk))
    }

    /// What follows a message: the end of the command, or another message (RFC 3502).
    pub(super) fn after_data(&mut self) -> Step {
        let Mode::AfterData(before) = self.mode else {
            return Step::Wait;
        };
        let literal = match self.input.next_piece(self.settings.limits.command_octets_max) {
            Piece::Incomplete => return Step::Wait,
            Piece::TooLong => {
                self.input.drop_before_line();
                let refusal = Refusal::bad_with(Code::TooBig, "Command too long");
                self.mode = Mode::Discard(Discard::default(), refusal.into());
                return Step::Command(Command::AppendAborted);
            }
            Piece::Line(literal) => literal,
        };
        match self.parse_after(before, literal) {
            Ok(None) => {
                self.input.consume_command();
                self.mode = Mode::Busy;
                Step::Command(Command::AppendEnd)
            }
            Ok(Some((head, message))) => {
                self.offer(head, &message, true);
                Step::Command(Command::AppendNext(message))
            }
            Err(refusal) => {
                match literal {
                    Some(literal) => {
                        self.refuse_literal(literal, refusal);
                    }
                    None => {
                        self.input.consume_command();
                        self.refuse(refusal.into());
                    }
                }
                Step::Command(Command::AppendAborted)
            }
        }
    }

    fn parse_after(
        &self,
        before: Message,
        literal: Option<LiteralHead>,
    ) -> Parsed<Option<(LiteralHead, AppendMessage)>> {
        let line = trim_line_end(self.input.command());
        let head_octets = literal.map_or(0, |literal| literal.head_octets);
        let line = line.get(..line.len().saturating_sub(head_octets)).unwrap_or(&[]);
        let mut parser = Parser::new(line, &self.settings.limits, self.enabled.utf8());
        if before.utf8 {
            parser.expect(b')', "Expected the end of UTF8")?;
        }
        let Some(literal) = literal else {
            parser.end()?;
            return Ok(None);
        };
        if !before.several {
            return Err(Refusal::bad("Only one message is expected"));
        }
        parser.space()?;
        let message = AppendMessage::parse(&mut parser, literal)?;
        self.check_size(&message)?;
        Ok(Some((literal, message)))
    }
}
