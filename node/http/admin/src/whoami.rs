//! /api/whoami: who asks, and what they may do.

use axum::Json;
use hongyan_access::permission::{Actor, functions};
use hongyan_directory::{Function, Role};
use serde::Serialize;
use utoipa::ToSchema;

use crate::caller::Caller;
use crate::problem::{Failure, Result};

/// Who asks.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Whoami {
    /// `operator` or `member`.
    kind: &'static str,
    /// The member's address.
    address: Option<String>,
    /// The member's organisation.
    organisation: Option<String>,
    role: Option<Role>,
    /// The parts of the console that they may use.
    functions: Vec<Function>,
    /// What the token that they show is for; null without one.
    scopes: Option<Vec<String>>,
}

/// Who asks, and what they may do.
#[utoipa::path(get, path = "/api/whoami", responses((status = 200, body = Whoami), Failure))]
pub(crate) async fn show(caller: Caller) -> Result<Json<Whoami>> {
    let functions = functions(&caller.actor);
    let list = |scopes: &hongyan_access::permission::TokenScopes| scopes.scopes.iter().cloned().collect();
    Ok(Json(match &caller.actor {
        Actor::Operator { scopes, .. } => Whoami {
            kind: "operator",
            address: None,
            organisation: None,
            role: None,
            functions,
            scopes: scopes.as_ref().map(list),
        },
        Actor::Person(person) => Whoami {
            kind: "member",
            address: Some(person.address.clone()),
            organisation: Some(caller.directory.tenant(person.tenant).await?.name.clone()),
            role: person.role.clone(),
            functions,
            scopes: person.scopes.as_ref().map(list),
        },
    }))
}
