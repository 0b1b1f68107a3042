//! Whose records a caller sees in a log of the whole organisation: everybody's, or those of members of some departments.

use std::collections::BTreeMap;

use hongyan_access::permission::{Action, Reach};
use hongyan_types::AccountId;

use crate::caller::Caller;
use crate::problem::Result;

/// Records looked at for one page, where the caller sees some of them only.
pub(crate) const LOOKED_AT_MAX: usize = 20_000;

/// Whom the caller sees, as far as that was looked up.
pub(crate) struct Sight<'c> {
    caller: &'c Caller,
    reach: &'c Reach,
    known: BTreeMap<AccountId, bool>,
}

impl<'c> Sight<'c> {
    /// For a right that reaches so far.
    pub(crate) fn new(caller: &'c Caller, reach: &'c Reach) -> Self {
        Self {
            caller,
            reach,
            known: BTreeMap::new(),
        }
    }
    /// Whether records of an account of the organisation are shown.
    pub(crate) async fn sees(&mut self, id: AccountId) -> Result<bool> {
        if *self.reach == Reach::Organisation {
            return Ok(true);
        }
        if let Some(known) = self.known.get(&id) {
            return Ok(*known);
        }
        let seen = match self.caller.directory.account(id).await? {
            Some(account) => {
                let permitted = self.caller.permit_member(Action::ReadAudit, &account, &account.address);
                permitted.await.is_ok()
            }
            // To which department they belonged is not known any more.
            None => false,
        };
        self.known.insert(id, seen);
        Ok(seen)
    }
}
