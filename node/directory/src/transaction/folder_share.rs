//! Single folders that members share: given, taken back, and gone with those whom it is about.

use std::collections::BTreeSet;

use hongyan_audit::Event;
use hongyan_kv::{KeyRange, RangeQuery, ReadMode, Transaction};
use hongyan_types::{AccountId, FolderRights, TenantId, Timestamp};

use super::share_notice::{self, News};
use super::{corrupt, grant, last_int, need_account, read_account, read_group, record_account, touch_account};
use crate::record::folder_share;
use crate::{
    AccountKind, AccountRecord, AccountState, Change, DirectoryOptions, Error, FolderNumber, FolderShare, GroupId,
    Inheritance, NewFolderShares, Opened, Result, Sharee, Sharer, key,
};

/// Who shares a folder, or takes that back.
pub(crate) struct Giver<'a> {
    pub(crate) person: &'a AccountRecord,
    /// What they may do with it: nobody gives or takes more.
    pub(crate) held: FolderRights,
}

/// Sets what each of those named may do with a folder; who may do nothing afterwards has it shared no more.
pub(crate) async fn set(
    transaction: &mut Change,
    giver: &Giver<'_>,
    new: &NewFolderShares,
    options: &DirectoryOptions,
    now: Timestamp,
) -> Result<()> {
    let owner = need_account(transaction, new.account).await?;
    check_person(&owner)?;
    let present = of_folder(transaction, owner.id, new.folder).await?;
    let mut count = present.iter().filter(|share| !share.rights.is_empty()).count() as u64;
    for (to, rights) in &new.rights {
        let (to, rights) = (*to, rights.complete());
        let before = present.iter().find(|share| share.to == to);
        let had = before.map(|share| share.rights).unwrap_or_default();
        if had == rights {
            continue;
        }
        let changed = rights.without(had).union(had.without(rights));
        if !changed.without(giver.held).is_empty() {
            let words = "nobody gives or takes rights that they do not have themselves";
            return Err(Error::Forbidden(words.to_owned()));
        }
        let share = FolderShare {
            account: owner.id,
            folder: new.folder,
            to,
            rights,
            from: before.map_or(now, |share| share.from),
            subscribed: before.is_some_and(|share| share.subscribed),
        };
        let name = match had.is_empty() {
            true => {
                count += 1;
                let max = options.folder_shares_max;
                if count > max {
                    return Err(Error::Limit {
                        setting: "folder_shares_max",
                        max,
                        used: count - 1,
                    });
                }
                sharee(transaction, &owner, to, options).await?
            }
            false => name_of(transaction, owner.tenant, to).await?.unwrap_or_default(),
        };
        if rights.is_empty() {
            clear(transaction, owner.tenant, &share);
            count -= 1;
        } else {
            write(transaction, owner.tenant, &share);
        }
        let by = Some(Sharer::of(giver.person));
        tell(transaction, by, &owner, &new.path, &share, had).await?;
        let action = match rights.is_empty() {
            true => "mailbox.unshare-folder",
            false => "mailbox.share-folder",
        };
        let event = Event::new(action, &owner.address)
            .with("with", name)
            .with("folder", &new.path)
            .changed("rights", &had.to_string(), &rights.to_string());
        let event = match giver.person.id == owner.id {
            true => event,
            false => event.with("by", &giver.person.address),
        };
        record_account(transaction, &owner, event);
    }
    touch_account(transaction, &owner);
    Ok(())
}

/// RFC 4314 §4: a folder that one makes with whom the folder above is shared is shared as that one is. The rights are the
/// owner's giving, not the maker's.
pub(crate) async fn inherit(
    transaction: &mut Change,
    by: &AccountRecord,
    new: &Inheritance,
    now: Timestamp,
) -> Result<()> {
    let owner = need_account(transaction, new.account).await?;
    let shares = of_folder(transaction, owner.id, new.above).await?.into_iter();
    for above in shares.filter(|share| !share.rights.is_empty()) {
        let share = FolderShare {
            folder: new.folder,
            from: now,
            ..above
        };
        write(transaction, owner.tenant, &share);
        let by = Some(Sharer::of(by));
        tell(transaction, by, &owner, &new.path, &share, FolderRights::NONE).await?;
    }
    touch_account(transaction, &owner);
    let event = Event::new("mailbox.share-folder", &owner.address)
        .with("folder", &new.path)
        .with("by", &by.address);
    record_account(transaction, &owner, event);
    Ok(())
}

/// Tells the one who may that they may, or may no more; whoever may use the whole mailbox may as before.
async fn tell(
    transaction: &mut Change,
    by: Option<Sharer>,
    owner: &AccountRecord,
    path: &str,
    share: &FolderShare,
    before: FolderRights,
) -> Result<()> {
    // Those of a group are not told one by one: there may be thousands.
    let Sharee::Account(to) = share.to else {
        return Ok(());
    };
    if grant::reads_all(transaction, owner.id, to).await? {
        return Ok(());
    }
    let news = News {
        owner,
        by,
        name: path.rsplit_once('/').map_or(path, |(_, name)| name),
        opened: Opened::Folder {
            folder: share.folder,
            before,
            after: share.rights,
        },
    };
    share_notice::tell(transaction, to, news).await
}

fn check_person(account: &AccountRecord) -> Result<()> {
    if account.kind == AccountKind::Shared {
        return Err(Error::Invalid(format!("{} is no person", account.address)));
    }
    if account.state != AccountState::Active {
        return Err(Error::Refused(format!("{} is not active", account.address)));
    }
    Ok(())
}

/// The name of someone with whom the owner may share. Those of other organisations look missing.
async fn sharee(
    transaction: &mut Change,
    owner: &AccountRecord,
    to: Sharee,
    options: &DirectoryOptions,
) -> Result<String> {
    let to = match to {
        Sharee::Account(to) => to,
        Sharee::Group(group) => {
            check_groups(transaction, owner.tenant, group, options.shared_with_groups_max).await?;
            let name = name_of(transaction, owner.tenant, Sharee::Group(group)).await?;
            return name.ok_or_else(|| Error::not_found("group", group.0));
        }
    };
    if to == owner.id {
        return Err(Error::Invalid("nobody shares with themselves".to_owned()));
    }
    let account = need_account(transaction, to).await?;
    if account.tenant != owner.tenant {
        return Err(Error::not_found("account", to.0));
    }
    check_person(&account)?;
    Ok(account.address.to_string())
}

/// Refuses one group more than folders of an organisation are shared with: each is expanded to find what is open to whom.
async fn check_groups(transaction: &mut Change, tenant: TenantId, group: GroupId, max: u64) -> Result<()> {
    let groups = groups(transaction, tenant, ReadMode::Serializable).await?;
    match groups.contains(&group) {
        true => Ok(()),
        false => super::check_limit("shared_with_groups_max", max, groups.len() as u64),
    }
}

async fn name_of(transaction: &mut Change, tenant: TenantId, to: Sharee) -> Result<Option<String>> {
    Ok(match to {
        Sharee::Account(to) => read_account(transaction, to).await?.map(|to| to.address.to_string()),
        Sharee::Group(group) => {
            let group = read_group(transaction, tenant, group).await?;
            group.map(|group| group.address.to_string())
        }
    })
}

/// Notes whether one who may use a folder wants to see it.
pub(crate) async fn subscribe(
    transaction: &mut Change,
    wanted: &FolderShare,
    tenant: TenantId,
    subscribed: bool,
) -> Result<()> {
    let key = key::folder_share(wanted.account, wanted.folder, wanted.to);
    let share = match transaction.get(&key).await? {
        Some(stored) => folder_share::decode(wanted.account, wanted.folder, wanted.to, &stored)?,
        // They have it by a group.
        None => FolderShare {
            rights: FolderRights::NONE,
            subscribed: false,
            ..wanted.clone()
        },
    };
    let owner = need_account(transaction, wanted.account).await?;
    if owner.tenant != tenant {
        return Err(Error::not_found("folder", wanted.folder.0));
    }
    if share.subscribed != subscribed {
        match share.rights.is_empty() && !subscribed {
            true => clear(transaction, tenant, &share),
            false => write(transaction, tenant, &FolderShare { subscribed, ..share }),
        }
        touch_account(transaction, &owner);
    }
    Ok(())
}

fn write(transaction: &mut Change, tenant: TenantId, share: &FolderShare) {
    let key = key::folder_share(share.account, share.folder, share.to);
    transaction.set(key, folder_share::encode(share));
    transaction.set(key::folder_shared(tenant, share), Vec::new());
}

fn clear(transaction: &mut Change, tenant: TenantId, share: &FolderShare) {
    transaction.clear(&key::folder_share(share.account, share.folder, share.to));
    transaction.clear(&key::folder_shared(tenant, share));
}

/// All shares of an account's folders, by folder.
pub(crate) async fn of(transaction: &mut Transaction, account: AccountId) -> Result<Vec<FolderShare>> {
    scan(transaction, account, key::folder_shares(account).range()).await
}

async fn of_folder(
    transaction: &mut Transaction,
    account: AccountId,
    folder: FolderNumber,
) -> Result<Vec<FolderShare>> {
    let range = key::folder_shares(account).int(u64::from(folder.0)).range();
    scan(transaction, account, range).await
}

/// The shares of an account in a range of their keys.
async fn scan(transaction: &mut Transaction, account: AccountId, range: KeyRange) -> Result<Vec<FolderShare>> {
    let prefix = key::folder_shares(account);
    let mut shares = Vec::new();
    for pair in transaction.get_range_all(RangeQuery::all(range)).await? {
        let wrong = || corrupt("key of a shared folder");
        let mut reader = prefix.reader(&pair.key).map_err(|_| wrong())?;
        let folder = reader.int::<u32>().map_err(|_| wrong())?;
        let to = Sharee::read(|| reader.int::<u64>().ok()).ok_or_else(wrong)?;
        let folder = FolderNumber(folder);
        shares.push(folder_share::decode(account, folder, to, &pair.value)?);
    }
    Ok(shares)
}

/// The groups of an organisation with which folders are shared.
pub(crate) async fn groups(
    transaction: &mut Transaction,
    tenant: TenantId,
    mode: ReadMode,
) -> Result<BTreeSet<GroupId>> {
    let prefix = key::folders_shared_with_groups(tenant);
    let (mut range, mut found) = (prefix.range(), BTreeSet::new());
    loop {
        let query = RangeQuery {
            range: range.clone(),
            limit: 1,
            reverse: false,
            mode,
        };
        let pairs = transaction.get_range_all(query).await?;
        let Some(pair) = pairs.first() else {
            return Ok(found);
        };
        let group = GroupId(last_int(&prefix, &pair.key)?);
        range.begin = prefix.clone().int(group.0).range().end;
        found.insert(group);
    }
}

/// All folders that are shared with someone, by account.
pub(crate) async fn with(
    transaction: &mut Transaction,
    tenant: TenantId,
    to: Sharee,
    mode: ReadMode,
) -> Result<Vec<FolderShare>> {
    let prefix = key::folders_shared_with(tenant, to);
    let query = RangeQuery {
        mode,
        ..RangeQuery::all(prefix.range())
    };
    let mut shares = Vec::new();
    for pair in transaction.get_range_all(query).await? {
        let wrong = || corrupt("key of a shared folder");
        let mut reader = prefix.reader(&pair.key).map_err(|_| wrong())?;
        let account = AccountId(reader.int::<u64>().map_err(|_| wrong())?);
        let folder = FolderNumber(reader.int::<u32>().map_err(|_| wrong())?);
        let key = key::folder_share(account, folder, to);
        let stored = match mode {
            ReadMode::Snapshot => transaction.get_snapshot(&key).await?,
            _ => transaction.get(&key).await?,
        };
        if let Some(stored) = stored {
            shares.push(folder_share::decode(account, folder, to, &stored)?);
        }
    }
    Ok(shares)
}

/// Accounts of which folders are shared, after `after`, at most `limit`.
pub(crate) async fn owners(
    transaction: &mut Transaction,
    after: Option<AccountId>,
    limit: usize,
) -> Result<Vec<(TenantId, AccountId)>> {
    let all = key::folders_shared();
    let (mut range, mut found) = (all.range(), Vec::new());
    if let Some(after) = after {
        range.begin = key::folder_shares(after).range().end;
    }
    while found.len() < limit {
        let query = RangeQuery {
            range: range.clone(),
            limit: 1,
            reverse: false,
            mode: ReadMode::Snapshot,
        };
        let pairs = transaction.get_range_all(query).await?;
        let Some(pair) = pairs.first() else { break };
        let account = AccountId(last_int(&all, &pair.key)?);
        range.begin = key::folder_shares(account).range().end;
        if let Some(owner) = read_account(transaction, account).await? {
            found.push((owner.tenant, account));
        }
    }
    Ok(found)
}

/// Removes all shares of a folder that is gone, which had that path, and `by` whom it went, as far as that is known.
pub(crate) async fn forget_folder(
    transaction: &mut Change,
    (account, folder): (AccountId, FolderNumber),
    path: Option<&str>,
    by: Option<&AccountRecord>,
) -> Result<()> {
    let number = folder.0.to_string();
    let path = path.unwrap_or(&number);
    let shares = of_folder(transaction, account, folder).await?;
    let Some(owner) = read_account(transaction, account).await? else {
        return Ok(());
    };
    for share in &shares {
        clear(transaction, owner.tenant, share);
        let gone = FolderShare {
            rights: FolderRights::NONE,
            ..share.clone()
        };
        let by = Some(Sharer::of(by.unwrap_or(&owner)));
        tell(transaction, by, &owner, path, &gone, share.rights).await?;
    }
    if !shares.is_empty() {
        touch_account(transaction, &owner);
        let event = Event::new("mailbox.unshare-folder", &owner.address).with("folder", path);
        record_account(transaction, &owner, event);
    }
    Ok(())
}

/// Removes all shares of and with an account that goes; those with whom it shared are told, as many as one change tells. What
/// the folders were called only their mailbox knows.
pub(super) async fn forget_account(transaction: &mut Change, account: &AccountRecord) -> Result<()> {
    let mut left = transaction.share_notices_kept().at_once_max;
    for share in of(transaction, account.id).await? {
        clear(transaction, account.tenant, &share);
        if left > 0 && !share.rights.is_empty() {
            left -= 1;
            let gone = FolderShare {
                rights: FolderRights::NONE,
                ..share.clone()
            };
            let (by, name) = (Some(Sharer::of(account)), share_notice::called(account));
            tell(transaction, by, account, &name, &gone, share.rights).await?;
        }
    }
    forget_sharee(transaction, account.tenant, account.id.into()).await
}

/// Removes all shares with someone who goes.
pub(super) async fn forget_sharee(transaction: &mut Change, tenant: TenantId, to: Sharee) -> Result<()> {
    for share in with(transaction, tenant, to, ReadMode::Serializable).await? {
        clear(transaction, tenant, &share);
        if let Some(owner) = read_account(transaction, share.account).await? {
            touch_account(transaction, &owner);
        }
    }
    Ok(())
}
