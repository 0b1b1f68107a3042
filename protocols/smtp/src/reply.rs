//! Replies (RFC 5321 §4.2, RFC 3463, RFC 2034): built by the server's callers, parsed by the client.

use std::borrow::Cow;
use std::fmt;

use bytes::BufMut;

/// Longest reply line we write, with CRLF (RFC 5321 §4.5.3.1.5).
const LINE_OCTETS_MAX: usize = 512;

/// An enhanced status code `class.subject.detail` (RFC 3463).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Enhanced(pub u8, pub u16, pub u16);

impl fmt::Display for Enhanced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// One reply, of one or more lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Three-digit code.
    pub code: u16,
    /// Enhanced code, where RFC 2034 allows one.
    pub enhanced: Option<Enhanced>,
    /// Text; lines are separated by LF.
    pub text: Cow<'static, str>,
}

impl Reply {
    /// A reply with an enhanced code.
    #[must_use]
    pub const fn fixed(code: u16, enhanced: Enhanced, text: &'static str) -> Self {
        Self {
            code,
            enhanced: Some(enhanced),
            text: Cow::Borrowed(text),
        }
    }

    /// A reply with an enhanced code and a text of its own.
    #[must_use]
    pub fn new(code: u16, enhanced: Enhanced, text: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            enhanced: Some(enhanced),
            text: text.into(),
        }
    }

    /// A reply without an enhanced code: greeting, EHLO, 3xx.
    #[must_use]
    pub fn bare(code: u16, text: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            enhanced: None,
            text: text.into(),
        }
    }

    /// `354`: the message may come.
    #[must_use]
    pub const fn go_ahead() -> Self {
        Self {
            code: 354,
            enhanced: None,
            text: Cow::Borrowed("Go ahead, end with CRLF.CRLF"),
        }
    }

    /// `250 2.0.0` with a text.
    #[must_use]
    pub fn ok(text: impl Into<Cow<'static, str>>) -> Self {
        Self::new(250, Enhanced(2, 0, 0), text)
    }

    /// 2xx or 3xx.
    #[must_use]
    pub fn is_positive(&self) -> bool {
        (200..400).contains(&self.code)
    }

    /// 4xx: the same may work later.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        (400..500).contains(&self.code)
    }

    /// 5xx: the same will never work.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        self.code >= 500
    }

    /// Writes the reply's lines. Control characters become spaces and, without `utf8` (RFC 6531 §3.7.4), non-ASCII ones
    /// question marks. Lines longer than the limit are broken.
    pub fn write(&self, utf8: bool, out: &mut impl BufMut) {
        let prefix = match self.enhanced {
            Some(enhanced) => format!("{enhanced} "),
            None => String::new(),
        };
        let room = LINE_OCTETS_MAX.saturating_sub(6).saturating_sub(prefix.len());
        let mut lines = self.text.split('\n').flat_map(|line| wrap(line, room, utf8)).peekable();
        while let Some(line) = lines.next() {
            let separator = if lines.peek().is_some() { '-' } else { ' ' };
            out.put_slice(format!("{:03}{separator}{prefix}{line}\r\n", self.code).as_bytes());
        }
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if let Some(enhanced) = self.enhanced {
            write!(f, " {enhanced}")?;
        }
        write!(f, " {}", self.text.replace('\n', " / "))
    }
}

fn wrap(line: &str, room: usize, utf8: bool) -> Vec<String> {
    let mut lines = vec![String::with_capacity(line.len())];
    for character in line.chars() {
        let character = match character {
            control if control.is_control() => ' ',
            other if !utf8 && !other.is_ascii() => '?',
            other => other,
        };
        if let Some(last) = lines.last_mut() {
            if last.len().saturating_add(character.len_utf8()) <= room {
                last.push(character);
            } else {
                lines.push(character.to_string());
            }
        }
    }
    lines
}

/// Why a server's reply cannot be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReplyError {
    /// Not `ddd text` or `ddd-text`, or the codes of its lines differ.
    #[error("the server's reply is malformed")]
    Malformed,
    /// More lines or longer lines than we are ready to read.
    #[error("the server's reply is too long")]
    TooLong,
}

/// Collects the lines of one reply.
#[derive(Debug, Default)]
pub(crate) struct ReplyReader {
    code: Option<u16>,
    enhanced: Option<Enhanced>,
    text: String,
    lines: usize,
}

impl ReplyReader {
    /// Takes one line without CRLF; gives the reply when it was the last.
    pub(crate) fn line(&mut self, line: &[u8], lines_max: usize) -> Result<Option<Reply>, ReplyError> {
        self.lines = self.lines.saturating_add(1);
        if self.lines > lines_max {
            return Err(ReplyError::TooLong);
        }
        let line = String::from_utf8_lossy(line);
        let code: u16 = line
            .get(..3)
            .filter(|code| code.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|code| code.parse().ok())
            .filter(|code| (200..600).contains(code))
            .ok_or(ReplyError::Malformed)?;
        let rest = line.get(3..).unwrap_or_default();
        let (last, rest) = match rest.strip_prefix('-') {
            Some(rest) => (false, rest),
            None if rest.is_empty() => (true, rest),
            None => (true, rest.strip_prefix(' ').ok_or(ReplyError::Malformed)?),
        };
        if self.code.is_some_and(|first| first != code) {
            return Err(ReplyError::Malformed);
        }
        let (enhanced, text) = split_enhanced(code, rest);
        if self.code.is_some() {
            self.text.push('\n');
        }
        self.code = Some(code);
        self.enhanced = self.enhanced.or(enhanced);
        self.text.push_str(text);
        if !last {
            return Ok(None);
        }
        let done = std::mem::take(self);
        Ok(Some(Reply {
            code,
            enhanced: done.enhanced,
            text: done.text.into(),
        }))
    }
}

fn split_enhanced(code: u16, text: &str) -> (Option<Enhanced>, &str) {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    let mut numbers = word.split('.');
    let mut next = || numbers.next()?.parse::<u16>().ok();
    let parsed = (next(), next(), next());
    if numbers.next().is_none()
        && let (Some(class), Some(subject), Some(detail)) = parsed
        && class == code / 100
        && let Ok(class) = u8::try_from(class)
    {
        return (Some(Enhanced(class, subject, detail)), rest);
    }
    (None, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(reply: &Reply, utf8: bool) -> String {
        let mut out = Vec::new();
        reply.write(utf8, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn lines_codes_and_text() {
        assert_eq!(written(&Reply::ok("done"), false), "250 2.0.0 done\r\n");
        assert_eq!(
            written(&Reply::new(550, Enhanced(5, 1, 1), "no such\nuser \u{e9}\r\tx"), false),
            "550-5.1.1 no such\r\n550 5.1.1 user ?  x\r\n"
        );
        assert_eq!(written(&Reply::bare(220, "\u{e9}"), true), "220 \u{e9}\r\n");
        let long = written(&Reply::ok("x".repeat(1200)), false);
        assert_eq!(long.lines().count(), 3);
        assert!(long.split_inclusive('\n').all(|line| line.len() <= LINE_OCTETS_MAX));
    }

    #[test]
    fn reading_is_the_inverse_of_writing() {
        for reply in [
            Reply::ok("done"),
            Reply::bare(354, "go"),
            Reply::new(451, Enhanced(4, 3, 0), "a\nb"),
        ] {
            let mut reader = ReplyReader::default();
            let text = written(&reply, true);
            let mut last = None;
            for line in text.lines() {
                last = reader.line(line.as_bytes(), 10).unwrap();
            }
            assert_eq!(last, Some(reply));
        }
    }

    #[test]
    fn bad_replies() {
        for bad in ["", "2", "abc", "250x", "199 x", "600 x", "25\u{e9} x"] {
            assert_eq!(
                ReplyReader::default().line(bad.as_bytes(), 10),
                Err(ReplyError::Malformed),
                "{bad}"
            );
        }
        let mut reader = ReplyReader::default();
        assert_eq!(reader.line(b"250-x", 1), Ok(None));
        assert_eq!(reader.line(b"250 x", 1), Err(ReplyError::TooLong));
    }
}
