//! The handle: counts, and reads what was counted.

use std::collections::BTreeMap;
use std::sync::Arc;

use hongyan_directory::{Directory, Error};
use hongyan_env::Env;
use hongyan_kv::{Database, KeyRange, KeyValue, RangeQuery, ReadMode, Transaction, Tuple};
use hongyan_telemetry::{Counter, counter};
use hongyan_types::{AccountId, TenantId, Timestamp};
use parking_lot::Mutex;

use crate::mail_log::Waiting;
use crate::{Day, Kind, StatisticsOptions, StatisticsSettings, key};

/// Numbers read in one transaction.
const READ_AT_ONCE: usize = 20_000;
/// Time zones differ by quarters of an hour: what happens within one is of the same day everywhere.
const QUARTER_MILLIS: i64 = 15 * 60 * 1_000;

/// What was counted of whom, in which quarter of an hour since the Unix epoch.
pub(crate) type Held = BTreeMap<(TenantId, i64, Kind, AccountId), u64>;

/// What is counted; clones share it.
#[derive(Clone)]
pub struct Counts(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) env: Env,
    pub(crate) directory: Directory,
    pub(crate) database: Database,
    pub(crate) options: StatisticsOptions,
    pub(crate) held: Mutex<Held>,
    pub(crate) lost: Counter,
    pub(crate) mail: Waiting,
}

/// What was counted of one member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counted {
    /// Mails sent.
    pub sent: u64,
    /// Mails got.
    pub received: u64,
    /// Times signed in.
    pub sign_ins: u64,
}

impl Counted {
    fn of(&mut self, kind: u64) -> Option<&mut u64> {
        match Kind::ALL.into_iter().find(|known| known.number() == kind)? {
            Kind::Sent => Some(&mut self.sent),
            Kind::Received => Some(&mut self.received),
            Kind::SignIn => Some(&mut self.sign_ins),
        }
    }
}

/// What was counted on one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Total {
    /// Of all members.
    pub counted: Counted,
    /// How many accounts there were; nothing when nobody looked.
    pub accounts: Option<u64>,
}

impl Counts {
    /// Counts kept in `database`.
    #[must_use]
    pub fn new(directory: Directory, database: Database, options: StatisticsOptions) -> Self {
        Self(Arc::new(Inner {
            env: directory.env().clone(),
            directory,
            database,
            options,
            held: Mutex::default(),
            lost: counter(
                "hongyan_statistics_lost_total",
                "Things that happened to members and are in no statistics: too many waited to be written.",
            ),
            mail: Waiting::new(),
        }))
    }
    /// The limits in force.
    #[must_use]
    pub fn options(&self) -> &StatisticsOptions {
        &self.0.options
    }

    /// Something has happened to a member.
    pub fn count(&self, tenant: TenantId, account: AccountId, kind: Kind) {
        let quarter = self.0.env.wall_millis().div_euclid(QUARTER_MILLIS);
        let place = (tenant, quarter, kind, account);
        let mut held = self.0.held.lock();
        if held.len() < self.0.options.held_max || held.contains_key(&place) {
            *held.entry(place).or_default() += 1;
        } else {
            self.0.lost.inc();
        }
    }

    /// What an organisation has chosen.
    ///
    /// # Errors
    /// The store's.
    pub async fn settings(&self, tenant: TenantId) -> Result<StatisticsSettings, Error> {
        let read = async move |transaction: &mut Transaction| read_settings(transaction, tenant).await;
        Ok(self.0.database.run(read).await?)
    }

    /// The day that it is for an organisation.
    ///
    /// # Errors
    /// The store's.
    pub async fn today(&self, tenant: TenantId) -> Result<Day, Error> {
        let settings = self.settings(tenant).await?;
        let now = Timestamp {
            millis: self.0.env.wall_millis(),
        };
        Day::at(now, &settings.time_zone).map_err(|error| Error::Invalid(error.to_string()))
    }

    /// What was counted on each day from `from` on, before `until`.
    ///
    /// # Errors
    /// The store's.
    pub async fn days(&self, tenant: TenantId, from: Day, until: Day) -> Result<BTreeMap<Day, Total>, Error> {
        let mut days: BTreeMap<Day, Total> = BTreeMap::new();
        let mut day = from;
        while day < until {
            days.insert(day, Total::default());
            day = day.after(1);
        }
        let prefix = key::all_of(tenant);
        self.each(key::all_days(tenant, from, until), |pair| {
            let (day, kind) = two(&prefix, pair)?;
            let number = number(&pair.value)?;
            if let Some(place) = days.entry(Day(day)).or_default().counted.of(kind) {
                *place += number;
            }
            Ok(())
        })
        .await?;
        let prefix = key::accounts_of(tenant);
        self.each(key::account_days(tenant, from, until), |pair| {
            let day = prefix.reader(&pair.key).and_then(|mut reader| reader.int());
            let day = Day(day.map_err(|_| corrupt())?);
            days.entry(day).or_default().accounts = Some(number(&pair.value)?);
            Ok(())
        })
        .await?;
        Ok(days)
    }

    /// What was counted of each member from `from` on, before `until`; of those too who are gone.
    ///
    /// # Errors
    /// The store's.
    pub async fn members(
        &self,
        tenant: TenantId,
        from: Day,
        until: Day,
    ) -> Result<BTreeMap<AccountId, Counted>, Error> {
        let mut members: BTreeMap<AccountId, Counted> = BTreeMap::new();
        let prefix = key::members_of(tenant);
        self.each(key::member_days(tenant, from, until), |pair| {
            let mut reader = prefix.reader(&pair.key).map_err(|_| corrupt())?;
            let mut next = || reader.int::<u64>().map_err(|_| corrupt());
            let (_, kind, account) = (next()?, next()?, next()?);
            let number = number(&pair.value)?;
            if let Some(place) = members.entry(AccountId(account)).or_default().of(kind) {
                *place += number;
            }
            Ok(())
        })
        .await?;
        Ok(members)
    }

    /// The address by which an account was known when something was counted of it last.
    ///
    /// # Errors
    /// The store's.
    pub async fn name(&self, tenant: TenantId, account: AccountId) -> Result<Option<String>, Error> {
        let read =
            async move |transaction: &mut Transaction| transaction.get_snapshot(&key::name(tenant, account)).await;
        let stored = self.0.database.run(read).await?;
        Ok(stored.map(|stored| String::from_utf8_lossy(&stored).into_owned()))
    }

    /// Goes through the pairs of a range, some at a time.
    async fn each(
        &self,
        mut range: KeyRange,
        mut body: impl FnMut(&KeyValue) -> hongyan_kv::Result<()>,
    ) -> Result<(), Error> {
        loop {
            let query = RangeQuery {
                limit: READ_AT_ONCE,
                mode: ReadMode::Snapshot,
                ..RangeQuery::all(range.clone())
            };
            let read = async move |transaction: &mut Transaction| transaction.get_range_all(query.clone()).await;
            let pairs = self.0.database.run(read).await?;
            for pair in &pairs {
                body(pair)?;
            }
            match pairs.last() {
                Some(last) if pairs.len() >= READ_AT_ONCE => range.begin = KeyRange::key(&last.key).end,
                _ => return Ok(()),
            }
        }
    }
}

fn corrupt() -> hongyan_kv::Error {
    hongyan_kv::Error::Corrupt("what was counted".to_owned())
}

fn number(stored: &[u8]) -> hongyan_kv::Result<u64> {
    Ok(u64::from_le_bytes(stored.try_into().map_err(|_| corrupt())?))
}

fn two(prefix: &Tuple, pair: &KeyValue) -> hongyan_kv::Result<(u64, u64)> {
    let read = prefix
        .reader(&pair.key)
        .and_then(|mut reader| Ok((reader.int()?, reader.int()?)));
    read.map_err(|_| corrupt())
}

pub(crate) async fn read_settings(
    transaction: &mut Transaction,
    tenant: TenantId,
) -> hongyan_kv::Result<StatisticsSettings> {
    let stored = transaction.get_snapshot(&key::settings(tenant)).await?;
    Ok(stored
        .map(|stored| StatisticsSettings::decode(&stored))
        .transpose()?
        .unwrap_or_default())
}
