//! BDAT (RFC 3030 §2).
//!
//! `bdat-cmd = "BDAT" SP chunk-size [ SP "LAST" ] CRLF`

use std::fmt;

use super::BAD_ARGUMENT;
use crate::reply::Reply;

/// Announces a chunk of the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bdat {
    /// Octets that follow the command.
    pub octets: u64,
    /// Whether it is the last one.
    pub last: bool,
}

impl Bdat {
    pub(super) fn parse(argument: &str) -> Result<Self, Reply> {
        let (size, last) = match argument.split_once(' ') {
            Some((size, word)) if word.trim_matches(' ').eq_ignore_ascii_case("LAST") => (size, true),
            Some(_) => return Err(BAD_ARGUMENT),
            None => (argument, false),
        };
        if size.is_empty() || !size.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(BAD_ARGUMENT);
        }
        let octets = size.parse().map_err(|_| BAD_ARGUMENT)?;
        Ok(Self { octets, last })
    }
}

impl fmt::Display for Bdat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last = if self.last { " LAST" } else { "" };
        write!(f, "BDAT {}{last}", self.octets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_and_faults() {
        for text in ["BDAT 0", "BDAT 86000 LAST"] {
            let bdat = Bdat::parse(text.strip_prefix("BDAT ").unwrap()).unwrap();
            assert_eq!(bdat.to_string(), text);
        }
        for bad in ["", "x", "-1", "1 FIRST", "LAST", "99999999999999999999"] {
            assert!(Bdat::parse(bad).is_err(), "{bad}");
        }
    }
}
