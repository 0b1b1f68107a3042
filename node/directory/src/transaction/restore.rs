//! Takes a mailbox out of the recycle bin: back to its person, to another, or to several as a shared mailbox (MEM-16, SBX-3).

use hongyan_audit::Event;
use hongyan_types::{AccountId, TenantId, Timestamp};

use super::{
    check_name, clean, count_account, grant, membership, plan, record_account, recycle, touch_address, write_account,
    write_counts,
};
use crate::record::credential;
use crate::{
    AccountKind, AccountRecord, AccountState, Change, DepartmentId, DirectoryOptions, Error, GrantRights, Limit,
    NewGrant, Profile, RecycleKind, RecycledRecord, Restore, Result, TagId, key,
};

pub(crate) async fn run(
    transaction: &mut Change,
    (tenant, id): (TenantId, AccountId),
    asked: &Restore,
    options: &DirectoryOptions,
    now: Timestamp,
) -> Result<AccountRecord> {
    let recycled = recycle::need(transaction, tenant, id).await?;
    if recycled.purging || recycled.until <= now {
        let address = &recycled.account.address;
        return Err(Error::Refused(format!("{address} is being purged")));
    }
    let bounds = plan::bounds(transaction, tenant, now).await?;
    bounds
        .of(Limit::AccountsPerTenantMax, options)
        .check(bounds.owner.counts.accounts)?;
    if matches!(asked, Restore::Shared { .. }) {
        let (in_force, present) = plan::shared_mailboxes(transaction, &bounds, options).await?;
        in_force.check(present)?;
    }
    let mut owner = bounds.owner;
    let account = match asked {
        Restore::Member { name, profile, .. } => {
            member(transaction, &recycled, name.as_deref(), profile.as_deref(), asked).await?
        }
        Restore::Shared { name, .. } => shared(transaction, &recycled, name.as_deref()).await?,
    };
    let is_anothers = is_anothers(&recycled, asked);
    if is_anothers {
        recycle::forget_person(transaction, &recycled.account, options);
    }
    forget(transaction, &recycled);
    transaction.set(key::account_tenant(id), tenant.0.to_le_bytes().to_vec());
    membership::replace(transaction, None, &account).await?;
    count_account(transaction, None, Some(&account));
    write_account(transaction, &account);
    for address in account.addresses() {
        touch_address(transaction, address);
    }
    owner.counts.accounts += 1;
    write_counts(transaction, &owner);
    let event = Event::new("member.restore", &account.address)
        .with("state", format!("{:?}", account.state))
        .with("another", is_anothers);
    record_account(transaction, &account, event);
    match asked {
        Restore::Member { credential, .. } => {
            if let Some(credential) = credential {
                transaction.set(key::credential(id), credential::encode(credential));
            }
        }
        Restore::Shared { users, .. } => {
            for user in users {
                let new = NewGrant {
                    account: id,
                    to: *user,
                    rights: GrantRights::FULL,
                    until: None,
                };
                grant::set(transaction, &new, now).await?;
            }
        }
    }
    Ok(account)
}

/// Whether it is not its person's any more: another's, or nobody's in particular.
fn is_anothers(recycled: &RecycledRecord, asked: &Restore) -> bool {
    match asked {
        Restore::Member { another, .. } => *another || recycled.kind == RecycleKind::Unbound,
        Restore::Shared { .. } => recycled.account.kind == AccountKind::Member,
    }
}

/// The account as it was, where that is still there, with what was said anew.
async fn member(
    transaction: &mut Change,
    recycled: &RecycledRecord,
    name: Option<&str>,
    profile: Option<&Profile>,
    asked: &Restore,
) -> Result<AccountRecord> {
    let Restore::Member { invited, .. } = asked else {
        return Err(Error::Invalid("a shared mailbox is no member".to_owned()));
    };
    if recycled.account.kind == AccountKind::Shared {
        let words = "it was a shared mailbox, and becomes one again";
        return Err(Error::Refused(words.to_owned()));
    }
    let mut account = named(recycled, name)?;
    if is_anothers(recycled, asked) {
        account = recycle::without_person(transaction, account).await?;
    }
    if let Some(profile) = profile {
        account.profile = membership::clean_profile(&account.profile, profile)?;
    }
    membership::check_unique(transaction, &account).await?;
    let mut departments: Vec<DepartmentId> = Vec::new();
    for id in account.departments {
        let found = transaction.get(&key::department(account.tenant, id)).await?;
        departments.extend(found.map(|_| id));
    }
    let mut tags: Vec<TagId> = Vec::new();
    for id in account.tags {
        let found = transaction.get(&key::tag(account.tenant, id)).await?;
        tags.extend(found.map(|_| id));
    }
    Ok(AccountRecord {
        departments,
        tags,
        state: match invited {
            true => AccountState::Invited,
            false => AccountState::Active,
        },
        ..account
    })
}

/// A mailbox without a person.
async fn shared(transaction: &mut Change, recycled: &RecycledRecord, name: Option<&str>) -> Result<AccountRecord> {
    let account = named(recycled, name)?;
    let account = match account.kind {
        AccountKind::Member => recycle::without_person(transaction, account).await?,
        AccountKind::Shared => account,
    };
    Ok(AccountRecord {
        kind: AccountKind::Shared,
        state: AccountState::Active,
        ..account
    })
}

fn named(recycled: &RecycledRecord, name: Option<&str>) -> Result<AccountRecord> {
    let mut account = recycled.account.clone();
    if let Some(name) = name {
        check_name(name, 128)?;
        account.display_name = clean(name);
    }
    Ok(account)
}

/// Takes it out of the bin.
pub(super) fn forget(transaction: &mut Change, recycled: &RecycledRecord) {
    let account = &recycled.account;
    transaction.clear(&key::recycled(account.tenant).int(account.id.0).pack());
    transaction.clear(&key::recycled_due_at(recycled));
}
