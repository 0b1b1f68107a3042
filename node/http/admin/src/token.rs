//! /api/tokens: what programs prove themselves with.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::Path;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hongyan_access::permission::{Action, Actor, Object, Refusal, TokenScopes, permit};
use hongyan_directory::{Error, NewToken, TokenId, TokenOwner, TokenRecord, TokenUse};
use hongyan_types::{Network, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::body::{Asked, Body};
use crate::caller::Caller;
use crate::page::{self, Page};
use crate::problem::{Failure, Problem, Result};

/// Days that a token is good for when nobody says.
const LIFETIME_DAYS_DEFAULT: u32 = 90;
/// Most days.
const LIFETIME_DAYS_MAX: u32 = 3_650;
const DAY_MILLIS: i64 = 86_400_000;

/// A token, without its text.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Token {
    id: u64,
    name: String,
    /// The member in whose name it acts; null for the operator's.
    account: Option<String>,
    scopes: Vec<String>,
    /// Where it may be used; everywhere, when there is none.
    networks: Vec<String>,
    /// When it was made or renewed.
    created_millis: i64,
    expires_millis: Option<i64>,
    expired: bool,
    /// The last use, to the minute.
    used_millis: Option<i64>,
    used_from: Option<String>,
}

/// A token with its text, which is shown this once.
#[derive(Serialize, ToSchema)]
#[schema(as = TokenMade)]
pub(crate) struct Made {
    #[serde(flatten)]
    token: Token,
    /// For the header `Authorization: Bearer ...`. It is not kept here: note it now.
    secret: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewToken)]
pub(crate) struct Create {
    /// What it is for.
    name: String,
    /// What it may be used for, such as `members:read`; `members:write` includes reading.
    scopes: BTreeSet<String>,
    /// In whose name it acts: one's own when left out. Operators name a member or say `operator`.
    account: Option<String>,
    /// It acts in the operator's name.
    #[serde(default)]
    operator: bool,
    /// Where it may be used, in CIDR notation; everywhere, when there is none.
    #[serde(default)]
    networks: Vec<String>,
    /// Days that it is good for: 90 when left out, null for no end.
    #[serde(default = "lifetime")]
    lifetime_days: Option<u32>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TokenRotate)]
pub(crate) struct Rotate {
    /// Days that it is good for from now on: 90 when left out, null for no end.
    #[serde(default = "lifetime")]
    lifetime_days: Option<u32>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Query {
    /// The `next` of the page before.
    after: Option<String>,
    limit: Option<usize>,
    /// Whose, by name; needed only from operators of several organisations.
    organisation: Option<String>,
    /// The operator's own.
    #[serde(default)]
    operator: bool,
}

#[allow(clippy::unnecessary_wraps, reason = "the default of an optional field")]
fn lifetime() -> Option<u32> {
    Some(LIFETIME_DAYS_DEFAULT)
}

fn now(caller: &Caller) -> Timestamp {
    caller.access.now()
}

/// The address of the member in whose name a token acts; none of an operator's.
pub(crate) async fn owner_address(caller: &Caller, token: &TokenRecord) -> Result<Option<String>> {
    let account = match token.owner {
        TokenOwner::Operator => None,
        TokenOwner::Account { account, .. } => caller.directory.account(account).await?,
    };
    Ok(account.map(|account| account.address.to_string()))
}

async fn view(caller: &Caller, token: &TokenRecord, used: Option<TokenUse>) -> Result<Token> {
    Ok(Token {
        id: token.id.0,
        name: token.name.clone(),
        account: owner_address(caller, token).await?,
        scopes: token.scopes.iter().cloned().collect(),
        networks: token.networks.iter().map(ToString::to_string).collect(),
        created_millis: token.created.millis,
        expires_millis: token.expires.map(|expires| expires.millis),
        expired: token.is_expired(now(caller)),
        used_millis: used.as_ref().map(|used| used.at.millis),
        used_from: used.map(|used| used.from),
    })
}

/// The answer that bears a token's text; it is never kept.
async fn made(caller: &Caller, status: StatusCode, token: &TokenRecord, secret: String) -> Result<Response> {
    let made = Made {
        token: view(caller, token, None).await?,
        secret,
    };
    let secret = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok((status, secret, Json(made)).into_response())
}

/// The tokens of an organisation's programs.
#[utoipa::path(get, path = "/api/tokens", params(Query), responses((status = 200, body = Page<Token>), Failure))]
pub(crate) async fn list(caller: Caller, Asked(query): Asked<Query>) -> Result<Json<Page<Token>>> {
    let owner = match query.operator {
        true => {
            caller.permit_operator(Action::ReadTokens)?;
            None
        }
        false => {
            let name = query.organisation.as_deref();
            Some(caller.within(Action::ReadTokens, name).await?.0)
        }
    };
    let after = query.after.as_deref().map(parse).transpose()?;
    let limit = page::limit(query.limit);
    let mut tokens = Vec::new();
    for (token, used) in caller.directory.tokens(owner, after, limit).await? {
        tokens.push(view(&caller, &token, used).await?);
    }
    Ok(Json(Page::new(tokens, limit, |token| token.id.to_string())))
}

/// Makes a token. Its text is in this answer and nowhere else.
#[utoipa::path(post, path = "/api/tokens", request_body = Create, responses((status = 201, body = Made), Failure))]
pub(crate) async fn create(caller: Caller, Body(new): Body<Create>) -> Result<Response> {
    let owner = owner(&caller, &new).await?;
    check_scopes(&caller.actor, &new.scopes)?;
    let networks = new.networks.iter().map(|text| {
        let invalid = |_| Problem::invalid(format!("networks: {text} is not in CIDR notation"));
        text.parse::<Network>().map_err(invalid)
    });
    let text = caller.access.new_token_text();
    let new = NewToken {
        owner,
        name: new.name,
        scopes: new.scopes,
        networks: networks.collect::<Result<_>>()?,
        expires: expires(&caller, new.lifetime_days)?,
        hash: text.hash,
    };
    let token = caller.directory.create_token(&new).await?;
    made(&caller, StatusCode::CREATED, &token, text.text.reveal().to_owned()).await
}

/// Removes a token: whoever shows it is refused from now on.
#[utoipa::path(delete, path = "/api/tokens/{id}", params(("id" = u64, Path)), responses((status = 204), Failure))]
pub(crate) async fn delete(caller: Caller, Path(id): Path<String>) -> Result<StatusCode> {
    let token = named(&caller, &id).await?;
    caller.directory.delete_token(token.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives a token another text; the one before is refused from now on.
#[utoipa::path(post, path = "/api/tokens/{id}/rotate", params(("id" = u64, Path)), request_body = Rotate, responses((status = 200, body = Made), Failure))]
pub(crate) async fn rotate(caller: Caller, Path(id): Path<String>, Body(new): Body<Rotate>) -> Result<Response> {
    let token = named(&caller, &id).await?;
    check_own(&caller.actor, &token)?;
    check_scopes(&caller.actor, &token.scopes)?;
    let text = caller.access.new_token_text();
    let expires = expires(&caller, new.lifetime_days)?;
    let token = caller.directory.rotate_token(token.id, text.hash, expires).await?;
    made(&caller, StatusCode::OK, &token, text.text.reveal().to_owned()).await
}

/// The token of that number, to change it. One that the caller must not see is not there.
async fn named(caller: &Caller, id: &str) -> Result<TokenRecord> {
    let id = parse(id)?;
    let token = caller.directory.token(id).await?;
    let account = match token.owner {
        TokenOwner::Operator => None,
        TokenOwner::Account { account, .. } => caller.directory.account(account).await?,
    };
    let object = match token.owner.tenant() {
        Some(tenant) => Object::organisation(tenant).with_role(account.as_ref().and_then(|owner| owner.role.as_ref())),
        None => Object::installation(),
    };
    let hidden = caller.actor.tenant().is_some() && token.owner == TokenOwner::Operator;
    match permit(&caller.actor, Action::ChangeTokens, &object) {
        Err(Refusal::Hidden) => Err(missing(id)),
        Err(_) if hidden => Err(missing(id)),
        permitted => {
            permitted?;
            Ok(token)
        }
    }
}

fn missing(id: TokenId) -> Problem {
    Problem::from(Error::NotFound {
        what: "token",
        name: id.to_string(),
    })
}

/// In whose name a new token acts: nobody makes one that acts as somebody else, but the operator.
async fn owner(caller: &Caller, new: &Create) -> Result<TokenOwner> {
    let of = |tenant: TenantId, account| TokenOwner::Account { tenant, account };
    match &caller.actor {
        Actor::Person(person) => {
            caller.permit(Action::ChangeTokens, &Object::organisation(person.tenant))?;
            if new.operator {
                caller.permit_operator(Action::ChangeTokens)?;
            }
            if let Some(address) = &new.account
                && caller.member(Action::ReadMembers, address).await?.id != person.account
            {
                return Err(Problem::invalid(
                    "account: a token acts in the name of whoever makes it",
                ));
            }
            Ok(of(person.tenant, person.account))
        }
        Actor::Operator { .. } => match (&new.account, new.operator) {
            (Some(address), false) => {
                let account = caller.member(Action::ReadMembers, address).await?;
                let object = Object::organisation(account.tenant).with_role(account.role.as_ref());
                caller.permit(Action::ChangeTokens, &object)?;
                Ok(of(account.tenant, account.id))
            }
            (None, true) => {
                caller.permit_operator(Action::ChangeTokens)?;
                Ok(TokenOwner::Operator)
            }
            _ => Err(Problem::invalid("account: name a member, or say `operator`")),
        },
    }
}

/// Whoever renews a token holds it: that is for its owner, and for the operator.
fn check_own(actor: &Actor, token: &TokenRecord) -> Result<()> {
    match (actor, token.owner) {
        (Actor::Person(person), TokenOwner::Account { account, .. }) if person.account != account => Err(
            Problem::invalid("a token is renewed by the member in whose name it acts"),
        ),
        _ => Ok(()),
    }
}

/// Scopes are known ones, and no more than the caller's own token has.
fn check_scopes(actor: &Actor, wanted: &BTreeSet<String>) -> Result<()> {
    let known = Action::scopes();
    if let Some(unknown) = wanted.iter().find(|scope| !known.contains(scope.as_str())) {
        let known: Vec<&str> = known.into_iter().collect();
        return Err(Problem::invalid(format!(
            "scopes: {unknown} is none of {}",
            known.join(", ")
        )));
    }
    let own: Option<&TokenScopes> = match actor {
        Actor::Operator { scopes, .. } => scopes.as_ref(),
        Actor::Person(person) => person.scopes.as_ref(),
    };
    match own.and_then(|own| wanted.iter().find(|scope| !own.include(scope))) {
        Some(beyond) => Err(Problem::invalid(format!(
            "scopes: {beyond} is not among those of the token that asks"
        ))),
        None => Ok(()),
    }
}

fn expires(caller: &Caller, lifetime_days: Option<u32>) -> Result<Option<Timestamp>> {
    match lifetime_days {
        None => Ok(None),
        Some(days) if (1..=LIFETIME_DAYS_MAX).contains(&days) => Ok(Some(Timestamp {
            millis: now(caller).millis + i64::from(days) * DAY_MILLIS,
        })),
        Some(_) => Err(Problem::invalid(format!("lifetime_days: 1 to {LIFETIME_DAYS_MAX}"))),
    }
}

fn parse(id: &str) -> Result<TokenId> {
    let id = id.parse();
    Ok(TokenId(
        id.map_err(|_| Problem::invalid("a token is named by its number"))?,
    ))
}
