//! Removes an account: its addresses become free, and what pointed at it no longer does.

use hongyan_kv::Transaction;
use hongyan_types::AccountId;

use super::{need_account, read_domain, read_tenant, write_tenant};
use crate::record::domain;
use crate::{AccountRecord, Result, key};

pub(crate) async fn run(transaction: &mut Transaction, id: AccountId) -> Result<AccountRecord> {
    let account = need_account(transaction, id).await?;
    for address in account.addresses() {
        transaction.clear(&key::address(address));
        let mut home = read_domain(transaction, &address.domain).await?;
        if home.catch_all == Some(id) {
            home.catch_all = None;
            transaction.set(key::domain(&home.domain), domain::encode(&home));
        }
    }
    transaction.clear(&key::account(account.tenant, id));
    transaction.clear(&key::account_tenant(id));
    transaction.clear(&key::credential(id));
    let mut owner = read_tenant(transaction, account.tenant).await?;
    if owner.postmaster == Some(id) {
        owner.postmaster = None;
    }
    owner.counts.accounts -= 1;
    write_tenant(transaction, &owner);
    Ok(account)
}
