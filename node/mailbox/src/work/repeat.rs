//! A request that is repeated, because its reply was lost or its owner changed, has no second effect: it is answered from
//! what is remembered of it, or carried on from where its last commit left it.

use std::sync::Arc;

use hongyan_actor::RequestId;
use hongyan_kv::{Error as StorageError, RangeQuery, ReadMode};

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
        self.read_requests().await?;
        let requests = self.state.requests.as_ref();
        let Some(minute) = requests.and_then(|requests| requests.get(&id)) else {
            return Ok(None);
        };
        let stored = self.transaction.get_snapshot(&key::done(self.id, *minute, id)).await?;
        Ok(stored.as_deref().map(done::decode).transpose()?)
    }
    /// Remembers how far the request `id` is with this commit.
    pub(crate) async fn remember(&mut self, id: RequestId, done: &Done) -> Result<(), Stop> {
        self.read_requests().await?;
        let now = minute(self.now.millis);
        let requests = Arc::make_mut(self.state.requests.get_or_insert_default());
        let minute = *requests.entry(id).or_insert(now);
        let stored = done::encode(done);
        self.wrote(stored.len() + 60);
        self.transaction.set(key::done(self.id, minute, id), stored);
        Ok(())
    }
    /// Reads which requests are remembered, once: they are few, and of the last minutes.
    async fn read_requests(&mut self) -> Result<(), Stop> {
        if self.state.requests.is_some() {
            return Ok(());
        }
        let query = RangeQuery {
            range: key::all_done(self.id),
            limit: 0,
            reverse: false,
            mode: ReadMode::Snapshot,
        };
        let mut requests = std::collections::BTreeMap::new();
        for pair in self.transaction.get_range_all(query).await? {
            let read = key::read_done(self.id, &pair.key);
            let (minute, id) = read.ok_or_else(|| StorageError::Corrupt("key of a request".into()))?;
            requests.insert(id, minute);
        }
        self.state.requests = Some(Arc::new(requests));
        Ok(())
    }
}
