//! The entities of a node, of every kind: what goes when a partition goes, and when the node ends.

use std::time::Duration;

use hongyan_actor::EntityHost;
use hongyan_env::BoxFuture;
use hongyan_mailbox::MailboxEntity;
use hongyan_membership::{Host, Partition};
use hongyan_migration::MigrationEntity;
use hongyan_queue::QueueEntity;
use hongyan_upkeep::TaskEntity;

/// Time for the entities of a partition that moves to write down what makes their next start quick.
const RELEASE_GRACE: Duration = Duration::from_secs(2);

/// Clones share them.
#[derive(Clone)]
pub(crate) struct Entities {
    pub(crate) mailboxes: EntityHost<MailboxEntity>,
    pub(crate) queues: EntityHost<QueueEntity>,
    pub(crate) tasks: EntityHost<TaskEntity>,
    pub(crate) migrations: EntityHost<MigrationEntity>,
}

impl Entities {
    /// Sends all to sleep, waiting at most `grace` for each kind.
    pub(crate) async fn passivate_all(&self, grace: Duration) {
        self.mailboxes.passivate_all(grace).await;
        self.queues.passivate_all(grace).await;
        self.tasks.passivate_all(grace).await;
        self.migrations.passivate_all(grace).await;
    }
}

impl Host for Entities {
    /// Entities come with their first request: what they read then is small.
    fn warm(&self, _: Partition) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
    fn release(&self, partition: Partition) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            self.mailboxes.release(partition, RELEASE_GRACE).await;
            self.queues.release(partition, RELEASE_GRACE).await;
            self.tasks.release(partition, RELEASE_GRACE).await;
            self.migrations.release(partition, RELEASE_GRACE).await;
        })
    }
}
