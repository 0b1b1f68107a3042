//! Whose request it is, what else is open to them, and how many of a kind an account may have at the same time.

use std::collections::BTreeMap;
use std::sync::Arc;

use hongyan_directory::{
    AccountKind, AccountRecord, FolderOpening, GrantRights, Opening, OrganisationPage, SenderRights, Sending,
};
use hongyan_http_front::Caller;
use hongyan_jmap::{CapabilityUri, Id, MethodError, MethodErrorType, SetError, SetErrorType};
use hongyan_mailbox::{FolderId, MailboxError, MailboxId, Permit, right_to};
use hongyan_profile::Profiles;
use hongyan_types::{AccountId, Address, Flag, FolderRight, ModSeq};
use parking_lot::Mutex;

use crate::error::Outcome;
use crate::ids;
use crate::jmap::Jmap;
use crate::reach::Reach;
use crate::state::{self, ClientState};

/// An account that a caller may use: their own, or one that is open to them (SBX, DLG).
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) id: Id,
    pub(crate) mailbox: MailboxId,
    /// Of its address: the right side of new message ids.
    pub(crate) domain: String,
    /// Whose mailbox it is.
    pub(crate) record: Arc<AccountRecord>,
    /// Who uses it.
    pub(crate) person: Arc<AccountRecord>,
    /// Whether the caller may look and change nothing.
    pub(crate) read_only: bool,
    /// As whom the caller may send from it.
    pub(crate) sending: Sending,
    /// The single folders that are open to the caller; all, without it.
    pub(crate) reach: Option<Arc<Reach>>,
}

impl Account {
    fn new(record: &Arc<AccountRecord>, person: &Arc<AccountRecord>, rights: GrantRights) -> Self {
        Self {
            id: ids::account(record.id),
            mailbox: mailbox(record),
            domain: record.address.domain.to_string(),
            record: Arc::clone(record),
            person: Arc::clone(person),
            read_only: !rights.write,
            sending: rights.send,
            reach: None,
        }
    }
    fn shared(opening: &FolderOpening, person: &Arc<AccountRecord>) -> Self {
        let reach = Reach::of(opening);
        let rights = GrantRights {
            read: true,
            write: reach.permit.can_change(),
            send: Sending::No,
        };
        Self {
            reach: Some(Arc::new(reach)),
            ..Self::new(&opening.account, person, rights)
        }
    }
    pub(crate) fn is_own(&self) -> bool {
        self.record.id == self.person.id
    }
    /// Whether methods of a capability can be called with it.
    pub(crate) fn supports(&self, capability: CapabilityUri) -> bool {
        let is_sending = [CapabilityUri::SUBMISSION, CapabilityUri::SENDING].contains(&capability);
        // What a person sees of others is seen from their own account.
        let is_own = capability != CapabilityUri::PRINCIPALS || self.is_own();
        // MEM-21: administrators may have taken the right away.
        let is_kept = capability != CapabilityUri::DELETED || self.record.settings.recover_deleted;
        // SBX: only there several people write.
        let is_several = capability != CapabilityUri::REPLIES || self.record.kind == AccountKind::Shared;
        // Of an account with single folders that are shared there are the folders, and what is in them.
        let is_reached = self.reach.is_none()
            || [
                CapabilityUri::CORE,
                CapabilityUri::MAIL,
                CapabilityUri::BLOB,
                CapabilityUri::PRINCIPALS_OWNER,
            ]
            .contains(&capability);
        is_own && is_kept && is_several && is_reached && (!is_sending || self.sending > Sending::No)
    }
    /// What the caller may do, where that is not everything.
    pub(crate) fn permit(&self) -> Option<&Permit> {
        self.reach.as_deref().map(|reach| &*reach.permit)
    }
    pub(crate) fn shared_permit(&self) -> Option<Arc<Permit>> {
        self.reach.as_ref().map(|reach| Arc::clone(&reach.permit))
    }
    /// The state of what the caller sees of the account.
    pub(crate) fn state(&self, modseq: ModSeq) -> String {
        self.marked(ClientState::At(modseq))
    }
    pub(crate) fn marked(&self, state: ClientState) -> String {
        state::marked(state, self.reach.as_ref().map(|reach| reach.mark.as_str()))
    }
    /// Reads a state: of what the caller sees now, or its changes cannot be known.
    pub(crate) fn read_state(&self, text: &str) -> Result<ClientState, MethodError> {
        let (state, mark) = match text.split_once('.') {
            Some((state, mark)) => (state, Some(mark)),
            None => (text, None),
        };
        if mark != self.reach.as_ref().map(|reach| reach.mark.as_str()) {
            return Err(MethodErrorType::CannotCalculateChanges.into());
        }
        ClientState::read(state)
    }
    /// The text of a query, so that it is another one for whoever sees other folders.
    pub(crate) fn mark_query(&self, text: &str) -> String {
        let mark = self.reach.as_ref().map_or("", |reach| reach.mark.as_str());
        format!("{mark} {text}")
    }
    /// Refuses a new email with flags in folders, unless the caller may put it there like that.
    pub(crate) fn check_new(&self, folders: &[FolderId], flags: &[Flag]) -> Result<(), SetError> {
        let Some(permit) = self.permit() else { return Ok(()) };
        let may = |folder: &FolderId| {
            let rights = permit.rights(*folder);
            rights.has(FolderRight::Insert) && flags.iter().all(|flag| rights.has(right_to(flag)))
        };
        match folders.iter().all(may) {
            true => Ok(()),
            false => {
                let words = MailboxError::NoPermission.to_string();
                Err(SetError::with(SetErrorType::Forbidden, words))
            }
        }
    }
    /// Whether an address is one of those that are sent as from this account.
    pub(crate) fn sends_as(&self, rights: &SenderRights, address: &Address) -> bool {
        let owns = || self.record.owns(address) || self.record.owns(&rights.main_name(address));
        rights.sending(address) > Sending::No && (self.is_own() || owns())
    }
    /// As whom its person may send now.
    pub(crate) async fn sender_rights(&self, jmap: &Jmap) -> Outcome<SenderRights> {
        let rights = jmap.services.directory.sender_rights(&self.person).await;
        rights.map_err(|error| directory_failed(&error))
    }
    /// How names are shown, and what the account's owner wants to be called where they may choose (ORG-8, ORG-9).
    pub(crate) async fn names(&self, jmap: &Jmap) -> Outcome<(OrganisationPage, Option<String>)> {
        let directory = &jmap.services.directory;
        let page = directory.page(self.record.tenant).await;
        let page = page.map_err(|error| directory_failed(&error))?;
        if !page.own_sender_names {
            return Ok((page, None));
        }
        let preferences = Profiles::new(directory).preferences(&self.record).await;
        let preferences = preferences.map_err(|error| {
            tracing::warn!(event = "jmap_profile_failed", %error);
            MethodErrorType::ServerUnavailable
        })?;
        Ok((page, preferences.sender_name))
    }
    /// Accounts of others look missing.
    pub(crate) fn check(&self, id: &Id) -> Result<(), MethodError> {
        if self.id == *id {
            Ok(())
        } else {
            Err(MethodErrorType::AccountNotFound.into())
        }
    }
}

pub(crate) fn directory_failed(error: &hongyan_directory::Error) -> crate::error::Failure {
    tracing::warn!(event = "jmap_directory_failed", %error);
    MethodErrorType::ServerUnavailable.into()
}

/// The mailbox of the one who calls.
pub(crate) fn own_mailbox(caller: &Caller) -> MailboxId {
    mailbox(&caller.identity().account)
}

fn mailbox(record: &AccountRecord) -> MailboxId {
    MailboxId {
        tenant: record.tenant,
        account: record.id,
    }
}

/// All accounts that a caller may use now, their own first. It is asked anew each time: what is taken from them is gone at once.
pub(crate) async fn accounts(jmap: &Jmap, caller: &Caller) -> Outcome<Vec<Account>> {
    let identity = caller.identity();
    let read_only = identity.is_read_only();
    let Open {
        person,
        openings,
        folders,
    } = open_to(jmap, identity.account.id).await?;
    let person = person.unwrap_or_else(|| Arc::clone(&identity.account));
    let own = (&person, GrantRights::FULL);
    let opened = openings.iter().map(|opening| (&opening.account, opening.rights));
    let whole = std::iter::once(own).chain(opened);
    let whole = whole.map(|(record, rights)| Account::new(record, &person, rights));
    let shared = folders.iter().map(|opening| Account::shared(opening, &person));
    let all = whole.chain(shared).map(|account| Account {
        read_only: read_only || account.read_only,
        ..account
    });
    Ok(all.collect())
}

/// A person as the directory knows them, and what is open to them.
#[derive(Default)]
pub(crate) struct Open {
    pub(crate) person: Option<Arc<AccountRecord>>,
    /// Whole mailboxes.
    pub(crate) openings: Vec<Opening>,
    /// Single folders of others.
    pub(crate) folders: Vec<FolderOpening>,
}

/// What is open to a person now.
pub(crate) async fn open_to(jmap: &Jmap, person: AccountId) -> Outcome<Open> {
    let directory = &jmap.services.directory;
    let found = directory.account(person).await;
    let Some(person) = found.map_err(|error| directory_failed(&error))? else {
        return Ok(Open::default());
    };
    let openings = directory.accounts_open_to(&person).await;
    let openings = openings.map_err(|error| directory_failed(&error))?;
    let folders = directory.folders_open_to(&person, &openings).await;
    Ok(Open {
        openings,
        folders: folders.map_err(|error| directory_failed(&error))?,
        person: Some(person),
    })
}

/// How many of a kind each account has at this moment.
#[derive(Clone)]
pub(crate) struct Places(Arc<Inner>);

struct Inner {
    max: u64,
    taken: Mutex<BTreeMap<AccountId, u64>>,
}

/// One place; dropping it gives it back.
pub(crate) struct Place {
    of: Places,
    account: AccountId,
}

impl Places {
    pub(crate) fn new(max: u64) -> Self {
        Self(Arc::new(Inner {
            max,
            taken: Mutex::default(),
        }))
    }
    /// A place for `account`, if it has not all of its places already.
    pub(crate) fn take(&self, account: AccountId) -> Option<Place> {
        let mut taken = self.0.taken.lock();
        let count = taken.entry(account).or_default();
        if *count >= self.0.max {
            return None;
        }
        *count += 1;
        Some(Place {
            of: self.clone(),
            account,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.of.0.taken.lock();
        if let Some(count) = taken.get_mut(&self.account) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                taken.remove(&self.account);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_given_back() {
        let places = Places::new(1);
        let first = places.take(AccountId(1));
        assert!(first.is_some() && places.take(AccountId(1)).is_none());
        assert!(places.take(AccountId(2)).is_some(), "each account has its own");
        drop(first);
        assert!(places.take(AccountId(1)).is_some());
        assert!(places.0.taken.lock().is_empty());
    }
}
