//! The only way to an entity: `ask(key, request)`.
//!
//! Callers name the entity and the request, never the node. Owns the table of entity hosts of this node, the partition
//! of an entity id, deadlines, and the hints that tell subscribers how far an entity has come. Knows nothing of mail.

mod hints;
mod partition;
mod placement;
mod router;

pub use hints::{Hints, Subscription};
pub use partition::{PARTITIONS, Partition, partition_of};
pub use placement::{Located, Placement, SingleNode};
pub use router::{Ask, AskError, Router};
