//! Mailboxes that are full: since when, so that mail is put off for a grace time first and refused only then.
//!
//! Key: ("delivery", "full", tenant, account); value: wall milliseconds of the first refusal and the inbox's next UID then,
//! both big-endian; a value without the UID is of an early release. Any node may have put mail into the inbox since, which
//! its next UID shows: then the time begins anew.

use hongyan_kv::tuple::Tuple;
use hongyan_kv::{Database, Transaction};
use hongyan_mailbox::{ListFolders, MailboxId};

use bytes::Bytes;

use crate::report::Status;
use crate::{Delivery, Outcome, Refusal};

/// What is noted of a full mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Note {
    since_millis: i64,
    uid_next: Option<u32>,
}

impl Note {
    fn read(stored: &[u8]) -> Option<Self> {
        let (since, rest) = stored.split_first_chunk::<8>()?;
        Some(Self {
            since_millis: i64::from_be_bytes(*since),
            uid_next: rest.try_into().ok().map(u32::from_be_bytes),
        })
    }
    fn write(self) -> Bytes {
        let mut stored = self.since_millis.to_be_bytes().to_vec();
        stored.extend(self.uid_next.map(u32::to_be_bytes).into_iter().flatten());
        stored.into()
    }
    /// Whether nothing has come in since, as far as is known.
    fn holds(self, uid_next: Option<u32>) -> bool {
        self.uid_next.zip(uid_next).is_none_or(|(then, now)| then == now)
    }
}

impl Delivery {
    /// The mailbox has no room: put off, or refused when it has been full for the whole grace time.
    pub(crate) async fn no_room(&self, mailbox: MailboxId) -> Outcome {
        let now = self.0.parts.env.wall_millis();
        let uid_next = self.inbox_uid_next(mailbox).await;
        let since = match self.full_since(mailbox, now, uid_next).await {
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

    async fn inbox_uid_next(&self, mailbox: MailboxId) -> Option<u32> {
        let parts = &self.0.parts;
        let listed = parts
            .router
            .ask(&mailbox, ListFolders, parts.settings.mailbox_timeout)
            .await;
        let folders = listed.ok()?.ok()?.folders;
        let inbox = folders.iter().find(|folder| folder.path.is_inbox())?;
        Some(inbox.uid_next)
    }

    /// The mailbox has room again.
    pub(crate) async fn has_room(&self, mailbox: MailboxId) {
        if !self.0.full.lock().remove(&mailbox) {
            return;
        }
        let clear = async |transaction: &mut Transaction| -> hongyan_kv::Result<()> {
            transaction.clear(&key(mailbox));
            Ok(())
        };
        if let Err(error) = self.0.parts.database.run(clear).await {
            tracing::warn!(event = "delivery_full_note_failed", %error);
        }
    }

    async fn full_since(&self, mailbox: MailboxId, now: i64, uid_next: Option<u32>) -> hongyan_kv::Result<i64> {
        let note = async |transaction: &mut Transaction| -> hongyan_kv::Result<i64> {
            let stored = transaction.get(&key(mailbox)).await?;
            let noted = stored.and_then(|stored| Note::read(&stored));
            if let Some(noted) = noted.filter(|noted| noted.holds(uid_next)) {
                return Ok(noted.since_millis);
            }
            let fresh = Note {
                since_millis: now,
                uid_next,
            };
            transaction.set(key(mailbox), fresh.write());
            Ok(now)
        };
        let mut since = Err(hongyan_kv::Error::CommitUnknown);
        for _ in 0..Database::ATTEMPTS_MAX {
            since = self.0.parts.database.run(note).await;
            // Safe to repeat: whatever was written is read.
            if since != Err(hongyan_kv::Error::CommitUnknown) {
                break;
            }
        }
        self.0.full.lock().insert(mailbox);
        since
    }
}

fn key(mailbox: MailboxId) -> Bytes {
    let tuple = Tuple::new().string("delivery").string("full");
    tuple.int(mailbox.tenant.0).int(mailbox.account.0).pack()
}

const FULL_FOR_NOW: Refusal = Refusal::new(Status(4, 2, 2), "Mailbox is full, try again later");
const FULL_FOR_GOOD: Refusal = Refusal::new(Status(5, 2, 2), "Mailbox is full");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes_and_how_long_a_note_holds() {
        let note = Note {
            since_millis: 1_000,
            uid_next: Some(7),
        };
        assert_eq!(&note.write()[..], b"\0\0\0\0\0\0\x03\xe8\0\0\0\x07");
        assert_eq!(Note::read(&note.write()), Some(note));
        assert!(note.holds(Some(7)) && note.holds(None));
        assert!(!note.holds(Some(8)), "mail came in between");
        let early = Note::read(&1_000_i64.to_be_bytes()).unwrap();
        assert_eq!((early.since_millis, early.uid_next), (1_000, None));
        assert!(early.holds(Some(8)));
        assert_eq!(Note::read(b"x"), None);
    }
}
