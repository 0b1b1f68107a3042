//! Passwords verified lately, as keyed hashes: what is in memory is of no use without the process's own random key.

use std::collections::HashMap;

use hongyan_directory::Credential;
use hongyan_types::AccountId;
use parking_lot::Mutex;

/// One verified password.
struct Entry {
    hash: blake3::Hash,
    until_micros: u64,
}

/// Verified passwords by account.
pub(crate) struct Remembered {
    key: [u8; 32],
    entries: Mutex<HashMap<AccountId, Entry>>,
    entries_max: usize,
}

impl Remembered {
    pub(crate) fn new(key: [u8; 32], entries_max: usize) -> Self {
        Self {
            key,
            entries: Mutex::default(),
            entries_max,
        }
    }

    /// The stored hash is part of it: a new password, even the same one, ends the memory of the old.
    fn hash(&self, account: AccountId, credential: &Credential, password: &str) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(&account.0.to_le_bytes());
        hasher.update(&(credential.password_hash.len() as u64).to_le_bytes());
        hasher.update(credential.password_hash.as_bytes());
        hasher.update(password.as_bytes());
        hasher.finalize()
    }

    pub(crate) fn knows(&self, account: AccountId, credential: &Credential, password: &str, now_micros: u64) -> bool {
        let hash = self.hash(account, credential, password);
        let entries = self.entries.lock();
        // blake3 compares hashes in constant time.
        entries
            .get(&account)
            .is_some_and(|entry| entry.until_micros > now_micros && entry.hash == hash)
    }

    /// Of a password that is proved elsewhere nothing is stored here.
    fn hash_outside(&self, account: AccountId, password: &str) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(&account.0.to_le_bytes());
        // No stored hash is that long.
        hasher.update(&u64::MAX.to_le_bytes());
        hasher.update(password.as_bytes());
        hasher.finalize()
    }

    pub(crate) fn knows_outside(&self, account: AccountId, password: &str, now_micros: u64) -> bool {
        let hash = self.hash_outside(account, password);
        let entries = self.entries.lock();
        entries
            .get(&account)
            .is_some_and(|entry| entry.until_micros > now_micros && entry.hash == hash)
    }

    pub(crate) fn remember_outside(&self, account: AccountId, password: &str, now_micros: u64, span_micros: u64) {
        let hash = self.hash_outside(account, password);
        self.keep(account, hash, now_micros, span_micros);
    }

    pub(crate) fn forget(&self, account: AccountId) {
        self.entries.lock().remove(&account);
    }

    pub(crate) fn remember(
        &self,
        account: AccountId,
        credential: &Credential,
        password: &str,
        now_micros: u64,
        span_micros: u64,
    ) {
        let hash = self.hash(account, credential, password);
        self.keep(account, hash, now_micros, span_micros);
    }

    fn keep(&self, account: AccountId, hash: blake3::Hash, now_micros: u64, span_micros: u64) {
        let mut entries = self.entries.lock();
        if entries.len() >= self.entries_max {
            entries.retain(|_, entry| entry.until_micros > now_micros);
            if entries.len() >= self.entries_max {
                entries.clear();
            }
        }
        let until_micros = now_micros.saturating_add(span_micros);
        entries.insert(account, Entry { hash, until_micros });
    }
}
