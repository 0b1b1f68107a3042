//! What is counted.

/// Something that happens to a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// They sent a mail.
    Sent,
    /// They got one.
    Received,
    /// They signed in, with whatever client.
    SignIn,
}

impl Kind {
    /// All there are.
    pub const ALL: [Self; 3] = [Self::Sent, Self::Received, Self::SignIn];

    /// Its number in keys; it never changes.
    pub(crate) fn number(self) -> u64 {
        match self {
            Self::Sent => 0,
            Self::Received => 1,
            Self::SignIn => 2,
        }
    }
}
