//! What was read lately. Any change of the directory forgets everything, so a remembered value is never wrong.
//!
//! A reader notes the generation before it reads and may only remember what it read while that is still the
//! generation: a value read before a change is never remembered after it.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use hongyan_types::{AccountId, Domain, TenantId};
use parking_lot::RwLock;

use crate::record::target::Target;
use crate::{AccountRecord, Credential, DomainRecord, GroupId, Resolution, TenantRecord};

/// Two halves: when the young one is full, the old one is forgotten and the young one becomes it.
pub(crate) struct Table<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    entries_max: usize,
}

impl<K: Hash + Eq, V: Clone> Table<K, V> {
    fn new(entries_max: usize) -> Self {
        Self {
            young: HashMap::new(),
            old: HashMap::new(),
            entries_max,
        }
    }
    pub(crate) fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.young.get(key).or_else(|| self.old.get(key)).cloned()
    }
    pub(crate) fn insert(&mut self, key: K, value: V) {
        if self.young.len() >= self.entries_max {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }
    fn clear(&mut self) {
        self.young.clear();
        self.old.clear();
    }
}

/// Remembered values; `None` remembers that there is none.
pub(crate) struct Tables {
    generation: u64,
    pub(crate) tenants: Table<TenantId, Option<Arc<TenantRecord>>>,
    pub(crate) domains: Table<Domain, Option<Arc<DomainRecord>>>,
    pub(crate) targets: Table<String, Option<Target>>,
    pub(crate) accounts: Table<AccountId, Option<Arc<AccountRecord>>>,
    pub(crate) credentials: Table<AccountId, Option<Arc<Credential>>>,
    pub(crate) groups: Table<GroupId, Resolution>,
    pub(crate) postmasters: Table<TenantId, Option<Arc<AccountRecord>>>,
}

pub(crate) struct Cache(RwLock<Tables>);

impl Cache {
    pub(crate) fn new(entries_max: usize) -> Self {
        Self(RwLock::new(Tables {
            generation: 0,
            tenants: Table::new(entries_max),
            domains: Table::new(entries_max),
            targets: Table::new(entries_max),
            accounts: Table::new(entries_max),
            credentials: Table::new(entries_max),
            groups: Table::new(entries_max / 1_000),
            postmasters: Table::new(entries_max),
        }))
    }
    pub(crate) fn generation(&self) -> u64 {
        self.0.read().generation
    }
    pub(crate) fn get<T>(&self, read: impl FnOnce(&Tables) -> Option<T>) -> Option<T> {
        read(&self.0.read())
    }
    /// Remembers what was read in `generation`, unless something has changed since.
    pub(crate) fn put(&self, generation: u64, write: impl FnOnce(&mut Tables)) {
        let mut tables = self.0.write();
        if tables.generation == generation {
            write(&mut tables);
        }
    }
    /// Forgets everything: the store has changed.
    pub(crate) fn forget(&self) {
        let mut tables = self.0.write();
        tables.generation += 1;
        tables.tenants.clear();
        tables.domains.clear();
        tables.targets.clear();
        tables.accounts.clear();
        tables.credentials.clear();
        tables.groups.clear();
        tables.postmasters.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_before_a_change_is_not_remembered_after_it() {
        let cache = Cache::new(4);
        let seen = cache.generation();
        cache.forget();
        cache.put(seen, |tables| tables.tenants.insert(TenantId(1), None));
        assert_eq!(cache.get(|tables| tables.tenants.get(&TenantId(1))), None);
        cache.put(cache.generation(), |tables| tables.tenants.insert(TenantId(1), None));
        assert_eq!(cache.get(|tables| tables.tenants.get(&TenantId(1))), Some(None));
    }

    #[test]
    fn a_table_never_grows_beyond_two_halves() {
        let mut table = Table::new(4);
        for key in 0..100 {
            table.insert(key, key);
            assert!(table.young.len() + table.old.len() <= 8);
            assert_eq!(table.get(&key), Some(key));
        }
        assert_eq!(table.get(&99), Some(99));
        assert_eq!(table.get(&10), None);
    }
}
