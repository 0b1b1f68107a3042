//! Seals again what was sealed with an earlier key, or written in clear by an earlier build.
//!
//! A reconciler: whoever is told to walks over the records of every kind until all are sealed with the key that seals now, and
//! notes that at ("seal", "done", kind), so that nobody walks again before there is another key.

use bytes::Bytes;
use hongyan_kv::{Database, Error, KeyRange, RangeQuery, ReadMode, Tuple};

use crate::{SealError, Sealer};

/// Records read at once.
const PAGE: usize = 64;
/// How often a page is tried.
const ATTEMPTS: usize = 10;

/// A kind of record that holds secrets.
#[derive(Clone, Copy)]
pub struct Holder {
    /// Its name, never another's.
    pub kind: &'static str,
    /// Where its records are.
    pub range: fn() -> KeyRange,
    /// The record at this key with its secrets sealed by the present key; `None` when they are, or when the record is not
    /// one that this release reads.
    pub again: fn(&Sealer, &[u8], &[u8]) -> Result<Option<Bytes>, SealError>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Looked {
    /// Records that were sealed.
    pub sealed: u64,
    /// Records that do not open.
    pub unreadable: u64,
    /// Why the first of those does not.
    pub reason: Option<SealError>,
}

fn done_key(kind: &str) -> Bytes {
    Tuple::new().string("seal").string("done").string(kind).pack()
}

/// Seals whatever is not sealed with the present key. Nothing is done where nothing is to be done, or where there is no key.
///
/// # Errors
/// The store's; what was sealed stays sealed.
pub async fn seal_again(database: &Database, sealer: &Sealer, holders: &[Holder]) -> Result<Looked, Error> {
    let mut looked = Looked::default();
    let Some(current) = sealer.current() else {
        return Ok(looked);
    };
    let mark = Bytes::copy_from_slice(&current.0.to_be_bytes());
    for holder in holders {
        let done = done_key(holder.kind);
        if database.begin().get_snapshot(&done).await?.as_ref() == Some(&mark) {
            continue;
        }
        let found = walk(database, sealer, holder, true).await?;
        if found.unreadable == 0 {
            note_done(database, &done, &mark).await?;
        }
        looked.add(found);
    }
    Ok(looked)
}

/// Counts what does not open, and changes nothing.
///
/// # Errors
/// The store's.
pub async fn look(database: &Database, sealer: &Sealer, holders: &[Holder]) -> Result<Looked, Error> {
    let mut looked = Looked::default();
    for holder in holders {
        looked.add(walk(database, sealer, holder, false).await?);
    }
    Ok(looked)
}

impl Looked {
    fn add(&mut self, other: Self) {
        self.sealed += other.sealed;
        self.unreadable += other.unreadable;
        self.reason = self.reason.take().or(other.reason);
    }
}

async fn walk(database: &Database, sealer: &Sealer, holder: &Holder, seals: bool) -> Result<Looked, Error> {
    let mut looked = Looked::default();
    let mut range = (holder.range)();
    loop {
        let query = RangeQuery {
            limit: PAGE,
            mode: ReadMode::Snapshot,
            ..RangeQuery::all(range.clone())
        };
        let reply = database.begin().get_range(query).await?;
        let mut old = Vec::new();
        for pair in &reply.pairs {
            match (holder.again)(sealer, &pair.key, &pair.value) {
                Ok(None) => {}
                Ok(Some(_)) => old.push(pair.key.clone()),
                Err(reason) => {
                    looked.unreadable += 1;
                    looked.reason.get_or_insert(reason);
                }
            }
        }
        if seals && !old.is_empty() {
            seal_page(database, sealer, holder, &old).await?;
            looked.sealed += old.len() as u64;
        }
        match reply.pairs.last() {
            Some(last) if reply.more => range.begin = [&last.key[..], &[0]].concat().into(),
            _ => return Ok(looked),
        }
    }
}

/// Seals the records at `keys`. It may be done twice.
async fn seal_page(database: &Database, sealer: &Sealer, holder: &Holder, keys: &[Bytes]) -> Result<(), Error> {
    let mut attempt = 1;
    loop {
        match seal_once(database, sealer, holder, keys).await {
            Err(error) if attempt < ATTEMPTS && may_pass(&error) => attempt += 1,
            done => return done,
        }
    }
}

async fn seal_once(database: &Database, sealer: &Sealer, holder: &Holder, keys: &[Bytes]) -> Result<(), Error> {
    let mut transaction = database.begin();
    for key in keys {
        // It may have been changed or removed since.
        let Some(stored) = transaction.get(key).await? else {
            continue;
        };
        if let Ok(Some(sealed)) = (holder.again)(sealer, key, &stored) {
            transaction.set(key.clone(), sealed);
        }
    }
    transaction.commit().await.map(|_| ())
}

async fn note_done(database: &Database, done: &Bytes, mark: &Bytes) -> Result<(), Error> {
    let mut transaction = database.begin();
    transaction.set(done.clone(), mark.clone());
    match transaction.commit().await {
        // Without the note it is looked at again, and nothing is found.
        Err(error) if !may_pass(&error) => Err(error),
        _ => Ok(()),
    }
}

fn may_pass(error: &Error) -> bool {
    error.is_retryable() || *error == Error::CommitUnknown
}

#[cfg(test)]
mod tests {
    use hongyan_env::Env;
    use hongyan_memory::MemoryStore;

    use super::*;
    use crate::{Kept, Place, SealKey};

    const RECORDS: usize = 150;

    fn folder() -> Tuple {
        Tuple::new().string("test")
    }
    /// Records of the test: 0 and what is in clear, or 1 and what is sealed.
    fn read(value: &[u8]) -> Kept {
        match value[0] {
            0 => Kept::Clear(value[1..].to_vec()),
            _ => Kept::Sealed(value[1..].to_vec()),
        }
    }
    fn again(sealer: &Sealer, key: &[u8], value: &[u8]) -> Result<Option<Bytes>, SealError> {
        let sealed = sealer.again(&Place::named("test", key), &read(value))?;
        Ok(sealed.map(|kept| match kept {
            Kept::Clear(octets) => [&[0], &octets[..]].concat().into(),
            Kept::Sealed(octets) => [&[1], &octets[..]].concat().into(),
        }))
    }
    const HOLDER: Holder = Holder {
        kind: "test",
        range: || folder().range(),
        again,
    };

    async fn values(database: &Database) -> Vec<(Bytes, Bytes)> {
        let query = RangeQuery::all(folder().range());
        let pairs = database.begin().get_range_all(query).await.unwrap();
        pairs.into_iter().map(|pair| (pair.key, pair.value)).collect()
    }

    #[tokio::test]
    async fn records_in_clear_and_of_earlier_keys_are_sealed_with_the_present_one() {
        let database = Database::new(MemoryStore::default());
        let mut transaction = database.begin();
        for number in 0..RECORDS as u64 {
            transaction.set(folder().int(number).pack(), Bytes::from_static(b"\0secret"));
        }
        transaction.commit().await.unwrap();
        let (env, _) = Env::manual(1);
        let sealer = Sealer::new(env.clone());
        let nothing = seal_again(&database, &sealer, &[HOLDER]).await.unwrap();
        assert_eq!(nothing, Looked::default(), "there is no key");
        for from_millis in [env.wall_millis() - 1, env.wall_millis()] {
            sealer.add(SealKey::generate(&env, from_millis));
            let done = seal_again(&database, &sealer, &[HOLDER]).await.unwrap();
            assert_eq!((done.sealed, done.unreadable), (RECORDS as u64, 0));
            for (key, value) in values(&database).await {
                let place = Place::named("test", &key);
                assert_eq!(sealer.reveal(&place, &read(&value)).unwrap().as_slice(), b"secret");
                assert_eq!(again(&sealer, &key, &value), Ok(None));
            }
            assert_eq!(
                seal_again(&database, &sealer, &[HOLDER]).await.unwrap(),
                Looked::default()
            );
        }
        let stranger = Sealer::with_new_key(env);
        let lost = seal_again(&database, &stranger, &[HOLDER]).await.unwrap();
        assert_eq!((lost.sealed, lost.unreadable), (0, RECORDS as u64));
        assert!(matches!(lost.reason, Some(SealError::UnknownKey(_))));
        assert_eq!(
            look(&database, &stranger, &[HOLDER]).await.unwrap(),
            lost,
            "looked for again, since nothing was sealed"
        );
        assert_eq!(look(&database, &sealer, &[HOLDER]).await.unwrap().unreadable, 0);
    }
}
