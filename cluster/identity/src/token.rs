//! Join tokens: one string that lets one machine into the cluster, for a short time.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hongyan_env::Env;

use crate::Fingerprint;

const PREFIX: &str = "hongyan-join-1.";
const SECRET_OCTETS: usize = 16;
/// Members that a token names, at most: one that answers is enough.
const ADDRESSES_MAX: usize = 8;

/// The secret, the cluster's fingerprint, and where to ask.
#[derive(Clone, PartialEq, Eq)]
pub struct JoinToken {
    secret: [u8; SECRET_OCTETS],
    /// By which the joining node recognises the cluster.
    pub authority: Fingerprint,
    /// Members that take joining nodes in.
    pub addresses: Vec<SocketAddr>,
}

/// By which the cluster knows a token without being able to use it: BLAKE3 of its secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenHash(pub [u8; 32]);

/// Not a join token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a join token of this release: copy the whole line that `hongyan cluster invite` printed")]
pub struct TokenError;

impl JoinToken {
    /// Makes one.
    #[must_use]
    pub fn create(env: &Env, authority: Fingerprint, addresses: Vec<SocketAddr>) -> Self {
        let mut secret = [0; SECRET_OCTETS];
        env.fill_random(&mut secret);
        Self {
            secret,
            authority,
            addresses: addresses.into_iter().take(ADDRESSES_MAX).collect(),
        }
    }
    /// By which the cluster knows it.
    #[must_use]
    pub fn hash(&self) -> TokenHash {
        TokenHash::of(&self.secret)
    }
    pub(crate) fn secret(&self) -> &[u8] {
        &self.secret
    }
}

impl TokenHash {
    pub(crate) fn of(secret: &[u8]) -> Self {
        Self(*blake3::hash(secret).as_bytes())
    }
}

impl fmt::Display for JoinToken {
    /// The whole token, secret included: it is meant to be copied.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = Vec::new();
        bytes.extend_from_slice(&self.secret);
        bytes.extend_from_slice(&self.authority.0);
        let addresses: Vec<String> = self.addresses.iter().map(SocketAddr::to_string).collect();
        bytes.extend_from_slice(addresses.join(" ").as_bytes());
        // A mistyped token is told apart from one that is refused.
        let check = blake3::hash(&bytes);
        bytes.extend_from_slice(&check.as_bytes()[..4]);
        write!(f, "{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl fmt::Debug for JoinToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("JoinToken");
        shown
            .field("authority", &self.authority)
            .field("addresses", &self.addresses);
        shown.finish_non_exhaustive()
    }
}

impl FromStr for JoinToken {
    type Err = TokenError;
    fn from_str(text: &str) -> Result<Self, TokenError> {
        let text = text.trim().strip_prefix(PREFIX).ok_or(TokenError)?;
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| TokenError)?;
        let (bytes, check) = bytes.split_last_chunk::<4>().ok_or(TokenError)?;
        if blake3::hash(bytes).as_bytes()[..4] != check[..] {
            return Err(TokenError);
        }
        let (secret, rest) = bytes.split_first_chunk().ok_or(TokenError)?;
        let (authority, addresses) = rest.split_first_chunk().ok_or(TokenError)?;
        let addresses = std::str::from_utf8(addresses).map_err(|_| TokenError)?;
        let addresses = addresses.split(' ').map(str::parse).collect::<Result<Vec<_>, _>>();
        Ok(Self {
            secret: *secret,
            authority: Fingerprint(*authority),
            addresses: addresses.map_err(|_| TokenError)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_one_line_and_every_slip_of_the_pen_is_noticed() {
        let (env, _) = Env::manual(1);
        let addresses = vec!["192.0.2.1:7400".parse().unwrap(), "[2001:db8::1]:7400".parse().unwrap()];
        let token = JoinToken::create(&env, Fingerprint([7; 32]), addresses);
        let text = token.to_string();
        assert_eq!(format!(" {text}\n").parse::<JoinToken>().unwrap(), token);
        for at in 0..text.len() {
            let mut slip = text.clone().into_bytes();
            slip[at] = if slip[at] == b'x' { b'y' } else { b'x' };
            assert!(String::from_utf8(slip).unwrap().parse::<JoinToken>().is_err(), "{at}");
            assert!(text[..at].parse::<JoinToken>().is_err());
        }
        assert!(!format!("{token:?}").contains("secret"));
    }
}
