//! The keys that a provider shows (RFC 7517, RFC 7518 §6).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use crate::Fault;
use crate::jwt::Algorithm;

/// Keys that are looked at; providers have a handful.
const KEYS_MAX: usize = 100;
const UNCOMPRESSED: u8 = 4;

/// A key for signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Key {
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
    Point { curve: String, octets: Vec<u8> },
}

/// A provider's keys, each with its name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Keys(Vec<(Option<String>, Key)>);

#[derive(Deserialize)]
struct Document {
    keys: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct Shown {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    n: Option<String>,
    e: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

fn octets(text: Option<&String>) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text?.trim_end_matches('=')).ok()
}

fn number(text: Option<&String>) -> Option<Vec<u8>> {
    let octets = octets(text)?;
    let zeros = octets.iter().take_while(|octet| **octet == 0).count();
    octets.get(zeros..).map(<[u8]>::to_vec)
}

impl Shown {
    fn key(&self) -> Option<Key> {
        let curve = || self.crv.clone();
        match self.kty.as_str() {
            "RSA" => Some(Key::Rsa {
                modulus: number(self.n.as_ref())?,
                exponent: number(self.e.as_ref())?,
            }),
            "EC" => Some(Key::Point {
                curve: curve()?,
                octets: [vec![UNCOMPRESSED], octets(self.x.as_ref())?, octets(self.y.as_ref())?].concat(),
            }),
            "OKP" => Some(Key::Point {
                curve: curve()?,
                octets: octets(self.x.as_ref())?,
            }),
            _ => None,
        }
    }
}

impl Keys {
    /// Reads a set. Keys that we cannot use are passed over (RFC 7517 §5).
    pub(crate) fn read(document: &[u8]) -> Result<Self, Fault> {
        let document: Document = serde_json::from_slice(document).map_err(|_| Fault::Unreadable("keys"))?;
        let shown = document.keys.into_iter().take(KEYS_MAX);
        let read = shown.filter_map(|key| serde_json::from_value::<Shown>(key).ok());
        let for_signatures = read.filter(|key| key.purpose.as_deref().is_none_or(|purpose| purpose == "sig"));
        Ok(Self(
            for_signatures
                .filter_map(|shown| Some((shown.kid.clone(), shown.key()?)))
                .collect(),
        ))
    }

    /// Those by that name, or all where none is said, that the algorithm takes.
    pub(crate) fn fitting(&self, name: Option<&str>, algorithm: Algorithm) -> impl Iterator<Item = &Key> {
        let named = self
            .0
            .iter()
            .filter(move |(own, _)| name.is_none() || own.as_deref() == name);
        named.map(|(_, key)| key).filter(move |key| algorithm.takes(key))
    }
}
