//! One change under way: its transaction, and what it touches, which every node is told with the same commit.
//!
//! All changes write the version, so they happen one after the other. The version's record also tells whether a commit of
//! unknown result took place: it bears the name of whoever made the change, so none is done twice or reported as failed.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use bytes::Bytes;
use hongyan_audit::{Author, Chain, Entry, Event};
use hongyan_kv::{AsStorageError, Database, Transaction};
use hongyan_notice::{Notice, NoticeId, Recipient, Text};
use hongyan_types::{AccountId, TenantId, Timestamp};

use crate::acting::Acting;
use crate::record::change::{self, ChangeRecord, Touched};
use crate::record::feed::Subject;
use crate::transaction::read_int;
use crate::transaction::share_notice::Kept;
use crate::{DirectoryOptions, Error, Result, feed, key, request};

/// How many changes are kept for nodes that have not heard of them.
pub(crate) const CHANGES_KEPT_MAX: u64 = 4_096;
/// What a change's record may hold; one that touches more makes every node forget everything.
const RECORD_OCTETS_MAX: usize = 50_000;
/// How long a change whose commit has an unknown result is looked for while the store is away.
const SETTLE_MAX: Duration = Duration::from_secs(10);
/// Time between two looks.
const SETTLE_PAUSE: Duration = Duration::from_millis(100);

/// A change under way; reads and writes as its [`Transaction`].
pub struct Change {
    transaction: Transaction,
    touched: Vec<Touched>,
    events: BTreeMap<Chain, Vec<Event>>,
    subjects: BTreeMap<TenantId, BTreeSet<Subject>>,
    author: Author,
    at: Timestamp,
    share_notices_kept: Kept,
    due: Vec<Due>,
}

/// A mail to administrators that a change finds to be due.
struct Due {
    tenant: TenantId,
    kind: &'static str,
    english: Text,
    chinese: Text,
}

/// What a change is made with.
#[derive(Clone, Copy)]
pub(crate) struct Ground<'a> {
    pub(crate) database: &'a Database,
    pub(crate) env: &'a hongyan_env::Env,
    pub(crate) options: &'a DirectoryOptions,
    pub(crate) acting: &'a Acting,
}

impl Deref for Change {
    type Target = Transaction;
    fn deref(&self) -> &Transaction {
        &self.transaction
    }
}

impl DerefMut for Change {
    fn deref_mut(&mut self) -> &mut Transaction {
        &mut self.transaction
    }
}

impl Change {
    pub(crate) fn begin(ground: &Ground<'_>, at: Timestamp) -> Self {
        let kept = ground.options.share_notices_kept.as_millis();
        Self {
            transaction: ground.database.begin(),
            touched: Vec::new(),
            events: BTreeMap::new(),
            subjects: BTreeMap::new(),
            due: Vec::new(),
            author: ground.acting.author.clone(),
            at,
            share_notices_kept: Kept {
                max: ground.options.share_notices_max,
                millis: i64::try_from(kept).unwrap_or(i64::MAX),
                at_once_max: ground.options.share_notified_members_max,
            },
        }
    }
    /// In whose name it is made.
    pub(crate) fn author(&self) -> &Author {
        &self.author
    }
    /// When it is made.
    pub(crate) fn at(&self) -> Timestamp {
        self.at
    }
    pub(crate) fn share_notices_kept(&self) -> Kept {
        self.share_notices_kept
    }
    /// The next number of the counter at `key`, which begins with 1; none is given out twice.
    ///
    /// # Errors
    /// The store's.
    pub async fn take_number(&mut self, key: Bytes) -> Result<u64> {
        let last = match self.transaction.get(&key).await? {
            Some(stored) => read_int(&stored)?,
            None => 0,
        };
        self.transaction.set(key, (last + 1).to_le_bytes().to_vec());
        Ok(last + 1)
    }
    /// Tells every node `notice`, in the order of the changes and at least once, unless a node was away for so long that it
    /// is told to forget everything.
    pub fn notify(&mut self, notice: Bytes) {
        self.touched.push(Touched::Notice(notice));
    }
    /// Wakes those who wait for news of an account, on every node ([`crate::AccountNews`]).
    pub fn wake(&mut self, tenant: TenantId, account: AccountId) {
        self.touched.push(Touched::Account { tenant, account });
    }
    pub(crate) fn touch(&mut self, touched: Touched) {
        self.touched.push(touched);
    }
    /// Tells the audit log what is done.
    pub fn record(&mut self, chain: Chain, event: Event) {
        self.events.entry(chain).or_default().push(event);
    }
    /// Has a mail sent to a tenant's administrators, which only the change itself could know of.
    pub(crate) fn tell_administrators(&mut self, tenant: TenantId, kind: &'static str, english: Text, chinese: Text) {
        self.due.push(Due {
            tenant,
            kind,
            english,
            chinese,
        });
    }
    /// Tells a tenant's followers that something of the organisation itself is changed.
    pub fn tell_of_organisation(&mut self, tenant: TenantId) {
        self.tell(tenant, Subject::Tenant);
    }
    /// Tells a tenant's followers what is changed.
    pub fn tell(&mut self, tenant: TenantId, subject: Subject) {
        self.subjects.entry(tenant).or_default().insert(subject);
    }

    /// Writes what was touched as the next version, and commits. The version is 0 when nothing was touched.
    async fn commit(mut self, by: u64, author: &Author, at: Timestamp) -> (u64, Vec<Touched>, hongyan_kv::Result<()>) {
        let version = match self.write_all(by, author, at).await {
            Ok(version) => version,
            Err(error) => return (0, self.touched, Err(error)),
        };
        let committed = self.transaction.commit().await;
        (version, self.touched, committed.map(|_| ()))
    }

    async fn write_all(&mut self, by: u64, author: &Author, at: Timestamp) -> hongyan_kv::Result<u64> {
        for (place, due) in std::mem::take(&mut self.due).into_iter().enumerate() {
            let notice = Notice {
                id: due_id(by, at, place),
                at,
                to: Recipient::Administrators(due.tenant),
                kind: due.kind.to_owned(),
                english: due.english,
                chinese: due.chinese,
            };
            self.send(&notice);
        }
        for (chain, events) in std::mem::take(&mut self.events) {
            let entries: Vec<Entry> = events
                .into_iter()
                .map(|event| Entry::new(event, author.clone(), at))
                .collect();
            hongyan_audit::append(&mut self.transaction, chain, &entries).await?;
        }
        for (tenant, subjects) in std::mem::take(&mut self.subjects) {
            feed::append(&mut self.transaction, tenant, subjects, at).await?;
        }
        self.write_record(by).await
    }

    async fn write_record(&mut self, by: u64) -> hongyan_kv::Result<u64> {
        if self.touched.is_empty() {
            return Ok(0);
        }
        self.touched.sort_unstable();
        self.touched.dedup();
        let version = read_version(&mut self.transaction).await? + 1;
        let mut record = ChangeRecord {
            by,
            touched: self.touched.clone(),
        };
        let mut stored = change::encode(&record);
        if stored.len() > RECORD_OCTETS_MAX {
            // What others have to say still fits.
            record.touched.retain(|touched| matches!(touched, Touched::Notice(_)));
            record.touched.push(Touched::Everything);
            stored = change::encode(&record);
        }
        self.transaction.set(key::version(), version.to_le_bytes().to_vec());
        self.transaction.set(key::change(version), stored);
        if let Some(old) = version.checked_sub(CHANGES_KEPT_MAX) {
            self.transaction.clear(&key::change(old));
        }
        Ok(version)
    }
}

/// The name of a mail of a change: the same when the change is tried again.
fn due_id(by: u64, at: Timestamp, place: usize) -> NoticeId {
    let mut hasher = blake3::Hasher::new_derive_key("hongyan 2026 a mail that a change of the directory finds due");
    for number in [by.to_le_bytes(), at.millis.to_le_bytes(), (place as u64).to_le_bytes()] {
        hasher.update(&number);
    }
    let mut id = [0; 16];
    hasher.finalize_xof().fill(&mut id);
    NoticeId(id)
}

/// The count of changes so far.
pub(crate) async fn read_version(transaction: &mut Transaction) -> hongyan_kv::Result<u64> {
    match transaction.get(&key::version()).await? {
        Some(stored) => read_int(&stored),
        None => Ok(0),
    }
}

/// What a change has done.
pub(crate) struct Done<T> {
    pub(crate) value: T,
    pub(crate) touched: Vec<Touched>,
    /// 0 when it touched nothing.
    pub(crate) version: u64,
}

/// Makes a change, again and again while that may help; it happens once. `by` is random.
pub(crate) async fn run<T>(ground: Ground<'_>, mut body: impl AsyncFnMut(&mut Change) -> Result<T>) -> Result<Done<T>> {
    let Ground { env, acting, .. } = ground;
    let by = env.random_u64();
    let at = Timestamp {
        millis: env.wall_millis(),
    };
    let request = acting.take_request();
    let mut unsure: Option<Done<T>> = None;
    let mut settle_until = 0;
    let mut attempt = 0;
    loop {
        attempt += 1;
        let mut change = Change::begin(&ground, at);
        let outcome = match took_place(&mut change.transaction, by, unsure.as_ref()).await {
            Ok(true) => return unsure.ok_or(Error::Storage(hongyan_kv::Error::CommitUnknown)),
            Ok(false) => match request::begin(&mut change.transaction, request, at).await {
                Ok(()) => body(&mut change).await,
                Err(error) => Err(error),
            },
            Err(error) => Err(error.into()),
        };
        let error = match outcome {
            Ok(value) => match change.commit(by, &acting.author, at).await {
                (version, touched, Ok(())) => {
                    return Ok(Done {
                        value,
                        touched,
                        version,
                    });
                }
                (version, touched, Err(error)) => {
                    if error == hongyan_kv::Error::CommitUnknown && version > 0 {
                        settle_until = env.now_micros().saturating_add(micros(SETTLE_MAX));
                        // An earlier one of the same version did the same to the same state; one of an earlier version
                        // can no longer take place.
                        unsure = Some(Done {
                            value,
                            touched,
                            version,
                        });
                    }
                    error.into()
                }
            },
            Err(error) => error,
        };
        if attempt >= Database::ATTEMPTS_MAX {
            return Err(error);
        }
        match error.as_storage_error() {
            Some(cause) if cause.is_retryable() || *cause == hongyan_kv::Error::CommitUnknown => {
                tokio::task::yield_now().await;
            }
            // The store went away with the answer.
            Some(hongyan_kv::Error::Unavailable(_)) if unsure.is_some() && env.now_micros() < settle_until => {
                env.sleep(SETTLE_PAUSE).await;
            }
            _ => return Err(error),
        }
    }
}

/// Whether the commit of unknown result took place. If not, it never will once a later attempt has committed: both write the
/// version that both have read.
async fn took_place<T>(transaction: &mut Transaction, by: u64, unsure: Option<&Done<T>>) -> hongyan_kv::Result<bool> {
    let Some(unsure) = unsure else { return Ok(false) };
    let stored = transaction.get(&key::change(unsure.version)).await?;
    Ok(stored
        .and_then(|stored| change::decode(&stored).ok())
        .is_some_and(|found| found.by == by))
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}
