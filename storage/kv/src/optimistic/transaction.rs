//! A transaction over a snapshot: remembers what it read and wrote, and hands both to the engine at commit.

use std::sync::Arc;

use bytes::Bytes;

use super::watch::{PendingWatch, pending};
use super::{CommitRequest, Engine, ReadConflict, Snapshot, Write};
use crate::{
    BackendTransaction, BoxFuture, CommitVersion, Error, KEY_OCTETS_MAX, KeyRange, RANGE_REPLY_OCTETS, RangeQuery,
    RangeReply, ReadMode, Result, TRANSACTION_OCTETS_MAX, TRANSACTION_SECS_MAX, VALUE_OCTETS_MAX, Watch,
};

/// Keys from here on are the backends' own.
const KEYS_END: u8 = 0xFF;

/// A transaction of an optimistic engine.
pub struct OptimisticTransaction<E: Engine> {
    engine: Arc<E>,
    snapshot: Arc<E::Snapshot>,
    began_micros: u64,
    request: CommitRequest,
    octets: usize,
    /// The first write that was over a limit; the commit answers it.
    refused: Option<Error>,
    watches: Vec<PendingWatch>,
}

impl<E: Engine> OptimisticTransaction<E> {
    /// Begins at the engine's newest state.
    pub fn begin(engine: &Arc<E>) -> Box<dyn BackendTransaction> {
        Self::begin_on(engine, engine.snapshot())
    }
    /// Begins at a state of the engine.
    pub fn begin_on(engine: &Arc<E>, snapshot: Arc<E::Snapshot>) -> Box<dyn BackendTransaction> {
        Box::new(Self {
            began_micros: engine.now_micros(),
            request: CommitRequest {
                read_version: snapshot.version(),
                ..CommitRequest::default()
            },
            engine: Arc::clone(engine),
            snapshot,
            octets: 0,
            refused: None,
            watches: Vec::new(),
        })
    }

    fn check_age(&self) -> Result<()> {
        let age_micros = self.engine.now_micros().saturating_sub(self.began_micros);
        if age_micros >= TRANSACTION_SECS_MAX * 1_000_000 {
            Err(Error::TooOld)
        } else {
            Ok(())
        }
    }
    fn read(&mut self, key: &[u8], mode: ReadMode) -> Result<Option<Bytes>> {
        self.check_age()?;
        let write = self.request.writes.write(key);
        let reads_store = !matches!(write, Some(Write::Set(_) | Write::Clear));
        if mode == ReadMode::Serializable && reads_store {
            self.count(key.len());
            self.request.reads.push(ReadConflict::Key(Bytes::copy_from_slice(key)));
        }
        self.request.writes.get(&*self.snapshot, key)
    }
    fn read_range(&mut self, mut query: RangeQuery) -> Result<RangeReply> {
        self.check_age()?;
        if query.range.end.first() == Some(&KEYS_END) {
            query.range.end = Bytes::from_static(&[KEYS_END]);
        }
        let reply = self
            .request
            .writes
            .get_range(&*self.snapshot, &query, RANGE_REPLY_OCTETS)?;
        if query.mode == ReadMode::Serializable && !query.range.is_empty() {
            // Only what was looked at conflicts: up to the last pair when the reply was cut.
            let mut range = query.range;
            match reply.pairs.last().filter(|_| reply.more) {
                Some(last) if query.reverse => range.begin = last.key.clone(),
                Some(last) => range.end = KeyRange::key(&last.key).end,
                None => {}
            }
            self.add_read_conflict(range);
        }
        Ok(reply)
    }
    fn count(&mut self, octets: usize) {
        self.octets = self.octets.saturating_add(octets);
    }
    /// Counts a write; `false` when it is over a limit, which then is what the commit answers.
    fn admit(&mut self, key: &[u8], value_octets: usize) -> bool {
        assert!(key.first() < Some(&KEYS_END), "keys of ours start below 0xFF");
        self.count(key.len() + value_octets);
        let (what, octets, limit) = if key.len() > KEY_OCTETS_MAX {
            ("key", key.len(), KEY_OCTETS_MAX)
        } else if value_octets > VALUE_OCTETS_MAX {
            ("value", value_octets, VALUE_OCTETS_MAX)
        } else {
            return true;
        };
        self.refused.get_or_insert(Error::TooLarge { what, octets, limit });
        false
    }
    fn check_commit(&mut self) -> Result<()> {
        self.check_age()?;
        if let Some(refused) = self.refused.take() {
            return Err(refused);
        }
        if self.octets > TRANSACTION_OCTETS_MAX {
            return Err(Error::TooLarge {
                what: "transaction",
                octets: self.octets,
                limit: TRANSACTION_OCTETS_MAX,
            });
        }
        Ok(())
    }
    /// What each watched key is when this transaction has committed.
    fn expectations(&mut self) -> Result<Vec<(PendingWatch, Expected)>> {
        let watches = std::mem::take(&mut self.watches);
        let expect = |watch: PendingWatch| {
            let value = self.request.writes.get(&*self.snapshot, watch.key())?;
            let key = watch.key().clone();
            Ok((watch, Expected { key, value }))
        };
        watches.into_iter().map(expect).collect()
    }
    async fn commit_now(mut self) -> Result<CommitVersion> {
        if let Err(error) = self.check_commit() {
            self.watches.drain(..).for_each(|watch| watch.fail(&error));
            return Err(error);
        }
        let watches = self.expectations()?;
        let Self {
            engine,
            snapshot,
            request,
            ..
        } = self;
        let read_version = request.read_version;
        let outcome = if request.writes.is_empty() && request.write_conflicts.is_empty() {
            Ok(read_version)
        } else {
            engine.commit(request).await
        };
        // Until here it kept the window of recent writes open down to its version.
        drop(snapshot);
        for (watch, expected) in watches {
            match &outcome {
                Ok(_) => watch.arm(engine.watches(), || changed(&*engine, &expected)),
                Err(error) => watch.fail(error),
            }
        }
        outcome
    }
}

impl<E: Engine> BackendTransaction for OptimisticTransaction<E> {
    fn get<'a>(&'a mut self, key: &'a [u8], mode: ReadMode) -> BoxFuture<'a, Result<Option<Bytes>>> {
        match self.engine.before_read() {
            None => Box::pin(std::future::ready(self.read(key, mode))),
            Some(hold) => Box::pin(async move {
                hold.await?;
                self.read(key, mode)
            }),
        }
    }
    fn get_range(&mut self, query: RangeQuery) -> BoxFuture<'_, Result<RangeReply>> {
        match self.engine.before_read() {
            None => Box::pin(std::future::ready(self.read_range(query))),
            Some(hold) => Box::pin(async move {
                hold.await?;
                self.read_range(query)
            }),
        }
    }
    fn set(&mut self, key: Bytes, value: Bytes) {
        if self.admit(&key, value.len()) {
            self.request.writes.set(key, value);
        }
    }
    fn clear(&mut self, key: &[u8]) {
        if self.admit(key, 0) {
            self.request.writes.clear(Bytes::copy_from_slice(key));
        }
    }
    fn clear_range(&mut self, mut range: KeyRange) {
        if range.is_empty() {
            return;
        }
        if range.end.first() == Some(&KEYS_END) {
            range.end = Bytes::from_static(&[KEYS_END]);
        }
        if self.admit(&range.begin, 0) {
            self.count(range.end.len());
            self.request.writes.clear_range(range);
        }
    }
    fn atomic_add(&mut self, key: Bytes, delta: i64) {
        if self.admit(&key, size_of::<i64>()) {
            self.request.writes.add(key, delta);
        }
    }
    fn add_read_conflict(&mut self, range: KeyRange) {
        self.count(range.begin.len() + range.end.len());
        self.request.reads.push(ReadConflict::Range(range));
    }
    fn add_write_conflict(&mut self, range: KeyRange) {
        self.count(range.begin.len() + range.end.len());
        self.request.write_conflicts.push(range);
    }
    fn watch(&mut self, key: &[u8]) -> Watch {
        let (watch, future) = pending(self.engine.watches(), Bytes::copy_from_slice(key));
        self.watches.push(watch);
        future
    }
    fn read_version(&mut self) -> BoxFuture<'_, Result<CommitVersion>> {
        let version = self.request.read_version;
        Box::pin(std::future::ready(self.check_age().map(|()| version)))
    }
    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<CommitVersion>> {
        Box::pin(self.commit_now())
    }
}

/// What a watched key is when the watching transaction has committed.
struct Expected {
    key: Bytes,
    value: Option<Bytes>,
}

/// Whether the newest state differs from what the watching transaction left.
fn changed<E: Engine>(engine: &E, expected: &Expected) -> Result<bool> {
    Ok(engine.snapshot().get(&expected.key)? != expected.value)
}
