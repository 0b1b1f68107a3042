//! Entities and actors over actix: arbiters, intakes, activation, passivation, restart.
//!
//! The only crate that names the actor framework. Owns where things run (one arbiter a core), the life of entities
//! (activated by the first request, passivated when idle or when memory is short, started afresh by the request after a
//! panic) and of session actors. Knows nothing of mail, storage or other nodes; `cluster/router` finds entities
//! for callers.

mod arbiters;
mod entity;
mod entity_actor;
mod entity_host;
mod entity_id;
mod intake;
mod session;
mod shutdown;
mod system;
mod terms;
mod wire;

pub use arbiters::Arbiters;
pub use entity::{ActivateError, Entity, Envelope, Replier};
pub use entity_host::{EntityHost, EntityOptions, HostError};
pub use entity_id::{EntityId, EntityKey};
pub use session::{SessionHandle, SessionIntake, TellError};
pub use shutdown::Shutdown;
pub use system::run;
pub use terms::{Epoch, RequestId, Tenure, Terms};
pub use wire::{Gather, Older, Pieces, WireEntity, WireError};
