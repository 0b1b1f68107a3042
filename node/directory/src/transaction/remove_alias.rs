//! Takes an alias from an account.

use hongyan_kv::Transaction;
use hongyan_types::{AccountId, Address};

use super::{need_account, write_account};
use crate::{AccountRecord, Error, Result, key};

pub(crate) async fn run(transaction: &mut Transaction, id: AccountId, alias: &Address) -> Result<AccountRecord> {
    let mut account = need_account(transaction, id).await?;
    let gone = alias.key();
    let before = account.aliases.len();
    account.aliases.retain(|alias| alias.key() != gone);
    if account.aliases.len() == before {
        return Err(Error::not_found("alias", alias));
    }
    transaction.clear(&key::address(alias));
    write_account(transaction, &account);
    Ok(account)
}
