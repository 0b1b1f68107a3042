//! Search filters as they are written (RFC 4515) and sent (RFC 4511 §4.5.1.7).

use crate::ber::{BOOLEAN, Element, OCTETS, SEQUENCE, element, joined};
use crate::{Limits, Malformed};

/// Longest one that is taken, in octets.
const OCTETS_MAX: usize = 4_096;
/// How deep one may be nested.
const DEPTH_MAX: usize = 20;

/// What is wrong with a filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the filter is wrong: {0}")]
pub struct FilterError(String);

fn wrong(text: impl Into<String>) -> FilterError {
    FilterError(text.into())
}

/// Which entries are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// All hold; of none it is true (RFC 4526 §2).
    And(Vec<Filter>),
    /// One holds; of none it is false.
    Or(Vec<Filter>),
    /// It does not hold.
    Not(Box<Filter>),
    /// How a value of the attribute compares with this one.
    Compare(Comparison, String, Vec<u8>),
    /// The attribute is there.
    Present(String),
    /// What a value begins with, has in it, ends with.
    Substrings(String, Vec<u8>, Vec<Vec<u8>>, Vec<u8>),
    /// By a matching rule.
    Extensible {
        /// Its name; empty: that of equality.
        rule: String,
        /// Empty: of all attributes.
        attribute: String,
        /// What is asserted.
        value: Vec<u8>,
        /// Whether the parts of the entry's name count too.
        names: bool,
    },
    /// Of a kind that a later RFC has, by its tag; undefined for every entry.
    Unknown(u8),
}

/// How values compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// They are the same.
    Equal,
    /// The entry's is not before the asserted one.
    GreaterOrEqual,
    /// The entry's is not after it.
    LessOrEqual,
    /// They are about the same.
    Approximate,
}

impl Comparison {
    const ALL: [Self; 4] = [Self::Equal, Self::GreaterOrEqual, Self::LessOrEqual, Self::Approximate];

    fn tag(self) -> u8 {
        match self {
            Self::Equal => 0xa3,
            Self::GreaterOrEqual => 0xa5,
            Self::LessOrEqual => 0xa6,
            Self::Approximate => 0xa8,
        }
    }
}

/// Why a filter that was sent is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Untaken {
    /// It is none.
    Malformed,
    /// It is nested too deep.
    Deep,
    /// It has too many parts.
    Long,
}

impl From<Malformed> for Untaken {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

impl Filter {
    /// Reads one as it is written.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(text: &str) -> Result<Self, FilterError> {
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

    /// Reads one as it is sent, within limits.
    pub(crate) fn decode(sent: Element<'_>, limits: &Limits) -> Result<Self, Untaken> {
        let mut decoder = Decoder { limits, parts: 0 };
        decoder.filter(sent, 0)
    }

    /// As it is sent.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let all = |filters: &[Self]| filters.iter().map(Self::encode).collect::<Vec<_>>();
        let text = |text: &str| element(OCTETS, text.as_bytes());
        match self {
            Self::And(filters) => joined(0xa0, &all(filters)),
            Self::Or(filters) => joined(0xa1, &all(filters)),
            Self::Not(filter) => joined(0xa2, &[filter.encode()]),
            Self::Compare(tag, attribute, value) => joined(tag.tag(), &[text(attribute), element(OCTETS, value)]),
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
            Self::Unknown(tag) => element(*tag, &[]),
        }
    }
}

/// Reads what was sent.
struct Decoder<'l> {
    limits: &'l Limits,
    parts: usize,
}

impl Decoder<'_> {
    fn filter(&mut self, sent: Element<'_>, depth: usize) -> Result<Filter, Untaken> {
        self.parts += 1;
        if depth > self.limits.filter_depth_max {
            return Err(Untaken::Deep);
        }
        if self.parts > self.limits.filter_parts_max {
            return Err(Untaken::Long);
        }
        if let Some(comparison) = Comparison::ALL.into_iter().find(|known| known.tag() == sent.tag) {
            let mut parts = sent.inside();
            let attribute = parts.expect(OCTETS)?.text();
            let value = parts.expect(OCTETS)?.body.to_vec();
            return Ok(Filter::Compare(comparison, attribute, value));
        }
        Ok(match sent.tag {
            0xa0 => Filter::And(self.all(sent, depth)?),
            0xa1 => Filter::Or(self.all(sent, depth)?),
            0xa2 => {
                let inner = sent.inside().next()?.ok_or(Malformed)?;
                Filter::Not(Box::new(self.filter(inner, depth + 1)?))
            }
            0xa4 => self.substrings(sent)?,
            0x87 => Filter::Present(sent.text()),
            0xa9 => extensible_sent(sent)?,
            // RFC 4511 §4.5.1.7: what is not known is undefined. It must be of the class that filters have.
            other if other & 0xc0 == 0x80 => Filter::Unknown(other),
            _ => return Err(Untaken::Malformed),
        })
    }

    fn all(&mut self, sent: Element<'_>, depth: usize) -> Result<Vec<Filter>, Untaken> {
        let (mut filters, mut rest) = (Vec::new(), sent.inside());
        while let Some(inner) = rest.next()? {
            filters.push(self.filter(inner, depth + 1)?);
        }
        Ok(filters)
    }

    fn substrings(&mut self, sent: Element<'_>) -> Result<Filter, Untaken> {
        let mut parts = sent.inside();
        let attribute = parts.expect(OCTETS)?.text();
        let mut pieces = parts.expect(SEQUENCE)?.inside();
        let (mut begin, mut within, mut end) = (None, Vec::new(), None);
        while let Some(piece) = pieces.next()? {
            self.parts += 1;
            if self.parts > self.limits.filter_parts_max {
                return Err(Untaken::Long);
            }
            let value = piece.body.to_vec();
            match piece.tag {
                // RFC 4511 §4.5.1: at most one begins, and it is the first; at most one ends, and it is the last.
                0x80 if begin.is_none() && within.is_empty() && end.is_none() => begin = Some(value),
                0x81 if end.is_none() => within.push(value),
                0x82 if end.is_none() => end = Some(value),
                _ => return Err(Untaken::Malformed),
            }
        }
        if begin.is_none() && within.is_empty() && end.is_none() {
            return Err(Untaken::Malformed);
        }
        let (begin, end) = (begin.unwrap_or_default(), end.unwrap_or_default());
        Ok(Filter::Substrings(attribute, begin, within, end))
    }
}

fn extensible_sent(sent: Element<'_>) -> Result<Filter, Untaken> {
    let (mut rule, mut attribute, mut value, mut names) = (String::new(), String::new(), None, false);
    let mut parts = sent.inside();
    while let Some(part) = parts.next()? {
        match part.tag {
            0x81 => rule = part.text(),
            0x82 => attribute = part.text(),
            0x83 => value = Some(part.body.to_vec()),
            0x84 => names = part.truth()?,
            _ => return Err(Untaken::Malformed),
        }
    }
    let value = value.ok_or(Malformed)?;
    Ok(Filter::Extensible {
        rule,
        attribute,
        value,
        names,
    })
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
    for (sign, tag) in [
        ('>', Comparison::GreaterOrEqual),
        ('<', Comparison::LessOrEqual),
        ('~', Comparison::Approximate),
    ] {
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
        [value] => Ok(Filter::Compare(Comparison::Equal, attribute, value.clone())),
        [begin, within @ .., end] => {
            let within: Vec<_> = within.iter().filter(|part| !part.is_empty()).cloned().collect();
            if begin.is_empty() && within.is_empty() && end.is_empty() {
                return Err(wrong("asterisks have nothing between them"));
            }
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
            let filter = Filter::read(text).unwrap();
            let sent = filter.encode();
            assert_eq!(hex(&sent), expect, "{text}");
            let element = crate::ber::Reader(&sent).next().unwrap().unwrap();
            assert_eq!(Filter::decode(element, &Limits::default()), Ok(filter), "{text}");
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
            "(a=**)",
        ] {
            assert!(Filter::read(wrong).is_err(), "{wrong}");
        }
        let deep = "(!".repeat(22) + "(a=b)" + &")".repeat(22);
        assert!(Filter::read(&deep).is_err());
        assert!(Filter::read(&format!("(a={})", "b".repeat(5_000))).is_err());
    }

    #[test]
    fn sent_filters_are_bounded() {
        let limits = Limits {
            filter_depth_max: 3,
            filter_parts_max: 6,
            ..Limits::default()
        };
        let check = |filter: &Filter, expect: Option<Untaken>| {
            let sent = filter.encode();
            let element = crate::ber::Reader(&sent).next().unwrap().unwrap();
            assert_eq!(Filter::decode(element, &limits).err(), expect, "{filter:?}");
        };
        let present = || Filter::Present("a".to_owned());
        let deep = |depth: usize| (0..depth).fold(present(), |inner, _| Filter::Not(Box::new(inner)));
        check(&deep(3), None);
        check(&deep(4), Some(Untaken::Deep));
        check(&Filter::Or(vec![present(); 5]), None);
        check(&Filter::Or(vec![present(); 6]), Some(Untaken::Long));
        check(&Filter::Or(Vec::new()), None);
        let pieces =
            |count: usize| Filter::Substrings("a".to_owned(), Vec::new(), vec![b"x".to_vec(); count], Vec::new());
        check(&pieces(5), None);
        check(&pieces(6), Some(Untaken::Long));
        check(&pieces(0), Some(Untaken::Malformed));
        check(&Filter::Unknown(0xaf), None);
        for wrong in [
            &b"\x04\x00"[..],
            b"\xa2\x00",
            b"\xa3\x03\x04\x01a",
            b"\xa4\x0b\x04\x01a\x30\x06\x82\x01x\x81\x01y",
            b"\xa9\x03\x82\x01a",
        ] {
            let element = crate::ber::Reader(wrong).next().unwrap().unwrap();
            assert_eq!(Filter::decode(element, &limits), Err(Untaken::Malformed), "{wrong:?}");
        }
    }
}
