//! What a user may rely on when commits fail in every way.

use super::{Fixture, integer};
use crate::{Database, Error, Tuple};

const WORKS: u64 = 60;

/// Work that carries an id and is repeated after every error is done exactly once.
pub async fn repeats_are_recognised(fixture: Fixture) {
    let tasks: Vec<_> = (0..WORKS)
        .map(|id| tokio::spawn(once(fixture.db.clone(), id)))
        .collect();
    for task in tasks {
        task.await.expect("a task does not panic");
    }
    let sum = loop {
        match fixture.db.begin().get(b"sum").await {
            Ok(sum) => break sum,
            Err(error) => assert!(error.is_temporary(), "{error}"),
        }
    };
    assert_eq!(integer(sum.as_deref()), (0..WORKS).map(|id| id as i64).sum::<i64>());
}

async fn once(db: Database, id: u64) {
    let done = Tuple::new().string("done").int(id).pack();
    for _ in 0..1000 {
        let done = done.clone();
        let outcome = db
            .run(async move |tx| {
                if tx.get(&done).await?.is_none() {
                    tx.set(done.clone(), "");
                    tx.atomic_add("sum", id as i64);
                }
                Ok::<_, Error>(())
            })
            .await;
        match outcome {
            Ok(()) => return,
            Err(error) => assert!(error.is_temporary(), "{error}"),
        }
    }
    panic!("work {id} never succeeded");
}
