//! The only way to an entity: `ask(key, request)`.
//!
//! Callers name the entity and the request, never the node. Owns the table of entity kinds of this node, deadlines and retries, asks between nodes (`remote` here, `serving` there, `large` for what
//! no call carries), and the hints that tell
//! subscribers how far an entity has come (`hints` on a node, `hint_courier` and `hint_service` between nodes). Who owns a
//! partition it is told by a [`Placement`]. Knows nothing of mail.

mod call;
mod cluster;
mod hint_courier;
mod hint_service;
mod hint_wire;
mod hints;
mod kind;
mod large;
mod placement;
mod remote;
mod router;
mod serving;

pub use cluster::{Cluster, RouterOptions};
pub use hints::{Hint, Hints, Subscription};
pub use placement::{Located, Placement, SingleNode};
pub use router::{Ask, AskError, Router};
