//! Who signed in, from where and with what result (LOG-1): for the member, and for the administrators of the organisation.
//!
//! Keys, each a tuple; both hold the same entry:
//! ("acc", "login", tenant, millis, random)
//! ("acc", "login-of", account, millis, random)
//! Entries are gathered in memory and written together a few times a second, so that they cost a sign-in nothing; a node that
//! dies takes the last of them along. A client that signs in the same way again and again is written once in a while.
//! Names that nobody has belong to no organisation and are not written.

use std::collections::BTreeMap;
use std::net::IpAddr;

use bytes::Bytes;
use hongyan_directory::{AccountRecord, Error, Protocol};
use hongyan_kv::record::{self, RecordError, Schema};
use hongyan_kv::{KeyRange, RangeQuery, ReadMode, Transaction, Tuple};
use hongyan_telemetry::{Counter, counter};
use hongyan_types::{AccountId, TenantId, Timestamp};
use minicbor::{Decode, Encode};
use parking_lot::Mutex;

use crate::{Access, AccessError, AccessOptions, unusual};

/// Entries that wait to be written; more are lost, and counted.
const WAITING_MAX: usize = 10_000;
/// Entries written, or removed, in one transaction.
const STEP: usize = 500;
/// Entries looked at for one page: a filter that finds little answers with what it has, and where to go on.
const PAGE_SCAN_MAX: usize = 20_000;
/// Ways of signing in that are remembered as written lately.
const LATELY_MAX: usize = 100_000;
const V1: Schema = Schema(1);

/// By what someone signed in, or tried to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// The account's password.
    Password,
    /// An app password.
    AppPassword,
    /// The second factor, in a web session.
    SecondFactor,
    /// An access token of a mail client's.
    Token,
    /// A passkey, alone or as the second factor.
    Passkey,
    /// The provider of the organisation.
    SingleSignOn,
    /// A code sent to the phone, in place of the password.
    PhoneCode,
    /// A forgotten password was set anew.
    Recovery,
}

impl Way {
    const ALL: [Self; 8] = [
        Self::Password,
        Self::AppPassword,
        Self::SecondFactor,
        Self::Token,
        Self::Passkey,
        Self::SingleSignOn,
        Self::PhoneCode,
        Self::Recovery,
    ];

    /// A stable word.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::AppPassword => "app-password",
            Self::SecondFactor => "second-factor",
            Self::Token => "token",
            Self::Passkey => "passkey",
            Self::SingleSignOn => "single-sign-on",
            Self::PhoneCode => "phone-code",
            Self::Recovery => "recovery",
        }
    }
    /// As releases before it say it: they read no other words.
    fn older(self) -> Self {
        match self {
            Self::Passkey => Self::SecondFactor,
            Self::SingleSignOn => Self::Token,
            Self::PhoneCode | Self::Recovery => Self::Password,
            known => known,
        }
    }
    fn read(label: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|way| way.label() == label)
    }
}

/// One sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginEntry {
    /// When.
    pub at: Timestamp,
    /// Whose organisation.
    pub tenant: TenantId,
    /// Whose account.
    pub account: AccountId,
    /// The name that was typed: it may be an alias.
    pub name: String,
    /// By which protocol.
    pub protocol: Protocol,
    /// By what.
    pub way: Way,
    /// From where.
    pub peer: IpAddr,
    /// What the client calls itself, where it says so before it signs in.
    pub client: String,
    /// `ok`, or why not.
    pub result: String,
    /// Whether its owner was told that it is unusual (LOG-2).
    pub unusual: bool,
}

/// Names an entry among those of its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LoginPlace {
    /// When.
    pub millis: u64,
    /// Which of that moment.
    pub random: u64,
}

/// Part of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginPage {
    /// The newest first.
    pub entries: Vec<LoginEntry>,
    /// Ask for what is before this to go on; nothing at the end.
    pub next: Option<LoginPlace>,
}

/// Whose sign-ins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginsOf {
    /// All members of an organisation.
    Tenant(TenantId),
    /// One account.
    Account(AccountId),
}

/// Which of them; all of what is said must hold.
#[derive(Debug, Clone, Default)]
pub struct LoginFilter {
    /// Not before.
    pub from: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
    /// Only those that failed.
    pub failed: bool,
    /// Only those that are unusual.
    pub unusual: bool,
}

#[derive(Encode, Decode)]
struct EntryV1 {
    #[n(0)]
    tenant: u64,
    #[n(1)]
    account: u64,
    #[n(2)]
    name: String,
    #[n(3)]
    protocol: String,
    #[n(4)]
    way: String,
    #[n(5)]
    peer: String,
    #[n(6)]
    client: String,
    #[n(7)]
    result: String,
    /// The way where `way` is only near it.
    #[n(8)]
    exact_way: Option<String>,
    #[n(9)]
    unusual: Option<bool>,
}

fn of_tenant(tenant: TenantId) -> Tuple {
    Tuple::new().string("acc").string("login").int(tenant.0)
}

pub(crate) fn of_account(account: AccountId) -> Tuple {
    Tuple::new().string("acc").string("login-of").int(account.0)
}

fn at(prefix: Tuple, place: LoginPlace) -> Bytes {
    prefix.int(place.millis).int(place.random).pack()
}

fn encode(entry: &LoginEntry) -> Bytes {
    let body = EntryV1 {
        tenant: entry.tenant.0,
        account: entry.account.0,
        name: entry.name.clone(),
        protocol: entry.protocol.label().to_owned(),
        way: entry.way.older().label().to_owned(),
        peer: entry.peer.to_string(),
        client: entry.client.clone(),
        result: entry.result.clone(),
        unusual: entry.unusual.then_some(true),
        exact_way: (entry.way.older() != entry.way).then(|| entry.way.label().to_owned()),
    };
    record::encode(V1, &body)
}

fn decode(place: LoginPlace, stored: &[u8]) -> Result<LoginEntry, RecordError> {
    let body: EntryV1 = record::decode(V1, stored)?;
    let unknown = |what: &str| RecordError::Body(format!("a sign-in by an unknown {what}"));
    Ok(LoginEntry {
        at: Timestamp {
            millis: i64::try_from(place.millis).unwrap_or(i64::MAX),
        },
        tenant: TenantId(body.tenant),
        account: AccountId(body.account),
        name: body.name,
        protocol: Protocol::ALL
            .into_iter()
            .find(|protocol| protocol.label() == body.protocol)
            .ok_or_else(|| unknown("protocol"))?,
        way: body
            .exact_way
            .as_deref()
            .and_then(Way::read)
            .or_else(|| Way::read(&body.way))
            .ok_or_else(|| unknown("way"))?,
        peer: body.peer.parse().map_err(|_| unknown("address"))?,
        client: body.client,
        result: body.result,
        unusual: body.unusual.unwrap_or_default(),
    })
}

fn place_of(prefix: &Tuple, key: &[u8]) -> hongyan_kv::Result<LoginPlace> {
    let corrupt = |_| hongyan_kv::Error::Corrupt("key of a sign-in".to_owned());
    let mut reader = prefix.reader(key).map_err(corrupt)?;
    Ok(LoginPlace {
        millis: reader.int().map_err(corrupt)?,
        random: reader.int().map_err(corrupt)?,
    })
}

/// A way of signing in, for which one entry in a while is enough.
type Habit = (AccountId, Protocol, Way, IpAddr);

/// What waits to be written, and what was written lately.
pub(crate) struct LoginLog {
    waiting: Mutex<Vec<LoginEntry>>,
    /// When each was written last, in milliseconds.
    lately: Mutex<BTreeMap<Habit, i64>>,
    repeat_millis: i64,
    lost: Counter,
}

impl LoginLog {
    pub(crate) fn new(options: &AccessOptions) -> Self {
        let repeat = i64::try_from(options.login_log_repeat_secs).unwrap_or(i64::MAX / 1_000);
        Self {
            waiting: Mutex::default(),
            lately: Mutex::default(),
            repeat_millis: repeat.saturating_mul(1_000),
            lost: counter(
                "hongyan_access_login_entries_lost_total",
                "Sign-ins that are not in the login log: too many waited to be written.",
            ),
        }
    }

    /// Whether a success is like one that was written lately.
    fn is_habit(&self, entry: &LoginEntry) -> bool {
        if entry.result != "ok" {
            return false;
        }
        let now = entry.at.millis;
        let habit = (entry.account, entry.protocol, entry.way, entry.peer);
        let mut lately = self.lately.lock();
        let counts = |written: &i64| (0..self.repeat_millis).contains(&now.saturating_sub(*written));
        if lately.get(&habit).is_some_and(counts) {
            return true;
        }
        if lately.len() >= LATELY_MAX {
            lately.retain(|_, written| counts(written));
            if lately.len() >= LATELY_MAX {
                lately.clear();
            }
        }
        lately.insert(habit, now);
        false
    }

    fn push(&self, entry: LoginEntry) {
        if self.is_habit(&entry) {
            return;
        }
        let mut waiting = self.waiting.lock();
        if waiting.len() < WAITING_MAX {
            waiting.push(entry);
        } else {
            self.lost.inc();
        }
    }
}

/// What is known of a sign-in beside its result.
pub(crate) struct Attempt<'a> {
    pub(crate) account: &'a AccountRecord,
    pub(crate) name: &'a str,
    pub(crate) protocol: Protocol,
    pub(crate) way: Way,
    pub(crate) peer: IpAddr,
    pub(crate) client: &'a str,
}

/// Hears of every success.
pub(crate) type SignIns = Box<dyn Fn(TenantId, AccountId) + Send + Sync>;

impl Access {
    /// Has `counts` hear of every sign-in from now on; it is asked once.
    pub fn count_sign_ins(&self, counts: impl Fn(TenantId, AccountId) + Send + Sync + 'static) {
        let _ = self.0.sign_ins.set(Box::new(counts));
    }
    /// Notes a sign-in.
    pub(crate) fn log_login(&self, attempt: &Attempt<'_>, error: Option<&AccessError>) {
        let inner = &self.0;
        if let (None, Some(sign_ins)) = (error, inner.sign_ins.get()) {
            sign_ins(attempt.account.tenant, attempt.account.id);
        }
        inner.login_log.push(LoginEntry {
            at: self.now(),
            tenant: attempt.account.tenant,
            account: attempt.account.id,
            name: attempt.name.chars().filter(|c| !c.is_control()).take(320).collect(),
            protocol: attempt.protocol,
            way: attempt.way,
            peer: attempt.peer.to_canonical(),
            client: attempt.client.chars().filter(|c| !c.is_control()).take(200).collect(),
            result: error.map_or("ok", AccessError::label).to_owned(),
            unusual: false,
        });
    }

    /// Writes what waits. What cannot be written waits on.
    pub async fn write_logins(&self) {
        let inner = &self.0;
        loop {
            let step: Vec<LoginEntry> = {
                let mut waiting = inner.login_log.waiting.lock();
                let count = waiting.len().min(STEP);
                waiting.drain(..count).collect()
            };
            if step.is_empty() {
                return;
            }
            let entries: Vec<(LoginPlace, LoginEntry)> = step
                .into_iter()
                .map(|entry| {
                    let place = LoginPlace {
                        millis: u64::try_from(entry.at.millis).unwrap_or(0),
                        random: inner.env.random_u64() >> 1,
                    };
                    (place, entry)
                })
                .collect();
            let mut written = Vec::with_capacity(entries.len());
            for (place, entry) in &entries {
                // Nobody is told what cannot be looked at; the sign-in is written all the same.
                let sight = self.sight(entry).await.unwrap_or_default();
                written.push((*place, entry.clone(), sight));
            }
            let write = async move |transaction: &mut Transaction| {
                for (place, entry, sight) in &written {
                    let mut entry = entry.clone();
                    if let Some(sight) = sight {
                        entry.unusual = unusual::observe(transaction, sight).await?;
                    }
                    let stored = encode(&entry);
                    transaction.set(at(of_account(entry.account), *place), stored.clone());
                    transaction.set(at(of_tenant(entry.tenant), *place), stored);
                }
                Ok::<_, hongyan_kv::Error>(())
            };
            match inner.database.run(write).await {
                // Writing the same again changes nothing.
                Ok(()) | Err(hongyan_kv::Error::CommitUnknown) => {}
                Err(error) => {
                    tracing::warn!(event = "logins_not_written", %error, "they wait");
                    let mut waiting = inner.login_log.waiting.lock();
                    for (_, entry) in entries {
                        if waiting.len() < WAITING_MAX {
                            waiting.push(entry);
                        }
                    }
                    return;
                }
            }
        }
    }

    /// Sign-ins that `filter` takes, the newest first, before `before`, at most `limit`.
    ///
    /// # Errors
    /// `Directory`.
    pub async fn logins(
        &self,
        of: LoginsOf,
        filter: &LoginFilter,
        before: Option<LoginPlace>,
        limit: usize,
    ) -> Result<LoginPage, AccessError> {
        let prefix = match of {
            LoginsOf::Tenant(tenant) => of_tenant(tenant),
            LoginsOf::Account(account) => of_account(account),
        };
        let millis = |at: Option<Timestamp>| at.map(|at| u64::try_from(at.millis).unwrap_or(0));
        let mut range = prefix.range();
        if let Some(from) = millis(filter.from) {
            range.begin = prefix.clone().int(from).pack();
        }
        if let Some(until) = millis(filter.until) {
            range.end = prefix.clone().int(until).pack();
        }
        if let Some(before) = before {
            range.end = at(prefix.clone(), before).min(range.end);
        }
        let (mut entries, mut scanned) = (Vec::new(), 0);
        loop {
            let query = RangeQuery {
                range: range.clone(),
                limit: STEP,
                reverse: true,
                mode: ReadMode::Snapshot,
            };
            let pairs = self
                .0
                .database
                .begin()
                .get_range_all(query)
                .await
                .map_err(Error::from)?;
            for pair in &pairs {
                let place = place_of(&prefix, &pair.key).map_err(Error::from)?;
                let entry = decode(place, &pair.value).map_err(Error::from)?;
                scanned += 1;
                let is_meant = (!filter.failed || entry.result != "ok") && (!filter.unusual || entry.unusual);
                if is_meant {
                    entries.push(entry);
                }
                if entries.len() == limit || scanned == PAGE_SCAN_MAX {
                    let next = Some(place);
                    return Ok(LoginPage { entries, next });
                }
            }
            match pairs.last() {
                Some(last) if pairs.len() == STEP => range.end = last.key.clone(),
                _ => return Ok(LoginPage { entries, next: None }),
            }
        }
    }

    /// Removes the sign-ins of a tenant from before `until`, some at a time. Safe on many nodes at once.
    ///
    /// # Errors
    /// The store's; what was removed stays removed.
    pub async fn sweep_logins(&self, tenant: TenantId, until: Timestamp) -> Result<(), Error> {
        let until = u64::try_from(until.millis).unwrap_or(0);
        loop {
            let step = async move |transaction: &mut Transaction| {
                let prefix = of_tenant(tenant);
                let query = RangeQuery {
                    range: KeyRange {
                        begin: prefix.range().begin,
                        end: prefix.clone().int(until).pack(),
                    },
                    limit: STEP,
                    reverse: false,
                    mode: ReadMode::Snapshot,
                };
                let pairs = transaction.get_range_all(query).await?;
                for pair in &pairs {
                    let place = place_of(&prefix, &pair.key)?;
                    if let Ok(entry) = decode(place, &pair.value) {
                        transaction.clear(&at(of_account(entry.account), place));
                    }
                    transaction.clear(&pair.key);
                }
                Ok::<_, hongyan_kv::Error>(pairs.len())
            };
            if self.0.database.run(step).await? < STEP {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
#[path = "login_log_test.rs"]
mod tests;
