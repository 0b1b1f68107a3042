//! Where a mailbox name leads: into the account's own mailbox, or into one of others that is open to it (RFC 2342 §5).
//!
//! Shared mailboxes are at `Shared/<address>/..`, mailboxes of people whom the account acts for at `Users/<address>/..`. What
//! is open is looked at anew with each command, so a right that is withdrawn is gone at once.

use hongyan_directory::{AccountKind, GrantRights, Opening};
use hongyan_imap::{Code, MailboxName, Status};
use hongyan_mailbox::{FolderPath, FolderRef, MailboxId};

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
}

impl Place {
    pub(crate) fn own(mailbox: MailboxId) -> Self {
        Self {
            mailbox,
            rights: GrantRights::FULL,
            prefix: String::new(),
        }
    }
    fn of(opening: &Opening) -> Self {
        let account = &opening.account;
        Self {
            mailbox: MailboxId {
                tenant: account.tenant,
                account: account.id,
            },
            rights: opening.rights,
            prefix: format!("{}{}/", root(account.kind), account.address),
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
    /// The mailboxes that are open to the account beside its own.
    pub(crate) async fn places(&self) -> Result<Vec<Place>, Stop> {
        let id = self.account()?.mailbox.account;
        let directory = &self.services.directory;
        let opened = async {
            match directory.account(id).await? {
                Some(account) => directory.accounts_open_to(&account).await,
                None => Ok(Vec::new()),
            }
        };
        let opened = opened.await.map_err(|error| {
            tracing::warn!(event = "imap_directory_failed", %error);
            Stop::Refused(Status::no_with(Code::Unavailable, "The directory is not available now"))
        })?;
        Ok(opened.iter().map(Place::of).collect())
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
        let mailbox = selected.place.mailbox;
        let open = self.places().await?.into_iter().find(|place| place.mailbox == mailbox);
        let Some(selected) = self.selected.as_mut() else {
            return Ok(());
        };
        match open {
            Some(open) => {
                selected.read_only |= !open.rights.write;
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
