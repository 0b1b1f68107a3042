//! Drops the rest of a refused command so that the stream stays in sync: the rest of its line, the non-synchronising
//! literals it announces, and their lines, until the command ends.

use crate::input::{Input, LiteralHead, trim_line_end};

/// Enough of a line's end to see a literal's announcement.
const TAIL_OCTETS: usize = 32;

/// Progress of dropping one command.
#[derive(Debug, Default)]
pub(crate) struct Discard {
    literal: u64,
    tail: Vec<u8>,
    dropped: u64,
}

/// How far dropping is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Octets are missing.
    Incomplete,
    /// The command is gone.
    Done,
    /// More was sent than may be dropped.
    TooMuch,
}

impl Discard {
    /// Starts with `octets` octets of a literal, then its line.
    pub(crate) fn literal(octets: u64) -> Self {
        Self {
            literal: octets,
            ..Self::default()
        }
    }

    pub(crate) fn step(&mut self, input: &mut Input, octets_max: u64) -> Progress {
        loop {
            if self.dropped.saturating_add(self.literal) > octets_max {
                return Progress::TooMuch;
            }
            if self.literal > 0 {
                let taken = usize::try_from(self.literal).unwrap_or(usize::MAX).min(input.len());
                if taken == 0 {
                    return Progress::Incomplete;
                }
                input.consume(taken);
                let taken = u64::try_from(taken).unwrap_or(u64::MAX);
                self.literal = self.literal.saturating_sub(taken);
                self.dropped = self.dropped.saturating_add(taken);
                continue;
            }
            let unread = input.unread();
            if unread.is_empty() {
                return Progress::Incomplete;
            }
            let end = memchr::memchr(b'\n', unread).map(|found| found + 1);
            let line = unread.get(..end.unwrap_or(unread.len())).unwrap_or(&[]);
            let taken = line.len();
            let keep_from = taken.saturating_sub(TAIL_OCTETS);
            self.tail.extend_from_slice(line.get(keep_from..).unwrap_or(&[]));
            let surplus = self.tail.len().saturating_sub(TAIL_OCTETS);
            self.tail.drain(..surplus);
            input.consume(taken);
            self.dropped = self.dropped.saturating_add(u64::try_from(taken).unwrap_or(u64::MAX));
            if end.is_some() {
                let literal = LiteralHead::at_end_of(trim_line_end(&self.tail));
                self.tail.clear();
                match literal {
                    Some(literal) if !literal.synchronising => self.literal = literal.octets,
                    // A client that announces a synchronising literal waits for our answer: the refusal.
                    _ => return Progress::Done,
                }
            }
        }
    }
}
