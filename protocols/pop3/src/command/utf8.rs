//! RFC 6856 §2: `UTF8`: before sign-in; from then on texts and headers may be UTF-8.

use super::{Line, Parsed, none};

pub(super) fn parse(argument: &[u8]) -> Parsed {
    none(argument, Line::Utf8)
}
