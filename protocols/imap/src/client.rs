//! The client side, small: sends commands with their literals in step with the server and cuts what it says into
//! responses. For our tests and the load tool.

use std::collections::VecDeque;

use crate::input::{LiteralHead, trim_line_end};

/// What the server said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientEvent {
    /// An untagged response, with its literals in place, without the last line end.
    Untagged(Vec<u8>),
    /// A continuation request nobody waited for: IDLE, or a SASL challenge.
    Continue(Vec<u8>),
    /// The end of a command: its tag and the rest of the line.
    Tagged(String, String),
}

/// A piece of a command: sent as far as the server lets us.
#[derive(Debug)]
enum Piece {
    Octets(Vec<u8>),
    /// Wait for "+" before the next piece.
    Wait,
}

/// A client connection.
#[derive(Debug, Default)]
pub struct Client {
    next_tag: u32,
    pieces: VecDeque<Piece>,
    waiting: bool,
    input: Vec<u8>,
    /// Where the unread response begins, how far it was looked at, and where its current line begins.
    head: usize,
    scanned: usize,
    line: usize,
}

impl Client {
    /// A client that has said nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sends a command; returns its tag. `{}` in `command` stands for the next of `literals`, which go one by one,
    /// each after the server's "+".
    pub fn command(&mut self, command: &str, literals: &[&[u8]]) -> String {
        self.next_tag = self.next_tag.wrapping_add(1);
        let tag = format!("A{}", self.next_tag);
        let mut line = format!("{tag} ").into_bytes();
        let mut literals = literals.iter();
        let mut pieces = command.split("{}");
        line.extend_from_slice(pieces.next().unwrap_or("").as_bytes());
        for piece in pieces {
            let literal = literals.next().copied().unwrap_or(b"");
            line.extend_from_slice(format!("{{{}}}\r\n", literal.len()).as_bytes());
            self.pieces.push_back(Piece::Octets(std::mem::take(&mut line)));
            self.pieces.push_back(Piece::Wait);
            line.extend_from_slice(literal);
            line.extend_from_slice(piece.as_bytes());
        }
        line.extend_from_slice(b"\r\n");
        self.pieces.push_back(Piece::Octets(line));
        tag
    }

    /// Sends a line that belongs to the current command, such as DONE.
    pub fn line(&mut self, line: &str) {
        self.pieces.push_back(Piece::Octets(format!("{line}\r\n").into_bytes()));
    }

    /// Moves what may be sent now to the end of `buf`.
    pub fn poll_output(&mut self, buf: &mut Vec<u8>) {
        while !self.waiting {
            match self.pieces.pop_front() {
                Some(Piece::Octets(octets)) => buf.extend_from_slice(&octets),
                Some(Piece::Wait) => self.waiting = true,
                None => return,
            }
        }
    }

    /// Takes octets from the server.
    pub fn receive(&mut self, octets: &[u8]) {
        if self.head > 0 {
            self.input.drain(..self.head.min(self.input.len()));
            self.scanned = self.scanned.saturating_sub(self.head);
            self.line = self.line.saturating_sub(self.head);
            self.head = 0;
        }
        self.input.extend_from_slice(octets);
    }

    /// The next complete response.
    pub fn poll_event(&mut self) -> Option<ClientEvent> {
        loop {
            let found = memchr::memchr(b'\n', self.input.get(self.scanned..)?)?;
            let end = self.scanned + found + 1;
            let line = trim_line_end(self.input.get(self.line..end)?);
            if let Some(literal) = LiteralHead::at_end_of(line) {
                self.scanned = end.saturating_add(usize::try_from(literal.octets).ok()?);
                self.line = self.scanned;
                continue;
            }
            let response = trim_line_end(self.input.get(self.head..end)?).to_vec();
            self.head = end;
            self.line = end;
            self.scanned = end;
            if let Some(rest) = response.strip_prefix(b"* ") {
                return Some(ClientEvent::Untagged(rest.to_vec()));
            }
            if let Some(rest) = response.strip_prefix(b"+") {
                if self.waiting {
                    self.waiting = false;
                    continue;
                }
                return Some(ClientEvent::Continue(rest.trim_ascii_start().to_vec()));
            }
            let text = String::from_utf8_lossy(&response).into_owned();
            let (tag, rest) = text.split_once(' ').unwrap_or((text.as_str(), ""));
            // A command refused at its literal: the rest of it is not sent.
            if self.waiting {
                self.waiting = false;
                self.drop_rest_of_command();
            }
            return Some(ClientEvent::Tagged(tag.to_owned(), rest.to_owned()));
        }
    }

    fn drop_rest_of_command(&mut self) {
        while let Some(piece) = self.pieces.pop_front() {
            if let Piece::Octets(octets) = piece
                && LiteralHead::at_end_of(trim_line_end(&octets)).is_none()
            {
                return;
            }
        }
    }
}
