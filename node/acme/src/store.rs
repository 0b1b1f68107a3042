//! Transactions over what is kept.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use hongyan_kv::{Database, Error, RangeQuery, ReadMode, Transaction, Tuple, Watch};
use hongyan_notice::Notice;
use hongyan_seal::{SealError, Sealer};

use crate::key;
use crate::record::{
    self, AccountRecord, CertificateRecord, ChallengeRecord, FailureRecord, OwnRecord, ToldRecord, Unread,
};

/// Challenges older than that are nobody's any more.
pub(crate) const CHALLENGE_MILLIS_MAX: i64 = 3_600_000;

/// How often a certificate that was brought is written before its owner is told that it was not.
const WRITES_MAX: usize = 10;

/// The store, as far as it is ours.
#[derive(Clone)]
pub(crate) struct Store {
    database: Database,
    sealer: Sealer,
}

/// Certificates by subject, as they were at one version.
#[derive(Clone, Default)]
pub(crate) struct Certificates {
    version: Option<Bytes>,
    pub(crate) by_subject: Arc<BTreeMap<String, CertificateRecord>>,
    /// Those that organisations have brought.
    pub(crate) own: Arc<BTreeMap<String, OwnRecord>>,
}

/// What there is to answer.
pub(crate) struct Asked {
    pub(crate) challenges: Vec<ChallengeRecord>,
    /// Ends when a challenge or a certificate has changed.
    pub(crate) watch: Watch,
}

fn unavailable(error: &SealError) -> Error {
    Error::Unavailable(error.to_string())
}

/// Who is to look at what is written.
enum For {
    Nobody,
    /// Challenges have changed.
    Answers,
    /// Certificates have changed.
    Certificates,
}

impl Store {
    pub(crate) fn new(database: Database, sealer: Sealer) -> Self {
        Self { database, sealer }
    }

    /// What does not open because the keys are still to come would be taken for missing, and ordered anew.
    fn expect_key(&self) -> Result<(), Error> {
        match self.sealer.current() {
            Some(_) => Ok(()),
            None => Err(unavailable(&SealError::NoKey)),
        }
    }

    /// What was read; nothing when a later release has written it, or its secret does not open.
    fn usable<T>(read: Result<T, Unread>, what: &str, name: &str) -> Option<T> {
        match read {
            Ok(record) => Some(record),
            Err(Unread::Record(_)) => None,
            Err(error) => {
                tracing::warn!(event = "secret_unreadable", what, name, %error);
                None
            }
        }
    }

    /// All records in a folder; one of a later release is as if it were not there.
    async fn all<T>(
        transaction: &mut Transaction,
        folder: &Tuple,
        decode: impl Fn(&str, &[u8]) -> Option<T>,
    ) -> Result<BTreeMap<String, T>, Error> {
        let query = RangeQuery {
            mode: ReadMode::Snapshot,
            ..RangeQuery::all(key::all(folder))
        };
        let pairs = transaction.get_range_all(query).await?;
        let read = |pair: &hongyan_kv::KeyValue| {
            let name = key::last(folder, &pair.key)?;
            let record = decode(&name, &pair.value)?;
            Some((name, record))
        };
        Ok(pairs.iter().filter_map(read).collect())
    }

    /// All certificates; read only when they have changed since they were `known`. Many domains have many of them.
    pub(crate) async fn certificates(&self, known: Certificates) -> Result<Certificates, Error> {
        let mut transaction = self.database.begin();
        let version = transaction.get_snapshot(&key::certificates_version()).await?;
        if version.is_some() && version == known.version {
            return Ok(known);
        }
        self.expect_key()?;
        let read = |subject: &str, stored: &[u8]| {
            let read = record::certificate::decode(stored, &self.sealer, subject);
            Self::usable(read, "certificate", subject)
        };
        let by_subject = Self::all(&mut transaction, &key::certificates(), read).await?;
        let read = |subject: &str, stored: &[u8]| {
            let read = record::own::decode(stored, &self.sealer, subject);
            Self::usable(read, "own certificate", subject)
        };
        let own = Self::all(&mut transaction, &key::own(), read).await?;
        Ok(Certificates {
            version,
            by_subject: Arc::new(by_subject),
            own: Arc::new(own),
        })
    }

    /// All challenges. To be asked before the certificates are read, so that none is missed.
    pub(crate) async fn asked(&self) -> Result<Asked, Error> {
        let mut transaction = self.database.begin();
        let read = |_: &str, stored: &[u8]| record::challenge::decode(stored).ok();
        let challenges = Self::all(&mut transaction, &key::challenges(), read).await?;
        let watch = transaction.watch(&key::version());
        transaction.commit().await?;
        Ok(Asked {
            challenges: challenges.into_values().collect(),
            watch,
        })
    }

    /// Everything that failed.
    pub(crate) async fn failures(&self) -> Result<BTreeMap<String, FailureRecord>, Error> {
        let mut transaction = self.database.begin();
        let decode = |_: &str, stored: &[u8]| record::failure::decode(stored).ok();
        Self::all(&mut transaction, &key::failures(), decode).await
    }

    pub(crate) async fn account(&self, directory: &str) -> Result<Option<AccountRecord>, Error> {
        self.expect_key()?;
        let stored = self.database.begin().get(&key::account(directory)).await?;
        let read = |stored: &[u8]| record::account::decode(stored, &self.sealer, directory);
        Ok(stored.and_then(|stored| Self::usable(read(&stored), "account with the authority", directory)))
    }

    pub(crate) async fn challenge(&self, token: &str) -> Result<Option<ChallengeRecord>, Error> {
        let stored = self.database.begin().get(&key::challenge(token)).await?;
        Ok(stored.and_then(|stored| record::challenge::decode(&stored).ok()))
    }

    /// Writes, and tells the nodes that shall look; what is written is the same when it is written twice.
    async fn write(&self, writes: &[(Bytes, Option<Bytes>)], told: For) -> Result<(), Error> {
        let write = async |transaction: &mut Transaction| {
            for (key, value) in writes {
                match value {
                    Some(value) => transaction.set(key.clone(), value.clone()),
                    None => transaction.clear(key),
                }
            }
            if !matches!(told, For::Nobody) {
                transaction.atomic_add(key::version(), 1);
            }
            if matches!(told, For::Certificates) {
                transaction.atomic_add(key::certificates_version(), 1);
            }
            Ok::<_, Error>(())
        };
        match self.database.run(write).await {
            Err(Error::CommitUnknown) => self.database.run(write).await,
            done => done,
        }
    }

    pub(crate) async fn set_account(&self, directory: &str, account: AccountRecord) -> Result<(), Error> {
        let value = record::account::encode(account, &self.sealer, directory).map_err(|error| unavailable(&error))?;
        self.write(&[(key::account(directory), Some(value))], For::Nobody).await
    }

    /// A certificate has come: what failed before is forgotten.
    pub(crate) async fn set_certificate(&self, subject: &str, certificate: CertificateRecord) -> Result<(), Error> {
        let value =
            record::certificate::encode(certificate, &self.sealer, subject).map_err(|error| unavailable(&error))?;
        let writes = [(key::certificate(subject), Some(value)), (key::failure(subject), None)];
        self.write(&writes, For::Certificates).await
    }

    /// A certificate was brought. Of the end of the one before nothing more is to be told.
    pub(crate) async fn set_own(&self, subject: &str, own: OwnRecord) -> Result<(), Error> {
        let value = record::own::encode(own, &self.sealer, subject).map_err(|error| unavailable(&error))?;
        self.write_own(subject, Some(value)).await
    }

    /// What was brought is shown no more.
    pub(crate) async fn forget_own(&self, subject: &str) -> Result<(), Error> {
        self.write_own(subject, None).await
    }

    /// Asked for by handlers of requests, whose futures go from thread to thread: without a closure, which would borrow.
    async fn write_own(&self, subject: &str, value: Option<Bytes>) -> Result<(), Error> {
        let (own, told) = (key::own_of(subject), key::told(subject));
        let mut last = Error::CommitUnknown;
        for _ in 0..WRITES_MAX {
            let mut transaction = self.database.begin();
            match &value {
                Some(value) => transaction.set(own.clone(), value.clone()),
                None => transaction.clear(&own),
            }
            transaction.clear(&told);
            transaction.atomic_add(key::version(), 1);
            transaction.atomic_add(key::certificates_version(), 1);
            match transaction.commit().await {
                Ok(_) => return Ok(()),
                // It is the same when it is written twice.
                Err(error) if error.is_retryable() || error == Error::CommitUnknown => last = error,
                Err(error) => return Err(error),
            }
        }
        Err(last)
    }

    /// Sends a notice once: `news` has what to note that was told, if it is news after what was told before.
    pub(crate) async fn tell(
        &self,
        subject: &str,
        notice: &Notice,
        news: impl Fn(Option<ToldRecord>) -> Option<ToldRecord>,
    ) -> Result<(), Error> {
        let key = key::told(subject);
        let tell = async |transaction: &mut Transaction| {
            let stored = transaction.get(&key).await?;
            let before = stored.and_then(|stored| record::own::decode_told(&stored).ok());
            if let Some(told) = news(before) {
                transaction.set(key.clone(), record::own::encode_told(told));
                hongyan_notice::write(transaction, notice);
            }
            Ok::<_, Error>(())
        };
        match self.database.run(tell).await {
            Err(Error::CommitUnknown) => self.database.run(tell).await,
            done => done,
        }
    }

    pub(crate) async fn set_failure(&self, subject: &str, failure: FailureRecord) -> Result<(), Error> {
        let value = record::failure::encode(failure);
        self.write(&[(key::failure(subject), Some(value))], For::Nobody).await
    }

    /// Nothing is wanted for a subject any more.
    pub(crate) async fn forget(&self, subject: &str) -> Result<(), Error> {
        let writes = [(key::certificate(subject), None), (key::failure(subject), None)];
        self.write(&writes, For::Certificates).await
    }

    pub(crate) async fn set_challenges(&self, challenges: &[(String, ChallengeRecord)]) -> Result<(), Error> {
        let write = |(token, challenge): &(String, ChallengeRecord)| {
            (
                key::challenge(token),
                Some(record::challenge::encode(challenge.clone())),
            )
        };
        self.write(&challenges.iter().map(write).collect::<Vec<_>>(), For::Answers)
            .await
    }

    pub(crate) async fn clear_challenges(&self, tokens: &[String]) -> Result<(), Error> {
        let clear = |token: &String| (key::challenge(token), None);
        self.write(&tokens.iter().map(clear).collect::<Vec<_>>(), For::Answers)
            .await
    }

    /// Clears challenges of a node that ended in the middle of an order.
    pub(crate) async fn sweep(&self, now_millis: i64) -> Result<(), Error> {
        let mut transaction = self.database.begin();
        let decode = |_: &str, stored: &[u8]| record::challenge::decode(stored).ok();
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
