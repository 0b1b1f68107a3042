//! How many sessions each account has.

use std::collections::HashMap;
use std::sync::Arc;

use hongyan_types::AccountId;
use parking_lot::Mutex;

/// Sessions by account; an account without any is not in it.
#[derive(Clone, Default)]
pub(crate) struct Sessions(Arc<Mutex<HashMap<AccountId, u32>>>);

/// One session's place; dropping it gives the place back.
pub struct SessionPermit {
    sessions: Sessions,
    account: AccountId,
}

impl Sessions {
    pub(crate) fn open(&self, account: AccountId, sessions_max: u32) -> Option<SessionPermit> {
        let mut counts = self.0.lock();
        let count = counts.entry(account).or_default();
        if *count >= sessions_max {
            return None;
        }
        *count += 1;
        drop(counts);
        Some(SessionPermit {
            sessions: self.clone(),
            account,
        })
    }
}

impl Drop for SessionPermit {
    fn drop(&mut self) {
        let mut counts = self.sessions.0.lock();
        if let Some(count) = counts.get_mut(&self.account) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.account);
            }
        }
    }
}
