//! MYRIGHTS, GETACL, LISTRIGHTS, SETACL, DELETEACL (RFC 4314 §3): who may do what with one folder. Identifiers are addresses.
//! Rights to mailboxes as a whole are given by the organisation's administrators and by delegation, and only told here.

use std::sync::Arc;

use hongyan_directory::{AccountRecord, Error, FolderNumber, FolderShare, NewFolderShares, Sharee};
use hongyan_imap::command::acl::{AclEntry, AclMode, SetAcl};
use hongyan_imap::{Code, MailboxName, Status};
use hongyan_mailbox::{FolderInfo, TouchFolder};
use hongyan_types::{Address, FolderRight, FolderRights};

use crate::folder;
use crate::place::{Place, directory_failed};
use crate::session::Session;
use crate::stop::{Answer, Stop};

/// What the obsolete rights stand for (RFC 4314 §2.1.1).
const OBSOLETE: [(char, [FolderRight; 2]); 2] = [
    ('c', [FolderRight::CreateChild, FolderRight::DeleteFolder]),
    ('d', [FolderRight::Delete, FolderRight::Expunge]),
];

/// Rights as they are told. There is no address to which one posts into a folder: `p` does nothing, and goes with `i`.
fn letters(rights: FolderRights) -> String {
    groups(rights).concat()
}

/// Rights that go together, each group by itself.
fn groups(rights: FolderRights) -> Vec<String> {
    let given = FolderRight::ALL.into_iter().filter(|right| rights.has(*right));
    let given = given.map(|right| match right {
        FolderRight::Insert => "ip".to_owned(),
        right => right.letter().to_string(),
    });
    let obsolete = OBSOLETE.into_iter();
    let obsolete = obsolete.filter(|(_, members)| members.iter().any(|right| rights.has(*right)));
    given.chain(obsolete.map(|(letter, _)| letter.to_string())).collect()
}

/// What someone shall have who has `had`. Departs from RFC 4314 §2: `i` without `p` gives both, for clients leave out what
/// does nothing; without either, both are gone.
fn wanted(change: &SetAcl, had: FolderRights) -> FolderRights {
    match change.mode {
        AclMode::Replace => change.rights,
        AclMode::Add => had.union(change.rights),
        AclMode::Remove if change.post => had.without(change.rights.with(FolderRight::Insert)),
        AclMode::Remove => had.without(change.rights),
    }
}

/// A folder of which it is known who may do what.
struct Administered {
    place: Place,
    folder: FolderInfo,
    owner: Arc<AccountRecord>,
    shares: Vec<FolderShare>,
}

fn not_allowed() -> Stop {
    Status::no_with(Code::NoPerm, "You do not administer this folder").into()
}

fn nobody() -> Stop {
    Status::no_with(Code::NonExistent, "Nobody has that address").into()
}

fn refused(error: &Error) -> Stop {
    let code = match error {
        Error::Forbidden(_) => Code::NoPerm,
        Error::NotFound { .. } => return nobody(),
        Error::Invalid(_) | Error::Refused(_) => Code::Cannot,
        Error::Limit { .. } => Code::Limit,
        error => return directory_failed(error),
    };
    Status::no_with(code, error.to_string()).into()
}

impl Session {
    async fn folder_named(&self, name: &MailboxName) -> Result<(Place, FolderInfo), Stop> {
        let located = self.locate(name).await?;
        let folders = self.folders_in(&located.place).await?;
        let found = folder::find(&folders.folders, &located.existing_path()?)?.clone();
        Ok((located.place, found))
    }

    async fn administered(&self, place: Place, folder: FolderInfo) -> Result<Administered, Stop> {
        if !place.folder_rights(folder.id).has(FolderRight::Administer) {
            return Err(not_allowed());
        }
        let directory = &self.services.directory;
        let owner = directory.account(place.mailbox.account).await;
        let owner = owner
            .map_err(|error| directory_failed(&error))?
            .ok_or_else(not_allowed)?;
        let mut shares = directory
            .folder_shares_of(owner.id)
            .await
            .map_err(|error| directory_failed(&error))?;
        shares.retain(|share| share.folder == FolderNumber(folder.id.0));
        Ok(Administered {
            place,
            folder,
            owner,
            shares,
        })
    }

    pub(crate) async fn my_rights(&mut self, name: &MailboxName) -> Answer {
        let (place, folder) = self.folder_named(name).await?;
        let rights = letters(place.folder_rights(folder.id));
        self.imap.output().my_rights(name.as_str(), &rights);
        Ok(Status::ok("Rights told"))
    }

    pub(crate) async fn get_acl(&mut self, name: &MailboxName) -> Answer {
        let (place, folder) = self.folder_named(name).await?;
        let rights = place.folder_rights(folder.id);
        let entries = if place.permit.is_none() && !rights.has(FolderRight::Administer) {
            // Of the rights of others nobody learns who may not give them.
            vec![(self.person().await?.address.to_string(), letters(rights))]
        } else {
            let of = self.administered(place, folder).await?;
            self.entries(&of).await?
        };
        self.imap.output().acl(name.as_str(), &entries);
        Ok(Status::ok("Rights told"))
    }

    async fn entries(&self, of: &Administered) -> Result<Vec<(String, String)>, Stop> {
        let mut entries = vec![(of.owner.address.to_string(), letters(FolderRights::ALL))];
        for share in &of.shares {
            if let Some(address) = self.address_of(of, share.to).await? {
                entries.push((address.to_string(), letters(share.rights)));
            }
        }
        Ok(entries)
    }

    async fn address_of(&self, of: &Administered, to: Sharee) -> Result<Option<Address>, Stop> {
        let directory = &self.services.directory;
        let address = match to {
            Sharee::Account(to) => directory.account(to).await.map(|to| to.map(|to| to.address.clone())),
            Sharee::Group(group) => {
                let group = directory.group(of.owner.tenant, group).await;
                group.map(|group| group.map(|group| group.address))
            }
        };
        address.map_err(|error| directory_failed(&error))
    }

    pub(crate) async fn list_rights(&mut self, asked: &AclEntry) -> Answer {
        let (place, folder) = self.folder_named(&asked.mailbox).await?;
        let rights = place.folder_rights(folder.id);
        let (always, others) = if place.permit.is_none() && !rights.has(FolderRight::Administer) {
            let own = asked.identifier == self.person().await?.address.to_string();
            (if own { letters(rights) } else { String::new() }, Vec::new())
        } else {
            let of = self.administered(place, folder).await?;
            match self.sharee(&of, &asked.identifier).await? {
                to if to == Sharee::Account(of.owner.id) => (letters(FolderRights::ALL), Vec::new()),
                _ => (String::new(), groups(rights)),
            }
        };
        let output = self.imap.output();
        output.list_rights(asked.mailbox.as_str(), &asked.identifier, &always, &others);
        Ok(Status::ok("Rights told"))
    }

    /// Whose address it is; those whom the account does not see look missing, unless the folder is shared with them.
    async fn sharee(&self, of: &Administered, identifier: &str) -> Result<Sharee, Stop> {
        if identifier.starts_with('-') {
            // RFC 4314 §2: they need not be there.
            return Err(Status::no_with(Code::Cannot, "There are no negative rights").into());
        }
        let directory = &self.services.directory;
        let address = Address::try_from(identifier).map_err(|_| nobody())?;
        let account = match directory.account_at(&address).await {
            Ok(account) => account,
            Err(Error::NotFound { .. }) => {
                let group = directory.group_at(&address).await.map_err(|error| refused(&error))?;
                return match group.tenant == of.owner.tenant {
                    true => Ok(Sharee::Group(group.id)),
                    false => Err(nobody()),
                };
            }
            Err(error) => return Err(refused(&error)),
        };
        let sight = directory.sight_of(&*self.person().await?).await;
        let sight = sight.map_err(|error| directory_failed(&error))?;
        let is_known = of.shares.iter().any(|share| share.to == Sharee::Account(account.id));
        match account.tenant == of.owner.tenant && (is_known || sight.sees(&account)) {
            true => Ok(account.id.into()),
            false => Err(nobody()),
        }
    }

    pub(crate) async fn set_acl(&mut self, change: &SetAcl) -> Answer {
        let (place, folder) = self.folder_named(&change.entry.mailbox).await?;
        let mut of = self.administered(place, folder).await?;
        let to = self.sharee(&of, &change.entry.identifier).await?;
        let had = of.shares.iter().find(|share| share.to == to);
        let asked = wanted(change, had.map(|share| share.rights).unwrap_or_default());
        self.share(&of, to, asked).await?;
        if asked.complete() != asked {
            // RFC 4314 §5.1.1: more than what was asked for is told.
            of = self.administered(of.place, of.folder).await?;
            let entries = self.entries(&of).await?;
            self.imap.output().acl(change.entry.mailbox.as_str(), &entries);
        }
        Ok(Status::ok("Rights changed"))
    }

    pub(crate) async fn delete_acl(&mut self, asked: &AclEntry) -> Answer {
        let (place, folder) = self.folder_named(&asked.mailbox).await?;
        let of = self.administered(place, folder).await?;
        let to = self.sharee(&of, &asked.identifier).await?;
        self.share(&of, to, FolderRights::NONE).await?;
        Ok(Status::ok("Rights removed"))
    }

    async fn share(&self, of: &Administered, to: Sharee, rights: FolderRights) -> Result<(), Stop> {
        let new = NewFolderShares {
            account: of.owner.id,
            folder: FolderNumber(of.folder.id.0),
            path: of.folder.path.as_str().to_owned(),
            rights: vec![(to, rights)],
        };
        let person = self.person().await?;
        let shared = self.services.directory.share_folder(&person, &new).await;
        shared.map_err(|error| refused(&error))?;
        // Those who follow the mailbox look at it again; if it cannot be asked now they find it when they ask.
        let touch = TouchFolder { folder: of.folder.id };
        if self.ask_in(&of.place.whole(), touch).await.is_err() {
            tracing::debug!(event = "imap_touch_failed");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_are_told_with_obsolete_ones_and_those_that_are_tied() {
        let told = |text: &str| letters(FolderRights::read(text).unwrap());
        for (text, expect) in [
            ("", ""),
            ("lr", "lr"),
            ("lri", "lrip"),
            ("lrk", "lrkc"),
            ("lre", "lred"),
            ("lrswikxtea", "lrswipkxteacd"),
        ] {
            assert_eq!(told(text), expect);
        }
        let grouped = groups(FolderRights::read("lrsitx").unwrap());
        assert_eq!(grouped, ["l", "r", "s", "ip", "x", "t", "c", "d"]);
    }
}
