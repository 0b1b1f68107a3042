//! Folders that clients make, rename and delete while others work in them. No name is given twice.

use hongyan_invariant::{FolderName, MailboxName, Operation, Place};
use hongyan_workload::FOLDERS;
use rand::RngExt;
use rand::seq::IndexedRandom;

use super::Worker;
use crate::client::{Imap, Lost};

/// How many folders of its own a mailbox has at most, by what clients know.
const OWN_MAX: usize = 4;

impl Worker {
    /// A folder of the mailbox to work in: one that is always there, or one that somebody made.
    pub(super) fn folder(&mut self, mailbox: &MailboxName) -> FolderName {
        let own = self.world.own_folders(mailbox);
        match own.choose(&mut self.random) {
            Some(own) if self.random.random_bool(0.3) => own.clone(),
            _ => FolderName((*FOLDERS.choose(&mut self.random).unwrap_or(&"INBOX")).to_owned()),
        }
    }

    /// Makes, renames or deletes one.
    pub(super) async fn change_folders(&mut self, imap: &mut Imap, place: &Place) -> Result<(), Lost> {
        let mailbox = &place.mailbox;
        let own = self.world.own_folders(mailbox);
        let chosen = own.choose(&mut self.random).map(|folder| Place {
            mailbox: mailbox.clone(),
            folder: folder.clone(),
        });
        match chosen {
            Some(chosen) if own.len() >= OWN_MAX || self.random.random_bool(0.6) => {
                if self.random.random_bool(0.6) {
                    self.rename(imap, chosen).await
                } else {
                    let is_selected = chosen == *place;
                    self.delete(imap, chosen).await?;
                    // Nothing is selected any more: the session is over.
                    if is_selected { Err(Lost) } else { Ok(()) }
                }
            }
            _ => self.create(imap, mailbox.clone()).await,
        }
    }

    async fn create(&mut self, imap: &mut Imap, mailbox: MailboxName) -> Result<(), Lost> {
        let folder = self.world.new_folder_name();
        let command = format!("CREATE {}", folder.0);
        let place = Place { mailbox, folder };
        if self
            .change(imap, Operation::CreateFolder { place: place.clone() }, &command)
            .await?
        {
            self.world.add_own_folder(&place);
        }
        Ok(())
    }

    async fn rename(&mut self, imap: &mut Imap, place: Place) -> Result<(), Lost> {
        let to = self.world.new_folder_name();
        let command = format!("RENAME {} {}", place.folder.0, to.0);
        self.world.remove_own_folder(&place);
        let operation = Operation::RenameFolder {
            place: place.clone(),
            to: to.clone(),
        };
        if self.change(imap, operation, &command).await? {
            let place = Place { folder: to, ..place };
            self.world.add_own_folder(&place);
        }
        Ok(())
    }

    async fn delete(&mut self, imap: &mut Imap, place: Place) -> Result<(), Lost> {
        let command = format!("DELETE {}", place.folder.0);
        self.world.remove_own_folder(&place);
        self.change(imap, Operation::DeleteFolder { place }, &command).await?;
        Ok(())
    }

    /// Whether it surely happened.
    async fn change(&mut self, imap: &mut Imap, operation: Operation, command: &str) -> Result<bool, Lost> {
        let call = self.me.recorder.call(self.me.client, imap.session, operation.clone());
        let answer = imap.run(command).await;
        Ok(self.concluded(call, &operation, answer)?.is_ok())
    }
}
