//! Lines of commands and of responses. LF ends one, with or without CR before it: nothing is relayed here, and old
//! clients send bare LF.

use bytes::{Bytes, BytesMut};
use memchr::memchr;

/// What the buffer holds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// A line without its end.
    Line(Bytes),
    /// Not yet a whole line.
    NeedMore,
    /// A whole line longer than the limit has gone by.
    TooLong,
}

/// Remembers how far the buffer was searched, so that dripping input costs no more than a burst.
#[derive(Debug, Default)]
pub(crate) struct LineReader {
    searched: usize,
    skipping: bool,
}

impl LineReader {
    /// Takes the next line off `input`; `octets_max` counts the line end. What is too long is not kept.
    pub(crate) fn next(&mut self, input: &mut BytesMut, octets_max: usize) -> Found {
        let rest = input.get(self.searched..).unwrap_or_default();
        let Some(end) = memchr(b'\n', rest).and_then(|at| at.checked_add(self.searched)) else {
            if input.len() > octets_max {
                self.skipping = true;
                input.clear();
            }
            self.searched = input.len();
            return Found::NeedMore;
        };
        let octets = end.saturating_add(1);
        let too_long = self.skipping || octets > octets_max;
        *self = Self::default();
        let mut line = input.split_to(octets);
        if too_long {
            return Found::TooLong;
        }
        line.truncate(end);
        if line.last() == Some(&b'\r') {
            line.truncate(end.saturating_sub(1));
        }
        Found::Line(line.freeze())
    }
}
