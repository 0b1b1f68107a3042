//! The promises of the product, checked over a history of what clients asked and saw.
//!
//! A history is a list of events in the order in which one observer wrote them down: a call before it leaves, its
//! return after it came. It knows nothing of how it was made, so that the simulation and the runs against real
//! processes are judged by the same checkers. A call without a return, or with a reply that leaves its effect open, is
//! unknown: it may have happened, may happen yet, or never.

mod history;
mod index;
pub mod promise;
#[cfg(test)]
mod testing;

pub use history::{
    Audit, CallId, ClientId, DropSeen, Event, Failure, FolderName, History, Look, MailId, MailboxName, MessageRef,
    MessageSeen, Operation, Outcome, Place, QuotaSeen, Reply, Resync, SessionId, Wire,
};
pub use promise::{CHECKERS, Checker, Violation, check_all};
