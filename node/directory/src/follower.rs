//! How a node learns of changes that others made: it watches the version, reads the records behind it, and forgets what
//! they touched.
//!
//! The watch is quick; a look at every period is the safety net for a watch that was lost. A node that cannot look for
//! longer than `stale_max` stops trusting what it remembers and reads the store, or fails, until it has looked again.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use hongyan_kv::{KeyRange, RangeQuery, ReadMode, Transaction, Watch};
use hongyan_types::{AccountId, TenantId};

use crate::change::CHANGES_KEPT_MAX;
use crate::record::change::{self, Touched};
use crate::{Directory, Error, Result, key};

/// How long a node that has not heard of changes is waited for.
const HEAR_WAIT_MAX: Duration = Duration::from_secs(3);
/// Time between two looks whether it has.
const HEAR_PAUSE: Duration = Duration::from_millis(50);

/// What changed since the last look.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changed {
    /// Too much to tell: anything may have changed, and notices may be missing.
    pub everything: bool,
    /// Accounts whose record or credential changed.
    pub accounts: BTreeSet<AccountId>,
    /// Tenants whose state or settings changed.
    pub tenants: BTreeSet<TenantId>,
    /// What other parts told all nodes ([`crate::Change::notify`]), each with its version.
    pub notices: Vec<(u64, Bytes)>,
}

impl Changed {
    /// Whether there is nothing to tell.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
    fn take(&mut self, version: u64, touched: &[Touched]) {
        for touched in touched {
            match touched {
                Touched::Tenant(tenant) => drop(self.tenants.insert(*tenant)),
                Touched::Account { account, .. } => drop(self.accounts.insert(*account)),
                Touched::Notice(notice) => self.notices.push((version, notice.clone())),
                Touched::Everything => self.everything = true,
                Touched::TenantCounts(_)
                | Touched::Domain(_)
                | Touched::Address(_)
                | Touched::Group
                | Touched::Token(_)
                | Touched::Department { .. }
                | Touched::Tag { .. } => {}
            }
        }
    }
}

/// Keeps one node's directory true. Each node has one, and who has it must look again and again.
pub struct Follower {
    directory: Directory,
    /// The last version it has looked at.
    seen: Option<u64>,
}

impl Directory {
    /// What keeps this directory true while other nodes change it. From its first look on, what is remembered is trusted
    /// only for `stale_max` after each look.
    #[must_use]
    pub fn follower(&self) -> Follower {
        Follower {
            directory: self.clone(),
            seen: None,
        }
    }
}

impl Follower {
    /// Looks what changed, forgets what that touched, and tells it. The watch ends with the next change.
    ///
    /// # Errors
    /// The store's; what is remembered stays, until it is too old.
    pub async fn look(&mut self) -> Result<(Changed, Watch)> {
        let began = self.directory.env().now_micros();
        let mut transaction = self.directory.database().begin();
        let version = read_version_snapshot(&mut transaction).await?;
        let mut changed = Changed::default();
        let mut touched = Vec::new();
        if let Some(seen) = self.seen.filter(|seen| *seen < version) {
            changed.everything = version - seen > CHANGES_KEPT_MAX;
            let query = RangeQuery {
                range: KeyRange {
                    begin: key::change(seen.max(version.saturating_sub(CHANGES_KEPT_MAX)) + 1),
                    end: key::change(version + 1),
                },
                limit: 0,
                reverse: false,
                mode: ReadMode::Snapshot,
            };
            let pairs = transaction.get_range_all(query).await?;
            // One that is missing was made by a release that tells no more than that there was one.
            changed.everything |= u64::try_from(pairs.len()).unwrap_or(u64::MAX) < version - seen;
            for pair in pairs {
                let version = crate::transaction::last_int(&key::changes(), &pair.key)?;
                match change::decode(&pair.value) {
                    Ok(record) => {
                        changed.take(version, &record.touched);
                        touched.extend(record.touched);
                    }
                    // Of a later release.
                    Err(_) => changed.everything = true,
                }
            }
        }
        let watch = transaction.watch(&key::version());
        transaction.commit().await?;
        if self.seen.is_none() {
            changed.everything = true;
        }
        if changed.everything {
            touched.push(Touched::Everything);
        }
        self.directory.forget_all(&touched, version);
        self.seen = Some(version);
        self.directory.trust_from(began);
        Ok((changed, watch))
    }
}

/// Waits until this node has forgotten what all changes up to `version` touched, so that what it answers from memory is as new.
///
/// # Errors
/// `Storage` when it takes too long.
pub(crate) async fn hear_until(directory: &Directory, version: u64) -> Result<()> {
    let Some(mut complete) = directory.complete() else {
        return Ok(());
    };
    let heard = complete.wait_for(|complete| *complete >= version);
    match directory.env().timeout(HEAR_WAIT_MAX, heard).await {
        Some(Ok(_)) => Ok(()),
        Some(Err(_)) | None => Err(not_heard()),
    }
}

/// Waits for this node to have heard of changes lately.
///
/// # Errors
/// `Storage` when it takes too long.
pub(crate) async fn hear(directory: &Directory) -> Result<()> {
    let mut waited = Duration::ZERO;
    while !directory.is_trusted() && waited < HEAR_WAIT_MAX {
        directory.env().sleep(HEAR_PAUSE).await;
        waited += HEAR_PAUSE;
    }
    match directory.is_trusted() {
        true => Ok(()),
        false => Err(not_heard()),
    }
}

fn not_heard() -> Error {
    let words = "this node has not heard of changes for too long".to_owned();
    Error::Storage(hongyan_kv::Error::Unavailable(words))
}

pub(crate) async fn read_version_snapshot(transaction: &mut Transaction) -> hongyan_kv::Result<u64> {
    match transaction.get_snapshot(&key::version()).await? {
        Some(stored) => crate::transaction::read_int(&stored),
        None => Ok(0),
    }
}
