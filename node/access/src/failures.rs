//! Failed attempts by account name and by address, and the locks that follow from them, as this node knows them. What all
//! nodes count together is in the store (`shared_failures.rs`); here are the locks, and the counts while it is away.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};

use parking_lot::Mutex;

use crate::AccessOptions;

/// What failures are counted of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum GuardedKind {
    /// A login name.
    Name,
    /// A network that counts as one peer.
    Address,
}

impl GuardedKind {
    /// How it is stored.
    pub(crate) fn number(self) -> u8 {
        match self {
            Self::Name => 0,
            Self::Address => 1,
        }
    }
    pub(crate) fn from_number(number: u8) -> Option<Self> {
        [Self::Name, Self::Address]
            .into_iter()
            .find(|kind| kind.number() == number)
    }
}

/// A name or an address, as a digest: it says nothing, and is the same on all nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Guarded {
    pub(crate) kind: GuardedKind,
    pub(crate) digest: [u8; 16],
}

/// Failures of one key.
#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    window_start_micros: u64,
    locked_until_micros: u64,
}

/// Failures of all keys of one kind.
struct Table<K>(Mutex<HashMap<K, Failures>>);

/// The times and limits of one kind of key, in microseconds.
#[derive(Clone, Copy)]
pub(crate) struct Rule {
    pub(crate) failures_max: u32,
    window_micros: u64,
    lockout_micros: u64,
    entries_max: usize,
}

impl Rule {
    pub(crate) fn window_millis(self) -> i64 {
        millis(self.window_micros)
    }
    pub(crate) fn lockout_millis(self) -> i64 {
        millis(self.lockout_micros)
    }
    /// A window or a lock reaches into two buckets at most.
    pub(crate) fn bucket_millis(self) -> i64 {
        self.window_millis().max(self.lockout_millis()).max(1)
    }
}

fn millis(micros: u64) -> i64 {
    i64::try_from(micros / 1_000).unwrap_or(i64::MAX)
}

impl<K: Hash + Eq + Clone> Table<K> {
    fn locked_for_micros(&self, key: &K, now: u64) -> u64 {
        let table = self.0.lock();
        table
            .get(key)
            .map_or(0, |failures| failures.locked_until_micros.saturating_sub(now))
    }

    fn with<T>(&self, key: K, now: u64, rule: Rule, change: impl FnOnce(&mut Failures) -> T) -> T {
        let mut table = self.0.lock();
        if table.len() >= rule.entries_max && !table.contains_key(&key) {
            make_room(&mut table, now, rule);
        }
        change(table.entry(key).or_insert(Failures {
            count: 0,
            window_start_micros: now,
            locked_until_micros: 0,
        }))
    }

    fn failed(&self, key: K, now: u64, rule: Rule) {
        self.with(key, now, rule, |failures| failures.failed(now, rule));
    }

    fn succeeded(&self, key: &K) -> bool {
        self.0.lock().remove(key).is_some()
    }
}

impl Failures {
    fn failed(&mut self, now: u64, rule: Rule) {
        let failures = self;
        if now.saturating_sub(failures.window_start_micros) > rule.window_micros {
            failures.count = 0;
            failures.window_start_micros = now;
        }
        failures.count += 1;
        if failures.count >= rule.failures_max {
            failures.count = 0;
            failures.locked_until_micros = now.saturating_add(rule.lockout_micros);
        }
    }
}

/// Forgets what no longer counts; when everything still counts, what is not locked.
fn make_room<K: Hash + Eq>(table: &mut HashMap<K, Failures>, now: u64, rule: Rule) {
    let counts = |failures: &Failures| now.saturating_sub(failures.window_start_micros) <= rule.window_micros;
    table.retain(|_, failures| failures.locked_until_micros > now || counts(failures));
    if table.len() >= rule.entries_max {
        table.retain(|_, failures| failures.locked_until_micros > now);
    }
    if table.len() >= rule.entries_max {
        table.clear();
    }
}

/// The network that counts as one peer: an IPv4 address, an IPv6 /64.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = address.to_bits() & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
        v4 => v4,
    }
}

/// Limits against guessing.
pub(crate) struct Guard {
    names: Table<[u8; 16]>,
    addresses: Table<[u8; 16]>,
    name_rule: Rule,
    address_rule: Rule,
    limit_loopback: bool,
    secret: [u8; 32],
}

impl Guard {
    /// `secret` is the same on all nodes.
    pub(crate) fn new(options: &AccessOptions, secret: [u8; 32]) -> Self {
        let rule = |failures_max| Rule {
            failures_max,
            window_micros: options.failure_window_secs.saturating_mul(1_000_000),
            lockout_micros: options.lockout_secs.saturating_mul(1_000_000),
            entries_max: options.failure_entries_max,
        };
        Self {
            names: Table(Mutex::default()),
            addresses: Table(Mutex::default()),
            name_rule: rule(options.account_failures_max),
            address_rule: rule(options.address_failures_max),
            limit_loopback: options.limit_loopback,
            secret,
        }
    }

    pub(crate) fn is_exempt(&self, peer: IpAddr) -> bool {
        !self.limit_loopback && peer.to_canonical().is_loopback()
    }

    fn digest(&self, kind: GuardedKind, what: &[u8]) -> Guarded {
        let mut hasher = blake3::Hasher::new_keyed(&self.secret);
        hasher.update(b"guarded\0");
        hasher.update(&[kind.number()]);
        hasher.update(what);
        let mut digest = [0; 16];
        hasher.finalize_xof().fill(&mut digest);
        Guarded { kind, digest }
    }
    pub(crate) fn name(&self, name: &str) -> Guarded {
        self.digest(GuardedKind::Name, name.to_lowercase().as_bytes())
    }
    pub(crate) fn address(&self, peer: IpAddr) -> Guarded {
        match network(peer) {
            IpAddr::V4(address) => self.digest(GuardedKind::Address, &address.octets()),
            IpAddr::V6(address) => self.digest(GuardedKind::Address, &address.octets()),
        }
    }
    pub(crate) fn rule(&self, kind: GuardedKind) -> Rule {
        match kind {
            GuardedKind::Name => self.name_rule,
            GuardedKind::Address => self.address_rule,
        }
    }
    fn table(&self, kind: GuardedKind) -> &Table<[u8; 16]> {
        match kind {
            GuardedKind::Name => &self.names,
            GuardedKind::Address => &self.addresses,
        }
    }

    /// How long an attempt must wait, in seconds; `None` when it may go ahead.
    pub(crate) fn locked_secs(&self, name: &str, peer: IpAddr, now: u64) -> Option<u64> {
        if self.is_exempt(peer) {
            return None;
        }
        let name = self.names.locked_for_micros(&self.name(name).digest, now);
        let address = self.addresses.locked_for_micros(&self.address(peer).digest, now);
        let micros = name.max(address);
        (micros > 0).then(|| micros.div_ceil(1_000_000))
    }

    /// As [`Guard::locked_secs`], where nobody is named.
    pub(crate) fn address_locked_secs(&self, peer: IpAddr, now: u64) -> Option<u64> {
        let micros = self.addresses.locked_for_micros(&self.address(peer).digest, now);
        (micros > 0 && !self.is_exempt(peer)).then(|| micros.div_ceil(1_000_000))
    }

    /// Counts a failure on this node alone.
    pub(crate) fn failed(&self, name: &str, peer: IpAddr, now: u64) {
        if self.is_exempt(peer) {
            return;
        }
        self.names.failed(self.name(name).digest, now, self.name_rule);
        self.addresses.failed(self.address(peer).digest, now, self.address_rule);
    }

    /// A failure was counted for all nodes: remembers only that there was one.
    pub(crate) fn noted(&self, guarded: Guarded, now: u64) {
        let rule = self.rule(guarded.kind);
        self.table(guarded.kind).with(guarded.digest, now, rule, |_| ());
    }

    pub(crate) fn lock(&self, guarded: Guarded, until: u64, now: u64) {
        let rule = self.rule(guarded.kind);
        self.table(guarded.kind).with(guarded.digest, now, rule, |failures| {
            failures.locked_until_micros = failures.locked_until_micros.max(until);
        });
    }

    /// A success forgives the account's failures, not the address's: else one own account would free guessing at others.
    /// Whether there was anything to forgive.
    pub(crate) fn succeeded(&self, name: &str) -> bool {
        self.names.succeeded(&self.name(name).digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard() -> Guard {
        let options = AccessOptions {
            account_failures_max: 2,
            address_failures_max: 3,
            failure_window_secs: 10,
            lockout_secs: 5,
            failure_entries_max: 4,
            ..AccessOptions::default()
        };
        Guard::new(&options, [7; 32])
    }

    #[test]
    fn locks_a_name_and_lets_it_go_again() {
        let (guard, peer) = (guard(), IpAddr::from([192, 0, 2, 1]));
        guard.failed("anna", peer, 0);
        assert_eq!(guard.locked_secs("anna", peer, 0), None);
        guard.failed("ANNA", peer, 1);
        assert_eq!(guard.locked_secs("Anna", IpAddr::from([192, 0, 2, 9]), 1), Some(5));
        assert_eq!(guard.locked_secs("bob", peer, 1), None);
        assert_eq!(guard.locked_secs("anna", peer, 5_000_001), None);
    }

    #[test]
    fn locks_an_address_over_many_names() {
        let guard = guard();
        let peer: IpAddr = "2001:db8::1".parse().unwrap();
        for name in ["a", "b", "c"] {
            guard.failed(name, peer, 0);
            guard.succeeded(name);
        }
        assert_eq!(guard.locked_secs("d", "2001:db8::2".parse().unwrap(), 0), Some(5));
        assert_eq!(guard.locked_secs("d", "2001:db8:0:1::2".parse().unwrap(), 0), None);
    }

    #[test]
    fn failures_far_apart_do_not_count_together_and_memory_is_bounded() {
        let (guard, peer) = (guard(), IpAddr::from([192, 0, 2, 1]));
        guard.failed("anna", peer, 0);
        guard.failed("anna", peer, 11_000_000);
        assert_eq!(guard.locked_secs("anna", peer, 11_000_000), None);
        for n in 0..100 {
            guard.failed(&n.to_string(), IpAddr::from([10, 0, 0, n]), 11_000_000);
        }
        assert!(guard.names.0.lock().len() <= 4);
    }
}
