//! Seals and opens. A sealed secret, octet by octet:
//!
//! ```text
//! 1        the form: 1
//! 8        which key, big-endian
//! 12       nonce, random
//! n + 16   AES-256-GCM of the secret; form, key and place are authenticated with it
//! ```
//!
//! Random nonces of 96 bits are good for 2^32 secrets a key, and a new key can be made at any time.

use std::collections::BTreeMap;
use std::sync::Arc;

use hongyan_env::Env;
use parking_lot::RwLock;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use tokio::sync::watch;
use zeroize::Zeroizing;

use crate::{Kept, KeyId, Place, SealKey};

const FORM: u8 = 1;
/// Form and key.
const HEAD_OCTETS: usize = 9;

/// Why a secret was not sealed or opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Nobody has given this node a key yet.
    #[error("this node has no key for secrets yet: it waits for its cluster")]
    NoKey,
    /// It was sealed with a key that is not here.
    #[error(
        "the secret is sealed with key {0}, which this node does not have: put the secrets.key that belongs to this data back \
         into the data folder, or set the secret anew"
    )]
    UnknownKey(KeyId),
    /// The key is here, by its name, and does not open it.
    #[error(
        "the secret does not open with key {0}: the secrets.key in the data folder is not the one that belongs to this data, or \
         the record was tampered with"
    )]
    Wrong(KeyId),
    /// A later release has written it, or nobody of ours.
    #[error("the secret is sealed in a form that this release does not know")]
    Form,
}

/// Seals and opens secrets with the keys that it was given; clones share them.
#[derive(Clone)]
pub struct Sealer(Arc<Inner>);

struct Inner {
    env: Env,
    keys: RwLock<BTreeMap<KeyId, Arc<Key>>>,
    /// How many keys there are.
    count: watch::Sender<usize>,
}

struct Key {
    written: SealKey,
    cipher: LessSafeKey,
}

impl Sealer {
    /// One without a key: it seals nothing until it is given one.
    #[must_use]
    pub fn new(env: Env) -> Self {
        Self(Arc::new(Inner {
            env,
            keys: RwLock::default(),
            count: watch::Sender::new(0),
        }))
    }

    /// One with a key of its own, for tests: what it seals is lost with it.
    #[must_use]
    pub fn with_new_key(env: Env) -> Self {
        let sealer = Self::new(env);
        sealer.make_key();
        sealer
    }

    /// Gives it a key that nobody else has, for tests.
    pub fn make_key(&self) {
        self.add(SealKey::generate(&self.0.env, 0));
    }

    /// Gives it a key; false when it has one of that name already.
    pub fn add(&self, key: SealKey) -> bool {
        let Ok(cipher) = UnboundKey::new(&AES_256_GCM, key.secret.as_slice()) else {
            return false;
        };
        let id = key.id;
        let key = Key {
            written: key,
            cipher: LessSafeKey::new(cipher),
        };
        let mut keys = self.0.keys.write();
        if keys.contains_key(&id) {
            return false;
        }
        keys.insert(id, Arc::new(key));
        self.0.count.send_replace(keys.len());
        true
    }

    /// All its keys, the oldest first.
    #[must_use]
    pub fn keys(&self) -> Vec<SealKey> {
        let mut keys: Vec<_> = self.0.keys.read().values().map(|key| key.written.clone()).collect();
        keys.sort_by_key(|key| (key.from_millis, key.id));
        keys
    }

    /// Tells how many keys it has, and when it gets another.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<usize> {
        self.0.count.subscribe()
    }

    /// The key that seals now: the latest whose time has come, or the first of those whose time has not.
    #[must_use]
    pub fn current(&self) -> Option<KeyId> {
        self.current_key().map(|key| key.written.id)
    }

    fn current_key(&self) -> Option<Arc<Key>> {
        let now = self.0.env.wall_millis();
        let keys = self.0.keys.read();
        let order = |key: &&Arc<Key>| (key.written.from_millis, key.written.id);
        let begun = keys
            .values()
            .filter(|key| key.written.from_millis <= now)
            .max_by_key(order);
        begun.or_else(|| keys.values().min_by_key(order)).cloned()
    }

    /// Seals a secret for its place.
    ///
    /// # Errors
    /// `NoKey`.
    pub fn seal(&self, place: &Place, secret: &[u8]) -> Result<Vec<u8>, SealError> {
        let key = self.current_key().ok_or(SealError::NoKey)?;
        let mut nonce = [0; NONCE_LEN];
        self.0.env.fill_random(&mut nonce);
        let mut sealed = vec![FORM];
        sealed.extend_from_slice(&key.written.id.0.to_be_bytes());
        let bound = bound(&sealed, place);
        sealed.extend_from_slice(&nonce);
        let mut hidden = secret.to_vec();
        let nonce = Nonce::assume_unique_for_key(nonce);
        // Fails for secrets of many gigabytes only.
        key.cipher
            .seal_in_place_append_tag(nonce, Aad::from(bound), &mut hidden)
            .map_err(|_| SealError::Form)?;
        sealed.append(&mut hidden);
        Ok(sealed)
    }

    /// Opens what was sealed for this place.
    ///
    /// # Errors
    /// `UnknownKey`, `Wrong`, `Form`.
    pub fn open(&self, place: &Place, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let id = key_of(sealed)?;
        let (head, rest) = sealed.split_at_checked(HEAD_OCTETS).ok_or(SealError::Form)?;
        let (nonce, hidden) = rest.split_at_checked(NONCE_LEN).ok_or(SealError::Form)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError::Form)?;
        let Some(key) = self.0.keys.read().get(&id).cloned() else {
            // Its keys are still to come.
            let none = self.current().is_none();
            return Err(if none {
                SealError::NoKey
            } else {
                SealError::UnknownKey(id)
            });
        };
        let mut opened = Zeroizing::new(hidden.to_vec());
        let length = key
            .cipher
            .open_in_place(nonce, Aad::from(bound(head, place)), &mut opened)
            .map_err(|_| SealError::Wrong(id))?
            .len();
        opened.truncate(length);
        Ok(opened)
    }

    /// Seals a secret for the record that keeps it.
    ///
    /// # Errors
    /// As [`Sealer::seal`].
    pub fn keep(&self, place: &Place, secret: &[u8]) -> Result<Kept, SealError> {
        self.seal(place, secret).map(Kept::Sealed)
    }

    /// The secret that a record keeps.
    ///
    /// # Errors
    /// As [`Sealer::open`].
    pub fn reveal(&self, place: &Place, kept: &Kept) -> Result<Zeroizing<Vec<u8>>, SealError> {
        match kept {
            Kept::Clear(secret) => Ok(Zeroizing::new(secret.clone())),
            Kept::Sealed(sealed) => self.open(place, sealed),
        }
    }

    /// The secret sealed with the key that seals now; `None` when it is already.
    ///
    /// # Errors
    /// As [`Sealer::open`] and [`Sealer::seal`].
    pub fn again(&self, place: &Place, kept: &Kept) -> Result<Option<Kept>, SealError> {
        let current = self.current().ok_or(SealError::NoKey)?;
        // One that does not open is told, whatever its key.
        let secret = self.reveal(place, kept)?;
        match kept {
            Kept::Sealed(sealed) if key_of(sealed)? == current => Ok(None),
            _ => self.keep(place, &secret).map(Some),
        }
    }
}

fn bound(head: &[u8], place: &Place) -> Vec<u8> {
    [head, place.as_bytes()].concat()
}

fn key_of(sealed: &[u8]) -> Result<KeyId, SealError> {
    match sealed.split_first() {
        Some((&FORM, rest)) => {
            let id = rest.first_chunk::<8>().ok_or(SealError::Form)?;
            Ok(KeyId(u64::from_be_bytes(*id)))
        }
        _ => Err(SealError::Form),
    }
}

#[cfg(test)]
#[path = "sealer_test.rs"]
mod tests;
