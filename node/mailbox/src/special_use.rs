//! What a folder is for (RFC 6154).

/// A use that at most one folder of a mailbox has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SpecialUse {
    /// `\Archive`
    Archive,
    /// `\Drafts`
    Drafts,
    /// `\Junk`
    Junk,
    /// `\Sent`
    Sent,
    /// `\Trash`
    Trash,
}

impl SpecialUse {
    /// All of them, in the order of their folders in a new mailbox.
    pub const ALL: [Self; 5] = [Self::Drafts, Self::Sent, Self::Trash, Self::Junk, Self::Archive];

    /// The attribute of RFC 6154 §2.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Archive => "\\Archive",
            Self::Drafts => "\\Drafts",
            Self::Junk => "\\Junk",
            Self::Sent => "\\Sent",
            Self::Trash => "\\Trash",
        }
    }
    /// The attribute `text`, whatever its case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str().eq_ignore_ascii_case(text))
    }
    /// The folder's name in a new mailbox.
    #[must_use]
    pub fn default_name(self) -> &'static str {
        match self {
            Self::Archive => "Archive",
            Self::Drafts => "Drafts",
            Self::Junk => "Junk",
            Self::Sent => "Sent",
            Self::Trash => "Trash",
        }
    }
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Archive => 1,
            Self::Drafts => 2,
            Self::Junk => 3,
            Self::Sent => 4,
            Self::Trash => 5,
        }
    }
    pub(crate) fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }
}
