//! MAIL (RFC 5321 §4.1.1.2) with SIZE (RFC 1870), BODY (RFC 6152, RFC 3030), SMTPUTF8 (RFC 6531), RET and ENVID (RFC 3461),
//! AUTH (RFC 4954 §5), HOLDFOR and HOLDUNTIL (RFC 4865 §4).
//!
//! `mail = "MAIL FROM:" Reverse-path [SP Mail-parameters] CRLF`

use std::fmt;

use super::{BAD_ARGUMENT, NEEDS_SMTPUTF8, SYNTAX, UNKNOWN_PARAMETER};
use crate::Enhanced;
use crate::mailbox::{Mailbox, bracketed};
use crate::parameter::{decode_xtext, encode_xtext, parameters};
use crate::reply::Reply;

/// What kind of octets the body holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Body {
    /// `7BIT`, the default.
    #[default]
    SevenBit,
    /// `8BITMIME`: lines of any octets.
    EightBit,
    /// `BINARYMIME`: octets without lines; only through BDAT.
    Binary,
}

/// How much of the message a failure report returns (RFC 3461 §4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Return {
    /// All of it.
    Full,
    /// Its header.
    Headers,
}

/// When a message leaves that does not leave at once (RFC 4865 §4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hold {
    /// `HOLDFOR`: after so many seconds.
    For(u32),
    /// `HOLDUNTIL`: an RFC 3339 date, as it stands there.
    Until(String),
}

/// Begins a mail transaction.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mail {
    /// Where reports go; `None` is the null sender `<>`.
    pub reverse_path: Option<Mailbox>,
    /// Announced octets.
    pub size: Option<u64>,
    /// Kind of body.
    pub body: Body,
    /// Whether addresses and header may hold UTF-8.
    pub smtputf8: bool,
    /// What a report returns.
    pub ret: Option<Return>,
    /// The sender's own name for this envelope, decoded.
    pub envid: Option<String>,
    /// Who submitted it first, decoded; `<>` when not known.
    pub auth: Option<String>,
    /// When it leaves.
    pub hold: Option<Hold>,
}

impl Mail {
    pub(super) fn parse(argument: &str) -> Result<Self, Reply> {
        let path = argument
            .get(..5)
            .filter(|from| from.eq_ignore_ascii_case("FROM:"))
            .and_then(|_| argument.get(5..))
            .ok_or(SYNTAX)?;
        let (path, rest) = bracketed(path.trim_start_matches(' ')).ok_or(BAD_SENDER)?;
        let mut mail = Self {
            reverse_path: match path {
                "" => None,
                path => Some(Mailbox::parse(path).ok_or(BAD_SENDER)?),
            },
            ..Self::default()
        };
        for parameter in parameters(rest) {
            let (keyword, value) = parameter.map_err(|()| BAD_ARGUMENT)?;
            mail.parameter(keyword, value)?;
        }
        if !mail.smtputf8 && mail.reverse_path.as_ref().is_some_and(|path| !path.is_ascii()) {
            return Err(NEEDS_SMTPUTF8);
        }
        Ok(mail)
    }

    fn parameter(&mut self, keyword: &str, value: Option<&str>) -> Result<(), Reply> {
        let is = |name: &str| keyword.eq_ignore_ascii_case(name);
        if is("SIZE") {
            let digits = value.filter(|value| value.len() <= 20 && value.bytes().all(|byte| byte.is_ascii_digit()));
            // RFC 1870 §4: 20 digits may exceed our integers; that is then simply too large.
            let size = digits.ok_or(BAD_ARGUMENT)?.parse().unwrap_or(u64::MAX);
            once(&mut self.size, size)
        } else if is("BODY") {
            let value = value.ok_or(BAD_ARGUMENT)?;
            self.body = [Body::SevenBit, Body::EightBit, Body::Binary]
                .into_iter()
                .find(|body| value.eq_ignore_ascii_case(body.name()))
                .ok_or(BAD_ARGUMENT)?;
            Ok(())
        } else if is("SMTPUTF8") {
            self.smtputf8 = true;
            value.map_or(Ok(()), |_| Err(BAD_ARGUMENT))
        } else if is("RET") {
            let value = value.ok_or(BAD_ARGUMENT)?;
            let ret = [Return::Full, Return::Headers]
                .into_iter()
                .find(|ret| value.eq_ignore_ascii_case(ret.name()))
                .ok_or(BAD_ARGUMENT)?;
            once(&mut self.ret, ret)
        } else if is("ENVID") {
            // RFC 3461 §4.4: at most 100 characters.
            let value = value.filter(|value| value.len() <= 100).and_then(decode_xtext);
            once(&mut self.envid, value.ok_or(BAD_ARGUMENT)?)
        } else if is("AUTH") {
            once(&mut self.auth, value.and_then(decode_xtext).ok_or(BAD_ARGUMENT)?)
        } else if is("HOLDFOR") {
            // RFC 4865 §4: one to nine digits.
            let digits = value.filter(|value| value.len() <= 9 && value.bytes().all(|byte| byte.is_ascii_digit()));
            let secs = digits.and_then(|digits| digits.parse().ok()).ok_or(BAD_ARGUMENT)?;
            once(&mut self.hold, Hold::For(secs))
        } else if is("HOLDUNTIL") {
            let is_date = |byte: u8| byte.is_ascii_digit() || b"TZ:+-.".contains(&byte);
            let date = value.filter(|value| value.len() <= 40 && value.bytes().all(is_date));
            once(&mut self.hold, Hold::Until(date.ok_or(BAD_ARGUMENT)?.to_owned()))
        } else {
            Err(UNKNOWN_PARAMETER)
        }
    }
}

/// A parameter given twice is a fault (RFC 3461 §4.3 and others).
pub(super) fn once<T>(slot: &mut Option<T>, value: T) -> Result<(), Reply> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(BAD_ARGUMENT),
    }
}

impl Body {
    fn name(self) -> &'static str {
        match self {
            Self::SevenBit => "7BIT",
            Self::EightBit => "8BITMIME",
            Self::Binary => "BINARYMIME",
        }
    }
}

impl Return {
    fn name(self) -> &'static str {
        match self {
            Self::Full => "FULL",
            Self::Headers => "HDRS",
        }
    }
}

impl fmt::Display for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reverse_path {
            Some(path) => write!(f, "MAIL FROM:<{path}>")?,
            None => f.write_str("MAIL FROM:<>")?,
        }
        if let Some(size) = self.size {
            write!(f, " SIZE={size}")?;
        }
        if self.body != Body::SevenBit {
            write!(f, " BODY={}", self.body.name())?;
        }
        if self.smtputf8 {
            f.write_str(" SMTPUTF8")?;
        }
        if let Some(ret) = self.ret {
            write!(f, " RET={}", ret.name())?;
        }
        if let Some(envid) = &self.envid {
            write!(f, " ENVID={}", encode_xtext(envid))?;
        }
        if let Some(auth) = &self.auth {
            write!(f, " AUTH={}", encode_xtext(auth))?;
        }
        match &self.hold {
            Some(Hold::For(secs)) => write!(f, " HOLDFOR={secs}"),
            Some(Hold::Until(date)) => write!(f, " HOLDUNTIL={date}"),
            None => Ok(()),
        }
    }
}

const BAD_SENDER: Reply = Reply::fixed(501, Enhanced(5, 1, 7), "Bad sender address syntax");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways() {
        for text in [
            "MAIL FROM:<>",
            "MAIL FROM:<a@b.test>",
            "MAIL FROM:<a@b.test> SIZE=10 BODY=8BITMIME RET=HDRS ENVID=x+2By",
            "MAIL FROM:<用@b.test> BODY=BINARYMIME SMTPUTF8 AUTH=<>",
            "MAIL FROM:<a@b.test> HOLDFOR=60",
            "MAIL FROM:<a@b.test> HOLDUNTIL=2027-10-01T00:00:00Z",
        ] {
            let mail = Mail::parse(text.strip_prefix("MAIL ").unwrap()).unwrap();
            assert_eq!(mail.to_string(), text);
        }
    }

    #[test]
    fn faults() {
        let check = |text, code: u16, enhanced| {
            let reply = Mail::parse(text).unwrap_err();
            assert_eq!((reply.code, reply.enhanced), (code, Some(enhanced)), "{text}");
        };
        check("", 501, Enhanced(5, 5, 2));
        check("TO:<a@b>", 501, Enhanced(5, 5, 2));
        check("FROM:a@b", 501, Enhanced(5, 1, 7));
        check("FROM:<a>", 501, Enhanced(5, 1, 7));
        check("FROM:<a@b> SIZE=x", 501, Enhanced(5, 5, 4));
        check("FROM:<a@b> SIZE=1 SIZE=2", 501, Enhanced(5, 5, 4));
        check("FROM:<a@b> BODY=9BIT", 501, Enhanced(5, 5, 4));
        check("FROM:<a@b> HOLDFOR=-1", 501, Enhanced(5, 5, 4));
        check("FROM:<a@b> HOLDFOR=1234567890", 501, Enhanced(5, 5, 4));
        check("FROM:<a@b> HOLDUNTIL=soon", 501, Enhanced(5, 5, 4));
        check(
            "FROM:<a@b> HOLDFOR=1 HOLDUNTIL=2027-10-01T00:00:00Z",
            501,
            Enhanced(5, 5, 4),
        );
        check("FROM:<a@b> FROB", 555, Enhanced(5, 5, 4));
        check("FROM:<\u{e9}@b>", 553, Enhanced(5, 6, 7));
        assert_eq!(
            Mail::parse("from: <a@b> size=99999999999999999999").unwrap().size,
            Some(u64::MAX)
        );
    }
}
