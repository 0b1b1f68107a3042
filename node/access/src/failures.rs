//! Failed attempts by account name and by address, and the locks that follow from them.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};

use parking_lot::Mutex;

use crate::AccessOptions;

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
struct Rule {
    failures_max: u32,
    window_micros: u64,
    lockout_micros: u64,
    entries_max: usize,
}

impl<K: Hash + Eq + Clone> Table<K> {
    fn locked_for_micros(&self, key: &K, now: u64) -> u64 {
        let table = self.0.lock();
        table
            .get(key)
            .map_or(0, |failures| failures.locked_until_micros.saturating_sub(now))
    }

    fn failed(&self, key: K, now: u64, rule: Rule) {
        let mut table = self.0.lock();
        if table.len() >= rule.entries_max && !table.contains_key(&key) {
            make_room(&mut table, now, rule);
        }
        let failures = table.entry(key).or_insert(Failures {
            count: 0,
            window_start_micros: now,
            locked_until_micros: 0,
        });
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

    fn succeeded(&self, key: &K) {
        self.0.lock().remove(key);
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
    accounts: Table<String>,
    addresses: Table<IpAddr>,
    account_rule: Rule,
    address_rule: Rule,
    limit_loopback: bool,
}

impl Guard {
    pub(crate) fn new(options: &AccessOptions) -> Self {
        let rule = |failures_max| Rule {
            failures_max,
            window_micros: options.failure_window_secs.saturating_mul(1_000_000),
            lockout_micros: options.lockout_secs.saturating_mul(1_000_000),
            entries_max: options.failure_entries_max,
        };
        Self {
            accounts: Table(Mutex::default()),
            addresses: Table(Mutex::default()),
            account_rule: rule(options.account_failures_max),
            address_rule: rule(options.address_failures_max),
            limit_loopback: options.limit_loopback,
        }
    }

    fn is_exempt(&self, peer: IpAddr) -> bool {
        !self.limit_loopback && peer.to_canonical().is_loopback()
    }

    /// How long an attempt must wait, in seconds; `None` when it may go ahead.
    pub(crate) fn locked_secs(&self, name: &str, peer: IpAddr, now: u64) -> Option<u64> {
        if self.is_exempt(peer) {
            return None;
        }
        let account = self.accounts.locked_for_micros(&name.to_lowercase(), now);
        let address = self.addresses.locked_for_micros(&network(peer), now);
        let micros = account.max(address);
        (micros > 0).then(|| micros.div_ceil(1_000_000))
    }

    pub(crate) fn failed(&self, name: &str, peer: IpAddr, now: u64) {
        if self.is_exempt(peer) {
            return;
        }
        self.accounts.failed(name.to_lowercase(), now, self.account_rule);
        self.addresses.failed(network(peer), now, self.address_rule);
    }

    /// A success forgives the account's failures, not the address's: else one own account would free guessing at others.
    pub(crate) fn succeeded(&self, name: &str) {
        self.accounts.succeeded(&name.to_lowercase());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard() -> Guard {
        Guard::new(&AccessOptions {
            account_failures_max: 2,
            address_failures_max: 3,
            failure_window_secs: 10,
            lockout_secs: 5,
            failure_entries_max: 4,
            ..AccessOptions::default()
        })
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
        assert!(guard.accounts.0.lock().len() <= 4);
    }
}
