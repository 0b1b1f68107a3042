//! EXPUNGE and UID EXPUNGE (RFC 9051 §6.4.3, §6.4.9): the notices that follow tell what went.

use hongyan_imap::{Code, SequenceSet, Status};
use hongyan_mailbox::Expunge;

use crate::session::Session;
use crate::stop::Answer;

impl Session {
    pub(crate) async fn expunge(&mut self, set: Option<&SequenceSet>) -> Answer {
        let selected = self.selected()?;
        selected.writable()?;
        let uids = match set {
            Some(set) => Some(selected.set_uids(set, true)?),
            None if selected.hidden.is_empty() => None,
            None => Some(selected.latest().uids()),
        };
        let request = Expunge {
            folder: selected.folder,
            uids,
            deleted_only: true,
        };
        let request = request.knowing(selected.latest());
        let expunged = self.ask(request).await?;
        let selected = self.selected_mut()?;
        selected.absorb(expunged.view);
        let highest = selected.latest().highest_modseq().0;
        let status = Status::ok("Expunge completed");
        // RFC 7162 §3.2.7
        Ok(if self.imap.enabled().cond_store && !expunged.expunged.is_empty() {
            Status {
                code: Some(Code::HighestModSeq(highest.max(1))),
                ..status
            }
        } else {
            status
        })
    }
}
