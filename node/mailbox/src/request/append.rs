//! Mails a client brings: APPEND, MULTIAPPEND (RFC 9051 §6.3.12, RFC 3502).

use hongyan_types::ModSeq;
use hongyan_types::{Flag, Timestamp, Uid, UidValidity};

use crate::MessageEntry;
use crate::options::KEYWORD_OCTETS;
use crate::work::{FIRST_UID, Progress, SentBy, Step, Stop, Work};
use crate::{DeliverReply, EmailId, FolderId, FolderRef, MailboxError, NewMessage};

/// Puts messages into a folder, all or none.
#[derive(Clone)]
pub struct Append {
    /// Where to.
    pub folder: FolderRef,
    /// The messages.
    pub messages: Vec<AppendMessage>,
}

/// One of them.
#[derive(Clone)]
pub struct AppendMessage {
    /// The mail.
    pub message: NewMessage,
    /// Its flags.
    pub flags: Vec<Flag>,
    /// INTERNALDATE; now when absent.
    pub internal_date: Option<Timestamp>,
}

/// Appended.
#[derive(Debug, Clone)]
pub struct AppendReply {
    /// Where.
    pub folder: FolderId,
    /// UIDVALIDITY there (APPENDUID).
    pub uid_validity: UidValidity,
    /// UIDs in the order of the messages.
    pub uids: Vec<Uid>,
    /// Their ids.
    pub emails: Vec<EmailId>,
}

impl Append {
    pub(crate) async fn handle(&self, work: &mut Work<'_>, progress: &mut Progress) -> Result<Step<AppendReply>, Stop> {
        let folder = match work.resolve(&self.folder) {
            Ok(folder) => folder,
            Err(error) => {
                give_up(work, progress).await?;
                return Err(error.into());
            }
        };
        let [only] = self.messages.as_slice() else {
            return append_some(work, progress, folder, &self.messages).await;
        };
        let structure = &only.message.structure;
        if let Some(kept) = work.take_sent(SentBy::Submission, folder, structure).await? {
            return Ok(Step::Done(AppendReply {
                folder,
                uid_validity: kept.uid_validity,
                uids: vec![kept.uid],
                emails: vec![kept.email],
            }));
        }
        let step = append_some(work, progress, folder, &self.messages).await?;
        if let Step::Done(reply) = &step
            && let (Some(uid), Some(email)) = (reply.uids.first(), reply.emails.first())
        {
            let kept = DeliverReply {
                folder,
                uid_validity: reply.uid_validity,
                uid: *uid,
                email: *email,
                is_repeat: false,
            };
            work.note_sent(SentBy::Client, structure, &kept)?;
        }
        Ok(step)
    }
}

/// Lets go of the mails kept by earlier steps: the folder went away between them.
pub(super) async fn give_up(work: &mut Work<'_>, progress: &mut Progress) -> Result<(), Stop> {
    for (email, _) in progress.mails.drain(..) {
        work.release(email).await?;
        work.unstage(email);
    }
    Ok(())
}

/// Octets of one message in a log entry, at most, without its keywords.
const ENTRY_OCTETS: usize = 70;
/// Octets of a log entry at most; a stored value holds 100,000.
const LOG_OCTETS_MAX: usize = 90_000;

/// Keeps as many mails as fit into this transaction; once all are kept, adds all messages together (RFC 3502 §3: all or none).
pub(super) async fn append_some(
    work: &mut Work<'_>,
    progress: &mut Progress,
    folder: FolderId,
    messages: &[AppendMessage],
) -> Result<Step<AppendReply>, Stop> {
    if progress
        .mails
        .iter()
        .any(|(email, _)| !work.state.staged.contains(email))
    {
        // The mailbox was erased since the last step.
        progress.mails.clear();
        return Err(MailboxError::Unavailable.into());
    }
    if progress.mails.is_empty() {
        let octets = messages.iter().map(|message| message.message.octets().0).sum();
        work.check_quota(octets, messages.len() as u64)?;
        work.check_uids(folder, messages.len())?;
    }
    let mut flags = Vec::with_capacity(messages.len());
    for message in messages {
        let (system, keywords) = work.flags(&message.flags)?;
        flags.push((system, work.keyword_set(keywords)?));
    }
    // All or none is one log entry, which is one stored value.
    let keywords: usize = flags.iter().map(|(_, keywords)| keywords.ids().len()).sum();
    if messages.len() * ENTRY_OCTETS + keywords * KEYWORD_OCTETS > LOG_OCTETS_MAX {
        return Err(MailboxError::TooManyKeywords.into());
    }
    for message in &messages[progress.mails.len()..] {
        let octets = message.message.blob.attach_octets() + crate::work::MAIL_OCTETS;
        if !work.has_room(octets) {
            progress.mails.iter().for_each(|(email, _)| work.stage(*email));
            return Ok(Step::More);
        }
        let kept = work.keep(&message.message).await?;
        progress.mails.push(kept);
    }
    progress.mails.iter().for_each(|(email, _)| work.unstage(*email));
    let mails = progress.mails.iter().zip(messages).zip(flags);
    let entries = mails.map(|((&(email, thread), message), (flags, keywords))| MessageEntry {
        uid: FIRST_UID,
        email,
        thread,
        modseq: ModSeq(0),
        flags,
        keywords,
        octets: message.message.octets(),
        internal_date: message.internal_date.unwrap_or(work.now),
        save_date: work.now,
    });
    let entries = entries.collect();
    let uids = work.add(folder, entries)?;
    Ok(Step::Done(AppendReply {
        folder,
        uid_validity: work.folder(folder)?.uid_validity,
        uids,
        emails: progress.mails.iter().map(|(email, _)| *email).collect(),
    }))
}
