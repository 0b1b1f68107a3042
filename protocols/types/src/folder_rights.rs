//! What someone may do with a folder that is not theirs: rights of RFC 4314 §2.1, those that are given for single folders.

use std::fmt;

/// One right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FolderRight {
    /// `l`: it is seen in lists.
    Lookup,
    /// `r`: its messages are read.
    Read,
    /// `s`: `\Seen` changes.
    Seen,
    /// `w`: other flags and keywords change.
    Write,
    /// `i`: messages come in.
    Insert,
    /// `t`: `\Deleted` changes.
    Delete,
    /// `e`: messages go for good.
    Expunge,
}

impl FolderRight {
    /// All there are, in the order in which they are written.
    pub const ALL: [Self; 7] = [
        Self::Lookup,
        Self::Read,
        Self::Seen,
        Self::Write,
        Self::Insert,
        Self::Delete,
        Self::Expunge,
    ];
    /// As RFC 4314 writes it.
    #[must_use]
    pub fn letter(self) -> char {
        match self {
            Self::Lookup => 'l',
            Self::Read => 'r',
            Self::Seen => 's',
            Self::Write => 'w',
            Self::Insert => 'i',
            Self::Delete => 't',
            Self::Expunge => 'e',
        }
    }
    fn bit(self) -> u16 {
        match self {
            Self::Lookup => 1,
            Self::Read => 2,
            Self::Seen => 4,
            Self::Write => 8,
            Self::Insert => 16,
            Self::Delete => 32,
            Self::Expunge => 64,
        }
    }
}

/// A set of rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct FolderRights(u16);

/// Rights as they are written, of which this one is not given for a single folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the right {0:?} is not given for a folder")]
pub struct NotGiven(pub char);

impl FolderRights {
    /// None.
    pub const NONE: Self = Self(0);
    /// All.
    pub const ALL: Self = Self(127);

    /// The set of a stored number; what a later release knows is left out.
    #[must_use]
    pub fn from_bits(bits: u16) -> Self {
        Self(bits & Self::ALL.0)
    }
    /// As a number, for storage and between nodes.
    #[must_use]
    pub fn bits(self) -> u16 {
        self.0
    }
    /// Whether there is no right.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
    /// Whether the right is there.
    #[must_use]
    pub fn has(self, right: FolderRight) -> bool {
        self.0 & right.bit() != 0
    }
    /// With one more.
    #[must_use]
    pub fn with(self, right: FolderRight) -> Self {
        Self(self.0 | right.bit())
    }
    /// The rights of either.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
    /// The rights without those of `other`.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
    /// With what has to come with them: a folder in which one may do something is seen, and one in which one changes messages
    /// is read.
    #[must_use]
    pub fn complete(self) -> Self {
        let reads = [
            FolderRight::Seen,
            FolderRight::Write,
            FolderRight::Delete,
            FolderRight::Expunge,
        ];
        let mut all = self;
        if reads.iter().any(|right| self.has(*right)) {
            all = all.with(FolderRight::Read);
        }
        if !all.is_empty() {
            all = all.with(FolderRight::Lookup);
        }
        all
    }
    /// Whether anything in the folder can be changed with them.
    #[must_use]
    pub fn can_change(self) -> bool {
        !self
            .without(Self::NONE.with(FolderRight::Lookup).with(FolderRight::Read))
            .is_empty()
    }
    /// Reads letters. RFC 4314 §2.1.1: `d` of older clients is `t` and `e`.
    ///
    /// # Errors
    /// The first letter that stands for no right given for folders.
    pub fn read(letters: &str) -> Result<Self, NotGiven> {
        letters.chars().try_fold(Self::NONE, |rights, letter| {
            let meant = FolderRight::ALL.into_iter().find(|right| right.letter() == letter);
            match (letter, meant) {
                ('d', _) => Ok(rights.with(FolderRight::Delete).with(FolderRight::Expunge)),
                (_, Some(right)) => Ok(rights.with(right)),
                (other, None) => Err(NotGiven(other)),
            }
        })
    }
}

impl fmt::Display for FolderRights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut all = FolderRight::ALL.into_iter().filter(|right| self.has(*right));
        all.try_for_each(|right| write!(f, "{}", right.letter()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_are_read_as_they_are_written() {
        for (letters, expect) in [("", ""), ("lrswite", "lrswite"), ("etl", "lte"), ("d", "te")] {
            let rights = FolderRights::read(letters).unwrap();
            assert_eq!(rights.to_string(), expect);
            assert_eq!(FolderRights::from_bits(rights.bits()), rights);
        }
        assert_eq!(FolderRights::read("lra"), Err(NotGiven('a')));
        assert_eq!(FolderRights::ALL.to_string(), "lrswite");
        assert_eq!(FolderRights::from_bits(u16::MAX), FolderRights::ALL);
    }

    #[test]
    fn what_has_to_come_with_a_right_comes() {
        let complete = |letters: &str| FolderRights::read(letters).unwrap().complete().to_string();
        assert_eq!(complete(""), "");
        assert_eq!(complete("i"), "li");
        assert_eq!(complete("s"), "lrs");
        assert!(!FolderRights::read("lr").unwrap().can_change());
        assert!(FolderRights::read("li").unwrap().can_change());
    }
}
