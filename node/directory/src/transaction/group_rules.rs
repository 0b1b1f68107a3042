//! What every group must keep to: what it names is there, it is not part of itself, and it is not too large.

use std::collections::{BTreeSet, VecDeque};

use hongyan_kv::{RangeQuery, Transaction};
use hongyan_types::{AccountId, Address, TenantId};

use super::{group_names, need_account, need_department, need_tag, read_group, target_at};
use crate::record::read_address;
use crate::record::target::Target;
use crate::{
    AccountKind, Change, DepartmentId, DirectoryOptions, Error, GroupId, GroupRecord, Parties, Posting, Result, TagId,
    key,
};

/// Most parties of one kind that a group's record names.
const PARTIES_MAX: usize = 500;

/// Brings a group's record into form, or says what is wrong with it.
pub(super) async fn clean(transaction: &mut Change, group: &mut GroupRecord) -> Result<()> {
    let tenant = group.tenant;
    group.member_departments = departments(transaction, tenant, &group.member_departments).await?;
    group.member_tags = tags(transaction, tenant, &group.member_tags).await?;
    let Parties {
        addresses,
        departments: poster_departments,
        tags: poster_tags,
    } = std::mem::take(&mut group.posters);
    group.posters = Parties {
        addresses: once(addresses, Address::key),
        departments: departments(transaction, tenant, &poster_departments).await?,
        tags: tags(transaction, tenant, &poster_tags).await?,
    };
    check_count("posters", group.posters.addresses.len())?;
    if group.posting != Posting::Custom && !group.posters.is_empty() {
        return Err(Error::Invalid(
            "posters are named for the posting `custom` only".to_owned(),
        ));
    }
    group.representatives = once(std::mem::take(&mut group.representatives), |id| *id);
    check_count("representatives", group.representatives.len())?;
    for id in group.representatives.iter().chain(&group.owner) {
        check_person(transaction, tenant, *id).await?;
    }
    if group.department.is_some() && !(group.member_departments.is_empty() && group.member_tags.is_empty()) {
        return Err(follows_department());
    }
    Ok(())
}

/// Refuses what an outside directory calls another group, and what is no name.
pub(super) async fn check_external_id(transaction: &mut Change, group: &GroupRecord) -> Result<()> {
    super::check_name(&group.external_id, 128)?;
    let Some(key) = super::group_names::external_id(group) else {
        return Ok(());
    };
    match transaction.get(&key).await? {
        Some(stored) if super::read_int(&stored)? != group.id.0 => {
            Err(Error::exists("external-id", &group.external_id))
        }
        _ => Ok(()),
    }
}

/// Why a department's group has no members of its own.
pub(super) fn follows_department() -> Error {
    Error::Refused("the members of a department's group are those of the department".to_owned())
}

fn once<T, K: Ord>(list: Vec<T>, key: impl Fn(&T) -> K) -> Vec<T> {
    let mut seen = BTreeSet::new();
    list.into_iter().filter(|item| seen.insert(key(item))).collect()
}

fn check_count(what: &str, count: usize) -> Result<()> {
    if count > PARTIES_MAX {
        return Err(Error::Invalid(format!("{what}: at most {PARTIES_MAX}")));
    }
    Ok(())
}

async fn departments(transaction: &mut Change, tenant: TenantId, ids: &[DepartmentId]) -> Result<Vec<DepartmentId>> {
    let ids = once(ids.to_vec(), |id| *id);
    check_count("departments", ids.len())?;
    for id in ids.iter().filter(|id| **id != DepartmentId::ROOT) {
        need_department(transaction, tenant, *id).await?;
    }
    Ok(ids)
}

async fn tags(transaction: &mut Change, tenant: TenantId, ids: &[TagId]) -> Result<Vec<TagId>> {
    let ids = once(ids.to_vec(), |id| *id);
    check_count("tags", ids.len())?;
    for id in &ids {
        need_tag(transaction, tenant, *id).await?;
    }
    Ok(ids)
}

async fn check_person(transaction: &mut Change, tenant: TenantId, id: AccountId) -> Result<()> {
    let account = need_account(transaction, id).await?;
    if account.tenant != tenant {
        return Err(Error::not_found("account", id.0));
    }
    if account.kind == AccountKind::Shared {
        return Err(Error::Invalid(format!("{} is no person", account.address)));
    }
    Ok(())
}

/// Refuses a group that is a member of itself, be it through others (GRP, loops are found at save), or that reaches too
/// many, or makes a group reach too many that it is part of.
pub(super) async fn check_reach(
    transaction: &mut Change,
    group: &GroupRecord,
    options: &DirectoryOptions,
) -> Result<()> {
    check_own_reach(transaction, group, options).await?;
    check_above(transaction, group, options).await
}

/// Refuses what makes a group of the same organisation reach too many that `group` is part of, be it through others.
pub(super) async fn check_above(
    transaction: &mut Change,
    group: &GroupRecord,
    options: &DirectoryOptions,
) -> Result<()> {
    let mut seen = BTreeSet::from([group.id]);
    let mut waiting = VecDeque::from([group.address.clone()]);
    while let Some(address) = waiting.pop_front() {
        for above in group_names::groups_with_member(transaction, group.tenant, &address).await? {
            if !seen.insert(above.id) {
                continue;
            }
            match check_own_reach(transaction, &above, options).await {
                Err(Error::Limit { max, used, .. }) => {
                    let (one, at) = (&group.address, &above.address);
                    return Err(Error::Refused(format!(
                        "{at} has {one} as a member and would reach {used} recipients: group_expansion_max is {max}"
                    )));
                }
                outcome => outcome?,
            }
            waiting.push_back(above.address);
        }
    }
    Ok(())
}

async fn check_own_reach(transaction: &mut Change, group: &GroupRecord, options: &DirectoryOptions) -> Result<()> {
    let mut reached: BTreeSet<String> = BTreeSet::new();
    let mut seen = BTreeSet::from([group.id]);
    let mut waiting = VecDeque::from([group.clone()]);
    let mut tree = None;
    while let Some(next) = waiting.pop_front() {
        for member in members(transaction, next.id).await? {
            let target = target_at(transaction, &member).await?;
            let Some(Target::Group { tenant, group: nested }) = target else {
                // An account by any of its addresses is one.
                reached.insert(match target {
                    Some(Target::Account { account, .. }) => account.0.to_string(),
                    _ => member.key(),
                });
                continue;
            };
            if nested == group.id {
                let (one, other) = (&group.address, &next.address);
                return Err(Error::Refused(if next.id == group.id {
                    format!("{one} cannot be a member of itself")
                } else {
                    format!("{one} would be a member of itself: {other} is in it and has it as a member")
                }));
            }
            if seen.insert(nested) {
                waiting.extend(read_group(transaction, tenant, nested).await?);
            }
        }
        placed(transaction, &next, &mut tree, &mut reached).await?;
        check_size(reached.len(), options)?;
    }
    Ok(())
}

fn check_size(reached: usize, options: &DirectoryOptions) -> Result<()> {
    if reached > options.group_expansion_max {
        return Err(Error::Limit {
            setting: "group_expansion_max",
            max: options.group_expansion_max as u64,
            used: reached as u64,
        });
    }
    Ok(())
}

/// The accounts that a group has by department and tag.
async fn placed(
    transaction: &mut Transaction,
    group: &GroupRecord,
    tree: &mut Option<crate::tree::Tree>,
    reached: &mut BTreeSet<String>,
) -> Result<()> {
    if group.all_departments().next().is_none() && group.member_tags.is_empty() {
        return Ok(());
    }
    let departments: Vec<DepartmentId> = group.all_departments().collect();
    let found = crate::tree::accounts_in(transaction, group.tenant, tree, &departments, &group.member_tags).await?;
    reached.extend(found.iter().map(|id| id.0.to_string()));
    Ok(())
}

async fn members(transaction: &mut Transaction, id: GroupId) -> Result<Vec<Address>> {
    let pairs = transaction
        .get_range_all(RangeQuery::all(key::members(id).range()))
        .await?;
    let read = |value: &[u8]| read_address(&String::from_utf8_lossy(value));
    Ok(pairs.iter().map(|pair| read(&pair.value)).collect::<Result<_, _>>()?)
}
