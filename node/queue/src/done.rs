//! Requests of the last minutes, by id: a repeat means that the reply was lost on its way, or that the shard changed its
//! owner before it came; it has no second effect.
//!
//! Kept with what they did, in the same commit, and read when the shard comes into memory: they are few, because they are
//! forgotten after [`KEPT_MINUTES`]. A message is recognised by its delivery id instead, and what was handed out by the
//! request it was handed out to.

use std::collections::BTreeMap;

use bytes::Bytes;
use hongyan_actor::RequestId;
use hongyan_kv::{KeyRange, RangeQuery, ReadMode, Transaction};

use crate::QueueError;
use crate::record::Keys;

/// How long a request is remembered: longer than anybody repeats one.
const KEPT_MINUTES: i64 = 10;

/// Which requests are done.
#[derive(Default)]
pub(crate) struct Done {
    minutes: BTreeMap<RequestId, i64>,
    /// Up to which minute they are forgotten.
    forgotten: i64,
}

fn minute(now_millis: i64) -> i64 {
    now_millis.div_euclid(60_000)
}

impl Done {
    /// Those that are stored.
    pub(crate) async fn load(keys: &Keys, transaction: &mut Transaction) -> Result<Self, QueueError> {
        let query = RangeQuery {
            mode: ReadMode::Snapshot,
            ..RangeQuery::all(keys.all_done())
        };
        let mut done = Self::default();
        for pair in transaction.get_range_all(query).await? {
            let read = keys.parse_done(&pair.key);
            let (minute, id) = read.ok_or_else(|| hongyan_kv::Error::Corrupt("queue request".to_owned()))?;
            done.minutes.insert(RequestId(id), minute);
        }
        Ok(done)
    }
    pub(crate) fn has(&self, id: RequestId) -> bool {
        self.minutes.contains_key(&id)
    }
    /// Whether the request is stored as done: for when it is not known whether the last commit happened.
    pub(crate) async fn is_stored(
        keys: &Keys,
        transaction: &mut Transaction,
        id: RequestId,
        now_millis: i64,
    ) -> Result<bool, QueueError> {
        let stored = transaction.get(&keys.done(minute(now_millis), id.0)).await?;
        Ok(stored.is_some())
    }
    /// Has `transaction` remember the request `id`.
    pub(crate) fn store(keys: &Keys, transaction: &mut Transaction, id: RequestId, now_millis: i64) {
        transaction.set(keys.done(minute(now_millis), id.0), Bytes::new());
    }
    /// That was committed.
    pub(crate) fn note(&mut self, id: RequestId, now_millis: i64) {
        self.minutes.insert(id, minute(now_millis));
    }
    /// What to clear of the store: at most once a minute there is something.
    pub(crate) fn to_forget(&self, keys: &Keys, now_millis: i64) -> Option<KeyRange> {
        let until = minute(now_millis) - KEPT_MINUTES;
        let has_old = self.minutes.values().any(|minute| *minute < until);
        (until > self.forgotten && has_old).then(|| keys.done_before(until))
    }
    /// What [`Self::to_forget`] named is cleared.
    pub(crate) fn forget(&mut self, now_millis: i64) {
        let until = minute(now_millis) - KEPT_MINUTES;
        if until > self.forgotten {
            self.forgotten = until;
            self.minutes.retain(|_, minute| *minute >= until);
        }
    }
}
