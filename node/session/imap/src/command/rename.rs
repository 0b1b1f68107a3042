//! RENAME (RFC 9051 §6.3.6).

use hongyan_imap::command::rename::Rename;
use hongyan_imap::{Code, Status};
use hongyan_mailbox::RenameFolder;

use crate::session::Session;
use crate::stop::Answer;

impl Session {
    pub(crate) async fn rename(&mut self, rename: &Rename) -> Answer {
        let (from, to) = (self.locate(&rename.from).await?, self.locate(&rename.to).await?);
        let request = RenameFolder {
            from: from.existing_path()?,
            to: to.path()?,
        };
        from.place.writable()?;
        if from.place.mailbox != to.place.mailbox {
            return Err(Status::no_with(Code::Cannot, "A folder stays in its mailbox").into());
        }
        self.check_folders(&from.place, Some(&request.from), &request.to)
            .await?;
        self.ask_in(&from.place, request).await?;
        Ok(Status::ok("Rename completed"))
    }
}
