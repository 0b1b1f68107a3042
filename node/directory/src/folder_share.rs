//! Single folders that members share with one another (RFC 9670, RFC 4314): given, taken back, listed, and what of it is open
//! to someone now.

use std::sync::Arc;

use hongyan_kv::Transaction;
use hongyan_types::{AccountId, FolderRight, FolderRights, TenantId};

use crate::transaction as tx;
use crate::transaction::folder_share::Giver;
use crate::{AccountRecord, Directory, Error, FolderNumber, FolderShare, Opening, Result, Sharee};

/// What members shall be able to do with a folder from now on.
#[derive(Debug, Clone)]
pub struct NewFolderShares {
    /// Whose folder.
    pub account: AccountId,
    /// Which.
    pub folder: FolderNumber,
    /// Its path, for the audit log.
    pub path: String,
    /// Who may do what; nothing takes it back. Others keep what they have.
    pub rights: Vec<(Sharee, FolderRights)>,
}

/// A folder that was made in one that is shared, by somebody with whom it is.
#[derive(Debug, Clone)]
pub struct Inheritance {
    /// Whose folders.
    pub account: AccountId,
    /// The folder that it is in.
    pub above: FolderNumber,
    /// The new one.
    pub folder: FolderNumber,
    /// Its path, for the audit log.
    pub path: String,
}

/// Folders of one account that are open to someone who may not use the whole of its mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderOpening {
    /// Whose they are.
    pub account: Arc<AccountRecord>,
    /// Each with what may be done, by folder.
    pub folders: Vec<FolderShare>,
}

/// All fail with the store's errors beside those named.
#[allow(clippy::missing_errors_doc, reason = "said once, above")]
impl Directory {
    /// Shares a folder, or no more: all that is named or nothing, in the name of `by`, who is its owner or administers it
    /// (RFC 4314 §2.1, `a`). `NotFound` for those whom `by` does not see too, `Forbidden` beyond what `by` may do
    /// themselves, `Invalid`, `Refused`, `Limit`.
    pub async fn share_folder(&self, by: &AccountRecord, new: &NewFolderShares) -> Result<()> {
        let held = self.rights_to_folder(by, new.account, new.folder).await?;
        if !held.has(FolderRight::Administer) {
            return Err(Error::Forbidden(
                "the folder is shared by who administers it".to_owned(),
            ));
        }
        let sight = self.sight_of(by).await?;
        for (to, rights) in &new.rights {
            let Sharee::Account(to) = to else { continue };
            let account = self.account(*to).await?;
            // What was given to one who is hidden now can be taken back.
            if !rights.is_empty() && account.is_none_or(|account| !sight.sees(&account)) {
                return Err(Error::not_found("account", to.0));
            }
        }
        let (new, now, person, this) = (new.clone(), self.now(), by.clone(), self.clone());
        self.change(async move |t| {
            let person = &person;
            tx::folder_share::set(t, &Giver { person, held }, &new, this.options(), now).await
        })
        .await
    }
    /// What a person may do with one folder of an account now: all, where it is theirs.
    async fn rights_to_folder(
        &self,
        person: &AccountRecord,
        account: AccountId,
        folder: FolderNumber,
    ) -> Result<FolderRights> {
        if person.id == account {
            return Ok(FolderRights::ALL);
        }
        let shared = self.shared_folders(person).await?;
        let found = shared
            .iter()
            .filter(|(owner, share)| owner.id == account && share.folder == folder);
        Ok(found.fold(FolderRights::NONE, |rights, (_, share)| rights.union(share.rights)))
    }
    /// Shares a folder that `by` has made inside one that is shared with them as that one is. `NotFound`.
    pub async fn inherit_shares(&self, by: &AccountRecord, new: &Inheritance) -> Result<()> {
        let (new, now, by) = (new.clone(), self.now(), by.clone());
        self.change(async move |t| tx::folder_share::inherit(t, &by, &new, now).await)
            .await
    }
    /// With whom an account shares its folders.
    pub async fn folder_shares_of(&self, account: AccountId) -> Result<Vec<FolderShare>> {
        let shares = self.read(async move |t: &mut Transaction| tx::folder_share::of(t, account).await);
        let mut shares = shares.await?;
        shares.retain(|share| !share.rights.is_empty());
        Ok(shares)
    }
    /// Whether one who may use a folder wants to see it. `NotFound`.
    pub async fn subscribe_to_shared(
        &self,
        person: &AccountRecord,
        share: &FolderShare,
        subscribed: bool,
    ) -> Result<()> {
        let (share, tenant) = (share.clone(), person.tenant);
        let held = self.rights_to_folder(person, share.account, share.folder).await?;
        if share.to != Sharee::Account(person.id) || held.is_empty() {
            return Err(Error::not_found("folder", share.folder.0));
        }
        self.change(async move |t| tx::folder_share::subscribe(t, &share, tenant, subscribed).await)
            .await
    }
    /// Accounts of which folders are shared, of all tenants, after `after`, at most `limit`.
    pub async fn accounts_that_share(
        &self,
        after: Option<AccountId>,
        limit: usize,
    ) -> Result<Vec<(TenantId, AccountId)>> {
        self.read(async move |t: &mut Transaction| tx::folder_share::owners(t, after, limit).await)
            .await
    }
    /// Ends all sharing of a folder that is gone, which had that path, and `by` whom it went, as far as that is known: else
    /// it counts as its owner's doing.
    pub async fn forget_folder(
        &self,
        account: AccountId,
        folder: FolderNumber,
        path: Option<&str>,
        by: Option<&AccountRecord>,
    ) -> Result<()> {
        let shares = self
            .read(async move |t: &mut Transaction| tx::folder_share::of(t, account).await)
            .await?;
        if shares.iter().all(|share| share.folder != folder) {
            return Ok(());
        }
        let (path, by) = (path.map(str::to_owned), by.cloned());
        self.change(async move |t| {
            tx::folder_share::forget_folder(t, (account, folder), path.as_deref(), by.as_ref()).await
        })
        .await
    }
    /// The single folders that are open to someone now, of those whose mailbox is not open to them as a `whole`
    /// ([`Self::accounts_open_to`]); by address. Each folder is there once, with the rights of all ways by which they have it.
    pub async fn folders_open_to(&self, person: &AccountRecord, whole: &[Opening]) -> Result<Vec<FolderOpening>> {
        let mut openings: Vec<FolderOpening> = Vec::new();
        for (account, share) in self.shared_folders(person).await? {
            if whole.iter().any(|opening| opening.account.id == account.id) {
                continue;
            }
            let share = FolderShare {
                to: person.id.into(),
                ..share
            };
            let Some(opening) = openings.iter_mut().find(|opening| opening.account.id == account.id) else {
                openings.push(FolderOpening {
                    account,
                    folders: vec![share],
                });
                continue;
            };
            match opening.folders.iter_mut().find(|known| known.folder == share.folder) {
                Some(known) => {
                    known.rights = known.rights.union(share.rights);
                    known.subscribed |= share.subscribed;
                }
                None => opening.folders.push(share),
            }
        }
        for opening in &mut openings {
            opening.folders.retain(|share| !share.rights.is_empty());
            opening.folders.sort_by_key(|share| share.folder);
        }
        openings.retain(|opening| !opening.folders.is_empty());
        openings.sort_by_key(|opening| opening.account.address.key());
        Ok(openings)
    }
}

#[cfg(test)]
#[path = "folder_share_test.rs"]
mod tests;
