//! Who may manage a tenant: exactly one creator once there is an administrator, and never nobody.

use hongyan_audit::Event;
use hongyan_kv::RangeQuery;

use super::{hand_over, need_account, need_department, record_account, write_account, write_tenant};
use crate::{AccountKind, AccountRecord, AccountState, Change, Error, Result, Role, TenantRecord, key};

/// Gives an account a role, or takes it away. The account itself is written by the caller.
pub(super) async fn set(
    transaction: &mut Change,
    owner: &mut TenantRecord,
    account: &mut AccountRecord,
    role: Option<Role>,
) -> Result<()> {
    if account.role == role {
        return Ok(());
    }
    if role.is_some() && account.kind == AccountKind::Shared {
        return Err(Error::Invalid("a shared mailbox has no role".to_owned()));
    }
    if role == Some(Role::Creator) {
        take_over(transaction, owner, account).await?;
    } else {
        check_dispensable(transaction, owner, account, "without the role").await?;
        if owner.creator == Some(account.id) {
            owner.creator = None;
            write_tenant(transaction, owner);
        }
    }
    if let Some(Role::Delegated { functions, departments }) = &role {
        if functions.is_empty() {
            return Err(Error::Invalid(
                "a delegated administrator has at least one function".to_owned(),
            ));
        }
        for id in departments {
            need_department(transaction, owner.id, *id).await?;
        }
    }
    write_key(transaction, account, role.as_ref());
    account.role = role;
    Ok(())
}

/// Notes the role where a tenant's administrators are listed.
pub(super) fn write_key(transaction: &mut Change, account: &AccountRecord, role: Option<&Role>) {
    let key = key::role(account.tenant, account.id);
    match role {
        Some(role) => transaction.set(key, role.label().as_bytes().to_vec()),
        None => transaction.clear(&key),
    }
}

/// Makes `account` the creator; who was it stays a super administrator (ADM-7).
async fn take_over(transaction: &mut Change, owner: &mut TenantRecord, account: &AccountRecord) -> Result<()> {
    if account.state != AccountState::Active {
        return Err(Error::Refused("only an active member can be the creator".to_owned()));
    }
    if let Some(former) = owner.creator.filter(|former| *former != account.id) {
        let mut former = need_account(transaction, former).await?;
        former.role = Some(Role::Super);
        write_key(transaction, &former, Some(&Role::Super));
        write_account(transaction, &former);
        let event = Event::new("member.change", &former.address).changed("role", &"creator", &"super");
        record_account(transaction, &former, event);
    }
    owner.creator = Some(account.id);
    write_tenant(transaction, owner);
    hand_over::forget(transaction, owner.id);
    Ok(())
}

/// Refuses to lose the creator, or the last who may manage all, while there are others left to manage.
pub(super) async fn check_dispensable(
    transaction: &mut Change,
    owner: &TenantRecord,
    account: &AccountRecord,
    how: &str,
) -> Result<()> {
    if owner.counts.accounts <= 1 {
        return Ok(());
    }
    let refused = |who: &str| {
        let address = &account.address;
        Err(Error::Refused(format!(
            "{address} is {who} and cannot be {how}: hand the role over first"
        )))
    };
    if owner.creator == Some(account.id) {
        return refused("the creator");
    }
    if account.role != Some(Role::Super) || owner.creator.is_some() {
        return Ok(());
    }
    let query = RangeQuery::all(key::roles(owner.id).range());
    let mine = key::role(owner.id, account.id);
    let pairs = transaction.get_range_all(query).await?;
    let others = pairs
        .iter()
        .any(|pair| pair.key != mine && pair.value == Role::Super.label().as_bytes());
    if others {
        Ok(())
    } else {
        refused("the last super administrator")
    }
}
