//! Tokens instead of passwords: OAUTHBEARER (RFC 7628) and what came before it, XOAUTH2. Both sides share the codec.
//!
//! ```text
//! OAUTHBEARER  n,a=anna@example.test,^Ahost=..^Aport=..^Aauth=Bearer TOKEN^A^A
//! XOAUTH2      user=anna@example.test^Aauth=Bearer TOKEN^A^A
//! ```
//! A token that is not taken is answered with a challenge that says so in JSON, which the client acknowledges.

use crate::Secret;

const SEPARATOR: char = '\u{1}';
/// Longest message looked at: a bound on work, far beyond any token.
const OCTETS_MAX: usize = 16 * 1024;

/// What a client shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bearer {
    /// As whom, when it says so.
    pub user: Option<String>,
    /// The token.
    pub token: Secret,
}

/// Reads OAUTHBEARER's message (RFC 7628 §3.1). Channel binding is not for it.
pub(crate) fn read_oauthbearer(response: &[u8]) -> Option<Bearer> {
    let text = text(response)?;
    let (header, rest) = text.split_once(SEPARATOR)?;
    // RFC 5801 §4: the flag, then the identity, each ended by a comma.
    let mut parts = header.split(',');
    let (flag, identity) = (parts.next()?, parts.next()?);
    let is_ended = parts.next() == Some("") && parts.next().is_none();
    if !is_ended || !matches!(flag, "n" | "y") {
        return None;
    }
    let user = match identity {
        "" => None,
        named => Some(unescape(named.strip_prefix("a=")?)?),
    };
    let token = pairs(rest)?;
    Some(Bearer { user, token })
}

/// Reads XOAUTH2's message.
pub(crate) fn read_xoauth2(response: &[u8]) -> Option<Bearer> {
    let (user, rest) = text(response)?.split_once(SEPARATOR)?;
    let user = user.strip_prefix("user=").filter(|user| !user.is_empty())?;
    Some(Bearer {
        user: Some(user.to_owned()),
        token: pairs(rest)?,
    })
}

fn text(response: &[u8]) -> Option<&str> {
    (response.len() <= OCTETS_MAX).then_some(())?;
    std::str::from_utf8(response).ok()
}

/// The token among the pairs, which end with an empty one.
fn pairs(text: &str) -> Option<Secret> {
    let text = text.strip_suffix(SEPARATOR)?;
    if !text.is_empty() && !text.ends_with(SEPARATOR) {
        return None;
    }
    let mut token = None;
    for pair in text.split_terminator(SEPARATOR) {
        let (key, value) = pair.split_once('=')?;
        if !key.bytes().all(|octet| octet.is_ascii_alphabetic()) || key.is_empty() {
            return None;
        }
        if key.eq_ignore_ascii_case("auth") {
            let (scheme, shown) = value.split_once(' ')?;
            let shown = shown.trim();
            let is_token = scheme.eq_ignore_ascii_case("bearer") && !shown.is_empty();
            if !is_token || token.replace(Secret::new(shown)).is_some() {
                return None;
            }
        }
    }
    token
}

/// RFC 5801 §4: a comma and an equals sign stand as `=2C` and `=3D` in an identity.
fn unescape(name: &str) -> Option<String> {
    let mut parts = name.split('=');
    let mut plain = parts.next()?.to_owned();
    for part in parts {
        let (sign, rest) = match (part.strip_prefix("2C"), part.strip_prefix("3D")) {
            (Some(rest), _) => (',', rest),
            (_, Some(rest)) => ('=', rest),
            _ => return None,
        };
        plain.push(sign);
        plain.push_str(rest);
    }
    (!plain.is_empty()).then_some(plain)
}

pub(crate) fn write_oauthbearer(bearer: &Bearer) -> Vec<u8> {
    let escape = |user: &String| format!("a={}", user.replace('=', "=3D").replace(',', "=2C"));
    let identity = bearer.user.as_ref().map(escape).unwrap_or_default();
    format!("n,{identity},\u{1}auth=Bearer {}\u{1}\u{1}", bearer.token.reveal()).into_bytes()
}

pub(crate) fn write_xoauth2(bearer: &Bearer) -> Vec<u8> {
    let user = bearer.user.as_deref().unwrap_or_default();
    format!("user={user}\u{1}auth=Bearer {}\u{1}\u{1}", bearer.token.reveal()).into_bytes()
}

/// The challenge that says that a token is not taken (RFC 7628 §3.2.2).
pub(crate) const NOT_TAKEN: &[u8] = br#"{"status":"invalid_token","schemes":"bearer","scope":"imap pop3 submission"}"#;
/// Likewise, in the words of XOAUTH2.
pub(crate) const NOT_TAKEN_XOAUTH2: &[u8] = br#"{"status":"401","schemes":"bearer","scope":"imap pop3 submission"}"#;

#[cfg(test)]
mod tests {
    use super::*;

    fn bearer(user: Option<&str>, token: &str) -> Option<Bearer> {
        Some(Bearer {
            user: user.map(str::to_owned),
            token: Secret::new(token),
        })
    }

    #[test]
    fn oauthbearer_is_read() {
        let check = |text: &str, expect: Option<Bearer>| {
            assert_eq!(read_oauthbearer(text.as_bytes()), expect, "{text:?}");
        };
        // RFC 7628 §4.1.
        check(
            "n,a=user@example.com,\u{1}host=server.example.com\u{1}port=143\u{1}auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\u{1}\u{1}",
            bearer(Some("user@example.com"), "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="),
        );
        check("n,,\u{1}auth=Bearer t\u{1}\u{1}", bearer(None, "t"));
        check(
            "y,a=a=2Cb=3Dc,\u{1}AUTH=bearer  t \u{1}\u{1}",
            bearer(Some("a,b=c"), "t"),
        );
        for wrong in [
            "",
            "n,,",
            "n,,\u{1}\u{1}",
            "n,,\u{1}auth=Bearer t",
            "n,,\u{1}auth=Bearer t\u{1}",
            "n,,\u{1}auth=Basic t\u{1}\u{1}",
            "n,,\u{1}auth=Bearer \u{1}\u{1}",
            "n,,\u{1}auth=Bearer t\u{1}auth=Bearer u\u{1}\u{1}",
            "p=tls-exporter,,\u{1}auth=Bearer t\u{1}\u{1}",
            "n,a=,\u{1}auth=Bearer t\u{1}\u{1}",
            "n,a=x=2,\u{1}auth=Bearer t\u{1}\u{1}",
            "n,b=x,\u{1}auth=Bearer t\u{1}\u{1}",
            "n,,x\u{1}auth=Bearer t\u{1}\u{1}",
            "n,,\u{1}=x\u{1}auth=Bearer t\u{1}\u{1}",
        ] {
            check(wrong, None);
        }
        assert_eq!(read_oauthbearer(&vec![b'x'; OCTETS_MAX + 1]), None);
        assert_eq!(read_oauthbearer(&[0xFF]), None);
    }

    #[test]
    fn xoauth2_is_read() {
        let check = |text: &str, expect: Option<Bearer>| {
            assert_eq!(read_xoauth2(text.as_bytes()), expect, "{text:?}");
        };
        check(
            "user=a@b.test\u{1}auth=Bearer t\u{1}\u{1}",
            bearer(Some("a@b.test"), "t"),
        );
        for wrong in [
            "",
            "user=\u{1}auth=Bearer t\u{1}\u{1}",
            "auth=Bearer t\u{1}\u{1}",
            "user=a\u{1}\u{1}",
        ] {
            check(wrong, None);
        }
    }

    #[test]
    fn what_is_written_is_read() {
        for user in [Some("anna@example.test"), Some("a,b=c@d.test"), None] {
            let shown = bearer(user, "hya_x-Y_9").unwrap();
            assert_eq!(read_oauthbearer(&write_oauthbearer(&shown)).as_ref(), Some(&shown));
            if user.is_some() {
                assert_eq!(read_xoauth2(&write_xoauth2(&shown)), Some(shown));
            }
        }
    }
}
