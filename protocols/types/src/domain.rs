//! Mail domains: DNS names kept as lower-case A-labels, and address literals (RFC 5321 §4.1.2, §4.1.3, RFC 6531 §3.3).
//!
//! A domain is compared by its stored form, so `Bücher.Example` and `xn--bcher-kva.example` are one domain.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The longest domain in octets of its A-label form (RFC 5321 §4.5.3.1.2).
pub const DOMAIN_OCTETS_MAX: usize = 255;
/// The longest label of a domain (RFC 1035 §2.3.4).
pub const LABEL_OCTETS_MAX: usize = 63;

/// Why a text is no domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DomainError {
    /// Nothing there.
    #[error("the domain is empty")]
    Empty,
    /// Longer than [`DOMAIN_OCTETS_MAX`], or a label longer than [`LABEL_OCTETS_MAX`].
    #[error("the domain or one of its labels is too long")]
    TooLong,
    /// A character or a label that no domain may have.
    #[error("the domain is malformed")]
    Malformed,
    /// `[...]` without a valid IP address in it.
    #[error("the address literal is malformed")]
    Literal,
}

/// A domain name as lower-case A-labels without a final dot, or an address literal in canonical form.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Domain(Box<str>);

impl Domain {
    /// The A-label form, or the literal with its brackets.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form people read: U-labels where the name has any.
    #[must_use]
    pub fn to_unicode(&self) -> String {
        if self.is_literal() || !self.0.contains("xn--") {
            return self.0.to_string();
        }
        let (text, outcome) = idna::domain_to_unicode(&self.0);
        if outcome.is_ok() { text } else { self.0.to_string() }
    }

    /// Whether this is an address literal such as `[192.0.2.1]`.
    #[must_use]
    pub fn is_literal(&self) -> bool {
        self.0.starts_with('[')
    }

    /// The address of an address literal.
    #[must_use]
    pub fn literal_address(&self) -> Option<IpAddr> {
        let inner = self.0.strip_prefix('[')?.strip_suffix(']')?;
        match inner.strip_prefix("IPv6:") {
            Some(text) => text.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
            None => inner.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
        }
    }

    /// The literal of `address` (RFC 5321 §4.1.3).
    #[must_use]
    pub fn literal(address: IpAddr) -> Self {
        Self(
            match address {
                IpAddr::V4(address) => format!("[{address}]"),
                IpAddr::V6(address) => format!("[IPv6:{address}]"),
            }
            .into(),
        )
    }

    fn literal_from(inner: &str) -> Result<Self, DomainError> {
        let has_tag = inner.get(..5).is_some_and(|tag| tag.eq_ignore_ascii_case("IPv6:"));
        let address = if has_tag {
            inner
                .get(5..)
                .and_then(|text| text.parse::<Ipv6Addr>().ok())
                .map(IpAddr::V6)
        } else {
            inner.parse::<Ipv4Addr>().ok().map(IpAddr::V4)
        };
        address.map(Self::literal).ok_or(DomainError::Literal)
    }
}

fn check_labels(name: &str) -> Result<(), DomainError> {
    if name.len() > DOMAIN_OCTETS_MAX {
        return Err(DomainError::TooLong);
    }
    for label in name.split('.') {
        if label.len() > LABEL_OCTETS_MAX {
            return Err(DomainError::TooLong);
        }
        // Departs from RFC 5321 §4.1.2 for underscores, which hosts of real senders have.
        let well_formed = !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if !well_formed {
            return Err(DomainError::Malformed);
        }
    }
    Ok(())
}

impl TryFrom<&str> for Domain {
    type Error = DomainError;

    fn try_from(text: &str) -> Result<Self, DomainError> {
        if text.is_empty() {
            return Err(DomainError::Empty);
        }
        if let Some(rest) = text.strip_prefix('[') {
            return Self::literal_from(rest.strip_suffix(']').ok_or(DomainError::Literal)?);
        }
        // A label of Unicode never shrinks to nothing: this bounds the work of UTS #46.
        if text.len() > DOMAIN_OCTETS_MAX * 4 {
            return Err(DomainError::TooLong);
        }
        let lower = text.to_ascii_lowercase();
        let name = if lower.is_ascii() && !lower.contains("xn--") {
            lower
        } else {
            idna::domain_to_ascii(&lower).map_err(|_| DomainError::Malformed)?
        };
        check_labels(&name)?;
        Ok(Self(name.into()))
    }
}

impl TryFrom<String> for Domain {
    type Error = DomainError;
    fn try_from(text: String) -> Result<Self, DomainError> {
        Self::try_from(text.as_str())
    }
}

impl std::str::FromStr for Domain {
    type Err = DomainError;
    fn from_str(text: &str) -> Result<Self, DomainError> {
        Self::try_from(text)
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for Domain {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: &str, expect: Result<&str, DomainError>) {
        let got = Domain::try_from(input);
        assert_eq!(got.as_ref().map(Domain::as_str), expect.as_ref().map(|e| *e), "{input}");
    }

    #[test]
    fn normalises_names_and_literals() {
        check("Example.TEST", Ok("example.test"));
        check("Bücher.Example", Ok("xn--bcher-kva.example"));
        check("xn--BCHER-kva.example", Ok("xn--bcher-kva.example"));
        check("例子。测试", Ok("xn--fsqu00a.xn--0zwm56d"));
        check("localhost", Ok("localhost"));
        check("a_b.example", Ok("a_b.example"));
        check("[192.0.2.1]", Ok("[192.0.2.1]"));
        check("[ipv6:2001:DB8::1]", Ok("[IPv6:2001:db8::1]"));
    }

    #[test]
    fn refuses_what_is_no_domain() {
        check("", Err(DomainError::Empty));
        check("a..b", Err(DomainError::Malformed));
        check("a.", Err(DomainError::Malformed));
        check("-a.b", Err(DomainError::Malformed));
        check("a b", Err(DomainError::Malformed));
        check("a\0b", Err(DomainError::Malformed));
        check("xn--a-ecp.ru\u{202e}", Err(DomainError::Malformed));
        check("[1.2.3]", Err(DomainError::Literal));
        check("[1.2.3.4", Err(DomainError::Literal));
        check(&"a".repeat(64), Err(DomainError::TooLong));
        check(&"a.".repeat(200), Err(DomainError::TooLong));
    }

    #[test]
    fn shows_u_labels() {
        let domain = Domain::try_from("xn--bcher-kva.example").unwrap();
        assert_eq!(domain.to_unicode(), "bücher.example");
    }

    #[test]
    fn knows_the_address_of_a_literal() {
        let domain = Domain::try_from("[IPv6:::1]").unwrap();
        assert_eq!(domain.literal_address(), Some("::1".parse().unwrap()));
        assert!(domain.is_literal());
    }
}
