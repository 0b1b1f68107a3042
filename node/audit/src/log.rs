//! Reads a chain.

use bytes::Bytes;
use hongyan_kv::{Database, KeyRange, KeyValue, RangeQuery, ReadMode, Result, Transaction};
use hongyan_types::Timestamp;

use crate::append::read_head;
use crate::record::entry;
use crate::verify::{Verdict, Verifier};
use crate::{Anchor, Chain, Cut, Entry, Head, Recorded, key};

/// Entries read at a time.
const STEP_ENTRIES: usize = 500;
/// Entries looked at for one page: a filter that finds little answers with what it has, and where to go on.
const PAGE_SCAN_MAX: usize = 20_000;

/// Which entries; all of what is said must hold.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Not before.
    pub from: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
    /// Whose name contains this, without regard to case.
    pub author: Option<String>,
    /// Whose action begins with this.
    pub action: Option<String>,
    /// Whose object contains this, without regard to case.
    pub object: Option<String>,
}

impl Filter {
    fn takes(&self, entry: &Entry) -> bool {
        let contains = |text: &str, part: &Option<String>| {
            part.as_ref()
                .is_none_or(|part| text.to_lowercase().contains(&part.to_lowercase()))
        };
        self.from.is_none_or(|from| entry.at >= from)
            && self.until.is_none_or(|until| entry.at < until)
            && contains(&entry.author.name, &self.author)
            && self.action.as_ref().is_none_or(|start| entry.action.starts_with(start))
            && contains(&entry.object, &self.object)
    }
}

/// Part of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPage {
    /// The newest first.
    pub entries: Vec<Recorded>,
    /// Ask for what is before this number to go on; nothing at the end.
    pub next: Option<u64>,
}

/// The logs of a store; clones share it.
#[derive(Clone)]
pub struct Log {
    pub(crate) database: Database,
}

impl Log {
    /// The logs kept in `database`.
    #[must_use]
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    /// Where a chain ends now.
    ///
    /// # Errors
    /// The store's.
    pub async fn head(&self, chain: Chain) -> Result<Head> {
        self.database
            .run(async move |transaction: &mut Transaction| read_head(transaction, chain).await)
            .await
    }

    /// Entries of a chain that `filter` takes, the newest first, before the number `before`, at most `limit`.
    ///
    /// # Errors
    /// The store's.
    pub async fn list(&self, chain: Chain, filter: &Filter, before: Option<u64>, limit: usize) -> Result<LogPage> {
        let mut before = before.unwrap_or(u64::MAX >> 1);
        let mut entries = Vec::new();
        let mut scanned = 0;
        while before > 1 && scanned < PAGE_SCAN_MAX {
            let range = KeyRange {
                begin: key::entries(chain).range().begin,
                end: key::entry(chain, before),
            };
            let pairs = self.read(range, true).await?;
            let full = pairs.len() == STEP_ENTRIES;
            for pair in pairs {
                let recorded = decode(chain, &pair)?;
                before = recorded.sequence;
                scanned += 1;
                if filter.takes(&recorded.entry) {
                    entries.push(recorded);
                    if entries.len() == limit {
                        let next = Some(before).filter(|before| *before > 1);
                        return Ok(LogPage { entries, next });
                    }
                }
            }
            if !full {
                return Ok(LogPage { entries, next: None });
            }
        }
        let next = Some(before).filter(|before| *before > 1);
        Ok(LogPage { entries, next })
    }

    /// Goes through a chain from the first entry that is kept to its end, and through `anchor` when one is given: a head that was noted
    /// earlier.
    ///
    /// # Errors
    /// The store's; a broken chain is no error but the verdict.
    pub async fn verify(&self, chain: Chain, anchor: Option<Anchor>) -> Result<Verdict> {
        loop {
            let cut = self.cut_of(chain).await?;
            let verdict = self.verify_from(chain, cut, anchor).await?;
            // What was removed meanwhile is no gap.
            if matches!(verdict, Verdict::Whole(_)) || self.cut_of(chain).await? == cut {
                return Ok(verdict);
            }
        }
    }

    async fn verify_from(&self, chain: Chain, cut: Option<Cut>, anchor: Option<Anchor>) -> Result<Verdict> {
        let end = self.head(chain).await?;
        let mut verifier = Verifier::new(chain, cut, anchor);
        if let Some(broken) = verifier.check_anchor() {
            return Ok(broken);
        }
        while verifier.head().sequence < end.sequence {
            let after = verifier.head().sequence;
            let pairs = self.entries_after(chain, after, end.sequence).await?;
            if pairs.is_empty() {
                break;
            }
            for (sequence, stored) in pairs {
                if let Some(broken) = verifier.take(sequence, &stored) {
                    return Ok(broken);
                }
            }
        }
        Ok(verifier.finish(end))
    }

    /// Some entries after a number, up to another, the oldest first, as they are stored.
    pub(crate) async fn entries_after(&self, chain: Chain, after: u64, until: u64) -> Result<Vec<(u64, Bytes)>> {
        let range = KeyRange {
            begin: key::entry(chain, after + 1),
            end: key::entry(chain, until + 1),
        };
        let pairs = self.read(range, false).await?.into_iter();
        pairs.map(|pair| Ok((sequence_of(chain, &pair)?, pair.value))).collect()
    }

    async fn read(&self, range: KeyRange, reverse: bool) -> Result<Vec<KeyValue>> {
        let query = RangeQuery {
            range,
            limit: STEP_ENTRIES,
            reverse,
            mode: ReadMode::Snapshot,
        };
        self.database
            .run(async move |transaction: &mut Transaction| transaction.get_range_all(query.clone()).await)
            .await
    }
}

fn sequence_of(chain: Chain, pair: &KeyValue) -> Result<u64> {
    let corrupt = |_| hongyan_kv::Error::Corrupt("key of an audit entry".to_owned());
    let entries = key::entries(chain);
    let mut reader = entries.reader(&pair.key).map_err(corrupt)?;
    reader.int::<u64>().map_err(corrupt)
}

fn decode(chain: Chain, pair: &KeyValue) -> Result<Recorded> {
    let sealed = entry::unseal(&pair.value)?;
    Ok(Recorded {
        sequence: sequence_of(chain, pair)?,
        entry: entry::read(&sealed.said)?,
        hash: sealed.hash,
    })
}

#[cfg(test)]
#[path = "log_test.rs"]
mod tests;
