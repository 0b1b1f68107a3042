//! What the suite of all backends cannot bring about, on a real server.

use hongyan_kv::{BackendTransaction, Error, ReadMode};

use super::FoundationTransaction;
use crate::FoundationStore;
use crate::testing::{Engine, TestServer};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_of_long_ago_is_too_old() {
    let Some(server) = TestServer::start("a_transaction_of_long_ago_is_too_old", Engine::Memory) else {
        return;
    };
    let store = FoundationStore::open(server.options("hongyan")).await.unwrap().0;
    let begin = || {
        let handle = store.database.transaction().unwrap();
        handle.set_read_version(1);
        Box::new(FoundationTransaction::new(&store, Ok(handle)))
    };
    assert_eq!(begin().get(b"a", ReadMode::Serializable).await, Err(Error::TooOld));
    let mut tx = begin();
    tx.add_read_conflict(hongyan_kv::KeyRange::key(b"a"));
    tx.set("a".into(), "1".into());
    assert_eq!(tx.commit().await, Err(Error::TooOld));
}
