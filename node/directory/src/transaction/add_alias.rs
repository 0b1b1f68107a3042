//! Gives an account one more address.

use hongyan_audit::Event;
use hongyan_types::{AccountId, Address, Timestamp};

use super::{claim, home_of, need_account, plan, record_account, write_account};
use crate::record::target::Target;
use crate::{AccountRecord, Change, DirectoryOptions, Error, Limit, Result};

pub(crate) async fn run(
    transaction: &mut Change,
    id: AccountId,
    alias: &Address,
    options: &DirectoryOptions,
    now: Timestamp,
) -> Result<AccountRecord> {
    let mut account = need_account(transaction, id).await?;
    if home_of(transaction, &alias.domain).await?.tenant != account.tenant {
        return Err(Error::Invalid(format!(
            "the domain {} is another tenant's",
            alias.domain
        )));
    }
    let bounds = plan::bounds(transaction, account.tenant, now).await?;
    bounds
        .of(Limit::AliasesPerAccountMax, options)
        .check(account.aliases.len() as u64)?;
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
