//! DELETE (RFC 9051 §6.3.5).

use hongyan_directory::FolderNumber;
use hongyan_imap::{MailboxName, Status};
use hongyan_mailbox::DeleteFolder;

use crate::folder;
use crate::select_state::Selected;
use crate::session::Session;
use crate::stop::Answer;

impl Session {
    pub(crate) async fn delete(&mut self, name: &MailboxName) -> Answer {
        let located = self.locate(name).await?;
        let folders = self.folders_in(&located.place).await?;
        let found = folder::find(&folders.folders, &located.existing_path()?)?;
        let id = found.id;
        located.place.writable()?;
        let mailbox = located.place.mailbox;
        self.ask_in(&located.place, DeleteFolder { folder: id.into() }).await?;
        // Nobody has it any more; should this fail, what is left of it names nothing, and goes later (node/upkeep).
        let (directory, number) = (&self.services.directory, FolderNumber(id.0));
        let (path, person) = (Some(found.path.as_str()), self.person().await.ok());
        let by = person.as_deref();
        if let Err(error) = directory.forget_folder(mailbox.account, number, path, by).await {
            tracing::warn!(event = "imap_folder_shares_left", %error);
        }
        // Deleting the selected folder leaves it.
        let here = |selected: &Selected| (selected.place.mailbox, selected.folder) == (mailbox, id);
        if self.selected.as_deref().is_some_and(here) {
            self.leave_folder();
        }
        Ok(Status::ok("Delete completed"))
    }
}
