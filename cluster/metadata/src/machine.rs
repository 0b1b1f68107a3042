//! Raft's state machine: the map, and its snapshots.

use std::io::Cursor;
use std::sync::Arc;

use openraft::storage::{RaftStateMachine, Snapshot};
use openraft::{AnyError, EntryPayload, OptionalSend, RaftSnapshotBuilder, StorageIOError};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::codec::{decode, encode};
use crate::disk::{Disk, Found};
use crate::metadata::StartError;
use crate::store;
use crate::types::{Entry, LogId, Membership, Outcome, SnapshotMeta, StorageError, Types};
use crate::{Applied, ClusterMap};

/// Clones share it.
#[derive(Clone)]
pub(crate) struct Machine {
    disk: Disk,
    state: Arc<Mutex<State>>,
    map: Arc<Mutex<Shown>>,
}

/// The map as it is shown, and to whom: one channel each, so that all hear of a change in the order in which they came.
struct Shown {
    map: Arc<ClusterMap>,
    watchers: Vec<watch::Sender<Arc<ClusterMap>>>,
}

#[derive(Default)]
struct State {
    content: Content,
    snapshot: Option<(SnapshotMeta, Arc<Vec<u8>>)>,
    /// Chunks of the snapshot on disk.
    chunks: u64,
}

/// All that a snapshot holds.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Content {
    applied: Option<LogId>,
    membership: Membership,
    map: ClusterMap,
}

impl Machine {
    pub(crate) fn new(disk: Disk, found: &mut Found) -> Result<Self, StartError> {
        let mut state = State::default();
        if let Some((meta, data)) = found.snapshot.take() {
            state.content = decode(&data).map_err(|error| StartError::Damaged(format!("the snapshot: {error}")))?;
            state.chunks = u64::try_from(data.len().div_ceil(store::CHUNK_OCTETS)).unwrap_or(u64::MAX);
            state.snapshot = Some((meta, Arc::new(data)));
        }
        let map = Arc::new(Mutex::new(Shown {
            map: Arc::new(state.content.map.clone()),
            watchers: Vec::new(),
        }));
        Ok(Self {
            disk,
            state: Arc::new(Mutex::new(state)),
            map,
        })
    }

    pub(crate) fn map(&self) -> Arc<ClusterMap> {
        Arc::clone(&self.map.lock().map)
    }

    pub(crate) fn watch(&self) -> watch::Receiver<Arc<ClusterMap>> {
        let mut shown = self.map.lock();
        let (sender, receiver) = watch::channel(Arc::clone(&shown.map));
        shown.watchers.retain(|watcher| !watcher.is_closed());
        shown.watchers.push(sender);
        receiver
    }

    fn show(&self, map: Arc<ClusterMap>) {
        let mut shown = self.map.lock();
        shown.map = Arc::clone(&map);
        shown.watchers.retain(|watcher| watcher.send(Arc::clone(&map)).is_ok());
    }

    async fn keep(&self, meta: &SnapshotMeta, data: Arc<Vec<u8>>) -> Result<(), StorageError> {
        let before = self.state.lock().chunks;
        let chunks = self
            .disk
            .write_snapshot(meta, &data, before)
            .await
            .map_err(|error| StorageIOError::write_snapshot(Some(meta.signature()), &error))?;
        let mut state = self.state.lock();
        state.chunks = chunks;
        state.snapshot = Some((meta.clone(), data));
        Ok(())
    }
}

fn apply_entry(content: &mut Content, entry: Entry) -> Outcome {
    content.applied = Some(entry.log_id);
    match entry.payload {
        EntryPayload::Normal(change) => content.map.apply(change),
        EntryPayload::Membership(membership) => {
            content.membership = Membership::new(Some(entry.log_id), membership);
            Ok(nothing(content))
        }
        EntryPayload::Blank => Ok(nothing(content)),
    }
}

fn nothing(content: &Content) -> Applied {
    Applied {
        version: content.map.version,
        number: 0,
    }
}

impl RaftStateMachine<Types> for Machine {
    type SnapshotBuilder = Self;

    async fn applied_state(&mut self) -> Result<(Option<LogId>, Membership), StorageError> {
        let state = self.state.lock();
        Ok((state.content.applied, state.content.membership.clone()))
    }

    async fn apply<I>(&mut self, entries: I) -> Result<Vec<Outcome>, StorageError>
    where
        I: IntoIterator<Item = Entry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let (outcomes, changed) = {
            let mut state = self.state.lock();
            let before = state.content.map.version;
            let outcomes: Vec<Outcome> = entries
                .into_iter()
                .map(|entry| apply_entry(&mut state.content, entry))
                .collect();
            let changed = (state.content.map.version != before).then(|| Arc::new(state.content.map.clone()));
            (outcomes, changed)
        };
        if let Some(map) = changed {
            if cfg!(debug_assertions) {
                map.check();
            }
            self.show(map);
        }
        Ok(outcomes)
    }

    async fn get_snapshot_builder(&mut self) -> Self {
        self.clone()
    }

    async fn begin_receiving_snapshot(&mut self) -> Result<Box<Cursor<Vec<u8>>>, StorageError> {
        Ok(Box::new(Cursor::new(Vec::new())))
    }

    async fn install_snapshot(
        &mut self,
        meta: &SnapshotMeta,
        snapshot: Box<Cursor<Vec<u8>>>,
    ) -> Result<(), StorageError> {
        let data = snapshot.into_inner();
        let unreadable = |error| StorageIOError::read_snapshot(Some(meta.signature()), AnyError::new(&error));
        let content: Content = decode(&data).map_err(unreadable)?;
        self.keep(meta, Arc::new(data)).await?;
        let map = Arc::new(content.map.clone());
        self.state.lock().content = content;
        self.show(map);
        Ok(())
    }

    async fn get_current_snapshot(&mut self) -> Result<Option<Snapshot<Types>>, StorageError> {
        let state = self.state.lock();
        Ok(state.snapshot.as_ref().map(|(meta, data)| Snapshot {
            meta: meta.clone(),
            snapshot: Box::new(Cursor::new(data.to_vec())),
        }))
    }
}

impl RaftSnapshotBuilder<Types> for Machine {
    async fn build_snapshot(&mut self) -> Result<Snapshot<Types>, StorageError> {
        let content = self.state.lock().content.clone();
        let data = Arc::new(encode(&content));
        let meta = SnapshotMeta {
            last_log_id: content.applied,
            snapshot_id: content.applied.map_or_else(String::new, |id| id.to_string()),
            last_membership: content.membership,
        };
        self.keep(&meta, Arc::clone(&data)).await?;
        Ok(Snapshot {
            meta,
            snapshot: Box::new(Cursor::new(data.to_vec())),
        })
    }
}
