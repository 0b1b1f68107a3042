//! SCIM 2.0 (RFC 7644) at /scim/v2: outside directories bring members, groups and departments, and keep them as they are there.
//!
//! A program shows one of the API's tokens with the scope `scim:read` or `scim:write`; what it may do there is what its
//! member may do. Members are Users, mail groups are Groups; the bytes are the business of `protocols/scim`. Every change
//! is one transaction with its record in the audit log. Called by the HTTPS entry.

mod answer;
mod asker;
mod bulk;
mod describe;
mod group;
mod list;
mod operation;
mod user;

use axum::Router;
use axum::middleware::map_response;
use axum::routing::{get, post};
use hongyan_access::Access;
use hongyan_directory::Directory;
use hongyan_http_front::administered;
use hongyan_scim::ScimError;

/// Where the service is.
const PLACE: &str = "/scim/v2";

/// What the service is made of.
#[derive(Clone)]
pub struct ScimParts {
    /// Members and groups.
    pub directory: Directory,
    /// Passwords, sessions, and who shows a token.
    pub access: Access,
    /// The node's address as clients write it, such as `https://mail.example.com`.
    pub origin: String,
}

/// All of /scim/v2, for programs that show a token.
pub fn routes(parts: ScimParts) -> Router {
    let access = parts.access.clone();
    administered(open_routes(parts), access).layer(map_response(answer::in_scim))
}

/// The same for whoever is put in as the actor.
pub fn open_routes(parts: ScimParts) -> Router {
    let inner = Router::new()
        .route("/ServiceProviderConfig", get(describe::service))
        .route("/Schemas", get(describe::schemas))
        .route("/Schemas/{id}", get(describe::schema))
        .route("/ResourceTypes", get(describe::resource_types))
        .route("/ResourceTypes/{id}", get(describe::resource_type))
        .route("/Users", get(list::users).post(operation::make_user))
        .route("/Users/.search", post(list::search_users))
        .route("/Users/{id}", operation::user_methods())
        .route("/Groups", get(list::groups).post(operation::make_group))
        .route("/Groups/.search", post(list::search_groups))
        .route("/Groups/{id}", operation::group_methods())
        .route("/.search", post(list::search_all))
        .route("/Bulk", post(bulk::carry_out))
        .route("/Me", axum::routing::any(no_me))
        .fallback(nothing_here)
        .method_not_allowed_fallback(no_such_method)
        .with_state(parts);
    Router::new().nest(PLACE, inner)
}

/// RFC 7644 §3.11
async fn no_me() -> answer::Refused {
    ScimError::status(501, "a program is nobody: ask for /Users/{id}").into()
}

async fn nothing_here() -> answer::Refused {
    ScimError::not_found("there is nothing at this path").into()
}

async fn no_such_method() -> answer::Refused {
    ScimError::status(405, "the resource has no such method").into()
}
