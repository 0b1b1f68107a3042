//! The admin API's routes behind the entry: who asks is found out here and put into the request as its actor.
//!
//! A member signs in as for everything else; a program shows a token, which is looked at anew with each request. What a
//! member may do is what their account says now, not what it said when they signed in.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use hongyan_access::permission::{Actor, Standing};
use hongyan_access::{Access, TokenError};

use crate::caller::Caller;
use crate::problem::Problem;
use crate::rate::{ApiRates, Rates};
use crate::sign_in;
use crate::visitor::Visitor;
use crate::web;

/// What anybody may read.
const DOCUMENT: &str = "/api/openapi.json";

/// Where people come who are nobody yet: the invitation in the path says who may.
const JOIN: &str = "/api/join/";

/// Routes whose requests bear an [`Actor`] among their extensions; who is nobody is refused.
pub fn administered(routes: Router, access: Access) -> Router {
    administered_within(routes, access, ApiRates::default())
}

/// The same, with limits of how often they may be called.
pub fn administered_within(routes: Router, access: Access, rates: ApiRates) -> Router {
    let door = Door {
        access,
        rates: Arc::new(Rates::new(rates)),
    };
    routes.layer(from_fn_with_state(door, with_actor))
}

/// What is asked of everyone who comes.
#[derive(Clone)]
struct Door {
    access: Access,
    rates: Arc<Rates>,
}

async fn with_actor(State(Door { access, rates }): State<Door>, mut request: Request, next: Next) -> Response {
    // Before anything is looked at: whoever tries tokens is slowed down too.
    if let Some(visitor) = request.extensions().get::<Arc<Visitor>>()
        && let Err(problem) = rates.check_address(visitor.peer().ip(), access.now())
    {
        return problem.into_response();
    }
    let path = request.uri().path();
    if path == DOCUMENT || path.starts_with(JOIN) || web::is_sign_in(path) {
        return next.run(request).await;
    }
    let asked = Asked {
        visitor: request.extensions().get::<Arc<Visitor>>().cloned(),
        caller: request.extensions().get::<Caller>().cloned(),
        method: request.method().clone(),
        headers: request.headers().clone(),
    };
    let (actor, standing) = match actor(&access, asked).await {
        Ok(found) => found,
        Err(problem) => return problem.into_response(),
    };
    if let Err(problem) = rates.check_caller(&actor, access.now()) {
        return problem.into_response();
    }
    let called = token_of(&actor).map(|token| (token, request.method().clone(), request.uri().path().to_owned()));
    request.extensions_mut().insert(actor);
    request.extensions_mut().insert(standing);
    let response = next.run(request).await;
    if let Some((token, method, path)) = called {
        let status = response.status().as_u16();
        tracing::info!(event = "api_call", token, %method, path, status);
    }
    response
}

/// What of a request tells who makes it.
struct Asked {
    visitor: Option<Arc<Visitor>>,
    caller: Option<Caller>,
    method: Method,
    headers: HeaderMap,
}

async fn actor(access: &Access, asked: Asked) -> Result<(Actor, Standing), Problem> {
    let missing = || Problem::unauthorized("the request did not come through the entry");
    let visitor = asked.visitor.ok_or_else(missing)?;
    let peer = visitor.peer().ip();
    let shown = asked.headers.get(header::AUTHORIZATION);
    let by_password = shown.is_some() && web::token(&asked.headers).is_none();
    if let Some(token) = shown.and_then(sign_in::token) {
        visitor.check_proofs_taken()?;
        let actor = access.token_actor(token, peer).await?;
        return Ok((actor, Standing::of_token(access.clone(), token, peer)));
    }
    let caller = match asked.caller {
        Some(caller) => caller,
        None => visitor.caller(&asked.headers, hongyan_access::Protocol::Http).await?,
    };
    // AUTH-21: what is made for a mail client opens no console.
    if caller.identity().is_app() {
        let detail = "an app password is for mail clients: sign in with the account's own, or use a token";
        return Err(Problem::new(StatusCode::FORBIDDEN, "app-password", detail));
    }
    if by_password {
        check_site(&asked.method, &asked.headers)?;
    }
    let actor = access.member_actor(caller.identity(), peer).await?;
    Ok((actor, Standing::of_session(access.clone(), caller.identity(), peer)))
}

/// A browser that remembers a password must not be made to use it by somebody else's page.
fn check_site(method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
    let from = headers.get("sec-fetch-site").and_then(|site| site.to_str().ok());
    if method.is_safe() || from.is_none_or(|from| from == "same-origin" || from == "none") {
        return Ok(());
    }
    let detail = "changes are not taken from pages of other sites";
    Err(Problem::new(StatusCode::FORBIDDEN, "cross-site", detail))
}

fn token_of(actor: &Actor) -> Option<u64> {
    let scopes = match actor {
        Actor::Operator { scopes, .. } => scopes,
        Actor::Person(person) => &person.scopes,
    };
    scopes.as_ref().map(|scopes| scopes.token)
}

impl From<TokenError> for Problem {
    fn from(error: TokenError) -> Self {
        let detail = error.to_string();
        match error {
            TokenError::Unknown | TokenError::Expired => Self::unauthorized(detail),
            TokenError::Network => Self::new(StatusCode::FORBIDDEN, "network", detail),
            TokenError::Inactive => Self::new(StatusCode::FORBIDDEN, "suspended", detail),
            TokenError::Access(error) => error.into(),
        }
    }
}
