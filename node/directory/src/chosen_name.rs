//! Names that people choose to be seen by: nicknames of the directory, sender names of members.

use unicode_normalization::UnicodeNormalization;

use crate::transaction::{check_name, clean};
use crate::{Error, Result};

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

/// The name as it is kept: trimmed and composed; empty is none. `field` is what an error calls it.
///
/// # Errors
/// [`Error::Invalid`], which says what is wrong with the name.
pub fn chosen_name(field: &str, name: &str) -> Result<String> {
    let invalid = |text: &dyn std::fmt::Display| Error::Invalid(format!("{field}: {text}"));
    let name = clean(name);
    check_name(&name, CHARACTERS_MAX).map_err(|error| invalid(&error))?;
    if name.contains(|c| matches!(c, '\u{200b}'..='\u{200d}')) {
        return Err(invalid(&"a name has no letters without width"));
    }
    let looks = looks(&name);
    if RESERVED.iter().any(|reserved| self::looks(reserved) == looks) {
        return Err(invalid(&"that name could be taken for the administrator's"));
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
            let refused = chosen_name("nickname", name).unwrap_err().to_string();
            assert_eq!(
                refused, "nickname: that name could be taken for the administrator's",
                "{name}"
            );
        }
        for name in ["Adam", "Li Wei 李伟", "Post Master Bakery", "", &"x".repeat(64)] {
            assert_eq!(chosen_name("nickname", name).unwrap(), name);
        }
        for name in [
            "a\nb",
            "a\u{2028}b",
            "a<b>",
            "a\u{202e}b",
            "a\u{200b}b",
            &"x".repeat(65),
        ] {
            assert!(chosen_name("nickname", name).is_err(), "{name}");
        }
        assert_eq!(chosen_name("nickname", " Zoe\u{308} ").unwrap(), "Zoë");
    }
}
