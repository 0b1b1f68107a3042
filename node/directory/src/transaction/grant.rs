//! Who may use a mailbox that is not their own: granted, taken back, and gone with those whom it is about.

use std::collections::{BTreeMap, BTreeSet};

use hongyan_audit::Event;
use hongyan_kv::tuple::Tuple;
use hongyan_kv::{RangeQuery, ReadMode, Transaction};
use hongyan_notice::Text;
use hongyan_types::{AccountId, TenantId, Timestamp};

use super::share_notice::{self, News, called};
use super::{corrupt, need_account, need_department, plan, record_account, touch_account};
use crate::record::grant;
use crate::tree::{self, Tree};
use crate::{
    AccountKind, AccountRecord, Change, DepartmentId, Error, Feature, GrantRecord, GrantRights, Grantee, NewGrant,
    Opened, Result, key,
};

/// Most grants of one mailbox.
const GRANTS_MAX: usize = 500;

/// Grants what is said, in place of what was granted to the same before.
pub(crate) async fn set(transaction: &mut Change, new: &NewGrant, now: Timestamp) -> Result<GrantRecord> {
    let account = need_account(transaction, new.account).await?;
    check(transaction, &account, new, now).await?;
    if account.kind == AccountKind::Member {
        let bounds = plan::bounds(transaction, account.tenant, now).await?;
        bounds.need(Feature::Secretary)?;
    }
    let name = name_of(transaction, account.tenant, new.to).await?;
    let present = of(transaction, account.id).await?;
    let before = present.iter().find(|grant| grant.to == new.to);
    if before.is_none() && present.len() >= GRANTS_MAX {
        return Err(Error::Limit {
            setting: "grants_per_account_max",
            max: GRANTS_MAX as u64,
            used: present.len() as u64,
        });
    }
    let grant = GrantRecord {
        account: account.id,
        to: new.to,
        rights: new.rights,
        from: now,
        until: new.until,
        stopped: false,
    };
    if let Some(until) = grant.until {
        transaction.set(key::grant_ends_at(&grant, until), Vec::new());
        transaction.set(key::grant_over_at(&grant, until), Vec::new());
    }
    transaction.set(key::grant(account.id, new.to), grant::encode(&grant));
    transaction.set(
        key::granted(account.tenant, new.to).int(account.id.0).pack(),
        Vec::new(),
    );
    touch_account(transaction, &account);
    let had = before.filter(|grant| grant.holds(now)).map(|grant| grant.rights);
    tell(transaction, &account, new.to, (had.unwrap_or_default(), grant.rights)).await?;
    let event = Event::new("mailbox.grant", &account.address)
        .with("to", name)
        .changed("rights", &before.map(|grant| grant.rights), &Some(grant.rights))
        .changed("until", &before.and_then(|grant| grant.until), &grant.until);
    record_account(transaction, &account, event);
    Ok(grant)
}

async fn check(transaction: &mut Change, account: &AccountRecord, new: &NewGrant, now: Timestamp) -> Result<()> {
    if new.rights == crate::GrantRights::default() {
        return Err(Error::Invalid("nothing is granted".to_owned()));
    }
    if new.rights.write && !new.rights.read {
        return Err(Error::Invalid("who writes to a mailbox reads it".to_owned()));
    }
    if new.until.is_some_and(|until| until <= now) {
        return Err(Error::Invalid("the grant would be over at once".to_owned()));
    }
    let Grantee::Account(to) = new.to else {
        return if account.kind == AccountKind::Shared {
            Ok(())
        } else {
            Err(Error::Invalid("a member grants to members, one by one".to_owned()))
        };
    };
    if to == account.id {
        return Err(Error::Invalid("nobody acts for themselves".to_owned()));
    }
    let to = need_account(transaction, to).await?;
    if to.tenant != account.tenant {
        return Err(Error::not_found("account", to.id.0));
    }
    if to.kind == AccountKind::Shared {
        return Err(Error::Invalid(format!("{} is no person", to.address)));
    }
    Ok(())
}

/// Tells a member, or each of a department, what they may do with the mailbox by a grant now, and might before; how many
/// were told. RFC 9670 §5 wants everybody told; nobody of a department of more members than a change tells is.
async fn tell(
    transaction: &mut Change,
    account: &AccountRecord,
    to: Grantee,
    rights: (GrantRights, GrantRights),
) -> Result<usize> {
    let mut tree = None;
    let members = match to {
        Grantee::Account(to) => BTreeSet::from([to]),
        Grantee::Department(department) => {
            tree::accounts_in(transaction, account.tenant, &mut tree, &[department], &[]).await?
        }
    };
    if members.len() > transaction.share_notices_kept().at_once_max {
        return Ok(0);
    }
    let count = members.len();
    for member in members {
        let Some(member) = super::read_account(transaction, member).await? else {
            continue;
        };
        let places = Places::of(transaction, &member, &mut tree).await?;
        let mut other = GrantRights::default();
        for way in places.0.into_iter().filter(|way| *way != to) {
            other = other.or(held(transaction, account.id, way).await?);
        }
        let (before, after) = rights;
        tell_one(transaction, account, member.id, (before.or(other), after.or(other))).await?;
    }
    Ok(count)
}

/// The ways by which grants come to a member: themselves, their departments and all above these.
struct Places(Vec<Grantee>);

impl Places {
    async fn of(transaction: &mut Transaction, member: &AccountRecord, tree: &mut Option<Tree>) -> Result<Self> {
        let mut places = BTreeSet::from([Grantee::Account(member.id)]);
        if !member.departments.is_empty() && is_any_of_departments(transaction, member.tenant).await? {
            if tree.is_none() {
                *tree = Some(Tree::read(transaction, member.tenant).await?);
            }
            let path = |id: &DepartmentId| tree.as_ref().map(|tree| tree.path(*id)).unwrap_or_default();
            let paths = member.departments.iter().flat_map(path);
            places.extend(paths.map(Grantee::Department));
        }
        Ok(Self(places.into_iter().collect()))
    }
    /// What is open by them, by account.
    async fn open(&self, transaction: &mut Change, tenant: TenantId) -> Result<BTreeMap<AccountId, GrantRights>> {
        let (mut open, now) = (BTreeMap::<AccountId, GrantRights>::new(), transaction.at());
        for place in &self.0 {
            for grant in to(transaction, tenant, *place)
                .await?
                .iter()
                .filter(|grant| grant.holds(now))
            {
                let rights = open.entry(grant.account).or_default();
                *rights = rights.or(grant.rights);
            }
        }
        Ok(open)
    }
}

/// Whether anything of a tenant is granted to departments.
async fn is_any_of_departments(transaction: &mut Transaction, tenant: TenantId) -> Result<bool> {
    let granted = RangeQuery {
        limit: 1,
        mode: ReadMode::Snapshot,
        ..RangeQuery::all(key::granted_to_departments(tenant).range())
    };
    Ok(!transaction.get_range_all(granted).await?.is_empty())
}

/// What a grant gives now.
async fn held(transaction: &mut Change, account: AccountId, to: Grantee) -> Result<GrantRights> {
    let Some(stored) = transaction.get(&key::grant(account, to)).await? else {
        return Ok(GrantRights::default());
    };
    let grant = grant::decode(account, to, &stored)?;
    Ok(match grant.holds(transaction.at()) {
        true => grant.rights,
        false => GrantRights::default(),
    })
}

/// Tells a member what is open to them, or is no more, because they are in other departments than before.
pub(super) async fn tell_of_move(
    transaction: &mut Change,
    before: Option<&AccountRecord>,
    after: &AccountRecord,
) -> Result<()> {
    let places = before.map(|before| before.departments.as_slice()).unwrap_or_default();
    if places == after.departments || !is_any_of_departments(transaction, after.tenant).await? {
        return Ok(());
    }
    let mut tree = None;
    let had = match before {
        Some(before) => {
            let places = Places::of(transaction, before, &mut tree).await?;
            places.open(transaction, after.tenant).await?
        }
        None => BTreeMap::new(),
    };
    let places = Places::of(transaction, after, &mut tree).await?;
    let has = places.open(transaction, after.tenant).await?;
    let owners: BTreeSet<AccountId> = had.keys().chain(has.keys()).copied().collect();
    for owner in owners {
        let of = |open: &BTreeMap<AccountId, GrantRights>| open.get(&owner).copied().unwrap_or_default();
        if let Some(account) = super::read_account(transaction, owner).await? {
            tell_one(transaction, &account, after.id, (of(&had), of(&has))).await?;
        }
    }
    Ok(())
}

/// Tells that the time of a grant is over.
pub(super) async fn tell_of_over(transaction: &mut Change, over: &GrantRecord) -> Result<()> {
    let Some(account) = super::read_account(transaction, over.account).await? else {
        return Ok(());
    };
    tell(transaction, &account, over.to, (over.rights, GrantRights::default())).await?;
    Ok(())
}

async fn tell_one(
    transaction: &mut Change,
    account: &AccountRecord,
    to: AccountId,
    (before, after): (GrantRights, GrantRights),
) -> Result<()> {
    // Who only sends for it does not see it.
    let seen = |rights: GrantRights| if rights.read { rights } else { GrantRights::default() };
    let (before, after) = (seen(before), seen(after));
    if before == after {
        return Ok(());
    }
    let news = News {
        owner: account,
        by: None,
        name: &called(account),
        opened: Opened::Whole { before, after },
    };
    share_notice::tell(transaction, to, news).await
}

async fn tell_of_end(transaction: &mut Change, account: &AccountRecord, before: &GrantRecord) -> Result<()> {
    if before.holds(transaction.at()) {
        tell(transaction, account, before.to, (before.rights, GrantRights::default())).await?;
    }
    Ok(())
}

/// Whether a member reads the whole of a mailbox now, by a grant of their own.
pub(super) async fn reads_all(transaction: &mut Change, account: AccountId, to: AccountId) -> Result<bool> {
    Ok(held(transaction, account, Grantee::Account(to)).await?.read)
}

/// Stops what was granted; it is still to be seen.
pub(crate) async fn stop(transaction: &mut Change, account: AccountId, to: Grantee) -> Result<()> {
    let account = need_account(transaction, account).await?;
    let key = key::grant(account.id, to);
    let stored = transaction.get(&key).await?;
    let stored = stored.ok_or_else(|| Error::not_found("grant", ""))?;
    let before = grant::decode(account.id, to, &stored)?;
    let stopped = GrantRecord {
        stopped: true,
        ..before.clone()
    };
    transaction.set(key, grant::encode(&stopped));
    touch_account(transaction, &account);
    tell_of_end(transaction, &account, &before).await?;
    let name = name_of(transaction, account.tenant, to).await.unwrap_or_default();
    let event = Event::new("mailbox.stop", &account.address).with("for", name);
    record_account(transaction, &account, event);
    Ok(())
}

/// What was granted to someone, by account.
pub(crate) async fn to(transaction: &mut Transaction, tenant: TenantId, to: Grantee) -> Result<Vec<GrantRecord>> {
    let prefix = key::granted(tenant, to);
    let mut grants = Vec::new();
    for pair in transaction.get_range_all(RangeQuery::all(prefix.range())).await? {
        let account = AccountId(super::last_int(&prefix, &pair.key)?);
        if let Some(stored) = transaction.get(&key::grant(account, to)).await? {
            grants.push(grant::decode(account, to, &stored)?);
        }
    }
    Ok(grants)
}

/// Takes back what was granted.
pub(crate) async fn remove(transaction: &mut Change, account: AccountId, to: Grantee) -> Result<()> {
    let account = need_account(transaction, account).await?;
    let stored = transaction.get(&key::grant(account.id, to)).await?;
    let stored = stored.ok_or_else(|| Error::not_found("grant", ""))?;
    let before = grant::decode(account.id, to, &stored)?;
    let name = name_of(transaction, account.tenant, to).await.unwrap_or_default();
    clear(transaction, account.tenant, account.id, to);
    touch_account(transaction, &account);
    tell_of_end(transaction, &account, &before).await?;
    record_account(
        transaction,
        &account,
        Event::new("mailbox.withdraw", &account.address).with("from", name),
    );
    warn_if_unused(transaction, &account).await
}

/// A shared mailbox that nobody uses any more goes on taking mail: administrators are told (SBX).
async fn warn_if_unused(transaction: &mut Change, account: &AccountRecord) -> Result<()> {
    if account.kind != AccountKind::Shared || !of(transaction, account.id).await?.is_empty() {
        return Ok(());
    }
    let address = &account.address;
    let english = Text::new(
        &format!("Nobody uses the shared mailbox {address} any more"),
        &format!(
            "The last user of the shared mailbox {address} is gone. It goes on taking mail, which nobody reads: give it to others, \
             or take it back.\n"
        ),
    );
    let chinese = Text::new(
        &format!("公共邮箱 {address} 已无使用者"),
        &format!(
            "公共邮箱 {address} 的最后一位使用者已移除。该邮箱仍会接收邮件，但无人阅读：请指定新的使用者，或收回该邮箱。\n"
        ),
    );
    transaction.tell_administrators(account.tenant, "shared.unused", english, chinese);
    Ok(())
}

fn clear(transaction: &mut Change, tenant: TenantId, account: AccountId, to: Grantee) {
    transaction.clear(&key::grant(account, to));
    transaction.clear(&key::granted(tenant, to).int(account.0).pack());
}

async fn name_of(transaction: &mut Change, tenant: TenantId, to: Grantee) -> Result<String> {
    Ok(match to {
        Grantee::Account(id) => need_account(transaction, id).await?.address.to_string(),
        Grantee::Department(id) => need_department(transaction, tenant, id).await?.name,
    })
}

/// Removes all grants of and to an account that goes; those to whom it was open are told, as many as one change tells.
pub(super) async fn forget_account(transaction: &mut Change, account: &AccountRecord) -> Result<()> {
    let (mut left, now) = (transaction.share_notices_kept().at_once_max, transaction.at());
    for grant in of(transaction, account.id).await? {
        clear(transaction, account.tenant, account.id, grant.to);
        if left > 0 && grant.holds(now) {
            let told = tell(transaction, account, grant.to, (grant.rights, GrantRights::default())).await?;
            left = left.saturating_sub(told);
        }
    }
    super::delegation::forget_account(transaction, account.id).await?;
    forget_grantee(transaction, account.tenant, Grantee::Account(account.id)).await
}

/// Removes all that was granted to someone who goes.
pub(super) async fn forget_grantee(transaction: &mut Change, tenant: TenantId, to: Grantee) -> Result<()> {
    let prefix = key::granted(tenant, to);
    for pair in transaction.get_range_all(RangeQuery::all(prefix.range())).await? {
        let account = AccountId(super::last_int(&prefix, &pair.key)?);
        clear(transaction, tenant, account, to);
        if let Some(account) = super::read_account(transaction, account).await? {
            touch_account(transaction, &account);
            warn_if_unused(transaction, &account).await?;
        }
    }
    Ok(())
}

/// All grants of an account.
pub(crate) async fn of(transaction: &mut Transaction, account: AccountId) -> Result<Vec<GrantRecord>> {
    let prefix = key::grants(account);
    let mut grants = Vec::new();
    for pair in transaction.get_range_all(RangeQuery::all(prefix.range())).await? {
        let to = grantee(&prefix, &pair.key)?;
        grants.push(grant::decode(account, to, &pair.value)?);
    }
    Ok(grants)
}

fn grantee(prefix: &Tuple, key: &[u8]) -> Result<Grantee> {
    let wrong = || corrupt("key of a grant");
    let mut reader = prefix.reader(key).map_err(|_| wrong())?;
    let kind = reader.int::<u64>().map_err(|_| wrong())?;
    let id = reader.int::<u64>().map_err(|_| wrong())?;
    Grantee::from_code(kind, id).ok_or_else(wrong)
}
