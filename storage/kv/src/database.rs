//! The database and its transactions, and the trait that backends implement.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;

use crate::Result;
use crate::lasting::Lasting;

/// A boxed future that may move between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The store's own clock: grows from commit to commit, compared only with others of the same store. Commits that the
/// store made at once, neither of which saw the other, may share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct CommitVersion(pub u64);

/// A half-open range of keys: `begin <= key < end`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KeyRange {
    /// First key of the range.
    pub begin: Bytes,
    /// First key after the range.
    pub end: Bytes,
}

impl KeyRange {
    /// The range of the one key `key`.
    #[must_use]
    pub fn key(key: &[u8]) -> Self {
        let mut end = Vec::with_capacity(key.len() + 1);
        end.extend_from_slice(key);
        end.push(0);
        Self {
            begin: Bytes::copy_from_slice(key),
            end: end.into(),
        }
    }
    /// All keys that start with `prefix`. An empty or all-0xFF prefix ends at `0xFF`, which no key of ours reaches.
    #[must_use]
    pub fn prefix(prefix: &[u8]) -> Self {
        let mut end = prefix.to_vec();
        while end.last() == Some(&0xFF) {
            end.pop();
        }
        match end.last_mut() {
            Some(last) => *last += 1,
            None => end.push(0xFF),
        }
        Self {
            begin: Bytes::copy_from_slice(prefix),
            end: end.into(),
        }
    }
    /// Whether no key can be inside.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.begin >= self.end
    }
    /// Whether `key` is inside.
    #[must_use]
    pub fn contains(&self, key: &[u8]) -> bool {
        *self.begin <= *key && *key < *self.end
    }
}

/// One key with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyValue {
    /// The key.
    pub key: Bytes,
    /// The value.
    pub value: Bytes,
}

/// Whether a read takes part in conflict detection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadMode {
    /// The commit fails when another transaction changed what was read.
    Serializable,
    /// The read never makes the commit fail.
    Snapshot,
}

/// What to read of a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RangeQuery {
    /// The keys.
    pub range: KeyRange,
    /// At most so many pairs; 0 means as many as fit one reply.
    pub limit: usize,
    /// From the end backwards.
    pub reverse: bool,
    /// Conflict detection.
    pub mode: ReadMode,
}

impl RangeQuery {
    /// Everything in `range`, forwards, serializable.
    #[must_use]
    pub fn all(range: KeyRange) -> Self {
        Self {
            range,
            limit: 0,
            reverse: false,
            mode: ReadMode::Serializable,
        }
    }
}

/// Pairs read, in the order asked for.
#[derive(Debug, Clone, Default)]
pub struct RangeReply {
    /// The pairs.
    pub pairs: Vec<KeyValue>,
    /// Whether more pairs may follow: ask again from after the last key (or before it, in reverse).
    pub more: bool,
}

/// Resolves once the watched key's value has changed after the watching transaction's commit. Dropping it cancels.
pub type Watch = BoxFuture<'static, Result<()>>;

/// A store: what a backend implements. Everyone else uses [`Database`].
pub trait Backend: Send + Sync + 'static {
    /// A transaction that sees every commit acknowledged before this call.
    fn begin(&self) -> Box<dyn BackendTransaction>;
    /// A transaction that may see a state of a moment ago, where that is cheaper; but none older than what was
    /// [`Self::heard`] of or committed by this handle.
    fn begin_recent(&self) -> Box<dyn BackendTransaction> {
        self.begin()
    }
    /// A transaction that reads the state as of `version`, which this handle committed or read at; nothing where that
    /// state is gone, or where there is nothing to gain.
    fn begin_at(&self, version: CommitVersion) -> Option<Box<dyn BackendTransaction>> {
        let _ = version;
        None
    }
    /// Another process has said that it committed at `version`.
    fn heard(&self, version: CommitVersion) {
        let _ = version;
    }
}

/// One transaction of a backend. Reads see the transaction's own writes.
pub trait BackendTransaction: Send {
    /// The value of `key`.
    fn get<'a>(&'a mut self, key: &'a [u8], mode: ReadMode) -> BoxFuture<'a, Result<Option<Bytes>>>;
    /// Pairs of a range.
    fn get_range<'a>(&'a mut self, query: RangeQuery) -> BoxFuture<'a, Result<RangeReply>>;
    /// Whether a read is worth asking for ahead, because it waits for another machine.
    fn is_far(&self) -> bool {
        false
    }
    /// Has `key` on its way for a [`Self::get`] in the same mode, which then waits less. What it reads is the same.
    fn look_ahead(&mut self, key: &[u8], mode: ReadMode) {
        let _ = (key, mode);
    }
    /// The same for the first reply to a [`Self::get_range`] of the same query.
    fn look_ahead_range(&mut self, query: &RangeQuery) {
        let _ = query;
    }
    /// Sets `key`.
    fn set(&mut self, key: Bytes, value: Bytes);
    /// Removes `key`.
    fn clear(&mut self, key: &[u8]);
    /// Removes all keys of `range`.
    fn clear_range(&mut self, range: KeyRange);
    /// Adds `delta` to the little-endian 64-bit integer at `key` (absent: 0), wrapping, without a read conflict.
    fn atomic_add(&mut self, key: Bytes, delta: i64);
    /// Makes the commit fail when another transaction writes `range` meanwhile.
    fn add_read_conflict(&mut self, range: KeyRange);
    /// Makes other transactions that read `range` fail as if it had been written.
    fn add_write_conflict(&mut self, range: KeyRange);
    /// Watches `key`; the watch is armed by this transaction's commit.
    fn watch(&mut self, key: &[u8]) -> Watch;
    /// The version this transaction reads at.
    fn read_version(&mut self) -> BoxFuture<'_, Result<CommitVersion>>;
    /// Commits durably. A transaction that wrote nothing commits at its read version.
    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<CommitVersion>>;
}

/// A handle on a store; cloning shares it.
#[derive(Clone)]
pub struct Database {
    backend: Arc<dyn Backend>,
    lasting: Option<Arc<Lasting>>,
}

impl Database {
    /// Wraps a backend.
    pub fn new(backend: impl Backend) -> Self {
        Self {
            backend: Arc::new(backend),
            lasting: None,
        }
    }
    /// The same store, of which this handle and its clones remember up to `octets_max` octets of values that never change
    /// once they are there, for [`Self::get_lasting`] and [`Transaction::get_lasting`].
    #[must_use]
    pub fn remembering(self, octets_max: usize) -> Self {
        Self {
            lasting: (octets_max > 0).then(|| Arc::new(Lasting::new(octets_max))),
            ..self
        }
    }
    fn transaction(&self, inner: Box<dyn BackendTransaction>) -> Transaction {
        Transaction {
            inner,
            lasting: self.lasting.clone(),
        }
    }
    /// Begins a transaction that sees every commit acknowledged before this call.
    #[must_use]
    pub fn begin(&self) -> Transaction {
        self.transaction(self.backend.begin())
    }
    /// Begins a transaction that may see a state of a moment ago, where that is cheaper; but none older than what this
    /// process committed or [`Self::heard`] of. For reading what never changes once it is there, by who looks with
    /// [`Self::begin`] for what was not found.
    #[must_use]
    pub fn begin_recent(&self) -> Transaction {
        self.transaction(self.backend.begin_recent())
    }
    /// Begins a transaction that reads the state as of `version`, which this handle committed or read at, where that saves
    /// a wait: for who knows that state. Its commit fails like any other's when what it read, or has named by
    /// [`Transaction::add_read_conflict`], was written since; so what is known to be there at `version` need not be read
    /// again to be relied on. After a failure begin with [`Self::begin`].
    #[must_use]
    pub fn begin_at(&self, version: CommitVersion) -> Option<Transaction> {
        self.backend.begin_at(version).map(|inner| self.transaction(inner))
    }
    /// The value of a key that never changes once it is there: as remembered, or in a recent state, and if it is not there or
    /// that state is gone, in the present one. A value that was removed may still be remembered.
    ///
    /// # Errors
    /// As [`Transaction::get`].
    pub async fn get_lasting(&self, key: &[u8]) -> Result<Option<Bytes>> {
        match self.begin_recent().get_lasting(key).await {
            Ok(None) => {}
            Err(error) if error.is_retryable() => {}
            result => return result,
        }
        self.begin().get_lasting(key).await
    }
    /// Another process has said that it committed at `version`: no transaction from now on sees less.
    pub fn heard(&self, version: CommitVersion) {
        self.backend.heard(version);
    }
    /// Runs `body` in a transaction and commits it, again and again while it fails with a retryable error, at most
    /// [`Self::ATTEMPTS_MAX`] times. `CommitUnknown` is returned to the caller, who knows whether a repeat is safe.
    ///
    /// The future may move between threads (axum handlers need that) when the body is an `async move` closure over
    /// values that it owns, not over references: clone what it needs into it.
    ///
    /// # Errors
    /// The last error of the body or of the commit.
    pub async fn run<T, E, F>(&self, mut body: F) -> Result<T, E>
    where
        E: From<crate::Error> + AsStorageError,
        F: AsyncFnMut(&mut Transaction) -> Result<T, E>,
    {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let mut transaction = self.begin();
            let error = match body(&mut transaction).await {
                Ok(value) => match transaction.commit().await {
                    Ok(_) => return Ok(value),
                    Err(error) => E::from(error),
                },
                Err(error) => error,
            };
            let retryable = error.as_storage_error().is_some_and(crate::Error::is_retryable);
            if !retryable || attempt >= Self::ATTEMPTS_MAX {
                return Err(error);
            }
            tokio::task::yield_now().await;
        }
    }
    /// How often [`Self::run`] tries. Each conflict means that another transaction got through, so this is reached
    /// only behind that many of others on the same keys.
    pub const ATTEMPTS_MAX: usize = 1000;
}

/// Tells [`Database::run`] whether a caller's own error came from the store.
pub trait AsStorageError {
    /// The storage error inside, if there is one.
    fn as_storage_error(&self) -> Option<&crate::Error>;
}

impl AsStorageError for crate::Error {
    fn as_storage_error(&self) -> Option<&crate::Error> {
        Some(self)
    }
}

/// One transaction: reads see its own writes; nothing is visible to others before the commit.
pub struct Transaction {
    inner: Box<dyn BackendTransaction>,
    lasting: Option<Arc<Lasting>>,
}

impl Transaction {
    /// The value of `key`, serializable.
    ///
    /// # Errors
    /// `TooOld` past the time limit, `Unavailable`, `Corrupt`.
    pub async fn get(&mut self, key: &[u8]) -> Result<Option<Bytes>> {
        self.inner.get(key, ReadMode::Serializable).await
    }
    /// The value of `key`, without conflict detection.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn get_snapshot(&mut self, key: &[u8]) -> Result<Option<Bytes>> {
        self.inner.get(key, ReadMode::Snapshot).await
    }
    /// The value of a key that never changes once it is there: as remembered, which may be after it was removed, or by
    /// [`Self::get_snapshot`].
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn get_lasting(&mut self, key: &[u8]) -> Result<Option<Bytes>> {
        self.get_lasting_if(key, |_| true).await
    }
    /// As [`Self::get_lasting`]; only values that are `kept` are remembered.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn get_lasting_if(&mut self, key: &[u8], kept: impl FnOnce(&Bytes) -> bool) -> Result<Option<Bytes>> {
        if let Some(value) = self.lasting.as_ref().and_then(|lasting| lasting.find(key)) {
            return Ok(Some(value));
        }
        let value = self.get_snapshot(key).await?;
        if let (Some(lasting), Some(value)) = (&self.lasting, &value)
            && kept(value)
        {
            lasting.remember(key, value);
        }
        Ok(value)
    }
    /// Has `key` on its way for a later [`Self::get_lasting`].
    pub fn look_ahead_lasting(&mut self, key: &[u8]) {
        if !self.lasting.as_ref().is_some_and(|lasting| lasting.has(key)) {
            self.look_ahead_snapshot(key);
        }
    }
    /// Whether reads wait for another machine, so that it pays to ask for several ahead.
    #[must_use]
    pub fn is_far(&self) -> bool {
        self.inner.is_far()
    }
    /// Has `key` on its way for a later [`Self::get`]: reads asked for ahead wait together.
    pub fn look_ahead(&mut self, key: &[u8]) {
        self.inner.look_ahead(key, ReadMode::Serializable);
    }
    /// The same for a later [`Self::get_snapshot`].
    pub fn look_ahead_snapshot(&mut self, key: &[u8]) {
        self.inner.look_ahead(key, ReadMode::Snapshot);
    }
    /// The same for a later read of the same range.
    pub fn look_ahead_range(&mut self, query: &RangeQuery) {
        self.inner.look_ahead_range(query);
    }
    /// One reply's worth of a range.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn get_range(&mut self, query: RangeQuery) -> Result<RangeReply> {
        self.inner.get_range(query).await
    }
    /// All pairs of a range, following `more`; `query.limit` still bounds the total when it is not 0.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn get_range_all(&mut self, mut query: RangeQuery) -> Result<Vec<KeyValue>> {
        let mut pairs = Vec::new();
        loop {
            let limit = query.limit;
            let reply = self.inner.get_range(query.clone()).await?;
            let got = reply.pairs.len();
            let last = reply.pairs.last().map(|pair| pair.key.clone());
            pairs.extend(reply.pairs);
            let Some(last) = last.filter(|_| reply.more && (limit == 0 || got < limit)) else {
                return Ok(pairs);
            };
            if limit != 0 {
                query.limit = limit - got;
            }
            if query.reverse {
                query.range.end = last;
            } else {
                query.range.begin = KeyRange::key(&last).end;
            }
        }
    }
    /// Sets `key`.
    pub fn set(&mut self, key: impl Into<Bytes>, value: impl Into<Bytes>) {
        self.inner.set(key.into(), value.into());
    }
    /// Removes `key`.
    pub fn clear(&mut self, key: &[u8]) {
        self.inner.clear(key);
    }
    /// Removes all keys of `range`.
    pub fn clear_range(&mut self, range: KeyRange) {
        self.inner.clear_range(range);
    }
    /// Adds to the little-endian 64-bit integer at `key`, wrapping, without a read conflict.
    pub fn atomic_add(&mut self, key: impl Into<Bytes>, delta: i64) {
        self.inner.atomic_add(key.into(), delta);
    }
    /// Makes this commit fail when another transaction writes `range` meanwhile.
    pub fn add_read_conflict(&mut self, range: KeyRange) {
        self.inner.add_read_conflict(range);
    }
    /// Makes others that read `range` fail as if it had been written.
    pub fn add_write_conflict(&mut self, range: KeyRange) {
        self.inner.add_write_conflict(range);
    }
    /// Watches `key`; armed by this transaction's commit.
    pub fn watch(&mut self, key: &[u8]) -> Watch {
        self.inner.watch(key)
    }
    /// The version this transaction reads at.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn read_version(&mut self) -> Result<CommitVersion> {
        self.inner.read_version().await
    }
    /// Commits durably.
    ///
    /// # Errors
    /// `Conflict`, `TooOld`, `TooLarge`, `CommitUnknown`, `Unavailable`.
    pub async fn commit(self) -> Result<CommitVersion> {
        self.inner.commit().await
    }
}
