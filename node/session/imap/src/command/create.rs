//! CREATE (RFC 9051 §6.3.4, RFC 6154 §3).

use hongyan_directory::{FolderNumber, Inheritance};
use hongyan_imap::command::create::{self, Create};
use hongyan_imap::{Code, Status};
use hongyan_mailbox::{CreateFolder, DeleteFolder, FolderId, FolderInfo, FolderPath, SpecialUse};

use crate::place::{Place, directory_failed};
use crate::session::Session;
use crate::stop::{Answer, Stop};

impl Session {
    pub(crate) async fn create(&mut self, create: Create) -> Answer {
        let special_use = match create.special_uses.as_slice() {
            [] => None,
            [only] => Some(special_use(*only)),
            _ => return Err(Status::no_with(Code::UseAttr, "A folder has one special use").into()),
        };
        let located = self.locate(&create.mailbox).await?;
        located.place.writable()?;
        let path = located.path()?;
        self.check_folders(&located.place, None, &path).await?;
        let above = match &located.place.permit {
            Some(_) => self.folder_above(&located.place, &path).await?,
            None => None,
        };
        let request = CreateFolder {
            path: path.clone(),
            special_use,
        };
        let created = self.ask_in(&located.place, request).await?;
        if let Some(above) = above {
            self.inherit(&located.place, above, &created.folder).await?;
        }
        Ok(Status::ok_with(
            Code::MailboxId(created.folder.id.to_string()),
            "Create completed",
        ))
    }
}

impl Session {
    /// The folder that a new one is to be in.
    async fn folder_above(&self, place: &Place, path: &FolderPath) -> Result<Option<FolderId>, Stop> {
        let folders = self.folders_in(place).await?;
        let above = path.parent();
        let found = folders
            .folders
            .iter()
            .find(|folder| Some(&*folder.path) == above.as_ref());
        Ok(found.map(|folder| folder.id))
    }
    /// Shares a new folder as the one that it is in; what cannot be shared nobody would see who made it, and is not made.
    async fn inherit(&self, place: &Place, above: FolderId, folder: &FolderInfo) -> Result<(), Stop> {
        let new = Inheritance {
            account: place.mailbox.account,
            above: FolderNumber(above.0),
            folder: FolderNumber(folder.id.0),
            path: folder.path.as_str().to_owned(),
        };
        let person = self.person().await?;
        let Err(error) = self.services.directory.inherit_shares(&person, &new).await else {
            return Ok(());
        };
        let folder = folder.id.into();
        if self.ask_in(&place.whole(), DeleteFolder { folder }).await.is_err() {
            tracing::warn!(event = "imap_folder_not_taken_back");
        }
        Err(directory_failed(&error))
    }
}

fn special_use(special_use: create::SpecialUse) -> SpecialUse {
    match special_use {
        create::SpecialUse::Archive => SpecialUse::Archive,
        create::SpecialUse::Drafts => SpecialUse::Drafts,
        create::SpecialUse::Junk => SpecialUse::Junk,
        create::SpecialUse::Sent => SpecialUse::Sent,
        create::SpecialUse::Trash => SpecialUse::Trash,
    }
}
