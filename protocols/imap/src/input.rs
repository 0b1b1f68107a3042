//! Octets from the client, cut into lines and literals (RFC 9051 §4.3). Knows nothing of commands; how much a command
//! may hold is decided by the session.

use crate::Limits;

/// A literal announced at the end of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LiteralHead {
    /// Length.
    pub(crate) octets: u64,
    /// The client waits for a continuation request.
    pub(crate) synchronising: bool,
    /// `~{..}`: may hold NUL.
    pub(crate) binary: bool,
    /// Length of the announcement itself, without the line end.
    pub(crate) head_octets: usize,
}

impl LiteralHead {
    /// Reads the announcement at the end of `line` (without its line end).
    pub(crate) fn at_end_of(line: &[u8]) -> Option<Self> {
        let (b'}', body) = line.split_last().map(|(last, body)| (*last, body))? else {
            return None;
        };
        let open = body.iter().rposition(|byte| *byte == b'{')?;
        let (before, inside) = body.split_at_checked(open)?;
        let digits = inside.get(1..)?;
        let (digits, synchronising) = match digits.split_last() {
            // RFC 7888 §3 and §5: "+" for LITERAL+ and LITERAL-; "-" is what some drafts used.
            Some((b'+' | b'-', digits)) => (digits, false),
            _ => (digits, true),
        };
        if digits.is_empty() || digits.len() > 19 || !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let octets = std::str::from_utf8(digits).ok()?.parse().ok()?;
        let binary = before.last() == Some(&b'~');
        Some(Self {
            octets,
            synchronising,
            binary,
            head_octets: inside.len() + 1 + usize::from(binary),
        })
    }
}

/// What the next complete piece of a command is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Octets are missing.
    Incomplete,
    /// A line ended; with a literal announced or as the end of the command.
    Line(Option<LiteralHead>),
    /// More octets than allowed.
    TooLong,
}

/// The input buffer. `head..scanned` is the command collected so far.
#[derive(Debug, Default)]
pub(crate) struct Input {
    buffer: Vec<u8>,
    head: usize,
    line: usize,
    scanned: usize,
}

impl Input {
    pub(crate) fn push(&mut self, octets: &[u8]) {
        if self.head > 0 && (self.head == self.buffer.len() || self.head > 32 * 1024) {
            self.compact();
        }
        self.buffer.extend_from_slice(octets);
    }

    fn compact(&mut self) {
        self.buffer.drain(..self.head.min(self.buffer.len()));
        self.line = self.line.saturating_sub(self.head);
        self.scanned = self.scanned.saturating_sub(self.head);
        self.head = 0;
    }

    /// Forgets everything, as at STARTTLS.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Octets not yet consumed.
    pub(crate) fn len(&self) -> usize {
        self.buffer.len().saturating_sub(self.head)
    }

    /// Gives memory back when nothing is unread.
    pub(crate) fn shrink(&mut self) {
        if self.len() == 0 && self.scanned <= self.head {
            self.clear();
        }
    }

    /// Looks for the end of the current line.
    pub(crate) fn next_piece(&mut self, octets_max: usize) -> Piece {
        let unscanned = self.buffer.get(self.scanned..).unwrap_or(&[]);
        let Some(found) = memchr::memchr(b'\n', unscanned) else {
            if self.len() > octets_max {
                return Piece::TooLong;
            }
            self.scanned = self.scanned.max(self.buffer.len());
            return Piece::Incomplete;
        };
        let end = self.scanned + found + 1;
        if end.saturating_sub(self.head) > octets_max {
            return Piece::TooLong;
        }
        let line = trim_line_end(self.buffer.get(self.line..end).unwrap_or(&[]));
        let literal = LiteralHead::at_end_of(line);
        self.line = end;
        self.scanned = end;
        Piece::Line(literal)
    }

    /// Takes `octets` octets of a literal into the current command.
    pub(crate) fn include_literal(&mut self, octets: usize) {
        self.scanned = self.scanned.saturating_add(octets);
        self.line = self.scanned;
    }

    /// The command so far, with its line ends.
    pub(crate) fn command(&self) -> &[u8] {
        let end = self.scanned.min(self.buffer.len());
        self.buffer.get(self.head..end).unwrap_or(&[])
    }

    /// Drops the command so far.
    pub(crate) fn consume_command(&mut self) {
        self.head = self.scanned.min(self.buffer.len());
        self.line = self.head;
        self.scanned = self.head;
        if self.head == self.buffer.len() {
            self.buffer.clear();
            self.head = 0;
            self.line = 0;
            self.scanned = 0;
        }
    }

    /// Everything unread.
    pub(crate) fn unread(&self) -> &[u8] {
        self.buffer.get(self.head..).unwrap_or(&[])
    }

    /// Drops `octets` unread octets.
    pub(crate) fn consume(&mut self, octets: usize) {
        self.scanned = self.head.saturating_add(octets);
        self.consume_command();
    }

    /// Starts reading the current command anew at its current line: what came before it is dropped.
    pub(crate) fn drop_before_line(&mut self) {
        self.head = self.line.min(self.buffer.len());
        self.scanned = self.head;
        self.line = self.head;
    }
}

/// `line` without LF and the CR before it.
pub(crate) fn trim_line_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Longest command of this moment.
pub(crate) fn command_octets_max(limits: &Limits, logged_in: bool) -> usize {
    if logged_in {
        limits.command_octets_max
    } else {
        limits.command_octets_max_before_login
    }
}
