//! The admin API: directory, sessions, queue and cluster over HTTP, under /api, on a Unix socket that only the node's own user may open.
//!
//! JSON in and out; errors are problem+json (RFC 9457) that name the limit and its present use; lists come in pages.
//! One file a resource. Called by `ops/cli`. Says nothing to the network.

mod account;
mod alias;
mod body;
mod cluster;
mod domain;
mod group;
mod page;
mod problem;
mod queue;
mod session;
mod socket;
mod state;
mod tenant;

pub use cluster::{
    BackupView, ClusterControl, ClusterView, ControlError, ControlResult, Invitation, NodeChange, NodeView,
    PartitionsView, SettingView, StoreView,
};
pub use problem::Problem;
pub use socket::{SocketError, serve};
pub use state::AdminState;

use axum::Router;
use axum::routing::{delete, get, post, put};

/// All of /api.
pub fn router(state: AdminState) -> Router {
    Router::new()
        .route("/api/tenants", get(tenant::list).post(tenant::create))
        .route(
            "/api/tenants/{name}",
            get(tenant::show).patch(tenant::change).delete(tenant::delete),
        )
        .route("/api/domains", get(domain::list).post(domain::create))
        .route(
            "/api/domains/{domain}",
            get(domain::show).patch(domain::change).delete(domain::delete),
        )
        .route("/api/accounts", get(account::list).post(account::create))
        .route(
            "/api/accounts/{address}",
            get(account::show).patch(account::change).delete(account::delete),
        )
        .route("/api/accounts/{address}/password", put(account::set_password))
        .route("/api/accounts/{address}/aliases", get(alias::list).post(alias::add))
        .route("/api/accounts/{address}/aliases/{alias}", delete(alias::remove))
        .route("/api/accounts/{address}/sessions", delete(session::revoke_all))
        .route("/api/sessions", get(session::list))
        .route("/api/sessions/{id}", delete(session::revoke))
        .route("/api/groups", get(group::list).post(group::create))
        .route("/api/groups/{address}", get(group::show).delete(group::delete))
        .route(
            "/api/groups/{address}/members",
            get(group::members).post(group::add_member),
        )
        .route("/api/groups/{address}/members/{member}", delete(group::remove_member))
        .route("/api/queue", get(queue::list))
        .route("/api/queue/{id}", get(queue::show).delete(queue::delete))
        .route("/api/queue/{id}/{action}", post(queue::act))
        .merge(cluster::routes())
        .fallback(|| async { Problem::not_found("no such resource") })
        .method_not_allowed_fallback(|| async { Problem::not_allowed() })
        .with_state(state)
}
