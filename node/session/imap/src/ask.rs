//! Asking mailboxes: the account's own, and those that are open to it.

use std::sync::Arc;

use hongyan_mailbox::{
    Acting, Client, FolderView, ListFolders, ListFoldersReply, MailboxEntity, MailboxError, OpenFolder, OpenFolderReply,
};
use hongyan_router::Ask;
use hongyan_types::UidSet;

use crate::place::Place;
use crate::session::Session;
use crate::stop::Stop;

impl Session {
    /// Asks a mailbox, for what the account may do there.
    pub(crate) async fn ask_in<R, T>(&self, place: &Place, request: R) -> Result<T, Stop>
    where
        R: Ask<Entity = MailboxEntity, Reply = Result<T, MailboxError>>,
    {
        let timeout = self.settings.ask_timeout;
        // SBX, DLG: what is done in a mailbox of others is noted with who did it.
        let person = self.account()?.mailbox.account;
        let request = Acting::new(request, (!place.is_own()).then_some(person)).through(Client::Imap);
        let request = request.within(place.permit.clone());
        Ok(self.services.router.ask(&place.mailbox, request, timeout).await??)
    }

    /// Asks the mailbox of the selected folder.
    pub(crate) async fn ask<R, T>(&self, request: R) -> Result<T, Stop>
    where
        R: Ask<Entity = MailboxEntity, Reply = Result<T, MailboxError>>,
    {
        self.ask_in(&self.selected()?.place, request).await
    }

    /// All folders of a mailbox that the account sees.
    pub(crate) async fn folders_in(&self, place: &Place) -> Result<ListFoldersReply, Stop> {
        let mut listed = self.ask_in(place, ListFolders).await?;
        if place.permit.is_some() {
            let mut folders = listed.folders.to_vec();
            for folder in &mut folders {
                folder.subscribed = place.share(folder.id).is_some_and(|share| share.subscribed);
            }
            listed.folders = Arc::new(folders);
        }
        Ok(listed)
    }

    /// A folder as IMAP clients may see it, and what is hidden from them: nothing of other mailboxes.
    pub(crate) async fn open(&self, place: &Place, request: OpenFolder) -> Result<(OpenFolderReply, UidSet), Stop> {
        let mut opened = self.ask_in(place, request).await?;
        let hidden = match place.is_own() {
            true => self.account()?.hidden(&opened.view, &self.services.env),
            false => UidSet::new(),
        };
        opened.view = without(opened.view, &hidden);
        Ok((opened, hidden))
    }
}

/// `view` without the messages that are hidden from this client.
pub(crate) fn without(view: FolderView, hidden: &UidSet) -> FolderView {
    if hidden.is_empty() { view } else { view.without(hidden) }
}
