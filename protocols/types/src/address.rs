//! A mail address: local part and domain, normalised when it is made (RFC 5321 §4.1.2, RFC 6531 §3.3).

use crate::{Domain, DomainError, LocalPart, LocalPartError};
use std::fmt;

/// The longest address read, in octets of its wire form: local part, `@`, domain, with room for U-labels.
pub const ADDRESS_OCTETS_MAX: usize = 1024;

/// Why a text is no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// No `@` outside of quotes.
    #[error("the address has no @")]
    NoAt,
    /// Longer than [`ADDRESS_OCTETS_MAX`].
    #[error("the address is too long")]
    TooLong,
    /// The part before the `@`.
    #[error(transparent)]
    LocalPart(#[from] LocalPartError),
    /// The part after the `@`.
    #[error(transparent)]
    Domain(#[from] DomainError),
}

/// A mail address.
///
/// Equality is by the exact local part; addresses that reach one mailbox are found by [`Address::key`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// Before the `@`.
    pub local: LocalPart,
    /// After the `@`.
    pub domain: Domain,
}

impl Address {
    /// The address of `local` at `domain`.
    #[must_use]
    pub fn new(local: LocalPart, domain: Domain) -> Self {
        Self { local, domain }
    }

    /// The form under which two addresses are one: case-folded local part, `@`, A-labels.
    #[must_use]
    pub fn key(&self) -> String {
        let mut key = self.local.key();
        key.push('@');
        key.push_str(self.domain.as_str());
        key
    }

    /// The address without its detail, and the detail (RFC 5233 §1): `anna+x@d` gives `anna@d` and `x`.
    #[must_use]
    pub fn split_detail(&self, separator: char) -> (Self, Option<&str>) {
        let (local, detail) = self.local.split_detail(separator);
        (Self::new(local, self.domain.clone()), detail)
    }

    /// Whether only SMTPUTF8 can carry it (RFC 6531 §3.2); the domain never asks for it, A-labels being ASCII.
    #[must_use]
    pub fn is_internationalized(&self) -> bool {
        self.local.is_internationalized()
    }
}

impl TryFrom<&str> for Address {
    type Error = AddressError;

    fn try_from(text: &str) -> Result<Self, AddressError> {
        if text.len() > ADDRESS_OCTETS_MAX {
            return Err(AddressError::TooLong);
        }
        // The last @: one inside a quoted local part comes before it, and no domain has one.
        let (local, domain) = text.rsplit_once('@').ok_or(AddressError::NoAt)?;
        Ok(Self::new(LocalPart::try_from(local)?, Domain::try_from(domain)?))
    }
}

impl TryFrom<String> for Address {
    type Error = AddressError;
    fn try_from(text: String) -> Result<Self, AddressError> {
        Self::try_from(text.as_str())
    }
}

impl std::str::FromStr for Address {
    type Err = AddressError;
    fn from_str(text: &str) -> Result<Self, AddressError> {
        Self::try_from(text)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.local, self.domain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_writes_and_compares() {
        let address = Address::try_from("Anna.Lee+Box@Bücher.Example").unwrap();
        assert_eq!(address.to_string(), "Anna.Lee+Box@xn--bcher-kva.example");
        assert_eq!(address.key(), "anna.lee+box@xn--bcher-kva.example");
        let (plain, detail) = address.split_detail('+');
        assert_eq!(plain.key(), "anna.lee@xn--bcher-kva.example");
        assert_eq!(detail, Some("Box"));
        let quoted = Address::try_from("\"a@b c\"@d.test").unwrap();
        assert_eq!(quoted.to_string(), "\"a@b c\"@d.test");
    }

    #[test]
    fn refuses_halves() {
        assert_eq!(Address::try_from("anna"), Err(AddressError::NoAt));
        assert!(Address::try_from("@d.test").is_err());
        assert!(Address::try_from("anna@").is_err());
        assert!(Address::try_from("a@b@c.test").is_err());
    }

    proptest! {
        #[test]
        fn written_form_reads_back(local in "\\PC{1,40}", domain in "[a-z]{1,9}(\\.[a-z]{1,9}){0,3}") {
            let local = LocalPart::from_unquoted(&local).unwrap();
            let address = Address::new(local, Domain::try_from(domain.as_str()).unwrap());
            prop_assert_eq!(Address::try_from(address.to_string().as_str()), Ok(address));
        }

        #[test]
        fn never_panics(text in "\\PC*") {
            let _ = Address::try_from(text.as_str());
            let _ = Address::try_from(format!("a@{text}"));
        }
    }
}
