//! What an object was when someone looked at it: whoever changes it says so, and is refused when it is no longer that.

use std::fmt;
use std::str::FromStr;

use crate::{Error, Result};

/// A short hash of an object as it is stored.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Etag([u8; 8]);

/// Not 16 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an entity tag has 16 hexadecimal digits")]
pub struct NotAnEtag;

impl Etag {
    /// That of an object as it is stored.
    #[must_use]
    pub fn of(stored: &[u8]) -> Self {
        let mut short = [0; 8];
        let mut hasher = blake3::Hasher::new();
        hasher.update(stored);
        hasher.finalize_xof().fill(&mut short);
        Self(short)
    }
}

impl fmt::Display for Etag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl fmt::Debug for Etag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Etag {
    type Err = NotAnEtag;
    fn from_str(text: &str) -> Result<Self, NotAnEtag> {
        if text.len() != 16 {
            return Err(NotAnEtag);
        }
        let number = u64::from_str_radix(text, 16).map_err(|_| NotAnEtag)?;
        Ok(Self(number.to_be_bytes()))
    }
}

/// Refuses a change of something that is no longer what was expected.
pub(crate) fn check(expected: Option<Etag>, present: Etag, what: &'static str, name: impl fmt::Display) -> Result<()> {
    if expected.is_some_and(|expected| expected != present) {
        return Err(Error::Changed {
            what,
            name: name.to_string(),
        });
    }
    Ok(())
}
