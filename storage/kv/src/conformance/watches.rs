//! When a watch fires.

use std::time::Duration;

use super::{Fixture, put, range, value};
use crate::{Database, Error, Watch};

/// Ends a test that would wait for ever; no measure of speed.
const FIRES_WITHIN: Duration = Duration::from_secs(60);

async fn watching(db: &Database, key: &str) -> Watch {
    let mut tx = db.begin();
    let watch = tx.watch(key.as_bytes());
    tx.commit().await.expect("a transaction that only watches commits");
    watch
}

async fn fires(watch: Watch) {
    let outcome = tokio::time::timeout(FIRES_WITHIN, watch).await;
    assert_eq!(outcome.expect("the watch fires"), Ok(()));
}

/// A set, a clear, a cleared range and an addition fire the watches of their keys and no others, not even those
/// of the watching transaction's own writes.
pub async fn fire_on_change_only(fixture: Fixture) {
    let db = &fixture.db;
    put(db, &[("a", "1"), ("b", "1"), ("c", "1")]).await;
    let mut untouched = watching(db, "untouched").await;
    let watches = [
        watching(db, "a").await,
        watching(db, "a").await,
        watching(db, "n").await,
    ];
    let mut tx = db.begin();
    tx.set("a", "2");
    tx.atomic_add("n", 1);
    tx.commit().await.unwrap();
    for watch in watches {
        fires(watch).await;
    }
    let watches = [watching(db, "a").await, watching(db, "b").await];
    let mut tx = db.begin();
    tx.clear(b"a");
    tx.clear_range(range("b", "c"));
    tx.commit().await.unwrap();
    for watch in watches {
        fires(watch).await;
    }
    let mut tx = db.begin();
    tx.set("own", "1");
    let mut own = tx.watch(b"own");
    tx.commit().await.unwrap();
    for quiet in [&mut untouched, &mut own] {
        assert!(futures_util::poll!(quiet).is_pending(), "nothing has changed");
    }
    put(db, &[("own", "2")]).await;
    fires(own).await;
}

/// A change between the watching transaction's read and its commit fires the watch.
pub async fn miss_nothing_between_read_and_commit(fixture: Fixture) {
    let db = &fixture.db;
    put(db, &[("a", "1")]).await;
    let mut tx = db.begin();
    value(&mut tx, "a").await;
    let watch = tx.watch(b"a");
    put(db, &[("a", "2")]).await;
    tx.commit().await.unwrap();
    fires(watch).await;
}

/// A transaction that fails or is dropped ends its watches with an error.
pub async fn end_with_their_transaction(fixture: Fixture) {
    let db = &fixture.db;
    let mut tx = db.begin();
    value(&mut tx, "a").await;
    tx.set("b", "1");
    let watch = tx.watch(b"a");
    put(db, &[("a", "2")]).await;
    assert_eq!(tx.commit().await, Err(Error::Conflict));
    assert_eq!(watch.await, Err(Error::Conflict));
    let watch = db.begin().watch(b"a");
    assert!(watch.await.is_err(), "its transaction never committed");
}
