//! What logs and statistics are kept for (STAT): looks every hour, and removes what each organisation, and the installation, has kept
//! long enough, in steps. A reconciler: whatever a node leaves half-done the next look goes on with. Among many nodes one looks.

use std::time::Duration;

use hongyan_access::Access;
use hongyan_audit::Chain;
use hongyan_directory::{Directory, Error, TenantRecord};
use hongyan_env::Env;
use hongyan_kv::Transaction;
use hongyan_statistics::Counts;
use hongyan_types::Timestamp;
use hongyan_upkeep::Tasks;

/// Time between two looks.
const PERIOD: Duration = Duration::from_secs(3600);
/// Organisations read at a time.
const AT_ONCE: usize = 500;
/// Days that the file of a task can be had.
const FILES_KEPT_DAYS: i64 = 7;
const DAY_MILLIS: i64 = 86_400_000;

/// Who keeps logs.
pub(crate) struct Retention {
    pub(crate) env: Env,
    pub(crate) directory: Directory,
    pub(crate) access: Access,
    pub(crate) counts: Counts,
    pub(crate) tasks: Tasks,
}

impl Retention {
    /// Looks for ever while `is_mine` says that this node does: drop the future to stop.
    pub(crate) async fn run(self, is_mine: impl Fn() -> bool) {
        loop {
            if is_mine()
                && let Err(error) = self.look().await
            {
                tracing::warn!(event = "logs_not_swept", %error, "it is tried again");
            }
            self.env.sleep(PERIOD).await;
        }
    }

    async fn look(&self) -> Result<(), Error> {
        let mut after = None;
        loop {
            let tenants = self.directory.tenants(after, AT_ONCE).await?;
            for tenant in &tenants {
                self.sweep(tenant).await?;
            }
            after = tenants.last().map(|tenant| tenant.id);
            if tenants.len() < AT_ONCE {
                break;
            }
        }
        let days = self.directory.options().log_days;
        cut(&self.directory, &self.env, Chain::Installation, days).await;
        Ok(())
    }

    async fn sweep(&self, tenant: &TenantRecord) -> Result<(), Error> {
        let days = match self.directory.log_days(tenant.id).await {
            // It went in the meantime.
            Err(Error::NotFound { .. }) => return Ok(()),
            days => days?,
        };
        let until = kept_from(&self.env, days);
        let tenant = tenant.id;
        let files = Timestamp {
            millis: self
                .env
                .wall_millis()
                .saturating_sub(FILES_KEPT_DAYS * DAY_MILLIS)
                .max(until.millis),
        };
        let mut after = None;
        loop {
            after = self.tasks.sweep(tenant, (until, files), (after, AT_ONCE)).await?;
            if after.is_none() {
                break;
            }
        }
        self.access.sweep_logins(tenant, until).await?;
        cut(&self.directory, &self.env, Chain::Tenant(tenant), days).await;
        self.counts.sweep(tenant, until).await?;
        let forget = async move |transaction: &mut Transaction| -> hongyan_kv::Result<()> {
            hongyan_notice::forget(transaction, tenant, until);
            Ok(())
        };
        Ok(self.directory.database().run(forget).await?)
    }
}

/// The moment up to which nothing is kept any more.
fn kept_from(env: &Env, days: u64) -> Timestamp {
    let days = i64::try_from(days).unwrap_or(i64::MAX).min(i64::MAX / DAY_MILLIS);
    Timestamp {
        millis: env.wall_millis().saturating_sub(days * DAY_MILLIS),
    }
}

/// Cuts one audit log. What is wrong with one keeps nothing else.
async fn cut(directory: &Directory, env: &Env, chain: Chain, days: u64) {
    let now = Timestamp {
        millis: env.wall_millis(),
    };
    if let Err(error) = directory.audit().cut(chain, kept_from(env, days), now).await {
        tracing::warn!(event = "audit_not_cut", ?chain, %error);
    }
}

#[cfg(test)]
mod tests {
    use hongyan_audit::{Event, Filter, Verdict};
    use hongyan_directory::DirectoryOptions;
    use hongyan_kv::Database;
    use hongyan_memory::MemoryStore;

    use super::*;

    #[tokio::test]
    async fn stat_7_the_log_of_the_installation_is_cut_as_those_of_organisations_are() {
        let (env, clock) = Env::manual(1);
        let directory = Directory::new(
            Database::new(MemoryStore::default()),
            env.clone(),
            DirectoryOptions::default(),
        );
        let note = async |object: &str| {
            let event = Event::new("queue.hold", object);
            directory.record(Chain::Installation, event).await.unwrap();
        };
        note("old").await;
        clock.advance(Duration::from_secs(100 * 86_400));
        note("young").await;
        let actions = async || {
            let log = directory.audit();
            let page = log.list(Chain::Installation, &Filter::default(), None, 9).await;
            let entries = page.unwrap().entries.into_iter();
            entries.map(|one| one.entry.object).collect::<Vec<_>>().join(" ")
        };
        cut(&directory, &env, Chain::Installation, 180).await;
        assert_eq!(actions().await, "young old");
        clock.advance(Duration::from_secs(90 * 86_400));
        cut(&directory, &env, Chain::Installation, 180).await;
        assert_eq!(actions().await, "audit young");
        let verdict = directory.audit().verify(Chain::Installation, None).await.unwrap();
        assert!(matches!(verdict, Verdict::Whole(whole) if whole.cut.is_some()));
    }
}
