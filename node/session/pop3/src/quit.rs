//! QUIT (RFC 1939 §6): deletes what is marked, all of it durable before `+OK`.

use hongyan_mailbox::{Expunge, MailboxError};
use hongyan_pop3::{Reply, ResponseCode};
use hongyan_types::UidSet;

use crate::session::Session;

impl Session {
    /// Enters the UPDATE state; its answer. The lock is given back before it: a client may come again at once.
    pub(crate) async fn quit(&mut self) -> Reply {
        let reply = self.update().await;
        self.release().await;
        reply
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
