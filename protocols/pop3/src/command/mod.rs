//! Command lines. Each command has its file; this one finds it.

mod auth;
mod capa;
mod dele;
mod lang;
mod list;
mod noop;
mod pass;
mod quit;
mod retr;
mod rset;
mod stat;
mod stls;
mod top;
mod uidl;
mod user;
mod utf8;

use hongyan_sasl::Secret;

pub use auth::Auth;

use crate::MessageNumber;

/// A command line as understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Line {
    User(String),
    Pass(Secret),
    Auth(Auth),
    AuthList,
    Capa,
    Stls,
    Utf8,
    /// A range, or nothing to list the languages.
    Lang(Option<String>),
    Stat,
    List(Option<MessageNumber>),
    Uidl(Option<MessageNumber>),
    Retr(MessageNumber),
    Top {
        message: MessageNumber,
        lines: u32,
    },
    Dele(MessageNumber),
    Noop,
    Rset,
    Quit,
}

/// A line, or what to tell the client about it.
pub(crate) type Parsed = Result<Line, &'static str>;

/// `keyword [SP arguments]` (RFC 1939 §3); keywords in any case.
pub(crate) fn parse(line: &[u8]) -> Parsed {
    let (keyword, argument) = match line.iter().position(|octet| *octet == b' ') {
        Some(at) => {
            let (keyword, rest) = line.split_at_checked(at).unwrap_or((line, &[]));
            (keyword, rest.get(1..).unwrap_or_default())
        }
        None => (line, &[][..]),
    };
    match keyword.to_ascii_uppercase().as_slice() {
        b"USER" => user::parse(argument),
        b"PASS" => pass::parse(argument),
        b"AUTH" => auth::parse(argument),
        b"CAPA" => capa::parse(argument),
        b"STLS" => stls::parse(argument),
        b"UTF8" => utf8::parse(argument),
        b"LANG" => lang::parse(argument),
        b"STAT" => stat::parse(argument),
        b"LIST" => list::parse(argument),
        b"UIDL" => uidl::parse(argument),
        b"RETR" => retr::parse(argument),
        b"TOP" => top::parse(argument),
        b"DELE" => dele::parse(argument),
        b"NOOP" => noop::parse(argument),
        b"RSET" => rset::parse(argument),
        b"QUIT" => quit::parse(argument),
        _ => Err("unknown command"),
    }
}

fn none(argument: &[u8], line: Line) -> Parsed {
    if argument.trim_ascii().is_empty() {
        Ok(line)
    } else {
        Err("this command takes no argument")
    }
}

fn number(argument: &[u8]) -> Result<MessageNumber, &'static str> {
    MessageNumber::parse(argument.trim_ascii()).ok_or("a message number is wanted")
}

fn optional_number(argument: &[u8]) -> Result<Option<MessageNumber>, &'static str> {
    if argument.trim_ascii().is_empty() {
        Ok(None)
    } else {
        number(argument).map(Some)
    }
}

/// UTF-8 without control characters (RFC 6856 §2.2 allows UTF-8 in names and passwords).
fn text(argument: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(argument).ok()?;
    (!text.chars().any(char::is_control)).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use hongyan_sasl::Mechanism;

    use super::*;

    fn message(number: usize) -> MessageNumber {
        MessageNumber::from_index(number - 1).unwrap()
    }

    #[test]
    fn lines_are_understood() {
        let check = |line: &[u8], expect: Parsed| assert_eq!(parse(line), expect);
        check(b"user user1@example.test", Ok(Line::User("user1@example.test".into())));
        check(b"PASS two words ", Ok(Line::Pass(Secret::new("two words "))));
        check(b"PASS", Ok(Line::Pass(Secret::new(""))));
        check(b"PASS \xff", Err("PASS takes a password in UTF-8"));
        check(b"USER", Err("USER takes a name"));
        check(b"LIST", Ok(Line::List(None)));
        check(b"list 7", Ok(Line::List(Some(message(7)))));
        check(b"LIST 0", Err("a message number is wanted"));
        check(b"RETR 4294967296", Err("a message number is wanted"));
        check(b"RETR -1", Err("a message number is wanted"));
        check(
            b"TOP 1 0",
            Ok(Line::Top {
                message: message(1),
                lines: 0,
            }),
        );
        check(b"TOP 1", Err("TOP takes a message number and a number of lines"));
        check(b"STAT x", Err("this command takes no argument"));
        check(b"XYZZY", Err("unknown command"));
        check(b"", Err("unknown command"));
        check(b"AUTH", Ok(Line::AuthList));
        let auth = |mechanism, initial| Ok(Line::Auth(Auth { mechanism, initial }));
        check(b"AUTH plain", auth(Mechanism::Plain, None));
        check(b"AUTH PLAIN =", auth(Mechanism::Plain, Some(Vec::new())));
        check(b"AUTH PLAIN AGEAYg==", auth(Mechanism::Plain, Some(b"\0a\0b".to_vec())));
        check(b"AUTH PLAIN !", Err("initial response is not base64"));
        check(b"AUTH KERBEROS", Err("unknown authentication mechanism"));
    }
}
