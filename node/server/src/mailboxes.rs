//! The way from delivery to mailboxes: the router.

use std::time::Duration;

use hongyan_delivery::Mailboxes;
use hongyan_mailbox::{Deliver, DeliverReply, MailboxError, MailboxId};
use hongyan_queue::LocalFuture;
use hongyan_router::{AskError, Router};

/// Mailboxes as delivery sees them.
pub(crate) struct RoutedMailboxes(pub(crate) Router);

impl Mailboxes for RoutedMailboxes {
    fn deliver(
        &self,
        mailbox: MailboxId,
        request: Deliver,
        within: Duration,
    ) -> LocalFuture<'_, Result<Result<DeliverReply, MailboxError>, AskError>> {
        Box::pin(async move { self.0.ask(&mailbox, request, within).await })
    }
}
