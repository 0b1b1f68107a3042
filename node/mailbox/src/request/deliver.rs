//! A mail that arrives: once, whatever is repeated.

use hongyan_types::ModSeq;
use hongyan_types::{Flag, Timestamp, Uid, UidValidity};

use crate::MessageEntry;
use crate::record::{delivery, key};
use crate::work::{FIRST_UID, Progress, SentBy, Step, Stop, Work};
use crate::{DeliveryId, EmailId, FolderId, FolderRef, NewMessage};

/// Delivers one mail.
#[derive(Clone)]
pub struct Deliver {
    /// The mail.
    pub message: NewMessage,
    /// Into which folder; INBOX when it does not exist.
    pub folder: FolderRef,
    /// Flags it has from the start.
    pub flags: Vec<Flag>,
    /// INTERNALDATE; now when absent.
    pub internal_date: Option<Timestamp>,
    /// Under which a repeat is recognised, for [`crate::DELIVERY_ID_KEPT`].
    pub delivery_id: Option<DeliveryId>,
    /// Whether it is delivered even into a full mailbox (reports, system notices).
    pub ignore_quota: bool,
}

/// Delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliverReply {
    /// Where it is.
    pub folder: FolderId,
    /// UIDVALIDITY there.
    pub uid_validity: UidValidity,
    /// Its UID there when it was delivered.
    pub uid: Uid,
    /// Its id.
    pub email: EmailId,
    /// Whether it had been delivered before, so that this request changed nothing.
    pub is_repeat: bool,
}

impl Deliver {
    pub(crate) async fn handle(&self, work: &mut Work<'_>, _: &mut Progress) -> Result<Step<DeliverReply>, Stop> {
        let key = self.delivery_id.map(|id| key::delivery(work.id, &id));
        if let Some(key) = &key
            && let Some(stored) = work.transaction.get(key).await?
        {
            return Ok(Step::Done(delivery::decode(&stored)?.1));
        }
        let folder = work.resolve(&self.folder).unwrap_or(FolderId::INBOX);
        let structure = &self.message.structure;
        if let Some(reply) = work.take_sent(SentBy::Client, folder, structure).await? {
            return Ok(Step::Done(reply));
        }
        let octets = self.message.octets();
        if !self.ignore_quota {
            work.check_quota(octets.0, 1)?;
        }
        work.check_uids(folder, 1)?;
        let (flags, keywords) = work.flags(&self.flags)?;
        let keywords = work.keyword_set(keywords)?;
        let (email, thread) = work.keep(&self.message).await?;
        let entry = MessageEntry {
            uid: FIRST_UID,
            email,
            thread,
            modseq: ModSeq(0),
            flags,
            keywords,
            octets,
            internal_date: self.internal_date.unwrap_or(work.now),
            save_date: work.now,
        };
        let uids = work.add(folder, vec![entry])?;
        let reply = DeliverReply {
            folder,
            uid_validity: work.folder(folder)?.uid_validity,
            uid: uids[0],
            email,
            is_repeat: false,
        };
        work.note_sent(SentBy::Submission, structure, &reply)?;
        if let Some(key) = key {
            work.transaction.set(key, delivery::encode(work.now, &reply));
        }
        Ok(Step::Done(reply))
    }
}
