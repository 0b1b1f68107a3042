//! Mails that were purged and can be had back for a while (RS-12): their records stay, no folder shows them, and they do not
//! count against the quota. A checkpoint lets go of those that are too old.

use hongyan_blob::Owner;
use hongyan_kv::{RangeQuery, ReadMode};
use hongyan_types::{SystemFlag, SystemFlags};

use super::mail::{blob_error, hash, own_id};
use super::{FIRST_UID, Stop, Work};
use crate::record::{email, key, purged};
use crate::{EmailId, FolderId, MailboxError, MessageEntry, PurgedId};

impl Work<'_> {
    /// One message less shares the mail of `entry`, and its person may want it back: with the last it is kept as purged.
    /// Drafts are not: each change of one leaves one behind.
    pub(crate) async fn purge(&mut self, entry: &MessageEntry, folder: FolderId) -> Result<(), Stop> {
        if self.options().purged_kept.is_zero() || entry.flags.contains(SystemFlag::Draft) {
            return self.release(entry.email).await;
        }
        if !self.is_last(entry.email).await? {
            return Ok(());
        }
        let path = self.path(folder)?;
        let id = PurgedId {
            at: self.now,
            email: entry.email,
        };
        let stored = purged::encode(entry, path.as_str());
        self.wrote(stored.len() + 60);
        self.transaction.set(key::purged(self.id, id), stored);
        // Its id is free for a mail that comes again.
        let stored = self.transaction.get_snapshot(&key::email(self.id, entry.email)).await?;
        let mail = stored.as_deref().map(email::decode).transpose()?;
        if let Some(own) = mail.and_then(|mail| own_id(&mail.structure)) {
            self.transaction.clear(&key::thread(self.id, &hash(&own)));
        }
        self.state.quota.octets = self.state.quota.octets.saturating_sub(entry.octets.0);
        Ok(())
    }

    /// A purged mail comes back as a mail of its own, with the flags that it had; no folder shows it yet.
    pub(crate) async fn take_purged(&mut self, id: PurgedId) -> Result<MessageEntry, Stop> {
        let purged_key = key::purged(self.id, id);
        let stored = self.transaction.get(&purged_key).await?;
        let kept_millis = i64::try_from(self.options().purged_kept.as_millis()).unwrap_or(i64::MAX);
        let is_kept = self.now.millis.saturating_sub(id.at.millis) <= kept_millis;
        let stored = stored.filter(|_| is_kept).ok_or(MailboxError::NoSuchMessage)?;
        let purged = purged::decode(&stored)?;
        let old_key = key::email(self.id, id.email);
        let stored = self.transaction.get_snapshot(&old_key).await?;
        let mail = email::decode(&stored.ok_or(MailboxError::NoSuchMessage)?)?;
        self.check_quota(mail.octets.0, 1)?;
        // Clients were told that the old id is gone.
        let email = EmailId(self.state.email_next);
        let email_key = key::email(self.id, email);
        let (tenant, blobs) = (self.id.tenant.0, &self.services.blobs);
        let owner = Owner(email_key.clone());
        let attached = blobs.attach(&mut self.transaction, tenant, &mail.blob, &owner).await;
        attached.map_err(blob_error)?;
        let before = Owner(old_key.clone());
        blobs.detach(&mut self.transaction, tenant, &mail.blob, &before);
        let thread = self.thread_of(email, &mail.structure).await?;
        let stored = email::encode(&mail.blob, mail.octets, thread, &mail.structure);
        self.wrote(stored.len() + 600);
        self.transaction.set(email_key, stored);
        self.transaction.clear(&old_key);
        self.forget_summary(id.email);
        self.transaction.clear(&purged_key);
        self.state.email_next += 1;
        self.state.quota.octets = self.state.quota.octets.saturating_add(mail.octets.0);
        Ok(MessageEntry {
            uid: FIRST_UID,
            email,
            thread,
            modseq: self.modseq,
            flags: purged.flags.difference(SystemFlags::NONE.with(SystemFlag::Deleted)),
            keywords: purged.keywords,
            octets: mail.octets,
            internal_date: purged.internal_date,
            save_date: self.now,
        })
    }

    /// Some of the purged mails go for good; whether there were any.
    pub(crate) async fn let_go_of_purged(&mut self, step: usize) -> Result<bool, Stop> {
        let query = RangeQuery {
            range: key::all_purged(self.id),
            limit: step,
            reverse: false,
            mode: ReadMode::Snapshot,
        };
        let pairs = self.transaction.get_range_all(query).await?;
        for pair in &pairs {
            self.transaction.clear(&pair.key);
            if let Some(id) = key::read_purged(self.id, &pair.key) {
                self.let_go(id.email).await?;
            }
            self.wrote(300);
        }
        Ok(!pairs.is_empty())
    }
}
