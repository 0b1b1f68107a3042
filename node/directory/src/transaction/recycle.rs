//! Puts a mailbox into the recycle bin: its person leaves the directory, its mail and its addresses stay for a while
//! (MEM-13, MEM-14, SBX-8).

use hongyan_audit::Event;
use hongyan_types::{AccountId, TenantId, Timestamp};

use super::{
    count_account, delete_token, folder_share, grant, group_names, last_int, list, member_uses, membership,
    need_account, read_tenant, record_account, role, touch_account, touch_address, write_counts, write_domain,
};
use crate::record::recycled;
use crate::{
    AccountKind, AccountRecord, AccountSettings, Change, DirectoryOptions, Error, Profile, Recycle, RecycleKind,
    RecycledRecord, Result, Seat, etag, key,
};

pub(crate) async fn run(
    transaction: &mut Change,
    id: AccountId,
    asked: &Recycle,
    options: &DirectoryOptions,
    now: Timestamp,
) -> Result<RecycledRecord> {
    let account = need_account(transaction, id).await?;
    etag::check(asked.expect, account.etag(), "member", &account.address)?;
    let kind = match account.kind {
        AccountKind::Shared => RecycleKind::Reclaimed,
        AccountKind::Member if asked.unbind => RecycleKind::Unbound,
        AccountKind::Member => RecycleKind::Deleted,
    };
    if asked.leaving.is_some() && read_tenant(transaction, account.tenant).await?.counts.accounts <= 1 {
        let words = format!("{} is the last one here and cannot leave", account.address);
        return Err(Error::Refused(words));
    }
    let left = leave(transaction, &account, kind.label(), asked.confirmed, now).await?;
    if kind == RecycleKind::Unbound {
        forget_person(transaction, &account, options);
    }
    let period = match kind {
        RecycleKind::Deleted => options.recycle_deleted,
        RecycleKind::Unbound => options.recycle_unbound,
        RecycleKind::Reclaimed => options.recycle_reclaimed,
    };
    let period = i64::try_from(period.as_millis()).unwrap_or(i64::MAX);
    let recycled = RecycledRecord {
        account: kept(transaction, left, kind).await?,
        kind,
        since: now,
        until: Timestamp {
            millis: now.millis.saturating_add(period),
        },
        purging: false,
    };
    write(transaction, &recycled);
    let event = Event::new("member.recycle", &account.address)
        .with("how", kind.label())
        .with("until", recycled.until.millis);
    let event = match &asked.leaving {
        Some(_) => event.with("leaving", true),
        None => event,
    };
    record_account(transaction, &account, event);
    if let Some(notice) = &asked.leaving {
        transaction.send(notice);
    }
    Ok(recycled)
}

/// What of an account is there again when it is restored. Its seat is free at once (MEM-17).
async fn kept(transaction: &mut Change, account: AccountRecord, kind: RecycleKind) -> Result<AccountRecord> {
    let account = AccountRecord {
        role: None,
        seat: Seat::Standard,
        ..account
    };
    match kind {
        RecycleKind::Unbound => without_person(transaction, account).await,
        RecycleKind::Deleted | RecycleKind::Reclaimed => Ok(account),
    }
}

/// An account without what is its person's: their data, where they belong, their language, how their mail clients are to behave. What
/// administrators allow it stays.
pub(super) async fn without_person(transaction: &mut Change, account: AccountRecord) -> Result<AccountRecord> {
    let allowed = account.settings;
    let new = read_tenant(transaction, account.tenant).await?.account_settings;
    Ok(AccountRecord {
        profile: Profile::default(),
        departments: Vec::new(),
        tags: Vec::new(),
        language: None,
        settings: AccountSettings {
            imap: allowed.imap,
            pop3: allowed.pop3,
            submission: allowed.submission,
            recover_deleted: allowed.recover_deleted,
            active_sync: allowed.active_sync,
            ..new
        },
        handovers: account.handovers.saturating_add(1),
        ..account
    })
}

/// What others keep beside an account is its person's: preferences, a picture, automatic replies, identities, what sign-in remembers.
/// Whoever has the mailbox next begins anew.
pub(super) fn forget_person(transaction: &mut Change, account: &AccountRecord, options: &DirectoryOptions) {
    transaction.clear_range(key::of_account(account.id).range());
    for forget in &options.forget_person {
        forget(transaction, account.tenant, account.id);
    }
}

pub(super) fn write(transaction: &mut Change, recycled: &RecycledRecord) {
    let account = &recycled.account;
    let key = key::recycled(account.tenant).int(account.id.0).pack();
    transaction.set(key, recycled::encode(recycled));
    transaction.set(key::recycled_due_at(recycled), Vec::new());
}

/// Takes an account out of the directory; its addresses still lead to it, and so to nobody.
pub(super) async fn leave(
    transaction: &mut Change,
    account: &AccountRecord,
    how: &str,
    confirmed: bool,
    now: Timestamp,
) -> Result<AccountRecord> {
    let id = account.id;
    let mut owner = read_tenant(transaction, account.tenant).await?;
    role::check_dispensable(transaction, &owner, account, how).await?;
    let caught = member_uses::caught(transaction, account.tenant, id).await?;
    if !confirmed {
        member_uses::check(transaction, account, &owner, &caught, now).await?;
    }
    for mut domain in caught {
        domain.catch_all = None;
        write_domain(transaction, &domain);
    }
    for address in account.addresses() {
        touch_address(transaction, address);
    }
    transaction.clear(&key::account(account.tenant, id));
    transaction.clear(&key::account_tenant(id));
    transaction.clear(&key::credential(id));
    transaction.clear(&key::factors(id));
    membership::clear(transaction, account);
    count_account(transaction, Some(account), None);
    transaction.clear(&key::role(account.tenant, id));
    delete_token::all_of(transaction, account).await?;
    group_names::forget_account(transaction, account).await?;
    // Whoever has a mailbox by more than one way is told of it once, as a whole.
    folder_share::forget_account(transaction, account).await?;
    grant::forget_account(transaction, account).await?;
    touch_account(transaction, account);
    if owner.postmaster == Some(id) {
        owner.postmaster = None;
    }
    if owner.creator == Some(id) {
        owner.creator = None;
    }
    owner.counts.accounts -= 1;
    write_counts(transaction, &owner);
    Ok(account.clone())
}

/// What the recycle bin of a tenant has of an account.
pub(super) async fn need(transaction: &mut Change, tenant: TenantId, id: AccountId) -> Result<RecycledRecord> {
    let stored = transaction.get(&key::recycled(tenant).int(id.0).pack()).await?;
    let stored = stored.ok_or_else(|| Error::not_found("recycled mailbox", id.0))?;
    Ok(recycled::decode(tenant, id, &stored)?)
}

/// A mailbox stays in the bin until `until` at least: somebody works with it.
pub(crate) async fn hold(
    transaction: &mut Change,
    (tenant, id): (TenantId, AccountId),
    (until, now): (Timestamp, Timestamp),
) -> Result<RecycledRecord> {
    let mut recycled = need(transaction, tenant, id).await?;
    if recycled.purging || recycled.until <= now {
        let address = &recycled.account.address;
        return Err(Error::Refused(format!("{address} is being purged")));
    }
    if recycled.until < until {
        transaction.clear(&key::recycled_due_at(&recycled));
        recycled.until = until;
        write(transaction, &recycled);
    }
    Ok(recycled)
}

/// Those in the recycle bin of a tenant, by identifier, after `after`, at most `limit`.
pub(crate) async fn list(
    transaction: &mut hongyan_kv::Transaction,
    tenant: TenantId,
    asked: super::Page<AccountId>,
) -> Result<Vec<RecycledRecord>> {
    let prefix = key::recycled(tenant);
    let after = asked.after.map(|id| prefix.clone().int(id.0));
    let mut found = Vec::new();
    for pair in list::page(transaction, &prefix, after, asked.limit).await? {
        let id = AccountId(last_int(&prefix, &pair.key)?);
        found.push(recycled::decode(tenant, id, &pair.value)?);
    }
    Ok(found)
}
