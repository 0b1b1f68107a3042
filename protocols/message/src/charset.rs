//! Charsets to UTF-8: what WHATWG knows, the aliases Windows senders use, HZ, ISO-2022-KR and UTF-7 for old mail, and a
//! guess for text that names none or one that nobody knows.

use encoding_rs::{BIG5, Decoder, EUC_KR, Encoding, GBK, SHIFT_JIS, UTF_8, UTF_16BE};
use std::borrow::Cow;

/// Octets of unlabelled text from which its charset is guessed.
const GUESS_OCTETS_MAX: usize = 4_096;

/// Turns text of one charset into UTF-8; bytes may come in any pieces. Never fails: what is no character becomes U+FFFD.
pub struct TextDecoder {
    mapper: Mapper,
    state: State,
}

enum State {
    /// Unlabelled: ASCII goes through; from the first other byte on, text is kept until there is enough to guess from.
    Undecided(Vec<u8>),
    Decided(Box<Decoder>),
}

/// What comes before encoding_rs for charsets that it does not know.
enum Mapper {
    None,
    Hz(Hz),
    Iso2022Kr(Iso2022Kr),
    Utf7(Utf7),
}

impl TextDecoder {
    /// A decoder of the charset `label`; a guessing one without label or with an unknown one.
    #[must_use]
    pub fn new(label: Option<&str>) -> Self {
        let label = label.unwrap_or("").trim().to_ascii_lowercase();
        let mapped = match label.as_str() {
            "hz-gb-2312" | "hz" => Some((Mapper::Hz(Hz::default()), GBK)),
            "iso-2022-kr" | "csiso2022kr" => Some((Mapper::Iso2022Kr(Iso2022Kr::default()), EUC_KR)),
            "utf-7" | "unicode-1-1-utf-7" | "csunicode11utf7" | "x-unicode-2-0-utf-7" => {
                Some((Mapper::Utf7(Utf7::default()), UTF_16BE))
            }
            _ => None,
        };
        let (mapper, encoding) = match mapped {
            Some((mapper, encoding)) => (mapper, Some(encoding)),
            None => (Mapper::None, find(&label)),
        };
        let state = match encoding {
            Some(encoding) => State::Decided(Box::new(encoding.new_decoder_with_bom_removal())),
            None => State::Undecided(Vec::new()),
        };
        Self { mapper, state }
    }

    /// Appends to `out` what `input` gives.
    pub fn push(&mut self, input: &[u8], out: &mut String) {
        let mut mapped = Vec::new();
        let input = match &mut self.mapper {
            Mapper::None => input,
            Mapper::Hz(state) => state.push(input, &mut mapped),
            Mapper::Iso2022Kr(state) => state.push(input, &mut mapped),
            Mapper::Utf7(state) => state.push(input, &mut mapped),
        };
        self.push_mapped(input, out);
    }

    fn push_mapped(&mut self, input: &[u8], out: &mut String) {
        match &mut self.state {
            State::Decided(decoder) => run(decoder, input, false, out),
            State::Undecided(kept) if kept.is_empty() => {
                let ascii = Encoding::ascii_valid_up_to(input);
                let (plain, rest) = input.split_at_checked(ascii).unwrap_or((&[], input));
                out.push_str(std::str::from_utf8(plain).unwrap_or(""));
                kept.extend_from_slice(rest);
            }
            State::Undecided(kept) => kept.extend_from_slice(input),
        }
        if matches!(&self.state, State::Undecided(kept) if kept.len() >= GUESS_OCTETS_MAX) {
            self.decide(false, out);
        }
    }

    /// Appends what the end of the input gives.
    pub fn finish(&mut self, out: &mut String) {
        match &mut self.state {
            State::Decided(decoder) => run(decoder, &[], true, out),
            State::Undecided(kept) if kept.is_empty() => {}
            State::Undecided(_) => self.decide(true, out),
        }
    }

    fn decide(&mut self, is_last: bool, out: &mut String) {
        let State::Undecided(kept) = &mut self.state else {
            return;
        };
        let kept = std::mem::take(kept);
        let mut decoder = Box::new(guess(&kept, is_last).new_decoder_without_bom_handling());
        run(&mut decoder, &kept, is_last, out);
        self.state = State::Decided(decoder);
    }
}

fn run(decoder: &mut Decoder, input: &[u8], is_last: bool, out: &mut String) {
    let mut rest = input;
    loop {
        let room = decoder.max_utf8_buffer_length(rest.len()).unwrap_or(rest.len());
        out.reserve(room.max(16));
        let (result, read, _) = decoder.decode_to_string(rest, out, is_last);
        rest = rest.get(read..).unwrap_or(&[]);
        if result == encoding_rs::CoderResult::InputEmpty {
            return;
        }
    }
}

/// Decodes bytes that are all there.
#[must_use]
pub fn decode(label: Option<&str>, bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    let mut decoder = TextDecoder::new(label);
    decoder.push(bytes, &mut out);
    decoder.finish(&mut out);
    out
}

/// Raw text of a header field: UTF-8 if it is that, else by its likely charset. NUL is taken out.
#[must_use]
pub fn header_text(bytes: &[u8]) -> Cow<'_, str> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => {
            let start = bytes.get(..GUESS_OCTETS_MAX).unwrap_or(bytes);
            guess(start, start.len() == bytes.len())
                .decode_without_bom_handling(bytes)
                .0
        }
    };
    if text.contains('\0') {
        return Cow::Owned(text.replace('\0', ""));
    }
    text
}

/// The likely charset of bytes that are not all ASCII.
fn guess(bytes: &[u8], is_last: bool) -> &'static Encoding {
    let is_utf8 = match std::str::from_utf8(bytes) {
        Ok(_) => true,
        // Cut inside of a character.
        Err(error) => !is_last && error.error_len().is_none(),
    };
    if is_utf8 {
        return UTF_8;
    }
    let mut detector = chardetng::EncodingDetector::new(chardetng::Iso2022JpDetection::Deny);
    detector.feed(bytes, is_last);
    detector.guess(None, chardetng::Utf8Detection::Deny)
}

fn find(label: &str) -> Option<&'static Encoding> {
    match label {
        // They are the defaults of mailers that then send 8-bit text all the same.
        "" | "us-ascii" | "ascii" | "ansi_x3.4-1968" | "unknown" | "unknown-8bit" | "x-unknown" | "default"
        | "none" | "binary" | "_charset" | "default_charset" => None,
        "cp936" | "ms936" | "windows-936" | "gb18030-2000" | "gb18030-2005" | "x-gb2312" => Some(GBK),
        "cp950" | "ms950" | "windows-950" | "x-big5" | "big5-eten" => Some(BIG5),
        "cp949" | "ms949" | "windows-949" | "ks_c_5601" => Some(EUC_KR),
        "cp932" | "windows-932" | "shift-jisx0213" => Some(SHIFT_JIS),
        "utf8mb4" | "utf-8-mac" | "unicode-2-0-utf-8" => Some(UTF_8),
        "utf-16be" => Some(UTF_16BE),
        _ => {
            let known = Encoding::for_label_no_replacement(label.as_bytes());
            known.or_else(|| find_loosely(label))
        }
    }
}

/// `windows 1252`, `cp-1252`, `iso_8859_1`, `"utf-8"` and so on.
fn find_loosely(label: &str) -> Option<&'static Encoding> {
    let cleaned: String = label.chars().filter(char::is_ascii_alphanumeric).collect();
    let spelled = match cleaned.strip_prefix("iso8859") {
        Some(number) => format!("iso-8859-{number}"),
        None => match cleaned.strip_prefix("windows").or_else(|| cleaned.strip_prefix("cp")) {
            Some(number) => format!("windows-{number}"),
            None => cleaned,
        },
    };
    Encoding::for_label_no_replacement(spelled.as_bytes())
}

/// HZ (RFC 1843): `~{` and `~}` around GB 2312 without its high bits.
#[derive(Default)]
struct Hz {
    is_double: bool,
    is_tilde: bool,
}

impl Hz {
    fn push<'a>(&mut self, input: &[u8], out: &'a mut Vec<u8>) -> &'a [u8] {
        for byte in input {
            if std::mem::take(&mut self.is_tilde) {
                match byte {
                    b'{' => self.is_double = true,
                    b'}' => self.is_double = false,
                    b'~' => out.push(b'~'),
                    b'\n' => {}
                    byte => out.extend_from_slice(&[b'~', *byte]),
                }
            } else if *byte == b'~' {
                self.is_tilde = true;
            } else if *byte == b'\n' {
                self.is_double = false;
                out.push(b'\n');
            } else if self.is_double && (0x21..0x7f).contains(byte) {
                out.push(byte | 0x80);
            } else {
                out.push(*byte);
            }
        }
        out
    }
}

/// ISO-2022-KR (RFC 1557): SO and SI around KS X 1001 without its high bits, `ESC $ ) C` at the start.
#[derive(Default)]
struct Iso2022Kr {
    is_double: bool,
    /// Octets of the escape sequence that are still to be dropped.
    escape: u8,
}

impl Iso2022Kr {
    fn push<'a>(&mut self, input: &[u8], out: &'a mut Vec<u8>) -> &'a [u8] {
        for byte in input {
            if self.escape > 0 {
                self.escape = self.escape.saturating_sub(1);
                continue;
            }
            match byte {
                0x0e => self.is_double = true,
                0x0f => self.is_double = false,
                0x1b => self.escape = 3,
                byte if self.is_double && (0x21..0x7f).contains(byte) => out.push(byte | 0x80),
                byte => out.push(*byte),
            }
        }
        out
    }
}

/// UTF-7 (RFC 2152) to UTF-16BE.
#[derive(Default)]
struct Utf7 {
    is_shifted: bool,
    is_first: bool,
    bits: u32,
    bit_count: u32,
}

impl Utf7 {
    fn push<'a>(&mut self, input: &[u8], out: &'a mut Vec<u8>) -> &'a [u8] {
        for byte in input {
            self.take(*byte, out);
        }
        out
    }

    fn take(&mut self, byte: u8, out: &mut Vec<u8>) {
        if !self.is_shifted {
            if byte == b'+' {
                *self = Self {
                    is_shifted: true,
                    is_first: true,
                    ..Self::default()
                };
            } else {
                out.extend_from_slice(&[0, byte]);
            }
            return;
        }
        let is_first = std::mem::take(&mut self.is_first);
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => {
                self.is_shifted = false;
                match byte {
                    b'-' if is_first => out.extend_from_slice(&[0, b'+']),
                    b'-' => {}
                    byte => out.extend_from_slice(&[0, byte]),
                }
                return;
            }
        };
        self.bits = (self.bits << 6) | u32::from(value);
        self.bit_count = self.bit_count.saturating_add(6);
        if self.bit_count >= 16 {
            self.bit_count = self.bit_count.saturating_sub(16);
            let [_, _, high, low] = (self.bits >> self.bit_count).to_be_bytes();
            out.extend_from_slice(&[high, low]);
            self.bits &= (1 << self.bit_count) - 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(label: &str, bytes: &[u8], expect: &str) {
        let label = (label != "-").then_some(label);
        assert_eq!(decode(label, bytes), expect, "{label:?}");
        let mut decoder = TextDecoder::new(label);
        let mut out = String::new();
        for byte in bytes {
            decoder.push(&[*byte], &mut out);
        }
        decoder.finish(&mut out);
        assert_eq!(out, expect, "{label:?} by bytes");
    }

    #[test]
    fn decodes_what_mail_has() {
        check("utf-8", "你好".as_bytes(), "你好");
        check("GB2312", b"\xd6\xd0\xce\xc4", "中文");
        check("cp936", b"\xd6\xd0\xce\xc4", "中文");
        check("gb18030", b"\x81\x30\x81\x30\xd6\xd0", "\u{80}中");
        check("big5", b"\xa4\xa4\xa4\xe5", "中文");
        check("hz-gb-2312", b"a~{VPND~}~~b", "a中文~b");
        check("iso-2022-kr", b"\x1b$)C\x0e0!\x0fx", "가x");
        check("iso-2022-jp", b"\x1b$BF|K\\\x1b(B", "日本");
        check("utf-7", b"Hi +Tg0-+-", "Hi 下+".replace('下', "\u{4e0d}").as_str());
        check("iso_8859-1", b"\xe9", "é");
        check("windows 1251", b"\xcf\xf0", "Пр");
        check("utf-8", b"a\xffb", "a\u{fffd}b");
    }

    #[test]
    fn guesses_what_is_not_labelled() {
        check("-", b"plain", "plain");
        check("-", "né".as_bytes(), "né");
        check("us-ascii", "né".as_bytes(), "né");
        check(
            "x-unknown",
            b"\xd6\xd0\xb9\xfa\xc8\xcb\xc3\xf1\xd2\xf8\xd0\xd0\xd5\xcb\xb5\xa5",
            "中国人民银行账单",
        );
    }

    proptest! {
        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..100), at in 0usize..9) {
            let labels = ["-", "utf-7", "hz", "iso-2022-kr", "gbk", "big5", "utf-16", "nonsense", "iso-2022-jp"];
            let _ = decode(labels.get(at).copied().filter(|l| *l != "-"), &bytes);
        }
    }
}
