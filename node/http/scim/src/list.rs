//! Lists and searches: a filter that names a resource finds it at once; one that asks for parts of names and addresses, or for whoever is
//! active, looks at those whom the directory's index has for it, any other at all.

use std::sync::Arc;

use axum::extract::{Query, RawQuery};
use axum::http::StatusCode;
use axum::response::Response;
use hongyan_access::permission::Action;
use hongyan_directory::{AccountKind, AccountRecord, Error, GroupRecord, MemberQuery, Sieve};
use hongyan_scim::{Filter, GROUP, Object, ScimError, ScimType, Search, USER, list_answer};
use hongyan_types::{AccountId, Address};

use crate::answer::{Result, json};
use crate::asker::{Asker, Sent};
use crate::describe::RESULTS_MAX;
use crate::user::Names;
use crate::{asker, group};

/// Resources of a page when nothing is said.
const RESULTS_DEFAULT: usize = 100;
/// Attributes whose texts the index has.
const INDEXED: [&str; 8] = [
    "username",
    "displayname",
    "nickname",
    "emails.value",
    "emails",
    "name.formatted",
    "name.familyname",
    "name.givenname",
];
/// Members looked at in one step.
const STEP: usize = 500;

/// A part of what was found, and how much there is in all.
struct Page {
    resources: Vec<Object>,
    total: usize,
}

/// What the part of an address behind `?` looks for.
pub(crate) fn search_of(query: Option<&str>) -> Result<Search> {
    let parameters: Vec<(String, String)> = match query {
        None => Vec::new(),
        Some(query) => {
            let uri = format!("/?{query}").parse::<axum::http::Uri>();
            let invalid = || ScimError::new(ScimType::InvalidSyntax, "what stands behind ? cannot be read");
            let uri = uri.map_err(|_| invalid())?;
            let Query(parameters) = Query::try_from_uri(&uri).map_err(|_| invalid())?;
            parameters
        }
    };
    let parameters = parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    Ok(Search::from_query(parameters)?)
}

/// Which of all that are found are on the page.
struct Window {
    skip: usize,
    count: usize,
}

impl Window {
    fn of(search: &Search) -> Self {
        Self {
            skip: search.start.saturating_sub(1),
            count: search.count.unwrap_or(RESULTS_DEFAULT).min(RESULTS_MAX),
        }
    }
    fn has(&self, number: usize) -> bool {
        number >= self.skip && number - self.skip < self.count
    }
}

fn answer(search: &Search, page: Page) -> Response {
    json(StatusCode::OK, &list_answer(page.resources, page.total, search.start))
}

pub(crate) async fn users(asker: Asker, RawQuery(query): RawQuery) -> Result<Response> {
    let search = search_of(query.as_deref())?;
    Ok(answer(&search, find_users(&asker, &search).await?))
}

pub(crate) async fn search_users(asker: Asker, Sent(sent): Sent) -> Result<Response> {
    let search = Search::from_body(&sent)?;
    Ok(answer(&search, find_users(&asker, &search).await?))
}

pub(crate) async fn groups(asker: Asker, RawQuery(query): RawQuery) -> Result<Response> {
    let search = search_of(query.as_deref())?;
    Ok(answer(&search, find_groups(&asker, &search).await?))
}

pub(crate) async fn search_groups(asker: Asker, Sent(sent): Sent) -> Result<Response> {
    let search = Search::from_body(&sent)?;
    Ok(answer(&search, find_groups(&asker, &search).await?))
}

/// Users, then Groups; a filter that one of them has no attributes for finds none of it.
pub(crate) async fn search_all(asker: Asker, Sent(sent): Sent) -> Result<Response> {
    let search = Search::from_body(&sent)?;
    let checks = |kind| search.filter.as_ref().map_or(Ok(()), |filter| filter.check(kind));
    let (fits_users, fits_groups) = (checks(&USER), checks(&GROUP));
    if let (Err(error), Err(_)) = (&fits_users, &fits_groups) {
        return Err(error.clone().into());
    }
    let mut page = Page {
        resources: Vec::new(),
        total: 0,
    };
    if fits_users.is_ok() {
        page = find_users(&asker, &search).await?;
    }
    if fits_groups.is_ok() {
        let window = Window::of(&search);
        let rest = Search {
            start: search.start.saturating_sub(page.total).max(1),
            count: Some(window.count - page.resources.len()),
            ..search.clone()
        };
        let more = find_groups(&asker, &rest).await?;
        page.resources.extend(more.resources);
        page.total += more.total;
    }
    Ok(answer(&search, page))
}

/// The members that a filter can only mean, found by what they are called; `None` when it may mean others.
async fn named_users(asker: &Asker, filter: &Filter) -> Result<Option<Vec<AccountId>>> {
    let (directory, tenant) = (&asker.directory, asker.tenant);
    if let Some(id) = filter.wanted("id") {
        return Ok(Some(asker::number(id, 'u').map(AccountId).into_iter().collect()));
    }
    if let Some(name) = filter.wanted("username") {
        return Ok(Some(user_at(asker, name).await?.into_iter().collect()));
    }
    if let Some(external_id) = filter.wanted("externalid") {
        let found = directory.account_called(tenant, external_id).await?;
        return Ok(Some(found.into_iter().collect()));
    }
    if let Some(address) = filter.wanted("emails.value").or_else(|| filter.wanted("emails")) {
        // It may also be one outside, which several may have.
        let outside = MemberQuery {
            private_address: Some(address.to_owned()),
            ..MemberQuery::default()
        };
        let mut found = directory.member_ids(tenant, &outside).await?;
        found.extend(user_at(asker, address).await?);
        found.sort_unstable();
        found.dedup();
        return Ok(Some(found));
    }
    Ok(None)
}

async fn user_at(asker: &Asker, address: &str) -> Result<Option<AccountId>> {
    let Ok(address) = Address::try_from(address) else {
        return Ok(None);
    };
    match asker.directory.account_at(&address).await {
        Ok(account) => Ok(Some(account.id)),
        Err(Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Those of the accounts that are among what `all` takes: members within reach.
async fn among(asker: &Asker, ids: &[AccountId], all: &MemberQuery) -> Result<Vec<AccountId>> {
    let mut found = Vec::new();
    for account in asker.directory.accounts_with(asker.tenant, ids).await? {
        let is_reached = match &all.within {
            None => true,
            Some(within) => {
                let places = asker.directory.with_all_above(asker.tenant, &account.departments);
                places.await?.iter().any(|place| within.contains(place))
            }
        };
        if all.kind.is_none_or(|kind| account.kind == kind) && is_reached {
            found.push(account.id);
        }
    }
    Ok(found)
}

/// Whom a filter may mean, as far as the index tells.
fn narrowed(filter: &Filter, all: &MemberQuery) -> MemberQuery {
    let parts = INDEXED.into_iter().filter_map(|name| filter.wanted_part(name));
    let parts = parts.map(|part| Sieve::Written(part.to_owned()));
    let sieves = parts.chain(filter.wanted_truth("active").map(Sieve::TakesMail));
    MemberQuery {
        sieve: Some(Sieve::All(sieves.collect())),
        ..all.clone()
    }
}

/// Whether the index alone says whom a filter means.
fn is_decided(filter: &Filter) -> bool {
    filter.is_comparison() && filter.wanted_truth("active").is_some()
}

/// The members on the page, of those that a filter takes, and how many it takes.
async fn filtered(
    asker: &Asker,
    names: &Names,
    filter: &Filter,
    (all, window): (&MemberQuery, &Window),
) -> Result<(Vec<Arc<AccountRecord>>, usize)> {
    let ids = match named_users(asker, filter).await? {
        Some(named) => among(asker, &named, all).await?,
        None => {
            let meant = narrowed(filter, all);
            asker.directory.member_ids(asker.tenant, &meant).await?
        }
    };
    // What a filter asks of groups is looked up only then.
    let asks_groups = filter.to_string().to_ascii_lowercase().contains("groups");
    let (mut found, mut total) = (Vec::new(), 0);
    for step in ids.chunks(STEP) {
        let accounts = asker.directory.accounts_with(asker.tenant, step).await?;
        let groups = match asks_groups {
            true => group::of_members(asker, &accounts).await?,
            false => Vec::new(),
        };
        let mut groups = groups.into_iter();
        for account in accounts {
            let mut user = names.show(&account);
            user.extend(groups.next().map(|groups| ("groups".to_owned(), groups)));
            if filter.matches(&USER, &user) {
                total += 1;
                if window.has(total - 1) {
                    found.push(account);
                }
            }
        }
        tokio::task::yield_now().await;
    }
    Ok((found, total))
}

async fn find_users(asker: &Asker, search: &Search) -> Result<Page> {
    let reach = asker.permit(Action::ReadMembers)?;
    let window = Window::of(search);
    let all = MemberQuery {
        kind: Some(AccountKind::Member),
        within: reach.departments(),
        ..MemberQuery::default()
    };
    let names = Names::read(asker).await?;
    let filter = search.filter.as_ref();
    if let Some(filter) = filter {
        filter.check(&USER)?;
    }
    let (found, total) = match filter {
        Some(filter) if !is_decided(filter) => filtered(asker, &names, filter, (&all, &window)).await?,
        decided => {
            let all = decided.map_or_else(|| all.clone(), |filter| narrowed(filter, &all));
            let (directory, tenant) = (&asker.directory, asker.tenant);
            let between = directory.member_ids_between(tenant, &all, window.skip, window.count);
            let (ids, total) = between.await?;
            (directory.accounts_with(tenant, &ids).await?, total)
        }
    };
    let groups = match search.selection.wants(&USER, "groups") {
        true => group::of_members(asker, &found).await?,
        false => Vec::new(),
    };
    let mut groups = groups.into_iter();
    let mut resources = Vec::with_capacity(found.len());
    for account in &found {
        let mut user = names.show(account);
        user.extend(groups.next().map(|groups| ("groups".to_owned(), groups)));
        search.selection.cut(&USER, &mut user);
        resources.push(user);
    }
    Ok(Page { resources, total })
}

/// The groups that a filter can mean.
async fn meant_groups(asker: &Asker, filter: Option<&Filter>) -> Result<Vec<GroupRecord>> {
    let (directory, tenant) = (&asker.directory, asker.tenant);
    if let Some(id) = filter.and_then(|filter| filter.wanted("id")) {
        let Some(number) = asker::number(id, 'g') else {
            return Ok(Vec::new());
        };
        let found = directory.group(tenant, hongyan_directory::GroupId(number)).await?;
        return Ok(found.into_iter().collect());
    }
    if let Some(external_id) = filter.and_then(|filter| filter.wanted("externalid")) {
        let Some(id) = directory.group_called(tenant, external_id).await? else {
            return Ok(Vec::new());
        };
        return Ok(directory.group(tenant, id).await?.into_iter().collect());
    }
    let member = filter.and_then(|filter| filter.wanted("members.value").or_else(|| filter.wanted("members")));
    if let Some(number) = member.and_then(|member| asker::number(member, 'u')) {
        let account = directory.account(AccountId(number)).await?;
        let Some(account) = account.filter(|account| account.tenant == tenant) else {
            return Ok(Vec::new());
        };
        let addresses: Vec<Address> = account.addresses().cloned().collect();
        return Ok(directory.groups_of(tenant, &addresses).await?);
    }
    Ok(directory.all_groups(tenant).await?)
}

async fn find_groups(asker: &Asker, search: &Search) -> Result<Page> {
    asker.permit(Action::ReadGroups)?;
    let window = Window::of(search);
    let filter = search.filter.as_ref();
    if let Some(filter) = filter {
        filter.check(&GROUP)?;
    }
    let asks_members = filter.is_some_and(|filter| filter.to_string().to_ascii_lowercase().contains("members"));
    let wants_members = search.selection.wants(&GROUP, "members");
    let mut page = Page {
        resources: Vec::new(),
        total: 0,
    };
    for record in meant_groups(asker, filter).await? {
        if asker.permit_group(Action::ReadGroups, &record).await.is_err() {
            continue;
        }
        let mut resource = group::describe(asker, &record, asks_members).await?;
        if filter.is_some_and(|filter| !filter.matches(&GROUP, &resource)) {
            continue;
        }
        page.total += 1;
        if window.has(page.total - 1) {
            if wants_members && !asks_members {
                resource = group::describe(asker, &record, true).await?;
            }
            search.selection.cut(&GROUP, &mut resource);
            page.resources.push(resource);
        }
    }
    Ok(page)
}
