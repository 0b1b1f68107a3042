//! DELETE (RFC 9051 §6.3.5).

use hongyan_imap::{MailboxName, Status};
use hongyan_mailbox::DeleteFolder;

use crate::folder;
use crate::session::Session;
use crate::stop::Answer;

impl Session {
    pub(crate) async fn delete(&mut self, name: &MailboxName) -> Answer {
        let folders = self.folders().await?;
        let id = folder::find(&folders.folders, name)?.id;
        self.ask(DeleteFolder { folder: id.into() }).await?;
        // Deleting the selected folder leaves it.
        if self.selected.as_ref().is_some_and(|selected| selected.folder == id) {
            self.leave_folder();
        }
        Ok(Status::ok("Delete completed"))
    }
}
