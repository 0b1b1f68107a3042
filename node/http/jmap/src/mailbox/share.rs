//! With whom a mailbox is shared (RFC 9670 §4): told to its owner and to those who administer it, and changed by them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use hongyan_directory::{AccountKind, Error, FolderNumber, FolderShare, NewFolderShares, Sharee};
use hongyan_jmap::object::MailboxRights;
use hongyan_jmap::{Id, RawValue, SetError, SetErrorType};
use hongyan_mailbox::{FolderId, FolderInfo, TouchFolder};
use hongyan_types::{FolderRight, FolderRights};

use crate::account::{Account, directory_failed};
use crate::call::Call;
use crate::error::Outcome;
use crate::ids;
use crate::reach::{meant, shown};
use crate::refused::{Changed, Refused};

const PROPERTY: &str = "shareWith";

/// Whether the caller shares a mailbox, and may know with whom it is: its owner, and who administers it.
pub(super) fn may_share(account: &Account, folder: FolderId) -> bool {
    match account.permit() {
        Some(permit) => permit.rights(folder).has(FolderRight::Administer),
        None => account.is_own() && account.record.kind == AccountKind::Member,
    }
}

/// All shares of the account's mailboxes.
pub(super) async fn all(call: &Call<'_>) -> Outcome<Vec<FolderShare>> {
    let shares = call
        .jmap
        .services
        .directory
        .folder_shares_of(call.account.record.id)
        .await;
    shares.map_err(|error| directory_failed(&error))
}

/// With whom one mailbox is shared.
pub(super) fn of(shares: &[FolderShare], folder: FolderId) -> BTreeMap<Id, MailboxRights> {
    let of_it = shares.iter().filter(|share| share.folder == FolderNumber(folder.0));
    of_it
        .map(|share| (ids::sharee(share.to), shown(share.rights)))
        .collect()
}

fn wrong(words: impl Into<Cow<'static, str>>) -> SetError {
    SetError::properties([PROPERTY], words)
}

/// Who may do what with a mailbox, as a client wants it.
pub(super) struct Sharing {
    before: BTreeMap<Sharee, FolderRights>,
    after: BTreeMap<Sharee, FolderRights>,
}

impl Sharing {
    /// Of a new mailbox.
    pub(super) fn new() -> Self {
        Self {
            before: BTreeMap::new(),
            after: BTreeMap::new(),
        }
    }
    /// Of a mailbox as it is now. Who may not know changes nothing of it.
    pub(super) async fn of(call: &Call<'_>, folder: FolderId) -> Changed<Self> {
        if !may_share(call.account, folder) {
            return Err(SetErrorType::Forbidden.into());
        }
        let shares = all(call).await?;
        let of_it = shares.iter().filter(|share| share.folder == FolderNumber(folder.0));
        let before: BTreeMap<Sharee, FolderRights> = of_it.map(|share| (share.to, share.rights)).collect();
        Ok(Self {
            after: before.clone(),
            before,
        })
    }
    /// Whether it is to be shared with anybody.
    pub(super) fn is_any(&self) -> bool {
        !self.after.is_empty()
    }
    /// Changes it by one entry of a patch: all of it, one principal, or one right of one.
    pub(super) fn patch(&mut self, inside: &[&str], value: &RawValue) -> Result<(), SetError> {
        let read = |text: &RawValue| -> Result<Option<BTreeMap<String, bool>>, SetError> {
            serde_json::from_str(text.get()).map_err(|_| wrong("rights are an object of true and false"))
        };
        match inside {
            [] => {
                let wanted: Option<BTreeMap<String, Option<BTreeMap<String, bool>>>> =
                    serde_json::from_str(value.get())
                        .map_err(|_| wrong("principals by id, each with rights that are true or false"))?;
                self.after.clear();
                for (id, rights) in wanted.unwrap_or_default() {
                    self.set(&id, rights)?;
                }
                Ok(())
            }
            [id] => self.set(id, read(value)?),
            [id, right] => {
                let given: Option<bool> =
                    serde_json::from_str(value.get()).map_err(|_| wrong("a right is true or false"))?;
                let to = principal(id)?;
                let rights = self.after.get(&to).copied().unwrap_or_default();
                let changed = change(rights, right, given == Some(true))?;
                self.after.insert(to, changed);
                Ok(())
            }
            _ => Err(SetErrorType::InvalidPatch.into()),
        }
    }
    fn set(&mut self, id: &str, rights: Option<BTreeMap<String, bool>>) -> Result<(), SetError> {
        let to = principal(id)?;
        let rights = rights.unwrap_or_default();
        let mut wanted = FolderRights::NONE;
        for (right, given) in &rights {
            wanted = change(wanted, right, *given)?;
        }
        // IMAP has one right for both (RFC 4314 §2.1, x).
        if rights
            .get("mayRename")
            .zip(rights.get("mayDelete"))
            .is_some_and(|(a, b)| a != b)
        {
            return Err(wrong("mayRename and mayDelete go together"));
        }
        self.after.insert(to, wanted);
        Ok(())
    }
    /// Has it so.
    pub(super) async fn apply(self, call: &Call<'_>, folder: &FolderInfo) -> Changed<()> {
        let gone = self.before.keys().filter(|to| !self.after.contains_key(to));
        let gone = gone.map(|to| (*to, FolderRights::NONE));
        let kept = |to: &Sharee| self.before.get(to).copied().unwrap_or_default();
        let changed = self.after.iter().filter(|(to, rights)| rights.complete() != kept(to));
        let changed = changed.map(|(to, rights)| (*to, *rights));
        let rights: Vec<(Sharee, FolderRights)> = gone.chain(changed).collect();
        if rights.is_empty() {
            return Ok(());
        }
        let new = NewFolderShares {
            account: call.account.record.id,
            folder: FolderNumber(folder.id.0),
            path: folder.path.as_str().to_owned(),
            rights,
        };
        let shared = call
            .jmap
            .services
            .directory
            .share_folder(&call.account.person, &new)
            .await;
        shared.map_err(refused)?;
        // Those who follow the mailbox look at it again; if it cannot be asked now they find it when they ask.
        let touch = TouchFolder { folder: folder.id };
        if let Err(failure) = call.jmap.ask(call.account.mailbox, touch).await {
            tracing::debug!(event = "jmap_touch_failed", %failure);
        }
        Ok(())
    }
}

fn principal(id: &str) -> Result<Sharee, SetError> {
    let found = Id::try_from(id).ok().and_then(|id| ids::read_sharee(&id));
    found.ok_or_else(|| wrong(format!("{id} is no principal")))
}

fn change(rights: FolderRights, right: &str, given: bool) -> Result<FolderRights, SetError> {
    // There is no address to which one posts into a mailbox.
    const OTHER: &str = "maySubmit";
    match meant(right) {
        Some(meant) if given => Ok(rights.union(meant)),
        Some(meant) => Ok(rights.without(meant)),
        None if right == OTHER && !given => Ok(rights),
        None if right == OTHER => Err(wrong(format!("{right} is not given for a single mailbox"))),
        None => Err(wrong(format!("no right {right}"))),
    }
}

fn refused(error: Error) -> Refused {
    match error {
        Error::Forbidden(words) => SetError::with(SetErrorType::Forbidden, words).into(),
        Error::NotFound { .. } => wrong("no such principal").into(),
        Error::Invalid(words) | Error::Refused(words) => wrong(words).into(),
        Error::Limit { setting, max, used } => {
            let words = format!("{setting} is {max}, and there are {used}");
            SetError::with(SetErrorType::OverQuota, words).into()
        }
        error => Refused::Failed(directory_failed(&error)),
    }
}
