//! RFC 5034 §4: `AUTH [mechanism [initial-response]]`; alone it lists the mechanisms.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hongyan_sasl::Mechanism;

use super::{Line, Parsed};

/// The beginning of a SASL exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Auth {
    /// The mechanism.
    pub mechanism: Mechanism,
    /// The initial response, decoded.
    pub initial: Option<Vec<u8>>,
}

pub(super) fn parse(argument: &[u8]) -> Parsed {
    if argument.is_empty() {
        return Ok(Line::AuthList);
    }
    let mut words = argument.splitn(2, |octet| *octet == b' ');
    let mechanism = words
        .next()
        .and_then(Mechanism::from_name)
        .ok_or("unknown authentication mechanism")?;
    let initial = match words.next() {
        None => None,
        // RFC 5034 §4: a lone "=" is an empty initial response.
        Some(b"=") => Some(Vec::new()),
        Some(text) => Some(STANDARD.decode(text).map_err(|_| "initial response is not base64")?),
    };
    Ok(Line::Auth(Auth { mechanism, initial }))
}
