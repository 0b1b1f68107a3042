//! SASLprep (RFC 4013): one spelling of a password, whatever keyboard it was typed on.
//! Passwords are prepared before hashing and before verifying, so that composed and decomposed input agree.

use unicode_normalization::UnicodeNormalization;

/// Why a text cannot be a password or a user name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PrepareError {
    /// A control, private-use, tagging or non-character.
    #[error("the text holds a forbidden character")]
    Forbidden,
    /// Nothing is left.
    #[error("the text is empty")]
    Empty,
}

/// Prepares `text` (RFC 4013 §2): spaces mapped, invisible characters dropped, NFKC, controls refused.
///
/// # Errors
/// When a prohibited character remains or nothing remains.
///
/// Departs from RFC 4013 §2.4: the bidirectional rule is not applied; it protects display, and a password is not shown.
pub fn prepare(text: &str) -> Result<String, PrepareError> {
    if text.bytes().all(|byte| (0x20..0x7F).contains(&byte)) {
        return if text.is_empty() {
            Err(PrepareError::Empty)
        } else {
            Ok(text.to_owned())
        };
    }
    let prepared: String = text.chars().filter_map(map).nfkc().collect();
    if prepared.is_empty() {
        return Err(PrepareError::Empty);
    }
    if prepared.chars().any(is_forbidden) {
        return Err(PrepareError::Forbidden);
    }
    Ok(prepared)
}

/// RFC 3454 tables C.1.2 (to space) and B.1 (to nothing).
fn map(character: char) -> Option<char> {
    match character {
        '\u{A0}' | '\u{1680}' | '\u{2000}'..='\u{200A}' | '\u{202F}' | '\u{205F}' | '\u{3000}' => Some(' '),
        '\u{AD}' | '\u{34F}' | '\u{1806}' | '\u{180B}'..='\u{180D}' | '\u{200B}'..='\u{200D}' | '\u{2060}' => None,
        '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' => None,
        other => Some(other),
    }
}

/// RFC 3454 tables C.2.1 to C.9.
fn is_forbidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{6DD}' | '\u{70F}' | '\u{180E}' | '\u{200C}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2061}'..='\u{2063}' | '\u{206A}'..='\u{206F}' | '\u{2FF0}'..='\u{2FFB}'
            | '\u{340}' | '\u{341}' | '\u{E000}'..='\u{F8FF}' | '\u{FDD0}'..='\u{FDEF}'
            | '\u{FFF9}'..='\u{FFFD}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0001}' | '\u{E0020}'..='\u{E007F}'
            | '\u{F0000}'..='\u{10FFFF}')
        || (u32::from(character) & 0xFFFE) == 0xFFFE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_of_rfc_4013() {
        let check = |input: &str, expect: Result<&str, PrepareError>| {
            assert_eq!(prepare(input).as_deref(), expect.as_ref().map(|s| *s), "{input:?}");
        };
        check("I\u{AD}X", Ok("IX"));
        check("user", Ok("user"));
        check("USER", Ok("USER"));
        check("\u{AA}", Ok("a"));
        check("\u{2168}", Ok("IX"));
        check("\u{7}", Err(PrepareError::Forbidden));
        check("", Err(PrepareError::Empty));
        check("\u{AD}", Err(PrepareError::Empty));
        check("e\u{301}", Ok("\u{e9}"));
        check("密\u{3000}码", Ok("密 码"));
    }
}
