//! RCPT (RFC 5321 §4.1.1.3) with NOTIFY and ORCPT (RFC 3461 §4.1, §4.2, RFC 6533 §3).
//!
//! `rcpt = "RCPT TO:" ( "<Postmaster>" / Forward-path ) [SP Rcpt-parameters] CRLF`

use std::fmt;

use super::mail::once;
use super::{BAD_ARGUMENT, SYNTAX, UNKNOWN_PARAMETER};
use crate::Enhanced;
use crate::mailbox::{ForwardPath, Mailbox, bracketed};
use crate::parameter::{decode_address, encode_xtext, parameters};
use crate::reply::Reply;

/// When to report about a recipient. All false is `NEVER`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Notify {
    /// On delivery.
    pub success: bool,
    /// On failure.
    pub failure: bool,
    /// On delay.
    pub delay: bool,
}

/// Whom the sender wrote to at first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginalRecipient {
    /// `rfc822` or `utf-8`.
    pub address_type: String,
    /// The address, decoded.
    pub address: String,
}

/// Adds a recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rcpt {
    /// To whom.
    pub path: ForwardPath,
    /// When to report; `None` leaves it to the server (failure, and perhaps delay).
    pub notify: Option<Notify>,
    /// Whom the sender meant.
    pub orcpt: Option<OriginalRecipient>,
}

impl Rcpt {
    /// A recipient without parameters.
    #[must_use]
    pub fn to(mailbox: Mailbox) -> Self {
        Self {
            path: ForwardPath::Mailbox(mailbox),
            notify: None,
            orcpt: None,
        }
    }

    pub(super) fn parse(argument: &str) -> Result<Self, Reply> {
        let path = argument
            .get(..3)
            .filter(|to| to.eq_ignore_ascii_case("TO:"))
            .and_then(|_| argument.get(3..))
            .ok_or(SYNTAX)?;
        let (path, rest) = bracketed(path.trim_start_matches(' ')).ok_or(BAD_RECIPIENT)?;
        let path = if path.eq_ignore_ascii_case("postmaster") {
            ForwardPath::Postmaster
        } else {
            ForwardPath::Mailbox(Mailbox::parse(path).ok_or(BAD_RECIPIENT)?)
        };
        let mut rcpt = Self {
            path,
            notify: None,
            orcpt: None,
        };
        for parameter in parameters(rest) {
            let (keyword, value) = parameter.map_err(|()| BAD_ARGUMENT)?;
            if keyword.eq_ignore_ascii_case("NOTIFY") {
                once(&mut rcpt.notify, value.and_then(Notify::parse).ok_or(BAD_ARGUMENT)?)?;
            } else if keyword.eq_ignore_ascii_case("ORCPT") {
                let orcpt = value.and_then(OriginalRecipient::parse).ok_or(BAD_ARGUMENT)?;
                once(&mut rcpt.orcpt, orcpt)?;
            } else {
                return Err(UNKNOWN_PARAMETER);
            }
        }
        Ok(rcpt)
    }
}

impl Notify {
    fn parse(value: &str) -> Option<Self> {
        let mut notify = Self::default();
        if value.eq_ignore_ascii_case("NEVER") {
            return Some(notify);
        }
        for word in value.split(',') {
            if word.eq_ignore_ascii_case("SUCCESS") {
                notify.success = true;
            } else if word.eq_ignore_ascii_case("FAILURE") {
                notify.failure = true;
            } else if word.eq_ignore_ascii_case("DELAY") {
                notify.delay = true;
            } else {
                return None;
            }
        }
        Some(notify)
    }
}

impl OriginalRecipient {
    fn parse(value: &str) -> Option<Self> {
        // RFC 3461 §4.2: at most 500 characters.
        let (address_type, address) = value.split_once(';').filter(|_| value.len() <= 500)?;
        let fine = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if address_type.is_empty() || !address_type.bytes().all(fine) {
            return None;
        }
        Some(Self {
            address_type: address_type.to_owned(),
            address: decode_address(address_type, address).filter(|address| !address.is_empty())?,
        })
    }
}

impl fmt::Display for Notify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = [
            (self.success, "SUCCESS"),
            (self.failure, "FAILURE"),
            (self.delay, "DELAY"),
        ];
        let words: Vec<_> = words.into_iter().filter_map(|(on, word)| on.then_some(word)).collect();
        f.write_str(&if words.is_empty() {
            "NEVER".to_owned()
        } else {
            words.join(",")
        })
    }
}

impl fmt::Display for Rcpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RCPT TO:<{}>", self.path)?;
        if let Some(notify) = self.notify {
            write!(f, " NOTIFY={notify}")?;
        }
        match &self.orcpt {
            // RFC 6533 §3: the utf-8 type travels as it is under SMTPUTF8, but for what would end the parameter.
            Some(orcpt) if orcpt.address_type.eq_ignore_ascii_case("utf-8") => {
                let address = orcpt
                    .address
                    .replace('\\', "\\x{5C}")
                    .replace('+', "\\x{2B}")
                    .replace('=', "\\x{3D}")
                    .replace(' ', "\\x{20}");
                write!(f, " ORCPT={};{address}", orcpt.address_type)
            }
            Some(orcpt) => write!(f, " ORCPT={};{}", orcpt.address_type, encode_xtext(&orcpt.address)),
            None => Ok(()),
        }
    }
}

const BAD_RECIPIENT: Reply = Reply::fixed(501, Enhanced(5, 1, 3), "Bad recipient address syntax");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways() {
        for text in [
            "RCPT TO:<Postmaster>",
            "RCPT TO:<a@b.test>",
            "RCPT TO:<a@b.test> NOTIFY=NEVER",
            "RCPT TO:<a@b.test> NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;a+2Bc@b.test",
            "RCPT TO:<用@b.test> ORCPT=utf-8;用\\x{2B}@b.test",
        ] {
            let rcpt = Rcpt::parse(text.strip_prefix("RCPT ").unwrap()).unwrap();
            assert_eq!(rcpt.to_string(), text);
        }
    }

    #[test]
    fn faults() {
        let check = |text, code: u16, enhanced| {
            let reply = Rcpt::parse(text).unwrap_err();
            assert_eq!((reply.code, reply.enhanced), (code, Some(enhanced)), "{text}");
        };
        check("TO:<>", 501, Enhanced(5, 1, 3));
        check("TO:<a>", 501, Enhanced(5, 1, 3));
        check("FROM:<a@b>", 501, Enhanced(5, 5, 2));
        check("TO:<a@b> NOTIFY=NEVER,DELAY", 501, Enhanced(5, 5, 4));
        check("TO:<a@b> ORCPT=a@b", 501, Enhanced(5, 5, 4));
        check("TO:<a@b> SIZE=1", 555, Enhanced(5, 5, 4));
    }
}
