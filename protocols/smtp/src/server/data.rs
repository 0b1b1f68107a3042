//! The message after DATA (RFC 5321 §4.5.2): dots taken off, end found, bytes handed on without copying.
//!
//! Only CRLF ends a line and only CRLF.CRLF ends the message. A bare CR or LF spoils the message: it is read to its
//! end and refused, so that what one server takes for one message no other takes for two (SMTP smuggling).

use bytes::{Buf, Bytes, BytesMut};
use memchr::memchr2;

/// What comes next in the stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum DataStep {
    /// Octets of the message.
    Chunk(Bytes),
    /// More input is needed.
    NeedMore,
    /// A bare CR or LF was passed.
    Bare,
    /// The message is over.
    End,
}

/// Position inside the message.
#[derive(Debug)]
pub(super) struct DataReader {
    line_start: bool,
}

impl DataReader {
    pub(super) fn new() -> Self {
        Self { line_start: true }
    }

    /// Takes the next step off `input`.
    pub(super) fn next(&mut self, input: &mut BytesMut) -> DataStep {
        if self.line_start && input.first() == Some(&b'.') {
            match (input.get(1), input.get(2)) {
                (None, _) | (Some(b'\r'), None) => return DataStep::NeedMore,
                (Some(b'\r'), Some(b'\n')) => {
                    input.advance(3);
                    return DataStep::End;
                }
                _ => {
                    input.advance(1);
                    self.line_start = false;
                }
            }
        }
        let mut at = 0_usize;
        loop {
            let rest = input.get(at..).unwrap_or_default();
            match rest.first() {
                None => break,
                Some(b'.') if self.line_start => break,
                Some(_) => self.line_start = false,
            }
            let Some(found) = memchr2(b'\r', b'\n', rest) else {
                at = input.len();
                break;
            };
            at = at.saturating_add(found);
            let after = at.saturating_add(1);
            match (input.get(at), input.get(after)) {
                (Some(b'\r'), Some(b'\n')) => {
                    at = after.saturating_add(1);
                    self.line_start = true;
                }
                (Some(b'\r'), None) => break,
                // What stands before it is handed on first, so that a size limit passed there is noticed first,
                // however the input was cut.
                _ if at > 0 => break,
                _ => {
                    input.advance(after);
                    return DataStep::Bare;
                }
            }
        }
        if at == 0 {
            DataStep::NeedMore
        } else {
            DataStep::Chunk(input.split_to(at).freeze())
        }
    }
}

/// Watches line ends in a BDAT chunk that is not declared binary.
#[derive(Debug, Default)]
pub(super) struct LineEnds {
    carriage_return: bool,
}

impl LineEnds {
    /// Whether `bytes`, after what was seen before, hold only whole CRLFs so far.
    pub(super) fn push(&mut self, bytes: &[u8]) -> bool {
        let mut rest = bytes;
        if self.carriage_return {
            match rest.split_first() {
                None => return true,
                Some((b'\n', tail)) => rest = tail,
                Some(_) => return false,
            }
            self.carriage_return = false;
        }
        while let Some(at) = memchr2(b'\r', b'\n', rest) {
            match (rest.get(at), rest.get(at.saturating_add(1))) {
                (Some(b'\r'), Some(b'\n')) => rest = rest.get(at.saturating_add(2)..).unwrap_or_default(),
                (Some(b'\r'), None) => {
                    self.carriage_return = true;
                    return true;
                }
                _ => return false,
            }
        }
        true
    }

    /// Whether the message may end here.
    pub(super) fn finish(&self) -> bool {
        !self.carriage_return
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds `pieces`; gives the octets and what stopped it, and what is left.
    fn run(pieces: &[&[u8]]) -> (Vec<u8>, Option<DataStep>, Vec<u8>) {
        let mut reader = DataReader::new();
        let mut input = BytesMut::new();
        let mut out = Vec::new();
        for (index, piece) in pieces.iter().enumerate() {
            input.extend_from_slice(piece);
            loop {
                match reader.next(&mut input) {
                    DataStep::Chunk(chunk) => out.extend_from_slice(&chunk),
                    DataStep::NeedMore => break,
                    stop => {
                        if stop == DataStep::Bare {
                            // What was handed on before a spoiled message is known to be spoiled does not count.
                            out.clear();
                        }
                        let rest = [&input[..], &pieces[index + 1..].concat()].concat();
                        return (out, Some(stop), rest);
                    }
                }
            }
        }
        (out, None, input.to_vec())
    }

    #[test]
    fn the_same_whatever_the_pieces() {
        let check = |wire: &[u8], expect: &[u8], stop: Option<DataStep>, rest: &[u8]| {
            let whole = run(&[wire]);
            assert_eq!(whole, (expect.to_vec(), stop, rest.to_vec()), "{wire:?}");
            let single: Vec<&[u8]> = wire.chunks(1).collect();
            assert_eq!(run(&single), whole, "{wire:?}");
            for at in 0..wire.len() {
                assert_eq!(run(&[&wire[..at], &wire[at..]]), whole, "{wire:?} at {at}");
            }
        };
        check(b".\r\nQUIT", b"", Some(DataStep::End), b"QUIT");
        check(b"a\r\n.\r\n", b"a\r\n", Some(DataStep::End), b"");
        check(
            b"..\r\n.a\r\n...\r\n.\r\n",
            b".\r\na\r\n..\r\n",
            Some(DataStep::End),
            b"",
        );
        check(b"a.\r\n.\r\n", b"a.\r\n", Some(DataStep::End), b"");
        check(b"a\r\n\r\n\r\n.\r\n", b"a\r\n\r\n\r\n", Some(DataStep::End), b"");
        check(b"a\n.\r\nb", b"", Some(DataStep::Bare), b".\r\nb");
        check(b"a\n", b"", Some(DataStep::Bare), b"");
        check(b"a\rb", b"", Some(DataStep::Bare), b"b");
        check(b"a\r\n.\n", b"", Some(DataStep::Bare), b"");
        check(b"a\r\n.\rb", b"", Some(DataStep::Bare), b"b");
        check(b"a\r\r\n.\r\n", b"", Some(DataStep::Bare), b"\r\n.\r\n");
    }

    #[test]
    fn line_ends_across_pieces() {
        let check = |pieces: &[&[u8]], expect: bool| {
            let mut ends = LineEnds::default();
            let fine = pieces.iter().all(|piece| ends.push(piece)) && ends.finish();
            assert_eq!(fine, expect, "{pieces:?}");
        };
        check(&[b"a\r\nb"], true);
        check(&[b"a\r", b"", b"\nb\r\n"], true);
        check(&[b"a\r", b"b"], false);
        check(&[b"a\n"], false);
        check(&[b"a\r"], false);
        check(&[b"\r\r\n"], false);
    }
}
