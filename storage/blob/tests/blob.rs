//! Blobs on the store in memory: round trips, sharing, collection.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use bytes::Bytes;
use hongyan_blob::{BlobAddress, BlobError, BlobOptions, BlobStore, NewBlob, Owner, Sources};
use hongyan_kv::{Database, KeyRange, RangeQuery, Transaction};
use hongyan_memory::{Fault, MemoryStore};
use proptest::prelude::*;

const TENANT: u64 = 7;
const HOUR_MILLIS: i64 = 3_600_000;

struct Bench {
    memory: MemoryStore,
    database: Database,
    store: BlobStore,
    clock: Arc<AtomicI64>,
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(future)
}

async fn bench() -> Bench {
    bench_on(MemoryStore::new()).await
}

async fn bench_on(memory: MemoryStore) -> Bench {
    let database = Database::new(memory.clone());
    let clock = Arc::new(AtomicI64::new(1_700_000_000_000));
    let (now, seed) = (clock.clone(), AtomicU64::new(1));
    let sources = Sources {
        wall_millis: Arc::new(move || now.load(Ordering::Relaxed)),
        random: Arc::new(move |bytes| {
            let number = seed.fetch_add(1, Ordering::Relaxed).to_be_bytes();
            bytes
                .iter_mut()
                .zip(number.iter().cycle())
                .for_each(|(byte, from)| *byte = *from);
        }),
    };
    let store = BlobStore::open(database.clone(), BlobOptions::default(), sources)
        .await
        .expect("open");
    Bench {
        memory,
        database,
        store,
        clock,
    }
}

impl Bench {
    async fn keep(&self, blob: &NewBlob, owner: &'static [u8]) -> Result<(), BlobError> {
        let owner = Owner(Bytes::from_static(owner));
        self.database
            .run(async |transaction: &mut Transaction| blob.attach(transaction, &owner).await)
            .await
    }
    async fn let_go(&self, address: &BlobAddress, owner: &'static [u8]) {
        let owner = Owner(Bytes::from_static(owner));
        self.database
            .run(async |transaction: &mut Transaction| -> Result<(), BlobError> {
                self.store.detach(transaction, TENANT, address, &owner);
                Ok(())
            })
            .await
            .expect("detach");
    }
    async fn content(&self, address: &BlobAddress) -> Result<Vec<u8>, BlobError> {
        let mut reader = self.store.open_blob(TENANT, address).await?;
        let mut content = Vec::new();
        while let Some(chunk) = reader.next_chunk().await? {
            assert!(chunk.len() <= 64 * 1024, "a piece at a time");
            content.extend_from_slice(&chunk);
        }
        Ok(content)
    }
    /// How many keys the store has, but for the address key.
    async fn keys(&self) -> usize {
        let all = RangeQuery::all(KeyRange::prefix(b""));
        self.database.begin().get_range_all(all).await.expect("scan").len() - 1
    }
}

/// Content that does not compress.
fn content_of(octets: usize) -> Vec<u8> {
    let mut state = 1u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    };
    (0..octets).map(|_| next()).collect()
}

#[test]
fn a_store_opens_though_the_first_commit_answers_nothing() {
    for fault in [Fault::UnknownApplied, Fault::UnknownNotApplied] {
        block_on(async {
            let memory = MemoryStore::new();
            memory.fail_next(fault);
            let bench = bench_on(memory).await;
            let again = Sources {
                wall_millis: Arc::new(|| 0),
                random: Arc::new(|_| unreachable!("the key is there")),
            };
            let again = BlobStore::open(bench.database.clone(), BlobOptions::default(), again).await;
            let (first, second) = (bench.store.blob_of(TENANT, b"x"), again.expect("open"));
            let second = second.blob_of(TENANT, b"x").await.expect("a blob");
            assert_eq!(first.await.expect("a blob").address(), second.address());
        });
    }
}

#[test]
fn every_size_comes_back() {
    block_on(async {
        let bench = bench().await;
        for octets in [
            0, 1, 8000, 65_535, 65_536, 65_537, 200_000, 262_144, 262_145, 1_000_000, 3_000_001,
        ] {
            let content = content_of(octets);
            let blob = bench.store.blob_of(TENANT, &content).await.expect("write");
            assert_eq!(blob.octets(), octets as u64);
            bench.keep(&blob, b"me").await.expect("attach");
            assert_eq!(bench.content(&blob.address()).await.expect("read"), content, "{octets}");
            let mut reader = bench.store.open_blob(TENANT, &blob.address()).await.expect("open");
            let (from, to) = (octets / 3, octets / 3 + (octets / 2));
            let middle = reader.read(from as u64, to - from).await.expect("read a range");
            assert_eq!(&middle[..], &content[from..to], "{octets}");
            assert_eq!(
                reader
                    .read(octets as u64 + 5, 10)
                    .await
                    .expect("read past the end")
                    .len(),
                0
            );
        }
    });
}

#[test]
fn one_copy_a_tenant_and_none_shared_between_tenants() {
    block_on(async {
        let bench = bench().await;
        for octets in [5000, 150_000, 1_000_000] {
            let content = content_of(octets);
            let first = bench.store.blob_of(TENANT, &content).await.expect("write");
            bench.keep(&first, b"first").await.expect("attach");
            let before = bench.keys().await;
            let second = bench.store.blob_of(TENANT, &content).await.expect("write");
            assert_eq!(second.address(), first.address());
            bench.keep(&second, b"second").await.expect("attach");
            bench.keep(&second, b"second").await.expect("attach again");
            bench.clock.fetch_add(25 * HOUR_MILLIS, Ordering::Relaxed);
            bench.store.collect_step().await.expect("collect");
            assert_eq!(bench.keys().await, before + 1, "one reference more and nothing else");
            let other = bench.store.blob_of(TENANT + 1, &content).await.expect("write");
            assert_ne!(other.address(), first.address());
            assert_eq!(bench.content(&first.address()).await.expect("read"), content);
        }
    });
}

#[test]
fn small_content_writes_nothing_before_its_keeper() {
    block_on(async {
        let bench = bench().await;
        let blob = bench.store.blob_of(TENANT, &content_of(262_144)).await.expect("write");
        assert_eq!(bench.keys().await, 0);
        assert!(blob.attach_octets() < BlobOptions::INLINE_OCTETS_LIMIT);
        assert_eq!(bench.content(&blob.address()).await, Err(BlobError::Missing));
    });
}

#[test]
fn collection_waits_and_asks_again() {
    block_on(async {
        let bench = bench().await;
        for octets in [5000, 150_000, 1_000_000] {
            let content = content_of(octets);
            let blob = bench.store.blob_of(TENANT, &content).await.expect("write");
            bench.keep(&blob, b"a").await.expect("attach");
            bench.keep(&blob, b"b").await.expect("attach");
            bench.let_go(&blob.address(), b"a").await;
            bench.clock.fetch_add(2 * HOUR_MILLIS, Ordering::Relaxed);
            let step = bench.store.collect_step().await.expect("collect");
            assert_eq!((step.blobs, step.kept), (0, 1), "b keeps it");
            bench.let_go(&blob.address(), b"b").await;
            bench.clock.fetch_add(HOUR_MILLIS / 2, Ordering::Relaxed);
            assert_eq!(bench.store.collect_step().await.expect("collect").blobs, 0, "grace");
            bench.clock.fetch_add(HOUR_MILLIS, Ordering::Relaxed);
            assert_eq!(bench.store.collect_step().await.expect("collect").blobs, 1);
            assert_eq!(bench.content(&blob.address()).await, Err(BlobError::Missing));
            assert_eq!(bench.keys().await, 0, "nothing is left of {octets}");
        }
    });
}

#[test]
fn a_removal_of_unknown_result_is_settled_in_the_same_step() {
    for fault in [Fault::UnknownApplied, Fault::UnknownNotApplied] {
        block_on(async {
            let bench = bench().await;
            for octets in [5000, 1_000_000] {
                let blob = bench.store.blob_of(TENANT, &content_of(octets)).await.expect("write");
                bench.keep(&blob, b"a").await.expect("attach");
                bench.let_go(&blob.address(), b"a").await;
                bench.clock.fetch_add(2 * HOUR_MILLIS, Ordering::Relaxed);
                bench.memory.fail_next(fault);
                bench.store.collect_step().await.expect("collect");
                assert_eq!(bench.content(&blob.address()).await, Err(BlobError::Missing));
                assert_eq!(bench.keys().await, 0, "nothing is left of {octets}");
            }
            // An upload that nobody finished.
            let mut upload = bench.store.writer(TENANT);
            upload.push(&content_of(1_000_000)).await.expect("push");
            drop(upload);
            assert!(bench.keys().await > 0);
            bench.clock.fetch_add(48 * HOUR_MILLIS, Ordering::Relaxed);
            bench.memory.fail_next(fault);
            assert_eq!(bench.store.collect_step().await.expect("collect").uploads, 1);
            assert_eq!(bench.keys().await, 0, "nothing is left of the upload");
        });
    }
}

#[test]
fn who_keeps_a_blob_again_keeps_it_whatever_a_removal_answered() {
    block_on(async {
        let bench = bench().await;
        let blob = bench.store.blob_of(TENANT, &content_of(5000)).await.expect("write");
        bench.keep(&blob, b"a").await.expect("attach");
        bench.let_go(&blob.address(), b"a").await;
        bench.clock.fetch_add(2 * HOUR_MILLIS, Ordering::Relaxed);
        bench.memory.fail_next(Fault::UnknownNotApplied);
        let (collected, kept) = tokio::join!(bench.store.collect_step(), bench.keep(&blob, b"b"));
        collected.expect("collect");
        kept.expect("attach");
        assert_eq!(bench.content(&blob.address()).await.expect("read").len(), 5000);
    });
}

#[test]
fn what_was_read_is_remembered_and_what_moved_is_found() {
    block_on(async {
        let bench = bench().await;
        let reader = BlobStore::open(
            bench.database.clone().remembering(1 << 20),
            BlobOptions::default(),
            Sources {
                wall_millis: Arc::new(|| 0),
                random: Arc::new(|_| {}),
            },
        );
        let reader = reader.await.expect("open");
        for octets in [5000, 1_000_000] {
            let content = content_of(octets);
            // Long content is elsewhere when it comes again, and what was read of it before is not taken for it.
            for _ in 0..2 {
                let blob = bench.store.blob_of(TENANT, &content).await.expect("write");
                bench.keep(&blob, b"a").await.expect("attach");
                for _ in 0..2 {
                    let mut opened = reader.open_blob(TENANT, &blob.address()).await.expect("open");
                    assert!(opened.read(0, octets).await.expect("read") == content);
                }
                bench.let_go(&blob.address(), b"a").await;
                bench.clock.fetch_add(2 * HOUR_MILLIS, Ordering::Relaxed);
                bench.store.collect_step().await.expect("collect");
                let found = reader.open_blob(TENANT, &blob.address()).await.is_ok();
                assert_eq!(found, octets == 5000, "short content may still be remembered");
            }
        }
    });
}

#[test]
fn keeping_and_removing_conflict() {
    block_on(async {
        let bench = bench().await;
        let blob = bench.store.blob_of(TENANT, &content_of(100)).await.expect("write");
        bench.keep(&blob, b"a").await.expect("attach");
        bench.let_go(&blob.address(), b"a").await;
        bench.clock.fetch_add(2 * HOUR_MILLIS, Ordering::Relaxed);
        let mut late = bench.database.begin();
        let owner = Owner(Bytes::from_static(b"late"));
        bench
            .store
            .attach(&mut late, TENANT, &blob.address(), &owner)
            .await
            .expect("still there");
        assert_eq!(bench.store.collect_step().await.expect("collect").blobs, 1);
        assert_eq!(late.commit().await, Err(hongyan_kv::Error::Conflict));
        let mut again = bench.database.begin();
        let gone = bench.store.attach(&mut again, TENANT, &blob.address(), &owner).await;
        assert_eq!(gone, Err(BlobError::Missing));
        bench
            .keep(&blob, b"late")
            .await
            .expect("who has the content stores it again");
        assert_eq!(bench.content(&blob.address()).await.expect("read"), content_of(100));
    });
}

#[test]
fn removal_loses_against_a_keeper_who_came_first() {
    block_on(async {
        let bench = bench().await;
        let blob = bench.store.blob_of(TENANT, &content_of(100)).await.expect("write");
        bench.keep(&blob, b"a").await.expect("attach");
        bench.let_go(&blob.address(), b"a").await;
        bench.keep(&blob, b"b").await.expect("attach");
        bench.clock.fetch_add(2 * HOUR_MILLIS, Ordering::Relaxed);
        assert_eq!(bench.store.collect_step().await.expect("collect").kept, 1);
        assert_eq!(bench.content(&blob.address()).await.expect("read"), content_of(100));
    });
}

#[test]
fn an_unfinished_upload_is_collected_and_a_late_keeper_told() {
    block_on(async {
        let bench = bench().await;
        let mut writer = bench.store.writer(TENANT);
        writer.push(&content_of(2_000_000)).await.expect("push");
        drop(writer);
        let late = bench
            .store
            .blob_of(TENANT, &content_of(1_000_000))
            .await
            .expect("write");
        assert!(bench.keys().await > 10);
        bench.clock.fetch_add(23 * HOUR_MILLIS, Ordering::Relaxed);
        assert_eq!(bench.store.collect_step().await.expect("collect").uploads, 0);
        bench.clock.fetch_add(2 * HOUR_MILLIS, Ordering::Relaxed);
        assert_eq!(bench.store.collect_step().await.expect("collect").uploads, 2);
        assert_eq!(bench.keys().await, 0);
        assert_eq!(bench.keep(&late, b"a").await, Err(BlobError::Expired));
        assert_eq!(bench.keys().await, 0, "no reference without a blob");
    });
}

#[test]
fn addresses_stay_over_a_restart() {
    block_on(async {
        let bench = bench().await;
        let blob = bench.store.blob_of(TENANT, b"hello").await.expect("write");
        let sources = Sources {
            wall_millis: Arc::new(|| 0),
            random: Arc::new(|bytes| bytes.fill(0xEE)),
        };
        let again = BlobStore::open(bench.database.clone(), BlobOptions::default(), sources)
            .await
            .expect("open");
        assert_eq!(
            again.blob_of(TENANT, b"hello").await.expect("write").address(),
            blob.address()
        );
    });
}

#[test]
fn a_long_content_is_never_held_whole() {
    block_on(async {
        let bench = bench().await;
        let mut writer = bench.store.writer(TENANT);
        let line = b"the same line again and again\r\n".repeat(1000);
        let mut sent = 0;
        let mut keys = 0;
        while sent < 20_000_000 {
            writer.push(&line).await.expect("push");
            sent += line.len();
            keys = keys.max(bench.keys().await);
        }
        // Well compressed pieces are gathered to one transaction; they reach the store long before the end.
        assert!(keys > 100, "{keys} keys before the end");
        let blob = writer.finish().await.expect("finish");
        bench.keep(&blob, b"me").await.expect("attach");
        let mut reader = bench.store.open_blob(TENANT, &blob.address()).await.expect("open");
        let mut octets = 0;
        while let Some(chunk) = reader.next_chunk().await.expect("read") {
            octets += chunk.len();
        }
        assert_eq!(octets, sent);
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn pieces_pushed_make_no_difference(
        content in proptest::collection::vec(any::<u8>(), 0..200_000),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        block_on(async {
            let bench = bench().await;
            let whole = bench.store.blob_of(TENANT, &content).await.expect("write");
            let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(content.len() + 1)).collect();
            at.sort_unstable();
            let mut writer = bench.store.writer(TENANT);
            let mut from = 0;
            for to in at.into_iter().chain([content.len()]) {
                writer.push(&content[from..to]).await.expect("push");
                from = to;
            }
            let pieces = writer.finish().await.expect("finish");
            assert_eq!(pieces.address(), whole.address());
            bench.keep(&pieces, b"me").await.expect("attach");
            assert_eq!(bench.content(&pieces.address()).await.expect("read"), content);
        });
    }
}
