//! FoundationDB's transaction as a backend's: prefixed keys, named errors, limits checked as other backends do.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use hongyan_kv::{
    BackendTransaction, BoxFuture, CommitVersion, Error, KEY_OCTETS_MAX, KeyRange, KeyValue, RANGE_REPLY_OCTETS,
    RangeQuery, RangeReply, ReadMode, Result, TRANSACTION_OCTETS_MAX, VALUE_OCTETS_MAX, Watch,
};
use hongyan_telemetry::{Gauge, Histogram};
use tokio::sync::watch;

use crate::ahead::Ahead;
use crate::error::{self, NOT_COMMITTED, Phase, TRANSACTION_TOO_OLD};
use crate::handle::{Pairs, Pending, RangeRead, TransactionHandle};
use crate::store::Shared;
use crate::sys::{CONFLICT_READ, CONFLICT_WRITE, Code};

/// Keys of ours start below this octet.
const KEYS_END: u8 = 0xFF;

/// How a transaction ended: what its watches wait for.
type End = Option<Result<()>>;

/// A transaction.
pub(crate) struct FoundationTransaction {
    store: Arc<Shared>,
    /// The library's transaction, or why there is none; made when it is needed, as not every one is.
    handle: OnceLock<Result<TransactionHandle>>,
    /// The version it reads at, where that was not left to the cluster.
    version: Option<CommitVersion>,
    /// Whether the commit has anything to write.
    writes: bool,
    octets: usize,
    /// The first write that was over a limit; the commit answers it.
    refused: Option<Error>,
    end: watch::Sender<End>,
    watched: bool,
    /// Reads on their way.
    ahead: Ahead,
    /// The prefix, and room for a key behind it.
    key: Vec<u8>,
    /// The same for a range's end.
    key_end: Vec<u8>,
}

impl FoundationTransaction {
    pub(crate) fn begin(store: &Arc<Shared>) -> Box<dyn BackendTransaction> {
        Box::new(Self::new(store, None))
    }
    pub(crate) fn begin_recent(store: &Arc<Shared>) -> Box<dyn BackendTransaction> {
        Box::new(Self::new(store, store.recent.version((store.clock)())))
    }
    pub(crate) fn begin_at(store: &Arc<Shared>, version: CommitVersion) -> Option<Box<dyn BackendTransaction>> {
        let may = store.recent.may_begin_at(version, (store.clock)());
        may.then(|| Box::new(Self::new(store, Some(version))) as Box<dyn BackendTransaction>)
    }
    /// A transaction at `version`, or at the one that the cluster will say.
    fn new(store: &Arc<Shared>, version: Option<CommitVersion>) -> Self {
        Self {
            handle: OnceLock::new(),
            version,
            writes: false,
            octets: 0,
            refused: None,
            end: watch::Sender::new(None),
            watched: false,
            ahead: Ahead::default(),
            key: store.prefix.to_vec(),
            key_end: store.prefix.to_vec(),
            store: Arc::clone(store),
        }
    }

    fn place(&mut self, key: &[u8]) {
        self.key.truncate(self.store.prefix.len());
        self.key.extend_from_slice(key);
    }
    /// Puts both ends in place; `false` when the range holds nothing.
    fn place_range(&mut self, range: &KeyRange) -> bool {
        if range.is_empty() || range.begin.first() == Some(&KEYS_END) {
            return false;
        }
        self.place(&range.begin);
        self.key_end.truncate(self.store.prefix.len());
        match range.end.first() {
            Some(&KEYS_END) => self.key_end.push(KEYS_END),
            _ => self.key_end.extend_from_slice(&range.end),
        }
        true
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
            self.writes = true;
            return true;
        };
        self.refused.get_or_insert(Error::TooLarge { what, octets, limit });
        false
    }
    fn add_conflict(&mut self, range: &KeyRange, kind: i32) {
        if !self.place_range(range) {
            return;
        }
        self.count(range.begin.len() + range.end.len());
        self.writes |= kind == CONFLICT_WRITE;
        let Ok(handle) = self.handle() else { return };
        if let Err(code) = handle.add_conflict(&self.key, &self.key_end, kind) {
            let refused = error::storage_error(self.store.database.interface(), code, Phase::Read, self.octets);
            self.refused.get_or_insert(refused);
        }
    }

    async fn read(&mut self, key: &[u8], mode: ReadMode) -> Result<Option<Bytes>> {
        self.learn().await?;
        let pending = match self.ahead.take(key, mode) {
            Some(pending) => pending,
            None => self.ask(key, mode)?,
        };
        let read = timed(&self.store, &self.store.metrics.get_latency, pending).await;
        self.checked(read, Phase::Read).await
    }
    fn ask(&mut self, key: &[u8], mode: ReadMode) -> Result<Pending<Option<Bytes>>> {
        self.place(key);
        Ok(self.handle()?.get(&self.key, mode == ReadMode::Snapshot))
    }
    /// Asks for pairs of the range that is in place, but for those that are in `reply`.
    fn ask_range(&self, query: &RangeQuery, reply: &RangeReply) -> Result<Pending<Pairs>> {
        Ok(self.handle()?.get_range(&RangeRead {
            begin: &self.key,
            end: &self.key_end,
            limit: query.limit.saturating_sub(reply.pairs.len()),
            octets_max: RANGE_REPLY_OCTETS,
            reverse: query.reverse,
            snapshot: query.mode == ReadMode::Snapshot,
        }))
    }
    /// Learns the version this reads at, if that was left to the cluster and nobody else learnt one a moment ago.
    async fn learn(&mut self) -> Result<()> {
        if self.version.is_none() && self.store.recent.is_quiet((self.store.clock)()) {
            self.version().await?;
        }
        Ok(())
    }
    /// The library may cut a reply where it likes; it is asked again until the reply is as full as other backends'.
    async fn read_range(&mut self, query: RangeQuery) -> Result<RangeReply> {
        let mut reply = RangeReply::default();
        if !self.place_range(&query.range) {
            return Ok(reply);
        }
        self.learn().await?;
        let (prefix, mut octets) = (self.store.prefix.len(), 0);
        let mut ahead = self.ahead.take_range(&query);
        loop {
            let pending = match ahead.take() {
                Some(pending) => pending,
                None => self.ask_range(&query, &reply)?,
            };
            let read = timed(&self.store, &self.store.metrics.range_latency, pending).await;
            let found = self.checked(read, Phase::Read).await?;
            let more_to_ask = found.more && !found.pairs.is_empty();
            for (key, value) in found.pairs {
                octets += key.len() - prefix + value.len();
                let key = key.slice(prefix..);
                reply.pairs.push(KeyValue { key, value });
            }
            reply.more = found.more;
            let full = (query.limit != 0 && reply.pairs.len() >= query.limit) || octets >= RANGE_REPLY_OCTETS;
            if full || !more_to_ask {
                return Ok(reply);
            }
            self.place_behind(reply.pairs.last().map_or(&[][..], |pair| &pair.key), query.reverse);
        }
    }
    /// Moves the range's begin behind `last`, or its end before it.
    fn place_behind(&mut self, last: &[u8], reverse: bool) {
        let end = if reverse { &mut self.key_end } else { &mut self.key };
        end.truncate(self.store.prefix.len());
        end.extend_from_slice(last);
        if !reverse {
            end.push(0);
        }
    }
    async fn version(&self) -> Result<CommitVersion> {
        if let Some(version) = self.version {
            return Ok(version);
        }
        let pending = self.handle()?.read_version();
        let read = timed(&self.store, &self.store.metrics.version_latency, pending).await;
        let version = CommitVersion(self.checked(read, Phase::Read).await?.0);
        self.store.recent.granted(version, (self.store.clock)());
        Ok(version)
    }

    async fn commit_now(self) -> Result<CommitVersion> {
        let outcome = self.try_commit().await;
        let metrics = &self.store.metrics;
        match &outcome {
            Ok(_) if self.writes => {
                metrics.commits.inc();
                metrics.octets.inc_by(self.octets as u64);
            }
            Err(Error::CommitUnknown) => metrics.unknown.inc(),
            _ => {}
        }
        self.end
            .send_replace(Some(outcome.as_ref().map(|_| ()).map_err(Clone::clone)));
        outcome
    }
    async fn try_commit(&self) -> Result<CommitVersion> {
        if let Some(refused) = &self.refused {
            return Err(refused.clone());
        }
        if self.octets > TRANSACTION_OCTETS_MAX {
            return Err(Error::TooLarge {
                what: "transaction",
                octets: self.octets,
                limit: TRANSACTION_OCTETS_MAX,
            });
        }
        if !self.writes {
            // What wrote nothing commits at its read version; the commit itself only arms its watches.
            let version = self.version().await?;
            if self.watched {
                let armed = self.handle()?.commit().await;
                self.checked(armed, Phase::Read).await?;
            }
            return Ok(version);
        }
        let pending = self.handle()?.commit();
        let committed = timed(&self.store, &self.store.metrics.commit_latency, pending).await;
        self.checked(committed, Phase::Commit).await?;
        match self.handle()?.committed_version() {
            Ok(Some(version)) => {
                let version = CommitVersion(version);
                self.store.recent.learn(version, (self.store.clock)());
                Ok(version)
            }
            // The library saw that nothing had to be written, as when only empty ranges were cleared.
            Ok(None) => self.version().await,
            Err(code) => Err(error::storage_error(
                self.store.database.interface(),
                code,
                Phase::Commit,
                self.octets,
            )),
        }
    }

    fn handle(&self) -> Result<&TransactionHandle> {
        let handle = self.handle.get_or_init(|| {
            let database = &self.store.database;
            let handle = database
                .transaction()
                .map_err(|code| error::storage_error(database.interface(), code, Phase::Read, 0))?;
            if let Some(version) = self.version {
                handle.set_read_version(i64::try_from(version.0).unwrap_or(i64::MAX));
            }
            Ok(handle)
        });
        handle.as_ref().map_err(Clone::clone)
    }
    /// Names the error, counts it, and waits as long as the library wants before the transaction is run again.
    async fn checked<T>(&self, result: Result<T, Code>, phase: Phase) -> Result<T> {
        let code = match result {
            Ok(value) => return Ok(value),
            Err(code) => code,
        };
        let error = error::storage_error(self.store.database.interface(), code, phase, self.octets);
        let metrics = &self.store.metrics;
        match &error {
            Error::Conflict => metrics.conflicts.inc(),
            Error::TooOld => metrics.retries.inc(),
            Error::CommitUnknown => {}
            _ => metrics.failures.inc(),
        }
        if error.is_retryable()
            && code != NOT_COMMITTED
            && code != TRANSACTION_TOO_OLD
            && let Ok(handle) = self.handle()
        {
            // Its own failure is the same error again, which the caller gets anyway.
            let _ = handle.on_error(code).await;
        }
        Err(error)
    }
}

/// Measures how long a read or commit takes.
async fn timed<T>(store: &Shared, latency: &Histogram, pending: impl Future<Output = T>) -> T {
    let start = (store.clock)();
    let result = pending.await;
    latency.observe((store.clock)().saturating_sub(start) as f64 / 1_000_000.0);
    result
}

impl BackendTransaction for FoundationTransaction {
    fn get<'a>(&'a mut self, key: &'a [u8], mode: ReadMode) -> BoxFuture<'a, Result<Option<Bytes>>> {
        Box::pin(self.read(key, mode))
    }
    fn get_range(&mut self, query: RangeQuery) -> BoxFuture<'_, Result<RangeReply>> {
        Box::pin(self.read_range(query))
    }
    fn is_far(&self) -> bool {
        true
    }
    fn look_ahead(&mut self, key: &[u8], mode: ReadMode) {
        if self.ahead.has(key, mode) {
            return;
        }
        // A transaction that cannot be asked says so when it is read.
        if let Ok(pending) = self.ask(key, mode) {
            self.ahead.add(key, mode, pending);
        }
    }
    fn look_ahead_range(&mut self, query: &RangeQuery) {
        if self.place_range(&query.range)
            && let Ok(pending) = self.ask_range(query, &RangeReply::default())
        {
            self.ahead.add_range(query, pending);
        }
    }
    fn set(&mut self, key: Bytes, value: Bytes) {
        self.ahead.write(&key);
        if self.admit(&key, value.len()) {
            self.place(&key);
            if let Ok(handle) = self.handle() {
                handle.set(&self.key, &value);
            }
        }
    }
    fn clear(&mut self, key: &[u8]) {
        self.ahead.write(key);
        if self.admit(key, 0) {
            self.place(key);
            if let Ok(handle) = self.handle() {
                handle.clear(&self.key);
            }
        }
    }
    fn clear_range(&mut self, range: KeyRange) {
        self.ahead.clear(&range);
        if range.is_empty() || !self.admit(&range.begin, range.end.len()) {
            return;
        }
        if self.place_range(&range)
            && let Ok(handle) = self.handle()
        {
            handle.clear_range(&self.key, &self.key_end);
        }
    }
    fn atomic_add(&mut self, key: Bytes, delta: i64) {
        self.ahead.write(&key);
        if self.admit(&key, size_of::<i64>()) {
            self.place(&key);
            if let Ok(handle) = self.handle() {
                handle.add(&self.key, delta);
            }
        }
    }
    fn add_read_conflict(&mut self, range: KeyRange) {
        self.add_conflict(&range, CONFLICT_READ);
    }
    fn add_write_conflict(&mut self, range: KeyRange) {
        self.add_conflict(&range, CONFLICT_WRITE);
    }
    fn watch(&mut self, key: &[u8]) -> Watch {
        self.watched = true;
        self.place(key);
        let pending = self.handle().map(|handle| handle.watch(&self.key));
        let (store, mut end) = (Arc::clone(&self.store), self.end.subscribe());
        Box::pin(async move {
            let pending = pending?;
            // The sender goes with its transaction: one that never ended armed nothing.
            let ended = end.wait_for(Option::is_some).await.map(|end| end.clone());
            ended.ok().flatten().unwrap_or(Err(Error::Closed))?;
            let _waiting = Waiting::count(&store.metrics.watches);
            let interface = store.database.interface();
            pending
                .await
                .map_err(|code| error::storage_error(interface, code, Phase::Read, 0))
        })
    }
    fn read_version(&mut self) -> BoxFuture<'_, Result<CommitVersion>> {
        Box::pin(self.version())
    }
    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<CommitVersion>> {
        Box::pin(self.commit_now())
    }
}

/// Counts a watch while it waits.
struct Waiting(Gauge);

impl Waiting {
    fn count(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
#[path = "transaction_test.rs"]
mod tests;
