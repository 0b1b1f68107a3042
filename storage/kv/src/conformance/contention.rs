//! Many tasks on few keys: the outcome is that of some order, one after another.

use std::collections::BTreeSet;

use super::{Fixture, integer, query, retried};
use crate::{Database, Error, Tuple, tuple};

const TASKS: usize = 8;
const ROUNDS: usize = 25;
const ACCOUNTS: usize = 5;

async fn in_parallel<T, F>(db: &Database, task: impl Fn(Database, usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let tasks: Vec<_> = (0..TASKS)
        .map(|number| tokio::spawn(task(db.clone(), number)))
        .collect();
    let mut outcomes = Vec::new();
    for task in tasks {
        outcomes.push(task.await.expect("a task does not panic"));
    }
    outcomes
}

/// Read, add one, write: no increment is lost.
pub async fn counters_are_exact(fixture: Fixture) {
    in_parallel(&fixture.db, async |db: Database, _| {
        for _ in 0..ROUNDS {
            db.run(async move |tx| {
                let before = integer(tx.get(b"n").await?.as_deref());
                tx.set("n", (before + 1).to_le_bytes().to_vec());
                tx.atomic_add("added", 1);
                Ok::<_, Error>(())
            })
            .await
            .expect("an increment succeeds after retries");
        }
    })
    .await;
    let mut tx = fixture.db.begin();
    let expect = i64::try_from(TASKS * ROUNDS).expect("small");
    assert_eq!(integer(tx.get(b"n").await.unwrap().as_deref()), expect);
    assert_eq!(integer(tx.get(b"added").await.unwrap().as_deref()), expect);
}

fn account(number: usize) -> Vec<u8> {
    format!("account{number}").into_bytes()
}

/// Money moves between accounts; every reader sees the same sum.
pub async fn sums_hold_for_every_reader(fixture: Fixture) {
    retried(&fixture.db, async |tx| {
        (0..ACCOUNTS).for_each(|number| tx.set(account(number), 100i64.to_le_bytes().to_vec()));
        Ok(())
    })
    .await;
    in_parallel(&fixture.db, async |db: Database, task| {
        for round in 0..ROUNDS {
            let (from, to) = ((task + round) % ACCOUNTS, (task * 3 + round * 2 + 1) % ACCOUNTS);
            let sum = db
                .begin()
                .get_range_all(query("account", "b"))
                .await
                .expect("a range read succeeds");
            assert_eq!(sum.iter().map(|pair| integer(Some(&pair.value))).sum::<i64>(), 500);
            if from == to {
                continue;
            }
            db.run(async move |tx| {
                let left = integer(tx.get(&account(from)).await?.as_deref());
                let right = integer(tx.get(&account(to)).await?.as_deref());
                tx.set(account(from), (left - 7).to_le_bytes().to_vec());
                tx.set(account(to), (right + 7).to_le_bytes().to_vec());
                Ok::<_, Error>(())
            })
            .await
            .expect("a transfer succeeds after retries");
        }
    })
    .await;
    let all = fixture.db.begin().get_range_all(query("account", "b")).await.unwrap();
    assert_eq!(all.iter().map(|pair| integer(Some(&pair.value))).sum::<i64>(), 500);
}

/// Tasks take the first item of a shared list until it is empty: each is taken once.
pub async fn queues_hand_out_each_item_once(fixture: Fixture) {
    let items = Tuple::new().string("item");
    let total = TASKS * ROUNDS / 4;
    let mut tx = fixture.db.begin();
    (0..total as u64).for_each(|number| tx.set(items.clone().int(number), "1"));
    tx.commit().await.unwrap();
    let taken = in_parallel(&fixture.db, async |db: Database, _| {
        let mut mine = Vec::new();
        loop {
            let items = Tuple::new().string("item");
            let first = db
                .run(async move |tx| {
                    let mut first = crate::RangeQuery::all(items.range());
                    first.limit = 1;
                    let Some(pair) = tx.get_range(first).await?.pairs.pop() else {
                        return Ok(None);
                    };
                    tx.clear(&pair.key);
                    Ok::<_, Error>(Some(items.reader(&pair.key)?.int::<u64>()?))
                })
                .await
                .expect("taking succeeds after retries");
            match first {
                Some(number) => mine.push(number),
                None => return mine,
            }
        }
    })
    .await;
    let each: Vec<u64> = taken.into_iter().flatten().collect();
    assert_eq!(each.len(), total);
    assert_eq!(each.iter().copied().collect::<BTreeSet<_>>().len(), total);
    assert_eq!(tuple::unpack(items.as_bytes()).map(|elements| elements.len()), Ok(1));
}
