//! Makes an account at an address of a domain.

use hongyan_audit::Event;
use hongyan_types::{AccountId, Timestamp};

use super::{
    check_free, check_limit, check_name, claim, clean, home_of, membership, read_tenant, record_account, role, take_id,
    write_account, write_counts, write_tenant,
};
use crate::record::credential;
use crate::record::target::Target;
use crate::{AccountRecord, Change, DirectoryOptions, NewAccount, Result, Role, TenantRecord, key};

pub(crate) async fn run(
    transaction: &mut Change,
    new: &NewAccount,
    options: &DirectoryOptions,
    now: Timestamp,
) -> Result<AccountRecord> {
    // All that may be wrong is found before anything is written, so that others may be made in the same transaction.
    check_name(&new.display_name, 128)?;
    let domain = home_of(transaction, &new.address).await?;
    let mut owner = read_tenant(transaction, domain.tenant).await?;
    let accounts_max = owner.accounts_max.unwrap_or(options.accounts_per_tenant_max);
    check_limit("accounts_per_tenant_max", accounts_max, owner.counts.accounts)?;
    check_free(transaction, &new.address).await?;
    let mut account = AccountRecord {
        id: AccountId(0),
        tenant: owner.id,
        state: new.state,
        address: new.address.clone(),
        aliases: Vec::new(),
        display_name: clean(&new.display_name),
        kind: new.kind,
        role: new.administrator.then(|| first_role(&owner)),
        profile: membership::clean_profile(&new.profile)?,
        departments: membership::clean_departments(transaction, owner.id, &new.departments, options).await?,
        tags: membership::clean_tags(transaction, owner.id, &new.tags, options).await?,
        seat: new.seat,
        quota: new.quota,
        settings: new.settings.unwrap_or(owner.account_settings),
        created: now,
        language: new.language,
    };
    membership::check_kind(&account)?;
    membership::check_unique(transaction, &account).await?;

    let id = AccountId(take_id(transaction, "account").await?);
    account.id = id;
    let target = Target::Account {
        tenant: owner.id,
        account: id,
        alias: false,
    };
    claim(transaction, &new.address, target).await?;
    transaction.set(key::account_tenant(id), owner.id.0.to_le_bytes().to_vec());
    if let Some(credential) = &new.credential {
        transaction.set(key::credential(id), credential::encode(credential));
    }
    membership::replace(transaction, None, &account).await?;
    write_account(transaction, &account);
    record_account(transaction, &account, told(&account));
    owner.counts.accounts += 1;
    if let Some(role) = &account.role {
        role::write_key(transaction, &account, Some(role));
        if *role == Role::Creator {
            owner.creator = Some(id);
        }
        write_tenant(transaction, &owner);
    } else {
        write_counts(transaction, &owner);
    }
    Ok(account)
}

/// The first administrator of a tenant is its creator.
fn first_role(owner: &TenantRecord) -> Role {
    match owner.creator {
        None => Role::Creator,
        Some(_) => Role::Super,
    }
}

fn told(account: &AccountRecord) -> Event {
    let mut event = Event::new("member.create", &account.address);
    if !account.display_name.is_empty() {
        event = event.with("name", &account.display_name);
    }
    if !account.departments.is_empty() {
        event = event.changed("departments", &Vec::new(), &account.departments);
    }
    if let Some(role) = &account.role {
        event = event.with("role", role.label());
    }
    event
}
