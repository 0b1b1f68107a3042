//! A cursor over one complete command: atoms, strings, numbers, lists (RFC 9051 §9). Every command file parses with
//! it. It never panics and never looks behind the command's end.

use std::borrow::Cow;

use crate::{Limits, Refusal};

pub(crate) type Parsed<T> = Result<T, Refusal>;

/// Position in a command, and the limits that apply to it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parser<'a> {
    rest: &'a [u8],
    /// Limits of the session.
    pub(crate) limits: &'a Limits,
    /// Mailbox names are UTF-8 because the client enabled UTF8=ACCEPT or IMAP4rev2.
    pub(crate) utf8: bool,
}

/// ATOM-CHAR: any CHAR but atom-specials.
pub(crate) fn is_atom_char(byte: u8) -> bool {
    byte > 0x20 && byte < 0x7f && !matches!(byte, b'(' | b')' | b'{' | b'%' | b'*' | b'"' | b'\\' | b']')
}

/// ASTRING-CHAR: ATOM-CHAR or "]".
pub(crate) fn is_astring_char(byte: u8) -> bool {
    is_atom_char(byte) || byte == b']'
}

/// A character of a tag: ASTRING-CHAR but "+".
pub(crate) fn is_tag_char(byte: u8) -> bool {
    is_astring_char(byte) && byte != b'+'
}

impl<'a> Parser<'a> {
    pub(crate) fn new(input: &'a [u8], limits: &'a Limits, utf8: bool) -> Self {
        Self {
            rest: input,
            limits,
            utf8,
        }
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Takes `count` bytes; `None` when there are fewer.
    pub(crate) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    pub(crate) fn take_while(&mut self, accept: impl Fn(u8) -> bool) -> &'a [u8] {
        let count = self
            .rest
            .iter()
            .position(|byte| !accept(*byte))
            .unwrap_or(self.rest.len());
        self.take(count).unwrap_or(&[])
    }

    /// Takes `byte` if it is next.
    pub(crate) fn skip(&mut self, byte: u8) -> bool {
        match self.rest.split_first() {
            Some((first, rest)) if *first == byte => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    pub(crate) fn expect(&mut self, byte: u8, text: &'static str) -> Parsed<()> {
        if self.skip(byte) {
            Ok(())
        } else {
            Err(Refusal::bad(text))
        }
    }

    pub(crate) fn space(&mut self) -> Parsed<()> {
        self.expect(b' ', "Expected a space")
    }

    /// The command ends here. Trailing spaces are forgiven: several clients send them.
    pub(crate) fn end(&mut self) -> Parsed<()> {
        while self.skip(b' ') {}
        if self.is_empty() {
            Ok(())
        } else {
            Err(Refusal::bad("Unexpected text after the command"))
        }
    }

    pub(crate) fn atom(&mut self) -> Parsed<&'a [u8]> {
        let atom = self.take_while(is_atom_char);
        if atom.is_empty() {
            Err(Refusal::bad("Expected an atom"))
        } else {
            Ok(atom)
        }
    }

    /// An atom as text; atoms are ASCII.
    pub(crate) fn atom_str(&mut self) -> Parsed<&'a str> {
        let atom = self.atom()?;
        std::str::from_utf8(atom).map_err(|_| Refusal::bad("Expected an atom"))
    }

    /// Takes the word `word` (any case) if it is the next atom-like word.
    pub(crate) fn word(&mut self, word: &str) -> bool {
        let mut ahead = *self;
        let found = ahead.take_while(|byte| is_atom_char(byte) && byte != b'[' && byte != b'<');
        if found.eq_ignore_ascii_case(word.as_bytes()) {
            *self = ahead;
            true
        } else {
            false
        }
    }

    /// Takes `prefix` (any case) if the input starts with it.
    pub(crate) fn prefix(&mut self, prefix: &str) -> bool {
        match self.rest.split_at_checked(prefix.len()) {
            Some((head, rest)) if head.eq_ignore_ascii_case(prefix.as_bytes()) => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    pub(crate) fn number64(&mut self) -> Parsed<u64> {
        let digits = self.take_while(|byte| byte.is_ascii_digit());
        if digits.is_empty() {
            return Err(Refusal::bad("Expected a number"));
        }
        let mut value: u64 = 0;
        for digit in digits {
            value = value
                .checked_mul(10)
                .and_then(|value| value.checked_add(u64::from(digit.wrapping_sub(b'0'))))
                .ok_or(Refusal::bad("Number too large"))?;
        }
        // RFC 9051 §9: number64 is at most 2^63 - 1.
        if value > u64::MAX / 2 {
            return Err(Refusal::bad("Number too large"));
        }
        Ok(value)
    }

    pub(crate) fn number(&mut self) -> Parsed<u32> {
        u32::try_from(self.number64()?).map_err(|_| Refusal::bad("Number too large"))
    }

    pub(crate) fn non_zero(&mut self) -> Parsed<u32> {
        match self.number()? {
            0 => Err(Refusal::bad("Number must not be 0")),
            number => Ok(number),
        }
    }

    fn quoted(&mut self) -> Parsed<Cow<'a, [u8]>> {
        self.expect(b'"', "Expected a quoted string")?;
        let plain = self.take_while(|byte| byte != b'"' && byte != b'\\');
        if plain.contains(&0) {
            return Err(Refusal::bad("NUL in a string"));
        }
        if self.skip(b'"') {
            return Ok(Cow::Borrowed(plain));
        }
        let mut text = plain.to_vec();
        loop {
            let Some(&[byte]) = self.take(1) else {
                return Err(Refusal::bad("Quoted string without end"));
            };
            match byte {
                b'"' => return Ok(Cow::Owned(text)),
                b'\\' => match self.take(1) {
                    Some(&[escaped @ (b'"' | b'\\')]) => text.push(escaped),
                    _ => return Err(Refusal::bad("Bad escape in a quoted string")),
                },
                b'\r' | b'\n' | 0 => return Err(Refusal::bad("Bad character in a quoted string")),
                byte => text.push(byte),
            }
        }
    }

    fn literal(&mut self) -> Parsed<Cow<'a, [u8]>> {
        let (text, binary) = self.any_literal()?;
        if !binary && text.contains(&0) {
            return Err(Refusal::bad("NUL in a literal"));
        }
        Ok(Cow::Borrowed(text))
    }

    /// A literal whatever is in it, and whether it was announced that it may be anything.
    fn any_literal(&mut self) -> Parsed<(&'a [u8], bool)> {
        let binary = self.skip(b'~');
        self.expect(b'{', "Expected a literal")?;
        let octets = self.number64()?;
        let _ = self.skip(b'+') || self.skip(b'-');
        self.expect(b'}', "Bad literal")?;
        let _ = self.skip(b'\r');
        self.expect(b'\n', "Bad literal")?;
        let text = usize::try_from(octets)
            .ok()
            .and_then(|octets| self.take(octets))
            .ok_or(Refusal::bad("Bad literal"))?;
        Ok((text, binary))
    }

    /// `nstring` from a server that may have anything in its mails.
    pub(crate) fn any_nstring(&mut self) -> Parsed<Option<Cow<'a, [u8]>>> {
        match self.peek() {
            Some(b'{' | b'~') => Ok(Some(Cow::Borrowed(self.any_literal()?.0))),
            _ => self.nstring(),
        }
    }

    pub(crate) fn at_string(&self) -> bool {
        matches!(self.peek(), Some(b'"' | b'{' | b'~'))
    }

    pub(crate) fn string(&mut self) -> Parsed<Cow<'a, [u8]>> {
        match self.peek() {
            Some(b'"') => self.quoted(),
            Some(b'{' | b'~') => self.literal(),
            _ => Err(Refusal::bad("Expected a string")),
        }
    }

    pub(crate) fn astring(&mut self) -> Parsed<Cow<'a, [u8]>> {
        if matches!(self.peek(), Some(b'"' | b'{')) {
            return self.string();
        }
        let atom = self.take_while(is_astring_char);
        if atom.is_empty() {
            Err(Refusal::bad("Expected a string"))
        } else {
            Ok(Cow::Borrowed(atom))
        }
    }

    /// A string that must be UTF-8.
    pub(crate) fn astring_utf8(&mut self) -> Parsed<String> {
        String::from_utf8(self.astring()?.into_owned()).map_err(|_| Refusal::bad("String is not UTF-8"))
    }

    pub(crate) fn nil(&mut self) -> bool {
        self.word("NIL")
    }

    /// `string / nil`.
    pub(crate) fn nstring(&mut self) -> Parsed<Option<Cow<'a, [u8]>>> {
        if !self.at_string() && self.nil() {
            return Ok(None);
        }
        self.string().map(Some)
    }

    /// `"(" [item *(SP item)] ")"`.
    pub(crate) fn list(&mut self, mut item: impl FnMut(&mut Self) -> Parsed<()>) -> Parsed<()> {
        self.expect(b'(', "Expected a list")?;
        if self.skip(b')') {
            return Ok(());
        }
        loop {
            item(self)?;
            if self.skip(b')') {
                return Ok(());
            }
            self.space()?;
        }
    }
}
