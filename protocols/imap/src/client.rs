//! The client side, small: sends commands with their literals in step with the server and cuts what it says into
//! responses, within limits: whatever the server says, what is held of it is bounded. What untagged responses mean is in
//! `data.rs`. For `node/migration`, our tests and the load tool.

mod data;

use std::collections::VecDeque;

pub use data::{Fetched, Listed, Namespaces, ServerData, ServerStatus};

use crate::input::{LiteralHead, trim_line_end};

/// What is held of what a server says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientLimits {
    /// Octets of a response with the literals that are held; a longer one breaks the connection.
    pub response_octets_max: usize,
    /// A literal longer than this is handed out as it comes.
    pub literal_held_octets_max: u64,
}

impl Default for ClientLimits {
    /// Everything is held: for servers that are trusted.
    fn default() -> Self {
        Self {
            response_octets_max: usize::MAX,
            literal_held_octets_max: u64::MAX,
        }
    }
}

/// What the server said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientEvent {
    /// An untagged response, with its literals in place, without the last line end.
    Untagged(Vec<u8>),
    /// A continuation request nobody waited for: IDLE, or a SASL challenge.
    Continue(Vec<u8>),
    /// The end of a command: its tag and the rest of the line.
    Tagged(String, String),
    /// A literal begins that is too long to be held. Its octets follow; the response that it is part of has `""` in its place.
    Literal {
        /// How many octets.
        octets: u64,
    },
    /// The next octets of that literal.
    Data(Vec<u8>),
    /// The server exceeds a limit. Nothing follows.
    Broken(&'static str),
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
    limits: ClientLimits,
    /// What came of the response before a literal that was handed out.
    before: Vec<u8>,
    /// Octets of a literal that are still to be handed out.
    literal_left: u64,
    broken: bool,
}

impl Client {
    /// A client that has said nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One that holds no more than that of what the server says.
    #[must_use]
    pub fn with_limits(limits: ClientLimits) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }

    /// From now on literals longer than this are handed out as they come.
    pub fn hold_literals(&mut self, octets_max: u64) {
        self.limits.literal_held_octets_max = octets_max;
    }

    /// Whether the server has said anything that was not looked at: it must not have before TLS begins (RFC 9051 §11.1).
    #[must_use]
    pub fn has_unread(&self) -> bool {
        self.head < self.input.len()
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

    /// What the server says next.
    pub fn poll_event(&mut self) -> Option<ClientEvent> {
        loop {
            if self.broken {
                return None;
            }
            if self.literal_left > 0 {
                return self.literal_data();
            }
            let unscanned = self.input.get(self.scanned..).unwrap_or(&[]);
            let Some(found) = memchr::memchr(b'\n', unscanned) else {
                let held = self.before.len() + self.input.len().saturating_sub(self.head);
                return (held > self.limits.response_octets_max).then(|| self.break_off());
            };
            let end = self.scanned + found + 1;
            if self.before.len() + end.saturating_sub(self.head) > self.limits.response_octets_max {
                return Some(self.break_off());
            }
            let line = trim_line_end(self.input.get(self.line..end)?);
            if let Some(literal) = LiteralHead::at_end_of(line) {
                if literal.octets > self.limits.literal_held_octets_max {
                    return Some(self.begin_literal(&literal, end));
                }
                let octets = usize::try_from(literal.octets).unwrap_or(usize::MAX);
                self.scanned = end.saturating_add(octets);
                self.line = self.scanned;
                if self.scanned.saturating_sub(self.head) > self.limits.response_octets_max {
                    return Some(self.break_off());
                }
                continue;
            }
            let mut response = std::mem::take(&mut self.before);
            response.extend_from_slice(trim_line_end(self.input.get(self.head..end)?));
            self.consume_to(end);
            if let Some(event) = self.event_of(&response) {
                return Some(event);
            }
        }
    }

    fn consume_to(&mut self, end: usize) {
        self.head = end;
        self.line = end;
        self.scanned = end;
    }

    fn break_off(&mut self) -> ClientEvent {
        self.broken = true;
        self.input = Vec::new();
        self.before = Vec::new();
        self.consume_to(0);
        ClientEvent::Broken("a response is longer than response_octets_max")
    }

    /// The response so far is kept without the announcement of the literal, which ends at `end`.
    fn begin_literal(&mut self, literal: &LiteralHead, end: usize) -> ClientEvent {
        let line = trim_line_end(self.input.get(self.line..end).unwrap_or(&[]));
        let kept = self.line + line.len().saturating_sub(literal.head_octets);
        self.before
            .extend_from_slice(self.input.get(self.head..kept).unwrap_or(&[]));
        self.before.extend_from_slice(b"\"\"");
        self.consume_to(end);
        self.literal_left = literal.octets;
        ClientEvent::Literal { octets: literal.octets }
    }

    fn literal_data(&mut self) -> Option<ClientEvent> {
        let unread = self.input.get(self.head..)?;
        let wanted = usize::try_from(self.literal_left).unwrap_or(usize::MAX);
        let data = unread.get(..wanted.min(unread.len()))?.to_vec();
        if data.is_empty() {
            return None;
        }
        self.literal_left = self
            .literal_left
            .saturating_sub(u64::try_from(data.len()).unwrap_or(u64::MAX));
        self.consume_to(self.head + data.len());
        Some(ClientEvent::Data(data))
    }

    /// What a complete response is; nothing when it only lets the next piece of a command go.
    fn event_of(&mut self, response: &[u8]) -> Option<ClientEvent> {
        if let Some(rest) = response.strip_prefix(b"* ") {
            return Some(ClientEvent::Untagged(rest.to_vec()));
        }
        if let Some(rest) = response.strip_prefix(b"+") {
            if self.waiting {
                self.waiting = false;
                return None;
            }
            return Some(ClientEvent::Continue(rest.trim_ascii_start().to_vec()));
        }
        let text = String::from_utf8_lossy(response).into_owned();
        let (tag, rest) = text.split_once(' ').unwrap_or((text.as_str(), ""));
        // A command refused at its literal: the rest of it is not sent.
        if self.waiting {
            self.waiting = false;
            self.drop_rest_of_command();
        }
        Some(ClientEvent::Tagged(tag.to_owned(), rest.to_owned()))
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

#[cfg(test)]
#[path = "client_test.rs"]
mod tests;
