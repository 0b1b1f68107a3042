//! Mailboxes that are full: since when, so that mail is put off for a grace time first and refused only then.
//!
//! Key: ("delivery", "full", tenant, account); value: wall milliseconds of the first refusal, big-endian.

use hongyan_kv::Transaction;
use hongyan_kv::tuple::Tuple;
use hongyan_mailbox::MailboxId;

use bytes::Bytes;

use crate::report::Status;
use crate::{Delivery, Outcome, Refusal};

impl Delivery {
    /// The mailbox has no room: put off, or refused when it has been full for the whole grace time.
    pub(crate) async fn no_room(&self, mailbox: MailboxId) -> Outcome {
        let now = self.0.parts.env.wall_millis();
        let since = match self.full_since(mailbox, now).await {
            Ok(since) => since,
            Err(error) => {
                tracing::warn!(event = "delivery_full_note_failed", %error);
                now
            }
        };
        let grace = i64::try_from(self.0.parts.settings.full_grace.as_millis()).unwrap_or(i64::MAX);
        if now.saturating_sub(since) >= grace {
            Outcome::Refused(FULL_FOR_GOOD)
        } else {
            Outcome::Deferred(FULL_FOR_NOW)
        }
    }

    /// The mailbox has room again.
    pub(crate) async fn has_room(&self, mailbox: MailboxId) {
        if self.0.full.lock().remove(&mailbox).is_none() {
            return;
        }
        let cleared = self
            .0
            .parts
            .database
            .run(async |transaction: &mut Transaction| -> hongyan_kv::Result<()> {
                transaction.clear(&key(mailbox));
                Ok(())
            })
            .await;
        if let Err(error) = cleared {
            tracing::warn!(event = "delivery_full_note_failed", %error);
        }
    }

    async fn full_since(&self, mailbox: MailboxId, now: i64) -> hongyan_kv::Result<i64> {
        if let Some(since) = self.0.full.lock().get(&mailbox) {
            return Ok(*since);
        }
        let since = self
            .0
            .parts
            .database
            .run(async |transaction: &mut Transaction| -> hongyan_kv::Result<i64> {
                let stored = transaction.get(&key(mailbox)).await?;
                let since = stored
                    .and_then(|value| value.as_ref().try_into().ok())
                    .map(i64::from_be_bytes);
                if since.is_none() {
                    transaction.set(key(mailbox), Bytes::copy_from_slice(&now.to_be_bytes()));
                }
                Ok(since.unwrap_or(now))
            })
            .await?;
        self.0.full.lock().insert(mailbox, since);
        Ok(since)
    }
}

fn key(mailbox: MailboxId) -> Bytes {
    let tuple = Tuple::new().string("delivery").string("full");
    tuple.int(mailbox.tenant.0).int(mailbox.account.0).pack()
}

const FULL_FOR_NOW: Refusal = Refusal::new(Status(4, 2, 2), "Mailbox is full, try again later");
const FULL_FOR_GOOD: Refusal = Refusal::new(Status(5, 2, 2), "Mailbox is full");
