//! Sanctions: imposed and lifted by the operator (ORG-16). What holds is worked out from all that are not lifted.

use hongyan_audit::{Chain, Event};
use hongyan_kv::{RangeQuery, Transaction};
use hongyan_notice::Notice;
use hongyan_types::{AccountId, TenantId, Timestamp};

use super::{clean, last_int, need_account, read_tenant, record_account, take_small_id, write_account, write_tenant};
use crate::record::sanction;
use crate::{
    AccountState, Change, Error, NewSanction, Restrictions, Result, SanctionId, SanctionKind, SanctionRecord,
    TenantRecord, TenantState, key,
};

/// Most characters of a reason.
const REASON_CHARACTERS_MAX: usize = 1_000;

fn checked_reason(reason: &str) -> Result<String> {
    let reason = clean(reason);
    if reason.is_empty() || reason.chars().count() > REASON_CHARACTERS_MAX {
        return Err(Error::Invalid(format!(
            "a reason is needed, of at most {REASON_CHARACTERS_MAX} characters"
        )));
    }
    Ok(reason)
}

/// Imposes one; `notices` tell those concerned.
pub(crate) async fn impose(
    transaction: &mut Change,
    new: &NewSanction,
    notices: &[Notice],
    now: Timestamp,
) -> Result<SanctionRecord> {
    let reason = checked_reason(&new.reason)?;
    if (new.kind == SanctionKind::Limit) == new.restrictions.is_empty() {
        return Err(Error::Invalid(
            "a limit says what does not work, and nothing else does".to_owned(),
        ));
    }
    let owner = read_tenant(transaction, new.tenant).await?;
    let account = match new.account {
        Some(id) => Some(need_account(transaction, id).await?),
        None => None,
    };
    if let Some(account) = account.as_ref().filter(|account| account.tenant != new.tenant) {
        return Err(Error::not_found("account", account.id.0));
    }
    let address = account.as_ref().map(|account| account.address.to_string());
    let sanction = SanctionRecord {
        id: SanctionId(take_small_id(transaction, new.tenant, "sanction").await?),
        tenant: new.tenant,
        account: new.account,
        address: address.clone(),
        kind: new.kind,
        restrictions: new.restrictions,
        reason,
        at: now,
        lifted: None,
    };
    write(transaction, &sanction);
    settle(transaction, owner.clone(), new.account).await?;
    let event = told("sanction.impose", &owner, &sanction).with("reason", &sanction.reason);
    transaction.record(Chain::Tenant(new.tenant), event.clone());
    transaction.record(Chain::Installation, event);
    for notice in notices {
        transaction.send(notice);
    }
    Ok(sanction)
}

/// Lifts one.
pub(crate) async fn lift(
    transaction: &mut Change,
    tenant: TenantId,
    id: SanctionId,
    reason: &str,
    now: Timestamp,
) -> Result<SanctionRecord> {
    let reason = checked_reason(reason)?;
    let mut sanction = need(transaction, tenant, id).await?;
    if sanction.lifted.is_some() {
        return Ok(sanction);
    }
    let owner = read_tenant(transaction, tenant).await?;
    let event = told("sanction.lift", &owner, &sanction).with("reason", &reason);
    sanction.lifted = Some((now, reason));
    write(transaction, &sanction);
    settle(transaction, owner, sanction.account).await?;
    transaction.record(Chain::Tenant(tenant), event.clone());
    transaction.record(Chain::Installation, event);
    Ok(sanction)
}

fn told(action: &'static str, owner: &TenantRecord, sanction: &SanctionRecord) -> Event {
    let event = Event::new(action, sanction.address.as_deref().unwrap_or(&owner.name))
        .id(u64::from(sanction.id.0))
        .with("kind", sanction.kind.label());
    let Restrictions {
        sending,
        sending_outside,
    } = sanction.restrictions;
    let event = if sending { event.with("stops", "sending") } else { event };
    match sending_outside {
        true => event.with("stops", "sending outside"),
        false => event,
    }
}

fn write(transaction: &mut Change, sanction: &SanctionRecord) {
    let key = key::sanctions(sanction.tenant).int(u64::from(sanction.id.0)).pack();
    transaction.set(key, sanction::encode(sanction));
}

async fn need(transaction: &mut Transaction, tenant: TenantId, id: SanctionId) -> Result<SanctionRecord> {
    let stored = transaction
        .get(&key::sanctions(tenant).int(u64::from(id.0)).pack())
        .await?;
    let stored = stored.ok_or_else(|| Error::not_found("sanction", id.0))?;
    Ok(sanction::decode(tenant, id, &stored)?)
}

/// All of a tenant and its members, the oldest first.
pub(crate) async fn all(transaction: &mut Transaction, tenant: TenantId) -> Result<Vec<SanctionRecord>> {
    let prefix = key::sanctions(tenant);
    let mut sanctions = Vec::new();
    for pair in transaction.get_range_all(RangeQuery::all(prefix.range())).await? {
        let id = u32::try_from(last_int(&prefix, &pair.key)?).unwrap_or(u32::MAX);
        sanctions.push(sanction::decode(tenant, SanctionId(id), &pair.value)?);
    }
    Ok(sanctions)
}

/// Makes what holds of the tenant, or of the account, what those say that are not lifted.
async fn settle(transaction: &mut Change, mut owner: TenantRecord, account: Option<AccountId>) -> Result<()> {
    let all = all(transaction, owner.id).await?;
    let holding = all
        .iter()
        .filter(|sanction| sanction.account == account && sanction.lifted.is_none());
    let (mut restrictions, mut suspends) = (Restrictions::default(), false);
    for sanction in holding {
        restrictions = restrictions.or(sanction.restrictions);
        suspends |= sanction.kind >= SanctionKind::Suspension;
    }
    // Whoever was suspended by a sanction works again when none is left; whoever was otherwise stays so.
    let ever = all
        .iter()
        .any(|sanction| sanction.account == account && sanction.kind >= SanctionKind::Suspension);
    let Some(id) = account else {
        owner.restricted = restrictions;
        match owner.state {
            TenantState::Active if suspends => owner.state = TenantState::Suspended,
            TenantState::Suspended if ever && !suspends && owner.ended.is_none() => owner.state = TenantState::Active,
            _ => {}
        }
        write_tenant(transaction, &owner);
        return Ok(());
    };
    // Who is gone has nothing to be stopped.
    let Some(mut account) = super::read_account(transaction, id).await? else {
        return Ok(());
    };
    let before = account.state;
    account.restricted = restrictions;
    match account.state {
        AccountState::Suspended if ever && !suspends => account.state = AccountState::Active,
        _ if suspends => account.state = AccountState::Suspended,
        _ => {}
    }
    write_account(transaction, &account);
    if before != account.state {
        let event = Event::new("member.change", &account.address).changed("state", &before, &account.state);
        record_account(transaction, &account, event);
    }
    Ok(())
}
