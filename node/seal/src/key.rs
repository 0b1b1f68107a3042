//! A key that seals, and how it is written down.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hongyan_env::Env;
use zeroize::Zeroizing;

/// Octets of a key (AES-256).
pub(crate) const KEY_OCTETS: usize = 32;

/// Names a key. Random, so that nodes which make keys at the same time make different ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub u64);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for KeyId {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        if text.len() != 16 {
            return Err(KeyError);
        }
        u64::from_str_radix(text, 16).map(Self).map_err(|_| KeyError)
    }
}

/// A key, with the moment from which it is the one that seals.
#[derive(Clone, PartialEq, Eq)]
pub struct SealKey {
    /// Its name.
    pub id: KeyId,
    /// From when on it seals, in milliseconds since the Unix epoch: by then all nodes have it.
    pub from_millis: i64,
    pub(crate) secret: Zeroizing<[u8; KEY_OCTETS]>,
}

/// It is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no key: a key is an identifier, a time and 32 octets in base64url, with spaces between them")]
pub struct KeyError;

impl SealKey {
    /// A new key, which seals from `from_millis` on.
    #[must_use]
    pub fn generate(env: &Env, from_millis: i64) -> Self {
        let mut secret = Zeroizing::new([0; KEY_OCTETS]);
        env.fill_random(secret.as_mut_slice());
        Self {
            id: KeyId(env.random_u64()),
            from_millis,
            secret,
        }
    }
    /// As it is written down: identifier, time, the key itself.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        let secret = Zeroizing::new(URL_SAFE_NO_PAD.encode(self.secret.as_slice()));
        Zeroizing::new(format!("{} {} {}", self.id, self.from_millis, secret.as_str()))
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealKey").field("id", &self.id).finish_non_exhaustive()
    }
}

impl FromStr for SealKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let mut words = text.split_ascii_whitespace();
        let mut word = || words.next().ok_or(KeyError);
        let (id, from, secret) = (word()?, word()?, word()?);
        if words.next().is_some() {
            return Err(KeyError);
        }
        let octets = Zeroizing::new(URL_SAFE_NO_PAD.decode(secret).map_err(|_| KeyError)?);
        let mut key = Zeroizing::new([0; KEY_OCTETS]);
        if octets.len() != KEY_OCTETS {
            return Err(KeyError);
        }
        key.copy_from_slice(&octets);
        Ok(Self {
            id: id.parse()?,
            from_millis: from.parse().map_err(|_| KeyError)?,
            secret: key,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_comes_back_from_its_text_and_never_prints() {
        let (env, _) = Env::manual(1);
        let key = SealKey::generate(&env, 5);
        let text = key.to_text();
        assert_eq!(text.parse::<SealKey>(), Ok(key.clone()));
        let secret = text.rsplit_once(' ').unwrap().1;
        assert!(!format!("{key:?}").contains(secret));
        let long = format!("{} x", text.as_str());
        for wrong in ["", "a", "00000000000000aa 5", "00000000000000aa 5 AAAA", long.as_str()] {
            assert_eq!(wrong.parse::<SealKey>(), Err(KeyError), "{wrong}");
        }
    }
}
