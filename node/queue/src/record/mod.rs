//! The queue's keys and records. All below the tuple ("queue", shard):
//!
//! - ("meta") -> next entry number
//! - ("count") -> how many entries there are
//! - ("entry", number) -> [`Entry`]
//! - ("due", millis, number) -> nothing: when the entry wants attention; a held entry has no such key
//! - ("handed", number) -> when, to which life of which node and by which request it was handed out: written when the shard
//!   leaves this node's memory, so that it knows afterwards what somebody works on; a shard that was cut off has written
//!   nothing and hands everything out again
//! - ("done", minute, request id) -> nothing: what was asked for is done, and a repeat does nothing; kept for minutes
//! - ("delivery", id) -> the time it was accepted: a repeat of the same delivery is recognised
//! - ("accepted", millis, id) -> nothing: the above in order of time, for forgetting

mod entry;
mod key;

pub use entry::{
    Attempt, BodyKind, Destination, Entry, Notify, Outcome, Recipient, RecipientState, ReportKind, ReturnContent,
};
pub(crate) use key::Keys;
