//! /api/secrets: the keys that seal what the store keeps secret. No key is ever shown, only its name.

use axum::Json;
use hongyan_access::permission::Action;
use hongyan_audit::Event;
use hongyan_env::BoxFuture;
use hongyan_seal::{KeyId, Looked};
use serde::Serialize;
use utoipa::ToSchema;

use crate::caller::Caller;
use crate::problem::{Failure, Problem, Result};

/// Whoever keeps the keys. Errors are for people.
pub trait SecretKeeper: Send + Sync + 'static {
    /// Makes a key, gives it to all nodes, and lets it seal from then on; what is sealed already is sealed again with it soon.
    fn rotate(&self) -> BoxFuture<'_, std::result::Result<KeyId, String>>;
    /// Looks at all that is sealed, and changes nothing.
    fn look(&self) -> BoxFuture<'_, std::result::Result<Looked, String>>;
}

/// The keys, and whether they open what there is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Secrets {
    /// The oldest first.
    keys: Vec<Key>,
    /// Records whose secret does not open.
    unreadable: u64,
    /// Why the first of them does not.
    reason: Option<String>,
}

/// A key, by its name.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Key {
    id: String,
    /// When it began to seal, or will.
    from_millis: i64,
    /// Whether it is the one that seals now.
    seals: bool,
}

/// The keys that seal secrets, and whether they open all that is sealed.
#[utoipa::path(get, path = "/api/secrets", responses((status = 200, body = Secrets), Failure))]
pub(crate) async fn show(caller: Caller) -> Result<Json<Secrets>> {
    caller.permit_operator(Action::ManageCluster)?;
    let looked = keeper(&caller)?.look().await.map_err(Problem::unavailable)?;
    let sealer = caller.directory.sealer();
    let current = sealer.current();
    let keys = sealer.keys().into_iter().map(|key| Key {
        id: key.id.to_string(),
        from_millis: key.from_millis,
        seals: Some(key.id) == current,
    });
    Ok(Json(Secrets {
        keys: keys.collect(),
        unreadable: looked.unreadable,
        reason: looked.reason.map(|reason| reason.to_string()),
    }))
}

/// Makes a new key for secrets.
#[utoipa::path(post, path = "/api/secrets/rotate", responses((status = 200, body = Rotated), Failure))]
pub(crate) async fn rotate(caller: Caller) -> Result<Json<Rotated>> {
    caller.permit_operator(Action::ManageCluster)?;
    let keeper = keeper(&caller)?;
    caller.record(Event::new("secrets.rotate", "secrets")).await?;
    let key = keeper.rotate().await.map_err(Problem::unavailable)?;
    Ok(Json(Rotated { key: key.to_string() }))
}

/// A key was made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Rotated {
    /// Its name.
    key: String,
}

fn keeper(caller: &Caller) -> Result<std::sync::Arc<dyn SecretKeeper>> {
    let none = || Problem::not_found("this node keeps no keys for secrets");
    caller.secrets.clone().ok_or_else(none)
}
