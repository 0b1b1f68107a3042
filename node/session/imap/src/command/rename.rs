//! RENAME (RFC 9051 §6.3.6).

use hongyan_imap::Status;
use hongyan_imap::command::rename::Rename;
use hongyan_mailbox::RenameFolder;

use crate::folder;
use crate::session::Session;
use crate::stop::Answer;

impl Session {
    pub(crate) async fn rename(&mut self, rename: &Rename) -> Answer {
        let request = RenameFolder {
            from: folder::existing_path(&rename.from)?,
            to: folder::path(&rename.to)?,
        };
        self.ask(request).await?;
        Ok(Status::ok("Rename completed"))
    }
}
