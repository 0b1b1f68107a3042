//! One mail's flags and folders together: what JMAP changes of an email in one step (RFC 8621 §4.6).

use hongyan_types::{Flag, Uid, UidSet};

use crate::change::FlagOperation;
use crate::work::{Progress, Step, Stop, Work};
use crate::{EmailId, FlagAction, FolderId, MailboxError, MessageEntry};

/// Changes a mail wherever it is, all or nothing. A mail that is in no folder afterwards is gone.
#[derive(Debug, Clone)]
pub struct UpdateEmail {
    /// Which.
    pub email: EmailId,
    /// All places in which the asker knows it to be; if one is no more, nothing is changed.
    pub places: Vec<(FolderId, Uid)>,
    /// Flags that are added in all places.
    pub add: Vec<Flag>,
    /// Flags that are taken away in all places.
    pub remove: Vec<Flag>,
    /// Folders into which it comes.
    pub put_into: Vec<FolderId>,
    /// Folders from which it goes.
    pub take_from: Vec<FolderId>,
}

/// Changed.
#[derive(Debug, Clone)]
pub struct UpdateEmailReply;

impl UpdateEmail {
    pub(crate) async fn handle(&self, work: &mut Work<'_>, _: &mut Progress) -> Result<Step<UpdateEmailReply>, Stop> {
        let mut first: Option<MessageEntry> = None;
        for (folder, uid) in &self.places {
            let view = match work.view(*folder) {
                Err(Stop::Refused(MailboxError::NoSuchFolder)) => return Err(MailboxError::NoSuchMessage.into()),
                view => view?,
            };
            let entry = view.get(*uid).filter(|entry| entry.email == self.email);
            let entry = entry.ok_or(MailboxError::NoSuchMessage)?;
            first.get_or_insert_with(|| entry.clone());
        }
        let mut copy = first.ok_or(MailboxError::NoSuchMessage)?;
        for folder in &self.put_into {
            work.folder(*folder)?;
            work.check_uids(*folder, 1)?;
        }
        let goes = self
            .places
            .iter()
            .filter(|(folder, _)| self.take_from.contains(folder))
            .count();
        work.check_quota(0, self.put_into.len().saturating_sub(goes) as u64)?;
        let operations = self.operations(work)?;
        for operation in &operations {
            operation.apply(&mut copy);
        }
        if copy.keywords.ids().len() > work.options().keywords_of_message_max() {
            return Err(MailboxError::TooManyKeywords.into());
        }
        for folder in &self.put_into {
            work.share(&copy).await?;
            work.add(*folder, vec![copy.clone()])?;
        }
        for (folder, uid) in &self.places {
            self.change_place(work, *folder, *uid, &operations).await?;
        }
        Ok(Step::Done(UpdateEmailReply))
    }

    fn operations(&self, work: &mut Work<'_>) -> Result<Vec<FlagOperation>, MailboxError> {
        let mut operations = Vec::new();
        if !self.add.is_empty() {
            let (flags, keywords) = work.flags(&self.add)?;
            operations.push(FlagOperation {
                action: FlagAction::Add,
                flags,
                keywords,
            });
        }
        if !self.remove.is_empty() {
            let (flags, keywords) = work.known_flags(&self.remove);
            operations.push(FlagOperation {
                action: FlagAction::Remove,
                flags,
                keywords,
            });
        }
        Ok(operations)
    }

    async fn change_place(
        &self,
        work: &mut Work<'_>,
        folder: FolderId,
        uid: Uid,
        operations: &[FlagOperation],
    ) -> Result<(), Stop> {
        let uids = UidSet::from_range(uid, uid);
        if self.take_from.contains(&folder) {
            let view = work.view(folder)?;
            if let Some(entry) = view.get(uid) {
                work.purge(entry, folder).await?;
            }
            work.remove(folder, &view, uids);
            return Ok(());
        }
        for operation in operations {
            let view = work.view(folder)?;
            let differs = view.get(uid).is_some_and(|entry| operation.apply(&mut entry.clone()));
            if differs {
                work.flag(folder, &view, uids.clone(), operation.clone());
            }
        }
        Ok(())
    }
}
