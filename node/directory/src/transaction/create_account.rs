//! Makes an account at an address of a domain.

use hongyan_audit::Event;
use hongyan_types::{AccountId, Timestamp};

use super::{
    assign_plan, check_free, check_name, claim, clean, count_account, home_of, membership, plan, quota_due,
    record_account, role, take_id, write_account, write_counts, write_tenant,
};
use crate::record::credential;
use crate::record::target::Target;
use crate::{
    AccountKind, AccountRecord, Change, DirectoryOptions, Limit, Limits, NewAccount, Profile, Result, Role, Seat,
    TenantRecord, key,
};

pub(crate) async fn run(
    transaction: &mut Change,
    new: &NewAccount,
    options: &DirectoryOptions,
    now: Timestamp,
) -> Result<AccountRecord> {
    // All that may be wrong is found before anything is written, so that others may be made in the same transaction.
    check_name(&new.display_name, 128)?;
    let domain = home_of(transaction, &new.address.domain).await?;
    let bounds = plan::bounds(transaction, domain.tenant, now).await?;
    bounds
        .of(Limit::AccountsPerTenantMax, options)
        .check(bounds.owner.counts.accounts)?;
    if new.kind == AccountKind::Shared {
        let (in_force, present) = plan::shared_mailboxes(transaction, &bounds, options).await?;
        in_force.check(present)?;
    }
    if new.seat == Seat::Advanced {
        assign_plan::check_seat(transaction, domain.tenant, &bounds.used).await?;
    }
    membership::check_quota(&bounds, new.quota, new.seat, options)?;
    let room = bounds.of(Limit::MailboxOctetsMax, options).max;
    let mut owner = bounds.owner;
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
        profile: membership::clean_profile(&Profile::default(), &new.profile)?,
        departments: membership::clean_departments(transaction, owner.id, &new.departments, options).await?,
        tags: membership::clean_tags(transaction, owner.id, &new.tags, options).await?,
        seat: new.seat,
        quota: new.quota,
        settings: new.settings.unwrap_or(owner.account_settings),
        created: now,
        language: new.language,
        limits: Limits::new(),
        restricted: crate::Restrictions::default(),
        address_made_up: new.address_made_up,
        handovers: 0,
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
    count_account(transaction, None, Some(&account));
    if room.is_some() && account.seat == Seat::Standard {
        quota_due::put(transaction, now, account.tenant, Some(id));
    }
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
