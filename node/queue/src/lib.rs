//! The queue entity: messages waiting to leave, for another host or for a mailbox that could not answer.
//!
//! An entry is one message for one destination. Owns entries, their recipients' states, when each is tried next, and
//! what reports are owed; one fixed number of shards spreads them. Refuses to know how mail leaves: `node/relay` asks
//! what is due and says what became of it; reports are written by whoever implements [`Reporter`].

mod done;
mod entity;
mod error;
mod holder;
mod id;
mod metrics;
mod queue;
pub mod record;
pub mod request;
mod schedule;
mod seam;
mod wire;

pub use entity::{QueueEntity, QueueServices};
pub use error::QueueError;
pub use holder::{Alone, Holder, Holders};
pub use id::{EntryId, QUEUE_SHARDS, QueueId};
pub use queue::Queue;
pub use record::{
    Attempt, BodyKind, Destination, Entry, Notify, Outcome, Recipient, RecipientState, ReportKind, ReturnContent,
};
pub use request::{
    Accept, AcceptReply, Delete, Due, DueEntry, DueReply, Hold, List, ListReply, NewEntry, NewRecipient, Postpone,
    PutBack, PutOff, QueueReply, QueueRequest, RECALLED, Recall, RecallReply, Release, ReportSent, Reported, Retry,
    Show, Withdraw, Work,
};
pub use schedule::RetrySchedule;
pub use seam::{LocalDelivery, LocalFuture, Reporter};
