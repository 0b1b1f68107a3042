//! Removes what a log has kept long enough, and says so in the log itself.
//!
//! The last entry that goes leaves its number and hash twice: in the record of the cut, where the chain begins from then on, and in
//! an entry of the chain, so that whoever removes entries in another way has to rewrite all that follows.

use hongyan_kv::{Error, KeyRange, Result, Transaction};
use hongyan_types::Timestamp;

use crate::append::append;
use crate::record::{cut, entry};
use crate::verify::Verifier;
use crate::{Author, Chain, Entry, Event, Head, Log, key};

/// What the entry of a cut is called.
pub(crate) const ACTION: &str = "audit.cut";
/// The oldest entry is so much older than it may be before there is a cut: each one adds an entry.
const SLACK_MILLIS: i64 = 86_400_000;

/// Where a chain begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// The last entry that was removed.
    pub last: Head,
    /// What is older was removed.
    pub until: Timestamp,
}

impl Cut {
    /// Whether `entry` says that this cut was made.
    pub(crate) fn is_told_by(&self, entry: &Entry) -> bool {
        let field = |name: &str, value: String| {
            let is_it = |change: &crate::FieldChange| change.field == name && change.after.as_ref() == Some(&value);
            entry.fields.iter().any(is_it)
        };
        entry.action == ACTION
            && field("sequence", self.last.sequence.to_string())
            && field("hash", self.last.hash.to_string())
    }
}

pub(crate) async fn read_cut(transaction: &mut Transaction, chain: Chain) -> Result<Option<Cut>> {
    let stored = transaction.get(&key::cut(chain)).await?;
    Ok(stored.as_deref().map(cut::decode).transpose()?)
}

impl Log {
    /// Where a chain begins; nothing while nothing of it was removed.
    ///
    /// # Errors
    /// The store's.
    pub async fn cut_of(&self, chain: Chain) -> Result<Option<Cut>> {
        let body = async move |transaction: &mut Transaction| read_cut(transaction, chain).await;
        self.database.run(body).await
    }

    /// Removes the entries before `until`, up to the first that is younger; about once a day at most. A chain that is not as it was
    /// written is left alone, so that nobody's doings go with it.
    ///
    /// # Errors
    /// The store's.
    pub async fn cut(&self, chain: Chain, until: Timestamp, now: Timestamp) -> Result<()> {
        let Some(last) = self.last_before(chain, until).await? else {
            return Ok(());
        };
        let cut = Cut { last, until };
        let event = Event::new(ACTION, "audit")
            .with("sequence", last.sequence)
            .with("hash", last.hash)
            .with("until_millis", until.millis);
        let told = Entry::new(event, Author::system(), now);
        let body = async |transaction: &mut Transaction| -> Result<()> {
            let before = read_cut(transaction, chain).await?;
            // Done before, or by another node.
            if before.is_some_and(|before| before.last.sequence >= last.sequence) {
                return Ok(());
            }
            transaction.clear_range(KeyRange {
                begin: key::entries(chain).range().begin,
                end: key::entry(chain, last.sequence + 1),
            });
            transaction.set(key::cut(chain), cut::encode(cut));
            append(transaction, chain, std::slice::from_ref(&told)).await
        };
        self.database.run(body).await
    }

    /// The last entry to go, if the oldest one is old enough to begin.
    async fn last_before(&self, chain: Chain, until: Timestamp) -> Result<Option<Head>> {
        let mut verifier = Verifier::new(chain, self.cut_of(chain).await?, None);
        let mut last = None;
        loop {
            let pairs = self
                .entries_after(chain, verifier.head().sequence, u64::MAX >> 1)
                .await?;
            if pairs.is_empty() {
                return Ok(last);
            }
            for (sequence, stored) in pairs {
                let sealed = entry::unseal(&stored)?;
                let at = entry::read(&sealed.said)?.at.millis;
                let may_begin = last.is_some() || at < until.millis.saturating_sub(SLACK_MILLIS);
                if at >= until.millis || !may_begin {
                    return Ok(last);
                }
                if let Some(broken) = verifier.take(sequence, &stored) {
                    tracing::warn!(event = "audit_not_cut", chain = chain.code(), ?broken);
                    return Err(Error::Corrupt("audit log".to_owned()));
                }
                last = Some(verifier.head());
            }
        }
    }
}
