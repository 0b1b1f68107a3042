//! One copy of a sent mail (ACC-13): submission keeps one and so do many clients. Whichever comes second is recognised by
//! the Message-ID, once: a mail that is really put into Sent twice is there twice.

use hongyan_message::Structure;

use super::mail::own_id;
use super::{Stop, Work};
use crate::record::{delivery, key};
use crate::{DeliverReply, DeliveryId, FolderId, SpecialUse};

/// Who put a mail into Sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SentBy {
    /// The server, when the mail was submitted.
    Submission,
    /// The client, by APPEND.
    Client,
}

impl Work<'_> {
    /// Where the copy of this mail is that the other side, `by`, put into Sent, if it is still there; it is taken for the
    /// copy now asked for.
    pub(crate) async fn take_sent(
        &mut self,
        by: SentBy,
        folder: FolderId,
        structure: &Structure,
    ) -> Result<Option<DeliverReply>, Stop> {
        let Some(id) = self.sent_id(by, folder, structure)? else {
            return Ok(None);
        };
        let key = key::delivery(self.id, &id);
        let Some(stored) = self.transaction.get(&key).await? else {
            return Ok(None);
        };
        let (_, reply) = delivery::decode(&stored)?;
        self.transaction.clear(&key);
        self.wrote(60);
        let there = self.transaction.get(&key::email(self.id, reply.email)).await?.is_some();
        Ok(Some(reply).filter(|reply| there && reply.folder == folder))
    }

    /// Notes that `by` put this mail into Sent.
    pub(crate) fn note_sent(&mut self, by: SentBy, structure: &Structure, reply: &DeliverReply) -> Result<(), Stop> {
        if let Some(id) = self.sent_id(by, reply.folder, structure)? {
            let stored = delivery::encode(self.now, reply);
            self.wrote(stored.len() + 60);
            self.transaction.set(key::delivery(self.id, &id), stored);
        }
        Ok(())
    }

    fn sent_id(&self, by: SentBy, folder: FolderId, structure: &Structure) -> Result<Option<DeliveryId>, Stop> {
        if self.folder(folder)?.special_use != Some(SpecialUse::Sent) {
            return Ok(None);
        }
        let Some(message_id) = own_id(structure) else {
            return Ok(None);
        };
        let side: &[u8] = match by {
            SentBy::Submission => b"sent by submission\0",
            SentBy::Client => b"sent by client\0",
        };
        let digest = blake3::hash(&[side, message_id.as_bytes()].concat());
        let mut id = [0; 16];
        id.copy_from_slice(&digest.as_bytes()[..16]);
        Ok(Some(DeliveryId(id)))
    }
}
