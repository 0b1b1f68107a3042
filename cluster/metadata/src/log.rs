//! Raft's log and vote: in memory whole, written through to the disk before anything is answered.

use std::fmt::Debug;
use std::ops::RangeBounds;
use std::sync::Arc;

use openraft::storage::{LogFlushed, RaftLogStorage};
use openraft::{LogState, OptionalSend, RaftLogReader, StorageIOError};
use parking_lot::Mutex;

use crate::codec::seal;
use crate::disk::{Disk, Found};
use crate::store::{self, Write};
use crate::types::{Entry, LogId, StorageError, Types, Vote};

/// Clones share it.
#[derive(Clone)]
pub(crate) struct Log {
    disk: Disk,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    vote: Option<Vote>,
    committed: Option<LogId>,
    purged: Option<LogId>,
    entries: std::collections::BTreeMap<u64, Entry>,
}

impl Log {
    pub(crate) fn new(disk: Disk, found: &mut Found) -> Self {
        let mut entries = std::mem::take(&mut found.entries);
        if let Some(purged) = found.purged {
            entries = entries.split_off(&(purged.index + 1));
        }
        let own = found.identity.map(|(node, _)| node);
        let state = State {
            vote: found.vote.map(|vote| not_leading(vote, own)),
            committed: found.committed,
            purged: found.purged,
            entries,
        };
        Self {
            disk,
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// The changes with the newest committed id beside them: worth keeping, not worth a write of its own.
    fn with_committed(&self, mut changes: Vec<Write>) -> Vec<Write> {
        let committed = self.state.lock().committed;
        if committed.is_some() {
            changes.push((store::key(store::COMMITTED), Some(seal(&committed))));
        }
        changes
    }

    async fn write(&self, changes: Vec<Write>) -> Result<(), StorageError> {
        let changes = self.with_committed(changes);
        self.disk
            .write(changes)
            .await
            .map_err(|error| StorageIOError::write_logs(&error).into())
    }
}

/// A node that led is elected again or does not lead. Without an election it would go on at once, with a disk that may be
/// older than what others have of it, and give one place in the log to two changes.
fn not_leading(vote: Vote, own: Option<u64>) -> Vote {
    let led = vote.leader_id.voted_for() == own;
    Vote {
        committed: vote.committed && !led,
        ..vote
    }
}

impl RaftLogReader<Types> for Log {
    async fn try_get_log_entries<RB: RangeBounds<u64> + Clone + Debug + OptionalSend>(
        &mut self,
        range: RB,
    ) -> Result<Vec<Entry>, StorageError> {
        Ok(self
            .state
            .lock()
            .entries
            .range(range)
            .map(|(_, entry)| entry.clone())
            .collect())
    }
}

impl RaftLogStorage<Types> for Log {
    type LogReader = Self;

    async fn get_log_state(&mut self) -> Result<LogState<Types>, StorageError> {
        let state = self.state.lock();
        let last = state.entries.last_key_value().map(|(_, entry)| entry.log_id);
        Ok(LogState {
            last_purged_log_id: state.purged,
            last_log_id: last.or(state.purged),
        })
    }

    async fn get_log_reader(&mut self) -> Self {
        self.clone()
    }

    async fn save_vote(&mut self, vote: &Vote) -> Result<(), StorageError> {
        let changes = vec![(store::key(store::VOTE), Some(seal(vote)))];
        let written = self.disk.write(self.with_committed(changes)).await;
        written.map_err(|error| StorageIOError::write_vote(&error))?;
        self.state.lock().vote = Some(*vote);
        Ok(())
    }

    async fn read_vote(&mut self) -> Result<Option<Vote>, StorageError> {
        Ok(self.state.lock().vote)
    }

    async fn save_committed(&mut self, committed: Option<LogId>) -> Result<(), StorageError> {
        self.state.lock().committed = committed;
        Ok(())
    }

    async fn read_committed(&mut self) -> Result<Option<LogId>, StorageError> {
        let state = self.state.lock();
        // What was noted beside a later entry may name one that was cut off since.
        let last = state
            .entries
            .last_key_value()
            .map(|(_, entry)| entry.log_id)
            .or(state.purged);
        Ok(state.committed.min(last))
    }

    async fn append<I>(&mut self, entries: I, callback: LogFlushed<Types>) -> Result<(), StorageError>
    where
        I: IntoIterator<Item = Entry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let entries: Vec<Entry> = entries.into_iter().collect();
        let change = |entry: &Entry| (store::entry_key(entry.log_id.index), Some(seal(entry)));
        self.write(entries.iter().map(change).collect()).await?;
        self.state
            .lock()
            .entries
            .extend(entries.into_iter().map(|entry| (entry.log_id.index, entry)));
        callback.log_io_completed(Ok(()));
        Ok(())
    }

    async fn truncate(&mut self, log_id: LogId) -> Result<(), StorageError> {
        let cut: Vec<u64> = self
            .state
            .lock()
            .entries
            .range(log_id.index..)
            .map(|(index, _)| *index)
            .collect();
        self.write(cut.into_iter().map(|index| (store::entry_key(index), None)).collect())
            .await?;
        self.state.lock().entries.split_off(&log_id.index);
        Ok(())
    }

    async fn purge(&mut self, log_id: LogId) -> Result<(), StorageError> {
        let gone: Vec<u64> = self
            .state
            .lock()
            .entries
            .range(..=log_id.index)
            .map(|(index, _)| *index)
            .collect();
        let mut changes: Vec<Write> = gone.into_iter().map(|index| (store::entry_key(index), None)).collect();
        changes.push((store::key(store::PURGED), Some(seal(&log_id))));
        self.write(changes).await?;
        let mut state = self.state.lock();
        state.purged = Some(log_id);
        state.entries = state.entries.split_off(&(log_id.index + 1));
        Ok(())
    }
}
