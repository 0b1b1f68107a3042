//! Which transactions may not both commit.

use super::{Fixture, put, query, range, value};
use crate::{Database, Error, ReadMode, Result, Transaction};

/// Begins a transaction, lets `read` read, lets `write` commit meanwhile, and commits a write of the first. The first
/// asks for its read version, because FoundationDB chooses it no sooner than it is needed.
async fn race(
    db: &Database,
    read: impl AsyncFnOnce(&mut Transaction),
    write: impl FnOnce(&mut Transaction),
) -> Result<()> {
    let mut first = db.begin();
    first.read_version().await.expect("a transaction has a read version");
    read(&mut first).await;
    first.set("result", "1");
    let mut second = db.begin();
    write(&mut second);
    second.commit().await.expect("who commits first wins");
    first.commit().await.map(|_| ())
}

/// Whatever was read and is written meanwhile is a conflict: keys, absent keys, ranges, gaps in ranges.
pub async fn reads_conflict_with_writes(fixture: Fixture) {
    let db = &fixture.db;
    put(db, &[("a", "1"), ("c", "1")]).await;
    let conflict = Err(Error::Conflict);
    let get = async |tx: &mut Transaction| drop(tx.get(b"a").await.unwrap());
    assert_eq!(race(db, get, |tx| tx.set("a", "2")).await, conflict);
    assert_eq!(
        race(db, get, |tx| tx.set("a", "2")).await,
        conflict,
        "the same value is a write too"
    );
    assert_eq!(race(db, get, |tx| tx.clear(b"a")).await, conflict);
    assert_eq!(race(db, get, |tx| tx.clear_range(range("A", "b"))).await, conflict);
    assert_eq!(race(db, get, |tx| tx.atomic_add("a", 1)).await, conflict);
    let absent = async |tx: &mut Transaction| drop(tx.get(b"absent").await.unwrap());
    assert_eq!(race(db, absent, |tx| tx.set("absent", "1")).await, conflict);
    let scan = async |tx: &mut Transaction| drop(tx.get_range(query("b", "f")).await.unwrap());
    assert_eq!(race(db, scan, |tx| tx.set("c", "2")).await, conflict);
    assert_eq!(race(db, scan, |tx| tx.set("d", "2")).await, conflict, "a phantom");
    assert_eq!(race(db, scan, |tx| tx.clear_range(range("e", "g"))).await, conflict);
    let own = async |tx: &mut Transaction| {
        tx.atomic_add("n", 1);
        tx.get(b"n").await.unwrap();
    };
    assert_eq!(
        race(db, own, |tx| tx.atomic_add("n", 1)).await,
        conflict,
        "its addition was read"
    );
}

/// Blind writes, snapshot reads, own writes and neighbours do not conflict.
pub async fn what_is_not_read_does_not_conflict(fixture: Fixture) {
    let db = &fixture.db;
    put(db, &[("a", "1"), ("c", "1")]).await;
    let blind = async |tx: &mut Transaction| tx.set("a", "9");
    assert_eq!(race(db, blind, |tx| tx.set("a", "2")).await, Ok(()));
    let snapshot = async |tx: &mut Transaction| {
        tx.get_snapshot(b"a").await.unwrap();
        let mut all = query("a", "z");
        all.mode = ReadMode::Snapshot;
        tx.get_range(all).await.unwrap();
    };
    assert_eq!(race(db, snapshot, |tx| tx.set("a", "2")).await, Ok(()));
    let own = async |tx: &mut Transaction| {
        tx.set("a", "9");
        tx.get(b"a").await.unwrap();
    };
    assert_eq!(race(db, own, |tx| tx.set("a", "2")).await, Ok(()));
    let scan = async |tx: &mut Transaction| drop(tx.get_range(query("b", "d")).await.unwrap());
    assert_eq!(
        race(db, scan, |tx| tx.set("d", "2")).await,
        Ok(()),
        "the end is outside"
    );
    assert_eq!(race(db, scan, |tx| tx.clear_range(range("d", "f"))).await, Ok(()));
    let reader = async |tx: &mut Transaction| drop(tx.get(b"a").await.unwrap());
    assert_eq!(
        race(db, reader, |tx| tx.set("a\0", "2")).await,
        Ok(()),
        "the next key is another"
    );
}

/// A range read that its limit cut conflicts with writes up to the last pair it returned, not after.
pub async fn cut_range_reads_conflict_only_as_far_as_they_looked(fixture: Fixture) {
    let db = &fixture.db;
    put(db, &[("b", "1"), ("d", "1"), ("f", "1"), ("h", "1")]).await;
    let cut = |reverse| {
        async move |tx: &mut Transaction| {
            let mut first_two = query("a", "z");
            first_two.limit = 2;
            first_two.reverse = reverse;
            assert!(tx.get_range(first_two).await.unwrap().more);
        }
    };
    for (reverse, key, expect) in [
        (false, "c", Err(Error::Conflict)),
        (false, "d", Err(Error::Conflict)),
        (false, "e", Ok(())),
        (true, "g", Err(Error::Conflict)),
        (true, "f", Err(Error::Conflict)),
        (true, "e", Ok(())),
    ] {
        let outcome = race(db, cut(reverse), |tx| tx.set(key, "2")).await;
        assert_eq!(outcome, expect, "reverse {reverse}, write {key}");
        let mut undo = db.begin();
        undo.clear_range(range("a", "z"));
        undo.commit().await.unwrap();
        put(db, &[("b", "1"), ("d", "1"), ("f", "1"), ("h", "1")]).await;
    }
}

/// Conflict ranges can be added by hand, on either side.
pub async fn explicit_ranges(fixture: Fixture) {
    let db = &fixture.db;
    let reads = async |tx: &mut Transaction| tx.add_read_conflict(range("a", "c"));
    assert_eq!(race(db, reads, |tx| tx.set("b", "1")).await, Err(Error::Conflict));
    assert_eq!(race(db, reads, |tx| tx.set("c", "1")).await, Ok(()));
    let get = async |tx: &mut Transaction| drop(tx.get(b"b").await.unwrap());
    assert_eq!(
        race(db, get, |tx| tx.add_write_conflict(range("a", "c"))).await,
        Err(Error::Conflict)
    );
    assert_eq!(race(db, get, |tx| tx.add_write_conflict(range("c", "d"))).await, Ok(()));
    assert_eq!(
        value(&mut db.begin(), "b").await.as_deref(),
        Some("1"),
        "a write conflict writes nothing"
    );
}

/// Two transactions that read both keys and each write one: only one commits.
pub async fn write_skew_is_refused(fixture: Fixture) {
    let db = &fixture.db;
    put(db, &[("a", "1"), ("b", "1")]).await;
    let (mut first, mut second) = (db.begin(), db.begin());
    for tx in [&mut first, &mut second] {
        value(tx, "a").await;
        value(tx, "b").await;
    }
    first.clear(b"a");
    second.clear(b"b");
    let outcomes = [first.commit().await.map(|_| ()), second.commit().await.map(|_| ())];
    assert_eq!(outcomes, [Ok(()), Err(Error::Conflict)]);
}

/// Additions to one key all commit.
pub async fn additions_do_not_conflict(fixture: Fixture) {
    let db = &fixture.db;
    let mut open: Vec<_> = (0..10).map(|_| db.begin()).collect();
    for tx in &mut open {
        tx.atomic_add("n", 3);
    }
    for tx in open {
        tx.commit().await.unwrap();
    }
    assert_eq!(super::integer(db.begin().get(b"n").await.unwrap().as_deref()), 30);
}

/// A read that was asked for ahead takes part in conflict detection like any other.
pub async fn what_was_looked_at_ahead_conflicts_when_read(fixture: Fixture) {
    let db = &fixture.db;
    put(db, &[("a", "1"), ("b", "1")]).await;
    for key in ["a", "b"] {
        let mut tx = db.begin();
        tx.look_ahead(b"a");
        tx.look_ahead_snapshot(b"b");
        value(&mut tx, "a").await;
        tx.get_snapshot(b"b").await.unwrap();
        put(db, &[(key, "2")]).await;
        tx.set("c", "3");
        let committed = tx.commit().await;
        match key {
            "a" => assert_eq!(committed, Err(Error::Conflict)),
            _ => assert!(committed.is_ok(), "{committed:?}"),
        }
    }
}
