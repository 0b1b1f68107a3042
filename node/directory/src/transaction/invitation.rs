//! Invitations: made, taken back, used by whoever shows their text (MEM-3, MEM-5).

use hongyan_audit::{Chain, Event};
use hongyan_kv::{RangeQuery, Transaction};
use hongyan_notice::Notice;
use hongyan_types::{AccountId, Address, TenantId, Timestamp};

use super::{
    change_account, check_free, check_limit, check_name, clean, create_account, home_of, list, need_account,
    need_department, read_domain, read_int, read_tenant, set_credential, take_small_id,
};
use crate::record::change::Touched;
use crate::record::feed::Subject;
use crate::record::{application, invitation};
use crate::{
    AccountChange, AccountRecord, AccountState, ApplicationId, ApplicationRecord, Change, DirectoryOptions, Error,
    Field, InvitationId, InvitationRecord, InvitationStanding, Joined, Joiner, NewAccount, NewInvitation, Profile,
    Result, TenantState, TokenHash, key,
};

/// Most invitations of a tenant that make new members.
const INVITATIONS_MAX: u64 = 1_000;
/// Most invitations of a tenant for members who are there already.
const PERSONAL_MAX: u64 = 20_000;
/// Most applications that wait in a tenant.
const APPLICATIONS_MAX: u64 = 10_000;

fn write(transaction: &mut Change, invitation: &InvitationRecord) {
    let key = key::invitations(invitation.tenant)
        .int(u64::from(invitation.id.0))
        .pack();
    transaction.set(key, invitation::encode(invitation));
    let mut place = invitation.tenant.0.to_le_bytes().to_vec();
    place.extend(invitation.id.0.to_le_bytes());
    transaction.set(key::invitation_hash(&invitation.hash), place);
    touch(transaction, invitation.tenant);
}

fn clear(transaction: &mut Change, invitation: &InvitationRecord) {
    transaction.clear(
        &key::invitations(invitation.tenant)
            .int(u64::from(invitation.id.0))
            .pack(),
    );
    transaction.clear(&key::invitation_hash(&invitation.hash));
    touch(transaction, invitation.tenant);
}

/// No node remembers any of it; the tenant's followers look again.
fn touch(transaction: &mut Change, tenant: TenantId) {
    transaction.touch(Touched::TenantCounts(tenant));
    transaction.tell(tenant, Subject::Tenant);
}

fn small(id: u64) -> Result<u32> {
    u32::try_from(id).map_err(|_| super::corrupt("identifier of an invitation or application"))
}

/// All invitations of a tenant; those whose time is over too.
pub(crate) async fn all(transaction: &mut Transaction, tenant: TenantId) -> Result<Vec<InvitationRecord>> {
    let prefix = key::invitations(tenant);
    let mut all = Vec::new();
    for pair in transaction.get_range_all(RangeQuery::all(prefix.range())).await? {
        let id = InvitationId(small(super::last_int(&prefix, &pair.key)?)?);
        all.push(invitation::decode(tenant, id, &pair.value)?);
    }
    Ok(all)
}

/// The invitations of a tenant by identifier, after `after`, at most `limit`.
pub(crate) async fn some(
    transaction: &mut Transaction,
    tenant: TenantId,
    asked: super::Page<InvitationId>,
) -> Result<Vec<InvitationRecord>> {
    let prefix = key::invitations(tenant);
    let after = asked.after.map(|id| prefix.clone().int(u64::from(id.0)));
    let mut found = Vec::new();
    for pair in list::page(transaction, &prefix, after, asked.limit).await? {
        let id = InvitationId(small(super::last_int(&prefix, &pair.key)?)?);
        found.push(invitation::decode(tenant, id, &pair.value)?);
    }
    Ok(found)
}

/// One invitation, also one that lets nobody in any more.
pub(crate) async fn one(transaction: &mut Transaction, tenant: TenantId, id: InvitationId) -> Result<InvitationRecord> {
    let key = key::invitations(tenant).int(u64::from(id.0)).pack();
    let stored = transaction.get(&key).await?;
    let stored = stored.ok_or_else(|| Error::not_found("invitation", id))?;
    Ok(invitation::decode(tenant, id, &stored)?)
}

/// Makes invitations; one for a member takes the place of the one before.
pub(crate) async fn create(
    transaction: &mut Change,
    tenant: TenantId,
    new: &[NewInvitation],
    now: Timestamp,
) -> Result<Vec<InvitationRecord>> {
    let mut present = all(transaction, tenant).await?;
    let mut made = Vec::with_capacity(new.len());
    for new in new {
        check(transaction, tenant, new, now).await?;
        make_room(transaction, &mut present, new, now)?;
        let invitation = add(transaction, tenant, new, now).await?;
        present.push(invitation.clone());
        made.push(invitation);
    }
    Ok(made)
}

/// Refuses what cannot be invited to.
async fn check(transaction: &mut Change, tenant: TenantId, new: &NewInvitation, now: Timestamp) -> Result<()> {
    check_name(&new.label, 64)?;
    if new.expires <= now {
        return Err(Error::Invalid("the invitation would be over at once".to_owned()));
    }
    if read_domain(transaction, &new.domain).await?.tenant != tenant {
        return Err(Error::not_found("domain", &new.domain));
    }
    home_of(transaction, &new.domain).await?;
    if let Some(department) = new.department {
        need_department(transaction, tenant, department).await?;
    }
    if let Some(id) = new.account {
        let account = need_account(transaction, id).await?;
        if account.tenant != tenant || account.state != AccountState::Invited {
            return Err(Error::Refused(format!("{} is not still to come", account.address)));
        }
    }
    Ok(())
}

/// Clears the one that `new` replaces, and what is over where its kind has no room left.
fn make_room(
    transaction: &mut Change,
    present: &mut Vec<InvitationRecord>,
    new: &NewInvitation,
    now: Timestamp,
) -> Result<()> {
    let personal = new.account.is_some();
    let (setting, max) = match personal {
        true => ("personal_invitations_per_tenant_max", PERSONAL_MAX),
        false => ("invitations_per_tenant_max", INVITATIONS_MAX),
    };
    let alike = present.iter().filter(|old| old.account.is_some() == personal);
    let is_full = alike.count() as u64 >= max;
    present.retain(|old| {
        let replaced = personal && old.account == new.account;
        // What is over is of no use to anyone when there is no room for new ones.
        let dropped = is_full && old.account.is_some() == personal && !old.holds(now);
        if replaced || dropped {
            clear(transaction, old);
        }
        !replaced && !dropped
    });
    let kept = present.iter().filter(|old| old.account.is_some() == personal);
    check_limit(setting, max, kept.count() as u64)
}

async fn add(
    transaction: &mut Change,
    tenant: TenantId,
    new: &NewInvitation,
    now: Timestamp,
) -> Result<InvitationRecord> {
    let invitation = InvitationRecord {
        id: InvitationId(take_small_id(transaction, tenant, "invitation").await?),
        tenant,
        hash: new.hash,
        label: clean(&new.label),
        created: now,
        expires: new.expires,
        domain: new.domain.clone(),
        department: new.department,
        review: new.review,
        uses_max: new.uses_max,
        used: 0,
        account: new.account,
        revoked: None,
    };
    write(transaction, &invitation);
    let event = Event::new("invitation.create", &invitation.label)
        .id(u64::from(invitation.id.0))
        .with("domain", &invitation.domain)
        .with("review", invitation.review)
        .with("until", invitation.expires.millis);
    transaction.record(Chain::Tenant(tenant), event);
    if let Some(notice) = &new.notice {
        transaction.send(notice);
    }
    Ok(invitation)
}

/// Takes an invitation back: it stays in the list, and its text leads nowhere.
pub(crate) async fn revoke(transaction: &mut Change, tenant: TenantId, id: InvitationId, now: Timestamp) -> Result<()> {
    let mut invitation = one(transaction, tenant, id).await?;
    if invitation.revoked.is_some() {
        return Err(Error::not_found("invitation", id));
    }
    invitation.revoked = Some(now);
    write(transaction, &invitation);
    transaction.clear(&key::invitation_hash(&invitation.hash));
    let event = Event::new("invitation.revoke", &invitation.label).id(u64::from(id.0));
    transaction.record(Chain::Tenant(tenant), event);
    Ok(())
}

/// The invitation whose text has that hash, if it still lets somebody in.
async fn shown(transaction: &mut Transaction, hash: &TokenHash, now: Timestamp) -> Result<Option<InvitationRecord>> {
    let found = found(transaction, hash, now).await?;
    let open = found.filter(|(_, standing)| *standing == InvitationStanding::Open);
    Ok(open.map(|(invitation, _)| invitation))
}

/// The invitation whose text has that hash, and what it is good for.
pub(crate) async fn found(
    transaction: &mut Transaction,
    hash: &TokenHash,
    now: Timestamp,
) -> Result<Option<(InvitationRecord, InvitationStanding)>> {
    let Some(place) = transaction.get(&key::invitation_hash(hash)).await? else {
        return Ok(None);
    };
    let (tenant, id) = place
        .split_at_checked(8)
        .ok_or_else(|| super::corrupt("place of an invitation"))?;
    let tenant = TenantId(read_int(tenant)?);
    let id = id.try_into().map_err(|_| super::corrupt("place of an invitation"))?;
    let id = InvitationId(u32::from_le_bytes(id));
    let stored = transaction
        .get(&key::invitations(tenant).int(u64::from(id.0)).pack())
        .await?;
    let Some(stored) = stored else { return Ok(None) };
    let invitation = invitation::decode(tenant, id, &stored)?;
    let standing = match read_tenant(transaction, tenant).await?.state {
        TenantState::Active => invitation.standing(now),
        TenantState::Suspended => InvitationStanding::Closed,
    };
    Ok(Some((invitation, standing)))
}

/// Lets somebody in, or has them wait for an administrator.
pub(crate) async fn join(
    transaction: &mut Change,
    joiner: &Joiner,
    options: &DirectoryOptions,
    now: Timestamp,
) -> Result<Joined> {
    let invitation = shown(transaction, &joiner.hash, now).await?;
    let mut invitation = invitation.ok_or_else(|| Error::not_found("invitation", "shown"))?;
    if let Some(id) = invitation.account {
        let account = activate(transaction, id, joiner, options, now).await?;
        clear(transaction, &invitation);
        return Ok(Joined::Member(Box::new(account)));
    }
    let address = joiner.address.clone();
    let address = address.ok_or_else(|| Error::Invalid("address: say which you want".to_owned()))?;
    if address.domain != invitation.domain {
        let domain = &invitation.domain;
        return Err(Error::Invalid(format!(
            "address: the invitation is for addresses of {domain}"
        )));
    }
    invitation.used += 1;
    let joined = if invitation.review {
        Joined::Waits(Box::new(apply(transaction, &invitation, address, joiner, now).await?))
    } else {
        let new = NewAccount {
            display_name: joiner.display_name.clone(),
            credential: Some(joiner.credential.clone()),
            profile: profile(joiner),
            departments: invitation.department.into_iter().collect(),
            ..NewAccount::at(address)
        };
        Joined::Member(Box::new(create_account::run(transaction, &new, options, now).await?))
    };
    write(transaction, &invitation);
    Ok(joined)
}

fn profile(joiner: &Joiner) -> Profile {
    Profile {
        mobile: joiner.mobile.clone(),
        private_address: joiner.private_address.clone(),
        ..Profile::default()
    }
}

/// Someone whose mailbox is there comes.
async fn activate(
    transaction: &mut Change,
    id: AccountId,
    joiner: &Joiner,
    options: &DirectoryOptions,
    now: Timestamp,
) -> Result<AccountRecord> {
    let account = need_account(transaction, id).await?;
    if account.state != AccountState::Invited {
        return Err(Error::not_found("invitation", "shown"));
    }
    let change = AccountChange {
        state: Field::Set(AccountState::Active),
        display_name: match joiner.display_name.trim() {
            "" => Field::Keep,
            name => Field::Set(name.to_owned()),
        },
        ..AccountChange::default()
    };
    set_credential::run(transaction, id, &joiner.credential).await?;
    change_account::run(transaction, id, &change, None, options, now).await
}

async fn apply(
    transaction: &mut Change,
    invitation: &InvitationRecord,
    address: Address,
    joiner: &Joiner,
    now: Timestamp,
) -> Result<ApplicationRecord> {
    let tenant = invitation.tenant;
    check_name(&joiner.display_name, 128)?;
    check_free(transaction, &address).await?;
    super::membership::check_profile(&profile(joiner))?;
    let waiting = transaction
        .get_range_all(RangeQuery::all(key::applications(tenant).range()))
        .await?;
    check_limit("applications_per_tenant_max", APPLICATIONS_MAX, waiting.len() as u64)?;
    let application = ApplicationRecord {
        id: ApplicationId(take_small_id(transaction, tenant, "application").await?),
        tenant,
        label: invitation.label.clone(),
        address,
        display_name: clean(&joiner.display_name),
        mobile: joiner.mobile.clone(),
        private_address: clean(&joiner.private_address),
        credential: joiner.credential.clone(),
        department: invitation.department,
        at: now,
    };
    let key = key::applications(tenant).int(u64::from(application.id.0)).pack();
    transaction.set(key, application::encode(&application));
    let event = Event::new("application.create", &application.address)
        .id(u64::from(application.id.0))
        .with("name", &application.display_name);
    transaction.record(Chain::Tenant(tenant), event);
    if let Some(notice) = &joiner.notice {
        transaction.send(notice);
    }
    Ok(application)
}

/// Those who wait, by identifier, after `after`, at most `limit`.
pub(crate) async fn applications(
    transaction: &mut Transaction,
    tenant: TenantId,
    asked: super::Page<ApplicationId>,
) -> Result<Vec<ApplicationRecord>> {
    let prefix = key::applications(tenant);
    let after = asked.after.map(|id| prefix.clone().int(u64::from(id.0)));
    let mut found = Vec::new();
    for pair in list::page(transaction, &prefix, after, asked.limit).await? {
        let id = ApplicationId(small(super::last_int(&prefix, &pair.key)?)?);
        found.push(application::decode(tenant, id, &pair.value)?);
    }
    Ok(found)
}

pub(crate) async fn application(
    transaction: &mut Transaction,
    tenant: TenantId,
    id: ApplicationId,
) -> Result<ApplicationRecord> {
    let stored = transaction
        .get(&key::applications(tenant).int(u64::from(id.0)).pack())
        .await?;
    let stored = stored.ok_or_else(|| Error::not_found("application", id))?;
    Ok(application::decode(tenant, id, &stored)?)
}

fn over(transaction: &mut Change, application: &ApplicationRecord, event: Event, notice: Option<&Notice>) {
    let id = u64::from(application.id.0);
    transaction.clear(&key::applications(application.tenant).int(id).pack());
    touch(transaction, application.tenant);
    transaction.record(Chain::Tenant(application.tenant), event.id(id));
    if let Some(notice) = notice {
        transaction.send(notice);
    }
}

/// Takes someone in who waits, at the address that they want or at `new`'s.
pub(crate) async fn accept(
    transaction: &mut Change,
    application: &ApplicationRecord,
    new: &NewAccount,
    notice: Option<&Notice>,
    (options, now): (&DirectoryOptions, Timestamp),
) -> Result<AccountRecord> {
    let present = self::application(transaction, application.tenant, application.id).await?;
    if read_domain(transaction, &new.address.domain).await?.tenant != present.tenant {
        return Err(Error::not_found("domain", &new.address.domain));
    }
    let account = create_account::run(transaction, new, options, now).await?;
    let event = Event::new("application.accept", &present.address).with("address", &account.address);
    over(transaction, &present, event, notice);
    Ok(account)
}

/// Turns someone away who waits.
pub(crate) async fn refuse(
    transaction: &mut Change,
    application: &ApplicationRecord,
    reason: &str,
    notice: Option<&Notice>,
) -> Result<()> {
    let present = self::application(transaction, application.tenant, application.id).await?;
    let event = Event::new("application.refuse", &present.address).with("reason", reason);
    over(transaction, &present, event, notice);
    Ok(())
}
