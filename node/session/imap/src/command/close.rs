//! CLOSE (RFC 9051 §6.4.1): expunges without telling, and leaves.

use hongyan_imap::Status;
use hongyan_mailbox::Expunge;
use hongyan_types::FolderRight;

use crate::session::Session;
use crate::stop::Answer;

impl Session {
    pub(crate) async fn close(&mut self) -> Answer {
        let selected = self.selected()?;
        // RFC 4314 §4: without the right nothing is expunged, and the folder is closed all the same.
        let expunges = selected.place.folder_rights(selected.folder).has(FolderRight::Expunge);
        if !selected.read_only && expunges {
            let visible = (!selected.hidden.is_empty()).then(|| selected.view.uids());
            let request = Expunge {
                folder: selected.folder,
                uids: visible,
                deleted_only: true,
            };
            self.ask(request).await?;
        }
        self.leave_folder();
        Ok(Status::ok("Close completed"))
    }
}
