//! Collection of what nobody refers to, in two phases: letting go of a blob makes it a candidate; after a grace time the
//! collector asks again who keeps it, in the transaction that removes it. Keeping a blob reads its head and removing
//! it writes it, so one of the two fails and is run again.

use bytes::Bytes;
use hongyan_kv::{Error, KeyRange, RangeQuery, ReadMode, Transaction};

use crate::record::{self, Candidate, Head, Upload};
use crate::{BlobError, BlobStore, Result};

/// Candidates and uploads that one step looks at, at most.
const STEP_ENTRIES: usize = 100;

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Collected {
    /// Blobs removed.
    pub blobs: usize,
    /// Candidates that somebody keeps.
    pub kept: usize,
    /// Unfinished uploads removed.
    pub uploads: usize,
    /// Whether more is due already.
    pub more: bool,
}

impl BlobStore {
    /// Removes what is due, some hundred entries at most. Idempotent; may run on several nodes.
    ///
    /// # Errors
    /// When the store fails; what was done stays done.
    pub async fn collect_step(&self) -> Result<Collected> {
        let now = (self.sources.wall_millis)();
        let upload_millis = i64::try_from(self.options.upload_secs_max.saturating_mul(1000)).unwrap_or(i64::MAX);
        let candidates = self.keys(Candidate::due_before(now)).await?;
        let uploads = self
            .keys(Upload::begun_before(now.saturating_sub(upload_millis)))
            .await?;
        let more = candidates.len() == STEP_ENTRIES || uploads.len() == STEP_ENTRIES;
        let mut collected = Collected {
            more,
            ..Collected::default()
        };
        for candidate in candidates.iter().filter_map(|key| Candidate::parse(key)) {
            if self.collect_candidate(candidate).await? {
                collected.blobs += 1;
            } else {
                collected.kept += 1;
            }
        }
        for upload in uploads.iter().filter_map(|key| Upload::parse(key)) {
            self.collect_upload(&upload).await?;
            collected.uploads += 1;
        }
        Ok(collected)
    }
    async fn keys(&self, range: KeyRange) -> Result<Vec<Bytes>> {
        let query = RangeQuery {
            range,
            limit: STEP_ENTRIES,
            reverse: false,
            mode: ReadMode::Snapshot,
        };
        let pairs = self.database.begin().get_range_all(query).await?;
        Ok(pairs.into_iter().map(|pair| pair.key).collect())
    }
    /// Runs a step whose repeat finds that there is nothing to do, until its result is known.
    async fn settle<T>(&self, step: impl AsyncFn(&mut Transaction) -> Result<T>) -> Result<T> {
        loop {
            match self.database.run(&step).await {
                Err(BlobError::Storage(Error::CommitUnknown)) => {}
                settled => return settled,
            }
        }
    }
    /// Whether the blob was removed, as far as the answer to the commit tells.
    async fn collect_candidate(&self, candidate: Candidate) -> Result<bool> {
        let Candidate { tenant, address, .. } = candidate;
        self.settle(async |transaction: &mut Transaction| {
            transaction.look_ahead(&candidate.key());
            transaction.look_ahead(&record::head_key(tenant, &address));
            // It is gone after a removal whose result was unknown. The blob may be kept and let go of again by now.
            if transaction.get(&candidate.key()).await?.is_none() {
                return Ok(false);
            }
            transaction.clear(&candidate.key());
            if self.is_referenced(transaction, tenant, &address).await? {
                return Ok(false);
            }
            let head_key = record::head_key(tenant, &address);
            let Some(stored) = transaction.get(&head_key).await? else {
                return Ok(false);
            };
            transaction.clear(&head_key);
            if let Some(location) = Head::decode(&stored)?.location {
                transaction.clear_range(record::data_range(tenant, &location));
            }
            Ok(true)
        })
        .await
    }
    async fn collect_upload(&self, upload: &Upload) -> Result<()> {
        self.settle(async |transaction: &mut Transaction| {
            // A head takes over the pieces by removing the upload's key.
            if transaction.get(&upload.key()).await?.is_some() {
                transaction.clear(&upload.key());
                transaction.clear_range(record::data_range(upload.tenant, &upload.location));
            }
            Ok(())
        })
        .await
    }
}
