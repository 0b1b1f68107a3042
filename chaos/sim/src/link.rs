//! A node's way to the store that all nodes share.
//!
//! A commit that has left goes on when its node dies, as it does with a store on other machines. While the link is cut,
//! reads end too old and commits unknown, half of which happen.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hongyan_kv::{
    Backend, BackendTransaction, BoxFuture, CommitVersion, Error, KeyRange, RangeQuery, RangeReply, ReadMode, Result,
    Watch,
};
use hongyan_memory::MemoryStore;
use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::sync::Notify;

use crate::log::Log;
use crate::mutant::Mutant;

/// How long an operation waits for a link that is cut.
const PATIENCE: Duration = Duration::from_secs(5);

/// The link of one life of a node. Clones share it.
#[derive(Clone)]
pub(crate) struct Link(Arc<Inner>);

struct Inner {
    store: MemoryStore,
    is_cut: Mutex<bool>,
    mended: Notify,
    is_alive: Mutex<bool>,
    random: Mutex<StdRng>,
    delay_micros_max: u64,
    mutant: Option<Mutant>,
    /// The fences that this node has raised, for the node that reads none.
    fences: Mutex<BTreeMap<Bytes, Bytes>>,
    seen: Arc<Seen>,
    log: Log,
}

/// What happened at the links of a run.
#[derive(Default)]
pub(crate) struct Seen(Mutex<SeenCounts>);

/// Counts of it.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SeenCounts {
    pub(crate) conflicts: u64,
    pub(crate) unknown: u64,
    pub(crate) outlived: u64,
    pub(crate) blobs_removed: u64,
    pub(crate) large_pieces: u64,
    pub(crate) commits: u64,
}

impl Seen {
    pub(crate) fn counts(&self) -> SeenCounts {
        *self.0.lock()
    }
    fn count(&self, add: impl FnOnce(&mut SeenCounts)) {
        add(&mut self.0.lock());
    }
}

impl Link {
    pub(crate) fn new(
        store: MemoryStore,
        seed: u64,
        delay_micros_max: u64,
        mutant: Option<Mutant>,
        seen: Arc<Seen>,
        log: Log,
    ) -> Self {
        Self(Arc::new(Inner {
            store,
            is_cut: Mutex::new(false),
            mended: Notify::new(),
            is_alive: Mutex::new(true),
            random: Mutex::new(StdRng::seed_from_u64(seed)),
            delay_micros_max,
            mutant,
            fences: Mutex::default(),
            seen,
            log,
        }))
    }
    fn transaction(&self, inner: Box<dyn BackendTransaction>) -> Box<dyn BackendTransaction> {
        Box::new(LinkTransaction {
            inner,
            link: Arc::clone(&self.0),
            wrote: Wrote::default(),
        })
    }
    /// Cuts the link, or mends it.
    pub(crate) fn cut(&self, is_cut: bool) {
        *self.0.is_cut.lock() = is_cut;
        if !is_cut {
            self.0.mended.notify_waiters();
        }
    }
    /// The node is dead: what it sent goes on, and nobody hears of it.
    pub(crate) fn die(&self) {
        *self.0.is_alive.lock() = false;
    }
}

impl Inner {
    fn delay(&self) -> Duration {
        Duration::from_micros(self.random.lock().random_range(0..=self.delay_micros_max))
    }
    fn coin(&self) -> bool {
        self.random.lock().random_bool(0.5)
    }
    /// Waits until the link holds, for as long as an operation waits.
    async fn reach(&self) -> bool {
        let mended = self.mended.notified();
        if !*self.is_cut.lock() {
            return true;
        }
        tokio::time::timeout(PATIENCE, mended).await.is_ok()
    }
    async fn reach_to_read(&self) -> Result<()> {
        if self.reach().await { Ok(()) } else { Err(Error::TooOld) }
    }
}

impl Backend for Link {
    fn begin(&self) -> Box<dyn BackendTransaction> {
        self.transaction(self.0.store.begin())
    }
    fn begin_at(&self, version: CommitVersion) -> Option<Box<dyn BackendTransaction>> {
        self.0.store.begin_at(version).map(|inner| self.transaction(inner))
    }
}

/// What a transaction wrote, as far as the log, probes and mutants want to know.
#[derive(Default)]
struct Wrote {
    anything: bool,
    hasher: DefaultHasher,
    blob_removed: bool,
    large_piece: bool,
}

struct LinkTransaction {
    inner: Box<dyn BackendTransaction>,
    link: Arc<Inner>,
    wrote: Wrote,
}

impl BackendTransaction for LinkTransaction {
    fn get<'a>(&'a mut self, key: &'a [u8], mode: ReadMode) -> BoxFuture<'a, Result<Option<Bytes>>> {
        Box::pin(async move {
            self.link.reach_to_read().await?;
            match self.link.mutant.map_or(crate::mutant::Get::Faithful, |mutant| {
                mutant.get(key, self.wrote.anything)
            }) {
                crate::mutant::Get::Faithful => self.inner.get(key, mode).await,
                crate::mutant::Get::Nothing => Ok(None),
                crate::mutant::Get::OwnFence => {
                    let own = self.link.fences.lock().get(key).cloned();
                    match own {
                        Some(own) => Ok(Some(own)),
                        None => self.inner.get(key, mode).await,
                    }
                }
            }
        })
    }
    fn get_range<'a>(&'a mut self, query: RangeQuery) -> BoxFuture<'a, Result<RangeReply>> {
        Box::pin(async move {
            self.link.reach_to_read().await?;
            if self.link.mutant.is_some_and(|mutant| mutant.hides(&query)) {
                return Ok(RangeReply::default());
            }
            self.inner.get_range(query).await
        })
    }
    fn set(&mut self, key: Bytes, value: Bytes) {
        self.wrote.anything = true;
        (&key, &value).hash(&mut self.wrote.hasher);
        if self.link.mutant == Some(Mutant::FenceNotRead) && crate::mutant::is_fence(&key) {
            self.link.fences.lock().insert(key.clone(), value.clone());
        }
        self.wrote.large_piece |= crate::mutant::is_blob(&key, "upload");
        self.inner.set(key, value);
    }
    fn clear(&mut self, key: &[u8]) {
        self.wrote.anything = true;
        key.hash(&mut self.wrote.hasher);
        self.wrote.blob_removed |= crate::mutant::is_blob(key, "head");
        self.inner.clear(key);
    }
    fn clear_range(&mut self, range: KeyRange) {
        self.wrote.anything = true;
        self.inner.clear_range(range);
    }
    fn atomic_add(&mut self, key: Bytes, delta: i64) {
        self.wrote.anything = true;
        self.inner.atomic_add(key, delta);
    }
    fn add_read_conflict(&mut self, range: KeyRange) {
        if !self.link.mutant.is_some_and(|mutant| mutant.ignores(&range.begin)) {
            self.inner.add_read_conflict(range);
        }
    }
    fn add_write_conflict(&mut self, range: KeyRange) {
        self.inner.add_write_conflict(range);
    }
    fn watch(&mut self, key: &[u8]) -> Watch {
        self.inner.watch(key)
    }
    fn read_version(&mut self) -> BoxFuture<'_, Result<CommitVersion>> {
        self.inner.read_version()
    }
    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<CommitVersion>> {
        let Self { inner, link, wrote } = *self;
        if !wrote.anything {
            return inner.commit();
        }
        if link.mutant == Some(Mutant::AcknowledgedBeforeCommit) {
            return acknowledge_first(inner, &link);
        }
        Box::pin(async move {
            let (there, back) = (link.delay(), link.delay());
            if !link.reach().await {
                // It may have been on its way when the link broke.
                if link.coin() {
                    tokio::spawn(inner.commit());
                }
                link.seen.count(|seen| seen.unknown += 1);
                return Err(Error::CommitUnknown);
            }
            // Not a child of the node: it goes on when the node dies.
            let away = tokio::spawn(deliver(inner, Arc::clone(&link), wrote, there));
            let done = away.await.unwrap_or(Err(Error::CommitUnknown));
            tokio::time::sleep(back).await;
            done
        })
    }
}

async fn deliver(
    inner: Box<dyn BackendTransaction>,
    link: Arc<Inner>,
    wrote: Wrote,
    there: Duration,
) -> Result<CommitVersion> {
    tokio::time::sleep(there).await;
    let done = inner.commit().await;
    let is_alive = *link.is_alive.lock();
    link.log
        .line(format_args!("commit {:016x}: {done:?}", wrote.hasher.finish()));
    link.seen.count(|seen| {
        seen.commits += 1;
        match &done {
            Ok(_) => {
                seen.outlived += u64::from(!is_alive);
                seen.blobs_removed += u64::from(wrote.blob_removed);
                seen.large_pieces += u64::from(wrote.large_piece);
            }
            Err(Error::Conflict) => seen.conflicts += 1,
            Err(Error::CommitUnknown) => seen.unknown += 1,
            Err(_) => {}
        }
    });
    done
}

/// The planted bug: says yes, and commits a little later, if the node lives so long.
fn acknowledge_first(inner: Box<dyn BackendTransaction>, link: &Inner) -> BoxFuture<'static, Result<CommitVersion>> {
    let later = link.delay() + Duration::from_millis(20);
    tokio::task::spawn_local(async move {
        tokio::time::sleep(later).await;
        let _ = inner.commit().await;
    });
    Box::pin(std::future::ready(Ok(CommitVersion(0))))
}
