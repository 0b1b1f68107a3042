//! Who may use which mailbox: granted, taken back, listed.

use hongyan_kv::Transaction;
use hongyan_types::AccountId;

use crate::transaction as tx;
use crate::{Directory, GrantRecord, Grantee, NewGrant, Result};

/// All fail with the store's errors beside those named.
#[allow(clippy::missing_errors_doc, reason = "said once, above")]
impl Directory {
    /// Lets someone use a mailbox, in place of what they might before. `NotFound`, `Invalid`, `Limit`.
    pub async fn grant(&self, new: &NewGrant) -> Result<GrantRecord> {
        let (new, now) = (new.clone(), self.now());
        self.change(async move |t| tx::grant::set(t, &new, now).await).await
    }
    /// Takes back what someone might. `NotFound`.
    pub async fn withdraw(&self, account: AccountId, from: Grantee) -> Result<()> {
        self.change(async move |t| tx::grant::remove(t, account, from).await)
            .await
    }
    /// Who may use an account's mailbox, those whose time is over too.
    pub async fn grants_of(&self, account: AccountId) -> Result<Vec<GrantRecord>> {
        self.read(async move |t: &mut Transaction| tx::grant::of(t, account).await)
            .await
    }
}

#[cfg(test)]
#[path = "grant_test.rs"]
mod tests;
