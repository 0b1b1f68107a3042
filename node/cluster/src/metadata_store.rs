//! Raft's log, vote and snapshot in a store on this machine's disk, apart from the mail.
//!
//! Keys are those of `cluster/metadata` as they are: nothing else is in that store.

use std::io;

use bytes::Bytes;
use hongyan_env::BoxFuture;
use hongyan_kv::{Database, Error, KeyRange, RangeQuery};
use hongyan_metadata::LocalStore;

/// More than any key of the metadata.
const LAST: &[u8] = &[0xfe];

/// A database that no other node shares.
#[derive(Clone)]
pub struct MetadataStore(Database);

impl MetadataStore {
    /// Keeps the metadata in `database`, which holds nothing else.
    #[must_use]
    pub fn new(database: Database) -> Self {
        Self(database)
    }
}

impl LocalStore for MetadataStore {
    fn load(&self) -> BoxFuture<'_, io::Result<Vec<(Bytes, Bytes)>>> {
        Box::pin(async move {
            let all = KeyRange {
                begin: Bytes::new(),
                end: Bytes::from_static(LAST),
            };
            let read = self
                .0
                .begin()
                .get_range_all(RangeQuery::all(all))
                .await
                .map_err(error)?;
            Ok(read.into_iter().map(|pair| (pair.key, pair.value)).collect())
        })
    }

    fn write(&self, changes: Vec<(Bytes, Option<Bytes>)>) -> BoxFuture<'_, io::Result<()>> {
        Box::pin(async move {
            loop {
                // It reads nothing, so it conflicts with nothing.
                let mut transaction = self.0.begin();
                for (key, value) in &changes {
                    match value {
                        Some(value) => transaction.set(key.clone(), value.clone()),
                        None => transaction.clear(key),
                    }
                }
                match transaction.commit().await {
                    // Setting the same again is harmless.
                    Err(Error::CommitUnknown) => {}
                    result => return result.map(|_| ()).map_err(error),
                }
            }
        })
    }
}

fn error(error: Error) -> io::Error {
    let kind = match &error {
        Error::Unavailable(_) => io::ErrorKind::StorageFull,
        Error::Corrupt(_) => io::ErrorKind::InvalidData,
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, error)
}
