//! The only place that names the engine: opens it, reads a snapshot, writes a batch, syncs.
//!
//! One keyspace holds everything, so that its journal is never kept for the sake of a keyspace that hardly changes.
//! The newest commit's version lies in it under a key that no key of ours reaches, and is written with each batch.

use std::ops::{Bound, ControlFlow};
use std::path::Path;

use bytes::Bytes;
use fjall::{CompressionType, Database, Keyspace, KeyspaceCreateOptions, KvSeparationOptions, PersistMode, Readable};

use hongyan_kv::{CommitVersion, Error, KeyRange, Result};

use crate::journal::Cut;
use crate::options::EmbeddedOptions;

const ENGINE_FOLDER: &str = "engine";
const KEYSPACE: &str = "data";
const VERSION_KEY: &[u8] = b"\xFFversion";
/// First octet of its value; the version in big-endian follows.
const VERSION_FORMAT: u8 = 1;
/// The engine's own bound on unflushed journals; it accepts no less than 64 MiB.
const JOURNAL_OCTETS_MAX: u64 = 128 << 20;
/// More sealed memtables or files in the first level than this and the engine would block the commit thread without
/// looking whether its workers still live; the store waits by itself before that.
const SEALED_MAX: usize = 2;
const FIRST_LEVEL_FILES_MAX: usize = 18;
/// Values up to this size are copied out of the engine's blocks, which they would otherwise keep in memory.
const COPIED_OCTETS_MAX: usize = 1024;

/// An open engine.
pub(crate) struct Engine {
    database: Database,
    keyspace: Keyspace,
    version: CommitVersion,
}

impl Engine {
    /// Opens or makes the engine's folder inside `folder`.
    pub(crate) fn open(folder: &Path, options: &EmbeddedOptions) -> Result<Self> {
        let database = match open_database(folder, options) {
            Err(torn @ fjall::Error::JournalRecovery(_)) => open_without_torn_batch(folder, options, torn)?,
            opened => opened.map_err(error)?,
        };
        let separation = KvSeparationOptions::default()
            .compression(CompressionType::None)
            .separation_threshold(options.separate_octets_min);
        let create = || {
            KeyspaceCreateOptions::default()
                .max_memtable_size(options.memtable_octets_max)
                .manual_journal_persist(true)
                .with_kv_separation(Some(separation))
        };
        let keyspace = database.keyspace(KEYSPACE, create).map_err(error)?;
        let version = match keyspace.get(VERSION_KEY).map_err(error)? {
            None => CommitVersion(0),
            Some(stored) => decode_version(&stored)?,
        };
        Ok(Self {
            database,
            keyspace,
            version,
        })
    }
    /// The version of the newest batch.
    pub(crate) fn version(&self) -> CommitVersion {
        self.version
    }
    /// The state after the newest batch.
    pub(crate) fn snapshot(&self) -> EngineSnapshot {
        EngineSnapshot {
            snapshot: self.database.snapshot(),
            keyspace: self.keyspace.clone(),
        }
    }
    /// Whether background work keeps up with writing; when not, the caller waits and asks again.
    ///
    /// # Errors
    /// When the engine has given up after a failed write.
    pub(crate) fn ready_to_write(&self) -> Result<bool> {
        if self.keyspace.sealed_memtable_count() <= SEALED_MAX
            && self.keyspace.l0_table_count() <= FIRST_LEVEL_FILES_MAX
        {
            return Ok(true);
        }
        // The cheapest call that tells whether a worker has died.
        self.database.persist(PersistMode::Buffer).map_err(error)?;
        Ok(false)
    }
    /// Writes all of `writes` or nothing. After an error that comes from here nothing has been or will be written.
    pub(crate) fn write(
        &mut self,
        version: CommitVersion,
        writes: impl ExactSizeIterator<Item = (Bytes, Option<Bytes>)>,
    ) -> Result<()> {
        let mut batch = fjall::OwnedWriteBatch::with_capacity(self.database.clone(), writes.len() + 1);
        for (key, value) in writes {
            match value {
                Some(value) => batch.insert(&self.keyspace, key, value),
                None => batch.remove(&self.keyspace, key),
            }
        }
        batch.insert(&self.keyspace, VERSION_KEY, encode_version(version));
        batch.commit().map_err(error)?;
        self.version = version;
        Ok(())
    }
    /// Makes all batches durable. After an error nobody knows which are, until the engine has been reopened.
    pub(crate) fn sync(&self) -> Result<()> {
        self.database.persist(PersistMode::SyncData).map_err(error)
    }
    /// Moves everything that is in the journals to other files, so that nothing depends on a journal whose sync failed.
    pub(crate) fn leave_journal(&self) -> Result<()> {
        self.keyspace.rotate_memtable().map_err(error)?;
        while self.keyspace.sealed_memtable_count() > 0 {
            self.database.persist(PersistMode::Buffer).map_err(error)?;
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        self.database.persist(PersistMode::SyncAll).map_err(error)
    }
    /// Empties the journals of a closed engine that has left them. Removing them would make the engine forget how far
    /// its sequence numbers were.
    pub(crate) fn empty_journals(folder: &Path) -> Result<()> {
        let failed = |source: std::io::Error| Error::Unavailable(format!("empty journal: {source}"));
        for entry in std::fs::read_dir(folder.join(ENGINE_FOLDER)).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.extension().is_some_and(|extension| extension == "jnl") {
                let journal = std::fs::OpenOptions::new().write(true).open(&path).map_err(failed)?;
                journal.set_len(0).and_then(|()| journal.sync_all()).map_err(failed)?;
            }
        }
        Ok(())
    }
}

fn open_database(folder: &Path, options: &EmbeddedOptions) -> fjall::Result<Database> {
    Database::builder(folder.join(ENGINE_FOLDER))
        .cache_size(options.cache_octets)
        .journal_compression(CompressionType::None)
        .manual_journal_persist(true)
        .max_journaling_size(JOURNAL_OCTETS_MAX)
        .worker_threads(options.worker_threads)
        .open()
}

/// Opens an engine whose journal does not read, when all that is wrong is its last batch.
fn open_without_torn_batch(folder: &Path, options: &EmbeddedOptions, torn: fjall::Error) -> Result<Database> {
    let failed = |source: std::io::Error| Error::Unavailable(format!("mend journal: {source}"));
    let Some(cut) = Cut::last_batch(&folder.join(ENGINE_FOLDER)).map_err(failed)? else {
        return Err(error(torn));
    };
    match open_database(folder, options) {
        Ok(database) => {
            tracing::warn!(reason = %torn, "cut off a last batch that was torn before it was acknowledged");
            Ok(database)
        }
        Err(still) => {
            cut.restore().map_err(failed)?;
            Err(error(still))
        }
    }
}

/// The engine's state at one moment.
pub(crate) struct EngineSnapshot {
    snapshot: fjall::Snapshot,
    keyspace: Keyspace,
}

impl EngineSnapshot {
    pub(crate) fn get(&self, key: &[u8]) -> Result<Option<Bytes>> {
        Ok(self.snapshot.get(&self.keyspace, key).map_err(error)?.map(detach))
    }
    pub(crate) fn scan(
        &self,
        range: &KeyRange,
        reverse: bool,
        mut visit: impl FnMut(Bytes, Bytes) -> ControlFlow<()>,
    ) -> Result<()> {
        if range.is_empty() {
            return Ok(());
        }
        let bounds = (Bound::Included(&range.begin[..]), Bound::Excluded(&range.end[..]));
        let mut pairs = self.snapshot.range::<&[u8], _>(&self.keyspace, bounds);
        while let Some(pair) = if reverse { pairs.next_back() } else { pairs.next() } {
            let (key, value) = pair.into_inner().map_err(error)?;
            if visit(detach(key), detach(value)).is_break() {
                break;
            }
        }
        Ok(())
    }
    /// The keys of a range.
    pub(crate) fn keys(&self, range: &KeyRange) -> Result<Vec<Bytes>> {
        let bounds = (Bound::Included(&range.begin[..]), Bound::Excluded(&range.end[..]));
        let pairs = self.snapshot.range::<&[u8], _>(&self.keyspace, bounds);
        pairs.map(|pair| Ok(detach(pair.key().map_err(error)?))).collect()
    }
}

fn detach(slice: fjall::Slice) -> Bytes {
    if slice.len() <= COPIED_OCTETS_MAX {
        Bytes::copy_from_slice(&slice)
    } else {
        slice.into()
    }
}

fn encode_version(version: CommitVersion) -> [u8; 9] {
    let mut stored = [VERSION_FORMAT; 9];
    stored[1..].copy_from_slice(&version.0.to_be_bytes());
    stored
}

fn decode_version(stored: &[u8]) -> Result<CommitVersion> {
    match stored {
        [VERSION_FORMAT, octets @ ..] => octets
            .try_into()
            .ok()
            .map(|octets| CommitVersion(u64::from_be_bytes(octets))),
        _ => None,
    }
    .ok_or_else(|| Error::Corrupt("commit version".to_owned()))
}

/// What an error of the engine means to callers.
fn error(error: fjall::Error) -> Error {
    match error {
        fjall::Error::Io(_) | fjall::Error::Poisoned | fjall::Error::Locked => Error::Unavailable(error.to_string()),
        fjall::Error::Storage(fjall::LsmError::Io(_)) => Error::Unavailable(error.to_string()),
        _ => Error::Corrupt(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes_of_the_version() {
        let stored = encode_version(CommitVersion(0x0102));
        assert_eq!(stored, [1, 0, 0, 0, 0, 0, 0, 1, 2]);
        assert_eq!(decode_version(&stored), Ok(CommitVersion(0x0102)));
        assert!(decode_version(&[2; 9]).is_err() && decode_version(&[1; 8]).is_err() && decode_version(&[]).is_err());
    }
}
