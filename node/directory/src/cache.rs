//! What was read lately. A change of the directory forgets what it touched; what was not looked after for too long is not
//! trusted, so a remembered value is never wrong for longer than that.
//!
//! A reader notes the generation before it reads and may only remember what it read while that is still the
//! generation: a value read before a change is never remembered after it.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use std::sync::atomic::{AtomicU64, Ordering};

use hongyan_env::Env;
use hongyan_types::{AccountId, Domain, TenantId};
use parking_lot::RwLock;

use crate::record::change::Touched;
use crate::record::target::Target;
use crate::standing::Standing;
use crate::transaction::plan::Terms;
use crate::{
    AccountRecord, Credential, DomainRecord, Factors, GroupId, Resolution, SignInPolicy, TenantRecord, TermsVersion,
    TokenHash, TokenRecord,
};

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
    fn remove<Q: Hash + Eq + ?Sized>(&mut self, key: &Q)
    where
        K: Borrow<Q>,
    {
        self.young.remove(key);
        self.old.remove(key);
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
    pub(crate) factors: Table<AccountId, Arc<Factors>>,
    pub(crate) policies: Table<TenantId, Arc<SignInPolicy>>,
    pub(crate) terms: Table<TenantId, Option<Arc<Terms>>>,
    pub(crate) asked_terms: Table<TenantId, Arc<Vec<TermsVersion>>>,
    pub(crate) groups: Table<GroupId, Resolution>,
    pub(crate) postmasters: Table<TenantId, Option<Arc<AccountRecord>>>,
    pub(crate) standings: Table<AccountId, Arc<Standing>>,
    pub(crate) tokens: Table<TokenHash, Option<Arc<TokenRecord>>>,
}

impl Tables {
    fn forget(&mut self, touched: &Touched) {
        match touched {
            Touched::Tenant(tenant) | Touched::TenantCounts(tenant) => {
                self.tenants.remove(tenant);
                self.policies.remove(tenant);
                self.terms.remove(tenant);
                self.asked_terms.remove(tenant);
                self.postmasters.remove(tenant);
            }
            Touched::Domain(domain) => self.domains.remove(domain),
            Touched::Address(key) => self.targets.remove(key.as_str()),
            Touched::Account { tenant, account } => {
                self.accounts.remove(account);
                self.credentials.remove(account);
                self.factors.remove(account);
                self.postmasters.remove(tenant);
            }
            Touched::Token(hash) => self.tokens.remove(hash),
            Touched::Group | Touched::Department { .. } | Touched::Tag { .. } | Touched::Notice(_) => {}
            Touched::Everything => self.clear(),
        }
    }
    fn clear(&mut self) {
        self.tenants.clear();
        self.domains.clear();
        self.targets.clear();
        self.accounts.clear();
        self.credentials.clear();
        self.factors.clear();
        self.policies.clear();
        self.terms.clear();
        self.asked_terms.clear();
        self.groups.clear();
        self.standings.clear();
        self.postmasters.clear();
        self.tokens.clear();
    }
}

pub(crate) struct Cache {
    env: Env,
    tables: RwLock<Tables>,
    /// Until when what is remembered may be used; for ever while nobody else changes the store.
    trusted_until_micros: AtomicU64,
}

impl Cache {
    pub(crate) fn new(env: Env, entries_max: usize) -> Self {
        let tables = RwLock::new(Tables {
            generation: 0,
            tenants: Table::new(entries_max),
            domains: Table::new(entries_max),
            targets: Table::new(entries_max),
            accounts: Table::new(entries_max),
            credentials: Table::new(entries_max),
            factors: Table::new(entries_max),
            policies: Table::new(entries_max),
            terms: Table::new(entries_max / 10),
            asked_terms: Table::new(entries_max),
            groups: Table::new(entries_max / 1_000),
            postmasters: Table::new(entries_max),
            standings: Table::new(entries_max / 10),
            tokens: Table::new(entries_max),
        });
        Self {
            env,
            tables,
            trusted_until_micros: AtomicU64::new(u64::MAX),
        }
    }
    pub(crate) fn generation(&self) -> u64 {
        self.tables.read().generation
    }
    pub(crate) fn trust_until(&self, micros: u64) {
        self.trusted_until_micros.store(micros, Ordering::Release);
    }
    /// Whether others' changes are looked for.
    pub(crate) fn is_followed(&self) -> bool {
        self.trusted_until_micros.load(Ordering::Acquire) != u64::MAX
    }
    pub(crate) fn is_trusted(&self) -> bool {
        !self.is_followed() || self.env.now_micros() <= self.trusted_until_micros.load(Ordering::Acquire)
    }
    pub(crate) fn get<T>(&self, read: impl FnOnce(&Tables) -> Option<T>) -> Option<T> {
        if !self.is_trusted() {
            return None;
        }
        read(&self.tables.read())
    }
    /// Remembers what was read in `generation`, unless something has changed since.
    pub(crate) fn put(&self, generation: u64, write: impl FnOnce(&mut Tables)) {
        let mut tables = self.tables.write();
        if tables.generation == generation {
            write(&mut tables);
        }
    }
    /// Forgets what the store's changes have touched.
    pub(crate) fn forget(&self, touched: &[Touched]) {
        if touched.iter().all(|touched| matches!(touched, Touched::Notice(_))) {
            return;
        }
        let mut tables = self.tables.write();
        tables.generation += 1;
        // Whom a group reaches, and as whom someone sends, depends on all that it names; few of these are remembered.
        tables.groups.clear();
        tables.standings.clear();
        for touched in touched {
            tables.forget(touched);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_was_read_before_a_change_is_not_remembered_after_it() {
        let (env, clock) = Env::manual(1);
        let cache = Cache::new(env, 4);
        let seen = cache.generation();
        cache.forget(&[Touched::Group]);
        cache.put(seen, |tables| tables.tenants.insert(TenantId(1), None));
        assert_eq!(cache.get(|tables| tables.tenants.get(&TenantId(1))), None);
        cache.put(cache.generation(), |tables| tables.tenants.insert(TenantId(1), None));
        let remembered = || cache.get(|tables| tables.tenants.get(&TenantId(1)));
        assert_eq!(remembered(), Some(None));
        cache.forget(&[Touched::Tenant(TenantId(2)), Touched::Address("a@b".to_owned())]);
        assert_eq!(remembered(), Some(None), "others stay");
        cache.trust_until(5);
        clock.advance(Duration::from_micros(6));
        assert_eq!(remembered(), None, "too long without a look");
        cache.trust_until(7);
        assert_eq!(remembered(), Some(None));
        cache.forget(&[Touched::TenantCounts(TenantId(1))]);
        assert_eq!(remembered(), None);
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
