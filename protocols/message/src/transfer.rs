//! Transfer encodings undone as the bytes come (RFC 2045 §6.7, §6.8). Broken input gives what can be read of it.

use crate::Encoding;

/// White space that may wait for the end of its quoted-printable line; more is taken as text.
const HELD_OCTETS_MAX: usize = 1_024;

/// Undoes one transfer encoding; bytes may come in any pieces.
#[derive(Debug, Clone)]
pub struct TransferDecoder(Kind);

#[derive(Debug, Clone)]
enum Kind {
    Identity,
    Base64(Base64),
    QuotedPrintable(QuotedPrintable),
}

impl TransferDecoder {
    /// A decoder of `encoding`; an unknown one passes bytes through.
    #[must_use]
    pub fn new(encoding: &Encoding) -> Self {
        Self(match encoding {
            Encoding::Base64 => Kind::Base64(Base64::default()),
            Encoding::QuotedPrintable => Kind::QuotedPrintable(QuotedPrintable::default()),
            _ => Kind::Identity,
        })
    }

    /// Appends to `out` what `input` gives.
    pub fn push(&mut self, input: &[u8], out: &mut Vec<u8>) {
        match &mut self.0 {
            Kind::Identity => out.extend_from_slice(input),
            Kind::Base64(state) => state.push(input, out),
            Kind::QuotedPrintable(state) => state.push(input, out),
        }
    }

    /// Appends what the end of the input gives.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        match &mut self.0 {
            Kind::Identity => {}
            Kind::Base64(state) => state.finish(out),
            Kind::QuotedPrintable(state) => state.finish(out),
        }
    }
}

/// Undoes `encoding` on bytes that are all there.
#[must_use]
pub fn decode(encoding: &Encoding, input: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(input.len());
    let mut decoder = TransferDecoder::new(encoding);
    decoder.push(input, &mut out);
    decoder.finish(&mut out);
    out
}

/// Counts what a decoder would give, for BINARY.SIZE, while the line end that may belong to a boundary is still open.
#[derive(Debug, Clone)]
pub(crate) struct DecodedCounter {
    kind: Kind,
    sum: Sum,
}

#[derive(Debug, Clone, Default)]
struct Sum {
    octets: u64,
    /// The line end that came last; counted when anything follows.
    open_line_end: u64,
}

impl DecodedCounter {
    pub(crate) fn new(encoding: &Encoding) -> Self {
        Self {
            kind: TransferDecoder::new(encoding).0,
            sum: Sum::default(),
        }
    }

    pub(crate) fn push(&mut self, input: &[u8]) {
        match &mut self.kind {
            Kind::Identity => {}
            Kind::Base64(state) => state.count(input),
            Kind::QuotedPrintable(state) => state.push(input, &mut self.sum),
        }
    }

    /// The octets after decoding a body of `body_octets`, `cut` when its last line end belongs to a boundary.
    pub(crate) fn finish(mut self, body_octets: u64, cut: bool) -> u64 {
        match &mut self.kind {
            Kind::Identity => body_octets,
            Kind::Base64(state) => state.chars.saturating_mul(6) / 8,
            Kind::QuotedPrintable(state) => {
                state.finish(&mut self.sum);
                let open = if cut { 0 } else { self.sum.open_line_end };
                self.sum.octets.saturating_add(open)
            }
        }
    }
}

trait Sink {
    fn put(&mut self, bytes: &[u8]);
    fn line_end(&mut self, bytes: &[u8]);
    /// Something follows the last line end, though it may give no octets: a soft break.
    fn settle(&mut self);
}

impl Sink for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
    fn line_end(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
    fn settle(&mut self) {}
}

impl Sink for Sum {
    fn put(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            let octets = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            self.settle();
            self.octets = self.octets.saturating_add(octets);
        }
    }
    fn settle(&mut self) {
        let open = std::mem::take(&mut self.open_line_end);
        self.octets = self.octets.saturating_add(open);
    }
    fn line_end(&mut self, bytes: &[u8]) {
        self.settle();
        self.open_line_end = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    }
}

/// 0 to 63 for the alphabet, 64 for anything else.
const ALPHABET: [u8; 256] = alphabet();

const fn alphabet() -> [u8; 256] {
    let chars = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut table = [64_u8; 256];
    let mut value: u8 = 0;
    let mut rest: &[u8] = chars;
    while let Some((first, tail)) = rest.split_first() {
        let mut at: u8 = 0;
        let mut slots: &mut [u8] = &mut table;
        while let Some((slot, after)) = slots.split_first_mut() {
            if at == *first {
                *slot = value;
                break;
            }
            at += 1;
            slots = after;
        }
        value += 1;
        rest = tail;
    }
    table
}

fn sextet(byte: u8) -> u8 {
    ALPHABET.get(usize::from(byte)).copied().unwrap_or(64)
}

#[derive(Debug, Clone, Default)]
struct Base64 {
    /// Characters of the alphabet so far.
    chars: u64,
    /// `=` since the last of them.
    pads: u64,
    bits: u32,
    is_done: bool,
}

impl Base64 {
    fn push(&mut self, input: &[u8], out: &mut Vec<u8>) {
        let mut rest = input;
        while !self.is_done {
            // Whole quads without anything between are the rule.
            if self.chars.is_multiple_of(4) && self.pads == 0 {
                rest = self.push_quads(rest, out);
            }
            let Some((byte, tail)) = rest.split_first() else {
                break;
            };
            rest = tail;
            let value = sextet(*byte);
            if value < 64 {
                self.take(value, out);
            } else if *byte == b'=' {
                self.pad();
            }
        }
    }

    fn push_quads<'a>(&mut self, input: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
        let mut rest = input;
        while let Some(([a, b, c, d], tail)) = rest.split_first_chunk::<4>() {
            let (a, b, c, d) = (sextet(*a), sextet(*b), sextet(*c), sextet(*d));
            if (a | b | c | d) >= 64 {
                break;
            }
            let word = u32::from(a) << 18 | u32::from(b) << 12 | u32::from(c) << 6 | u32::from(d);
            let [_, x, y, z] = word.to_be_bytes();
            out.extend_from_slice(&[x, y, z]);
            self.chars = self.chars.wrapping_add(4);
            rest = tail;
        }
        rest
    }

    fn take(&mut self, value: u8, out: &mut Vec<u8>) {
        self.pads = 0;
        self.bits = (self.bits << 6) | u32::from(value);
        self.chars = self.chars.wrapping_add(1);
        if self.chars.is_multiple_of(4) {
            let [_, x, y, z] = self.bits.to_be_bytes();
            out.extend_from_slice(&[x, y, z]);
            self.bits = 0;
        }
    }

    // RFC 2045 §6.8: a full set of padding ends the data.
    fn pad(&mut self) {
        let in_quad = self.chars % 4;
        if in_quad >= 2 {
            self.pads = self.pads.saturating_add(1);
            self.is_done = in_quad.saturating_add(self.pads) >= 4;
        }
    }

    fn count(&mut self, input: &[u8]) {
        for byte in input {
            if self.is_done {
                return;
            }
            if sextet(*byte) < 64 {
                self.chars = self.chars.wrapping_add(1);
                self.pads = 0;
            } else if *byte == b'=' {
                self.pad();
            }
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        match self.chars % 4 {
            2 => {
                let [_, _, _, x] = (self.bits >> 4).to_be_bytes();
                out.push(x);
            }
            3 => {
                let [_, _, x, y] = (self.bits >> 2).to_be_bytes();
                out.extend_from_slice(&[x, y]);
            }
            _ => {}
        }
    }
}

#[derive(Debug, Clone, Default)]
struct QuotedPrintable {
    /// White space and CR that may turn out to end the line.
    held: Vec<u8>,
    escape: Escape,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Escape {
    #[default]
    None,
    /// After `=`.
    Equals,
    /// After `=` and white space: a soft break if the line ends here.
    Blank,
    /// After `=` and one hexadecimal digit.
    Digit(u8),
}

impl QuotedPrintable {
    fn push(&mut self, input: &[u8], out: &mut impl Sink) {
        let mut rest = input;
        while let Some((byte, tail)) = rest.split_first() {
            if self.escape != Escape::None {
                rest = if self.take_escaped(*byte, out) { tail } else { rest };
                continue;
            }
            if *byte == b'=' {
                self.flush_held(out);
                out.settle();
                self.escape = Escape::Equals;
                rest = tail;
                continue;
            }
            let end = memchr::memchr2(b'=', b'\n', rest).unwrap_or(rest.len());
            let (text, after) = rest.split_at_checked(end).unwrap_or((rest, &[]));
            self.take_text(text, out);
            rest = after;
            if let Some((b'\n', after)) = rest.split_first() {
                // RFC 2045 §6.7 (3): white space at the end of a line was added on the way.
                let line_end: &[u8] = if self.held.ends_with(b"\r") { b"\r\n" } else { b"\n" };
                self.held.clear();
                out.line_end(line_end);
                rest = after;
            }
        }
    }

    fn take_text(&mut self, text: &[u8], out: &mut impl Sink) {
        let solid = text
            .iter()
            .rposition(|b| !is_blank(*b))
            .map_or(0, |at| at.saturating_add(1));
        let (solid, blank) = text.split_at_checked(solid).unwrap_or((text, &[]));
        if !solid.is_empty() {
            self.flush_held(out);
            out.put(solid);
        }
        self.held.extend_from_slice(blank);
        if self.held.len() > HELD_OCTETS_MAX {
            self.flush_held(out);
        }
    }

    fn flush_held(&mut self, out: &mut impl Sink) {
        if !self.held.is_empty() {
            out.put(&self.held);
            self.held.clear();
        }
    }

    /// Takes the byte after `=`; false when it is to be looked at again as text.
    fn take_escaped(&mut self, byte: u8, out: &mut impl Sink) -> bool {
        let digit = hex_value(byte);
        match (self.escape, digit) {
            (Escape::Equals, Some(_)) => {
                self.escape = Escape::Digit(byte);
                true
            }
            (Escape::Digit(first), Some(low)) => {
                let high = hex_value(first).unwrap_or(0);
                out.put(&[high << 4 | low]);
                self.escape = Escape::None;
                true
            }
            (Escape::Digit(first), None) => {
                out.put(&[b'=', first]);
                self.escape = Escape::None;
                false
            }
            (Escape::Equals | Escape::Blank, _) if byte == b'\n' => {
                self.held.clear();
                self.escape = Escape::None;
                true
            }
            (Escape::Equals | Escape::Blank, _) if is_blank(byte) && self.held.len() < HELD_OCTETS_MAX => {
                self.held.push(byte);
                self.escape = Escape::Blank;
                true
            }
            _ => {
                out.put(b"=");
                self.flush_held(out);
                self.escape = Escape::None;
                false
            }
        }
    }

    fn finish(&mut self, out: &mut impl Sink) {
        if let Escape::Digit(first) = self.escape {
            out.put(&[b'=', first]);
        }
        self.held.clear();
        self.escape = Escape::None;
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r')
}

pub(crate) fn hex_value(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(encoding: Encoding, input: &str, expect: &str) {
        let got = decode(&encoding, input.as_bytes());
        assert_eq!(String::from_utf8_lossy(&got), expect, "{input:?}");
        let mut counter = DecodedCounter::new(&encoding);
        counter.push(input.as_bytes());
        assert_eq!(counter.finish(0, false), got.len() as u64, "{input:?}");
    }

    #[test]
    fn reads_base64() {
        let check = |input, expect| check(Encoding::Base64, input, expect);
        check("aGVsbG8=", "hello");
        check("aGVs\r\nbG8=\r\n", "hello");
        check("aG Vs*bG8", "hello");
        check("aGVsbA==trailing", "hell");
        check("aGVsbG8==", "hello");
        check("=aGVsbG8=", "hello");
        check("aGVsbG8gd29ybGQ", "hello world");
        check("aGVsb", "hel");
        check("====", "");
        check("", "");
    }

    #[test]
    fn reads_quoted_printable() {
        let check = |input, expect| check(Encoding::QuotedPrintable, input, expect);
        check("a=3Db", "a=b");
        check("soft=\r\nbreak", "softbreak");
        check("soft=  \r\nbreak", "softbreak");
        check("blank \t\r\nend  ", "blank\r\nend");
        check("kept=20\r\n", "kept \r\n");
        check("bad=ZZ =4", "bad=ZZ =4");
        check("bad= x", "bad= x");
        check("=e4=bd=a0", "你");
        check("end=", "end");
        check("a==3D", "a==");
        check("cr\rx", "cr\rx");
    }

    #[test]
    fn a_soft_break_keeps_the_line_end_before_it() {
        let mut counter = DecodedCounter::new(&Encoding::QuotedPrintable);
        counter.push(b"\n=\r\n");
        assert_eq!(counter.finish(0, true), 1);
    }

    proptest! {
        #[test]
        fn pieces_give_the_same(input in "[ A-Za-z=0-9\r\n\t\u{e9}]{0,200}", cut in 0usize..200, is_qp: bool, is_cut: bool) {
            let encoding = if is_qp { Encoding::QuotedPrintable } else { Encoding::Base64 };
            let bytes = input.as_bytes();
            let whole = decode(&encoding, bytes);
            let (a, b) = bytes.split_at(cut.min(bytes.len()));
            let mut out = Vec::new();
            let mut decoder = TransferDecoder::new(&encoding);
            decoder.push(a, &mut out);
            decoder.push(b, &mut out);
            decoder.finish(&mut out);
            prop_assert_eq!(&out, &whole);
            let mut counter = DecodedCounter::new(&encoding);
            for byte in bytes { counter.push(&[*byte]); }
            if is_cut { counter.push(b"\r\n"); }
            // A CR that meets the line end of a boundary is white space before it.
            prop_assume!(!(is_cut && bytes.ends_with(b"\r")));
            prop_assert_eq!(counter.finish(0, is_cut), whole.len() as u64);
        }
    }
}
