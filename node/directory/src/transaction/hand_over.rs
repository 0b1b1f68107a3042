//! The creator's role is offered, and taken by whom it is offered to (ADM-7).

use hongyan_audit::Event;
use hongyan_kv::Transaction;
use hongyan_notice::Notice;
use hongyan_types::{AccountId, TenantId, Timestamp};

use super::{change_account, need_account, read_account, read_tenant, record_account};
use crate::record::hand_over;
use crate::{
    AccountChange, AccountKind, AccountRecord, AccountState, Change, DirectoryOptions, Error, Field, HandOver, Result,
    Role, key,
};

/// The offer that counts now.
pub(crate) async fn read(transaction: &mut Transaction, tenant: TenantId, now: Timestamp) -> Result<Option<HandOver>> {
    let stored = transaction.get(&key::hand_over(tenant)).await?;
    let offer = stored.map(|stored| hand_over::decode(&stored)).transpose()?;
    Ok(offer.filter(|offer| now < offer.until))
}

fn missing() -> Error {
    Error::not_found("offer", "of the creator's role")
}

/// Offers the role in place of what was offered before; who is to have it is told.
pub(crate) async fn offer(transaction: &mut Change, offer: &HandOver, notice: &Notice) -> Result<()> {
    let (by, to) = (
        need_account(transaction, offer.by).await?,
        need_account(transaction, offer.to).await?,
    );
    if by.tenant != to.tenant {
        return Err(Error::not_found("account", &to.address));
    }
    if read_tenant(transaction, by.tenant).await?.creator != Some(by.id) {
        return Err(Error::Refused(format!("{} is not the creator", by.address)));
    }
    if by.id == to.id {
        return Err(Error::Refused(format!("{} is the creator", to.address)));
    }
    if to.kind == AccountKind::Shared || to.state != AccountState::Active {
        return Err(Error::Refused("only an active member can be the creator".to_owned()));
    }
    transaction.set(key::hand_over(by.tenant), hand_over::encode(offer));
    record_account(
        transaction,
        &to,
        Event::new("role.offer", &to.address).with("role", "creator"),
    );
    transaction.tell_of_organisation(by.tenant);
    transaction.send(notice);
    Ok(())
}

/// Takes an offer back, or turns it down.
pub(crate) async fn withdraw(transaction: &mut Change, tenant: TenantId, now: Timestamp) -> Result<()> {
    let offer = read(transaction, tenant, now).await?.ok_or_else(missing)?;
    forget(transaction, tenant);
    // Whoever is gone meanwhile answers nothing.
    if let Some(to) = read_account(transaction, offer.to).await? {
        let event = Event::new("role.withdraw-offer", &to.address).with("role", "creator");
        record_account(transaction, &to, event);
    }
    transaction.tell_of_organisation(tenant);
    Ok(())
}

/// Takes the role that is offered to `to`.
pub(crate) async fn accept(
    transaction: &mut Change,
    (tenant, to): (TenantId, AccountId),
    notice: &Notice,
    options: &DirectoryOptions,
    now: Timestamp,
) -> Result<AccountRecord> {
    let offer = read(transaction, tenant, now).await?.filter(|offer| offer.to == to);
    let offer = offer.ok_or_else(missing)?;
    // Whoever was made creator meanwhile has offered nothing.
    if read_tenant(transaction, tenant).await?.creator != Some(offer.by) {
        return Err(missing());
    }
    let change = AccountChange {
        role: Field::Set(Some(Role::Creator)),
        ..AccountChange::default()
    };
    let account = change_account::run(transaction, to, &change, None, options, now).await?;
    transaction.send(notice);
    Ok(account)
}

/// There is no offer any more.
pub(super) fn forget(transaction: &mut Change, tenant: TenantId) {
    transaction.clear(&key::hand_over(tenant));
}
