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
    /// `k`: folders are made in it.
    CreateChild,
    /// `x`: it is deleted, or called something else.
    DeleteFolder,
    /// `t`: `\Deleted` changes.
    Delete,
    /// `e`: messages go for good.
    Expunge,
    /// `a`: others are given what they may do with it.
    Administer,
}

impl FolderRight {
    /// All there are, in the order in which they are written.
    pub const ALL: [Self; 10] = [
        Self::Lookup,
        Self::Read,
        Self::Seen,
        Self::Write,
        Self::Insert,
        Self::CreateChild,
        Self::DeleteFolder,
        Self::Delete,
        Self::Expunge,
        Self::Administer,
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
            Self::CreateChild => 'k',
            Self::DeleteFolder => 'x',
            Self::Delete => 't',
            Self::Expunge => 'e',
            Self::Administer => 'a',
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
            Self::CreateChild => 128,
            Self::DeleteFolder => 256,
            Self::Administer => 512,
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
    pub const ALL: Self = Self(1_023);

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
    /// The rights of both.
    #[must_use]
    pub fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
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
    /// Whether anything about the folder can be changed with them.
    #[must_use]
    pub fn can_change(self) -> bool {
        !self
            .without(Self::NONE.with(FolderRight::Lookup).with(FolderRight::Read))
            .is_empty()
    }
    /// Whether messages in the folder can be changed with them, or come in (RFC 4314 §5.2).
    #[must_use]
    pub fn can_change_messages(self) -> bool {
        let about_folder = Self::NONE
            .with(FolderRight::CreateChild)
            .with(FolderRight::DeleteFolder)
            .with(FolderRight::Administer);
        self.without(about_folder).can_change()
    }
    /// Reads letters. RFC 4314 §2.1.1: of older clients, `c` is `k` and `x`, and `d` is `t` and `e`.
    ///
    /// # Errors
    /// The first letter that stands for no right given for folders.
    pub fn read(letters: &str) -> Result<Self, NotGiven> {
        letters.chars().try_fold(Self::NONE, |rights, letter| {
            let meant = FolderRight::ALL.into_iter().find(|right| right.letter() == letter);
            match (letter, meant) {
                ('c', _) => Ok(rights.with(FolderRight::CreateChild).with(FolderRight::DeleteFolder)),
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
        for (letters, expect) in [
            ("", ""),
            ("lrswikxtea", "lrswikxtea"),
            ("etl", "lte"),
            ("d", "te"),
            ("c", "kx"),
        ] {
            let rights = FolderRights::read(letters).unwrap();
            assert_eq!(rights.to_string(), expect);
            assert_eq!(FolderRights::from_bits(rights.bits()), rights);
        }
        assert_eq!(FolderRights::read("lrq"), Err(NotGiven('q')));
        assert_eq!(FolderRights::ALL.to_string(), "lrswikxtea");
        // What was stored before there were rights to the folder itself.
        assert_eq!(FolderRights::from_bits(127).to_string(), "lrswite");
        assert_eq!(FolderRights::from_bits(u16::MAX), FolderRights::ALL);
    }

    #[test]
    fn what_has_to_come_with_a_right_comes() {
        let complete = |letters: &str| FolderRights::read(letters).unwrap().complete().to_string();
        assert_eq!(complete(""), "");
        assert_eq!(complete("i"), "li");
        assert_eq!(complete("s"), "lrs");
        assert_eq!(complete("ka"), "lka");
        for (letters, expect) in [("lr", false), ("lrkxa", false), ("li", true), ("lrs", true)] {
            assert_eq!(FolderRights::read(letters).unwrap().can_change_messages(), expect);
        }
        assert!(!FolderRights::read("lr").unwrap().can_change());
        assert!(FolderRights::read("li").unwrap().can_change());
    }
}
