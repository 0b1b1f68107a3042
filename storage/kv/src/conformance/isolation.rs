//! Who sees which writes when.

use super::{Fixture, committed, integer, listed, put, range, value};
use crate::{CommitVersion, RangeQuery};

/// A transaction reads what it has written itself.
pub async fn reads_see_own_writes(fixture: Fixture) {
    let db = &fixture.db;
    put(db, &[("a", "1"), ("b", "2"), ("c", "3")]).await;
    let mut tx = db.begin();
    tx.set("a", "9");
    tx.set("new", "8");
    tx.clear(b"b");
    assert_eq!(value(&mut tx, "a").await.as_deref(), Some("9"));
    assert_eq!(value(&mut tx, "new").await.as_deref(), Some("8"));
    assert_eq!(value(&mut tx, "b").await, None);
    tx.clear_range(range("a", "z"));
    assert_eq!(value(&mut tx, "c").await, None);
    tx.set("b", "7");
    assert_eq!(listed(&mut tx, "a", "z").await, "b=7");
    tx.commit().await.unwrap();
    assert_eq!(listed(&mut db.begin(), "a", "z").await, "b=7");
}

/// Writes become visible with the commit, all at once.
pub async fn others_see_nothing_before_the_commit(fixture: Fixture) {
    let db = &fixture.db;
    let mut tx = db.begin();
    tx.set("a", "1");
    tx.set("b", "1");
    assert_eq!(listed(&mut db.begin(), "a", "z").await, "");
    tx.commit().await.unwrap();
    assert_eq!(listed(&mut db.begin(), "a", "z").await, "a=1 b=1");
}

/// A transaction reads one state, whatever others commit.
pub async fn a_snapshot_stays(fixture: Fixture) {
    let db = &fixture.db;
    put(db, &[("a", "1"), ("b", "1")]).await;
    let mut tx = db.begin();
    assert_eq!(value(&mut tx, "a").await.as_deref(), Some("1"));
    for round in 0..20 {
        put(db, &[("a", "2"), ("b", "2"), (&format!("c{round}"), "2")]).await;
    }
    let mut clear = db.begin();
    clear.clear(b"b");
    clear.commit().await.unwrap();
    assert_eq!(listed(&mut tx, "a", "z").await, "a=1 b=1");
    tx.commit()
        .await
        .expect("a transaction that wrote nothing commits at its read version");
}

/// A transaction sees every commit that was acknowledged before it began.
pub async fn a_begin_sees_every_acknowledged_commit(fixture: Fixture) {
    let db = &fixture.db;
    for round in 0..50 {
        put(db, &[("a", &round.to_string())]).await;
        assert_eq!(committed(db, "a").await, Some(round.to_string()));
    }
}

/// A transaction that is not committed has no effect.
pub async fn a_dropped_transaction_writes_nothing(fixture: Fixture) {
    let db = &fixture.db;
    let mut tx = db.begin();
    tx.set("a", "1");
    drop(tx);
    assert_eq!(committed(db, "a").await, None);
}

/// Commit versions grow, and a later transaction reads at or after them.
pub async fn versions_grow(fixture: Fixture) {
    let db = &fixture.db;
    let mut last = CommitVersion(0);
    for _ in 0..20 {
        let mut tx = db.begin();
        tx.set("a", "1");
        let version = tx.commit().await.unwrap();
        assert!(version > last, "{version:?} after {last:?}");
        assert!(db.begin().read_version().await.unwrap() >= version);
        last = version;
    }
    let read = db.begin();
    assert!(
        read.commit().await.unwrap() >= last,
        "a reader commits at its read version"
    );
}

/// Additions start from 0, wrap, and are seen by their own transaction.
pub async fn additions(fixture: Fixture) {
    let db = &fixture.db;
    let mut tx = db.begin();
    tx.atomic_add("n", 5);
    tx.atomic_add("n", -7);
    assert_eq!(integer(tx.get(b"n").await.unwrap().as_deref()), -2);
    tx.set("max", i64::MAX.to_le_bytes().to_vec());
    tx.atomic_add("max", 1);
    tx.commit().await.unwrap();
    let mut tx = db.begin();
    tx.atomic_add("n", 3);
    assert_eq!(integer(tx.get(b"n").await.unwrap().as_deref()), 1);
    tx.clear(b"max");
    tx.atomic_add("max", 4);
    tx.commit().await.unwrap();
    let mut tx = db.begin();
    assert_eq!(integer(tx.get(b"n").await.unwrap().as_deref()), 1);
    assert_eq!(integer(tx.get(b"max").await.unwrap().as_deref()), 4);
}

/// What was asked for ahead is read as if it had not been.
pub async fn looking_ahead_changes_nothing(fixture: Fixture) {
    let db = &fixture.db;
    put(db, &[("a", "1"), ("b", "2"), ("c", "3"), ("d", "4")]).await;
    let mut tx = db.begin();
    let all = RangeQuery::all(range("a", "z"));
    for key in ["a", "b", "c", "missing"] {
        tx.look_ahead(key.as_bytes());
        tx.look_ahead_snapshot(key.as_bytes());
    }
    tx.look_ahead_range(&all);
    put(db, &[("d", "others'")]).await;
    assert_eq!(value(&mut tx, "a").await.as_deref(), Some("1"));
    assert_eq!(value(&mut tx, "a").await.as_deref(), Some("1"), "again");
    assert_eq!(value(&mut tx, "missing").await, None);
    tx.set("a", "9");
    tx.clear(b"b");
    assert_eq!(tx.get_snapshot(b"a").await.unwrap().as_deref(), Some(&b"9"[..]));
    assert_eq!(value(&mut tx, "b").await, None);
    assert_eq!(listed(&mut tx, "a", "z").await, "a=9 c=3 d=4");
    tx.look_ahead_range(&all);
    tx.look_ahead(b"c");
    tx.clear_range(range("c", "d"));
    tx.look_ahead(b"n");
    tx.atomic_add("n", 5);
    assert_eq!(integer(tx.get(b"n").await.unwrap().as_deref()), 5);
    tx.clear(b"n");
    assert_eq!(value(&mut tx, "c").await, None);
    assert_eq!(listed(&mut tx, "a", "z").await, "a=9 d=4");
}

/// What lasts is found at once by whoever heard of it, and by who did not too.
pub async fn what_was_heard_of_is_seen(fixture: Fixture) {
    let db = &fixture.db;
    let read = async |key: &str| db.get_lasting(key.as_bytes()).await.unwrap();
    for round in 0..20 {
        let key = format!("key {round}");
        assert_eq!(read(&key).await, None);
        let mut tx = db.begin();
        tx.set(key.clone(), "there");
        let version = tx.commit().await.unwrap();
        if round % 2 == 0 {
            db.heard(version);
        }
        assert_eq!(read(&key).await.as_deref(), Some(&b"there"[..]));
    }
}
