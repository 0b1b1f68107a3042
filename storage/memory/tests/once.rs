//! Work with a mark is done once, under all faults.

use hongyan_kv::{Database, Error, KeyRange, Marks, RangeQuery, Transaction, Tuple};
use hongyan_memory::{Fault, Faults, MemoryStore};

async fn add_one(db: &Database, marks: &Marks, id: &[u8]) -> Result<i64, Error> {
    let body = async move |transaction: &mut Transaction| {
        let before = number(transaction.get(b"n").await?.as_deref());
        let after = (before + 1).to_le_bytes();
        transaction.set("n", after.to_vec());
        Ok::<_, Error>(after.to_vec().into())
    };
    let mark = marks.mark(3, id);
    let reply = db.run_once(&mark, body).await?;
    Ok(number(Some(&reply)))
}

fn number(value: Option<&[u8]>) -> i64 {
    value.map_or(0, |value| i64::from_le_bytes(value.try_into().expect("8 octets")))
}

fn marks() -> Marks {
    Marks::new(Tuple::new().string("done"))
}

#[tokio::test]
async fn an_unknown_commit_is_settled() {
    for fault in [Fault::UnknownApplied, Fault::UnknownNotApplied, Fault::Conflict] {
        let store = MemoryStore::new();
        let db = Database::new(store.clone());
        assert_eq!(add_one(&db, &marks(), b"a").await, Ok(1));
        store.fail_next(fault);
        assert_eq!(add_one(&db, &marks(), b"b").await, Ok(2), "{fault:?}");
        assert_eq!(add_one(&db, &marks(), b"b").await, Ok(2), "a repeat answers the same");
        assert_eq!(add_one(&db, &marks(), b"c").await, Ok(3));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_work_counts_once_under_all_faults() {
    let store = MemoryStore::new();
    store.set_faults(Faults {
        seed: 7,
        conflict_per_mille: 100,
        commit_too_old_per_mille: 50,
        read_too_old_per_mille: 50,
        unknown_applied_per_mille: 200,
        unknown_not_applied_per_mille: 200,
        delay_micros_max: 100,
        ..Faults::default()
    });
    let db = Database::new(store.clone());
    let works: Vec<_> = (0..40u64)
        .map(|work| {
            let db = db.clone();
            // Each work is asked for twice, as by a client that did not hear the answer.
            tokio::spawn(async move { add_one(&db, &marks(), &(work / 2).to_le_bytes()).await })
        })
        .collect();
    let mut replies = Vec::new();
    for work in works {
        replies.push(work.await.unwrap().unwrap());
    }
    store.set_faults(Faults::default());
    assert!(replies.chunks(2).all(|same| same[0] == same[1]), "{replies:?}");
    replies.sort_unstable();
    replies.dedup();
    assert_eq!(replies, (1..=20).collect::<Vec<_>>());
    assert_eq!(number(db.begin().get(b"n").await.unwrap().as_deref()), 20);
}

#[tokio::test]
async fn marks_of_old_periods_are_swept() {
    let db = Database::new(MemoryStore::new());
    let marks = marks();
    for period in [2, 3, 300] {
        let body = async |_: &mut Transaction| Ok::<_, Error>("reply".into());
        db.run_once(&marks.mark(period, b"id"), body).await.unwrap();
    }
    marks.sweep(&db, 3).await.unwrap();
    let left = db
        .begin()
        .get_range_all(RangeQuery::all(KeyRange::prefix(b"")))
        .await
        .unwrap();
    assert_eq!(left.len(), 2);
    assert_eq!(&*left[0].value, b"reply");
}
