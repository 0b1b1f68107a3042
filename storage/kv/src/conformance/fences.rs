//! A deposed owner cannot write.

use super::{committed, put};
use crate::fence::{Fence, highest, raise};
use crate::{Database, Error};

const OLD: Fence = Fence {
    partition: 7,
    epoch: Fence::FIRST_EPOCH,
};
const NEW: Fence = Fence { epoch: 5, ..OLD };

async fn write(db: &Database, fence: Fence, value: &str) -> Result<(), Error> {
    let mut tx = db.begin();
    fence.check(&mut tx).await?;
    tx.set(b"state".to_vec(), value.as_bytes().to_vec());
    tx.commit().await.map(|_| ())
}

/// Whoever is under the fence cannot commit any more, not even what was begun before.
pub async fn a_deposed_owner_cannot_write(fixture: super::Fixture) {
    let db = &fixture.db;
    assert_eq!(write(db, OLD, "first").await, Ok(()));
    assert_eq!(write(db, NEW, "too early").await, Err(Error::Fenced));
    let mut begun = db.begin();
    OLD.check(&mut begun).await.expect("the old owner begins");
    begun.set(b"state".to_vec(), b"late".to_vec());
    raise(db, NEW).await.expect("the new owner takes over");
    assert_eq!(begun.commit().await, Err(Error::Conflict));
    assert_eq!(write(db, OLD, "later").await, Err(Error::Fenced));
    assert_eq!(committed(db, "state").await.as_deref(), Some("first"));
    assert_eq!(write(db, NEW, "second").await, Ok(()));
    let other = Fence { partition: 8, ..OLD };
    assert_eq!(write(db, other, "third").await, Ok(()), "each partition has its own");
}

/// A fence only rises, and raising it again changes nothing.
pub async fn fences_only_rise(fixture: super::Fixture) {
    let db = &fixture.db;
    put(db, &[("state", "none")]).await;
    assert_eq!(highest(db).await, Ok(Fence::FIRST_EPOCH));
    raise(db, OLD).await.expect("the first owner need not");
    raise(db, NEW).await.expect("a higher epoch");
    raise(db, NEW).await.expect("the same epoch");
    assert_eq!(raise(db, OLD).await, Err(Error::Fenced));
    let mut tx = db.begin();
    NEW.check(&mut tx).await.expect("the owner stays");
    raise(db, NEW).await.expect("the same epoch");
    tx.set(b"state".to_vec(), b"some".to_vec());
    assert!(tx.commit().await.is_ok(), "a repeat disturbs nobody");
    assert_eq!(highest(db).await, Ok(NEW.epoch));
}
