//! What an account answers while its person is away, at ("away", tenant, account); whom it has answered, at
//! ("away", tenant, account, version, day, sender) -> the time. A change of the answer is a new version, and forgets them.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use hongyan_kv::record::{Schema, decode, encode};
use hongyan_kv::{Database, Error, KeyRange, Result, Transaction, Tuple};
use hongyan_mailbox::MailboxId;
use hongyan_types::{AccountId, TenantId};
use minicbor::{Decode, Encode};
use parking_lot::Mutex;

use crate::Delivery;

const V1: Schema = Schema(1);
const DAY_MILLIS: i64 = 24 * 3_600 * 1_000;
/// How long another node may go on as before when an answer is changed.
const REMEMBERED_MILLIS: i64 = 10_000;
/// Accounts remembered at most.
const REMEMBERED_MAX: usize = 100_000;
/// Characters of a text that an account answers, of each kind; whoever sets one sees to it.
pub const VACATION_CHARACTERS_MAX: usize = 400;
/// How often a transaction is tried.
const ATTEMPTS_MAX: usize = 10;

/// What an account answers while its person is away.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Vacation {
    /// Whether it answers.
    #[n(0)]
    pub is_enabled: bool,
    /// From this time, in milliseconds since the Unix epoch.
    #[n(1)]
    pub from_millis: Option<i64>,
    /// Until this time.
    #[n(2)]
    pub to_millis: Option<i64>,
    /// The subject; one made from that of the mail when absent.
    #[n(3)]
    pub subject: Option<String>,
    /// The text.
    #[n(4)]
    pub text: Option<String>,
    /// The text as HTML.
    #[n(5)]
    pub html: Option<String>,
    /// How often it was changed.
    #[n(6)]
    pub version: u64,
}

impl Vacation {
    pub(crate) fn is_on(&self, now_millis: i64) -> bool {
        self.is_enabled
            && self.from_millis.is_none_or(|from| now_millis >= from)
            && self.to_millis.is_none_or(|to| now_millis < to)
    }
}

/// What this node remembers of who is away: by mailbox, until when, and what it answers if it does.
#[derive(Default)]
pub(crate) struct Away(Mutex<HashMap<MailboxId, (i64, Option<Arc<Vacation>>)>>);

fn space(mailbox: MailboxId) -> Tuple {
    Tuple::new().string("away").int(mailbox.tenant.0).int(mailbox.account.0)
}

fn key(mailbox: MailboxId) -> Bytes {
    space(mailbox).pack()
}

fn day_key(mailbox: MailboxId, version: u64, day: i64) -> Tuple {
    space(mailbox).int(version).int(day)
}

/// Forgets what an account answers and whom it has answered: the next person did not write it (MEM-13). A
/// [`hongyan_directory::ForgetPerson`].
pub fn forget_person(transaction: &mut Transaction, tenant: TenantId, account: AccountId) {
    let space = space(MailboxId { tenant, account });
    transaction.clear_range(space.range());
    transaction.clear(&space.pack());
}

impl Delivery {
    /// What an account answers.
    ///
    /// # Errors
    /// The store's.
    pub async fn vacation(&self, mailbox: MailboxId) -> Result<Vacation> {
        read(&self.0.parts.database, mailbox).await
    }

    /// Sets what an account answers, if it is still at `new.version`: what it is then, one version on; `None` when
    /// somebody else changed it.
    ///
    /// # Errors
    /// The store's.
    pub async fn set_vacation(&self, mailbox: MailboxId, new: Vacation) -> Result<Option<Vacation>> {
        let database = &self.0.parts.database;
        let set = Vacation {
            version: new.version + 1,
            ..new
        };
        let mut is_in_doubt = false;
        for _ in 0..ATTEMPTS_MAX {
            let mut transaction = database.begin();
            let stored = transaction.get(&key(mailbox)).await?;
            let before: Vacation = stored.map_or_else(|| Ok(Vacation::default()), |stored| decode(V1, &stored))?;
            if is_in_doubt && before == set {
                break;
            }
            if before.version != new.version {
                return Ok(None);
            }
            transaction.set(key(mailbox), encode(V1, &set));
            transaction.clear_range(space(mailbox).int(before.version).range());
            match transaction.commit().await {
                Ok(_) => break,
                Err(error) if error.is_retryable() => {}
                Err(Error::CommitUnknown) => is_in_doubt = true,
                Err(error) => return Err(error),
            }
        }
        self.0.away.0.lock().remove(&mailbox);
        Ok(Some(set))
    }

    /// What an account answers at this moment, if it does.
    pub(crate) async fn away(&self, mailbox: MailboxId) -> Option<Arc<Vacation>> {
        let now = self.0.parts.env.wall_millis();
        let known = self.0.away.0.lock().get(&mailbox).cloned();
        let vacation = match known {
            Some((until, vacation)) if now < until && until <= now + REMEMBERED_MILLIS => vacation,
            _ => {
                let read = read(&self.0.parts.database, mailbox).await;
                let read = read.inspect_err(|error| tracing::warn!(event = "vacation_read_failed", %error));
                let vacation = read.ok()?;
                let vacation = vacation.is_enabled.then(|| Arc::new(vacation));
                let mut known = self.0.away.0.lock();
                if known.len() >= REMEMBERED_MAX {
                    known.clear();
                }
                known.insert(mailbox, (now + REMEMBERED_MILLIS, vacation.clone()));
                vacation
            }
        };
        vacation.filter(|vacation| vacation.is_on(now))
    }

    /// Notes that somebody is told now; false when they were told within a day (RULE-10).
    pub(crate) async fn claim_answer(&self, mailbox: MailboxId, version: u64, sender: &str) -> Result<bool> {
        let parts = &self.0.parts;
        let now = parts.env.wall_millis();
        let day = now.div_euclid(DAY_MILLIS);
        let of = |day| day_key(mailbox, version, day).string(sender).pack();
        for _ in 0..ATTEMPTS_MAX {
            let mut transaction = parts.database.begin();
            for day in [day, day - 1] {
                let told = transaction.get(&of(day)).await?;
                let told = told.and_then(|told| <[u8; 8]>::try_from(&told[..]).ok());
                if told.is_some_and(|told| now.saturating_sub(i64::from_be_bytes(told)) < DAY_MILLIS) {
                    return Ok(false);
                }
            }
            transaction.set(of(day), now.to_be_bytes().to_vec());
            transaction.clear_range(KeyRange {
                begin: space(mailbox).range().begin,
                end: day_key(mailbox, version, day - 1).pack(),
            });
            match transaction.commit().await {
                Ok(_) => return Ok(true),
                Err(error) if error.is_retryable() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }
}

async fn read(database: &Database, mailbox: MailboxId) -> Result<Vacation> {
    let stored = database.begin().get_snapshot(&key(mailbox)).await?;
    Ok(stored.map_or_else(|| Ok(Vacation::default()), |stored| decode(V1, &stored))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let vacation = Vacation {
            is_enabled: true,
            from_millis: Some(1),
            to_millis: None,
            subject: Some("s".to_owned()),
            text: None,
            html: Some("h".to_owned()),
            version: 3,
        };
        let golden = b"\x01\x00\x01\x87\xf5\x01\xf6\x61s\xf6\x61h\x03";
        assert_eq!(&encode(V1, &vacation)[..], golden);
        assert_eq!(decode::<Vacation>(V1, golden), Ok(vacation));
    }

    #[test]
    fn it_is_on_from_the_first_to_before_the_last_moment() {
        let vacation = Vacation {
            is_enabled: true,
            from_millis: Some(5),
            to_millis: Some(9),
            ..Vacation::default()
        };
        assert_eq!([4, 5, 8, 9].map(|now| vacation.is_on(now)), [false, true, true, false]);
    }
}
