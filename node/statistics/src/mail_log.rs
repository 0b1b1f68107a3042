//! The log of all mail of an organisation (STAT-5) and of one account (LOG-4, LOG-6).
//!
//! Entries are gathered in memory and written together a few times a second, so that they cost a delivery next to nothing; a
//! node that dies takes the last of them along. Nothing changes an entry: what becomes of a mail later is in `node/trail`.

use hongyan_directory::Error;
use hongyan_kv::{KeyRange, RangeQuery, ReadMode, Transaction, Tuple};
use hongyan_telemetry::{Counter, counter};
use hongyan_types::{AccountId, TenantId, Timestamp};
use parking_lot::Mutex;

use crate::mail_entry::{MailEntry, MailKind};
use crate::{Counts, key};

/// Entries that wait to be written; more are lost, and counted.
const WAITING_MAX: usize = 50_000;
/// Entries written, or removed, in one transaction.
const STEP: usize = 500;
/// Octets of entries written in one transaction, about.
const STEP_OCTETS: usize = 1 << 20;
/// Entries looked at for one page: a filter that finds little answers with what it has, and where to go on.
const PAGE_SCAN_MAX: usize = 20_000;

/// Whose mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailOf {
    /// All of an organisation.
    Tenant(TenantId),
    /// One account's.
    Account(AccountId),
}

/// Names an entry among those of its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct MailPlace {
    /// When.
    pub millis: u64,
    /// Which of that moment.
    pub random: u64,
}

/// Which entries; all of what is said must hold.
#[derive(Debug, Clone, Default)]
pub struct MailFilter {
    /// Not before.
    pub from: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
    /// Only what went this way.
    pub kind: Option<MailKind>,
    /// Sender or a recipient is of this domain, in its ASCII form.
    pub domain: Option<String>,
    /// Words that the subject contains, without regard to case.
    pub subject: Option<String>,
    /// Part of the sender's or a recipient's address.
    pub address: Option<String>,
}

impl MailFilter {
    fn takes(&self, entry: &MailEntry) -> bool {
        let addresses = || {
            let recipients = entry.recipients.iter().map(|recipient| recipient.address.as_str());
            recipients.chain([entry.sender.as_str(), entry.owner.as_str()])
        };
        let is_of = |address: &str, domain: &str| {
            let found = address.rsplit_once('@').map_or("", |(_, domain)| domain);
            found.eq_ignore_ascii_case(domain)
        };
        let contains = |text: &str, part: &str| text.to_lowercase().contains(&part.to_lowercase());
        self.kind.is_none_or(|kind| entry.kind == kind)
            && (self.subject.as_deref()).is_none_or(|part| contains(&entry.subject, part))
            && (self.domain.as_deref()).is_none_or(|domain| addresses().any(|address| is_of(address, domain)))
            && (self.address.as_deref()).is_none_or(|part| addresses().any(|address| contains(address, part)))
    }
}

/// Part of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailPage {
    /// The newest first, each with its place.
    pub entries: Vec<(MailPlace, MailEntry)>,
    /// Ask for what is before this to go on; nothing at the end.
    pub next: Option<MailPlace>,
    /// Entries that were looked at.
    pub scanned: usize,
}

/// What waits to be written.
pub(crate) struct Waiting {
    entries: Mutex<Vec<MailEntry>>,
    lost: Counter,
}

impl Waiting {
    pub(crate) fn new() -> Self {
        Self {
            entries: Mutex::default(),
            lost: counter(
                "hongyan_statistics_mail_entries_lost_total",
                "Mails that are not in the mail log: too many waited to be written.",
            ),
        }
    }
    fn put(&self, some: impl IntoIterator<Item = MailEntry>) {
        let mut entries = self.entries.lock();
        for entry in some {
            if entries.len() < WAITING_MAX {
                entries.push(entry);
            } else {
                self.lost.inc();
            }
        }
    }
    fn take(&self) -> Vec<MailEntry> {
        let mut entries = self.entries.lock();
        let count = entries.len().min(STEP);
        entries.drain(..count).collect()
    }
}

fn space(of: MailOf) -> Tuple {
    match of {
        MailOf::Tenant(tenant) => key::mail(tenant),
        MailOf::Account(account) => key::mail_of(account),
    }
}

fn at(prefix: Tuple, place: MailPlace) -> bytes::Bytes {
    prefix.int(place.millis).int(place.random).pack()
}

fn place_of(prefix: &Tuple, key: &[u8]) -> hongyan_kv::Result<MailPlace> {
    let corrupt = |_| hongyan_kv::Error::Corrupt("key of a mail in the log".to_owned());
    let mut reader = prefix.reader(key).map_err(corrupt)?;
    Ok(MailPlace {
        millis: reader.int().map_err(corrupt)?,
        random: reader.int().map_err(corrupt)?,
    })
}

fn millis(at: Timestamp) -> u64 {
    u64::try_from(at.millis).unwrap_or(0)
}

impl Counts {
    /// Notes a mail.
    pub fn log_mail(&self, mut entry: MailEntry) {
        entry.cut();
        self.0.mail.put([entry]);
    }

    /// Writes the mails that wait. What cannot be written waits on.
    pub async fn write_mail(&self) {
        loop {
            let step = self.0.mail.take();
            if step.is_empty() {
                return;
            }
            let mut part: Vec<(MailPlace, &MailEntry, bytes::Bytes)> = Vec::new();
            let mut octets = 0;
            for (index, entry) in step.iter().enumerate() {
                let place = MailPlace {
                    millis: millis(entry.at),
                    random: self.0.env.random_u64() >> 1,
                };
                let stored = entry.encode();
                octets += 2 * stored.len() + 100;
                part.push((place, entry, stored));
                if octets < STEP_OCTETS && index + 1 < step.len() {
                    continue;
                }
                if !self.write_part(&part).await {
                    let unwritten = step.get(index + 1 - part.len()..).unwrap_or_default();
                    self.0.mail.put(unwritten.iter().cloned());
                    return;
                }
                part.clear();
                octets = 0;
            }
        }
    }

    async fn write_part(&self, part: &[(MailPlace, &MailEntry, bytes::Bytes)]) -> bool {
        let write = async |transaction: &mut Transaction| {
            for (place, entry, stored) in part {
                transaction.set(at(key::mail(entry.tenant), *place), stored.clone());
                transaction.set(at(key::mail_of(entry.account), *place), stored.clone());
            }
            Ok::<_, hongyan_kv::Error>(())
        };
        match self.0.database.run(write).await {
            // Writing the same again changes nothing.
            Ok(()) | Err(hongyan_kv::Error::CommitUnknown) => true,
            Err(error) => {
                tracing::warn!(event = "mail_log_not_written", %error, "entries wait");
                false
            }
        }
    }

    /// Mails that `filter` takes, the newest first, before `before`, at most `limit`.
    ///
    /// # Errors
    /// The store's.
    pub async fn mail(
        &self,
        of: MailOf,
        filter: &MailFilter,
        before: Option<MailPlace>,
        limit: usize,
    ) -> Result<MailPage, Error> {
        let prefix = space(of);
        let mut range = prefix.range();
        if let Some(from) = filter.from {
            range.begin = prefix.clone().int(millis(from)).pack();
        }
        if let Some(until) = filter.until {
            range.end = prefix.clone().int(millis(until)).pack();
        }
        if let Some(before) = before {
            range.end = at(prefix.clone(), before).min(range.end);
        }
        let mut page = MailPage {
            entries: Vec::new(),
            next: None,
            scanned: 0,
        };
        loop {
            let query = RangeQuery {
                range: range.clone(),
                limit: STEP.min(limit.max(50)),
                reverse: true,
                mode: ReadMode::Snapshot,
            };
            let step = query.limit;
            let pairs = self.0.database.begin().get_range_all(query).await?;
            for pair in &pairs {
                let place = place_of(&prefix, &pair.key)?;
                let entry = MailEntry::decode(place.millis, &pair.value).map_err(hongyan_kv::Error::from)?;
                page.scanned += 1;
                if filter.takes(&entry) {
                    page.entries.push((place, entry));
                }
                if page.entries.len() == limit || page.scanned == PAGE_SCAN_MAX {
                    page.next = Some(place);
                    return Ok(page);
                }
            }
            match pairs.last() {
                Some(last) if pairs.len() == step => range.end = last.key.clone(),
                _ => return Ok(page),
            }
        }
    }

    /// One mail of an account.
    ///
    /// # Errors
    /// The store's.
    pub async fn mail_at(&self, account: AccountId, place: MailPlace) -> Result<Option<MailEntry>, Error> {
        let key = at(key::mail_of(account), place);
        let stored = self.0.database.begin().get_snapshot(&key).await?;
        let entry = stored.map(|stored| MailEntry::decode(place.millis, &stored));
        Ok(entry.transpose().map_err(hongyan_kv::Error::from)?)
    }

    /// Notes that a mail was reported to the administrators (LOG-11); false when it was before.
    ///
    /// # Errors
    /// The store's.
    pub async fn report_mail(
        transaction: &mut Transaction,
        account: AccountId,
        place: MailPlace,
    ) -> hongyan_kv::Result<bool> {
        let key = at(key::mail_reported(account), place);
        let is_new = transaction.get(&key).await?.is_none();
        transaction.set(key, Vec::new());
        Ok(is_new)
    }

    /// Removes the mails of an organisation from before `until` from its log and those of its accounts, some at a time.
    ///
    /// # Errors
    /// The store's; what was removed stays removed.
    pub async fn sweep_mail(&self, tenant: TenantId, until: Timestamp) -> Result<(), Error> {
        let until = millis(until);
        loop {
            let step = async move |transaction: &mut Transaction| {
                let prefix = key::mail(tenant);
                let query = RangeQuery {
                    range: KeyRange {
                        begin: prefix.range().begin,
                        end: prefix.clone().int(until).pack(),
                    },
                    limit: STEP,
                    reverse: false,
                    mode: ReadMode::Snapshot,
                };
                let pairs = transaction.get_range_all(query).await?;
                for pair in &pairs {
                    let place = place_of(&prefix, &pair.key)?;
                    if let Ok(entry) = MailEntry::decode(place.millis, &pair.value) {
                        transaction.clear(&at(key::mail_of(entry.account), place));
                        transaction.clear(&at(key::mail_reported(entry.account), place));
                    }
                    transaction.clear(&pair.key);
                }
                Ok::<_, hongyan_kv::Error>(pairs.len())
            };
            if self.0.database.run(step).await? < STEP {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use hongyan_directory::{Directory, DirectoryOptions};
    use hongyan_env::Env;
    use hongyan_kv::Database;
    use hongyan_memory::MemoryStore;

    use super::*;
    use crate::StatisticsOptions;
    use crate::mail_entry::example;

    fn counts() -> Counts {
        let (env, _) = Env::manual(1);
        let database = Database::new(MemoryStore::default());
        let directory = Directory::new(database.clone(), env, DirectoryOptions::default());
        Counts::new(directory, database, StatisticsOptions::default())
    }

    async fn subjects(counts: &Counts, of: MailOf, filter: &MailFilter) -> Vec<String> {
        let (mut found, mut before) = (Vec::new(), None);
        loop {
            let page = counts.mail(of, filter, before, 7).await.unwrap();
            found.extend(page.entries.into_iter().map(|(_, entry)| entry.subject));
            before = page.next;
            if before.is_none() {
                return found;
            }
        }
    }

    #[tokio::test]
    async fn stat_5_mail_is_found_by_time_kind_domain_subject_and_account() {
        let counts = counts();
        let (anna, ben, tenant) = (AccountId(1), AccountId(2), MailOf::Tenant(TenantId(1)));
        for at in 0..20 {
            let (account, kind) = match at % 2 {
                0 => (anna, MailKind::Sent),
                _ => (ben, MailKind::Received),
            };
            counts.log_mail(example(at, account, kind, &format!("Mail {at}")));
        }
        let mut other = example(30, anna, MailKind::Received, "Report");
        other.sender = "boss@X.test".to_owned();
        counts.log_mail(other);
        counts.write_mail().await;
        let all = subjects(&counts, tenant, &MailFilter::default()).await;
        assert_eq!((all.len(), all[0].as_str(), all[20].as_str()), (21, "Report", "Mail 0"));
        let of_anna = subjects(&counts, MailOf::Account(anna), &MailFilter::default()).await;
        assert_eq!((of_anna.len(), of_anna[1].as_str()), (11, "Mail 18"));
        let check = async |filter: MailFilter, count: usize| {
            assert_eq!(subjects(&counts, tenant, &filter).await.len(), count, "{filter:?}");
        };
        let base = MailFilter::default;
        let kind = Some(MailKind::Sent);
        check(MailFilter { kind, ..base() }, 10).await;
        let domain = |domain: &str| Some(domain.to_owned());
        check(
            MailFilter {
                domain: domain("x.test"),
                ..base()
            },
            1,
        )
        .await;
        check(
            MailFilter {
                domain: domain("c.test"),
                ..base()
            },
            21,
        )
        .await;
        check(
            MailFilter {
                domain: domain("test"),
                ..base()
            },
            0,
        )
        .await;
        check(
            MailFilter {
                subject: domain("REP"),
                ..base()
            },
            1,
        )
        .await;
        check(
            MailFilter {
                address: domain("boss@"),
                ..base()
            },
            1,
        )
        .await;
        let moment = |millis| Some(Timestamp { millis });
        let (from, until) = (moment(5), moment(8));
        check(MailFilter { from, until, ..base() }, 3).await;
        let page = counts.mail(tenant, &base(), None, 1).await.unwrap();
        let (place, entry) = &page.entries[0];
        assert_eq!(counts.mail_at(anna, *place).await.unwrap().as_ref(), Some(entry));
        assert_eq!(counts.mail_at(ben, *place).await.unwrap(), None);
    }

    #[tokio::test]
    async fn stat_5_what_is_old_is_swept_in_steps() {
        let counts = counts();
        for at in 0..1_200 {
            counts.log_mail(example(at, AccountId(1), MailKind::Sent, "m"));
        }
        counts.write_mail().await;
        let until = Timestamp { millis: 1_150 };
        counts.sweep_mail(TenantId(1), until).await.unwrap();
        for of in [MailOf::Tenant(TenantId(1)), MailOf::Account(AccountId(1))] {
            assert_eq!(subjects(&counts, of, &MailFilter::default()).await.len(), 50);
        }
    }

    #[tokio::test]
    async fn stat_5_a_filter_that_finds_nothing_answers_in_bounded_time() {
        let counts = counts();
        for at in 0..PAGE_SCAN_MAX + 10 {
            let at = i64::try_from(at).unwrap();
            counts.log_mail(example(at, AccountId(1), MailKind::Sent, "m"));
        }
        counts.write_mail().await;
        let filter = MailFilter {
            subject: Some("nothing".to_owned()),
            ..MailFilter::default()
        };
        let of = MailOf::Tenant(TenantId(1));
        let page = counts.mail(of, &filter, None, 5).await.unwrap();
        assert_eq!((page.entries.len(), page.scanned), (0, PAGE_SCAN_MAX));
        let page = counts.mail(of, &filter, page.next, 5).await.unwrap();
        assert_eq!((page.scanned, page.next), (10, None));
    }
}
