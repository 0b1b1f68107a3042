//! What logs and statistics are kept for (STAT): looks every hour, and removes what each organisation has kept long enough, in
//! steps. A reconciler: whatever a node leaves half-done the next look goes on with. Among many nodes one looks.

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
                return Ok(());
            }
        }
    }

    async fn sweep(&self, tenant: &TenantRecord) -> Result<(), Error> {
        let days = match self.directory.log_days(tenant.id).await {
            // It went in the meantime.
            Err(Error::NotFound { .. }) => return Ok(()),
            days => i64::try_from(days?).unwrap_or(i64::MAX / DAY_MILLIS),
        };
        let until = Timestamp {
            millis: self.env.wall_millis().saturating_sub(days * DAY_MILLIS),
        };
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
        let now = Timestamp {
            millis: self.env.wall_millis(),
        };
        if let Err(error) = self.directory.audit().cut(Chain::Tenant(tenant), until, now).await {
            // What is wrong with one log keeps nothing else.
            tracing::warn!(event = "audit_not_cut", tenant = tenant.0, %error);
        }
        self.counts.sweep(tenant, until).await?;
        let forget = async move |transaction: &mut Transaction| -> hongyan_kv::Result<()> {
            hongyan_notice::forget(transaction, tenant, until);
            Ok(())
        };
        Ok(self.directory.database().run(forget).await?)
    }
}
