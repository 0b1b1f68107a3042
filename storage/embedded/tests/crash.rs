//! A child process commits from many tasks and is killed at a random moment, 100 times over the same store. After
//! each reopening every acknowledged transaction is there, and none is half there.
//!
//! A transaction of writer W with number N writes several parts, W's head, a count and an addition, and clears the
//! parts of number N - KEPT by a range. The child prints `W N` after each acknowledgement.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use hongyan_embedded::{EmbeddedOptions, EmbeddedStore};
use hongyan_kv::{Database, Error, KeyRange, RangeQuery, Tuple};

const KILLS: u64 = 100;
const WRITERS: u64 = 12;
const KEPT: u64 = 40;
const FOLDER: &str = "HONGYAN_CRASH_FOLDER";

fn open(folder: &Path) -> Database {
    let options = EmbeddedOptions {
        // Small, so that flushes, compactions and new journals happen between the kills too.
        memtable_octets_max: 1 << 20,
        free_octets_min: 0,
        ..EmbeddedOptions::default()
    };
    Database::new(EmbeddedStore::open(folder, options).unwrap())
}

fn parts(writer: u64, number: u64) -> Tuple {
    Tuple::new().string("part").int(writer).int(number)
}

fn head(writer: u64) -> Tuple {
    Tuple::new().string("head").int(writer)
}

/// How many parts a transaction has, and what is in them: some lie in the tree, some outside.
fn part_count(number: u64) -> u64 {
    1 + number % 5
}

fn part_value(writer: u64, number: u64, part: u64) -> Vec<u8> {
    let octets = if (number + part).is_multiple_of(7) { 20_000 } else { 200 };
    (0..octets)
        .map(|at| ((at * 31 + writer * 7 + number * 3 + part) % 251) as u8)
        .collect()
}

async fn write(db: &Database, writer: u64, number: u64) -> Result<(), Error> {
    db.run(async move |tx| {
        let before = tx
            .get(head(writer).as_bytes())
            .await?
            .map_or(0, |stored| decode(&stored));
        assert_eq!(before + 1, number);
        tx.set(head(writer), number.to_be_bytes().to_vec());
        for part in 0..part_count(number) {
            tx.set(parts(writer, number).int(part), part_value(writer, number, part));
        }
        if number > KEPT {
            tx.clear_range(parts(writer, number - KEPT).range());
        }
        tx.atomic_add("total", 1);
        Ok(())
    })
    .await
}

fn decode(stored: &[u8]) -> u64 {
    u64::from_be_bytes(stored.try_into().unwrap())
}

/// Runs only as the child: returns at once where the parent has not set the folder.
#[test]
fn child() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let db = open(Path::new(&folder));
        let tasks: Vec<_> = (0..WRITERS)
            .map(|writer| tokio::spawn(keep_writing(db.clone(), writer)))
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
}

async fn keep_writing(db: Database, writer: u64) {
    let stored = db.begin().get(head(writer).as_bytes()).await.unwrap();
    let mut number = stored.map_or(0, |stored| decode(&stored));
    loop {
        number += 1;
        write(&db, writer, number).await.unwrap();
        // One write call, shorter than a pipe's atomic unit.
        std::io::stderr()
            .write_all(format!("{writer} {number}\n").as_bytes())
            .unwrap();
    }
}

#[allow(clippy::disallowed_methods, reason = "the pipe is read while the child runs")]
/// Runs a child until the moment of its death; the newest acknowledged number of each writer.
fn run_and_kill(folder: &Path, random: &mut StdRng) -> BTreeMap<u64, u64> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let stderr = child.stderr.take().unwrap();
    let reader = std::thread::spawn(move || {
        let mut acknowledged = BTreeMap::new();
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            let (writer, number) = line.split_once(' ').unwrap_or_else(|| panic!("child said: {line}"));
            acknowledged.insert(writer.parse().unwrap(), number.parse().unwrap());
        }
        acknowledged
    });
    std::thread::sleep(Duration::from_millis(random.random_range(5..250)));
    child.kill().unwrap();
    child.wait().unwrap();
    reader.join().unwrap()
}

async fn check(db: &Database, acknowledged: &BTreeMap<u64, u64>) -> u64 {
    let mut total = 0;
    for writer in 0..WRITERS {
        let newest = db
            .begin()
            .get(head(writer).as_bytes())
            .await
            .unwrap()
            .map_or(0, |stored| decode(&stored));
        let promised = acknowledged.get(&writer).copied().unwrap_or_default();
        assert!(
            newest >= promised,
            "writer {writer}: {promised} was acknowledged, {newest} is there"
        );
        let all = Tuple::new().string("part").int(writer);
        let pairs = db.begin().get_range_all(RangeQuery::all(all.range())).await.unwrap();
        let mut pairs = pairs.into_iter();
        for number in newest.saturating_sub(KEPT) + 1..=newest {
            for part in 0..part_count(number) {
                let pair = pairs
                    .next()
                    .unwrap_or_else(|| panic!("writer {writer}, {number}: part {part} is missing"));
                assert_eq!(pair.key, parts(writer, number).int(part).pack());
                assert_eq!(pair.value, part_value(writer, number, part));
            }
        }
        assert_eq!(
            pairs.next(),
            None,
            "writer {writer} has cleared parts or half a transaction"
        );
        total += newest;
    }
    let stored = db
        .begin()
        .get(b"total")
        .await
        .unwrap()
        .unwrap_or_else(|| vec![0; 8].into());
    assert_eq!(u64::from_le_bytes(stored[..].try_into().unwrap()), total);
    total
}

#[test]
fn nothing_acknowledged_is_lost_and_nothing_is_half_there_over_100_kills() {
    let seed = rand::random();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut total = 0;
    for _ in 0..KILLS {
        let acknowledged = run_and_kill(folder.path(), &mut random);
        let db = open(folder.path());
        total = runtime.block_on(check(&db, &acknowledged));
        // What a reader leaves must not matter to the next child.
        drop(db.begin().get_range(RangeQuery::all(KeyRange::prefix(b""))));
    }
    assert!(total > KILLS, "the children got to write: {total}");
    println!("{total} transactions over {KILLS} kills");
}
