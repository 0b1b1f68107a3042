//! Finds lines in a byte stream. Only CRLF ends one; what does not fit the limit is skipped to its CRLF.

use bytes::{Buf, Bytes, BytesMut};
use memchr::memchr2;

/// What the buffer holds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// A line, without its CRLF.
    Line(Bytes),
    /// Not yet a whole line.
    NeedMore,
    /// A whole line longer than the limit has gone by.
    TooLong,
    /// A CR or LF on its own.
    Bare,
}

/// Remembers how far the buffer was searched, so that dripping input costs no more than a burst.
#[derive(Debug, Default)]
pub(crate) struct LineReader {
    searched: usize,
    skipping: bool,
}

impl LineReader {
    /// Takes the next line off `input`; `octets_max` counts the CRLF.
    pub(crate) fn next(&mut self, input: &mut BytesMut, octets_max: usize) -> Found {
        let rest = input.get(self.searched..).unwrap_or_default();
        let Some(at) = memchr2(b'\r', b'\n', rest).and_then(|at| at.checked_add(self.searched)) else {
            self.searched = input.len();
            return self.need_more(input, octets_max);
        };
        let after = at.saturating_add(1);
        match (input.get(at), input.get(after)) {
            (Some(b'\r'), Some(b'\n')) => {
                let octets = after.saturating_add(1);
                let too_long = self.skipping || octets > octets_max;
                *self = Self::default();
                let mut line = input.split_to(octets);
                line.truncate(at);
                if too_long {
                    Found::TooLong
                } else {
                    Found::Line(line.freeze())
                }
            }
            (Some(b'\r'), None) => {
                self.searched = at;
                self.need_more(input, octets_max)
            }
            _ => Found::Bare,
        }
    }

    /// Whether the line being read is already known to be too long.
    pub(crate) fn is_skipping(&self) -> bool {
        self.skipping
    }

    fn need_more(&mut self, input: &mut BytesMut, octets_max: usize) -> Found {
        if self.skipping || input.len() > octets_max {
            self.skipping = true;
            input.advance(self.searched);
            self.searched = 0;
        }
        Found::NeedMore
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(pieces: &[&str], octets_max: usize) -> Vec<Found> {
        let mut reader = LineReader::default();
        let mut input = BytesMut::new();
        let mut found = Vec::new();
        for piece in pieces {
            input.extend_from_slice(piece.as_bytes());
            loop {
                match reader.next(&mut input, octets_max) {
                    Found::NeedMore => break,
                    Found::Bare => {
                        found.push(Found::Bare);
                        return found;
                    }
                    other => found.push(other),
                }
            }
            assert!(input.len() <= octets_max + 1);
        }
        found
    }

    #[test]
    fn lines_however_they_arrive() {
        let line = |text: &'static str| Found::Line(Bytes::from_static(text.as_bytes()));
        for pieces in [&["ab\r\n\r\nc\r\n"][..], &["a", "b\r", "\n\r", "\nc\r\n"]] {
            assert_eq!(run(pieces, 10), [line("ab"), line(""), line("c")]);
        }
        for pieces in [&["abcdefghij\r\nc\r\n"][..], &["abcdefgh", "ij", "\r", "\n", "c\r\n"]] {
            assert_eq!(run(pieces, 11), [Found::TooLong, line("c")]);
        }
        assert_eq!(run(&["ab\n"], 10), [Found::Bare]);
        assert_eq!(run(&["ab\r", "c"], 10), [Found::Bare]);
    }
}
