//! How a message comes: by HTTP-Redirect, packed and signed beside it (Bindings §3.4), or by HTTP-POST (§3.5).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::{Decompress, FlushDecompress, Status};

use super::ask::{AuthnRequest, read_request};
use crate::certificate::Algorithm;
use crate::{Certificate, Fault};

/// Longest state of an application's own that goes there and back. Bindings §3.4.3 says 80; many send an address.
pub(crate) const RELAY_STATE_OCTETS_MAX: usize = 2_048;
/// The field that a request is in.
pub(crate) const REQUEST: &str = "SAMLRequest";
/// The field that an answer is in.
pub(crate) const RESPONSE: &str = "SAMLResponse";
const DEFLATE: &str = "urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE";

/// What a browser brings.
#[derive(Debug, Clone, Copy)]
pub enum Incoming<'i> {
    /// The query, as it was sent: a signature is over its octets.
    Redirect(&'i str),
    /// The fields of a form.
    Post {
        /// `SAMLRequest` or `SAMLResponse`.
        message: &'i str,
        /// `RelayState`.
        relay_state: Option<&'i str>,
    },
}

/// A signature beside a message.
#[derive(Debug)]
pub(crate) struct Beside {
    octets: String,
    algorithm: String,
    value: Vec<u8>,
}

impl Beside {
    pub(crate) fn check(&self, certificates: &[Certificate]) -> Result<(), Fault> {
        let algorithm = Algorithm::named(&self.algorithm).ok_or_else(|| Fault::Algorithm(self.algorithm.clone()))?;
        let octets = self.octets.as_bytes();
        let is_known = |certificate: &Certificate| certificate.has_signed(&algorithm, octets, &self.value);
        certificates.iter().any(is_known).then_some(()).ok_or(Fault::Signature)
    }
}

/// A message, unpacked.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) text: String,
    pub(crate) relay_state: Option<String>,
    /// Whether it came by HTTP-POST: then a signature is within it.
    pub(crate) by_post: bool,
    pub(crate) beside: Option<Beside>,
}

fn base64(text: &str) -> Result<Vec<u8>, Fault> {
    let packed: String = text.split_ascii_whitespace().collect();
    STANDARD
        .decode(packed)
        .map_err(|_| Fault::Unreadable("it is not base64"))
}

/// RFC 1951, without a head; no more than `octets_max` come out.
fn inflate(packed: &[u8], octets_max: usize) -> Result<Vec<u8>, Fault> {
    let mut out = Vec::with_capacity(octets_max.saturating_add(1));
    let done = Decompress::new(false).decompress_vec(packed, &mut out, FlushDecompress::Finish);
    match done {
        _ if out.len() > octets_max => Err(Fault::TooLong(octets_max)),
        Ok(Status::StreamEnd) => Ok(out),
        _ => Err(Fault::Unreadable("it is not packed by DEFLATE")),
    }
}

/// A field of a query, once, as it was sent.
fn raw<'q>(query: &'q str, name: &'static str) -> Result<Option<&'q str>, Fault> {
    let mut values = query.split('&').filter_map(|pair| {
        let (found, value) = pair.split_once('=').unwrap_or((pair, ""));
        (found == name).then_some(value)
    });
    let first = values.next();
    match values.next() {
        Some(_) => Err(Fault::Wrong(name)),
        None => Ok(first.filter(|value| !value.is_empty())),
    }
}

/// RFC 3986 §2.1, and a plus for a space as forms write it.
fn decoded(value: &str) -> Result<String, Fault> {
    let wrong = || Fault::Unreadable("the query is badly escaped");
    let mut octets = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(octet) = rest.next() {
        octets.push(match octet {
            b'+' => b' ',
            b'%' => {
                let mut digit = || {
                    rest.next()
                        .and_then(|digit| char::from(digit).to_digit(16))
                        .ok_or_else(wrong)
                };
                u8::try_from(digit()? * 16 + digit()?).map_err(|_| wrong())?
            }
            other => other,
        });
    }
    String::from_utf8(octets).map_err(|_| wrong())
}

fn of_query(query: &str, message: &'static str, octets_max: usize) -> Result<Opened, Fault> {
    let field = |name| raw(query, name)?.map(decoded).transpose();
    if field("SAMLEncoding")?.is_some_and(|encoding| encoding != DEFLATE) {
        return Err(Fault::Unreadable("SAMLEncoding is DEFLATE"));
    }
    let packed = field(message)?.ok_or(Fault::Wrong(message))?;
    let octets = inflate(&base64(&packed.replace(' ', "+"))?, octets_max)?;
    let beside = match (field("SigAlg")?, field("Signature")?) {
        (Some(algorithm), Some(value)) => {
            // Bindings §3.4.4.1: over the fields in this order, escaped as they were sent.
            let names = [message, "RelayState", "SigAlg"];
            let mut signed = Vec::new();
            for name in names {
                if let Some(value) = raw(query, name)? {
                    signed.push(format!("{name}={value}"));
                }
            }
            Some(Beside {
                octets: signed.join("&"),
                algorithm,
                value: base64(&value.replace(' ', "+"))?,
            })
        }
        (None, None) => None,
        _ => return Err(Fault::Signature),
    };
    Ok(Opened {
        text: String::from_utf8(octets).map_err(|_| Fault::Unreadable("it is not UTF-8"))?,
        relay_state: field("RelayState")?,
        by_post: false,
        beside,
    })
}

impl Incoming<'_> {
    /// The request that a browser brings, of at most `octets_max`; who has signed it is not looked at.
    ///
    /// # Errors
    /// `TooLong`, `Unreadable`, `DocumentType`, `Wrong`, `Signature`.
    pub fn read_request(self, octets_max: usize) -> Result<AuthnRequest, Fault> {
        read_request(&self.open(REQUEST, octets_max)?.text, octets_max)
    }

    /// Unpacks the message that is called `name`, of at most `octets_max`.
    pub(crate) fn open(self, name: &'static str, octets_max: usize) -> Result<Opened, Fault> {
        let opened = match self {
            Self::Redirect(query) => of_query(query, name, octets_max)?,
            Self::Post { message, relay_state } => {
                // Three octets are four letters; some break lines.
                if message.len() / 2 > octets_max {
                    return Err(Fault::TooLong(octets_max));
                }
                let text = String::from_utf8(base64(message)?);
                Opened {
                    text: text.map_err(|_| Fault::Unreadable("it is not UTF-8"))?,
                    relay_state: relay_state.map(str::to_owned),
                    by_post: true,
                    beside: None,
                }
            }
        };
        let state = opened.relay_state.as_deref().unwrap_or_default();
        match state.len() <= RELAY_STATE_OCTETS_MAX && !state.chars().any(char::is_control) {
            true => Ok(opened),
            false => Err(Fault::Wrong("RelayState")),
        }
    }
}

#[cfg(test)]
mod tests {
    use hongyan_openid::form;

    use super::*;
    use crate::request::deflate;

    fn query(text: &str) -> String {
        form(&[("SAMLRequest", &STANDARD.encode(deflate(text).unwrap()))])
    }

    fn open(query: &str) -> Result<Opened, Fault> {
        Incoming::Redirect(query).open("SAMLRequest", 1_000)
    }

    #[test]
    fn api_2_what_is_packed_is_bounded() {
        let text = "<a>é</a>".repeat(100);
        let opened = open(&format!("{}&RelayState=a%20b%2Bc", query(&text))).unwrap();
        assert_eq!((opened.text, opened.relay_state.as_deref()), (text, Some("a b+c")));
        let bomb = query(&" ".repeat(10_000_000));
        assert!(bomb.len() < 20_000);
        assert_eq!(open(&bomb).unwrap_err(), Fault::TooLong(1_000));
        let whole = query("<a/>");
        for broken in [
            String::new(),
            "SAMLRequest=".to_owned(),
            "SAMLRequest=%".to_owned(),
            "SAMLRequest=%2".to_owned(),
            "SAMLRequest=%FF".to_owned(),
            "SAMLRequest=AAAA".to_owned(),
            format!("{whole}&{whole}"),
            format!("{whole}&SAMLEncoding=x"),
            format!("{whole}&SigAlg=x"),
            format!("{whole}&Signature=AA"),
            format!("{whole}&RelayState={}", "x".repeat(2_049)),
            format!("{whole}&RelayState=%0A"),
            query("\u{fffd}").replace("SAMLRequest", "SAMLResponse"),
        ] {
            assert!(open(&broken).is_err(), "{broken}");
        }
        let post = |message: &str| {
            let incoming = Incoming::Post {
                message,
                relay_state: None,
            };
            incoming.open("SAMLRequest", 10).map(|opened| opened.text)
        };
        assert_eq!(post("PGEv\r\nPg=="), Ok("<a/>".to_owned()));
        assert_eq!(post(&"A".repeat(30)), Err(Fault::TooLong(10)));
        assert!(post("!").is_err() && post("/w==").is_err());
    }
}
