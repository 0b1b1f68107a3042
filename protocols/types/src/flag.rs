//! Flags of a message: the five system flags, and keywords (RFC 9051 §2.3.2).
//!
//! `\Recent` (RFC 3501) is session state that no message carries; it is no flag here.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

/// The longest keyword in octets.
pub const KEYWORD_OCTETS_MAX: usize = 255;

/// Why a text is no flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FlagError {
    /// Nothing there.
    #[error("the flag is empty")]
    Empty,
    /// Longer than [`KEYWORD_OCTETS_MAX`].
    #[error("the keyword is too long")]
    TooLong,
    /// A character that no atom may have.
    #[error("the keyword has a character that is not allowed")]
    Malformed,
    /// A `\` flag that is none of the five.
    #[error("no such system flag")]
    UnknownSystemFlag,
}

/// A system flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SystemFlag {
    /// Has been read.
    Seen,
    /// Has been answered.
    Answered,
    /// Marked for attention.
    Flagged,
    /// Goes with the next EXPUNGE.
    Deleted,
    /// Not finished.
    Draft,
}

impl SystemFlag {
    /// All of them, in the order in which they are written.
    pub const ALL: [Self; 5] = [Self::Answered, Self::Flagged, Self::Deleted, Self::Seen, Self::Draft];

    /// The name with its backslash.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Seen => "\\Seen",
            Self::Answered => "\\Answered",
            Self::Flagged => "\\Flagged",
            Self::Deleted => "\\Deleted",
            Self::Draft => "\\Draft",
        }
    }

    /// Its bit in [`SystemFlags`]; stored, so it never changes.
    #[must_use]
    pub const fn bit(self) -> u8 {
        match self {
            Self::Seen => 1,
            Self::Answered => 2,
            Self::Flagged => 4,
            Self::Deleted => 8,
            Self::Draft => 16,
        }
    }
}

/// A set of system flags; the bits are those of [`SystemFlag::bit`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SystemFlags(u8);

impl SystemFlags {
    /// No flag.
    pub const NONE: Self = Self(0);

    /// The set of these bits; unknown bits are dropped.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits & 0b1_1111)
    }
    /// The bits.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }
    /// Whether `flag` is in it.
    #[must_use]
    pub const fn contains(self, flag: SystemFlag) -> bool {
        self.0 & flag.bit() != 0
    }
    /// With `flag`.
    #[must_use]
    pub const fn with(self, flag: SystemFlag) -> Self {
        Self(self.0 | flag.bit())
    }
    /// Without `flag`.
    #[must_use]
    pub const fn without(self, flag: SystemFlag) -> Self {
        Self(self.0 & !flag.bit())
    }
    /// In either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
    /// In this and not in the other.
    #[must_use]
    pub const fn difference(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
    /// The flags in it, in the order in which they are written.
    pub fn iter(self) -> impl Iterator<Item = SystemFlag> {
        SystemFlag::ALL.into_iter().filter(move |flag| self.contains(*flag))
    }
}

impl FromIterator<SystemFlag> for SystemFlags {
    fn from_iter<I: IntoIterator<Item = SystemFlag>>(flags: I) -> Self {
        flags.into_iter().fold(Self::NONE, Self::with)
    }
}

/// A keyword: an atom without a backslash, compared without regard to ASCII case, shown as first written.
#[derive(Debug, Clone)]
pub struct Keyword(Box<str>);

impl Keyword {
    /// As first written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// The form under which two keywords are one.
    #[must_use]
    pub fn key(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl TryFrom<&str> for Keyword {
    type Error = FlagError;

    fn try_from(text: &str) -> Result<Self, FlagError> {
        if text.is_empty() {
            return Err(FlagError::Empty);
        }
        if text.len() > KEYWORD_OCTETS_MAX {
            return Err(FlagError::TooLong);
        }
        // RFC 9051 §9: flag-keyword is an atom.
        if !text
            .bytes()
            .all(|b| b.is_ascii_graphic() && !b"(){%*\"\\]".contains(&b))
        {
            return Err(FlagError::Malformed);
        }
        Ok(Self(text.into()))
    }
}

impl PartialEq for Keyword {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}
impl Eq for Keyword {}
impl PartialOrd for Keyword {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Keyword {
    fn cmp(&self, other: &Self) -> Ordering {
        let lower = |b: u8| b.to_ascii_lowercase();
        self.0.bytes().map(lower).cmp(other.0.bytes().map(lower))
    }
}
impl Hash for Keyword {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for b in self.0.bytes() {
            state.write_u8(b.to_ascii_lowercase());
        }
        state.write_u8(0xff);
    }
}
impl fmt::Display for Keyword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What STORE sets and FETCH FLAGS shows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Flag {
    /// One of the five.
    System(SystemFlag),
    /// Any other.
    Keyword(Keyword),
}

impl TryFrom<&str> for Flag {
    type Error = FlagError;

    fn try_from(text: &str) -> Result<Self, FlagError> {
        if !text.starts_with('\\') {
            return Keyword::try_from(text).map(Self::Keyword);
        }
        SystemFlag::ALL
            .into_iter()
            .find(|flag| flag.as_str().eq_ignore_ascii_case(text))
            .map(Self::System)
            .ok_or(FlagError::UnknownSystemFlag)
    }
}

impl fmt::Display for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System(flag) => f.write_str(flag.as_str()),
            Self::Keyword(keyword) => keyword.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_flags() {
        let check = |text: &str, expect: Result<&str, FlagError>| {
            let got = Flag::try_from(text).map(|flag| flag.to_string());
            assert_eq!(got, expect.map(str::to_owned), "{text}");
        };
        check("\\seen", Ok("\\Seen"));
        check("$Forwarded", Ok("$Forwarded"));
        check("NonJunk", Ok("NonJunk"));
        check("\\Recent", Err(FlagError::UnknownSystemFlag));
        check("", Err(FlagError::Empty));
        check("a b", Err(FlagError::Malformed));
        check("a]", Err(FlagError::Malformed));
        check("中", Err(FlagError::Malformed));
    }

    #[test]
    fn keywords_ignore_case() {
        let (a, b) = (Keyword::try_from("$Junk").unwrap(), Keyword::try_from("$jUNK").unwrap());
        assert_eq!(a, b);
        assert_eq!(a.cmp(&b), Ordering::Equal);
        assert_eq!(a.key(), b.key());
    }

    #[test]
    fn sets_of_system_flags() {
        let set: SystemFlags = [SystemFlag::Seen, SystemFlag::Draft].into_iter().collect();
        assert_eq!(set.bits(), 17);
        assert!(set.contains(SystemFlag::Seen));
        assert_eq!(
            set.without(SystemFlag::Seen).iter().collect::<Vec<_>>(),
            [SystemFlag::Draft]
        );
    }
}
