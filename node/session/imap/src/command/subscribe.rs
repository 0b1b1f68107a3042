//! SUBSCRIBE and UNSUBSCRIBE (RFC 9051 §6.3.7, §6.3.8).

use hongyan_directory::Error;
use hongyan_imap::{MailboxName, Status};
use hongyan_mailbox::{FolderPath, MailboxError, SubscribeFolder};

use crate::folder;
use crate::place::{Place, directory_failed};
use crate::session::Session;
use crate::stop::{Answer, Stop};

impl Session {
    pub(crate) async fn subscribe(&mut self, name: &MailboxName, subscribed: bool) -> Answer {
        // Which folders of a mailbox are subscribed to is common to all who use it; of single folders that are shared each
        // says it for themselves.
        let located = self.locate(name).await?;
        let path = located.existing_path()?;
        if located.place.permit.is_some() {
            self.subscribe_to_shared(&located.place, &path, subscribed).await?;
        } else {
            let request = SubscribeFolder { path, subscribed };
            self.ask_in(&located.place, request).await?;
        }
        Ok(Status::ok("Subscription changed"))
    }

    async fn subscribe_to_shared(&self, place: &Place, path: &FolderPath, subscribed: bool) -> Result<(), Stop> {
        let folders = self.folders_in(place).await?;
        let found = folder::find(&folders.folders, path)?;
        let (directory, person) = (&self.services.directory, self.person().await?);
        let Some(share) = place.share(found.id) else {
            return Ok(());
        };
        match directory.subscribe_to_shared(&person, share, subscribed).await {
            Err(Error::NotFound { .. }) => Err(MailboxError::NoSuchFolder.into()),
            outcome => outcome.map_err(|error| directory_failed(&error)),
        }
    }
}
