//! A message that an account has sent or is about to send: the record, and the transactions on it.

use bytes::Bytes;
use hongyan_kv::record::{RecordError, Schema, decode, encode};
use hongyan_kv::{Error, RangeQuery, ReadMode, Result, Transaction, Tuple};
use hongyan_ledger::{Changes, Ledger};
use hongyan_types::{AccountId, TenantId};
use minicbor::{Decode, Encode};

use crate::{Delivered, Parameters, Recipient};

/// How long a submission is remembered.
const KEPT_MILLIS: i64 = 30 * 24 * 3_600 * 1_000;
/// Old submissions that go with a new one.
const SWEPT: usize = 4;
/// Reports and receipts that are remembered of a submission, of each.
const REPORTS_MAX: usize = 500;
/// Of a longer `Message-ID` no reports are found.
const MESSAGE_ID_OCTETS_MAX: usize = 250;

/// Names a submission across accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubmissionId {
    /// Whose organisation.
    pub tenant: TenantId,
    /// Whose.
    pub account: AccountId,
    /// Which one.
    pub number: u64,
}

/// How far a submission is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Progress {
    /// Being handed over to delivery.
    #[n(0)]
    Sending,
    /// In the hands of delivery.
    #[n(1)]
    Sent,
    /// Taken back before it left.
    #[n(2)]
    Canceled,
}

/// A submission; its recipients are records of their own.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Submission {
    /// The mail in the account's mailbox.
    #[n(0)]
    pub email: u64,
    /// Its thread.
    #[n(1)]
    pub thread: u64,
    /// As whom it is sent.
    #[n(2)]
    pub identity: u64,
    /// The envelope's sender; empty is the null sender.
    #[n(3)]
    pub mail_from: String,
    /// Parameters of the envelope's sender.
    #[n(4)]
    pub parameters: Parameters,
    /// When it leaves, in milliseconds since the Unix epoch.
    #[n(5)]
    pub send_at_millis: i64,
    /// Whether it waits until then.
    #[n(6)]
    pub is_scheduled: bool,
    /// How far it is.
    #[n(7)]
    pub progress: Progress,
    /// Where in the queue it waits, shard and number, when it is scheduled.
    #[n(8)]
    pub entries: Vec<(u16, u64)>,
    /// The mail's `Message-ID`, without angle brackets.
    #[n(9)]
    pub message_id: Option<String>,
    /// The address in its `From`, in lower case.
    #[n(10)]
    pub from: Option<String>,
    /// Reports about its delivery in the account's mailbox, in the order in which they came.
    #[n(11)]
    pub reports: Option<Vec<u64>>,
    /// Receipts of its readers, likewise.
    #[n(12)]
    pub receipts: Option<Vec<u64>>,
    /// The mail's subject, decoded, of at most [`SUBJECT_CHARACTERS_MAX`].
    #[n(13)]
    pub subject: Option<String>,
}

/// A report that has come about a submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// About its delivery (RFC 3464): what another host says of recipients that were handed over to it.
    Delivery(Vec<(String, Delivered, String)>),
    /// A receipt (RFC 8098), and whose, when it says that the mail was displayed.
    Receipt(Option<String>),
}

/// Characters that are kept of a subject.
pub const SUBJECT_CHARACTERS_MAX: usize = 500;

const V1: Schema = Schema(1);

impl Submission {
    fn encode(&self) -> Bytes {
        encode(V1, self)
    }
    fn decode(stored: &[u8]) -> Result<Self> {
        decode(V1, stored).map_err(corrupt)
    }
}

fn corrupt(error: RecordError) -> Error {
    Error::from(error)
}

/// The submissions of an account.
#[derive(Debug, Clone)]
pub struct Submissions {
    ledger: Ledger,
    recipients: Tuple,
    by_message: Tuple,
}

impl Submissions {
    /// Those of an account.
    #[must_use]
    pub fn of(tenant: TenantId, account: AccountId) -> Self {
        let space = Tuple::new().string("trail").int(tenant.0).int(account.0);
        Self {
            ledger: Ledger::new(space.clone().int(0_u8)),
            recipients: space.clone().int(1_u8),
            by_message: space.int(2_u8),
        }
    }
    fn message_key(&self, submission: &Submission) -> Option<Bytes> {
        let id = submission.message_id.as_deref()?;
        (id.len() <= MESSAGE_ID_OCTETS_MAX).then(|| self.by_message.clone().string(id).pack())
    }
    fn recipient_key(&self, number: u64, address: &str) -> Bytes {
        self.recipients
            .clone()
            .int(number)
            .string(&address.to_lowercase())
            .pack()
    }
    /// The state of the log.
    ///
    /// # Errors
    /// The store's.
    pub async fn state(&self, transaction: &mut Transaction) -> Result<u64> {
        self.ledger.state(transaction).await
    }
    /// As [`Ledger::changes`].
    ///
    /// # Errors
    /// The store's.
    pub async fn changes(&self, transaction: &mut Transaction, since: u64, max: usize) -> Result<Option<Changes>> {
        self.ledger.changes(transaction, since, max).await
    }
    /// A submission.
    ///
    /// # Errors
    /// The store's.
    pub async fn get(&self, transaction: &mut Transaction, number: u64) -> Result<Option<Submission>> {
        let stored = self.ledger.get(transaction, number).await?;
        stored.map(|stored| Submission::decode(&stored)).transpose()
    }
    /// All of them, oldest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn all(&self, transaction: &mut Transaction) -> Result<Vec<(u64, Submission)>> {
        let stored = self.ledger.all(transaction).await?.into_iter();
        stored
            .map(|(number, stored)| Ok((number, Submission::decode(&stored)?)))
            .collect()
    }
    /// The latest of them, or those before a number, the latest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn last(
        &self,
        transaction: &mut Transaction,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Submission)>> {
        let stored = self.ledger.last(transaction, before, limit).await?.into_iter();
        stored
            .map(|(number, stored)| Ok((number, Submission::decode(&stored)?)))
            .collect()
    }
    /// The recipients of a submission in the envelope's order.
    ///
    /// # Errors
    /// The store's.
    pub async fn recipients(&self, transaction: &mut Transaction, number: u64) -> Result<Vec<Recipient>> {
        let query = RangeQuery {
            range: self.recipients.clone().int(number).range(),
            limit: 0,
            reverse: false,
            mode: ReadMode::Serializable,
        };
        let pairs = transaction.get_range_all(query).await?;
        let read = pairs
            .iter()
            .map(|pair| Recipient::decode(&pair.value).map_err(corrupt))
            .collect::<Result<Vec<Recipient>>>();
        let mut recipients = read?;
        recipients.sort_unstable_by_key(|recipient| recipient.index);
        Ok(recipients)
    }
    /// Adds a submission, and forgets some that are too old.
    ///
    /// # Errors
    /// The store's.
    pub async fn add(
        &self,
        transaction: &mut Transaction,
        submission: &Submission,
        recipients: &[Recipient],
        now_millis: i64,
    ) -> Result<u64> {
        for (number, stored) in self.ledger.first(transaction, SWEPT).await? {
            let old = Submission::decode(&stored)?;
            if old.send_at_millis < now_millis.saturating_sub(KEPT_MILLIS) {
                self.remove(transaction, number).await?;
            }
        }
        let number = self.ledger.create(transaction, submission.encode()).await?;
        if let Some(key) = self.message_key(submission) {
            transaction.set(key, number.to_be_bytes().to_vec());
        }
        for recipient in recipients {
            transaction.set(self.recipient_key(number, &recipient.address), recipient.encode());
        }
        Ok(number)
    }
    /// Changes a submission; nothing happens when it is gone.
    ///
    /// # Errors
    /// The store's.
    pub async fn set(&self, transaction: &mut Transaction, number: u64, submission: &Submission) -> Result<()> {
        if self.ledger.get(transaction, number).await?.is_some() {
            self.ledger.put(transaction, number, submission.encode()).await?;
        }
        Ok(())
    }
    /// Forgets a submission; whether it was there.
    ///
    /// # Errors
    /// The store's.
    pub async fn remove(&self, transaction: &mut Transaction, number: u64) -> Result<bool> {
        transaction.clear_range(self.recipients.clone().int(number).range());
        if let Some(submission) = self.get(transaction, number).await?
            && self.of_message(transaction, submission.message_id.as_deref()).await? == Some(number)
            && let Some(key) = self.message_key(&submission)
        {
            transaction.clear(&key);
        }
        self.ledger.remove(transaction, number).await
    }
    /// The last submission of the mail with a `Message-ID`.
    ///
    /// # Errors
    /// The store's.
    pub async fn of_message(&self, transaction: &mut Transaction, message_id: Option<&str>) -> Result<Option<u64>> {
        let Some(id) = message_id.filter(|id| id.len() <= MESSAGE_ID_OCTETS_MAX) else {
            return Ok(None);
        };
        let stored = transaction.get(&self.by_message.clone().string(id).pack()).await?;
        let number = stored.as_deref().and_then(|stored| <[u8; 8]>::try_from(stored).ok());
        Ok(number.map(u64::from_be_bytes))
    }
    /// Notes a report that has come as the mail `email`. Of recipients whose fate is known to us, another host knows
    /// nothing better.
    ///
    /// # Errors
    /// The store's.
    pub async fn reported(
        &self,
        transaction: &mut Transaction,
        number: u64,
        email: u64,
        report: &Report,
    ) -> Result<()> {
        let Some(mut submission) = self.get(transaction, number).await? else {
            return Ok(());
        };
        let mails = match report {
            Report::Delivery(_) => submission.reports.get_or_insert_default(),
            Report::Receipt(_) => submission.receipts.get_or_insert_default(),
        };
        if mails.len() < REPORTS_MAX && !mails.contains(&email) {
            mails.push(email);
        }
        match report {
            Report::Delivery(outcomes) => {
                for (address, delivered, reply) in outcomes {
                    let change = |recipient: &mut Recipient| {
                        if recipient.delivered == Delivered::Unknown {
                            recipient.tell(*delivered, reply);
                        }
                    };
                    self.change_recipient(transaction, number, address, change).await?;
                }
            }
            Report::Receipt(Some(address)) => {
                let change = |recipient: &mut Recipient| recipient.displayed = true;
                self.change_recipient(transaction, number, address, change).await?;
            }
            Report::Receipt(None) => {}
        }
        self.ledger.put(transaction, number, submission.encode()).await
    }
    async fn change_recipient(
        &self,
        transaction: &mut Transaction,
        number: u64,
        address: &str,
        change: impl FnOnce(&mut Recipient),
    ) -> Result<()> {
        let key = self.recipient_key(number, address);
        if let Some(stored) = transaction.get(&key).await? {
            let mut recipient = Recipient::decode(&stored).map_err(corrupt)?;
            change(&mut recipient);
            transaction.set(key, recipient.encode());
        }
        Ok(())
    }
    /// Notes what became of a submission for some recipients. Addresses that it does not have, and submissions that are
    /// gone, are nobody's business any more.
    ///
    /// # Errors
    /// The store's.
    pub async fn note(
        &self,
        transaction: &mut Transaction,
        number: u64,
        outcomes: &[(String, Delivered, String)],
    ) -> Result<()> {
        if self.ledger.get(transaction, number).await?.is_none() {
            return Ok(());
        }
        for (address, delivered, reply) in outcomes {
            let change = |recipient: &mut Recipient| recipient.tell(*delivered, reply);
            self.change_recipient(transaction, number, address, change).await?;
        }
        self.ledger.touch(transaction, number).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hongyan_kv::Database;
    use hongyan_memory::MemoryStore;

    fn submission(send_at_millis: i64) -> Submission {
        Submission {
            email: 1,
            thread: 2,
            identity: 3,
            mail_from: "a@b.test".to_owned(),
            parameters: vec![("HOLDFOR".to_owned(), Some("60".to_owned()))],
            send_at_millis,
            is_scheduled: true,
            progress: Progress::Sent,
            entries: vec![(3, 17)],
            message_id: None,
            from: None,
            reports: None,
            receipts: None,
            subject: None,
        }
    }

    fn recipient(index: u32, address: &str) -> Recipient {
        Recipient {
            index,
            address: address.to_owned(),
            parameters: Vec::new(),
            delivered: Delivered::Queued,
            reply: "250 2.0.0 queued".to_owned(),
            displayed: false,
        }
    }

    #[test]
    fn golden_bytes() {
        let golden = b"\x01\x00\x01\x89\x01\x02\x03\x68a@b.test\x81\x82\x67HOLDFOR\x6260\x05\xf5\x01\x81\x82\x03\x11";
        assert_eq!(&submission(5).encode()[..], golden);
        assert_eq!(Submission::decode(golden), Ok(submission(5)));
        let newer = Submission {
            message_id: Some("i".to_owned()),
            from: Some("a@b".to_owned()),
            reports: Some(vec![7]),
            receipts: Some(vec![8]),
            subject: None,
            ..submission(5)
        };
        let golden = [&golden[..3], b"\x8d", &golden[4..], b"\x61i\x63a@b\x81\x07\x81\x08"].concat();
        assert_eq!(newer.encode(), golden);
        assert_eq!(Submission::decode(&golden), Ok(newer));
    }

    #[tokio::test]
    async fn rfc_8621_7_reports_and_receipts_are_found_by_message_id() {
        let database = Database::new(MemoryStore::default());
        let submissions = Submissions::of(TenantId(1), AccountId(2));
        let mut transaction = database.begin();
        let sent = Submission {
            message_id: Some("1@b.test".to_owned()),
            ..submission(5)
        };
        let recipients = [recipient(0, "z@b.test"), recipient(1, "a@b.test")];
        let number = submissions.add(&mut transaction, &sent, &recipients, 6).await.unwrap();
        let found = submissions.of_message(&mut transaction, Some("1@b.test")).await;
        assert_eq!(found, Ok(Some(number)));
        let handed_over = [("z@b.test".to_owned(), Delivered::Unknown, "250 ok".to_owned())];
        submissions.note(&mut transaction, number, &handed_over).await.unwrap();
        let said = |address: &str| (address.to_owned(), Delivered::No, "5.1.1 nobody".to_owned());
        let report = Report::Delivery(vec![said("Z@b.test"), said("a@b.test")]);
        submissions
            .reported(&mut transaction, number, 40, &report)
            .await
            .unwrap();
        let receipt = Report::Receipt(Some("a@b.test".to_owned()));
        submissions
            .reported(&mut transaction, number, 41, &receipt)
            .await
            .unwrap();
        let known = submissions.get(&mut transaction, number).await.unwrap().unwrap();
        assert_eq!((known.reports, known.receipts), (Some(vec![40]), Some(vec![41])));
        let known = submissions.recipients(&mut transaction, number).await.unwrap();
        assert_eq!((known[0].delivered, known[0].displayed), (Delivered::No, false));
        assert_eq!(
            (known[1].delivered, known[1].displayed),
            (Delivered::Queued, true),
            "ours to know"
        );
        submissions.remove(&mut transaction, number).await.unwrap();
        let found = submissions.of_message(&mut transaction, Some("1@b.test")).await;
        assert_eq!(found, Ok(None));
    }

    #[tokio::test]
    async fn trk_2_outcomes_are_noted_and_old_submissions_forgotten() {
        let database = Database::new(MemoryStore::default());
        let submissions = Submissions::of(TenantId(1), AccountId(2));
        let mut transaction = database.begin();
        let recipients = [recipient(0, "Z@b.test"), recipient(1, "a@b.test")];
        let number = submissions
            .add(&mut transaction, &submission(5), &recipients, 6)
            .await
            .unwrap();
        let outcomes = [
            ("z@b.test".to_owned(), Delivered::Yes, "250 ok".to_owned()),
            ("other@b.test".to_owned(), Delivered::No, "550 no".to_owned()),
        ];
        submissions.note(&mut transaction, number, &outcomes).await.unwrap();
        submissions.note(&mut transaction, 99, &outcomes).await.unwrap();
        let known = submissions.recipients(&mut transaction, number).await.unwrap();
        let known: Vec<_> = known
            .iter()
            .map(|known| (known.address.as_str(), known.delivered))
            .collect();
        assert_eq!(known, [("Z@b.test", Delivered::Yes), ("a@b.test", Delivered::Queued)]);
        assert_eq!(submissions.state(&mut transaction).await, Ok(2));
        let later = 6 + KEPT_MILLIS;
        let next = submissions
            .add(&mut transaction, &submission(later), &recipients, later)
            .await
            .unwrap();
        let all = submissions.all(&mut transaction).await.unwrap();
        assert_eq!(all.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [next]);
        assert_eq!(submissions.recipients(&mut transaction, number).await, Ok(Vec::new()));
    }
}
