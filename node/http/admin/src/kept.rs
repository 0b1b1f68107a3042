//! How far back logs go: what is asked of earlier is cut off, with a note.

use hongyan_audit::Chain;
use hongyan_types::{TenantId, Timestamp};

use crate::caller::Caller;
use crate::problem::Result;

const DAY_MILLIS: i64 = 86_400_000;

/// Since when an organisation's logs are kept.
pub(crate) struct Kept {
    /// Not before.
    pub(crate) from: Timestamp,
    /// What of the time asked for is missing, and why.
    pub(crate) note: Option<String>,
}

impl Kept {
    /// What there is of the time from `wanted` on; from as early as possible when nobody says.
    pub(crate) async fn since(caller: &Caller, tenant: TenantId, wanted: Option<i64>) -> Result<Self> {
        Ok(Self::of_days(caller, caller.directory.log_days(tenant).await?, wanted))
    }

    /// The same of an audit log; that of the installation is kept as long as logs are where nobody says otherwise.
    pub(crate) async fn of_chain(caller: &Caller, chain: Chain, wanted: Option<i64>) -> Result<Self> {
        match chain {
            Chain::Tenant(tenant) => Self::since(caller, tenant, wanted).await,
            Chain::Installation => Ok(Self::of_days(caller, caller.directory.options().log_days, wanted)),
        }
    }

    fn of_days(caller: &Caller, days: u64, wanted: Option<i64>) -> Self {
        let span = i64::try_from(days).unwrap_or(i64::MAX / DAY_MILLIS) * DAY_MILLIS;
        let first = caller.access.now().millis.saturating_sub(span);
        let is_cut = wanted.is_some_and(|wanted| wanted < first);
        Self {
            from: Timestamp {
                millis: wanted.map_or(first, |wanted| wanted.max(first)),
            },
            note: is_cut.then(|| format!("from_millis is cut to {first}: {days} days are kept")),
        }
    }
}
