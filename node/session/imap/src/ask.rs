//! Asking mailboxes: the account's own, and those that are open to it.

use hongyan_mailbox::{
    Acting, Client, FolderView, ListFolders, ListFoldersReply, MailboxEntity, MailboxError, MailboxId, OpenFolder,
    OpenFolderReply,
};
use hongyan_router::Ask;
use hongyan_types::UidSet;

use crate::place::Place;
use crate::session::Session;
use crate::stop::Stop;

impl Session {
    /// Asks a mailbox.
    pub(crate) async fn ask_in<R, T>(&self, mailbox: MailboxId, request: R) -> Result<T, Stop>
    where
        R: Ask<Entity = MailboxEntity, Reply = Result<T, MailboxError>>,
    {
        let timeout = self.settings.ask_timeout;
        // SBX, DLG: what is done in a mailbox of others is noted with who did it.
        let own = self.account()?.mailbox;
        let request = Acting::new(request, (mailbox != own).then_some(own.account)).through(Client::Imap);
        Ok(self.services.router.ask(&mailbox, request, timeout).await??)
    }

    /// Asks the mailbox of the selected folder.
    pub(crate) async fn ask<R, T>(&self, request: R) -> Result<T, Stop>
    where
        R: Ask<Entity = MailboxEntity, Reply = Result<T, MailboxError>>,
    {
        self.ask_in(self.selected()?.place.mailbox, request).await
    }

    /// All folders of a mailbox.
    pub(crate) async fn folders_in(&self, place: &Place) -> Result<ListFoldersReply, Stop> {
        self.ask_in(place.mailbox, ListFolders).await
    }

    /// A folder as IMAP clients may see it, and what is hidden from them: nothing of other mailboxes.
    pub(crate) async fn open(&self, place: &Place, request: OpenFolder) -> Result<(OpenFolderReply, UidSet), Stop> {
        let mut opened = self.ask_in(place.mailbox, request).await?;
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
