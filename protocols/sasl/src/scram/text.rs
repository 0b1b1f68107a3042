//! Grammar of RFC 5802 §7: GS2 header, attributes, escaped names.

use crate::binding::BindingKind;

/// First byte or bytes of a client's first message: whether it binds to the channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Gs2 {
    /// `n`: the client cannot.
    Unsupported,
    /// `y`: the client could, but believes the server cannot.
    ThinksServerCannot,
    /// `p=kind`: it does. `None` is a kind we do not know.
    Bound(Option<BindingKind>),
}

/// `client-first-message`, taken apart.
#[derive(Debug)]
pub(crate) struct ClientFirst<'a> {
    pub(crate) gs2: Gs2,
    pub(crate) authzid: Option<String>,
    /// The header up to and with its second comma, as sent: it comes back in `c=`.
    pub(crate) header: &'a str,
    /// The rest, as sent: it is signed.
    pub(crate) bare: &'a str,
    pub(crate) authcid: String,
    pub(crate) nonce: &'a str,
}

impl<'a> ClientFirst<'a> {
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let (flag, rest) = text.split_once(',')?;
        let (authzid, bare) = rest.split_once(',')?;
        let header = text.get(..text.len().checked_sub(bare.len())?)?;
        let gs2 = match flag {
            "n" => Gs2::Unsupported,
            "y" => Gs2::ThinksServerCannot,
            _ => Gs2::Bound(BindingKind::from_name(flag.strip_prefix("p=")?)),
        };
        let authzid = match authzid {
            "" => None,
            named => Some(decode_name(named.strip_prefix("a=")?)?),
        };
        let mut attributes = Attributes(bare);
        // RFC 5802 §5.1: `m=` is a mandatory extension, and we know none; it would stand where `n=` must.
        let authcid = decode_name(attributes.expect('n')?)?;
        let nonce = attributes.expect('r')?;
        if authcid.is_empty() || !is_nonce(nonce) {
            return None;
        }
        Some(Self {
            gs2,
            authzid,
            header,
            bare,
            authcid,
            nonce,
        })
    }
}

/// Comma-separated `x=value` pairs, in order.
#[derive(Debug, Clone)]
pub(crate) struct Attributes<'a>(pub(crate) &'a str);

impl<'a> Attributes<'a> {
    /// The next value, if its letter is `letter`.
    pub(crate) fn expect(&mut self, letter: char) -> Option<&'a str> {
        let (pair, rest) = self.0.split_once(',').unwrap_or((self.0, ""));
        let value = pair.strip_prefix(letter)?.strip_prefix('=')?;
        self.0 = rest;
        Some(value)
    }
}

fn is_nonce(text: &str) -> bool {
    !text.is_empty() && text.len() <= 1024 && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',')
}

/// `saslname`: only `=2C` and `=3D` may follow an equals sign.
pub(crate) fn decode_name(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut parts = text.split('=');
    out.push_str(parts.next()?);
    for part in parts {
        if let Some(rest) = part.strip_prefix("2C") {
            out.push(',');
            out.push_str(rest);
        } else {
            out.push('=');
            out.push_str(part.strip_prefix("3D")?);
        }
    }
    if out.contains('\0') { None } else { Some(out) }
}

pub(crate) fn encode_name(name: &str) -> String {
    name.replace('=', "=3D").replace(',', "=2C")
}

/// `AuthMessage` of RFC 5802 §3.
pub(crate) fn auth_message(client_first_bare: &str, server_first: &str, client_final_without_proof: &str) -> Vec<u8> {
    [client_first_bare, server_first, client_final_without_proof]
        .join(",")
        .into_bytes()
}
