//! Requests that bear a key of the asker's choice: carried out once, and answered the same when asked again.
//!
//! The mark is written in the transaction of the request's first change, so a repeat changes nothing even when the answer
//! was lost with a node.

use hongyan_kv::{KeyRange, RangeQuery, ReadMode, Transaction};
use hongyan_types::Timestamp;

use crate::record::request::{self, RequestRecord};
use crate::{Directory, Error, RequestKey, Result, key};

/// Marks that are removed in passing by each new one.
const SWEPT_AT_ONCE: usize = 20;
/// The answer kept; a longer one is not, and a repeat is told that it was carried out.
const ANSWER_OCTETS_MAX: usize = 50_000;

/// What is known of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestState {
    /// Nobody has asked it.
    New,
    /// It was carried out; its answer is lost or still on its way.
    Done,
    /// It was carried out and answered.
    Answered(Vec<u8>),
}

/// Marks the request as carried out by this transaction.
pub(crate) async fn begin(transaction: &mut Transaction, request: Option<RequestKey>, at: Timestamp) -> Result<()> {
    let Some(request) = request else { return Ok(()) };
    let key = key::request(&request);
    if transaction.get(&key).await?.is_some() {
        return Err(Error::Repeated);
    }
    let mark = RequestRecord {
        at_millis: at.millis,
        answer: None,
    };
    transaction.set(key, request::encode(&mark));
    let millis = u64::try_from(at.millis).unwrap_or(0);
    let by_time = key::requests_at().int(millis).bytes(&request.0).pack();
    transaction.set(by_time, Vec::new());
    Ok(())
}

impl Directory {
    /// What is known of a request.
    ///
    /// # Errors
    /// The store's.
    pub async fn request_state(&self, request: &RequestKey) -> Result<RequestState> {
        let key = key::request(request);
        let stored = self
            .database()
            .run(async move |transaction: &mut Transaction| transaction.get(&key).await)
            .await?;
        Ok(match stored.map(|stored| request::decode(&stored)).transpose()? {
            None => RequestState::New,
            Some(RequestRecord { answer: None, .. }) => RequestState::Done,
            Some(RequestRecord {
                answer: Some(answer), ..
            }) => RequestState::Answered(answer),
        })
    }

    /// Keeps the answer to a request that was carried out, and forgets some that are too old to be asked again.
    ///
    /// # Errors
    /// The store's.
    pub async fn keep_answer(&self, request: &RequestKey, answer: &[u8]) -> Result<()> {
        if answer.len() > ANSWER_OCTETS_MAX {
            return Ok(());
        }
        let (key, answer) = (key::request(request), answer.to_owned());
        let kept = i64::try_from(self.options().requests_kept.as_millis()).unwrap_or(i64::MAX);
        let now = self.env().wall_millis();
        let old = u64::try_from(now.saturating_sub(kept)).unwrap_or(0);
        let keep = async move |transaction: &mut Transaction| {
            if let Some(stored) = transaction.get(&key).await? {
                let mut record = request::decode(&stored)?;
                record.answer = Some(answer.clone());
                transaction.set(key.clone(), request::encode(&record));
            }
            sweep(transaction, old).await
        };
        match self.database().run(keep).await {
            // Asking again finds out.
            Err(Error::Storage(hongyan_kv::Error::CommitUnknown)) => Ok(()),
            kept => kept,
        }
    }
}

async fn sweep(transaction: &mut Transaction, before_millis: u64) -> Result<()> {
    let prefix = key::requests_at();
    let query = RangeQuery {
        range: KeyRange {
            begin: prefix.range().begin,
            end: prefix.clone().int(before_millis).pack(),
        },
        limit: SWEPT_AT_ONCE,
        reverse: false,
        mode: ReadMode::Snapshot,
    };
    for pair in transaction.get_range_all(query).await? {
        let corrupt = |_| crate::transaction::corrupt("key of a request");
        let mut reader = prefix.reader(&pair.key).map_err(corrupt)?;
        reader.int::<u64>().map_err(corrupt)?;
        let octets = reader.bytes().map_err(corrupt)?;
        if let Ok(octets) = <[u8; 32]>::try_from(octets.as_ref()) {
            transaction.clear(&key::request(&RequestKey(octets)));
        }
        transaction.clear(&pair.key);
    }
    Ok(())
}
