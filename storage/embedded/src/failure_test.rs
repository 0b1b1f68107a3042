//! The store when the disk refuses: injected failures of writes and syncs, the floor of free space, a disk that is
//! really full, a folder in use.

use std::process::Command;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hongyan_kv::{Database, Error, RangeQuery, Result};

use super::*;

struct Fixture {
    folder: tempfile::TempDir,
    io: Io,
    db: Database,
}

fn options() -> EmbeddedOptions {
    EmbeddedOptions {
        free_octets_min: 0,
        recover_interval_millis: 1,
        ..EmbeddedOptions::default()
    }
}

fn fixture(options: EmbeddedOptions) -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let io = Io::default();
    let db = Database::new(EmbeddedStore::open_with(folder.path(), options, io.clone()).unwrap());
    Fixture { folder, io, db }
}

async fn put(db: &Database, key: impl Into<String>, octets: usize) -> Result<()> {
    let mut tx = db.begin();
    tx.set(key.into(), vec![7; octets]);
    tx.atomic_add("count", 1);
    tx.commit().await.map(|_| ())
}

/// Whether the key is there, which the read may not fail to tell for longer than a reopening takes.
async fn has(db: &Database, key: &str) -> bool {
    for _ in 0..200 {
        match db.begin().get(key.as_bytes()).await {
            Ok(value) => return value.is_some(),
            Err(error) => assert!(error.is_temporary(), "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!(
        "the store does not read again: {:?}",
        db.begin().get(key.as_bytes()).await
    );
}

async fn put_until_it_works(db: &Database, key: &str) {
    for _ in 0..400 {
        match put(db, key, 10).await {
            Ok(()) => return,
            Err(error) => assert!(error.is_temporary(), "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("the store does not write again");
}

#[tokio::test]
async fn a_failing_write_answers_unavailable_leaves_nothing_and_recovers() {
    let Fixture { folder, io, db } = fixture(options());
    put(&db, "before", 10).await.unwrap();
    io.faults.write_fails.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        assert!(matches!(put(&db, "refused", 10).await, Err(Error::Unavailable(_))));
        assert!(has(&db, "before").await, "reads go on");
    }
    io.faults.write_fails.store(false, Ordering::SeqCst);
    put_until_it_works(&db, "after").await;
    assert!(has(&db, "before").await && has(&db, "after").await && !has(&db, "refused").await);
    drop(db);
    let db = Database::new(EmbeddedStore::open(folder.path(), options()).unwrap());
    assert!(has(&db, "before").await && has(&db, "after").await && !has(&db, "refused").await);
}

#[tokio::test]
async fn a_failing_sync_acknowledges_nothing_until_it_works_again() {
    let Fixture { folder, io, db } = fixture(options());
    put(&db, "before", 10).await.unwrap();
    io.faults.sync_fails.store(true, Ordering::SeqCst);
    assert_eq!(put(&db, "doubtful", 10).await, Err(Error::CommitUnknown));
    assert!(!has(&db, "doubtful").await, "what is not durable is not seen");
    assert!(matches!(put(&db, "refused", 10).await, Err(Error::Unavailable(_))));
    io.faults.sync_fails.store(false, Ordering::SeqCst);
    put_until_it_works(&db, "after").await;
    let count = db.begin().get(b"count").await.unwrap().unwrap();
    let doubtful = i64::from(has(&db, "doubtful").await);
    assert_eq!(
        count[..],
        (2 + doubtful).to_le_bytes(),
        "the doubtful one is there whole or not at all"
    );
    assert!(has(&db, "before").await && !has(&db, "refused").await);
    drop(db);
    let db = Database::new(EmbeddedStore::open(folder.path(), options()).unwrap());
    assert!(has(&db, "before").await && has(&db, "after").await);
    assert_eq!(i64::from(has(&db, "doubtful").await), doubtful);
}

#[tokio::test]
async fn transactions_across_a_recovery_begin_again() {
    let Fixture {
        folder: _folder,
        io,
        db,
    } = fixture(options());
    put(&db, "before", 10).await.unwrap();
    let mut old = db.begin();
    old.get(b"before").await.unwrap();
    io.faults.write_fails.store(true, Ordering::SeqCst);
    put(&db, "refused", 10).await.unwrap_err();
    io.faults.write_fails.store(false, Ordering::SeqCst);
    put_until_it_works(&db, "after").await;
    assert_eq!(old.get(b"before").await, Err(Error::TooOld));
    let seen = db
        .run(async |tx| Ok::<_, Error>(tx.get(b"before").await?.is_some()))
        .await;
    assert_eq!(seen, Ok(true));
}

#[tokio::test]
async fn the_floor_of_free_space_refuses_before_the_disk_is_full() {
    let health = hongyan_telemetry::Health::default();
    let options = EmbeddedOptions {
        free_octets_min: 1 << 20,
        health: health.clone(),
        ..options()
    };
    let Fixture {
        folder: _folder,
        io,
        db,
    } = fixture(options);
    put(&db, "before", 10).await.unwrap();
    io.faults.free_octets.store((1 << 20) - 1, Ordering::SeqCst);
    assert!(matches!(put(&db, "refused", 10).await, Err(Error::Unavailable(_))));
    assert!(has(&db, "before").await);
    assert!(health.missing().starts_with("storage: "), "{}", health.missing());
    let remove = async || {
        let mut tx = db.begin();
        tx.clear(b"before");
        tx.commit().await.map(|_| ())
    };
    assert_eq!(remove().await, Ok(()), "what removes makes room");
    assert!(!has(&db, "before").await);
    io.faults.free_octets.store((1 << 18) - 1, Ordering::SeqCst);
    assert!(matches!(remove().await, Err(Error::Unavailable(_))));
    io.faults.free_octets.store(1 << 20, Ordering::SeqCst);
    put(&db, "after", 10).await.unwrap();
    assert!(health.is_ready());
    assert!(!has(&db, "refused").await);
}

#[tokio::test]
async fn a_second_open_says_who_has_the_folder() {
    let Fixture { folder, db, .. } = fixture(options());
    let refused = EmbeddedStore::open(folder.path(), options()).err().unwrap().to_string();
    assert!(
        refused.contains(&format!("in use by process {}", std::process::id())),
        "{refused}"
    );
    drop(db);
    EmbeddedStore::open(folder.path(), options()).unwrap();
}

#[tokio::test]
async fn a_closed_store_answers_closed() {
    let folder = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(folder.path(), options()).unwrap();
    let db = Database::new(store.clone());
    let mut tx = db.begin();
    let watch = tx.watch(b"key");
    tx.commit().await.unwrap();
    put(&db, "key2", 10).await.unwrap();
    store.close();
    assert_eq!(watch.await, Err(Error::Closed));
    assert_eq!(put(&db, "late", 10).await, Err(Error::Closed));
    assert!(db.begin().get(b"key2").await.is_err());
    let again = Database::new(EmbeddedStore::open(folder.path(), options()).unwrap());
    assert!(has(&again, "key2").await && !has(&again, "late").await);
}

#[tokio::test]
async fn a_panic_of_the_commit_thread_leaves_nobody_waiting() {
    let health = hongyan_telemetry::Health::default();
    let options = EmbeddedOptions {
        health: health.clone(),
        ..options()
    };
    let Fixture { folder, io, db } = fixture(options);
    put(&db, "before", 10).await.unwrap();
    io.faults.write_panics.store(true, Ordering::SeqCst);
    assert_eq!(put(&db, "doubtful", 10).await, Err(Error::CommitUnknown));
    while health.is_ready() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(put(&db, "late", 10).await, Err(Error::Closed));
    drop(db);
    let db = Database::new(EmbeddedStore::open(folder.path(), super::failure_test::options()).unwrap());
    assert!(has(&db, "before").await && !has(&db, "late").await);
}

/// Writes three batches of which the `torn`th loses a page of its value, as a power cut may do, and opens the store
/// again.
async fn reopened_with_a_torn_batch(folder: &Path, torn: u8) -> Result<Database, OpenError> {
    let db = Database::new(EmbeddedStore::open(folder, options()).unwrap());
    for batch in 1..=3u8 {
        let mut tx = db.begin();
        tx.set(format!("k{batch}"), vec![batch; 20_000]);
        tx.commit().await.unwrap();
    }
    drop(db);
    let journal = folder.join("engine/0.jnl");
    let mut octets = std::fs::read(&journal).unwrap();
    let value = octets
        .windows(20_000)
        .position(|window| window.iter().all(|&octet| octet == torn))
        .unwrap();
    octets[value + 4096..value + 8192].fill(0);
    std::fs::write(&journal, octets).unwrap();
    EmbeddedStore::open(folder, options()).map(Database::new)
}

#[tokio::test]
async fn a_last_batch_torn_by_a_power_cut_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let db = reopened_with_a_torn_batch(folder.path(), 3).await.unwrap();
    assert!(has(&db, "k1").await && has(&db, "k2").await && !has(&db, "k3").await);
    put(&db, "after", 10).await.unwrap();
}

#[tokio::test]
async fn a_damaged_batch_that_others_follow_is_not_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let refused = reopened_with_a_torn_batch(folder.path(), 2).await.err().unwrap();
    assert!(matches!(refused, OpenError::Engine(Error::Corrupt(_))), "{refused:?}");
}

#[tokio::test]
async fn a_journal_whose_lengths_are_damaged_is_opened_as_far_as_it_goes_or_refused() {
    // From each octet on of the two lengths, 4 octets each, that stand before the last key.
    for back in 1..=8 {
        let folder = tempfile::tempdir().unwrap();
        let db = Database::new(EmbeddedStore::open(folder.path(), options()).unwrap());
        for batch in 1..=3 {
            put(&db, format!("k{batch}"), 10).await.unwrap();
        }
        drop(db);
        let journal = folder.path().join("engine/0.jnl");
        let mut octets = std::fs::read(&journal).unwrap();
        // Nothing but room for more follows.
        octets.truncate(4096);
        let key = octets.windows(2).rposition(|window| window == b"k3").unwrap();
        let end = octets.iter().rposition(|octet| *octet != 0).unwrap() + 1;
        octets[key - back..end].fill(1);
        std::fs::write(&journal, octets).unwrap();
        match EmbeddedStore::open(folder.path(), options()).map(Database::new) {
            Ok(db) => {
                let found = [has(&db, "k1").await, has(&db, "k2").await, has(&db, "k3").await];
                assert_eq!(found, [true, true, false], "{back} octets");
            }
            Err(refused) => assert!(
                matches!(refused, OpenError::Engine(Error::Corrupt(_))),
                "{back}: {refused:?}"
            ),
        }
    }
}

/// A small file system of its own, gone with the value.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount(octets: usize) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={octets}"), "tmpfs"])
            .arg(folder.path())
            .output();
        mounted
            .is_ok_and(|output| output.status.success())
            .then_some(Self(folder))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

#[tokio::test]
async fn a_full_disk_refuses_loses_nothing_and_recovers_when_space_is_back() {
    let Some(disk) = SmallDisk::mount(24 << 20) else {
        println!("skipped a_full_disk_refuses_loses_nothing_and_recovers: no permission to mount a small disk");
        return;
    };
    let filler = disk.0.path().join("filler");
    std::fs::write(&filler, vec![1; 12 << 20]).unwrap();
    let folder = disk.0.path().join("store");
    let small = || EmbeddedOptions {
        memtable_octets_max: 2 << 20,
        ..options()
    };
    let mut acknowledged = Vec::new();
    let mut refusals = 0;
    let db = Database::new(EmbeddedStore::open(&folder, small()).unwrap());
    for number in 0..400 {
        match put(&db, format!("k{number:04}"), 50_000).await {
            Ok(()) => acknowledged.push(number),
            Err(error) => {
                assert!(error.is_temporary(), "{error}");
                refusals += 1;
            }
        }
        if refusals == 20 {
            break;
        }
    }
    assert!(refusals > 0, "12 MiB are not enough for {} values", acknowledged.len());
    assert!(!acknowledged.is_empty());
    for number in &acknowledged {
        assert!(
            has(&db, &format!("k{number:04}")).await,
            "{number} is readable on the full disk"
        );
    }
    std::fs::remove_file(&filler).unwrap();
    put_until_it_works(&db, "after").await;
    check(&db, &acknowledged, refusals).await;
    drop(db);
    let db = Database::new(EmbeddedStore::open(&folder, small()).unwrap());
    check(&db, &acknowledged, refusals).await;
}

async fn check(db: &Database, acknowledged: &[i64], refusals: usize) {
    let all = db
        .begin()
        .get_range_all(RangeQuery::all(hongyan_kv::KeyRange::prefix(b"k")))
        .await
        .unwrap();
    assert!(
        all.iter()
            .all(|pair| pair.value.len() == 50_000 && pair.value.iter().all(|&octet| octet == 7))
    );
    let there: Vec<i64> = all
        .iter()
        .map(|pair| String::from_utf8_lossy(&pair.key[1..]).parse().unwrap())
        .collect();
    assert!(
        acknowledged.iter().all(|number| there.contains(number)),
        "an acknowledged commit is lost"
    );
    assert!(there.len() <= acknowledged.len() + refusals);
    let count = db.begin().get(b"count").await.unwrap().unwrap();
    assert_eq!(
        count[..],
        (there.len() as i64 + 1).to_le_bytes(),
        "one addition for each value"
    );
}
