//! What untagged responses of a server say (RFC 9051 §7), as far as somebody who reads mail needs it. What cannot be read is
//! `None`, never a panic: servers are as hostile as clients.

use hongyan_types::Timestamp;

use crate::date::parse_date_time;
use crate::parser::{Parsed, Parser, is_atom_char};
use crate::{Limits, Refusal};

/// Deepest nesting of values that are skipped.
const DEPTH_MAX: usize = 32;

/// An untagged response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerData {
    /// OK, NO, BAD, BYE, PREAUTH.
    Status(ServerStatus),
    /// CAPABILITY, in capitals.
    Capability(Vec<String>),
    /// LIST: one folder.
    List(Listed),
    /// NAMESPACE (RFC 2342).
    Namespace(Namespaces),
    /// STATUS: how many messages the folder has, where it says so.
    Messages(Option<u64>),
    /// EXISTS
    Exists(u32),
    /// EXPUNGE
    Expunged(u32),
    /// FETCH
    Fetch(Fetched),
    /// Something that nobody asked for.
    Other,
}

/// How something went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerStatus {
    /// `OK`, `NO`, `BAD`, `BYE` or `PREAUTH`, in capitals.
    pub condition: String,
    /// What is in brackets, its first word in capitals.
    pub code: Option<String>,
    /// For people.
    pub text: String,
}

/// A folder of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its attributes, as they stand.
    pub attributes: Vec<String>,
    /// Between the levels of its name.
    pub separator: Option<char>,
    /// Its name, as it stands.
    pub name: Vec<u8>,
}

/// Where folders are: the beginnings of their names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Namespaces {
    /// One's own.
    pub personal: Vec<Vec<u8>>,
    /// Others', and those of all.
    pub foreign: Vec<Vec<u8>>,
}

/// What FETCH told of one message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fetched {
    /// Its sequence number.
    pub number: u32,
    /// UID
    pub uid: Option<u32>,
    /// FLAGS, as they stand.
    pub flags: Option<Vec<String>>,
    /// INTERNALDATE
    pub internal_date: Option<Timestamp>,
    /// RFC822.SIZE
    pub octets: Option<u64>,
    /// The only body section that was asked for; empty when it was handed out as it came.
    pub body: Option<Vec<u8>>,
}

impl ServerStatus {
    /// Reads `OK [CODE ...] text`.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        let (condition, rest) = line.split_once(' ').unwrap_or((line, ""));
        let condition = condition.to_ascii_uppercase();
        if !matches!(condition.as_str(), "OK" | "NO" | "BAD" | "BYE" | "PREAUTH") {
            return None;
        }
        let bracketed = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'));
        let (code, text) = match bracketed {
            Some((code, text)) => (Some(code_of(code)), text),
            None => (None, rest),
        };
        Some(Self {
            condition,
            code,
            text: text.trim().to_owned(),
        })
    }
    /// Whether it is OK.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.condition == "OK"
    }
    /// The number after a code, such as that of `UIDVALIDITY 7`.
    #[must_use]
    pub fn number(&self, code: &str) -> Option<u32> {
        let (name, number) = self.code.as_deref()?.split_once(' ')?;
        (name == code).then(|| number.trim().parse().ok()).flatten()
    }
}

fn code_of(code: &str) -> String {
    match code.split_once(' ') {
        Some((name, rest)) => format!("{} {rest}", name.to_ascii_uppercase()),
        None => code.to_ascii_uppercase(),
    }
}

impl ServerData {
    /// Reads an untagged response, without its `* `.
    #[must_use]
    pub fn parse(response: &[u8]) -> Option<Self> {
        let limits = Limits::default();
        let mut parser = Parser::new(response, &limits, false);
        if parser.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            return numbered(&mut parser).ok();
        }
        let line = String::from_utf8_lossy(response);
        if let Some(status) = ServerStatus::parse(&line) {
            return Some(Self::Status(status));
        }
        named(&mut parser).ok()
    }
}

fn named(parser: &mut Parser<'_>) -> Parsed<ServerData> {
    if parser.word("CAPABILITY") {
        let mut names = Vec::new();
        while parser.skip(b' ') {
            let name = parser.take_while(|byte| byte > b' ' && byte < 0x7f);
            names.push(String::from_utf8_lossy(name).to_ascii_uppercase());
        }
        names.retain(|name| !name.is_empty());
        return Ok(ServerData::Capability(names));
    }
    if parser.word("LIST") {
        return listed(parser).map(ServerData::List);
    }
    if parser.word("NAMESPACE") {
        return namespaces(parser).map(ServerData::Namespace);
    }
    if parser.word("STATUS") {
        return messages(parser).map(ServerData::Messages);
    }
    Ok(ServerData::Other)
}

fn numbered(parser: &mut Parser<'_>) -> Parsed<ServerData> {
    let number = parser.number()?;
    parser.space()?;
    if parser.word("EXISTS") {
        return Ok(ServerData::Exists(number));
    }
    if parser.word("EXPUNGE") {
        return Ok(ServerData::Expunged(number));
    }
    if parser.word("FETCH") {
        parser.space()?;
        return fetched(parser, number).map(ServerData::Fetch);
    }
    Ok(ServerData::Other)
}

/// A word that may begin with a backslash.
fn flag(parser: &mut Parser<'_>) -> Parsed<String> {
    let word = parser.take_while(|byte| byte > b' ' && !matches!(byte, b'(' | b')' | b'"' | b'{'));
    if word.is_empty() {
        return Err(Refusal::bad("Expected a flag"));
    }
    Ok(String::from_utf8_lossy(word).into_owned())
}

fn flags(parser: &mut Parser<'_>) -> Parsed<Vec<String>> {
    let mut flags = Vec::new();
    parser.list(|parser| {
        flags.push(flag(parser)?);
        Ok(())
    })?;
    Ok(flags)
}

fn separator(parser: &mut Parser<'_>) -> Parsed<Option<char>> {
    let text = parser.nstring()?;
    let text = text.as_deref().map(String::from_utf8_lossy);
    Ok(text.and_then(|text| text.chars().next()))
}

fn listed(parser: &mut Parser<'_>) -> Parsed<Listed> {
    parser.space()?;
    let attributes = flags(parser)?;
    parser.space()?;
    let separator = separator(parser)?;
    parser.space()?;
    let name = parser.astring()?.into_owned();
    Ok(Listed {
        attributes,
        separator,
        name,
    })
}

fn namespaces(parser: &mut Parser<'_>) -> Parsed<Namespaces> {
    let mut found = Namespaces::default();
    for place in 0..3 {
        parser.space()?;
        if parser.nil() {
            continue;
        }
        parser.expect(b'(', "Expected a list")?;
        while !parser.skip(b')') {
            let _ = parser.skip(b' ');
            parser.expect(b'(', "Expected a list")?;
            let prefix = parser.string()?.into_owned();
            while !parser.skip(b')') {
                parser.space()?;
                skip_value(parser, 0)?;
            }
            match place {
                0 => found.personal.push(prefix),
                _ => found.foreign.push(prefix),
            }
        }
    }
    Ok(found)
}

fn messages(parser: &mut Parser<'_>) -> Parsed<Option<u64>> {
    parser.space()?;
    parser.astring()?;
    parser.space()?;
    let mut messages = None;
    parser.list(|parser| {
        let is_messages = parser.word("MESSAGES");
        if !is_messages {
            parser.atom()?;
        }
        parser.space()?;
        let number = parser.number64()?;
        if is_messages {
            messages = Some(number);
        }
        Ok(())
    })?;
    Ok(messages)
}

fn fetched(parser: &mut Parser<'_>, number: u32) -> Parsed<Fetched> {
    let mut found = Fetched {
        number,
        ..Fetched::default()
    };
    parser.list(|parser| {
        let name = parser
            .take_while(|byte| is_atom_char(byte) && byte != b'[')
            .to_ascii_uppercase();
        let has_section = parser.skip(b'[');
        if has_section {
            parser.take_while(|byte| byte != b']');
            parser.expect(b']', "Expected the end of a section")?;
            parser.take_while(is_atom_char);
        }
        parser.space()?;
        match name.as_slice() {
            b"UID" => found.uid = Some(parser.non_zero()?),
            b"FLAGS" => found.flags = Some(flags(parser)?),
            b"INTERNALDATE" => found.internal_date = Some(parse_date_time(parser)?),
            b"RFC822.SIZE" => found.octets = Some(parser.number64()?),
            b"BODY" if has_section => {
                found.body = Some(parser.any_nstring()?.unwrap_or_default().into_owned());
            }
            _ => skip_value(parser, 0)?,
        }
        Ok(())
    })?;
    Ok(found)
}

fn skip_value(parser: &mut Parser<'_>, depth: usize) -> Parsed<()> {
    match parser.peek() {
        _ if depth > DEPTH_MAX => Err(Refusal::bad("Too deep")),
        Some(b'(') => parser.list(|parser| skip_value(parser, depth + 1)),
        Some(b'"' | b'{' | b'~') => parser.any_nstring().map(|_| ()),
        _ => flag(parser).map(|_| ()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(response: &[u8], expect: Option<ServerData>) {
        let shown = String::from_utf8_lossy(response).into_owned();
        assert_eq!(ServerData::parse(response), expect, "{shown}");
    }

    #[test]
    fn responses_are_read() {
        check(b"23 EXISTS", Some(ServerData::Exists(23)));
        check(b"44 EXPUNGE", Some(ServerData::Expunged(44)));
        check(b"0 RECENT", Some(ServerData::Other));
        check(b"99999999999 EXISTS", None);
        check(
            b"CAPABILITY IMAP4rev1 auth=plain",
            Some(ServerData::Capability(vec![
                "IMAP4REV1".to_owned(),
                "AUTH=PLAIN".to_owned(),
            ])),
        );
        let status = |condition: &str, code: Option<&str>, text: &str| {
            ServerData::Status(ServerStatus {
                condition: condition.to_owned(),
                code: code.map(str::to_owned),
                text: text.to_owned(),
            })
        };
        check(
            b"ok [uidvalidity 7] valid",
            Some(status("OK", Some("UIDVALIDITY 7"), "valid")),
        );
        check(b"BYE", Some(status("BYE", None, "")));
        check(
            br#"STATUS "a b" (MESSAGES 231 UIDNEXT 44292)"#,
            Some(ServerData::Messages(Some(231))),
        );
        let list = |attributes: &[&str], separator, name: &[u8]| {
            Some(ServerData::List(Listed {
                attributes: attributes.iter().map(|word| (*word).to_owned()).collect(),
                separator,
                name: name.to_vec(),
            }))
        };
        check(
            br#"LIST (\HasNoChildren \Sent) "." "INBOX.Sent Items" ("OLDNAME" ("x"))"#,
            list(&["\\HasNoChildren", "\\Sent"], Some('.'), b"INBOX.Sent Items"),
        );
        check(b"LIST () NIL INBOX", list(&[], None, b"INBOX"));
        check(b"LIST () \"/\" {3}\r\na\"b", list(&[], Some('/'), b"a\"b"));
        check(
            br##"NAMESPACE (("INBOX." ".")) (("~" "/" "X" ("a" "b"))) (("#shared/" "/")("#news." "."))"##,
            Some(ServerData::Namespace(Namespaces {
                personal: vec![b"INBOX.".to_vec()],
                foreign: vec![b"~".to_vec(), b"#shared/".to_vec(), b"#news.".to_vec()],
            })),
        );
        check(b"NAMESPACE NIL NIL", None);
    }

    #[test]
    fn messages_are_read_in_any_order_of_their_items() {
        check(
            b"12 FETCH (BODY[HEADER.FIELDS (MESSAGE-ID DATE)] {5}\r\na\0b\r\n MODSEQ (7) FLAGS (\\Seen $x) X (a (\"b\" {1}\r\nc)) \
              INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" RFC822.SIZE 4286 UID 9)",
            Some(ServerData::Fetch(Fetched {
                number: 12,
                uid: Some(9),
                flags: Some(vec!["\\Seen".to_owned(), "$x".to_owned()]),
                internal_date: Some(Timestamp::from_secs(837_596_665)),
                octets: Some(4286),
                body: Some(b"a\0b\r\n".to_vec()),
            })),
        );
        check(
            b"1 FETCH (UID 3 BODY[]<0> NIL)",
            Some(ServerData::Fetch(Fetched {
                number: 1,
                uid: Some(3),
                body: Some(Vec::new()),
                ..Fetched::default()
            })),
        );
        check(b"1 FETCH (UID 0)", None);
        check(b"1 FETCH (UID", None);
        let deep = [b"1 FETCH (X ".as_slice(), &b"(".repeat(100_000)].concat();
        check(&deep, None);
    }
}
