//! Changes fields of an account.

use hongyan_audit::Event;
use hongyan_types::AccountId;

use super::{check_name, clean, membership, need_account, read_tenant, record_account, role, write_account};
use crate::{AccountChange, AccountRecord, AccountState, Change, DirectoryOptions, Field, Result, etag};

pub(crate) async fn run(
    transaction: &mut Change,
    id: AccountId,
    change: &AccountChange,
    options: &DirectoryOptions,
) -> Result<AccountRecord> {
    let before = need_account(transaction, id).await?;
    etag::check(change.expect, before.etag(), "member", &before.address)?;
    let mut account = before.clone();
    if let Field::Set(name) = &change.display_name {
        check_name(name, 128)?;
        account.display_name = clean(name);
    }
    change.state.apply(&mut account.state);
    change.quota.apply(&mut account.quota);
    change.settings.apply(&mut account.settings);
    change.language.apply(&mut account.language);
    change.seat.apply(&mut account.seat);
    if let Field::Set(profile) = &change.profile {
        account.profile = membership::clean_profile(profile)?;
    }
    if let Field::Set(departments) = &change.departments {
        account.departments = membership::clean_departments(transaction, account.tenant, departments, options).await?;
    }
    if let Field::Set(tags) = &change.tags {
        account.tags = membership::clean_tags(transaction, account.tenant, tags, options).await?;
    }
    change_standing(transaction, &before, &mut account, change).await?;
    membership::check_kind(&account)?;
    let moved =
        (&before.departments, &before.tags, &before.profile) != (&account.departments, &account.tags, &account.profile);
    if moved {
        membership::replace(transaction, Some(&before), &account).await?;
    }
    write_account(transaction, &account);
    record_account(transaction, &account, told(&before, &account));
    Ok(account)
}

/// Role and state, which the tenant has a say in.
async fn change_standing(
    transaction: &mut Change,
    before: &AccountRecord,
    account: &mut AccountRecord,
    change: &AccountChange,
) -> Result<()> {
    let disabled = account.state == AccountState::Disabled && before.state != AccountState::Disabled;
    if !disabled && change.role == Field::Keep {
        return Ok(());
    }
    let mut owner = read_tenant(transaction, account.tenant).await?;
    if let Field::Set(wanted) = &change.role {
        role::set(transaction, &mut owner, account, wanted.clone()).await?;
    }
    if disabled {
        role::check_dispensable(transaction, &owner, account, "disabled").await?;
    }
    Ok(())
}

fn told(before: &AccountRecord, after: &AccountRecord) -> Event {
    let (old, new) = (&before.profile, &after.profile);
    Event::new("member.change", &after.address)
        .changed("state", &before.state, &after.state)
        .changed("name", &before.display_name, &after.display_name)
        .changed("quota", &before.quota, &after.quota)
        .changed("settings", &before.settings, &after.settings)
        .changed("language", &before.language, &after.language)
        .changed("seat", &before.seat, &after.seat)
        .changed("departments", &before.departments, &after.departments)
        .changed("tags", &before.tags, &after.tags)
        .changed("role", &before.role, &after.role)
        .changed("nickname", &old.nickname, &new.nickname)
        .changed("employee_id", &old.employee_id, &new.employee_id)
        .changed("mobile", &old.mobile, &new.mobile)
        .changed("landline", &old.landline, &new.landline)
        .changed("gender", &old.gender, &new.gender)
        .changed("title", &old.title, &new.title)
        .changed("rank", &old.rank, &new.rank)
        .changed("location", &old.location, &new.location)
        .changed("private_address", &old.private_address, &new.private_address)
        .changed("family_name", &old.family_name, &new.family_name)
        .changed("given_name", &old.given_name, &new.given_name)
        .changed("external_id", &old.external_id, &new.external_id)
}
