//! The server's side of requests (RFC 4511 §4): octets to values, within limits.

use hongyan_sasl::Secret;

use crate::ber::{BOOLEAN, ENUMERATED, Element, INTEGER, OCTETS, Reader, SEQUENCE};
use crate::filter::Untaken;
use crate::{Filter, Limits, MANAGE_DSA_IT, Malformed, PAGED, ResultCode};

/// Controls of a message.
const CONTROLS: u8 = 0xa0;

/// Which entries a search looks at (RFC 4511 §4.5.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The base itself.
    Base,
    /// What is just below it.
    One,
    /// The base and all below it.
    Sub,
}

/// What is looked for (RFC 4511 §4.5.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// The name where it begins.
    pub base: String,
    /// How far it goes.
    pub scope: Scope,
    /// Entries that are wanted at most; 0 is no limit.
    pub size_limit: u32,
    /// Seconds it may take at most; 0 is no limit.
    pub time_limit_secs: u32,
    /// Attributes without their values.
    pub types_only: bool,
    /// What holds of the entries.
    pub filter: Filter,
    /// Which attributes are wanted; none is all.
    pub attributes: Vec<String>,
    /// Page by page (RFC 2696).
    pub page: Option<PageRequest>,
}

/// Which page is wanted (RFC 2696 §2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// Entries of a page; 0 with a cookie gives the search up.
    pub size: u32,
    /// Where the last page ended; empty for the first.
    pub cookie: Vec<u8>,
}

/// Whether an entry has a value (RFC 4511 §4.10).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compare {
    /// Its name.
    pub name: String,
    /// Which attribute.
    pub attribute: String,
    /// The value.
    pub value: Vec<u8>,
}

/// How a bind proves who it is (RFC 4511 §4.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Proof {
    /// A password; none when it is not UTF-8, so that nobody can have it.
    Simple(Option<Secret>),
    /// A mechanism and what the client begins with.
    Sasl(String, Option<Vec<u8>>),
    /// Another way.
    Other,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Operation {
    Bind {
        version: u32,
        name: String,
        proof: Proof,
    },
    Unbind,
    Search(Search),
    Compare(Compare),
    Abandon(u32),
    Extended(String),
    /// Modify, add, delete, or modify the name.
    Update,
}

/// Why a request is not looked at further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) code: ResultCode,
    pub(crate) text: &'static str,
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) id: u32,
    /// The tag of what answers it; none where nothing does.
    pub(crate) answer: Option<u8>,
    pub(crate) operation: Result<Operation, Refused>,
}

const fn refused(code: ResultCode, text: &'static str) -> Refused {
    Refused { code, text }
}

/// What the tag of a request is answered with.
fn answer_to(tag: u8) -> Result<Option<u8>, Malformed> {
    Ok(match tag {
        0x60 => Some(0x61),
        0x63 => Some(0x65),
        0x66 => Some(0x67),
        0x68 => Some(0x69),
        0x4a => Some(0x6b),
        0x6c => Some(0x6d),
        0x6e => Some(0x6f),
        0x77 => Some(0x78),
        0x42 | 0x50 => None,
        _ => return Err(Malformed),
    })
}

impl Request {
    /// Reads a whole message.
    pub(crate) fn read(octets: &[u8], limits: &Limits) -> Result<Self, Malformed> {
        let mut reader = Reader(octets).expect(SEQUENCE)?.inside();
        let id = integer(reader.expect(INTEGER)?)?;
        // RFC 4511 §4.1.1.1: 0 is for what nobody asked for.
        if id == 0 {
            return Err(Malformed);
        }
        let element = reader.next()?.ok_or(Malformed)?;
        let answer = answer_to(element.tag)?;
        let mut page = None;
        let mut unknown = false;
        if let Some(rest) = reader.next()? {
            if rest.tag != CONTROLS {
                return Err(Malformed);
            }
            (page, unknown) = controls(rest.inside(), element.tag)?;
        }
        let operation = match read(element, page, limits)? {
            // RFC 4511 §4.1.11: what has no answer cannot be refused.
            Ok(_) if unknown && answer.is_some() => Err(refused(
                ResultCode::UNAVAILABLE_CRITICAL_EXTENSION,
                "a critical control is not known here",
            )),
            read => read,
        };
        Ok(Self { id, answer, operation })
    }
}

/// A number of the protocol: RFC 4511 §4.1.1.1 has 2147483647 for the largest.
fn integer(element: Element<'_>) -> Result<u32, Malformed> {
    element
        .number()
        .ok()
        .filter(|number| *number <= 0x7fff_ffff)
        .ok_or(Malformed)
}

/// The page that is asked for, and whether something critical is not known.
fn controls(mut controls: Reader<'_>, tag: u8) -> Result<(Option<PageRequest>, bool), Malformed> {
    let (mut page, mut unknown) = (None, false);
    while let Some(control) = controls.next()? {
        if control.tag != SEQUENCE {
            return Err(Malformed);
        }
        let mut parts = control.inside();
        let kind = parts.expect(OCTETS)?.body;
        let (mut is_critical, mut value) = (false, None);
        while let Some(part) = parts.next()? {
            match part.tag {
                BOOLEAN => is_critical = part.truth()?,
                OCTETS => value = Some(part),
                _ => return Err(Malformed),
            }
        }
        if kind == PAGED.as_bytes() && tag == 0x63 {
            let mut parts = value.ok_or(Malformed)?.inside().expect(SEQUENCE)?.inside();
            page = Some(PageRequest {
                size: integer(parts.expect(INTEGER)?)?,
                cookie: parts.expect(OCTETS)?.body.to_vec(),
            });
        } else if kind != MANAGE_DSA_IT.as_bytes() {
            unknown |= is_critical;
        }
    }
    Ok((page, unknown))
}

type Read = Result<Operation, Refused>;

fn read(element: Element<'_>, page: Option<PageRequest>, limits: &Limits) -> Result<Read, Malformed> {
    let mut parts = element.inside();
    Ok(match element.tag {
        0x60 => Ok(bind(parts)?),
        0x42 => Ok(Operation::Unbind),
        0x63 => search(parts, page, limits)?,
        0x6e => {
            let name = text(parts.expect(OCTETS)?)?;
            let mut assertion = parts.expect(SEQUENCE)?.inside();
            Ok(Operation::Compare(Compare {
                name,
                attribute: assertion.expect(OCTETS)?.text(),
                value: assertion.expect(OCTETS)?.body.to_vec(),
            }))
        }
        0x50 => Ok(Operation::Abandon(element.number()?)),
        0x77 => Ok(Operation::Extended(parts.expect(0x80)?.text())),
        _ => Ok(Operation::Update),
    })
}

/// A name: RFC 4511 §4.1.3 has them in UTF-8.
fn text(element: Element<'_>) -> Result<String, Malformed> {
    let text = std::str::from_utf8(element.body).map_err(|_| Malformed)?;
    Ok(text.to_owned())
}

fn bind(mut parts: Reader<'_>) -> Result<Operation, Malformed> {
    let version = integer(parts.expect(INTEGER)?)?;
    let name = text(parts.expect(OCTETS)?)?;
    let proof = parts.next()?.ok_or(Malformed)?;
    let proof = match proof.tag {
        0x80 => Proof::Simple(std::str::from_utf8(proof.body).ok().map(Secret::new)),
        0xa3 => {
            let mut sasl = proof.inside();
            let mechanism = sasl.expect(OCTETS)?.text();
            let initial = match sasl.next()? {
                Some(initial) if initial.tag == OCTETS => Some(initial.body.to_vec()),
                Some(_) => return Err(Malformed),
                None => None,
            };
            Proof::Sasl(mechanism, initial)
        }
        _ => Proof::Other,
    };
    Ok(Operation::Bind { version, name, proof })
}

fn search(mut parts: Reader<'_>, page: Option<PageRequest>, limits: &Limits) -> Result<Read, Malformed> {
    let base = text(parts.expect(OCTETS)?)?;
    let scope = parts.expect(ENUMERATED)?.number()?;
    // How aliases are followed: there are none.
    let aliases = parts.expect(ENUMERATED)?.number()?;
    let size_limit = integer(parts.expect(INTEGER)?)?;
    let time_limit_secs = integer(parts.expect(INTEGER)?)?;
    let types_only = parts.expect(BOOLEAN)?.truth()?;
    let filter = Filter::decode(parts.next()?.ok_or(Malformed)?, limits);
    let mut selection = parts.expect(SEQUENCE)?.inside();
    let mut attributes = Vec::new();
    while let Some(attribute) = selection.next()? {
        if attribute.tag != OCTETS {
            return Err(Malformed);
        }
        attributes.push(attribute.text());
    }
    let too_much = |text| Err(refused(ResultCode::ADMIN_LIMIT_EXCEEDED, text));
    let filter = match filter {
        Ok(filter) => filter,
        Err(Untaken::Malformed) => return Err(Malformed),
        Err(Untaken::Deep) => return Ok(too_much("the filter is nested too deep")),
        Err(Untaken::Long) => return Ok(too_much("the filter has too many parts")),
    };
    let scope = match scope {
        0 => Scope::Base,
        1 => Scope::One,
        2 => Scope::Sub,
        _ => return Ok(Err(refused(ResultCode::PROTOCOL_ERROR, "there is no such scope"))),
    };
    if aliases > 3 {
        return Ok(Err(refused(
            ResultCode::PROTOCOL_ERROR,
            "there is no such way to follow aliases",
        )));
    }
    Ok(Ok(Operation::Search(Search {
        base,
        scope,
        size_limit,
        time_limit_secs,
        types_only,
        filter,
        attributes,
        page,
    })))
}
