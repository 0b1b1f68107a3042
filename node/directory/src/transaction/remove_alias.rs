//! Takes an alias from an account.

use hongyan_audit::Event;
use hongyan_types::{AccountId, Address};

use super::{group_names, need_account, record_account, touch_address, write_account};
use crate::{AccountRecord, Change, Error, Result, key};

pub(crate) async fn run(transaction: &mut Change, id: AccountId, alias: &Address) -> Result<AccountRecord> {
    let mut account = need_account(transaction, id).await?;
    let gone = alias.key();
    let before = account.aliases.len();
    account.aliases.retain(|alias| alias.key() != gone);
    if account.aliases.len() == before {
        return Err(Error::not_found("alias", alias));
    }
    transaction.clear(&key::address(alias));
    touch_address(transaction, alias);
    group_names::forget_address(transaction, alias).await?;
    write_account(transaction, &account);
    let event = Event::new("member.remove-alias", &account.address).with("alias", alias);
    record_account(transaction, &account, event);
    Ok(account)
}
