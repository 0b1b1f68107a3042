//! Where an account's clients want to be told of new states (RFC 8620 §7.2): the ledger at ("jmap", tenant, account, 3).
//! Accounts that have such a place are at ("jmap-push", tenant, account) -> how far they have been told of their own mailbox and
//! of those open to them, so that a node
//! that takes a mailbox over tells what the last one did not come to.

use bytes::Bytes;
use hongyan_directory::ShareNotices;
use hongyan_kv::record::{self, Schema};
use hongyan_kv::{Database, Error, KeyRange, RangeQuery, ReadMode, Transaction, Tuple};
use hongyan_ledger::Ledger;
use hongyan_mailbox::MailboxId;
use hongyan_types::{AccountId, ModSeq, TenantId};
use minicbor::{Decode, Encode};

use super::watching::Told;

const V1: Schema = Schema(1);
const SUBSCRIPTIONS: u8 = 3;
/// Accounts read at a time.
const PAGE: usize = 1_000;

/// A place to push to.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct SubscriptionRecord {
    #[n(0)]
    pub(crate) device: String,
    #[n(1)]
    pub(crate) url: String,
    /// The client's public key and secret (RFC 8291 §2).
    #[n(2)]
    pub(crate) keys: Option<PushKeys>,
    /// What the client must show to prove that it is there.
    #[n(3)]
    pub(crate) code: String,
    #[n(4)]
    pub(crate) is_verified: bool,
    #[n(5)]
    pub(crate) expires_millis: i64,
    /// Kinds of records; all when absent.
    #[n(6)]
    pub(crate) types: Option<Vec<String>>,
    /// How often in a row it could not be told.
    #[n(7)]
    pub(crate) failures: u32,
}

/// What is told to a client is encrypted for these.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct PushKeys {
    #[cbor(n(0), with = "minicbor::bytes")]
    pub(crate) p256dh: Vec<u8>,
    #[cbor(n(1), with = "minicbor::bytes")]
    pub(crate) auth: Vec<u8>,
}

impl SubscriptionRecord {
    pub(super) fn encode(&self) -> Bytes {
        record::encode(V1, self)
    }
    fn decode(stored: &[u8]) -> Result<Self, Error> {
        Ok(record::decode(V1, stored)?)
    }
    pub(super) fn wants(&self, kind: &str) -> bool {
        let types = self.types.as_ref();
        types.is_none_or(|types| types.iter().any(|wanted| wanted == kind))
    }
}

fn space(mailbox: MailboxId) -> Tuple {
    let account = Tuple::new().string("jmap").int(mailbox.tenant.0).int(mailbox.account.0);
    account.int(SUBSCRIPTIONS)
}

/// Forgets the places of an account's person.
pub(crate) fn forget(transaction: &mut Transaction, mailbox: MailboxId) {
    transaction.clear_range(space(mailbox).range());
    transaction.clear(&told_key(mailbox));
}

/// The places of an account.
pub(super) struct Subscriptions {
    pub(super) ledger: Ledger,
    mailbox: MailboxId,
}

impl Subscriptions {
    pub(super) fn of(mailbox: MailboxId) -> Self {
        Self {
            ledger: Ledger::new(space(mailbox)),
            mailbox,
        }
    }
    /// All that have not come to their end; the others go.
    pub(super) async fn all(
        &self,
        transaction: &mut Transaction,
        now_millis: i64,
    ) -> Result<Vec<(u64, SubscriptionRecord)>, Error> {
        let mut all = Vec::new();
        for (number, stored) in self.ledger.all(transaction).await? {
            let subscription = SubscriptionRecord::decode(&stored)?;
            if subscription.expires_millis > now_millis {
                all.push((number, subscription));
            } else {
                self.ledger.remove(transaction, number).await?;
            }
        }
        Ok(all)
    }
    /// Has the account followed from `modseq` on, if it is not followed already.
    pub(super) async fn follow(&self, transaction: &mut Transaction, modseq: ModSeq) -> Result<(), Error> {
        let key = told_key(self.mailbox);
        if transaction.get(&key).await?.is_none() {
            let told = Told {
                own: modseq,
                shares: ShareNotices::of(self.mailbox.account).state(transaction).await?,
                ..Told::default()
            };
            transaction.set(key, write_told(&told));
        }
        Ok(())
    }
    /// Has the account followed no more.
    pub(super) fn let_go(&self, transaction: &mut Transaction) {
        transaction.clear(&told_key(self.mailbox));
    }
}

fn told() -> Tuple {
    Tuple::new().string("jmap-push")
}

fn told_key(mailbox: MailboxId) -> Bytes {
    told().int(mailbox.tenant.0).int(mailbox.account.0).pack()
}

/// Notes how far an account has been told, if it is still followed.
pub(super) async fn note_told(database: &Database, mailbox: MailboxId, told: &Told) -> Result<(), Error> {
    let mut transaction = database.begin();
    let key = told_key(mailbox);
    if transaction.get(&key).await?.is_none() {
        return Ok(());
    }
    transaction.set(key, write_told(told));
    transaction.commit().await?;
    Ok(())
}

/// The own mailbox's number, then each other account with its own; what was said of shares is that of account 0, which there
/// is not, and left out where nothing was.
fn write_told(told: &Told) -> Vec<u8> {
    let others = told.others.iter().flat_map(|(account, modseq)| [account.0, modseq.0]);
    let shares = (told.shares > 0).then_some([0, told.shares]);
    let numbers = std::iter::once(told.own.0)
        .chain(others)
        .chain(shares.into_iter().flatten());
    numbers.flat_map(u64::to_be_bytes).collect()
}

fn read_told(stored: &[u8]) -> Told {
    let (numbers, _) = stored.as_chunks::<8>();
    let mut numbers = numbers.iter().map(|number| u64::from_be_bytes(*number));
    let mut told = Told {
        own: ModSeq(numbers.next().unwrap_or(0)),
        ..Told::default()
    };
    while let (Some(account), Some(modseq)) = (numbers.next(), numbers.next()) {
        if account == 0 {
            told.shares = modseq;
            continue;
        }
        told.others.insert(AccountId(account), ModSeq(modseq));
    }
    told
}

/// The accounts that are followed, and how far each has been told.
pub(super) async fn followed(database: &Database) -> Result<Vec<(MailboxId, Told)>, Error> {
    let mut found = Vec::new();
    let mut range = told().range();
    loop {
        let query = RangeQuery {
            range: range.clone(),
            limit: PAGE,
            reverse: false,
            mode: ReadMode::Snapshot,
        };
        let pairs = database.begin().get_range_all(query).await?;
        let Some(last) = pairs.last() else { return Ok(found) };
        range.begin = KeyRange::key(&last.key).end;
        for pair in &pairs {
            let corrupt = |_| Error::Corrupt("key of an account that is followed".to_owned());
            let mut reader = told().reader(&pair.key).map_err(corrupt)?;
            let (tenant, account) = (reader.int().map_err(corrupt)?, reader.int().map_err(corrupt)?);
            let mailbox = MailboxId {
                tenant: TenantId(tenant),
                account: AccountId(account),
            };
            found.push((mailbox, read_told(&pair.value)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_far_was_told_is_read_as_it_is_written() {
        let golden = [0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 1, 0];
        let told = Told {
            own: ModSeq(9),
            others: [(AccountId(2), ModSeq(256))].into(),
            shares: 0,
        };
        assert_eq!(write_told(&told), golden);
        assert_eq!(read_told(&golden), told);
        let with_shares = [&golden[..], &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3]].concat();
        let told = Told { shares: 3, ..told };
        assert_eq!(write_told(&told), with_shares);
        assert_eq!(read_told(&with_shares), told);
        assert_eq!(
            read_told(&golden[..8]).others,
            [].into(),
            "as it was before others were told of"
        );
    }

    #[test]
    fn golden_bytes() {
        let subscription = SubscriptionRecord {
            device: "d".to_owned(),
            url: "https://p.test/".to_owned(),
            keys: Some(PushKeys {
                p256dh: vec![4, 5],
                auth: vec![6],
            }),
            code: "c".to_owned(),
            is_verified: true,
            expires_millis: 9,
            types: Some(vec!["Email".to_owned()]),
            failures: 2,
        };
        let golden = b"\x01\x00\x01\x88\x61d\x6fhttps://p.test/\x82\x42\x04\x05\x41\x06\x61c\xf5\x09\x81\x65Email\x02";
        assert_eq!(&subscription.encode()[..], golden);
        assert_eq!(SubscriptionRecord::decode(golden), Ok(subscription));
    }
}
