//! Where a mailbox name leads: into the account's own mailbox, or into one of others that is open to it (RFC 2342 §5).
//!
//! Shared mailboxes are at `Shared/<address>/..`, mailboxes of people whom the account acts for at `Users/<address>/..`, and
//! so are single folders that people share with it. What is open is looked at anew with each command, so a right that is
//! withdrawn is gone at once.

use std::sync::Arc;

use hongyan_directory::{
    AccountKind, AccountRecord, FolderNumber, FolderOpening, FolderShare, GrantRights, Opening, Sending,
};
use hongyan_imap::{Code, MailboxName, Status};
use hongyan_mailbox::{FolderId, FolderPath, FolderRef, MailboxId, Permit};
use hongyan_types::{FolderRight, FolderRights};

use crate::folder;
use crate::session::Session;
use crate::stop::Stop;

/// What names of shared mailboxes begin with.
pub(crate) const SHARED: &str = "Shared/";
/// What names of other people's mailboxes begin with.
pub(crate) const OTHERS: &str = "Users/";

/// A mailbox in which folders are named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) mailbox: MailboxId,
    pub(crate) rights: GrantRights,
    /// What names in it begin with: nothing in the own mailbox.
    pub(crate) prefix: String,
    /// The single folders that are open; all, without it.
    pub(crate) permit: Option<Arc<Permit>>,
    shares: Vec<FolderShare>,
}

impl Place {
    pub(crate) fn own(mailbox: MailboxId) -> Self {
        Self {
            mailbox,
            rights: GrantRights::FULL,
            prefix: String::new(),
            permit: None,
            shares: Vec::new(),
        }
    }
    fn at(account: &AccountRecord, rights: GrantRights) -> Self {
        Self {
            rights,
            prefix: format!("{}{}/", root(account.kind), account.address),
            ..Self::own(MailboxId {
                tenant: account.tenant,
                account: account.id,
            })
        }
    }
    fn of(opening: &Opening) -> Self {
        Self::at(&opening.account, opening.rights)
    }
    fn within(opening: &FolderOpening) -> Self {
        let rights = opening.folders.iter();
        let permit = Permit::new(rights.map(|share| (FolderId(share.folder.0), share.rights)));
        let rights = GrantRights {
            read: true,
            write: permit.can_change(),
            send: Sending::No,
        };
        Self {
            permit: Some(Arc::new(permit)),
            shares: opening.folders.clone(),
            ..Self::at(&opening.account, rights)
        }
    }
    /// How a folder of it is shared with the account.
    pub(crate) fn share(&self, folder: FolderId) -> Option<&FolderShare> {
        self.shares.iter().find(|share| share.folder == FolderNumber(folder.0))
    }
    /// What may be done with a folder. Who may use a whole mailbox is the business of the administrators and of delegation.
    pub(crate) fn folder_rights(&self, folder: FolderId) -> FolderRights {
        match (&self.permit, self.rights.write) {
            (Some(permit), _) => permit.rights(folder),
            (None, _) if self.is_own() => FolderRights::ALL,
            (None, true) => FolderRights::ALL.without(FolderRights::NONE.with(FolderRight::Administer)),
            (None, false) => FolderRights::NONE.with(FolderRight::Lookup).with(FolderRight::Read),
        }
    }
    /// The same with all folders: for what the server has to know or to do for the account's sake.
    pub(crate) fn whole(&self) -> Self {
        Self {
            permit: None,
            ..self.clone()
        }
    }
    pub(crate) fn is_own(&self) -> bool {
        self.prefix.is_empty()
    }
    /// A name in it, as clients write it.
    pub(crate) fn name(&self, path: &FolderPath) -> String {
        format!("{}{}", self.prefix, path.as_str())
    }
    /// Refuses a change that the account may not make.
    pub(crate) fn writable(&self) -> Result<(), Stop> {
        if self.rights.write {
            return Ok(());
        }
        Err(Status::no_with(Code::NoPerm, "You may only read there").into())
    }
}

/// The answer while the directory does not.
pub(crate) fn directory_failed(error: &hongyan_directory::Error) -> Stop {
    tracing::warn!(event = "imap_directory_failed", %error);
    Stop::Refused(Status::no_with(Code::Unavailable, "The directory is not available now"))
}

/// What names begin with of mailboxes of a kind.
pub(crate) fn root(kind: AccountKind) -> &'static str {
    match kind {
        AccountKind::Shared => SHARED,
        AccountKind::Member => OTHERS,
    }
}

/// A name as it is in its place.
#[derive(Debug)]
pub(crate) struct Located {
    pub(crate) place: Place,
    inside: String,
}

impl Located {
    pub(crate) fn reference(&self) -> Result<FolderRef, Stop> {
        folder::reference(&self.inside)
    }
    pub(crate) fn existing_path(&self) -> Result<FolderPath, Stop> {
        folder::existing_path(&self.inside)
    }
    /// As the path of a folder to be made.
    pub(crate) fn path(&self) -> Result<FolderPath, Stop> {
        folder::path(&self.inside)
    }
}

impl Session {
    /// Who is signed in, as the directory knows them now.
    pub(crate) async fn person(&self) -> Result<Arc<AccountRecord>, Stop> {
        let id = self.account()?.mailbox.account;
        let found = self.services.directory.account(id).await;
        let found = found.map_err(|error| directory_failed(&error))?;
        found.ok_or_else(|| Status::no_with(Code::Unavailable, "The account is gone").into())
    }

    /// The mailboxes that are open to the account beside its own.
    pub(crate) async fn places(&self) -> Result<Vec<Place>, Stop> {
        let id = self.account()?.mailbox.account;
        let directory = &self.services.directory;
        let opened = async {
            let Some(account) = directory.account(id).await? else {
                return Ok(Vec::new());
            };
            let whole = directory.accounts_open_to(&account).await?;
            let folders = directory.folders_open_to(&account, &whole).await?;
            let whole = whole.iter().map(Place::of);
            Ok::<Vec<Place>, hongyan_directory::Error>(whole.chain(folders.iter().map(Place::within)).collect())
        };
        opened.await.map_err(|error| directory_failed(&error))
    }

    /// The place that a name leads to.
    pub(crate) async fn locate(&self, name: &MailboxName) -> Result<Located, Stop> {
        let name = name.as_str();
        if name.starts_with(SHARED) || name.starts_with(OTHERS) {
            for place in self.places().await? {
                // Addresses are the same in capital and small letters.
                if let Some((head, inside)) = name.split_at_checked(place.prefix.len())
                    && head.eq_ignore_ascii_case(&place.prefix)
                {
                    let inbox = inside.eq_ignore_ascii_case("INBOX");
                    let inside = if inbox { "INBOX" } else { inside };
                    return Ok(Located {
                        inside: inside.to_owned(),
                        place,
                    });
                }
            }
        }
        Ok(Located {
            place: Place::own(self.account()?.mailbox),
            inside: name.to_owned(),
        })
    }

    /// Ends the session's stay in a mailbox that is no longer open to the account.
    pub(crate) async fn check_open(&mut self) -> Result<(), Stop> {
        let Some(selected) = self.selected.as_ref().filter(|selected| !selected.place.is_own()) else {
            return Ok(());
        };
        let (mailbox, folder) = (selected.place.mailbox, selected.folder);
        let is_it = |place: &Place| place.mailbox == mailbox && place.folder_rights(folder).has(FolderRight::Read);
        let open = self.places().await?.into_iter().find(is_it);
        let Some(selected) = self.selected.as_mut() else {
            return Ok(());
        };
        match open {
            Some(open) => {
                selected.read_only |= !open.folder_rights(folder).can_change_messages();
                selected.place = open;
                Ok(())
            }
            None => {
                self.imap.bye("The selected folder is no longer open to you");
                Err(Stop::Gone)
            }
        }
    }
}
