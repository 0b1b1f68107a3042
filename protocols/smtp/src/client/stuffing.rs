//! Writing a message for DATA: dots doubled, every line end CRLF.

use memchr::memchr2;

/// Where in a line the message stands.
#[derive(Debug)]
pub(super) struct Stuffing {
    line_start: bool,
    carriage_return: bool,
}

impl Stuffing {
    pub(super) fn new() -> Self {
        Self {
            line_start: true,
            carriage_return: false,
        }
    }

    /// Appends `bytes` to `out` in wire form.
    pub(super) fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        out.reserve(bytes.len());
        let mut rest = bytes;
        if self.carriage_return && !rest.is_empty() {
            // A CR at the end of the last piece ended its line; its LF, if it comes, is already written.
            self.carriage_return = false;
            if let Some((b'\n', tail)) = rest.split_first() {
                rest = tail;
            }
        }
        while !rest.is_empty() {
            if self.line_start && rest.first() == Some(&b'.') {
                out.push(b'.');
            }
            let Some(at) = memchr2(b'\r', b'\n', rest) else {
                out.extend_from_slice(rest);
                self.line_start = false;
                return;
            };
            let (line, tail) = rest.split_at_checked(at).unwrap_or((rest, b""));
            out.extend_from_slice(line);
            out.extend_from_slice(b"\r\n");
            self.line_start = true;
            rest = match tail {
                [b'\r', b'\n', tail @ ..] => tail,
                [b'\r'] => {
                    self.carriage_return = true;
                    return;
                }
                [_, tail @ ..] => tail,
                [] => return,
            };
        }
    }

    /// Appends the end of the message.
    pub(super) fn finish(&self, out: &mut Vec<u8>) {
        if !self.line_start {
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b".\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_whatever_the_pieces() {
        let check = |message: &[u8], wire: &[u8]| {
            for at in 0..=message.len() {
                let mut stuffing = Stuffing::new();
                let mut out = Vec::new();
                stuffing.push(&message[..at], &mut out);
                stuffing.push(&message[at..], &mut out);
                stuffing.finish(&mut out);
                assert_eq!(out, wire, "{message:?} at {at}");
            }
        };
        check(b"", b".\r\n");
        check(b"a\r\n", b"a\r\n.\r\n");
        check(b"a", b"a\r\n.\r\n");
        check(b".\r\n..a\r\nb.", b"..\r\n...a\r\nb.\r\n.\r\n");
        check(b"a\n.\r\nb\r.\r\n", b"a\r\n..\r\nb\r\n..\r\n.\r\n");
        check(b"a\r\r\n", b"a\r\n\r\n.\r\n");
    }
}
