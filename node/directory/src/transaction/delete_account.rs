//! Removes an account: its addresses become free, and what pointed at it no longer does.

use hongyan_audit::Event;
use hongyan_types::AccountId;

use super::{
    membership, need_account, read_domain, read_tenant, record_account, role, touch_account, touch_address,
    write_counts, write_domain,
};
use crate::{AccountRecord, Change, Result, key};

pub(crate) async fn run(transaction: &mut Change, id: AccountId) -> Result<AccountRecord> {
    let account = need_account(transaction, id).await?;
    let mut owner = read_tenant(transaction, account.tenant).await?;
    role::check_dispensable(transaction, &owner, &account, "deleted").await?;
    for address in account.addresses() {
        transaction.clear(&key::address(address));
        touch_address(transaction, address);
        let mut home = read_domain(transaction, &address.domain).await?;
        if home.catch_all == Some(id) {
            home.catch_all = None;
            write_domain(transaction, &home);
        }
    }
    transaction.clear(&key::account(account.tenant, id));
    transaction.clear(&key::account_tenant(id));
    transaction.clear(&key::credential(id));
    transaction.clear(&key::factors(id));
    membership::clear(transaction, &account);
    transaction.clear(&key::role(account.tenant, id));
    super::delete_token::all_of(transaction, &account).await?;
    super::group_names::forget_account(transaction, &account).await?;
    super::grant::forget_account(transaction, &account).await?;
    touch_account(transaction, &account);
    record_account(transaction, &account, Event::new("member.delete", &account.address));
    if owner.postmaster == Some(id) {
        owner.postmaster = None;
    }
    if owner.creator == Some(id) {
        owner.creator = None;
    }
    owner.counts.accounts -= 1;
    write_counts(transaction, &owner);
    Ok(account)
}
