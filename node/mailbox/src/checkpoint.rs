//! The log's tail is written out: chunks and counters come up to date, and starting again stays cheap.
//!
//! Interrupted anywhere, it leaves chunks that are newer than the snapshot, which replaying the tail respects.

use std::collections::BTreeSet;
use std::sync::Arc;

use hongyan_blob::Owner;
use hongyan_kv::fence::Fence;
use hongyan_kv::{Error as StorageError, KeyRange, RangeQuery, ReadMode, Transaction};
use hongyan_types::{ModSeq, Timestamp};

use crate::entity::MailboxServices;
use crate::load::rebuild_chunk;
use crate::record::{chunk, delivery, folder, key, meta};
use crate::state::State;
use crate::work::minute;
use crate::{DELIVERY_ID_KEPT, EmailId, FolderId, MailboxId, read_emails_in, summary_of};

/// Octets of chunks in one transaction.
const TRANSACTION_OCTETS: usize = 500_000;
/// Delivery ids looked at in one checkpoint; more than a checkpoint's worth of deliveries adds.
const DELIVERIES: usize = 512;
/// Purged mails that one checkpoint lets go of.
const PURGED: usize = 256;
/// Marks kept of when the log was where.
const MARKS: u32 = 64;

/// Writes out the tail of `state`; gives the state without it.
pub(crate) async fn checkpoint(
    services: &MailboxServices,
    id: MailboxId,
    fence: Fence,
    state: &State,
) -> Result<State, StorageError> {
    let mut transaction = begin(services, id, fence, state).await?;
    let mut octets = 0;
    for (folder, index) in dirty_chunks(state) {
        let parts = key::chunk_parts(id, folder, index);
        let loaded = state.folders.get(&folder).and_then(|found| found.view.as_ref());
        let rebuilt;
        let entries = if let Some(view) = loaded {
            view.chunk(index)
        } else {
            let stored = transaction.get_range_all(snapshot(parts.clone())).await?;
            rebuilt = rebuild_chunk(&stored, state, folder, index)?;
            rebuilt.chunk(index)
        };
        // It may have had more parts before.
        transaction.clear_range(parts);
        if entries.is_empty() {
            continue;
        }
        for (part, stored) in chunk::encode_all(state.modseq, entries).into_iter().enumerate() {
            octets += stored.len();
            transaction.set(key::chunk(id, folder, index, part), stored);
        }
        if octets > TRANSACTION_OCTETS {
            transaction.commit().await?;
            transaction = begin(services, id, fence, state).await?;
            octets = 0;
        }
    }
    let mut next = state.clone();
    next.snapshot = state.modseq;
    next.tail = Arc::default();
    trim_history(services, id, &mut next, &mut transaction);
    forget_deliveries(services, id, &mut next, &mut transaction).await?;
    forget_requests(services, id, &mut next, &mut transaction);
    forget_purged(services, id, &mut transaction).await?;
    let touched: BTreeSet<FolderId> = changes(state).map(|change| change.folder()).collect();
    for folder_id in touched {
        if let Some(found) = next.folders.get(&folder_id) {
            transaction.set(key::folder(id, folder_id), folder::encode(next.modseq, found));
        }
    }
    transaction.set(key::meta(id), meta::encode(&next));
    next.as_of = Some(transaction.commit().await?);
    Ok(next)
}

/// A transaction that fails when somebody else writes or wrote for this mailbox.
async fn begin(
    services: &MailboxServices,
    id: MailboxId,
    fence: Fence,
    state: &State,
) -> Result<Transaction, StorageError> {
    let mut transaction = services.database.begin();
    let next = key::log(id, ModSeq(state.modseq.0 + 1));
    fence.look_ahead(&mut transaction);
    transaction.look_ahead(&next);
    fence.check(&mut transaction).await?;
    if transaction.get(&next).await?.is_some() {
        return Err(StorageError::Conflict);
    }
    Ok(transaction)
}

fn snapshot(range: KeyRange) -> RangeQuery {
    RangeQuery {
        range,
        limit: 0,
        reverse: false,
        mode: ReadMode::Snapshot,
    }
}

fn changes(state: &State) -> impl Iterator<Item = &crate::change::Change> {
    state.tail.iter().flat_map(|entry| &entry.changes)
}

fn dirty_chunks(state: &State) -> BTreeSet<(FolderId, u32)> {
    let there = changes(state).filter(|change| state.folders.contains_key(&change.folder()));
    let chunks = there.flat_map(|change| change.chunks().into_iter().map(|chunk| (change.folder(), chunk)));
    chunks.collect()
}

/// Removes log entries that are too old or too many.
fn trim_history(services: &MailboxServices, id: MailboxId, state: &mut State, transaction: &mut Transaction) {
    let options = &services.options;
    let now = Timestamp {
        millis: services.env.wall_millis(),
    };
    let kept_millis = i64::try_from(options.history.as_millis()).unwrap_or(i64::MAX);
    let modseq = state.modseq;
    let history = Arc::make_mut(&mut state.history);
    let apart = kept_millis / i64::from(MARKS);
    if history
        .marks
        .last()
        .is_none_or(|(_, at)| now.millis - at.millis >= apart)
    {
        history.marks.push((modseq, now));
    }
    let mut end = ModSeq(modseq.0.saturating_sub(options.history_commits_max));
    let old = history
        .marks
        .partition_point(|(_, at)| now.millis - at.millis > kept_millis);
    if let Some((reached, _)) = history.marks.drain(..old).next_back() {
        end = end.max(reached);
    }
    if end > history.start {
        transaction.clear_range(key::log_between(id, history.start, end));
        history.start = end;
    }
}

/// Removes delivery ids that are too old, a few at a time, round and round.
async fn forget_deliveries(
    services: &MailboxServices,
    id: MailboxId,
    state: &mut State,
    transaction: &mut Transaction,
) -> Result<(), StorageError> {
    let kept_millis = i64::try_from(DELIVERY_ID_KEPT.as_millis()).unwrap_or(i64::MAX);
    let now = services.env.wall_millis();
    let query = RangeQuery {
        range: key::deliveries(id, &state.delivery_cursor),
        limit: DELIVERIES,
        reverse: false,
        mode: ReadMode::Snapshot,
    };
    let pairs = transaction.get_range_all(query).await?;
    for pair in &pairs {
        let (at, _) = delivery::decode(&pair.value)?;
        if now - at.millis > kept_millis {
            transaction.clear(&pair.key);
        }
    }
    let last = pairs.last().filter(|_| pairs.len() == DELIVERIES);
    let cursor = last.and_then(|pair| key::read_delivery(id, &pair.key));
    state.delivery_cursor = cursor.and_then(|cursor| cursor.try_into().ok()).unwrap_or_default();
    Ok(())
}

/// Lets go of some mails that were purged too long ago to be had back.
async fn forget_purged(
    services: &MailboxServices,
    id: MailboxId,
    transaction: &mut Transaction,
) -> Result<(), StorageError> {
    let kept_millis = i64::try_from(services.options.purged_kept.as_millis()).unwrap_or(i64::MAX);
    let since = Timestamp {
        millis: services.env.wall_millis().saturating_sub(kept_millis),
    };
    let query = RangeQuery {
        range: KeyRange {
            begin: key::all_purged(id).begin,
            end: key::purged_from(id, since),
        },
        limit: PURGED,
        reverse: false,
        mode: ReadMode::Snapshot,
    };
    let pairs = transaction.get_range_all(query).await?;
    let emails: Vec<EmailId> = pairs
        .iter()
        .filter_map(|pair| Some(key::read_purged(id, &pair.key)?.email))
        .collect();
    let records = read_emails_in(transaction, id, &emails).await?;
    for (email, record) in emails.iter().zip(records) {
        let email_key = key::email(id, *email);
        if let Some(record) = record {
            let owner = Owner(email_key.clone());
            services.blobs.detach(transaction, id.tenant.0, &record.blob, &owner);
        }
        transaction.clear(&email_key);
        transaction.clear(&key::summary(id, summary_of(*email)));
    }
    pairs.iter().for_each(|pair| transaction.clear(&pair.key));
    Ok(())
}

/// Removes what is remembered of requests that nobody repeats any more.
fn forget_requests(services: &MailboxServices, id: MailboxId, state: &mut State, transaction: &mut Transaction) {
    let kept = u32::try_from(services.options.requests_kept.as_secs().div_ceil(60)).unwrap_or(u32::MAX);
    let before = minute(services.env.wall_millis()).saturating_sub(kept);
    transaction.clear_range(key::done_before(id, before));
    Arc::make_mut(&mut state.requests).retain(|_, minute| *minute >= before);
}
