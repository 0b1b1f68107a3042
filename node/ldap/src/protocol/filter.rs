//! Search filters as they are written (RFC 4515) and sent (RFC 4511 §4.5.1.7).

use super::ber::{BOOLEAN, OCTETS, SEQUENCE, element, joined};

/// Longest one that is taken, in octets.
const OCTETS_MAX: usize = 4_096;
/// How deep one may be nested.
const DEPTH_MAX: usize = 20;

/// What is wrong with a filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the filter is wrong: {0}")]
pub(crate) struct FilterError(String);

fn wrong(text: impl Into<String>) -> FilterError {
    FilterError(text.into())
}

/// Which entries are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Filter {
    And(Vec<Filter>),
    Or(Vec<Filter>),
    Not(Box<Filter>),
    /// By a tag of equality, greater, less or approximate.
    Compare(u8, String, Vec<u8>),
    Present(String),
    /// What a value begins with, has in it, ends with.
    Substrings(String, Vec<u8>, Vec<Vec<u8>>, Vec<u8>),
    /// By a matching rule.
    Extensible {
        rule: String,
        attribute: String,
        value: Vec<u8>,
        names: bool,
    },
}

const EQUAL: u8 = 0xa3;

impl Filter {
    /// Reads one.
    pub(crate) fn read(text: &str) -> Result<Self, FilterError> {
        if text.len() > OCTETS_MAX {
            return Err(wrong(format!("it has more than {OCTETS_MAX} octets")));
        }
        let (filter, rest) = filter(text.trim(), 0)?;
        match rest.trim() {
            "" => Ok(filter),
            rest => Err(wrong(format!(
                "nothing follows the last parenthesis, but there is {rest:?}"
            ))),
        }
    }

    /// As it is sent.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let all = |filters: &[Self]| filters.iter().map(Self::encode).collect::<Vec<_>>();
        let text = |text: &str| element(OCTETS, text.as_bytes());
        match self {
            Self::And(filters) => joined(0xa0, &all(filters)),
            Self::Or(filters) => joined(0xa1, &all(filters)),
            Self::Not(filter) => joined(0xa2, &[filter.encode()]),
            Self::Compare(tag, attribute, value) => joined(*tag, &[text(attribute), element(OCTETS, value)]),
            Self::Present(attribute) => element(0x87, attribute.as_bytes()),
            Self::Substrings(attribute, begin, within, end) => {
                let mut parts = Vec::new();
                if !begin.is_empty() {
                    parts.push(element(0x80, begin));
                }
                parts.extend(within.iter().map(|part| element(0x81, part)));
                if !end.is_empty() {
                    parts.push(element(0x82, end));
                }
                joined(0xa4, &[text(attribute), joined(SEQUENCE, &parts)])
            }
            Self::Extensible {
                rule,
                attribute,
                value,
                names,
            } => {
                let mut parts = Vec::new();
                if !rule.is_empty() {
                    parts.push(element(0x81, rule.as_bytes()));
                }
                if !attribute.is_empty() {
                    parts.push(element(0x82, attribute.as_bytes()));
                }
                parts.push(element(0x83, value));
                if *names {
                    // DEFAULT FALSE, so only the other is written.
                    let mut said = element(BOOLEAN, &[255]);
                    if let Some(tag) = said.first_mut() {
                        *tag = 0x84;
                    }
                    parts.push(said);
                }
                joined(0xa9, &parts)
            }
        }
    }
}

/// A filter in its parentheses, and what follows.
fn filter(text: &str, depth: usize) -> Result<(Filter, &str), FilterError> {
    if depth > DEPTH_MAX {
        return Err(wrong(format!("it is nested more than {DEPTH_MAX} deep")));
    }
    let rest = text
        .strip_prefix('(')
        .ok_or_else(|| wrong(format!("a parenthesis is expected before {text:?}")))?;
    let (filter, rest) = match rest.chars().next() {
        Some('&') => list(rest.trim_start_matches('&'), depth).map(|(all, rest)| (Filter::And(all), rest))?,
        Some('|') => list(rest.trim_start_matches('|'), depth).map(|(all, rest)| (Filter::Or(all), rest))?,
        Some('!') => {
            let (inner, rest) = self::filter(rest.trim_start_matches('!').trim_start(), depth + 1)?;
            (Filter::Not(Box::new(inner)), rest.trim_start())
        }
        _ => {
            let end = rest.find([')', '(']).unwrap_or(rest.len());
            let (item, rest) = rest.split_at(end);
            (self::item(item)?, rest)
        }
    };
    let rest = rest
        .strip_prefix(')')
        .ok_or_else(|| wrong("a parenthesis is not closed"))?;
    Ok((filter, rest))
}

fn list(text: &str, depth: usize) -> Result<(Vec<Filter>, &str), FilterError> {
    let (mut filters, mut rest) = (Vec::new(), text.trim_start());
    while rest.starts_with('(') {
        let (filter, after) = filter(rest, depth + 1)?;
        filters.push(filter);
        rest = after.trim_start();
    }
    if filters.is_empty() {
        return Err(wrong("& and | have at least one filter within"));
    }
    Ok((filters, rest))
}

fn is_attribute(name: &str) -> bool {
    let is_part = |octet: u8| octet.is_ascii_alphanumeric() || b"-.;_".contains(&octet);
    !name.is_empty() && name.bytes().all(is_part)
}

fn item(text: &str) -> Result<Filter, FilterError> {
    let (left, value) = text
        .split_once('=')
        .ok_or_else(|| wrong(format!("{text:?} has no equals sign")))?;
    let named = |name: &str| match is_attribute(name.trim()) {
        true => Ok(name.trim().to_owned()),
        false => Err(wrong(format!("{name:?} is no attribute"))),
    };
    for (sign, tag) in [('>', 0xa5), ('<', 0xa6), ('~', 0xa8)] {
        if let Some(name) = left.strip_suffix(sign) {
            return Ok(Filter::Compare(tag, named(name)?, unescape(value)?));
        }
    }
    if let Some(left) = left.strip_suffix(':') {
        return extensible(left, value);
    }
    let attribute = named(left)?;
    if value == "*" {
        return Ok(Filter::Present(attribute));
    }
    let parts = value.split('*').map(unescape).collect::<Result<Vec<_>, _>>()?;
    match parts.as_slice() {
        [] => Err(wrong("a value is missing")),
        [value] => Ok(Filter::Compare(EQUAL, attribute, value.clone())),
        [begin, within @ .., end] => {
            let within = within.iter().filter(|part| !part.is_empty()).cloned().collect();
            Ok(Filter::Substrings(attribute, begin.clone(), within, end.clone()))
        }
    }
}

/// `attribute:dn:rule:=value` (RFC 4515 §3), each part but the value may be missing.
fn extensible(left: &str, value: &str) -> Result<Filter, FilterError> {
    let mut parts = left.split(':');
    let attribute = parts.next().unwrap_or_default().trim().to_owned();
    let (mut names, mut rule) = (false, String::new());
    for part in parts {
        match part {
            part if part.eq_ignore_ascii_case("dn") && !names && rule.is_empty() => names = true,
            part if rule.is_empty() && is_attribute(part) => rule = part.to_owned(),
            part => return Err(wrong(format!("{part:?} is no matching rule"))),
        }
    }
    if (attribute.is_empty() && rule.is_empty()) || !(attribute.is_empty() || is_attribute(&attribute)) {
        return Err(wrong(format!("{left:?} names neither attribute nor matching rule")));
    }
    Ok(Filter::Extensible {
        rule,
        attribute,
        value: unescape(value)?,
        names,
    })
}

/// `\` and two digits stand for an octet (RFC 4515 §3).
fn unescape(text: &str) -> Result<Vec<u8>, FilterError> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(octet) = rest.next() {
        if octet != b'\\' {
            octets.push(octet);
            continue;
        }
        let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16));
        let (Some(high), Some(low)) = (digit(), digit()) else {
            return Err(wrong("after \\ come two hexadecimal digits"));
        };
        octets.extend(u8::try_from(high * 16 + low));
    }
    Ok(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(octets: &[u8]) -> String {
        octets.iter().map(|octet| format!("{octet:02x}")).collect()
    }

    #[test]
    fn filters_are_read_and_written() {
        let check = |text: &str, expect: &str| {
            assert_eq!(hex(&Filter::read(text).unwrap().encode()), expect, "{text}");
        };
        check("(a=b)", "a306040161040162");
        check(" (a=*) ", "870161");
        check("(a>=1)", "a506040161040131");
        check("(a<=1)", "a606040161040131");
        check("(a~=1)", "a806040161040131");
        check("(!(a=b))", "a208a306040161040162");
        check("(&(a=b)(c=*))", "a00ba306040161040162870163");
        check("(| (a=b) (c=*) )", "a10ba306040161040162870163");
        check("(a=x*y*z)", "a40e040161300980017881017982017a");
        check("(a=*y*)", "a4080401613003810179");
        check("(a=\\2a\\00)", "a30704016104022a00");
        check(
            "(userAccountControl:1.2.840.113556.1.4.803:=2)",
            &format!(
                "a92f8116{}8212{}830132",
                hex(b"1.2.840.113556.1.4.803"),
                hex(b"userAccountControl")
            ),
        );
        check("(o:dn:=x)", "a90982016f8301788401ff");
    }

    #[test]
    fn filters_that_are_none_are_refused() {
        for wrong in [
            "",
            "a=b",
            "(a=b",
            "(a)",
            "()",
            "(&)",
            "(a=b))",
            "(a b=c)",
            "(=b)",
            "(a=\\2)",
            "(a=\\zz)",
            "(:=x)",
            "(a:b:c:=x)",
            "(a=(b))",
        ] {
            assert!(Filter::read(wrong).is_err(), "{wrong}");
        }
        let deep = "(!".repeat(22) + "(a=b)" + &")".repeat(22);
        assert!(Filter::read(&deep).is_err());
        assert!(Filter::read(&format!("(a={})", "b".repeat(5_000))).is_err());
    }
}
