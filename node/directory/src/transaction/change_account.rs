//! Changes fields of an account.

use hongyan_audit::Event;
use hongyan_notice::Notice;
use hongyan_types::{AccountId, Timestamp};

use super::claim_domain::after;
use super::{
    assign_plan, check_name, clean, count_account, delegation, member_uses, membership, need_account, plan, quota_due,
    read_tenant, record_account, role, write_account,
};
use crate::limit::check_values;
use crate::{
    AccountChange, AccountRecord, AccountState, Change, DirectoryOptions, Error, Feature, Field, Limit, Result, Role,
    Seat, etag,
};

/// `withdrawn` tells the member of a seat that goes and takes room with it.
pub(crate) async fn run(
    transaction: &mut Change,
    id: AccountId,
    change: &AccountChange,
    withdrawn: Option<&Notice>,
    options: &DirectoryOptions,
    now: Timestamp,
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
    set_limits(transaction, &mut account, change, options, now).await?;
    check_service(transaction, &before, &account, change, withdrawn, options, now).await?;
    if let Field::Set(profile) = &change.profile {
        account.profile = membership::clean_profile(&before.profile, profile)?;
    }
    if let Field::Set(departments) = &change.departments {
        account.departments = membership::clean_departments(transaction, account.tenant, departments, options).await?;
    }
    if let Field::Set(tags) = &change.tags {
        account.tags = membership::clean_tags(transaction, account.tenant, tags, options).await?;
    }
    change_standing(transaction, &before, &mut account, change, now).await?;
    membership::check_kind(&account)?;
    let moved =
        (&before.departments, &before.tags, &before.profile) != (&account.departments, &account.tags, &account.profile);
    if moved {
        membership::replace(transaction, Some(&before), &account).await?;
    }
    // DLG-1: who acts for someone does so while that one has an advanced seat.
    if before.seat == Seat::Advanced && account.seat == Seat::Standard {
        delegation::stop_all(transaction, &account, now).await?;
    }
    count_account(transaction, Some(&before), Some(&account));
    write_account(transaction, &account);
    record_account(transaction, &account, told(&before, &account));
    Ok(account)
}

/// Limits of one member: only tighter than what holds for all (GEN-5).
async fn set_limits(
    transaction: &mut Change,
    account: &mut AccountRecord,
    change: &AccountChange,
    options: &DirectoryOptions,
    now: Timestamp,
) -> Result<()> {
    if change.limits.is_empty() {
        return Ok(());
    }
    let bounds = plan::bounds(transaction, account.tenant, now).await?;
    for (limit, value) in &change.limits {
        let Some(value) = value else {
            account.limits.remove(limit);
            continue;
        };
        if !limit.is_members() {
            let name = limit.name();
            return Err(Error::Refused(format!("{name} is not set for one member")));
        }
        let in_force = bounds.of(*limit, options);
        if let Some(max) = in_force.max.filter(|max| value > max) {
            return Err(in_force.refusal(max, *value));
        }
        account.limits.insert(*limit, *value);
    }
    check_values(&account.limits)
}

/// Seat, space and functions, which the plan has a say in.
async fn check_service(
    transaction: &mut Change,
    before: &AccountRecord,
    account: &AccountRecord,
    change: &AccountChange,
    withdrawn: Option<&Notice>,
    options: &DirectoryOptions,
    now: Timestamp,
) -> Result<()> {
    let delegates = matches!(&change.role, Field::Set(Some(Role::Delegated { .. })));
    if account.seat == before.seat && account.quota == before.quota && !delegates {
        return Ok(());
    }
    let bounds = plan::bounds(transaction, account.tenant, now).await?;
    if account.seat == Seat::Advanced && before.seat != Seat::Advanced {
        assign_plan::check_seat(transaction, account.tenant, &bounds.used).await?;
        if bounds.of(Limit::MailboxOctetsMax, options).max.is_some() {
            quota_due::put(transaction, now, account.tenant, Some(account.id));
        }
    }
    if account.seat == Seat::Standard && before.seat == Seat::Advanced {
        let room = bounds.of(Limit::MailboxOctetsMax, options).max;
        if room.is_some_and(|room| account.quota.octets_max.is_none_or(|own| room < own)) {
            let at = after(now, options.quota_notice);
            quota_due::put(transaction, at, account.tenant, Some(account.id));
            if let Some(withdrawn) = withdrawn {
                transaction.send(withdrawn);
            }
        }
    }
    if account.quota != before.quota {
        membership::check_quota(&bounds, account.quota, account.seat, options)?;
    }
    match delegates {
        true => bounds.need(Feature::DelegatedAdministrators),
        false => Ok(()),
    }
}

/// Role and state, which the tenant has a say in.
async fn change_standing(
    transaction: &mut Change,
    before: &AccountRecord,
    account: &mut AccountRecord,
    change: &AccountChange,
    now: Timestamp,
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
        if !change.confirm_uses {
            let caught = member_uses::caught(transaction, account.tenant, account.id).await?;
            member_uses::check(transaction, before, &owner, &caught, now).await?;
        }
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
        .changed("limits", &before.limits, &after.limits)
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
