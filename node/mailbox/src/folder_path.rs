//! Folder paths: levels joined by `/`, each in NFC without control characters; INBOX in any case is INBOX.

use unicode_normalization::UnicodeNormalization;

/// Between the levels of a path.
pub const SEPARATOR: char = '/';
/// Levels of a path (FLD-6).
pub const FOLDER_LEVELS_MAX: usize = 10;
/// Folders of a mailbox beside the six of a new one (FLD-6).
pub const FOLDERS_MAX: usize = 300;
/// Octets of one level's name.
pub const FOLDER_NAME_OCTETS_MAX: usize = 255;
/// INBOX's path.
pub const INBOX: &str = "INBOX";

/// Why a path names no folder that could be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FolderPathError {
    /// The path or one of its levels is empty.
    #[error("a folder name may not be empty")]
    Empty,
    /// A level is longer than [`FOLDER_NAME_OCTETS_MAX`].
    #[error("a folder name may have 255 octets at most")]
    TooLong,
    /// More levels than [`FOLDER_LEVELS_MAX`].
    #[error("folders may be 10 levels deep at most")]
    TooDeep,
    /// A folder cannot move into itself.
    #[error("a folder cannot move into itself")]
    Inside,
    /// A control character, or one that breaks lines.
    #[error("a folder name may not have control characters")]
    Control,
}

/// A valid path in its one form.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FolderPath(String);

impl FolderPath {
    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// Its levels, outermost first.
    pub fn levels(&self) -> impl Iterator<Item = &str> {
        self.0.split(SEPARATOR)
    }
    /// The path above, if it is not outermost.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        self.0.rsplit_once(SEPARATOR).map(|(parent, _)| Self(parent.to_owned()))
    }
    /// The innermost level.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.rsplit_once(SEPARATOR).map_or(&self.0, |(_, name)| name)
    }
    /// Whether it lies inside `other`, at any depth.
    #[must_use]
    pub fn is_inside(&self, other: &Self) -> bool {
        self.0
            .strip_prefix(&other.0)
            .is_some_and(|rest| rest.starts_with(SEPARATOR))
    }
    /// The path it has once `from`, which it is or lies inside of, is called `to`.
    pub(crate) fn moved(&self, from: &Self, to: &Self) -> Result<Self, FolderPathError> {
        let rest = self.0.strip_prefix(&from.0).unwrap_or_default();
        Self::try_from(format!("{}{rest}", to.0).as_str())
    }
    /// Whether it is INBOX.
    #[must_use]
    pub fn is_inbox(&self) -> bool {
        self.0 == INBOX
    }
}

impl TryFrom<&str> for FolderPath {
    type Error = FolderPathError;

    /// A separator at the end is left off: clients write one to say that they will make folders inside (RFC 9051 §6.3.4).
    fn try_from(text: &str) -> Result<Self, FolderPathError> {
        let text = text.strip_suffix(SEPARATOR).unwrap_or(text);
        if text.split(SEPARATOR).count() > FOLDER_LEVELS_MAX {
            return Err(FolderPathError::TooDeep);
        }
        let mut path = String::with_capacity(text.len());
        for (at, level) in text.split(SEPARATOR).enumerate() {
            let level: String = level.nfc().collect();
            if level.is_empty() {
                return Err(FolderPathError::Empty);
            }
            if level.len() > FOLDER_NAME_OCTETS_MAX {
                return Err(FolderPathError::TooLong);
            }
            // U+2028 and U+2029 break lines as control characters do (RFC 9051 §5.1).
            if level
                .chars()
                .any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'))
            {
                return Err(FolderPathError::Control);
            }
            if at == 0 && level.eq_ignore_ascii_case(INBOX) {
                path.push_str(INBOX);
                continue;
            }
            if at > 0 {
                path.push(SEPARATOR);
            }
            path.push_str(&level);
        }
        Ok(Self(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_one_form() {
        let check = |text: &str, expect: Result<&str, FolderPathError>| {
            let got = FolderPath::try_from(text);
            assert_eq!(
                got.as_ref().map(FolderPath::as_str).map_err(|error| *error),
                expect,
                "{text:?}"
            );
        };
        check("inBox", Ok("INBOX"));
        check("inbox/a", Ok("INBOX/a"));
        check("Work/中文", Ok("Work/中文"));
        check("Work/", Ok("Work"));
        check("e\u{301}", Ok("é"));
        check("", Err(FolderPathError::Empty));
        check("a//b", Err(FolderPathError::Empty));
        check("a\u{0}b", Err(FolderPathError::Control));
        check("1/2/3/4/5/6/7/8/9/10/11", Err(FolderPathError::TooDeep));
        check(&"x".repeat(256), Err(FolderPathError::TooLong));
    }
}
