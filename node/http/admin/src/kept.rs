//! How far back logs go: what is asked of earlier is cut off, with a note.

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
        let days = caller.directory.log_days(tenant).await?;
        let span = i64::try_from(days).unwrap_or(i64::MAX / DAY_MILLIS) * DAY_MILLIS;
        let first = caller.access.now().millis.saturating_sub(span);
        let is_cut = wanted.is_some_and(|wanted| wanted < first);
        Ok(Self {
            from: Timestamp {
                millis: wanted.map_or(first, |wanted| wanted.max(first)),
            },
            note: is_cut.then(|| format!("from_millis is cut to {first}: {days} days are kept")),
        })
    }
}
