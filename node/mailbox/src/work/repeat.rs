//! A request that is repeated, because its reply was lost or its owner changed, has no second effect: it is answered from
//! what is remembered of it, or carried on from where its last commit left it.

use std::sync::Arc;

use hongyan_actor::RequestId;

use super::{Stop, Work};
use crate::record::done::{self, Done};
use crate::record::key;

/// The minute since the Unix epoch.
pub(crate) fn minute(wall_millis: i64) -> u32 {
    u32::try_from(wall_millis / 60_000).unwrap_or(0)
}

impl Work<'_> {
    /// What is remembered of the request `id`.
    pub(crate) async fn recall(&mut self, id: RequestId) -> Result<Option<Done>, Stop> {
        let Some(minute) = self.state.requests.get(&id) else {
            return Ok(None);
        };
        let stored = self.transaction.get_snapshot(&key::done(self.id, *minute, id)).await?;
        Ok(stored.as_deref().map(done::decode).transpose()?)
    }
    /// Remembers how far the request `id` is with this commit.
    pub(crate) async fn remember(&mut self, id: RequestId, done: &Done) -> Result<(), Stop> {
        let now = minute(self.now.millis);
        let requests = Arc::make_mut(&mut self.state.requests);
        let minute = *requests.entry(id).or_insert(now);
        let stored = done::encode(done);
        self.wrote(stored.len() + 60);
        self.transaction.set(key::done(self.id, minute, id), stored);
        Ok(())
    }
}
