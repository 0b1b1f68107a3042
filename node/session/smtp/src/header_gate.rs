//! Holds the header of a message back until it is complete, so that it can be judged and mended before the first
//! octet is stored. The body passes through untouched.

use bytes::{Bytes, BytesMut};

/// What a chunk of the message led to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Passed {
    /// Not yet the end of the header.
    Held,
    /// The header, with the CRLF of its last field, and what follows: the empty line and the body.
    Header {
        /// Header fields.
        header: Bytes,
        /// The rest.
        rest: Bytes,
    },
    /// Octets of the body.
    Body(Bytes),
    /// The header is larger than allowed.
    TooLarge,
}

/// The gate of one message.
#[derive(Debug)]
pub(crate) struct HeaderGate {
    held: BytesMut,
    open: bool,
    octets_max: usize,
}

impl HeaderGate {
    pub(crate) fn new(octets_max: usize) -> Self {
        Self {
            held: BytesMut::new(),
            open: false,
            octets_max,
        }
    }

    /// Takes the next octets.
    pub(crate) fn push(&mut self, chunk: Bytes) -> Passed {
        if self.open {
            return Passed::Body(chunk);
        }
        if self.held.is_empty()
            && let Some(end) = header_end(&chunk, 0)
        {
            // The usual case, without a copy: the header is in the first chunk.
            self.open = true;
            return Passed::Header {
                header: chunk.slice(..end),
                rest: chunk.slice(end..),
            };
        }
        let searched = self.held.len().saturating_sub(3);
        self.held.extend_from_slice(&chunk);
        match header_end(&self.held, searched) {
            Some(end) => {
                self.open = true;
                let header = self.held.split_to(end).freeze();
                let rest = std::mem::take(&mut self.held).freeze();
                Passed::Header { header, rest }
            }
            None if self.held.len() > self.octets_max => match fields_end(&self.held) {
                end if end == self.held.len() => Passed::TooLarge,
                // Text without an empty line before it: the header ended there.
                end => {
                    self.open = true;
                    let header = self.held.split_to(end).freeze();
                    let rest = std::mem::take(&mut self.held).freeze();
                    Passed::Header { header, rest }
                }
            },
            None => Passed::Held,
        }
    }

    /// The message has ended; what is still held is a header without a body.
    pub(crate) fn finish(&mut self) -> Option<Bytes> {
        (!std::mem::replace(&mut self.open, true)).then(|| std::mem::take(&mut self.held).freeze())
    }
}

/// Octets of the fields at the start of `header`; less than all of it when a line is no field and continues none.
pub(crate) fn fields_end(header: &[u8]) -> usize {
    let mut end = 0;
    for line in header.split_inclusive(|byte| *byte == b'\n') {
        let name = line.iter().position(|byte| *byte == b':').map(|colon| &line[..colon]);
        let is_field =
            name.is_some_and(|name| !name.is_empty() && name.trim_ascii_end().iter().all(u8::is_ascii_graphic));
        let continues = end > 0 && matches!(line.first(), Some(b' ' | b'\t'));
        // The last line may not be complete yet.
        if !(is_field || continues || (!line.ends_with(b"\n") && end > 0)) {
            break;
        }
        end += line.len();
    }
    end
}

/// Where the header ends: before the empty line.
fn header_end(bytes: &[u8], from: usize) -> Option<usize> {
    if bytes.starts_with(b"\r\n") {
        return Some(0);
    }
    let rest = bytes.get(from..)?;
    memchr::memmem::find(rest, b"\r\n\r\n").map(|at| from + at + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(pieces: &[&'static [u8]]) -> (Vec<u8>, Vec<u8>) {
        let mut gate = HeaderGate::new(1000);
        let (mut header, mut body) = (vec![], vec![]);
        for piece in pieces {
            match gate.push(Bytes::from_static(piece)) {
                Passed::Header { header: found, rest } => {
                    header.extend_from_slice(&found);
                    body.extend_from_slice(&rest);
                }
                Passed::Body(bytes) => body.extend_from_slice(&bytes),
                Passed::Held => {}
                Passed::TooLarge => panic!(),
            }
        }
        header.extend_from_slice(&gate.finish().unwrap_or_default());
        (header, body)
    }

    #[test]
    fn header_and_body_however_cut() {
        let check = |message: &'static [u8], split: usize| {
            let expect = (message[..split].to_vec(), message[split..].to_vec());
            for at in 0..=message.len() {
                assert_eq!(run(&[&message[..at], &message[at..]]), expect, "{at}");
            }
        };
        check(b"A: b\r\nC: d\r\n\r\nbody\r\n\r\nmore", 12);
        check(b"\r\nbody", 0);
        check(b"A: b\r\n", 6);
        check(b"", 0);
    }

    #[test]
    fn endless_header() {
        let mut gate = HeaderGate::new(10);
        assert_eq!(gate.push(Bytes::from_static(b"A: 12345")), Passed::Held);
        assert_eq!(gate.push(Bytes::from_static(b"678901")), Passed::TooLarge);
        let mut gate = HeaderGate::new(10);
        let passed = gate.push(Bytes::from_static(b"A: b\r\nno field at all\r\n"));
        let (header, rest) = (
            Bytes::from_static(b"A: b\r\n"),
            Bytes::from_static(b"no field at all\r\n"),
        );
        assert_eq!(passed, Passed::Header { header, rest });
    }

    #[test]
    fn fields_end_where_text_begins() {
        let check = |header: &[u8], expect: usize| assert_eq!(fields_end(header), expect, "{header:?}");
        check(b"A: b\r\n c\r\nD : e\r\n", 17);
        check(b"A: b\r\nhello you\r\nC: d\r\n", 6);
        check(b"hello\r\n", 0);
        check(b" A: b\r\n", 0);
        check(b"", 0);
    }
}
