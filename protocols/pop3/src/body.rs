//! Multi-line bodies: dots doubled at the start of lines (RFC 1939 §3), and TOP's cut.

use memchr::memchr;

/// Writes a body so that its end cannot be mistaken.
///
/// RFC 1939 §3 asks for CRLF line ends and doubles dots after them. Stored mail may contain a bare LF, and clients exist that take
/// it for a line end; dots after it are doubled too, lest a mail forges the end of the body.
#[derive(Debug)]
pub(crate) struct BodyWriter {
    at_line_start: bool,
    last: [u8; 2],
    top: Option<Top>,
}

/// TOP's progress (RFC 1939 §7): the header, the empty line, then so many lines.
#[derive(Debug)]
struct Top {
    lines_left: u32,
    in_header: bool,
    line_is_empty: bool,
    done: bool,
}

impl BodyWriter {
    /// A whole message or listing.
    pub(crate) fn whole() -> Self {
        Self {
            at_line_start: true,
            last: *b"\r\n",
            top: None,
        }
    }
    /// The header and `lines` lines.
    pub(crate) fn top(lines: u32) -> Self {
        Self {
            top: Some(Top {
                lines_left: lines,
                in_header: true,
                line_is_empty: true,
                done: false,
            }),
            ..Self::whole()
        }
    }
    /// Whether more octets would change anything.
    pub(crate) fn wants_more(&self) -> bool {
        self.top.as_ref().is_none_or(|top| !top.done)
    }
    /// Appends `bytes`, the next of the body.
    pub(crate) fn push(&mut self, out: &mut Vec<u8>, bytes: &[u8]) {
        let kept = self.top.as_mut().map_or(bytes.len(), |top| top.keep(bytes));
        let mut rest = bytes.get(..kept).unwrap_or_default();
        out.reserve(rest.len());
        while !rest.is_empty() {
            if self.at_line_start && rest.first() == Some(&b'.') {
                out.push(b'.');
            }
            let end = memchr(b'\n', rest).map_or(rest.len(), |at| at.saturating_add(1));
            let (line, after) = rest.split_at_checked(end).unwrap_or((rest, &[]));
            out.extend_from_slice(line);
            self.at_line_start = line.last() == Some(&b'\n');
            self.note_last(line);
            rest = after;
        }
    }
    fn note_last(&mut self, line: &[u8]) {
        let [_, last] = self.last;
        self.last = match line {
            [.., before, octet] => [*before, *octet],
            [octet] => [last, *octet],
            [] => self.last,
        };
    }
    /// Appends the end: `.` on a line of its own.
    pub(crate) fn finish(self, out: &mut Vec<u8>) {
        if &self.last != b"\r\n" {
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b".\r\n");
    }
}

/// Reads a body as it comes, in whatever pieces: doubled dots made single, up to the line that is a dot alone.
#[derive(Debug, Default)]
pub(crate) struct BodyReader {
    at: At,
}

/// Where in a line the reader is.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum At {
    #[default]
    LineStart,
    /// Behind a dot at the start of a line.
    Dot,
    /// Behind a dot and CR.
    DotCr,
    Inside,
    End,
}

impl BodyReader {
    /// Takes the next octets, as far as the body goes; appends what they mean and tells how many belong to it.
    pub(crate) fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> usize {
        let mut rest = bytes;
        while let Some((first, after)) = rest.split_first() {
            match (self.at, *first) {
                (At::End, _) => break,
                (At::LineStart, b'.') => {
                    self.at = At::Dot;
                    rest = after;
                }
                (At::Dot, b'\r') => {
                    self.at = At::DotCr;
                    rest = after;
                }
                (At::Dot | At::DotCr, b'\n') => {
                    self.at = At::End;
                    rest = after;
                }
                (At::DotCr, _) => {
                    out.push(b'\r');
                    self.at = At::Inside;
                }
                (At::LineStart | At::Dot | At::Inside, _) => {
                    let end = memchr(b'\n', rest).map(|at| at.saturating_add(1));
                    self.at = if end.is_some() { At::LineStart } else { At::Inside };
                    let (line, after) = rest.split_at_checked(end.unwrap_or(rest.len())).unwrap_or((rest, &[]));
                    out.extend_from_slice(line);
                    rest = after;
                }
            }
        }
        bytes.len().saturating_sub(rest.len())
    }
    /// Whether the end has come.
    pub(crate) fn is_ended(&self) -> bool {
        self.at == At::End
    }
}

impl Top {
    /// How many octets of `bytes` still belong to the answer.
    fn keep(&mut self, bytes: &[u8]) -> usize {
        let mut kept = 0_usize;
        while !self.done {
            let rest = bytes.get(kept..).unwrap_or_default();
            let Some(at) = memchr(b'\n', rest) else {
                self.line_is_empty &= rest.iter().all(|octet| *octet == b'\r');
                return bytes.len();
            };
            let line = rest.get(..at).unwrap_or_default();
            self.line_is_empty &= line.iter().all(|octet| *octet == b'\r');
            kept = kept.saturating_add(at).saturating_add(1);
            if self.in_header {
                self.in_header = !self.line_is_empty;
            } else {
                self.lines_left = self.lines_left.saturating_sub(1);
            }
            self.done = !self.in_header && self.lines_left == 0;
            self.line_is_empty = true;
        }
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(mut writer: BodyWriter, body: &[u8], expect: &[u8]) {
        let mut whole = Vec::new();
        writer.push(&mut whole, body);
        writer.finish(&mut whole);
        assert_eq!(String::from_utf8_lossy(&whole), String::from_utf8_lossy(expect));
    }

    #[test]
    fn dots_are_doubled_and_the_end_is_a_line() {
        check(BodyWriter::whole(), b"a\r\n.\r\n..b\r\n", b"a\r\n..\r\n...b\r\n.\r\n");
        check(BodyWriter::whole(), b".", b"..\r\n.\r\n");
        check(BodyWriter::whole(), b"", b".\r\n");
        check(BodyWriter::whole(), b"a\n.\n+OK", b"a\n..\n+OK\r\n.\r\n");
        check(BodyWriter::whole(), b"a\n", b"a\n\r\n.\r\n");
    }

    #[test]
    fn what_is_written_is_read_whatever_the_pieces() {
        for body in [
            "a\r\n.\r\n..b\r\n",
            ".\r\n",
            "",
            "x\r\n.\ry\r\n",
            "\r\n\r\n.",
            "a\n.b\n",
        ] {
            let mut wire = Vec::new();
            let mut writer = BodyWriter::whole();
            writer.push(&mut wire, body.as_bytes());
            writer.finish(&mut wire);
            let whole = if body.is_empty() || body.ends_with("\r\n") {
                body.to_owned()
            } else {
                format!("{body}\r\n")
            };
            wire.extend_from_slice(b"+OK next");
            for piece in 1..wire.len() {
                let (mut reader, mut read, mut taken) = (BodyReader::default(), Vec::new(), 0);
                for part in wire.chunks(piece) {
                    taken += reader.push(part, &mut read);
                }
                assert!(reader.is_ended());
                assert_eq!(String::from_utf8_lossy(&read), whole);
                assert_eq!(taken, wire.len() - b"+OK next".len(), "pieces of {piece}");
            }
        }
    }

    #[test]
    fn top_ends_after_its_lines() {
        let mail = b"A: 1\r\nB: 2\r\n\r\none\r\n.two\r\nthree";
        check(BodyWriter::top(0), mail, b"A: 1\r\nB: 2\r\n\r\n.\r\n");
        check(BodyWriter::top(2), mail, b"A: 1\r\nB: 2\r\n\r\none\r\n..two\r\n.\r\n");
        check(
            BodyWriter::top(9),
            mail,
            b"A: 1\r\nB: 2\r\n\r\none\r\n..two\r\nthree\r\n.\r\n",
        );
        check(BodyWriter::top(1), b"no header end", b"no header end\r\n.\r\n");
    }

    #[test]
    fn pieces_give_the_same_as_the_whole() {
        let mail = b"A: 1\r\n.B: 2\r\n\r\n.one\r\n.\r\n..\r\n\n.x\r\nend";
        for lines in [None, Some(0), Some(1), Some(3), Some(99)] {
            let writer = || lines.map_or_else(BodyWriter::whole, BodyWriter::top);
            let mut whole = Vec::new();
            let mut at_once = writer();
            at_once.push(&mut whole, mail);
            at_once.finish(&mut whole);
            let mut pieces = Vec::new();
            let mut dripping = writer();
            for octet in mail {
                dripping.push(&mut pieces, &[*octet]);
            }
            dripping.finish(&mut pieces);
            assert_eq!(whole, pieces);
        }
    }
}
