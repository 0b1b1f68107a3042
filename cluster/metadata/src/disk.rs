//! The node's part on its local store: read once at the start, written through afterwards.
//!
//! A write that fails (the disk is full) is tried again until it succeeds, and nothing is answered meanwhile: a node
//! that cannot write neither votes nor acknowledges, and goes on by itself once it can.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hongyan_telemetry as telemetry;
use tokio::sync::watch;

use crate::codec::{seal, unseal};
use crate::metadata::StartError;
use crate::store::{self, LocalStore, Write};
use crate::types::{Entry, LogId, SnapshotMeta, Vote};

/// Pause between two tries of a write that failed.
const RETRY: Duration = Duration::from_millis(200);

/// What was found on the store.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) identity: Option<(u64, u64)>,
    pub(crate) vote: Option<Vote>,
    pub(crate) committed: Option<LogId>,
    pub(crate) purged: Option<LogId>,
    pub(crate) entries: BTreeMap<u64, Entry>,
    pub(crate) snapshot: Option<(SnapshotMeta, Vec<u8>)>,
}

/// The way to the store.
#[derive(Clone)]
pub(crate) struct Disk(Arc<Inner>);

struct Inner {
    store: Arc<dyn LocalStore>,
    stopped: watch::Sender<bool>,
    writable: watch::Sender<bool>,
    failing: telemetry::Gauge,
}

impl Disk {
    pub(crate) fn new(store: Arc<dyn LocalStore>) -> Self {
        Self(Arc::new(Inner {
            store,
            stopped: watch::Sender::new(false),
            writable: watch::Sender::new(true),
            failing: telemetry::gauge(
                "hongyan_metadata_store_failing",
                "1 while the cluster's metadata cannot be written to this node's disk.",
            ),
        }))
    }

    /// Reads everything and checks it.
    pub(crate) async fn read(&self) -> Result<Found, StartError> {
        let pairs = self.0.store.load().await.map_err(|error| match error.kind() {
            std::io::ErrorKind::InvalidData => StartError::Damaged(error.to_string()),
            _ => StartError::Store(error),
        })?;
        let mut found = Found::default();
        let mut chunks = BTreeMap::new();
        let mut head: Option<(SnapshotMeta, u64)> = None;
        for (key, value) in &pairs {
            let damaged = |error| damaged(key, error);
            if let Some(index) = store::entry_index(key) {
                found.entries.insert(index, unseal(value).map_err(damaged)?);
            } else if let Some(number) = store::chunk_number(key) {
                chunks.insert(number, unseal::<Vec<u8>>(value).map_err(damaged)?);
            } else {
                match key.as_ref() {
                    store::IDENTITY => found.identity = Some(unseal(value).map_err(damaged)?),
                    store::VOTE => found.vote = Some(unseal(value).map_err(damaged)?),
                    store::COMMITTED => found.committed = unseal(value).map_err(damaged)?,
                    store::PURGED => found.purged = Some(unseal(value).map_err(damaged)?),
                    store::SNAPSHOT => head = Some(unseal(value).map_err(damaged)?),
                    // Of a newer release, which leaves what an older one needs in place.
                    _ => {}
                }
            }
        }
        if let Some((meta, count)) = head {
            let mut data = Vec::new();
            for number in 0..count {
                let chunk = chunks
                    .get(&number)
                    .ok_or(StartError::Damaged("a chunk of the snapshot is missing".to_owned()))?;
                data.extend_from_slice(chunk);
            }
            found.snapshot = Some((meta, data));
        }
        found.check()?;
        Ok(found)
    }

    /// Writes all of `changes`, or fails at once.
    pub(crate) async fn write_once(&self, changes: Vec<Write>) -> std::io::Result<()> {
        self.0.store.write(changes).await
    }

    /// Writes all of `changes` or, when the node stops, nothing.
    pub(crate) async fn write(&self, changes: Vec<Write>) -> std::io::Result<()> {
        let mut stopped = self.0.stopped.subscribe();
        let mut failures = 0_u64;
        loop {
            let result = tokio::select! {
                biased;
                _ = stopped.wait_for(|stopped| *stopped) => return Err(std::io::ErrorKind::Interrupted.into()),
                result = self.0.store.write(changes.clone()) => result,
            };
            let Err(error) = result else {
                if failures > 0 {
                    tracing::warn!(failures, "cluster metadata can be written again");
                    self.0.failing.set(0);
                    self.0.writable.send_replace(true);
                }
                return Ok(());
            };
            if failures == 0 {
                tracing::error!(%error, "cluster metadata cannot be written: this node takes no part until it can");
                self.0.failing.set(1);
                self.0.writable.send_replace(false);
            }
            failures += 1;
            tokio::select! {
                biased;
                _ = stopped.wait_for(|stopped| *stopped) => return Err(error),
                () = tokio::time::sleep(RETRY) => {}
            }
        }
    }

    /// The snapshot with its data, in place of the one before.
    pub(crate) async fn write_snapshot(
        &self,
        meta: &SnapshotMeta,
        data: &[u8],
        chunks_before: u64,
    ) -> std::io::Result<u64> {
        let mut changes: Vec<Write> = Vec::new();
        let mut count = 0;
        for chunk in data.chunks(store::CHUNK_OCTETS) {
            changes.push((store::chunk_key(count), Some(seal(&chunk))));
            count += 1;
        }
        changes.extend((count..chunks_before).map(|number| (store::chunk_key(number), None)));
        changes.push((store::key(store::SNAPSHOT), Some(seal(&(meta, count)))));
        self.write(changes).await?;
        Ok(count)
    }

    /// Whether the last write succeeded.
    pub(crate) fn writable(&self) -> watch::Receiver<bool> {
        self.0.writable.subscribe()
    }

    /// Ends writes that wait for a better disk.
    pub(crate) fn stop(&self) {
        self.0.stopped.send_replace(true);
    }
}

impl Found {
    /// A hole in the log means that acknowledged entries are gone: nothing this node says can be trusted any more.
    fn check(&self) -> Result<(), StartError> {
        let first = self.purged.map_or(0, |purged| purged.index + 1);
        // Entries up to the purged one may remain from a purge that was cut short.
        for (expected, (index, entry)) in (first..).zip(self.entries.range(first..)) {
            if *index != expected || entry.log_id.index != *index {
                return Err(StartError::Damaged(format!("entry {expected} of the log is missing")));
            }
        }
        let snapshot = self.snapshot.as_ref().and_then(|(meta, _)| meta.last_log_id);
        if self.purged > snapshot {
            return Err(StartError::Damaged("the log begins after the snapshot ends".to_owned()));
        }
        Ok(())
    }
    /// Where the log ends.
    pub(crate) fn last(&self) -> Option<LogId> {
        let entry = self.entries.last_key_value().map(|(_, entry)| entry.log_id);
        let snapshot = self.snapshot.as_ref().and_then(|(meta, _)| meta.last_log_id);
        entry.max(self.purged).max(snapshot)
    }
}

fn damaged(key: &Bytes, error: crate::codec::CodecError) -> StartError {
    StartError::Damaged(format!("{}: {error}", String::from_utf8_lossy(key)))
}
