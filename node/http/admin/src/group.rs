//! /api/groups

mod change;
mod member;

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use hongyan_access::permission::{Action, Object, Reach, Refusal, permit};
use hongyan_directory::{AccountRecord, DepartmentId, Error, GroupId, GroupRecord, NewGroup, Parties, Posting, TagId};
use hongyan_types::{AccountId, Address, Domain, TenantId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::body::{Asked, Body};
use crate::caller::{Caller, parse_address as parse};
use crate::conditional::Tagged;
use crate::page::{self, Page, PageQuery};
use crate::problem::{Failure, Problem, Result};

pub(crate) use change::{__path_change, change};
pub(crate) use member::{__path_add_member, __path_members, __path_remove_member, add_member, members, remove_member};

/// People named in several ways.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct PartiesView {
    /// By address: members, groups, people elsewhere.
    addresses: Vec<String>,
    /// By department, with all below; 0 is the organisation.
    departments: Vec<DepartmentId>,
    /// By tag.
    tags: Vec<TagId>,
}

/// An address that many get mail for.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Group {
    id: u64,
    address: String,
    /// Whether the address was made up and may be changed once.
    address_generated: bool,
    display_name: String,
    /// How many direct members it has by address.
    members: u64,
    /// Departments whose members are its members, with all below; 0 is the organisation.
    member_departments: Vec<DepartmentId>,
    /// Tags whose bearers are its members.
    member_tags: Vec<TagId>,
    /// The department that it is the group of: name and members follow it.
    department: Option<DepartmentId>,
    /// Who may write to it.
    posting: Posting,
    /// Who may, when that is `custom`.
    posters: PartiesView,
    /// Who may send in its name.
    representatives: Vec<String>,
    /// Who gets what comes back.
    owner: Option<String>,
    /// What an outside directory calls it; empty when none does.
    external_id: String,
    created_millis: i64,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewGroup)]
pub(crate) struct Create {
    /// Left out for a department's group, it is made from the department's name at `domain`.
    address: Option<String>,
    /// Where an address is made up.
    domain: Option<String>,
    #[serde(default)]
    display_name: String,
    #[serde(default)]
    members: Vec<String>,
    #[serde(default)]
    member_departments: Vec<DepartmentId>,
    #[serde(default)]
    member_tags: Vec<TagId>,
    /// Makes it the group of that department.
    department: Option<DepartmentId>,
    /// Who may write to it: `anyone` when left out; `unset` for the group of a department.
    posting: Option<Posting>,
    #[serde(default)]
    posters: PartiesView,
    #[serde(default)]
    representatives: Vec<String>,
    owner: Option<String>,
    /// What an outside directory calls it.
    #[serde(default)]
    external_id: String,
}

async fn view(caller: &Caller, group: &GroupRecord) -> Result<Group> {
    let mut representatives = Vec::new();
    for id in &group.representatives {
        representatives.extend(address_of(caller, *id).await?);
    }
    Ok(Group {
        id: group.id.0,
        address: group.address.to_string(),
        address_generated: !group.address_fixed,
        display_name: group.display_name.clone(),
        members: group.members,
        member_departments: group.member_departments.clone(),
        member_tags: group.member_tags.clone(),
        department: group.department,
        posting: group.posting,
        posters: PartiesView {
            addresses: group.posters.addresses.iter().map(ToString::to_string).collect(),
            departments: group.posters.departments.clone(),
            tags: group.posters.tags.clone(),
        },
        representatives,
        owner: match group.owner {
            Some(owner) => address_of(caller, owner).await?,
            None => None,
        },
        external_id: group.external_id.clone(),
        created_millis: group.created.millis,
    })
}

async fn address_of(caller: &Caller, id: AccountId) -> Result<Option<String>> {
    let account = caller.directory.account(id).await?;
    Ok(account.map(|account| account.address.to_string()))
}

fn parties(view: PartiesView) -> Result<Parties> {
    let addresses = view.addresses.iter().map(|address| parse(address));
    Ok(Parties {
        addresses: addresses.collect::<Result<_>>()?,
        departments: view.departments,
        tags: view.tags,
    })
}

/// The member with that address, as one to be named by a group of its organisation.
async fn person(caller: &Caller, tenant: TenantId, address: &str) -> Result<AccountId> {
    let parsed = parse(address)?;
    let account: std::sync::Arc<AccountRecord> = caller.directory.account_at(&parsed).await?;
    if account.tenant != tenant {
        return Err(Problem::from(Error::NotFound {
            what: "account",
            name: address.to_owned(),
        }));
    }
    Ok(account.id)
}

async fn people(caller: &Caller, tenant: TenantId, addresses: &[String]) -> Result<Vec<AccountId>> {
    let mut people = Vec::with_capacity(addresses.len());
    for address in addresses {
        people.push(person(caller, tenant, address).await?);
    }
    Ok(people)
}

/// The groups of an organisation. Who manages some departments sees their groups.
#[utoipa::path(get, path = "/api/groups", params(PageQuery), responses((status = 200, body = Page<Group>), Failure))]
pub(crate) async fn list(caller: Caller, Asked(query): Asked<PageQuery>) -> Result<Json<Page<Group>>> {
    let (owner, reach) = caller.within(Action::ReadGroups, query.organisation.as_deref()).await?;
    let (after, limit) = (query.after()?, query.limit());
    let groups = caller.directory.groups(owner, after.map(GroupId), limit).await?;
    let next = page::next(&groups, limit, |last| last.id.to_string());
    let mut shown = Vec::new();
    for group in &groups {
        if sees(&caller, &reach, group).await? {
            shown.push(view(&caller, group).await?);
        }
    }
    Ok(Json(Page::with_next(shown, next)))
}

async fn sees(caller: &Caller, reach: &Reach, group: &GroupRecord) -> Result<bool> {
    match (reach, group.department) {
        (Reach::Organisation, _) => Ok(true),
        (Reach::Departments(_), None) => Ok(false),
        (Reach::Departments(within), Some(department)) => {
            Ok(caller.directory.is_within(group.tenant, department, within).await?)
        }
    }
}

/// Makes a group with its first members, or the group of a department.
#[utoipa::path(post, path = "/api/groups", request_body = Create, responses((status = 201, body = Group), Failure))]
pub(crate) async fn create(caller: Caller, Body(new): Body<Create>) -> Result<Tagged<Group>> {
    let (address, owner) = place(&caller, &new).await?;
    let new = NewGroup {
        address,
        address_generated: new.address.is_none(),
        display_name: new.display_name,
        members: new.members.iter().map(|member| parse(member)).collect::<Result<_>>()?,
        member_departments: new.member_departments,
        member_tags: new.member_tags,
        department: new.department,
        posting: new.posting.unwrap_or(match new.department {
            Some(_) => Posting::Unset,
            None => Posting::Anyone,
        }),
        posters: parties(new.posters)?,
        representatives: people(&caller, owner, &new.representatives).await?,
        owner: match &new.owner {
            Some(address) => Some(person(&caller, owner, address).await?),
            None => None,
        },
        external_id: new.external_id,
    };
    let group = caller.directory.create_group(&new).await?;
    Ok(Tagged::created(group.etag(), view(&caller, &group).await?))
}

/// Where a new group is to be, and whose it is.
async fn place(caller: &Caller, new: &Create) -> Result<(Address, TenantId)> {
    let domain = match (&new.address, &new.domain) {
        (Some(address), None) => parse(address)?.domain,
        (None, Some(domain)) if new.department.is_some() => {
            Domain::try_from(domain.as_str()).map_err(|error| Problem::invalid(format!("{domain}: {error}")))?
        }
        _ => return Err(Problem::invalid("address: say it, or name a department and a domain")),
    };
    let tenant = caller.directory.domain(&domain).await?.tenant;
    let places = match new.department {
        Some(department) => caller.directory.with_all_above(tenant, &[department]).await?,
        None => Vec::new(),
    };
    match permit(&caller.actor, Action::ChangeGroups, &Object::one(tenant, &places)) {
        Err(Refusal::Hidden) => {
            let name = domain.to_string();
            return Err(Error::NotFound { what: "domain", name }.into());
        }
        permitted => permitted?,
    };
    Ok(match (&new.address, new.department) {
        (None, Some(department)) => {
            let made_up = caller.directory.department_address(tenant, department, &domain).await?;
            (made_up, tenant)
        }
        (address, _) => (parse(address.as_deref().unwrap_or_default())?, tenant),
    })
}

/// A group.
#[utoipa::path(get, path = "/api/groups/{address}", params(("address" = String, Path)), responses((status = 200, body = Group), Failure))]
pub(crate) async fn show(caller: Caller, Path(address): Path<String>) -> Result<Tagged<Group>> {
    let group = caller.group(Action::ReadGroups, &parse(&address)?).await?;
    Ok(Tagged::new(group.etag(), view(&caller, &group).await?))
}

/// Removes a group.
#[utoipa::path(delete, path = "/api/groups/{address}", params(("address" = String, Path)), responses((status = 204), Failure))]
pub(crate) async fn delete(caller: Caller, Path(address): Path<String>) -> Result<StatusCode> {
    let address = parse(&address)?;
    caller.group(Action::ChangeGroups, &address).await?;
    caller.directory.delete_group(&address).await?;
    Ok(StatusCode::NO_CONTENT)
}
