//! Values that never change once they are there, remembered after they were read: the next reader does not ask the store.
//!
//! Bounded in octets. What was read again since it was last looked at stays, of the rest the oldest goes (CLOCK). A value
//! that was removed meanwhile may still be found here: who needs to know asks the store.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use bytes::Bytes;
use parking_lot::Mutex;

/// Parts that are locked one by one.
const SHARDS: usize = 16;
/// What an entry takes beside its octets, about.
const ENTRY_OCTETS: usize = 160;
/// A value may take this part of its shard's room at most.
const SHARE_MAX: usize = 8;

/// The remembered values of one store.
pub(crate) struct Lasting {
    shards: Vec<Mutex<Shard>>,
    hasher: BuildHasherDefault<DefaultHasher>,
    shard_octets_max: usize,
}

#[derive(Default)]
struct Shard {
    values: HashMap<Bytes, Remembered>,
    /// Keys, those next to go first.
    order: VecDeque<Bytes>,
    octets: usize,
}

struct Remembered {
    value: Bytes,
    was_found: bool,
}

fn octets(key: &Bytes, value: &Bytes) -> usize {
    2 * key.len() + value.len() + ENTRY_OCTETS
}

impl Lasting {
    pub(crate) fn new(octets_max: usize) -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hasher: BuildHasherDefault::default(),
            shard_octets_max: octets_max / SHARDS,
        }
    }
    pub(crate) fn find(&self, key: &[u8]) -> Option<Bytes> {
        let mut shard = self.shard(key).lock();
        let remembered = shard.values.get_mut(key)?;
        remembered.was_found = true;
        Some(remembered.value.clone())
    }
    pub(crate) fn has(&self, key: &[u8]) -> bool {
        self.shard(key).lock().values.contains_key(key)
    }
    pub(crate) fn remember(&self, key: &[u8], value: &Bytes) {
        // A copy: the value may be a part of something larger.
        let (key, value) = (Bytes::copy_from_slice(key), Bytes::copy_from_slice(value));
        let new = octets(&key, &value);
        if new > self.shard_octets_max / SHARE_MAX {
            return;
        }
        let mut shard = self.shard(&key).lock();
        if shard.values.contains_key(&key) {
            return;
        }
        while shard.octets + new > self.shard_octets_max {
            shard.forget_one();
        }
        shard.octets += new;
        shard.order.push_back(key.clone());
        let was_found = false;
        shard.values.insert(key, Remembered { value, was_found });
    }
    fn shard(&self, key: &[u8]) -> &Mutex<Shard> {
        let hash = self.hasher.hash_one(key);
        &self.shards[usize::try_from(hash % SHARDS as u64).unwrap_or(0)]
    }
}

impl Shard {
    fn forget_one(&mut self) {
        while let Some(key) = self.order.pop_front() {
            let Some(remembered) = self.values.get_mut(&key) else {
                continue;
            };
            if std::mem::take(&mut remembered.was_found) {
                self.order.push_back(key);
                continue;
            }
            self.octets -= octets(&key, &remembered.value);
            self.values.remove(&key);
            return;
        }
        self.octets = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_found_again_stays_and_the_rest_goes_in_order() {
        let lasting = Lasting::new(SHARDS * SHARE_MAX * 1024);
        let value = Bytes::from(vec![7; 700]);
        lasting.remember(b"wanted", &value);
        for n in 0..10_000u32 {
            assert_eq!(lasting.find(b"wanted").as_ref(), Some(&value), "{n}");
            lasting.remember(&n.to_be_bytes(), &value);
        }
        assert!(!lasting.has(&0u32.to_be_bytes()) && lasting.has(&9_999u32.to_be_bytes()));
        let kept: usize = lasting.shards.iter().map(|shard| shard.lock().octets).sum();
        assert!(kept <= SHARDS * SHARE_MAX * 1024);
        for shard in &lasting.shards {
            let shard = shard.lock();
            let counted: usize = shard.values.iter().map(|(key, kept)| octets(key, &kept.value)).sum();
            assert_eq!((counted, shard.order.len()), (shard.octets, shard.values.len()));
        }
    }

    #[test]
    fn what_is_too_large_is_not_kept() {
        let lasting = Lasting::new(SHARDS * SHARE_MAX * 1024);
        lasting.remember(b"large", &Bytes::from(vec![7; 1024]));
        assert!(!lasting.has(b"large"));
        let none = Lasting::new(0);
        none.remember(b"small", &Bytes::new());
        assert!(!none.has(b"small"));
    }
}
