//! On a real server, started here: the suite of all backends, and what only FoundationDB does.

use std::time::Duration;

use hongyan_foundationdb::testing::{Engine, TestServer, has_library};
use hongyan_foundationdb::{FoundationOptions, FoundationStore, OpenError};
use hongyan_kv::conformance::{Fixture, run_all};
use hongyan_kv::{Database, Error, RangeQuery, Tuple};

async fn open(server: &TestServer, key_space: &str) -> FoundationStore {
    FoundationStore::open(server.options(key_space))
        .await
        .expect("the store opens")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conformance() {
    let Some(server) = TestServer::start("conformance", Engine::Memory) else {
        return;
    };
    let fixture = async |case| Fixture {
        db: Database::new(open(&server, case).await),
        advance: None,
        keep: Box::new(()),
    };
    run_all(fixture, |case| println!("case {case}")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_readable_and_apart() {
    let Some(server) = TestServer::start("keys_are_readable_and_apart", Engine::Memory) else {
        return;
    };
    let (ours, theirs) = (open(&server, "hongyan").await, open(&server, "other").await);
    let status = ours.status().await.unwrap();
    assert!(status.contains("database_status"), "{status}");
    let (ours, theirs) = (Database::new(ours), Database::new(theirs));
    let key = Tuple::new().string("mbx").int(7u64);
    let mut tx = ours.begin();
    tx.set(key.clone(), "value");
    tx.commit().await.unwrap();
    let shown = server.cli("getrange \"\" \\xff 10");
    assert!(
        shown.contains(r"\x02hongyan\x00\x02mbx\x00\x15\x07") && shown.contains("value"),
        "{shown}"
    );
    assert_eq!(theirs.begin().get(key.as_bytes()).await, Ok(None));
    let all = RangeQuery::all(hongyan_kv::KeyRange::prefix(b""));
    assert!(theirs.begin().get_range_all(all.clone()).await.unwrap().is_empty());
    let mut clear = theirs.begin();
    clear.clear_range(all.range.clone());
    clear.commit().await.unwrap();
    assert_eq!(ours.begin().get_range_all(all).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_does_not_answer_is_told_and_waited_for() {
    let what = "a_server_that_does_not_answer_is_told_and_waited_for";
    let Some(server) = TestServer::start(what, Engine::Memory) else {
        return;
    };
    let options = FoundationOptions {
        transaction_timeout: Duration::from_millis(500),
        ..server.options("hongyan")
    };
    let store = Database::new(FoundationStore::open(options.clone()).await.unwrap());
    server.pause();
    let mut tx = store.begin();
    let read = tx.get(b"a").await;
    assert!(matches!(read, Err(Error::Unavailable(_))), "{read:?}");
    tx.set("a", "1");
    drop(tx);
    let late = FoundationOptions {
        open_within: Duration::from_millis(500),
        ..options
    };
    let refused = FoundationStore::open(late).await.err();
    // Its protocol may be known from before it stopped.
    let told = matches!(
        refused,
        Some(OpenError::Unreachable { .. } | OpenError::NotServing { .. })
    );
    assert!(told, "{refused:?}");
    server.resume();
    let mut tries = 0;
    while let Err(error) = store.begin().get(b"a").await {
        assert!(error.is_temporary(), "{error}");
        tries += 1;
        assert!(tries < 200, "it answers again");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_at_the_coordinators_place() {
    if !has_library("nobody_at_the_coordinators_place") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fdb.cluster");
    std::fs::write(&path, "test:test@127.0.0.1:1").unwrap();
    let options = FoundationOptions {
        cluster_file: path,
        open_within: Duration::from_secs(1),
        ..FoundationOptions::default()
    };
    let refused = FoundationStore::open(options.clone())
        .await
        .err()
        .expect("nobody is there");
    assert!(
        refused
            .to_string()
            .contains("no FoundationDB coordinator of 127.0.0.1:1 answered within 1 s"),
        "{refused}"
    );
    let other = FoundationOptions {
        library: Some("/nonexistent/libfdb_c.so".into()),
        ..options
    };
    let refused = FoundationStore::open(other).await.err();
    assert!(matches!(refused, Some(OpenError::OtherLibrary(_))), "{refused:?}");
}
