//! Durable transactions a second by writers, reads, scans and reopening.
//!
//! A transaction is shaped like a delivery: it reads the mailbox's head, and writes head, log entry, message record
//! (1.5 KB) and a blob of 4 KB. Sketch: one fsync a batch, about 6 KB to the journal and as much to the tables.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

use hongyan_embedded::{EmbeddedOptions, EmbeddedStore};
use hongyan_kv::{Database, Error, RangeQuery, Tuple};

static NEXT: AtomicU64 = AtomicU64::new(0);

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

async fn deliver(db: &Database, mailbox: u64) {
    let blob = vec![mailbox as u8; 4000];
    db.run(async move |tx| {
        let prefix = Tuple::new().string("mbx").int(1).int(mailbox);
        let head = prefix.clone().string("meta").pack();
        let before = tx
            .get(&head)
            .await?
            .map_or(0, |stored| u64::from_be_bytes(stored[..8].try_into().unwrap()));
        let number = before + 1;
        let mut stored = [0; 64];
        stored[..8].copy_from_slice(&number.to_be_bytes());
        tx.set(head, stored.to_vec());
        tx.set(prefix.clone().string("log").int(number), vec![1; 80]);
        tx.set(prefix.clone().string("email").int(number), vec![2; 1500]);
        tx.set(
            Tuple::new().string("blob").int(NEXT.fetch_add(1, Ordering::Relaxed)),
            blob.clone(),
        );
        Ok::<_, Error>(())
    })
    .await
    .unwrap();
}

/// `count` deliveries by `writers` tasks, each to its own mailbox.
async fn deliver_many(db: &Database, writers: u64, count: u64) {
    let tasks: Vec<_> = (0..writers)
        .map(|writer| {
            let db = db.clone();
            let share = count / writers + u64::from(writer < count % writers);
            tokio::task::spawn_local(async move {
                for _ in 0..share {
                    deliver(&db, writer).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

#[allow(clippy::disallowed_methods, reason = "a bench measures real time")]
fn commits(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let db = Database::new(EmbeddedStore::open(folder.path(), EmbeddedOptions::default()).unwrap());
    let runtime = runtime();
    let mut group = criterion.benchmark_group("commit");
    group
        .throughput(Throughput::Elements(1))
        .measurement_time(Duration::from_secs(5));
    for writers in [1, 16, 64] {
        group.bench_with_input(BenchmarkId::from_parameter(writers), &writers, |bencher, &writers| {
            bencher.iter_custom(|count| {
                let local = tokio::task::LocalSet::new();
                let began = Instant::now();
                local.block_on(&runtime, deliver_many(&db, writers, count));
                began.elapsed()
            });
        });
    }
}

fn reads(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let db = Database::new(EmbeddedStore::open(folder.path(), EmbeddedOptions::default()).unwrap());
    let runtime = runtime();
    let prefix = Tuple::new().string("email");
    runtime.block_on(async {
        for step in 0..100u64 {
            let mut tx = db.begin();
            (0..1000).for_each(|number| tx.set(prefix.clone().int(step * 1000 + number), vec![7; 600]));
            tx.commit().await.unwrap();
        }
    });
    let mut at = 0u64;
    criterion.bench_function("begin", |bencher| bencher.iter(|| black_box(db.begin())));
    criterion.bench_function("get", |bencher| {
        bencher.iter(|| {
            at = (at + 7919) % 100_000;
            runtime.block_on(async { db.begin().get(prefix.clone().int(at).as_bytes()).await.unwrap() })
        });
    });
    criterion.bench_function("scan 100", |bencher| {
        bencher.iter(|| {
            at = (at + 7919) % 99_900;
            let mut query = RangeQuery::all(prefix.range());
            query.range.begin = prefix.clone().int(at).pack();
            query.limit = 100;
            let reply = runtime.block_on(async { db.begin().get_range(query).await.unwrap() });
            assert_eq!(reply.pairs.len(), 100);
        });
    });
    drop(db);
    criterion.bench_function("reopen", |bencher| {
        bencher.iter(|| EmbeddedStore::open(folder.path(), EmbeddedOptions::default()).unwrap());
    });
}

criterion_group!(benches, commits, reads);
criterion_main!(benches);
