//! /api/visibility: who sees whom (ORG-11); /api/people: whom one sees oneself, as one writes their name (ORG-12).

use axum::Json;
use hongyan_access::permission::{Action, Actor};
use hongyan_directory::{AccountState, DepartmentId, MemberQuery, Visibility};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::body::{Asked, Body};
use crate::caller::Caller;
use crate::conditional::{IfMatch, Tagged, with_present};
use crate::problem::{Failure, Problem, Result};
use crate::tag::Whose;

/// Most people of an answer.
const PEOPLE_MAX: usize = 100;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// Words that must each occur in name, address, pinyin or initials.
    #[serde(default)]
    text: String,
    /// At most 100; 20 when left out.
    limit: Option<usize>,
}

/// Someone to write to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Someone {
    name: String,
    address: String,
    /// The main department, where the organisation shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    department: Option<String>,
    /// The title, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    /// The mobile phone, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    mobile: Option<String>,
    /// The landline, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    landline: Option<String>,
}

/// Those who are meant.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct People {
    items: Vec<Someone>,
    /// How many there are in all.
    total: usize,
}

/// Who sees whom.
#[utoipa::path(get, path = "/api/visibility", params(Whose), responses((status = 200, body = Visibility), Failure))]
pub(crate) async fn show(caller: Caller, Asked(query): Asked<Whose>) -> Result<Tagged<Visibility>> {
    let name = query.organisation.as_deref();
    let (tenant, _) = caller.within(Action::ReadOrganisation, name).await?;
    let visibility = caller.directory.visibility(tenant).await?;
    Ok(Tagged::new(visibility.etag(), visibility))
}

/// Says who sees whom.
#[utoipa::path(put, path = "/api/visibility", params(Whose), request_body = Visibility, responses((status = 200, body = Visibility), Failure))]
pub(crate) async fn set(
    caller: Caller,
    Asked(query): Asked<Whose>,
    IfMatch(expect): IfMatch,
    Body(wanted): Body<Visibility>,
) -> Result<Tagged<Visibility>> {
    let name = query.organisation.as_deref();
    let (tenant, _) = caller.within(Action::ChangeOrganisation, name).await?;
    let outcome = caller.directory.set_visibility(tenant, &wanted, expect).await;
    let set = with_present(outcome, async { Ok(caller.directory.visibility(tenant).await?) }).await?;
    Ok(Tagged::new(set.etag(), set))
}

/// Members whom the caller sees, in the order of what is shown of their names.
#[utoipa::path(get, path = "/api/people", params(Wanted), responses((status = 200, body = People), Failure))]
pub(crate) async fn people(caller: Caller, Asked(wanted): Asked<Wanted>) -> Result<Json<People>> {
    let Actor::Person(person) = &caller.actor else {
        return Err(Problem::invalid(
            "an operator is nobody's colleague: ask for /api/members",
        ));
    };
    if person.scopes.is_some() {
        caller.within(Action::ReadMembers, None).await?;
    }
    let me = caller.directory.account(person.account).await?;
    let me = me.ok_or_else(|| Problem::not_found("it does not exist any more"))?;
    let cards = caller.directory.cards(me.tenant).await?;
    let query = MemberQuery {
        text: wanted.text,
        state: Some(AccountState::Active),
        sight: Some(caller.directory.sight_of(&me).await?),
        ..MemberQuery::default()
    };
    let limit = wanted.limit.unwrap_or(20).clamp(1, PEOPLE_MAX);
    let found = caller.directory.find_members(me.tenant, &query, None, limit).await?;
    let mut items = Vec::with_capacity(found.accounts.len());
    for account in &found.accounts {
        let card = cards.of(account);
        items.push(Someone {
            name: card.name,
            address: account.address.to_string(),
            department: match card.department {
                Some(id) => Some(name_of(&caller, account.tenant, id).await?),
                None => None,
            },
            title: card.title,
            mobile: card.mobile,
            landline: card.landline,
        });
    }
    Ok(Json(People {
        items,
        total: found.total,
    }))
}

async fn name_of(caller: &Caller, tenant: hongyan_types::TenantId, id: DepartmentId) -> Result<String> {
    Ok(caller.directory.department(tenant, id).await?.name)
}
