//! Changes fields of an account.

use hongyan_types::AccountId;

use super::{check_name, need_account, write_account};
use crate::{AccountChange, AccountRecord, Change, Field, Result};

pub(crate) async fn run(transaction: &mut Change, id: AccountId, change: &AccountChange) -> Result<AccountRecord> {
    let mut account = need_account(transaction, id).await?;
    if let Field::Set(name) = &change.display_name {
        check_name(name, 128)?;
    }
    change.state.apply(&mut account.state);
    change.display_name.clone().apply(&mut account.display_name);
    change.quota.apply(&mut account.quota);
    change.settings.apply(&mut account.settings);
    change.administrator.apply(&mut account.administrator);
    change.language.apply(&mut account.language);
    write_account(transaction, &account);
    Ok(account)
}
