//! Keepers and the collector in any order, with transactions that overlap and a store that fails: what somebody keeps
//! is there, what nobody keeps goes.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use bytes::Bytes;
use hongyan_blob::{BlobError, BlobOptions, BlobStore, NewBlob, Owner, Sources};
use hongyan_kv::{
    Backend, BackendTransaction, BoxFuture, CommitVersion, Database, KeyRange, RangeQuery, RangeReply, ReadMode,
    Result, Transaction, Watch,
};
use hongyan_memory::{Faults, MemoryStore};
use proptest::prelude::*;

const TENANT: u64 = 7;
const HOUR_MILLIS: i64 = 3_600_000;
/// One piece with its head; pieces beside it; streamed ahead.
const SIZES: [usize; 3] = [100, 200_000, 300_000];

#[derive(Debug, Clone, Copy)]
enum Step {
    /// Begins to keep a blob whose content is at hand.
    Keep {
        blob: usize,
        owner: u8,
    },
    /// Begins to keep a blob that is stored already.
    KeepStored {
        blob: usize,
        owner: u8,
    },
    /// Begins to let go.
    LetGo {
        blob: usize,
        owner: u8,
    },
    /// Commits one of the transactions begun.
    Commit {
        which: usize,
    },
    /// Collects, while one of the transactions begun is committed after so many turns of the collector.
    Collect {
        beside: usize,
        turns: u8,
    },
    Wait {
        minutes: i64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let (blob, owner) = (0..SIZES.len(), 0..3u8);
    let both = (blob, owner);
    prop_oneof![
        3 => both.clone().prop_map(|(blob, owner)| Step::Keep { blob, owner }),
        1 => both.clone().prop_map(|(blob, owner)| Step::KeepStored { blob, owner }),
        3 => both.prop_map(|(blob, owner)| Step::LetGo { blob, owner }),
        6 => any::<usize>().prop_map(|which| Step::Commit { which }),
        3 => (any::<usize>(), 0..30u8).prop_map(|(beside, turns)| Step::Collect { beside, turns }),
        3 => (1..90i64).prop_map(|minutes| Step::Wait { minutes }),
    ]
}

/// The store in memory, which lets others have a turn before each operation.
struct Turns(MemoryStore);

struct TurnsTransaction(Box<dyn BackendTransaction>);

impl Backend for Turns {
    fn begin(&self) -> Box<dyn BackendTransaction> {
        Box::new(TurnsTransaction(self.0.begin()))
    }
}

impl BackendTransaction for TurnsTransaction {
    fn get<'a>(&'a mut self, key: &'a [u8], mode: ReadMode) -> BoxFuture<'a, Result<Option<Bytes>>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            self.0.get(key, mode).await
        })
    }
    fn get_range(&mut self, query: RangeQuery) -> BoxFuture<'_, Result<RangeReply>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            self.0.get_range(query).await
        })
    }
    fn set(&mut self, key: Bytes, value: Bytes) {
        self.0.set(key, value);
    }
    fn clear(&mut self, key: &[u8]) {
        self.0.clear(key);
    }
    fn clear_range(&mut self, range: KeyRange) {
        self.0.clear_range(range);
    }
    fn atomic_add(&mut self, key: Bytes, delta: i64) {
        self.0.atomic_add(key, delta);
    }
    fn add_read_conflict(&mut self, range: KeyRange) {
        self.0.add_read_conflict(range);
    }
    fn add_write_conflict(&mut self, range: KeyRange) {
        self.0.add_write_conflict(range);
    }
    fn watch(&mut self, key: &[u8]) -> Watch {
        self.0.watch(key)
    }
    fn read_version(&mut self) -> BoxFuture<'_, Result<CommitVersion>> {
        self.0.read_version()
    }
    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<CommitVersion>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            self.0.commit().await
        })
    }
}

struct Open {
    transaction: Transaction,
    blob: usize,
    owner: u8,
    keeps: bool,
}

struct World {
    memory: MemoryStore,
    database: Database,
    store: BlobStore,
    clock: Arc<AtomicI64>,
    contents: Vec<Vec<u8>>,
    blobs: Vec<NewBlob>,
    open: Vec<Open>,
    kept: BTreeSet<(usize, u8)>,
}

fn content(blob: usize) -> Vec<u8> {
    let mut state = blob as u64 + 1;
    (0..SIZES[blob])
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        })
        .collect()
}

fn owner_of(owner: u8) -> Owner {
    Owner(Bytes::copy_from_slice(&[owner]))
}

impl World {
    async fn new() -> Self {
        let memory = MemoryStore::new();
        let database = Database::new(Turns(memory.clone()));
        let clock = Arc::new(AtomicI64::new(1_700_000_000_000));
        let (now, seed) = (clock.clone(), AtomicU64::new(1));
        let sources = Sources {
            wall_millis: Arc::new(move || now.load(Ordering::Relaxed)),
            random: Arc::new(move |bytes| bytes.fill(seed.fetch_add(1, Ordering::Relaxed) as u8)),
        };
        let store = BlobStore::open(database.clone(), BlobOptions::default(), sources)
            .await
            .expect("open");
        let mut world = Self {
            memory,
            database,
            store,
            clock,
            contents: (0..SIZES.len()).map(content).collect(),
            blobs: Vec::new(),
            open: Vec::new(),
            kept: BTreeSet::new(),
        };
        for blob in 0..SIZES.len() {
            world.blobs.push(world.write(blob).await);
        }
        world
    }
    async fn write(&self, blob: usize) -> NewBlob {
        self.store.blob_of(TENANT, &self.contents[blob]).await.expect("write")
    }
    async fn take(&mut self, step: Step) {
        match step {
            Step::Keep { blob, owner } => {
                let mut transaction = self.database.begin();
                let mut result = self.blobs[blob].attach(&mut transaction, &owner_of(owner)).await;
                if result == Err(BlobError::Expired) {
                    self.blobs[blob] = self.write(blob).await;
                    transaction = self.database.begin();
                    result = self.blobs[blob].attach(&mut transaction, &owner_of(owner)).await;
                }
                result.expect("attach");
                self.open.push(Open {
                    transaction,
                    blob,
                    owner,
                    keeps: true,
                });
            }
            Step::KeepStored { blob, owner } => {
                let mut transaction = self.database.begin();
                let address = self.blobs[blob].address();
                let result = self
                    .store
                    .attach(&mut transaction, TENANT, &address, &owner_of(owner))
                    .await;
                match result {
                    Ok(()) => self.open.push(Open {
                        transaction,
                        blob,
                        owner,
                        keeps: true,
                    }),
                    Err(error) => assert_eq!(error, BlobError::Missing),
                }
            }
            Step::LetGo { blob, owner } => {
                let mut transaction = self.database.begin();
                let address = self.blobs[blob].address();
                self.store.detach(&mut transaction, TENANT, &address, &owner_of(owner));
                self.open.push(Open {
                    transaction,
                    blob,
                    owner,
                    keeps: false,
                });
            }
            Step::Commit { which } => {
                if !self.open.is_empty() {
                    let open = self.open.swap_remove(which % self.open.len());
                    self.commit(open).await;
                }
            }
            Step::Collect { beside, turns } => {
                let beside = (!self.open.is_empty()).then(|| self.open.swap_remove(beside % self.open.len()));
                let store = self.store.clone();
                let other = async {
                    for _ in 0..turns {
                        tokio::task::yield_now().await;
                    }
                    if let Some(open) = beside {
                        self.commit(open).await;
                    }
                };
                let _ = tokio::join!(store.collect_step(), other);
            }
            Step::Wait { minutes } => drop(self.clock.fetch_add(minutes * 60_000, Ordering::Relaxed)),
        }
    }
    async fn commit(&mut self, open: Open) {
        let key = (open.blob, open.owner);
        match (open.transaction.commit().await, open.keeps) {
            (Ok(_), true) => drop(self.kept.insert(key)),
            (Ok(_), false) => drop(self.kept.remove(&key)),
            // Whether it is kept is not known: asked of the store, as a keeper's own record would say.
            (Err(hongyan_kv::Error::CommitUnknown), _) => {
                self.memory.set_faults(Faults::default());
                if self.is_referenced(key).await {
                    self.kept.insert(key);
                } else {
                    self.kept.remove(&key);
                }
            }
            (Err(_), _) => {}
        }
    }
    async fn is_referenced(&self, (blob, owner): (usize, u8)) -> bool {
        let address = self.blobs[blob].address().0;
        let prefix = hongyan_kv::Tuple::new().string("blob").string("ref").int(TENANT);
        let key = prefix.bytes(&address).bytes(&[owner]).pack();
        self.database.begin().get(&key).await.expect("read").is_some()
    }
    async fn check(&self) {
        let kept: BTreeSet<usize> = self.kept.iter().map(|(blob, _)| *blob).collect();
        for blob in &kept {
            let mut reader = self
                .store
                .open_blob(TENANT, &self.blobs[*blob].address())
                .await
                .expect("somebody keeps it");
            let got = reader.read(0, usize::MAX).await.expect("read");
            assert!(got == self.contents[*blob], "blob {blob} is not what was written");
        }
    }
    async fn end(mut self) {
        self.open.clear();
        for (blob, owner) in self.kept.clone() {
            self.take(Step::LetGo { blob, owner }).await;
            self.take(Step::Commit { which: 0 }).await;
        }
        self.clock.fetch_add(48 * HOUR_MILLIS, Ordering::Relaxed);
        while self.store.collect_step().await.expect("collect").more {}
        let all = RangeQuery::all(KeyRange::prefix(b""));
        let left = self.database.begin().get_range_all(all).await.expect("scan");
        assert_eq!(left.len(), 1, "only the address key is left: {left:?}");
    }
}

#[test]
fn a_keeper_and_the_collector_never_both_win() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        for blob in 0..SIZES.len() {
            let (mut kept, mut removed) = (0, 0);
            for turns in 0..20 {
                let mut world = World::new().await;
                for step in [Step::Keep { blob, owner: 0 }, Step::LetGo { blob, owner: 0 }] {
                    world.take(step).await;
                    world.take(Step::Commit { which: 0 }).await;
                }
                world.take(Step::Wait { minutes: 61 }).await;
                world.take(Step::KeepStored { blob, owner: 1 }).await;
                world.take(Step::Collect { beside: 0, turns }).await;
                world.check().await;
                let address = world.blobs[blob].address();
                let there = world.store.open_blob(TENANT, &address).await.is_ok();
                assert_eq!(there, world.kept.contains(&(blob, 1)), "turn {turns} of blob {blob}");
                kept += usize::from(there);
                removed += usize::from(!there);
            }
            assert!(kept > 0 && removed > 0, "both orders were seen: {kept} and {removed}");
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn what_is_kept_is_there_and_nothing_else_stays(
        steps in proptest::collection::vec(step(), 1..60),
        seed in any::<u64>(),
        faulty in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let mut world = World::new().await;
            for step in steps {
                let fails = faulty && matches!(step, Step::Commit { .. } | Step::Collect { .. });
                if fails {
                    world.memory.set_faults(Faults {
                        seed,
                        conflict_per_mille: 100,
                        unknown_applied_per_mille: 100,
                        unknown_not_applied_per_mille: 100,
                        ..Faults::default()
                    });
                }
                world.take(step).await;
                world.memory.set_faults(Faults::default());
                world.check().await;
            }
            world.end().await;
        });
    }
}
