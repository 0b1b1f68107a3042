//! QUIT (RFC 1939 §6): deletes what is marked, all of it durable before `+OK`.

use hongyan_mailbox::{Expunge, MailboxError};
use hongyan_pop3::{Reply, ResponseCode};
use hongyan_types::UidSet;

use crate::maildrop::Maildrop;
use crate::session::Session;

impl Session {
    /// Enters the UPDATE state; its answer. The lock is given back before it: a client may come again at once.
    pub(crate) async fn quit(&mut self) -> Reply {
        let reply = match self.keep_lock_for_update().await {
            Ok(()) => self.update().await,
            Err(refusal) => refusal,
        };
        self.release().await;
        reply
    }

    /// The lock may have been lost with the mailbox's node, and another session may rely on what is marked here.
    async fn keep_lock_for_update(&mut self) -> Result<(), Reply> {
        let marked = |maildrop: &Maildrop| maildrop.may_delete && maildrop.marked().next().is_some();
        let Some(mailbox) = self
            .maildrop()
            .filter(|maildrop| marked(maildrop))
            .map(|maildrop| maildrop.mailbox)
        else {
            return Ok(());
        };
        let span = self.parts().settings.lock_span;
        self.lock_maildrop(mailbox, span).await.map_err(|error| match error {
            MailboxError::Locked => {
                let text = "the maildrop was taken over, nothing is deleted".to_owned();
                Reply::Err(Some(ResponseCode::InUse), text)
            }
            _ => Reply::Err(Some(ResponseCode::SysTemp), "some messages are not deleted".to_owned()),
        })
    }

    async fn update(&self) -> Reply {
        let Some(maildrop) = self.maildrop() else {
            return Reply::Ok("bye".to_owned());
        };
        // ACC-12: what clients may not delete stays, and they are not told, or they would ask again for ever.
        if !maildrop.may_delete {
            return Reply::Ok("bye".to_owned());
        }
        let max = self.parts().settings.delete_batch_max;
        let batches = maildrop
            .marked()
            .flat_map(|(folder, uids)| batches(uids, max).into_iter().map(move |batch| (folder, batch)));
        for (folder, batch) in batches {
            let request = Expunge {
                folder,
                uids: Some(batch),
                deleted_only: false,
            };
            match self.ask(maildrop.mailbox, request).await {
                // Deleted by another client, with the messages in it.
                Err(MailboxError::NoSuchFolder) => {}
                Ok(done) => self.metrics().deleted.inc_by(done.expunged.count()),
                Err(_) => {
                    let text = "some messages are not deleted".to_owned();
                    return Reply::Err(Some(ResponseCode::SysTemp), text);
                }
            }
        }
        Reply::Ok("bye".to_owned())
    }
}

/// Cuts `uids` into sets of at most `max`.
fn batches(uids: &UidSet, max: usize) -> Vec<UidSet> {
    let mut batches = vec![UidSet::new()];
    let mut room = max.max(1);
    for uid in uids.iter() {
        if room == 0 {
            batches.push(UidSet::new());
            room = max.max(1);
        }
        if let Some(batch) = batches.last_mut() {
            batch.insert(uid);
        }
        room -= 1;
    }
    batches
}
