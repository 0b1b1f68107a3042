//! Committed data by version, and the snapshots that read it.
//!
//! A key has its values by version, newest last. What no snapshot can see any more is dropped when the key is written
//! again or when the last snapshot that saw it goes.

use std::collections::{BTreeMap, VecDeque};
use std::ops::{Bound, ControlFlow};
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use hongyan_kv::optimistic::{CommitRequest, ConflictWindow, Snapshot, Visitor, Write, add};
use hongyan_kv::{CommitVersion, KeyRange, Result};

/// Values of one key by version, newest last; none is a removal.
type History = Vec<(CommitVersion, Option<Bytes>)>;

#[derive(Debug, Default)]
pub(crate) struct State {
    version: CommitVersion,
    data: BTreeMap<Bytes, History>,
    /// Keys with more than one version or a removal, by the version that made them so.
    superseded: VecDeque<(CommitVersion, Bytes)>,
    /// Open snapshots of each version.
    open: BTreeMap<CommitVersion, usize>,
    window: ConflictWindow,
    /// Commits whose states stay, read or not.
    kept: u64,
    /// States before this one are gone.
    collected: CommitVersion,
}

impl State {
    pub(crate) fn keep(&mut self, commits: u64) {
        self.kept = commits;
    }
    pub(crate) fn commit(&mut self, request: &CommitRequest) -> Result<CommitVersion> {
        self.window.check(request)?;
        let version = CommitVersion(self.version.0 + 1);
        for range in request.writes.cleared() {
            for key in self.live_keys(&range) {
                self.write(key, version, None);
            }
        }
        for (key, write) in request.writes.entries() {
            let value = match write {
                Write::Set(value) => Some(value.clone()),
                Write::Clear => None,
                Write::Add(delta) => Some(add(self.newest(key).as_deref(), *delta)),
            };
            self.write(key.clone(), version, value);
        }
        self.window.record(request, version);
        self.version = version;
        self.collect();
        Ok(version)
    }

    fn live_keys(&self, range: &KeyRange) -> Vec<Bytes> {
        let live = |(key, history): (&Bytes, &History)| history.last()?.1.is_some().then(|| key.clone());
        self.data
            .range(range.begin.clone()..range.end.clone())
            .filter_map(live)
            .collect()
    }
    fn newest(&self, key: &[u8]) -> Option<Bytes> {
        self.data.get(key)?.last()?.1.clone()
    }
    fn write(&mut self, key: Bytes, version: CommitVersion, value: Option<Bytes>) {
        let history = self.data.entry(key.clone()).or_default();
        if history.last().is_some_and(|(newest, _)| *newest == version) {
            history.pop();
        }
        if !history.is_empty() || value.is_none() {
            self.superseded.push_back((version, key));
        }
        history.push((version, value));
    }
    /// The oldest version that an open snapshot reads, or may.
    fn floor(&self) -> CommitVersion {
        let kept = CommitVersion(self.version.0.saturating_sub(self.kept));
        self.open.first_key_value().map_or(kept, |(open, _)| kept.min(*open))
    }
    fn collect(&mut self) {
        let floor = self.floor();
        self.collected = self.collected.max(floor);
        self.window.forget(floor);
        while let Some((_, key)) = self.superseded.pop_front_if(|(version, _)| *version <= floor) {
            let Some(history) = self.data.get_mut(&key) else {
                continue;
            };
            let seen = history.iter().rposition(|(version, _)| *version <= floor).unwrap_or(0);
            history.drain(..seen);
            if matches!(history[..], [(version, None)] if version <= floor) {
                self.data.remove(&key);
            }
        }
    }
}

/// The state at one version.
#[derive(Debug)]
pub(crate) struct View {
    state: Arc<Mutex<State>>,
    version: CommitVersion,
}

impl View {
    pub(crate) fn open(state: &Arc<Mutex<State>>) -> Arc<Self> {
        let mut locked = state.lock();
        let version = locked.version;
        Self::add(state, &mut locked, version)
    }
    /// The state at an earlier version; nothing when it is no longer known.
    pub(crate) fn open_at(state: &Arc<Mutex<State>>, version: CommitVersion) -> Option<Arc<Self>> {
        let mut locked = state.lock();
        let is_known = locked.collected <= version && version <= locked.version;
        is_known.then(|| Self::add(state, &mut locked, version))
    }
    fn add(state: &Arc<Mutex<State>>, locked: &mut State, version: CommitVersion) -> Arc<Self> {
        *locked.open.entry(version).or_default() += 1;
        Arc::new(Self {
            state: Arc::clone(state),
            version,
        })
    }
    fn visible<'h>(&self, history: &'h History) -> Option<&'h Bytes> {
        history
            .iter()
            .rfind(|(version, _)| *version <= self.version)?
            .1
            .as_ref()
    }
}

impl Drop for View {
    fn drop(&mut self) {
        let mut state = self.state.lock();
        if let Some(count) = state.open.get_mut(&self.version) {
            *count -= 1;
            if *count == 0 {
                state.open.remove(&self.version);
                state.collect();
            }
        }
    }
}

impl Snapshot for View {
    fn version(&self) -> CommitVersion {
        self.version
    }
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>> {
        let state = self.state.lock();
        Ok(state.data.get(key).and_then(|history| self.visible(history)).cloned())
    }
    fn scan(&self, range: &KeyRange, reverse: bool, visit: &mut Visitor<'_>) -> Result<()> {
        if range.is_empty() {
            return Ok(());
        }
        let state = self.state.lock();
        let bounds = (Bound::Included(&range.begin[..]), Bound::Excluded(&range.end[..]));
        let mut pairs = state.data.range::<[u8], _>(bounds);
        while let Some((key, history)) = if reverse { pairs.next_back() } else { pairs.next() } {
            if let Some(value) = self.visible(history)
                && let ControlFlow::Break(()) = visit(key.clone(), value.clone())
            {
                break;
            }
        }
        Ok(())
    }
}
