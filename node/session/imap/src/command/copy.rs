//! COPY (RFC 9051 §6.4.7) and the COPYUID code (RFC 4315 §3).

use hongyan_imap::command::copy::Copy;
use hongyan_imap::{Code, Ranges, Status};
use hongyan_mailbox::{CopyMessages, CopyMessagesReply};

use crate::session::Session;
use crate::stop::{Answer, or_try_create};

impl Session {
    pub(crate) async fn copy(&mut self, copy: &Copy) -> Answer {
        let to = self.locate(&copy.mailbox).await?;
        let selected = self.selected()?;
        let uids = selected.set_uids(&copy.set, copy.uid)?;
        if to.place.mailbox != selected.place.mailbox {
            return self.transfer(uids, &to, false).await;
        }
        to.place.writable()?;
        let request = CopyMessages {
            from: selected.folder,
            uids,
            to: to.reference().map_err(or_try_create)?,
        };
        let copied = self.ask(request).await.map_err(or_try_create)?;
        Ok(match copy_uid(&copied) {
            Some(code) => Status::ok_with(code, "Copy completed"),
            None => Status::ok("Nothing to copy"),
        })
    }
}

/// COPYUID; `None` when nothing was copied. Both lists ascend, so sets keep their pairing.
pub(crate) fn copy_uid(copied: &CopyMessagesReply) -> Option<Code> {
    let from: Ranges = copied.uids.iter().map(|(from, _)| from.get()).collect();
    let to: Ranges = copied.uids.iter().map(|(_, to)| to.get()).collect();
    (!from.is_empty()).then(|| Code::CopyUid(copied.uid_validity.get(), from, to))
}
