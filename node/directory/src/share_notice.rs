//! What members are told of what others open to them (RFC 9670 §5): kept for a time, up to a number, until they have
//! seen it. What is opened writes them, with its own change; whose they are reads and removes them.

use bytes::Bytes;
use hongyan_kv::{Result, Transaction};
use hongyan_ledger::{Changes, Ledger};
use hongyan_types::{AccountId, Timestamp};

use crate::record::share_notice;
use crate::{Directory, ShareNotice, key};

/// Those of one member.
#[derive(Debug, Clone)]
pub struct ShareNotices(Ledger);

/// All fail with the store's errors only.
#[allow(clippy::missing_errors_doc, reason = "said once, above")]
impl ShareNotices {
    /// What `account` was told.
    #[must_use]
    pub fn of(account: AccountId) -> Self {
        Self(Ledger::new(key::of_account(account).string("share-notices")))
    }
    /// The state of the log.
    pub async fn state(&self, transaction: &mut Transaction) -> Result<u64> {
        self.0.state(transaction).await
    }
    /// As [`Ledger::changes`].
    pub async fn changes(&self, transaction: &mut Transaction, since: u64, max: usize) -> Result<Option<Changes>> {
        self.0.changes(transaction, since, max).await
    }
    /// All of them, the oldest first.
    pub async fn all(&self, transaction: &mut Transaction) -> Result<Vec<(u64, ShareNotice)>> {
        let stored = self.0.all(transaction).await?.into_iter();
        stored
            .map(|(number, stored)| Ok((number, share_notice::decode(&stored)?)))
            .collect()
    }
    /// Removes one; whether it was there.
    pub async fn remove(&self, transaction: &mut Transaction, number: u64) -> Result<bool> {
        self.0.remove(transaction, number).await
    }
    /// Removes those from before `since`, and the oldest of more than `max`; whether there were any.
    pub async fn expire(&self, transaction: &mut Transaction, since: Timestamp, max: usize) -> Result<bool> {
        let all = self.all(transaction).await?;
        let excess = all.len().saturating_sub(max);
        let mut any = false;
        for (index, (number, notice)) in all.iter().enumerate() {
            if index < excess || notice.at < since {
                any |= self.remove(transaction, *number).await?;
            }
        }
        Ok(any)
    }
    pub(crate) async fn add(&self, transaction: &mut Transaction, notice: Bytes) -> Result<u64> {
        self.0.create(transaction, notice).await
    }
}

impl Directory {
    /// Since when what members were told is kept.
    #[must_use]
    pub fn share_notices_since(&self) -> Timestamp {
        let kept = i64::try_from(self.options().share_notices_kept.as_millis()).unwrap_or(i64::MAX);
        Timestamp {
            millis: self.now().millis.saturating_sub(kept),
        }
    }
}

#[cfg(test)]
#[path = "share_notice_test.rs"]
mod tests;
