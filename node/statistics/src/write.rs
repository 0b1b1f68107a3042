//! Adds what a node has counted to the store.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use hongyan_audit::{Chain, Event};
use hongyan_directory::{Directory, Error, Subject};
use hongyan_kv::Transaction;
use hongyan_types::{AccountId, TenantId, Timestamp};

use crate::counts::{Held, read_settings};
use crate::{Counts, Day, Kind, StatisticsSettings, key};

/// Numbers added in one transaction.
const ADDED_AT_ONCE: usize = 500;
const QUARTER_MILLIS: i64 = 15 * 60 * 1_000;

/// What one transaction adds for a tenant.
type Part = Vec<((i64, Kind, AccountId), u64)>;

impl Counts {
    /// Adds to the store for ever: drop the future to stop.
    pub async fn run(self) {
        let period = u64::try_from(self.0.options.write_period.as_micros()).unwrap_or(u64::MAX);
        let mut due = self.0.env.now_micros().saturating_add(period);
        loop {
            self.0.env.sleep(self.0.options.mail_write_period).await;
            self.write_mail().await;
            if self.0.env.now_micros() >= due {
                self.write().await;
                due = self.0.env.now_micros().saturating_add(period);
            }
        }
    }

    /// Adds what was counted so far to the store. What cannot be added now is held on to; what may have been added is not
    /// added again.
    pub async fn write(&self) {
        let held = std::mem::take(&mut *self.0.held.lock());
        let mut tenants: BTreeMap<TenantId, Part> = BTreeMap::new();
        for ((tenant, quarter, kind, account), number) in held {
            tenants
                .entry(tenant)
                .or_default()
                .push(((quarter, kind, account), number));
        }
        for (tenant, part) in tenants {
            for some in part.chunks(ADDED_AT_ONCE) {
                match self.add(tenant, some.to_vec()).await {
                    Ok(()) => {}
                    Err(Error::Storage(hongyan_kv::Error::CommitUnknown)) => {
                        self.0.lost.inc();
                    }
                    Err(error) => {
                        tracing::debug!(event = "counts_not_written", %error);
                        let mut held: parking_lot::MutexGuard<'_, Held> = self.0.held.lock();
                        for ((quarter, kind, account), number) in some {
                            *held.entry((tenant, *quarter, *kind, *account)).or_default() += number;
                        }
                    }
                }
            }
        }
    }

    async fn add(&self, tenant: TenantId, part: Part) -> Result<(), Error> {
        let names = self.names(tenant, &part).await?;
        let accounts = match self.0.directory.tenant(tenant).await {
            Ok(tenant) => tenant.counts.accounts,
            // It is gone, and its numbers with it.
            Err(Error::NotFound { .. }) => return Ok(()),
            Err(error) => return Err(error),
        };
        let write = async |transaction: &mut Transaction| -> hongyan_kv::Result<()> {
            let zone = read_settings(transaction, tenant).await?.time_zone;
            let mut last = None;
            for ((quarter, kind, account), number) in &part {
                let at = Timestamp {
                    millis: quarter * QUARTER_MILLIS,
                };
                let Ok(day) = Day::at(at, &zone) else { continue };
                let number = i64::try_from(*number).unwrap_or(i64::MAX);
                transaction.atomic_add(key::all(tenant, day, *kind), number);
                transaction.atomic_add(key::member(tenant, day, *kind, *account), number);
                last = last.max(Some(day));
            }
            for (account, name) in &names {
                transaction.set(key::name(tenant, *account), Bytes::copy_from_slice(name.as_bytes()));
            }
            if let Some(day) = last {
                transaction.set(key::accounts(tenant, day), accounts.to_le_bytes().to_vec());
            }
            Ok(())
        };
        Ok(self.0.database.run(write).await?)
    }

    /// Removes what an organisation has kept long enough: counted days before the day of `until`, and the mail log before it.
    ///
    /// # Errors
    /// The store's; what was removed stays removed.
    pub async fn sweep(&self, tenant: TenantId, until: Timestamp) -> Result<(), Error> {
        let clear = async move |transaction: &mut Transaction| -> hongyan_kv::Result<()> {
            let zone = read_settings(transaction, tenant).await?.time_zone;
            let Ok(first) = Day::at(until, &zone) else {
                return Ok(());
            };
            for range in [
                key::all_days(tenant, Day(0), first),
                key::member_days(tenant, Day(0), first),
                key::account_days(tenant, Day(0), first),
            ] {
                transaction.clear_range(range);
            }
            Ok(())
        };
        self.0.database.run(clear).await?;
        self.sweep_mail(tenant, until).await
    }

    async fn names(&self, tenant: TenantId, part: &Part) -> Result<Vec<(AccountId, String)>, Error> {
        let accounts: BTreeSet<AccountId> = part.iter().map(|((_, _, account), _)| *account).collect();
        let mut names = Vec::new();
        for id in accounts {
            if let Some(account) = self.0.directory.account(id).await?
                && account.tenant == tenant
            {
                names.push((id, account.address.to_string()));
            }
        }
        Ok(names)
    }

    /// Changes what an organisation has chosen, in the name of whoever `directory` acts for.
    ///
    /// # Errors
    /// `Invalid` when there is no such time zone.
    pub async fn change_settings(
        &self,
        directory: &Directory,
        tenant: TenantId,
        new: StatisticsSettings,
    ) -> Result<StatisticsSettings, Error> {
        Day::at(Timestamp { millis: 0 }, &new.time_zone).map_err(|error| Error::Invalid(error.to_string()))?;
        directory
            .transact(async move |change| {
                let before = read_settings(change, tenant).await?;
                change.set(key::settings(tenant), new.encode());
                let event = Event::new("statistics.settings", "time zone").changed(
                    "time_zone",
                    &before.time_zone,
                    &new.time_zone,
                );
                change.record(Chain::Tenant(tenant), event);
                change.tell(tenant, Subject::Tenant);
                Ok(new.clone())
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hongyan_directory::{DirectoryOptions, NewAccount, NewTenant};
    use hongyan_env::Env;
    use hongyan_kv::Database;
    use hongyan_memory::MemoryStore;
    use hongyan_types::{Address, Domain};

    use super::*;
    use crate::{Counted, StatisticsOptions};

    const DAY: Duration = Duration::from_secs(24 * 3_600);

    #[tokio::test]
    async fn stat_1_2_3_counts_of_several_nodes_are_summed_by_the_organisation_s_day() {
        let (env, clock) = Env::manual(1);
        let database = Database::new(MemoryStore::default());
        let directory = Directory::new(database.clone(), env, DirectoryOptions::default());
        let tenant = directory.create_tenant(&NewTenant::named("A")).await.unwrap().id;
        let domain = Domain::try_from("a.test").unwrap();
        directory.create_domain(tenant, &domain).await.unwrap();
        let anna = NewAccount::at(Address::try_from("anna@a.test").unwrap());
        let anna = directory.create_account(&anna).await.unwrap().id;
        let node = || Counts::new(directory.clone(), database.clone(), StatisticsOptions::default());
        let (one, two) = (node(), node());
        let shanghai = StatisticsSettings {
            time_zone: "Asia/Shanghai".to_owned(),
        };
        one.change_settings(&directory, tenant, shanghai).await.unwrap();
        let nowhere = StatisticsSettings {
            time_zone: "Nowhere".to_owned(),
        };
        assert!(one.change_settings(&directory, tenant, nowhere).await.is_err());
        let first = one.today(tenant).await.unwrap();
        for node in [&one, &two, &two] {
            node.count(tenant, anna, Kind::Sent);
        }
        two.count(tenant, AccountId(99), Kind::Received);
        one.write().await;
        two.write().await;
        two.write().await;
        clock.advance(DAY);
        one.count(tenant, anna, Kind::SignIn);
        one.write().await;
        let days = one.days(tenant, first, first.after(3)).await.unwrap();
        let seen: Vec<_> = days.values().map(|total| (total.counted, total.accounts)).collect();
        let counted = |sent, received, sign_ins| Counted {
            sent,
            received,
            sign_ins,
        };
        assert_eq!(
            seen,
            [
                (counted(2 + 1, 1, 0), Some(1)),
                (counted(0, 0, 1), Some(1)),
                (Counted::default(), None)
            ]
        );
        let members = two.members(tenant, first, first.after(2)).await.unwrap();
        assert_eq!(
            (members[&anna], members[&AccountId(99)]),
            (counted(3, 0, 1), counted(0, 1, 0))
        );
        assert_eq!(two.name(tenant, anna).await.unwrap().as_deref(), Some("anna@a.test"));
        assert_eq!(two.name(tenant, AccountId(99)).await.unwrap(), None);
        // After the time for which days are kept the first is gone.
        let until = Timestamp {
            millis: directory.env().wall_millis(),
        };
        one.sweep(tenant, until).await.unwrap();
        let members = one.members(tenant, first, first.after(1)).await.unwrap();
        assert!(members.is_empty());
        assert!(
            !one.members(tenant, first.after(1), first.after(2))
                .await
                .unwrap()
                .is_empty()
        );
    }
}
