//! The commands, one file each: grammar, parse and write. Server and client share them.
//! A line that cannot be parsed gives the reply that says why.

mod auth;
mod bdat;
mod ehlo;
mod mail;
mod rcpt;
mod simple;

pub use auth::Auth;
pub(crate) use auth::{BAD_BASE64, UNKNOWN_MECHANISM};
pub use bdat::Bdat;
pub use ehlo::{Hello, HelloKind};
pub use mail::{Body, Hold, Mail, Return};
pub use rcpt::{Notify, OriginalRecipient, Rcpt};
pub(crate) use simple::no_argument;

use crate::Enhanced;
use crate::reply::Reply;

/// A command line, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Line {
    Hello(Hello),
    Mail(Mail),
    Rcpt(Rcpt),
    Data,
    Bdat(Bdat),
    Rset,
    Vrfy(String),
    Expn(String),
    Help,
    Noop,
    Quit,
    StartTls,
    Auth(Auth),
}

impl Line {
    /// Parses a line without its CRLF.
    pub(crate) fn parse(line: &[u8]) -> Result<Self, Reply> {
        let Ok(line) = std::str::from_utf8(line) else {
            return Err(NOT_UTF8);
        };
        if line.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t') {
            return Err(CONTROL);
        }
        let line = line.trim_end_matches([' ', '\t']);
        let (verb, argument) = line.split_once(' ').unwrap_or((line, ""));
        let argument = argument.trim_start_matches(' ');
        let is = |name: &str| verb.eq_ignore_ascii_case(name);
        // The frequent ones first.
        if is("RCPT") {
            Rcpt::parse(argument).map(Self::Rcpt)
        } else if is("MAIL") {
            Mail::parse(argument).map(Self::Mail)
        } else if is("DATA") {
            no_argument(argument, Self::Data)
        } else if is("BDAT") {
            Bdat::parse(argument).map(Self::Bdat)
        } else if is("EHLO") {
            Hello::parse(HelloKind::Ehlo, argument).map(Self::Hello)
        } else if is("HELO") {
            Hello::parse(HelloKind::Helo, argument).map(Self::Hello)
        } else if is("LHLO") {
            Hello::parse(HelloKind::Lhlo, argument).map(Self::Hello)
        } else if is("RSET") {
            no_argument(argument, Self::Rset)
        } else if is("QUIT") {
            no_argument(argument, Self::Quit)
        } else if is("NOOP") {
            Ok(Self::Noop)
        } else if is("HELP") {
            Ok(Self::Help)
        } else if is("STARTTLS") {
            no_argument(argument, Self::StartTls)
        } else if is("AUTH") {
            Auth::parse(argument).map(Self::Auth)
        } else if is("VRFY") {
            simple::text(argument).map(Self::Vrfy)
        } else if is("EXPN") {
            simple::text(argument).map(Self::Expn)
        } else {
            Err(UNKNOWN)
        }
    }
}

const UNKNOWN: Reply = Reply::fixed(500, Enhanced(5, 5, 2), "Command unknown");
const NOT_UTF8: Reply = Reply::fixed(500, Enhanced(5, 5, 2), "Command is not UTF-8");
const CONTROL: Reply = Reply::fixed(500, Enhanced(5, 5, 2), "Command holds a control character");
pub(crate) const SYNTAX: Reply = Reply::fixed(501, Enhanced(5, 5, 2), "Syntax error in command");
pub(crate) const BAD_ARGUMENT: Reply = Reply::fixed(501, Enhanced(5, 5, 4), "Syntax error in parameters");
pub(crate) const UNKNOWN_PARAMETER: Reply = Reply::fixed(555, Enhanced(5, 5, 4), "Parameter not recognised");
pub(crate) const NEEDS_SMTPUTF8: Reply = Reply::fixed(
    553,
    Enhanced(5, 6, 7),
    "Non-ASCII address without the SMTPUTF8 parameter",
);
