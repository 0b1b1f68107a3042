//! RFC 6856 §3: `LANG [range]`; alone it lists the languages.

use super::{Line, Parsed, text};

pub(super) fn parse(argument: &[u8]) -> Parsed {
    let range = text(argument.trim_ascii()).ok_or("no such language")?;
    Ok(Line::Lang((!range.is_empty()).then_some(range)))
}
