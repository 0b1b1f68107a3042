//! Whose request it is, and how many of a kind an account may have at the same time.

use std::collections::BTreeMap;
use std::sync::Arc;

use hongyan_directory::AccountRecord;
use hongyan_http_front::Caller;
use hongyan_jmap::{Id, MethodError, MethodErrorType};
use hongyan_mailbox::MailboxId;
use hongyan_types::{AccountId, Address};
use parking_lot::Mutex;

use crate::ids;

/// The account of a caller.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) id: Id,
    pub(crate) mailbox: MailboxId,
    /// Of its address: the right side of new message ids.
    pub(crate) domain: String,
    /// As the directory knew it when its person signed in.
    pub(crate) record: Arc<AccountRecord>,
    /// Whether the caller may look and change nothing.
    pub(crate) read_only: bool,
}

impl Account {
    pub(crate) fn of(caller: &Caller) -> Self {
        let account = &caller.identity().account;
        Self {
            id: ids::account(account.id),
            mailbox: MailboxId {
                tenant: account.tenant,
                account: account.id,
            },
            domain: account.address.domain.to_string(),
            record: Arc::clone(account),
            read_only: caller.identity().is_read_only(),
        }
    }
    /// Whether the account may send as this address.
    pub(crate) fn owns(&self, email: &str) -> bool {
        Address::try_from(email).is_ok_and(|address| self.record.owns(&address))
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
