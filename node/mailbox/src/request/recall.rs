//! A mail that its sender wants back (TRK-5): where it was, a notice stands; body and attachments are gone.

use hongyan_types::{ModSeq, SystemFlag, SystemFlags, UidSet};

use crate::record::{email, key, thread};
use crate::work::{FIRST_UID, Progress, Step, Stop, Work, hash, own_id};
use crate::{EmailId, FolderId, KeywordSet, MailboxError, MessageEntry, NewMessage, SpecialUse};

/// Puts a notice in place of the mail with a `Message-ID`, wherever it is. It is not among what can be had back. A mailbox
/// that has no such mail answers `NoSuchMessage`.
#[derive(Clone)]
pub struct Recall {
    /// The mail's own id, without angle brackets.
    pub message_id: String,
    /// The address in its From, in lower case: ids can be copied, so only whose mail it is may take it back.
    pub from: String,
    /// Whether it goes even if it was read.
    pub takes_read: bool,
    /// What stands there instead.
    pub notice: NewMessage,
}

/// Asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecallReply {
    /// Whether it was read, and therefore stays.
    pub was_read: bool,
}

impl Recall {
    pub(crate) async fn handle(&self, work: &mut Work<'_>, _: &mut Progress) -> Result<Step<RecallReply>, Stop> {
        let places = self.places(work).await?;
        let shown = places
            .iter()
            .find(|(_, entry)| !entry.flags.contains(SystemFlag::Deleted));
        let (folder, first) = shown.or(places.first()).cloned().ok_or(MailboxError::NoSuchMessage)?;
        let was_read = places.iter().any(|(_, entry)| entry.flags.contains(SystemFlag::Seen));
        if was_read && !self.takes_read {
            return Ok(Step::Done(RecallReply { was_read }));
        }
        work.check_uids(folder, 1)?;
        let (email, thread) = work.keep(&self.notice).await?;
        let notice = MessageEntry {
            uid: FIRST_UID,
            email,
            thread,
            modseq: ModSeq(0),
            flags: SystemFlags::NONE,
            keywords: KeywordSet::default(),
            octets: self.notice.octets(),
            internal_date: first.internal_date,
            save_date: work.now,
        };
        work.add(folder, vec![notice])?;
        for (folder, entry) in &places {
            work.release(entry.email).await?;
            let view = work.view(*folder)?;
            work.remove(*folder, &view, UidSet::from_range(entry.uid, entry.uid));
        }
        Ok(Step::Done(RecallReply { was_read: false }))
    }

    /// All messages that are the mail.
    async fn places(&self, work: &mut Work<'_>) -> Result<Vec<(FolderId, MessageEntry)>, Stop> {
        let key = key::thread(work.id, &hash(&self.message_id));
        let Some(stored) = work.transaction.get(&key).await? else {
            return Ok(Vec::new());
        };
        let (thread, _) = thread::decode(&stored)?;
        // What the sender themselves keeps of it stays.
        let own = [Some(SpecialUse::Sent), Some(SpecialUse::Drafts)];
        let folders = work.state.folders.iter();
        let filled = folders.filter(|(_, folder)| folder.messages > 0 && !own.contains(&folder.special_use));
        let filled: Vec<FolderId> = filled.map(|(id, _)| *id).collect();
        let mut places = Vec::new();
        for folder in filled {
            let view = work.view(folder)?;
            let of_thread = view
                .iter()
                .filter(|entry| entry.thread == thread && !entry.flags.contains(SystemFlag::Draft));
            places.extend(of_thread.map(|entry| (folder, entry.clone())));
        }
        let mut looked_at: Vec<(EmailId, bool)> = Vec::new();
        let mut found = Vec::new();
        for (folder, entry) in places {
            let known = looked_at.iter().find(|(email, _)| *email == entry.email);
            let is_it = match known {
                Some((_, is_it)) => *is_it,
                None => self.is_it(work, entry.email).await?,
            };
            looked_at.push((entry.email, is_it));
            if is_it {
                found.push((folder, entry));
            }
        }
        Ok(found)
    }

    async fn is_it(&self, work: &mut Work<'_>, id: EmailId) -> Result<bool, Stop> {
        let stored = work.transaction.get_snapshot(&key::email(work.id, id)).await?;
        let Some(mail) = stored.as_deref().map(email::decode).transpose()? else {
            return Ok(false);
        };
        let mut from = mail.structure.envelope.from.iter().filter_map(|item| match item {
            hongyan_message::AddressItem::Mailbox(mailbox) => {
                let domain = mailbox.domain.as_deref().unwrap_or_default();
                Some(format!("{}@{domain}", mailbox.local).to_lowercase())
            }
            _ => None,
        });
        Ok(own_id(&mail.structure).as_ref() == Some(&self.message_id) && from.any(|from| from == self.from))
    }
}
