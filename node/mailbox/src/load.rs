//! A mailbox comes into memory: snapshot and log tail first, a folder's messages when somebody opens it.

use std::collections::BTreeMap;
use std::sync::Arc;

use hongyan_actor::RequestId;
use hongyan_kv::fence::Fence;
use hongyan_kv::{Error as StorageError, KeyRange, KeyValue, RangeQuery, ReadMode, Transaction};
use hongyan_types::{Keyword, ModSeq, Timestamp};

use crate::entity::MailboxServices;
use crate::record::key::{self, StateKey};
use crate::record::{chunk, folder, log, meta};
use crate::state::{State, apply_to_view};
use crate::view::chunk_of;
use crate::{FolderId, FolderPath, FolderView, KeywordId, MailboxId};

/// Chunks read at once.
const PAGE: usize = 64;

/// The state of a mailbox; a new one is made, durably, if there is none.
pub(crate) async fn load(services: &MailboxServices, id: MailboxId, fence: Fence) -> Result<State, StorageError> {
    if let Some(state) = read(services, id, fence).await? {
        return Ok(state);
    }
    let now = Timestamp {
        millis: services.env.wall_millis(),
    };
    let fresh = State::new(now, services.options.quota);
    let mut transaction = services.database.begin();
    fence.check(&mut transaction).await?;
    if transaction.get(&key::meta(id)).await?.is_some() {
        return Err(StorageError::Conflict);
    }
    transaction.set(key::meta(id), meta::encode(&fresh));
    for (folder_id, found) in fresh.folders.iter() {
        transaction.set(key::folder(id, *folder_id), folder::encode(fresh.modseq, found));
    }
    for path in fresh.subscribed.iter() {
        transaction.set(key::subscription(id, path.as_str()), bytes::Bytes::new());
    }
    let mut fresh = fresh;
    fresh.as_of = Some(transaction.commit().await?);
    Ok(fresh)
}

fn query(range: KeyRange) -> RangeQuery {
    RangeQuery {
        range,
        limit: 0,
        reverse: false,
        mode: ReadMode::Snapshot,
    }
}

async fn read(services: &MailboxServices, id: MailboxId, fence: Fence) -> Result<Option<State>, StorageError> {
    let corrupt = |what: &str| StorageError::Corrupt(what.to_owned());
    let mut transaction = services.database.begin();
    // All of it waits together; only where the log's tail begins is known first.
    fence.look_ahead(&mut transaction);
    transaction.look_ahead_snapshot(&key::meta(id));
    let whole = query(key::state(id));
    let requests = query(key::all_done(id));
    transaction.look_ahead_range(&whole);
    transaction.look_ahead_range(&requests);
    fence.check(&mut transaction).await?;
    let Some(stored) = transaction.get_snapshot(&key::meta(id)).await? else {
        return Ok(None);
    };
    let mut state = meta::decode(&stored)?;
    let meta_as_of = state.modseq;
    let mut as_of: BTreeMap<FolderId, ModSeq> = BTreeMap::new();
    let mut keywords: BTreeMap<KeywordId, Keyword> = BTreeMap::new();
    for pair in transaction.get_range_all(whole).await? {
        match key::read_state_key(id, &pair.key).ok_or_else(|| corrupt("key of a mailbox"))? {
            StateKey::Meta => {}
            StateKey::Staged(email) => {
                Arc::make_mut(&mut state.staged).insert(email);
            }
            StateKey::Folder(folder_id) => {
                let (modseq, found) = folder::decode(&pair.value)?;
                as_of.insert(folder_id, modseq);
                Arc::make_mut(&mut state.folders).insert(folder_id, Arc::new(found));
            }
            StateKey::Keyword(keyword) => {
                let name = std::str::from_utf8(&pair.value).map_err(|_| corrupt("keyword"))?;
                keywords.insert(keyword, Keyword::try_from(name).map_err(|_| corrupt("keyword"))?);
            }
            StateKey::Subscription(path) => {
                let path = FolderPath::try_from(path.as_str()).map_err(|_| corrupt("subscription"))?;
                Arc::make_mut(&mut state.subscribed).insert(path);
            }
        }
    }
    for (expect, (keyword, name)) in (0..).zip(keywords) {
        if keyword.0 != expect {
            return Err(corrupt("keywords are not numbered in order"));
        }
        Arc::make_mut(&mut state.keywords).add(name);
    }
    let tail = query(key::log_after(id, state.snapshot));
    transaction.look_ahead_range(&tail);
    state.requests = Arc::new(read_requests(&mut transaction, id, requests).await?);
    for pair in transaction.get_range_all(tail).await? {
        let modseq = key::read_log(id, &pair.key).ok_or_else(|| corrupt("key of a log entry"))?;
        let entry = log::decode(modseq, &pair.value)?;
        for change in &entry.changes {
            let known = as_of.get(&change.folder()).is_none_or(|as_of| modseq <= *as_of);
            if let Some(folder) = state.folder_mut(change.folder()).filter(|_| !known) {
                folder.count(change, modseq);
            }
        }
        state.modseq = state.modseq.max(modseq);
        if modseq > meta_as_of {
            state.email_next = entry.email_next;
            state.quota.octets = entry.octets;
            state.quota.messages = entry.messages;
        }
        Arc::make_mut(&mut state.tail).push(Arc::new(entry));
    }
    state.as_of = Some(transaction.read_version().await?);
    Ok(Some(state))
}

/// Which requests are remembered: they are few, and of the last minutes.
async fn read_requests(
    transaction: &mut Transaction,
    id: MailboxId,
    all: RangeQuery,
) -> Result<BTreeMap<RequestId, u32>, StorageError> {
    let mut requests = BTreeMap::new();
    for pair in transaction.get_range_all(all).await? {
        let read = key::read_done(id, &pair.key);
        let (minute, request) = read.ok_or_else(|| StorageError::Corrupt("key of a request".into()))?;
        requests.insert(request, minute);
    }
    Ok(requests)
}

/// The messages of a folder: its chunks, with the log's tail applied.
pub(crate) async fn load_view(
    services: &MailboxServices,
    id: MailboxId,
    fence: Fence,
    state: &State,
    folder: FolderId,
) -> Result<FolderView, StorageError> {
    let found = state
        .folders
        .get(&folder)
        .ok_or_else(|| StorageError::Corrupt("folder".into()))?;
    let mut view = FolderView::empty(folder, found.uid_validity, Arc::clone(&state.keywords));
    let mut as_of = BTreeMap::new();
    let mut range = key::chunks(id, folder);
    loop {
        // A transaction a page: only this mailbox writes here, and a large folder outlives one transaction.
        let page = RangeQuery {
            limit: PAGE,
            ..query(range.clone())
        };
        let mut transaction = services.database.begin();
        fence.look_ahead(&mut transaction);
        transaction.look_ahead_range(&page);
        fence.check(&mut transaction).await?;
        let pairs = transaction.get_range_all(page).await?;
        for pair in &pairs {
            let stored = chunk::decode(&pair.value)?;
            if let Some(entry) = stored.entries.first() {
                as_of.insert(chunk_of(entry.uid), stored.as_of);
            }
            stored.entries.into_iter().for_each(|entry| view.push(entry));
        }
        // Reading may end without ever waiting; the others on this arbiter shall not notice.
        tokio::task::yield_now().await;
        match pairs.last() {
            Some(last) if pairs.len() == PAGE => range.begin = KeyRange::key(&last.key).end,
            _ => break,
        }
    }
    view.loaded(state.snapshot, |chunk| as_of.get(&chunk).copied());
    replay(&mut view, state, |chunk| as_of.get(&chunk).copied());
    Ok(view)
}

/// One chunk's part of a folder, up to date, without loading the folder.
pub(crate) fn rebuild_chunk(
    stored: &[KeyValue],
    state: &State,
    folder: FolderId,
    index: u32,
) -> Result<FolderView, StorageError> {
    let found = state
        .folders
        .get(&folder)
        .ok_or_else(|| StorageError::Corrupt("folder".into()))?;
    let mut view = FolderView::empty(folder, found.uid_validity, Arc::clone(&state.keywords));
    let mut as_of = ModSeq(0);
    for part in stored {
        let part = chunk::decode(&part.value)?;
        as_of = part.as_of;
        part.entries.into_iter().for_each(|entry| view.push(entry));
    }
    replay(&mut view, state, |chunk| {
        Some(if chunk == index { as_of } else { ModSeq(u64::MAX) })
    });
    Ok(view)
}

/// Applies the log's tail to what the chunks do not have yet.
fn replay(view: &mut FolderView, state: &State, as_of: impl Fn(u32) -> Option<ModSeq>) {
    let folder = view.folder;
    for entry in state.tail.iter() {
        for change in entry.changes.iter().filter(|change| change.folder() == folder) {
            let has = |chunk: u32| as_of(chunk).is_some_and(|as_of| entry.modseq <= as_of);
            apply_to_view(view, change, entry.modseq, has);
        }
    }
}
