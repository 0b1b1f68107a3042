//! The store in memory from a user's side: isolation, faults, limits.

use std::time::Duration;

use hongyan_kv::{CommitVersion, Database, Error, KeyRange, RangeQuery};
use hongyan_memory::{Fault, Faults, MemoryStore};

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap()
}

#[test]
fn a_snapshot_stays_while_others_write() {
    runtime().block_on(async {
        let db = Database::new(MemoryStore::new());
        let mut old = db.begin();
        for value in ["1", "2"] {
            let mut writer = db.begin();
            writer.set("k", value);
            writer.set(value, value);
            writer.commit().await.unwrap();
        }
        assert_eq!(old.get_snapshot(b"k").await.unwrap(), None);
        let mut clear = db.begin();
        clear.clear_range(KeyRange::prefix(b""));
        clear.commit().await.unwrap();
        assert_eq!(
            db.begin()
                .get_range_all(RangeQuery::all(KeyRange::prefix(b"")))
                .await
                .unwrap(),
            vec![]
        );
        assert_eq!(old.read_version().await.unwrap(), CommitVersion(0));
    });
}

#[test]
fn scripted_faults_hit_the_next_commit() {
    runtime().block_on(async {
        let store = MemoryStore::new();
        let db = Database::new(store.clone());
        for (fault, expect, applied) in [
            (Fault::Conflict, Error::Conflict, false),
            (Fault::TooOld, Error::TooOld, false),
            (Fault::UnknownApplied, Error::CommitUnknown, true),
            (Fault::UnknownNotApplied, Error::CommitUnknown, false),
        ] {
            let mut tx = db.begin();
            tx.clear(b"k");
            tx.commit().await.unwrap();
            store.fail_next(fault);
            let mut tx = db.begin();
            tx.set("k", "v");
            assert_eq!(tx.commit().await, Err(expect));
            assert_eq!(db.begin().get(b"k").await.unwrap().is_some(), applied);
        }
    });
}

#[test]
fn chance_repeats_from_its_seed() {
    let run = |seed| {
        runtime().block_on(async {
            let store = MemoryStore::new();
            store.set_faults(Faults {
                seed,
                conflict_per_mille: 300,
                read_too_old_per_mille: 100,
                unknown_applied_per_mille: 100,
                delay_micros_max: 1000,
                ..Faults::default()
            });
            let db = Database::new(store);
            let mut outcomes = Vec::new();
            for _ in 0..50 {
                let mut tx = db.begin();
                let read = tx.get(b"n").await;
                tx.atomic_add("n", 1);
                outcomes.push((read, tx.commit().await));
            }
            outcomes
        })
    };
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8));
}

#[test]
fn a_transaction_ages_by_the_stores_clock() {
    runtime().block_on(async {
        let store = MemoryStore::new();
        let db = Database::new(store.clone());
        let mut tx = db.begin();
        store.advance(Duration::from_millis(4_999));
        tx.get(b"k").await.unwrap();
        store.advance(Duration::from_millis(1));
        assert_eq!(tx.get(b"k").await, Err(Error::TooOld));
        assert_eq!(tx.commit().await, Err(Error::TooOld));
    });
}
