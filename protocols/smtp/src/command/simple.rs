//! Commands of a word, or a word and a text: DATA, RSET, QUIT, STARTTLS, VRFY, EXPN.

use super::{BAD_ARGUMENT, SYNTAX};
use crate::reply::Reply;

/// `command`, if nothing follows its verb.
pub(crate) fn no_argument<T>(argument: &str, command: T) -> Result<T, Reply> {
    if argument.is_empty() {
        Ok(command)
    } else {
        Err(BAD_ARGUMENT)
    }
}

/// VRFY and EXPN (RFC 5321 §4.1.1.6, §4.1.1.7): a name, possibly followed by SMTPUTF8 (RFC 6531 §3.7.4.2).
pub(super) fn text(argument: &str) -> Result<String, Reply> {
    if argument.is_empty() {
        return Err(SYNTAX);
    }
    let name = match argument.rsplit_once(' ') {
        Some((name, word)) if word.eq_ignore_ascii_case("SMTPUTF8") => name.trim_end_matches(' '),
        _ => argument,
    };
    Ok(name.to_owned())
}
