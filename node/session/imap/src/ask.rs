//! Asking the mailbox of the signed-in account.

use hongyan_actor::Entity;
use hongyan_mailbox::{
    FolderView, ListFolders, ListFoldersReply, MailboxError, MailboxId, OpenFolder, OpenFolderReply,
};
use hongyan_router::Ask;
use hongyan_types::UidSet;

use crate::session::Session;
use crate::stop::Stop;

impl Session {
    /// Asks the account's mailbox.
    pub(crate) async fn ask<R, T>(&self, request: R) -> Result<T, Stop>
    where
        R: Ask<Reply = Result<T, MailboxError>>,
        R::Entity: Entity<Key = MailboxId>,
    {
        let mailbox = self.account()?.mailbox;
        let timeout = self.settings.ask_timeout;
        Ok(self.services.router.ask(&mailbox, request, timeout).await??)
    }

    /// All folders.
    pub(crate) async fn folders(&self) -> Result<ListFoldersReply, Stop> {
        self.ask(ListFolders).await
    }

    /// A folder as IMAP clients may see it, and what is hidden from them.
    pub(crate) async fn open(&self, request: OpenFolder) -> Result<(OpenFolderReply, UidSet), Stop> {
        let mut opened = self.ask(request).await?;
        let hidden = self.account()?.hidden(&opened.view, &self.services.env);
        opened.view = without(opened.view, &hidden);
        Ok((opened, hidden))
    }
}

/// `view` without the messages that are hidden from this client.
pub(crate) fn without(view: FolderView, hidden: &UidSet) -> FolderView {
    if hidden.is_empty() { view } else { view.without(hidden) }
}
