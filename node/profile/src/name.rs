//! Names that members choose for themselves.

use unicode_normalization::UnicodeNormalization;

use crate::ProfileError;

/// Longest, in characters (SET, bad input).
const CHARACTERS_MAX: usize = 64;
/// Whoever has such a name is taken for someone who runs the system.
const RESERVED: [&str; 11] = [
    "administrator",
    "admin",
    "postmaster",
    "hostmaster",
    "webmaster",
    "root",
    "system",
    "mailsystem",
    "管理员",
    "系统管理员",
    "邮件系统",
];

/// The name as it is kept: trimmed and composed; empty is none.
///
/// # Errors
/// [`ProfileError::Invalid`], which says what is wrong with the name.
pub fn sender_name(name: &str) -> Result<String, ProfileError> {
    let invalid = |text: &str| Err(ProfileError::Invalid(format!("sender_name: {text}")));
    let name: String = name.trim().nfc().collect();
    let turns = |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if name.chars().count() > CHARACTERS_MAX {
        return invalid("a name has at most 64 characters");
    }
    if name
        .chars()
        .any(|c| c.is_control() || turns(c) || matches!(c, '<' | '>'))
    {
        return invalid("a name has no control characters, line breaks, changes of direction or angle brackets");
    }
    let looks = looks(&name);
    if RESERVED.iter().any(|reserved| self::looks(reserved) == looks) {
        return invalid("that name could be taken for the administrator's");
    }
    Ok(name)
}

/// What a name looks like, so that letters which look alike are the same: without case, spaces and marks (UTS 39 §4).
fn looks(name: &str) -> String {
    let folded: String = name
        .nfkc()
        .flat_map(char::to_lowercase)
        .filter(|c| c.is_alphanumeric())
        .collect();
    let skeleton: String = unicode_security::skeleton(&folded).collect();
    skeleton.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn set_5_names_that_look_like_the_administrators_are_refused() {
        for name in [
            "Administrator",
            "аdmin",
            "p0stmaster",
            "ＡＤＭＩＮ",
            "Ad min",
            "系统 管理员",
            "pоstmаster",
        ] {
            assert!(sender_name(name).is_err(), "{name}");
        }
        for name in ["Adam", "Li Wei 李伟", "Post Master Bakery", ""] {
            assert_eq!(sender_name(name).unwrap(), name);
        }
        for name in ["a\nb", "a<b>", "a\u{202e}b", &"x".repeat(65)] {
            assert!(sender_name(name).is_err(), "{name}");
        }
        assert_eq!(sender_name(" Zoe\u{308} ").unwrap(), "Zoë");
    }
}
