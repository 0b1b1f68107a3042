//! Principal (RFC 9670 §2): members, shared mailboxes and groups of the caller's organisation, as the directory has them.
//! States are those of the directory's change feed.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hongyan_directory::{
    AccountKind, AccountRecord, AccountState, Card, Cards, Error, FeedEntry, GroupId, GroupRecord, MemberQuery, Sight,
    Subject,
};
use hongyan_jmap::method::{
    AddedItem, Changes as Arguments, ChangesReply, Comparator, Filter, Get, Query, QueryChanges, QueryChangesReply,
};
use hongyan_jmap::object::{Principal, PrincipalCondition, PrincipalType};
use hongyan_jmap::{Id, MethodError, MethodErrorType};
use hongyan_types::{AccountId, TenantId, Timestamp};

use crate::call::Call;
use crate::error::{Failure, Outcome};
use crate::ids;
use crate::ledgers::{answer_get, changes_max, read_state};
use crate::results::Results;
use crate::session_object::Capabilities;

/// Groups read together.
const GROUPS: usize = 500;
/// Changes of the directory read together.
const CHANGES: usize = 1_000;
/// Clocks of nodes differ by less.
const CLOCKS_MILLIS: i64 = 2_000;

fn failed(error: hongyan_directory::Error) -> Failure {
    crate::account::directory_failed(&error)
}

fn tenant(call: &Call<'_>) -> TenantId {
    call.account.person.tenant
}

async fn state(call: &Call<'_>) -> Outcome<u64> {
    let directory = &call.jmap.services.directory;
    let page = directory.feed(tenant(call), u64::MAX - 1, 1).await;
    Ok(page.map_err(failed)?.latest)
}

/// Whom the caller sees (ORG-11).
async fn sight(call: &Call<'_>) -> Outcome<Sight> {
    let sight = call.jmap.services.directory.sight_of(&call.account.person).await;
    sight.map_err(failed)
}

/// What the organisation shows of its people to one another.
async fn cards(call: &Call<'_>) -> Outcome<Cards> {
    let cards = call.jmap.services.directory.cards(tenant(call)).await;
    cards.map_err(failed)
}

/// Title and department, as far as they are shown (ORG-12).
fn description(title: Option<String>, department: Option<String>) -> Option<String> {
    let parts: Vec<String> = title.into_iter().chain(department).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn of_account(call: &Call<'_>, account: &AccountRecord, card: Card, department: Option<String>) -> Principal {
    let open = call.accounts.iter().find(|open| open.record.id == account.id);
    let accounts = open.map(|open| {
        let entry = Capabilities::new(call.jmap).entry(open);
        BTreeMap::from([(open.id.clone(), entry)])
    });
    Principal {
        id: ids::principal(account.id),
        kind: match account.kind {
            AccountKind::Member => PrincipalType::Individual,
            AccountKind::Shared => PrincipalType::Other,
        },
        name: match card.name {
            name if name.is_empty() => account.address.to_string(),
            name => name,
        },
        description: description(card.title, department),
        email: Some(account.address.to_string()),
        accounts,
    }
}

fn of_group(group: &GroupRecord) -> Principal {
    Principal {
        id: ids::group_principal(group.id),
        kind: PrincipalType::Group,
        name: match group.display_name.as_str() {
            "" => group.address.to_string(),
            name => name.to_owned(),
        },
        description: None,
        email: Some(group.address.to_string()),
        accounts: None,
    }
}

/// All principals, each once.
async fn all(call: &Call<'_>) -> Outcome<Vec<Principal>> {
    let (directory, tenant) = (&call.jmap.services.directory, tenant(call));
    let query = MemberQuery {
        state: Some(AccountState::Active),
        sight: Some(sight(call).await?),
        ..MemberQuery::default()
    };
    let members = directory.find_members(tenant, &query, None, usize::MAX).await;
    let members = members.map_err(failed)?.accounts;
    let cards = cards(call).await?;
    let mut names = BTreeMap::new();
    if cards.rules().show_department {
        let departments = directory.departments(tenant).await.map_err(failed)?;
        let departments = departments.into_iter().map(|view| view.department);
        names.extend(departments.map(|department| (department.id, department.name)));
    }
    let principals = members.iter().map(|account| {
        let card = cards.of(account);
        let department = card.department.and_then(|id| names.get(&id).cloned());
        of_account(call, account, card, department)
    });
    let mut principals: Vec<Principal> = principals.collect();
    let mut after = None;
    loop {
        let groups = directory.groups(tenant, after, GROUPS).await.map_err(failed)?;
        after = groups.last().map(|group| group.id);
        principals.extend(groups.iter().map(of_group));
        if groups.len() < GROUPS {
            return Ok(principals);
        }
    }
}

async fn account(call: &Call<'_>, id: AccountId) -> Outcome<Option<(Principal, Timestamp)>> {
    let found = call.jmap.services.directory.account(id).await.map_err(failed)?;
    let sight = sight(call).await?;
    let is_shown = |account: &Arc<AccountRecord>| {
        account.tenant == tenant(call) && account.state == AccountState::Active && sight.sees(account)
    };
    let Some(found) = found.filter(is_shown) else {
        return Ok(None);
    };
    let card = cards(call).await?.of(&found);
    let department = match card.department {
        None => None,
        Some(id) => match call.jmap.services.directory.department(found.tenant, id).await {
            Ok(department) => Some(department.name),
            Err(Error::NotFound { .. }) => None,
            Err(error) => return Err(failed(error)),
        },
    };
    Ok(Some((of_account(call, &found, card, department), found.created)))
}

async fn group(call: &Call<'_>, id: GroupId) -> Outcome<Option<(Principal, Timestamp)>> {
    let after = id.0.checked_sub(1).map(GroupId);
    let groups = call.jmap.services.directory.groups(tenant(call), after, 1).await;
    let groups = groups.map_err(failed)?;
    let found = groups.iter().find(|group| group.id == id);
    Ok(found.map(|group| (of_group(group), group.created)))
}

/// A principal, and since when there is one.
async fn find(call: &Call<'_>, id: &Id) -> Outcome<Option<(Principal, Timestamp)>> {
    match (ids::read_principal(id), ids::read_group_principal(id)) {
        (Some(id), _) => account(call, id).await,
        (None, Some(id)) => group(call, id).await,
        (None, None) => Ok(None),
    }
}

/// Principal/get (RFC 9670 §2.1).
pub(crate) async fn get(call: &mut Call<'_>) -> Outcome<()> {
    let arguments: Get = call.arguments()?;
    call.account.check(&arguments.account_id)?;
    let state = state(call).await?;
    let max = usize::try_from(call.jmap.settings.core.get_objects_max).unwrap_or(usize::MAX);
    let found = match &arguments.ids {
        None => all(call).await?,
        Some(ids) => {
            let mut found = Vec::new();
            for id in ids.iter().take(max) {
                found.extend(find(call, id).await?.map(|(principal, _)| principal));
            }
            found
        }
    };
    if found.len() > max {
        return Err(MethodError::too_large("maxObjectsInGet").into());
    }
    let found = found.into_iter().map(|principal| (principal.id.clone(), principal));
    answer_get(call, arguments, state.to_string(), found.collect())
}

/// What was touched since a state, and by when all of that had happened.
struct Since {
    entries: Vec<FeedEntry>,
    latest: u64,
}

async fn since(call: &Call<'_>, state: u64) -> Outcome<Since> {
    let (directory, tenant) = (&call.jmap.services.directory, tenant(call));
    let is_open = sight(call).await?.is_open();
    let shows_departments = cards(call).await?.rules().show_department;
    // What changes names or whom the caller sees may have changed any principal.
    let is_wide = |subject: &Subject| match subject {
        Subject::Tenant => true,
        Subject::Department(_) => !is_open || shows_departments,
        Subject::Tag(_) => !is_open,
        _ => false,
    };
    let mut since = Since {
        entries: Vec::new(),
        latest: state,
    };
    loop {
        let page = directory.feed(tenant, since.latest, CHANGES).await.map_err(failed)?;
        if page.gap || page.latest < since.latest {
            return Err(MethodErrorType::CannotCalculateChanges.into());
        }
        let Some(last) = page.entries.last() else {
            return Ok(since);
        };
        if page.entries.iter().any(|entry| entry.subjects.iter().any(is_wide)) {
            return Err(MethodErrorType::CannotCalculateChanges.into());
        }
        since.latest = last.number;
        since.entries.extend(page.entries);
    }
}

/// The principals that a change touched.
fn touched(entry: &FeedEntry) -> impl Iterator<Item = Id> {
    entry.subjects.iter().filter_map(|subject| match subject {
        Subject::Account(id) => Some(ids::principal(*id)),
        Subject::Group(id) => Some(ids::group_principal(*id)),
        _ => None,
    })
}

/// Principal/changes (RFC 9670 §2.2).
pub(crate) async fn changes(call: &mut Call<'_>) -> Outcome<()> {
    let arguments: Arguments = call.arguments()?;
    call.account.check(&arguments.account_id)?;
    let max = changes_max(call, arguments.max_changes)?;
    let since = since(call, read_state(&arguments.since_state)?).await?;
    let (mut told, mut state) = (BTreeSet::new(), since.latest);
    let mut has_more_changes = false;
    for entry in &since.entries {
        let new: BTreeSet<Id> = touched(entry).filter(|id| !told.contains(id)).collect();
        if told.len() + new.len() > max {
            if told.is_empty() {
                return Err(MethodErrorType::CannotCalculateChanges.into());
            }
            (state, has_more_changes) = (entry.number - 1, true);
            break;
        }
        told.extend(new);
    }
    let began = since.entries.first().map_or(0, |entry| entry.at.millis - CLOCKS_MILLIS);
    let account_id = call.account.id.clone();
    let mut reply = ChangesReply {
        account_id: &account_id,
        old_state: arguments.since_state,
        new_state: state.to_string(),
        has_more_changes,
        created: Vec::new(),
        updated: Vec::new(),
        destroyed: Vec::new(),
        updated_properties: None,
    };
    for id in told {
        match find(call, &id).await? {
            Some((_, created)) if created.millis >= began => reply.created.push(id),
            Some(_) => reply.updated.push(id),
            None => reply.destroyed.push(id),
        }
    }
    call.answer(&reply)
}

/// Principal/query (RFC 9670 §2.4).
pub(crate) async fn query(call: &mut Call<'_>) -> Outcome<()> {
    let arguments: Query<PrincipalCondition> = call.arguments()?;
    call.account.check(&arguments.account_id)?;
    let state = state(call).await?;
    let found = list(call, arguments.filter.as_ref(), arguments.sort.as_deref()).await?;
    let results = Results {
        found: &found,
        state: state.to_string(),
        window: arguments.window(),
        calculate_total: arguments.calculate_total,
    };
    results.answer(call, Id::clone, |anchor| Some(anchor.clone()))
}

/// Principal/queryChanges (RFC 9670 §2.5).
pub(crate) async fn query_changes(call: &mut Call<'_>) -> Outcome<()> {
    let arguments: QueryChanges<PrincipalCondition> = call.arguments()?;
    call.account.check(&arguments.account_id)?;
    let since = since(call, read_state(&arguments.since_query_state)?).await?;
    let found = list(call, arguments.filter.as_ref(), arguments.sort.as_deref()).await?;
    let touched: BTreeSet<Id> = since.entries.iter().flat_map(touched).collect();
    let added = found.iter().zip(0..).filter(|(id, _)| touched.contains(*id));
    let added = added.map(|(id, index)| AddedItem { id: id.clone(), index }).collect();
    let reply = QueryChangesReply {
        account_id: &call.account.id.clone(),
        old_query_state: arguments.since_query_state,
        new_query_state: since.latest.to_string(),
        total: arguments.calculate_total.then_some(found.len() as u64),
        removed: touched.into_iter().collect(),
        added,
    };
    reply.check(arguments.max_changes)?;
    call.answer(&reply)
}

async fn list(
    call: &Call<'_>,
    filter: Option<&Filter<PrincipalCondition>>,
    sort: Option<&[Comparator]>,
) -> Outcome<Vec<Id>> {
    let sort = sort.unwrap_or_default();
    let is_known = |comparator: &&Comparator| matches!(comparator.property.as_str(), "name" | "email" | "type");
    if let Some(other) = sort.iter().find(|comparator| !is_known(comparator)) {
        let words = format!("no sort by {}", other.property);
        return Err(MethodError::with(MethodErrorType::UnsupportedSort, words).into());
    }
    let mut found = all(call).await?;
    found.retain(|principal| filter.is_none_or(|filter| filter.holds(&|condition| holds(condition, principal))));
    found.sort_by(|a, b| compare(sort, a, b));
    Ok(found.into_iter().map(|principal| principal.id).collect())
}

fn compare(sort: &[Comparator], a: &Principal, b: &Principal) -> Ordering {
    let order = Comparator::order(sort, |property| match property {
        "name" => a.name.to_lowercase().cmp(&b.name.to_lowercase()),
        "email" => a.email.cmp(&b.email),
        _ => (a.kind as u8).cmp(&(b.kind as u8)),
    });
    order.then_with(|| a.id.cmp(&b.id))
}

fn holds(condition: &PrincipalCondition, principal: &Principal) -> bool {
    let has = |text: &str, part: &str| text.to_lowercase().contains(&part.to_lowercase());
    let email = principal.email.as_deref().unwrap_or_default();
    let in_name = |part: &String| has(&principal.name, part);
    let in_email = |part: &String| has(email, part);
    let description = principal.description.as_deref().unwrap_or_default();
    let accounts = |wanted: &Vec<Id>| {
        let known = principal.accounts.iter().flat_map(BTreeMap::keys);
        known.into_iter().any(|id| wanted.contains(id))
    };
    condition.account_ids.as_ref().is_none_or(accounts)
        && condition.name.as_ref().is_none_or(in_name)
        && condition.email.as_ref().is_none_or(in_email)
        && condition
            .text
            .as_ref()
            .is_none_or(|text| in_name(text) || in_email(text) || has(description, text))
        && condition.kind.is_none_or(|kind| kind == principal.kind)
        && condition.time_zone.is_none()
}
