//! What a server offers in its EHLO reply.

use hongyan_sasl::Mechanism;

/// Offers of a server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Extensions {
    /// PIPELINING (RFC 2920).
    pub pipelining: bool,
    /// SIZE (RFC 1870); `Some(0)` is no fixed limit.
    pub size: Option<u64>,
    /// 8BITMIME (RFC 6152).
    pub eight_bit: bool,
    /// BINARYMIME (RFC 3030).
    pub binary: bool,
    /// CHUNKING (RFC 3030).
    pub chunking: bool,
    /// SMTPUTF8 (RFC 6531).
    pub smtputf8: bool,
    /// DSN (RFC 3461).
    pub dsn: bool,
    /// STARTTLS (RFC 3207).
    pub starttls: bool,
    /// AUTH (RFC 4954): those we know.
    pub mechanisms: Vec<Mechanism>,
    /// RCPTMAX of LIMITS (RFC 9422).
    pub recipients_max: Option<u32>,
    /// MAILMAX of LIMITS.
    pub messages_max: Option<u32>,
}

impl Extensions {
    /// Reads the lines of an EHLO reply; the first is the server's name.
    pub(super) fn parse(text: &str) -> Self {
        let mut extensions = Self::default();
        for line in text.split('\n').skip(1) {
            let mut words = line.split([' ', '\t']).filter(|word| !word.is_empty());
            let Some(keyword) = words.next() else { continue };
            match keyword.to_ascii_uppercase().as_str() {
                "PIPELINING" => extensions.pipelining = true,
                "SIZE" => extensions.size = Some(words.next().and_then(|size| size.parse().ok()).unwrap_or(0)),
                "8BITMIME" => extensions.eight_bit = true,
                "BINARYMIME" => extensions.binary = true,
                "CHUNKING" => extensions.chunking = true,
                "SMTPUTF8" => extensions.smtputf8 = true,
                "DSN" => extensions.dsn = true,
                "STARTTLS" => extensions.starttls = true,
                "AUTH" => extensions
                    .mechanisms
                    .extend(words.filter_map(|name| Mechanism::from_name(name.as_bytes()))),
                "LIMITS" => {
                    for word in words {
                        let (name, value) = word.split_once('=').unwrap_or((word, ""));
                        let value = value.parse().ok().filter(|value| *value > 0);
                        if name.eq_ignore_ascii_case("RCPTMAX") {
                            extensions.recipients_max = value;
                        } else if name.eq_ignore_ascii_case("MAILMAX") {
                            extensions.messages_max = value;
                        }
                    }
                }
                _ => {}
            }
        }
        extensions
    }
}
