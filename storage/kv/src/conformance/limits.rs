//! The limits of size and time.

use std::time::Duration;

use super::{Fixture, committed};
use crate::{
    Database, Error, KEY_OCTETS_MAX, Result, TRANSACTION_OCTETS_MAX, TRANSACTION_SECS_MAX, Transaction,
    VALUE_OCTETS_MAX,
};

async fn commit(db: &Database, write: impl FnOnce(&mut Transaction)) -> Result<()> {
    let mut tx = db.begin();
    write(&mut tx);
    tx.commit().await.map(|_| ())
}

fn refused(outcome: &Result<()>, expect: &str) {
    assert!(
        matches!(outcome, Err(Error::TooLarge { what, .. }) if *what == expect),
        "{expect}: {outcome:?}"
    );
}

/// A key, a value and a transaction at the limit commit; one octet more is refused and nothing of it is written.
pub async fn keys_values_and_transactions(fixture: Fixture) {
    let db = &fixture.db;
    assert_eq!(commit(db, |tx| tx.set(vec![b'k'; KEY_OCTETS_MAX], "1")).await, Ok(()));
    refused(
        &commit(db, |tx| tx.set(vec![b'k'; KEY_OCTETS_MAX + 1], "1")).await,
        "key",
    );
    assert_eq!(commit(db, |tx| tx.set("v", vec![0; VALUE_OCTETS_MAX])).await, Ok(()));
    let outcome = commit(db, |tx| {
        tx.set("small", "1");
        tx.set("v", vec![0; VALUE_OCTETS_MAX + 1]);
    });
    refused(&outcome.await, "value");
    assert_eq!(committed(db, "small").await, None);
    let outcome = commit(db, |tx| {
        for number in 0..=TRANSACTION_OCTETS_MAX / VALUE_OCTETS_MAX {
            tx.set(format!("big{number}"), vec![0; VALUE_OCTETS_MAX]);
        }
    });
    refused(&outcome.await, "transaction");
    assert_eq!(committed(db, "big0").await, None);
}

/// A transaction older than the limit can neither read nor commit.
pub async fn time(fixture: Fixture) {
    let Some(advance) = &fixture.advance else { return };
    let db = &fixture.db;
    let mut tx = db.begin();
    advance(Duration::from_secs(TRANSACTION_SECS_MAX) - Duration::from_millis(1));
    tx.get(b"a").await.expect("it is not too old yet");
    tx.set("a", "1");
    advance(Duration::from_millis(1));
    assert_eq!(tx.get(b"a").await, Err(Error::TooOld));
    assert_eq!(tx.commit().await, Err(Error::TooOld));
    assert_eq!(committed(db, "a").await, None);
}
