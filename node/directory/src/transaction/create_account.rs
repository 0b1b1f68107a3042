//! Makes an account at an address of a domain.

use hongyan_types::{AccountId, Timestamp};

use super::{check_limit, check_name, claim, read_domain, read_tenant, take_id, write_account, write_counts};
use crate::record::credential;
use crate::record::target::Target;
use crate::{AccountRecord, AccountState, Change, DirectoryOptions, NewAccount, Result, key};

pub(crate) async fn run(
    transaction: &mut Change,
    new: &NewAccount,
    options: &DirectoryOptions,
    now: Timestamp,
) -> Result<AccountRecord> {
    check_name(&new.display_name, 128)?;
    let domain = read_domain(transaction, &new.address.domain).await?;
    let mut owner = read_tenant(transaction, domain.tenant).await?;
    let accounts_max = owner.accounts_max.unwrap_or(options.accounts_per_tenant_max);
    check_limit("accounts_per_tenant_max", accounts_max, owner.counts.accounts)?;
    let id = AccountId(take_id(transaction, "account").await?);
    let target = Target::Account {
        tenant: owner.id,
        account: id,
        alias: false,
    };
    claim(transaction, &new.address, target).await?;
    let account = AccountRecord {
        id,
        tenant: owner.id,
        state: AccountState::Active,
        address: new.address.clone(),
        aliases: Vec::new(),
        display_name: new.display_name.clone(),
        administrator: new.administrator,
        quota: new.quota,
        settings: new.settings.unwrap_or(owner.account_settings),
        created: now,
        language: new.language,
    };
    transaction.set(key::account_tenant(id), owner.id.0.to_le_bytes().to_vec());
    if let Some(credential) = &new.credential {
        transaction.set(key::credential(id), credential::encode(credential));
    }
    write_account(transaction, &account);
    owner.counts.accounts += 1;
    write_counts(transaction, &owner);
    Ok(account)
}
