//! MOVE (RFC 9051 §6.4.8).

use hongyan_imap::Status;
use hongyan_imap::command::copy::Copy;
use hongyan_mailbox::MoveMessages;

use crate::command::copy::copy_uid;
use crate::session::Session;
use crate::stop::{Answer, or_try_create};

impl Session {
    pub(crate) async fn move_messages(&mut self, copy: &Copy) -> Answer {
        let to = self.locate(&copy.mailbox).await?;
        let selected = self.selected()?;
        selected.writable()?;
        let uids = selected.set_uids(&copy.set, copy.uid)?;
        if to.place.mailbox != selected.place.mailbox {
            return self.transfer(uids, &to, true).await;
        }
        let request = MoveMessages {
            from: selected.folder,
            uids,
            to: to.reference().map_err(or_try_create)?,
        };
        let request = request.knowing(selected.latest());
        let moved = self.ask(request).await.map_err(or_try_create)?;
        // RFC 9051 §6.4.8: COPYUID comes untagged, before the EXPUNGE responses.
        if let Some(code) = copy_uid(&moved.moved) {
            self.imap.output().untagged(&Status::ok_with(code, "Moved"));
        }
        self.selected_mut()?.absorb(moved.view);
        Ok(Status::ok("Move completed"))
    }
}
