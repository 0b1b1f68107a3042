//! Transactions over what is kept.

use std::collections::BTreeMap;

use bytes::Bytes;
use hongyan_kv::{Database, Error, RangeQuery, ReadMode, Transaction, Tuple, Watch};

use crate::key;
use crate::record::{self, AccountRecord, CertificateRecord, ChallengeRecord, FailureRecord};

/// Challenges older than that are nobody's any more.
pub(crate) const CHALLENGE_MILLIS_MAX: i64 = 3_600_000;

/// The store, as far as it is ours.
#[derive(Clone)]
pub(crate) struct Store {
    database: Database,
}

/// All that a node shows.
pub(crate) struct Shown {
    pub(crate) certificates: BTreeMap<String, CertificateRecord>,
    pub(crate) challenges: Vec<ChallengeRecord>,
    /// Ends when there may be something else to show.
    pub(crate) watch: Watch,
}

/// Reads one record; one of a later release is as if it were not there.
fn known<T, E>(decoded: Result<T, E>) -> Option<T> {
    decoded.ok()
}

impl Store {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }

    async fn all<T>(
        transaction: &mut Transaction,
        folder: &Tuple,
        decode: impl Fn(&[u8]) -> Option<T>,
    ) -> Result<BTreeMap<String, T>, Error> {
        let query = RangeQuery {
            mode: ReadMode::Snapshot,
            ..RangeQuery::all(key::all(folder))
        };
        let pairs = transaction.get_range_all(query).await?;
        let read = |pair: &hongyan_kv::KeyValue| Some((key::last(folder, &pair.key)?, decode(&pair.value)?));
        Ok(pairs.iter().filter_map(read).collect())
    }

    /// What is to be shown now.
    pub(crate) async fn shown(&self) -> Result<Shown, Error> {
        let mut transaction = self.database.begin();
        let (certificates, challenges) = (key::certificates(), key::challenges());
        let read = |stored: &[u8]| known(record::certificate::decode(stored));
        let certificates = Self::all(&mut transaction, &certificates, read).await?;
        let read = |stored: &[u8]| known(record::challenge::decode(stored));
        let challenges = Self::all(&mut transaction, &challenges, read).await?;
        let challenges = challenges.into_values().collect();
        let watch = transaction.watch(&key::version());
        transaction.commit().await?;
        Ok(Shown {
            certificates,
            challenges,
            watch,
        })
    }

    /// Everything that failed.
    pub(crate) async fn failures(&self) -> Result<BTreeMap<String, FailureRecord>, Error> {
        let mut transaction = self.database.begin();
        let decode = |stored: &[u8]| known(record::failure::decode(stored));
        Self::all(&mut transaction, &key::failures(), decode).await
    }

    pub(crate) async fn account(&self, directory: &str) -> Result<Option<AccountRecord>, Error> {
        let stored = self.database.begin().get(&key::account(directory)).await?;
        Ok(stored.and_then(|stored| known(record::account::decode(&stored))))
    }

    pub(crate) async fn challenge(&self, token: &str) -> Result<Option<ChallengeRecord>, Error> {
        let stored = self.database.begin().get(&key::challenge(token)).await?;
        Ok(stored.and_then(|stored| known(record::challenge::decode(&stored))))
    }

    /// Writes, so that all nodes look; what is written is the same when it is written twice.
    async fn write(&self, writes: &[(Bytes, Option<Bytes>)], is_shown: bool) -> Result<(), Error> {
        let write = async |transaction: &mut Transaction| {
            for (key, value) in writes {
                match value {
                    Some(value) => transaction.set(key.clone(), value.clone()),
                    None => transaction.clear(key),
                }
            }
            if is_shown {
                transaction.atomic_add(key::version(), 1);
            }
            Ok::<_, Error>(())
        };
        match self.database.run(write).await {
            Err(Error::CommitUnknown) => self.database.run(write).await,
            done => done,
        }
    }

    pub(crate) async fn set_account(&self, directory: &str, account: AccountRecord) -> Result<(), Error> {
        let value = record::account::encode(account);
        self.write(&[(key::account(directory), Some(value))], false).await
    }

    /// A certificate has come: what failed before is forgotten.
    pub(crate) async fn set_certificate(&self, subject: &str, certificate: CertificateRecord) -> Result<(), Error> {
        let value = record::certificate::encode(certificate);
        let writes = [(key::certificate(subject), Some(value)), (key::failure(subject), None)];
        self.write(&writes, true).await
    }

    pub(crate) async fn set_failure(&self, subject: &str, failure: FailureRecord) -> Result<(), Error> {
        let value = record::failure::encode(failure);
        self.write(&[(key::failure(subject), Some(value))], false).await
    }

    /// Nothing is wanted for a subject any more.
    pub(crate) async fn forget(&self, subject: &str) -> Result<(), Error> {
        let writes = [(key::certificate(subject), None), (key::failure(subject), None)];
        self.write(&writes, true).await
    }

    pub(crate) async fn set_challenges(&self, challenges: &[(String, ChallengeRecord)]) -> Result<(), Error> {
        let write = |(token, challenge): &(String, ChallengeRecord)| {
            (
                key::challenge(token),
                Some(record::challenge::encode(challenge.clone())),
            )
        };
        self.write(&challenges.iter().map(write).collect::<Vec<_>>(), true)
            .await
    }

    pub(crate) async fn clear_challenges(&self, tokens: &[String]) -> Result<(), Error> {
        let clear = |token: &String| (key::challenge(token), None);
        self.write(&tokens.iter().map(clear).collect::<Vec<_>>(), true).await
    }

    /// Clears challenges of a node that ended in the middle of an order.
    pub(crate) async fn sweep(&self, now_millis: i64) -> Result<(), Error> {
        let mut transaction = self.database.begin();
        let decode = |stored: &[u8]| known(record::challenge::decode(stored));
        let all = Self::all(&mut transaction, &key::challenges(), decode).await?;
        let is_old = |record: &ChallengeRecord| now_millis - record.created_millis > CHALLENGE_MILLIS_MAX;
        let old: Vec<_> = all
            .into_iter()
            .filter(|(_, record)| is_old(record))
            .map(|(token, _)| token)
            .collect();
        if old.is_empty() {
            Ok(())
        } else {
            self.clear_challenges(&old).await
        }
    }
}
