//! Octets waiting for the client. Responses append to it; the caller sends and clears it. Nothing here allocates per
//! item, and the caller stops writing when `is_full` until the client has read.

/// Output of a session.
#[derive(Debug, Default)]
pub struct Output {
    waiting: Vec<u8>,
    /// Mailbox names and quoted strings may be UTF-8.
    utf8: bool,
    /// An item was written since the last opening parenthesis of a FETCH response.
    pub(crate) separate: bool,
    high: usize,
}

/// Buffers above this capacity are given back when they run empty: an idle session keeps nothing.
const KEEP_OCTETS_MAX: usize = 1_024;

impl Output {
    pub(crate) fn new(high: usize) -> Self {
        Self {
            high,
            ..Self::default()
        }
    }

    /// What waits.
    #[must_use]
    pub fn waiting(&self) -> &[u8] {
        &self.waiting
    }

    /// Whether the caller should send before it writes more.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.waiting.len() >= self.high
    }

    /// Moves what waits to the end of `buf`; exchanges the buffers when `buf` is empty.
    pub fn take(&mut self, buf: &mut Vec<u8>) {
        if buf.is_empty() {
            std::mem::swap(buf, &mut self.waiting);
        } else {
            buf.append(&mut self.waiting);
        }
        self.waiting.clear();
    }

    /// Gives memory back when nothing waits.
    pub fn shrink(&mut self) {
        if self.waiting.is_empty() && self.waiting.capacity() > KEEP_OCTETS_MAX {
            self.waiting = Vec::new();
        }
    }

    /// Whether names go out as UTF-8.
    #[must_use]
    pub fn utf8(&self) -> bool {
        self.utf8
    }

    pub(crate) fn set_utf8(&mut self, utf8: bool) {
        self.utf8 = utf8;
    }

    /// Octets as they are.
    #[inline]
    pub fn raw(&mut self, octets: &[u8]) {
        self.waiting.extend_from_slice(octets);
    }

    /// Text as it is.
    #[inline]
    pub fn text(&mut self, text: &str) {
        self.waiting.extend_from_slice(text.as_bytes());
    }

    /// What `value` displays.
    pub fn display(&mut self, value: &impl std::fmt::Display) {
        // Writing to a vector cannot fail.
        let _ = std::io::Write::write_fmt(&mut self.waiting, format_args!("{value}"));
    }

    /// A line break.
    #[inline]
    pub fn crlf(&mut self) {
        self.raw(b"\r\n");
    }

    /// A number in decimal.
    #[inline]
    pub fn number(&mut self, value: u64) {
        match u32::try_from(value) {
            Ok(value) => self.number32(value),
            Err(_) => self.number64(value),
        }
    }

    /// A 32-bit number in decimal.
    #[inline]
    pub fn number32(&mut self, mut value: u32) {
        let mut digits = [0u8; 10];
        let mut start = digits.len();
        for slot in digits.iter_mut().rev() {
            let rest = value / 10;
            *slot = b'0' | u8::try_from(value - rest * 10).unwrap_or(0);
            start -= 1;
            value = rest;
            if value == 0 {
                break;
            }
        }
        self.waiting.extend_from_slice(digits.get(start..).unwrap_or(&[]));
    }

    fn number64(&mut self, mut value: u64) {
        let mut digits = [0u8; 20];
        let mut start = digits.len();
        for slot in digits.iter_mut().rev() {
            let rest = value / 10;
            *slot = b'0' | u8::try_from(value - rest * 10).unwrap_or(0);
            start -= 1;
            value = rest;
            if value == 0 {
                break;
            }
        }
        self.waiting.extend_from_slice(digits.get(start..).unwrap_or(&[]));
    }

    /// `{n}` and a line break: the head of a literal, of which exactly `octets` octets must follow.
    pub fn literal_head(&mut self, octets: u64) {
        self.raw(b"{");
        self.number(octets);
        self.raw(b"}\r\n");
    }

    /// The head of a literal8 (RFC 9051 §4.3), which may hold NUL.
    pub fn literal8_head(&mut self, octets: u64) {
        self.raw(b"~");
        self.literal_head(octets);
    }

    /// A string: quoted when it may be, else a literal. NUL, which neither can carry, is left out.
    pub fn string(&mut self, text: &[u8]) {
        let quotable = text.len() <= 1_024 && text.iter().all(|byte| (0x20..0x7f).contains(byte))
            || (self.utf8 && is_quotable_utf8(text));
        if quotable {
            return self.quoted(text);
        }
        if text.contains(&0) {
            let clean: Vec<u8> = text.iter().copied().filter(|byte| *byte != 0).collect();
            self.literal_head(octets(&clean));
            return self.raw(&clean);
        }
        self.literal_head(octets(text));
        self.raw(text);
    }

    fn quoted(&mut self, text: &[u8]) {
        self.raw(b"\"");
        if memchr::memchr2(b'"', b'\\', text).is_none() {
            self.raw(text);
        } else {
            for byte in text {
                if matches!(byte, b'"' | b'\\') {
                    self.raw(b"\\");
                }
                self.raw(&[*byte]);
            }
        }
        self.raw(b"\"");
    }

    /// A string, or NIL.
    pub fn nstring(&mut self, text: Option<&[u8]>) {
        match text {
            Some(text) => self.string(text),
            None => self.raw(b"NIL"),
        }
    }

    /// A mailbox name, in modified UTF-7 unless the client enabled UTF-8.
    pub fn mailbox(&mut self, name: &str) {
        if self.utf8 || name.bytes().all(|byte| (0x20..0x7f).contains(&byte) && byte != b'&') {
            self.string_or_atom(name);
        } else {
            let encoded = crate::encode_utf7(name);
            self.string_or_atom(&encoded);
        }
    }

    fn string_or_atom(&mut self, text: &str) {
        if !text.is_empty() && text.bytes().all(crate::parser::is_astring_char) && !text.eq_ignore_ascii_case("NIL") {
            self.text(text);
        } else {
            self.string(text.as_bytes());
        }
    }
}

fn is_quotable_utf8(text: &[u8]) -> bool {
    text.len() <= 1_024 && std::str::from_utf8(text).is_ok_and(|text| !text.chars().any(|c| c < ' ' || c == '\u{7f}'))
}

/// A length as a number of octets.
pub(crate) fn octets(text: &[u8]) -> u64 {
    u64::try_from(text.len()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl Fn(&mut Output)) -> String {
        let mut out = Output::new(100);
        write(&mut out);
        String::from_utf8(out.waiting().to_vec()).unwrap()
    }

    #[test]
    fn numbers() {
        for value in [0, 1, 9, 10, 99, 4_294_967_295, 4_294_967_296, u64::MAX] {
            assert_eq!(written(|out| out.number(value)), value.to_string());
        }
    }

    #[test]
    fn strings() {
        assert_eq!(written(|out| out.string(b"a\"b\\")), "\"a\\\"b\\\\\"");
        assert_eq!(written(|out| out.string(b"a\r\nb")), "{4}\r\na\r\nb");
        assert_eq!(written(|out| out.string("é".as_bytes())), "{2}\r\né");
        assert_eq!(written(|out| out.string(b"a\0b")), "{2}\r\nab");
        assert_eq!(written(|out| out.mailbox("NIL")), "\"NIL\"");
        assert_eq!(written(|out| out.mailbox("Entwürfe")), "Entw&APw-rfe");
    }
}
