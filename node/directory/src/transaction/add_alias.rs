//! Gives an account one more address.

use hongyan_audit::Event;
use hongyan_types::{AccountId, Address};

use super::{check_limit, claim, home_of, need_account, read_tenant, record_account, write_account};
use crate::record::target::Target;
use crate::{AccountRecord, Change, DirectoryOptions, Error, Result};

pub(crate) async fn run(
    transaction: &mut Change,
    id: AccountId,
    alias: &Address,
    options: &DirectoryOptions,
) -> Result<AccountRecord> {
    let mut account = need_account(transaction, id).await?;
    if home_of(transaction, alias).await?.tenant != account.tenant {
        return Err(Error::Invalid(format!(
            "the domain {} is another tenant's",
            alias.domain
        )));
    }
    let owner = read_tenant(transaction, account.tenant).await?;
    let aliases_max = owner.aliases_per_account_max.unwrap_or(options.aliases_per_account_max);
    check_limit(
        "aliases_per_account_max",
        u64::from(aliases_max),
        account.aliases.len() as u64,
    )?;
    let target = Target::Account {
        tenant: account.tenant,
        account: id,
        alias: true,
    };
    claim(transaction, alias, target).await?;
    account.aliases.push(alias.clone());
    write_account(transaction, &account);
    let event = Event::new("member.add-alias", &account.address).with("alias", alias);
    record_account(transaction, &account, event);
    Ok(account)
}
