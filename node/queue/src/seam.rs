//! What the queue's runner needs from others: who writes reports, and who delivers to mailboxes of ours.

use std::future::Future;
use std::pin::Pin;

use crate::{Attempt, Entry, EntryId, Outcome, ReportKind};

/// A boxed future that stays on its arbiter.
pub type LocalFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// Writes a delivery report (RFC 3461-3464) to the sender of an entry and sees it safely delivered or queued.
pub trait Reporter: Send + Sync + 'static {
    /// Reports on those recipients of `entry` that are owed a report of `kind`. Called again after a crash with the same
    /// entry and kind; the second time it must have no second effect.
    ///
    /// # Errors
    /// When the report could not be made durable: it is tried again later. The text is for the log.
    fn report<'a>(&'a self, id: EntryId, entry: &'a Entry, kind: ReportKind) -> LocalFuture<'a, Result<(), String>>;
}

/// Delivers an entry whose destination is a mailbox of this system.
pub trait LocalDelivery: Send + Sync + 'static {
    /// One outcome for each pending recipient, by its index in the entry. The delivery id is the entry's own, so a repeat has no second effect.
    fn deliver<'a>(&'a self, id: EntryId, entry: &'a Entry) -> LocalFuture<'a, Vec<(usize, Outcome)>>;
    /// Why an entry must not leave now, wherever it goes; nothing when it may. It is asked again later.
    fn held<'a>(&'a self, _entry: &'a Entry) -> LocalFuture<'a, Option<Attempt>> {
        Box::pin(async { None })
    }
}
