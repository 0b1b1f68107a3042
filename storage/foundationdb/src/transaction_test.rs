//! What the suite of all backends cannot bring about, on a real server.

use hongyan_kv::{BackendTransaction, CommitVersion, Error, ReadMode, TRANSACTION_SECS_MAX};

use super::FoundationTransaction;
use crate::FoundationStore;
use crate::testing::{Engine, TestServer};

/// How many versions back a transaction may read.
const WINDOW: u64 = TRANSACTION_SECS_MAX * 1_000_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_of_long_ago_is_too_old() {
    let Some(server) = TestServer::start("a_transaction_of_long_ago_is_too_old", Engine::Memory) else {
        return;
    };
    let store = FoundationStore::open(server.options("hongyan")).await.unwrap().0;
    // A database begins at version 0 and ages by a million a second: wait until version 1 is out of its window.
    while FoundationTransaction::begin(&store).read_version().await.unwrap() < CommitVersion(WINDOW + 1_000_000) {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    let begin = || Box::new(FoundationTransaction::new(&store, Some(CommitVersion(1))));
    assert_eq!(begin().get(b"a", ReadMode::Serializable).await, Err(Error::TooOld));
    let mut tx = begin();
    tx.add_read_conflict(hongyan_kv::KeyRange::key(b"a"));
    tx.set("a".into(), "1".into());
    assert_eq!(tx.commit().await, Err(Error::TooOld));
}
