//! Empties the recycle bin of what is due (MEM-16): first the mail goes, then the addresses are free. A reconciler: it looks
//! again and again, and whatever a node leaves half-done another goes on with.

use std::time::Duration;

use hongyan_actor::EntityKey;
use hongyan_directory::Directory;
use hongyan_env::Env;
use hongyan_mailbox::{Erase, MailboxId};
use hongyan_router::Router;
use hongyan_types::{AccountId, TenantId};

/// Mailboxes looked at in one go.
const AT_ONCE: usize = 100;
/// How long a mailbox may take to empty itself; what is left then goes at the next look.
const WITHIN: Duration = Duration::from_secs(3600);

/// Looks until the end of the node, every `period`: drop the future to stop.
pub async fn purge(env: Env, router: Router, directory: Directory, period: Duration) {
    loop {
        match directory.due_for_purge(AT_ONCE).await {
            Ok(due) => {
                for (tenant, account) in due {
                    purge_one(&router, &directory, tenant, account).await;
                }
            }
            Err(error) => tracing::debug!(event = "recycle_bin_not_read", %error),
        }
        env.sleep(period).await;
    }
}

/// Removes one mailbox, if this node has it.
async fn purge_one(router: &Router, directory: &Directory, tenant: TenantId, account: AccountId) {
    let mailbox = MailboxId { tenant, account };
    if !router.is_here(&mailbox.entity_id()) {
        return;
    }
    let account = account.0;
    match directory.begin_purge(tenant, mailbox.account).await {
        Ok(true) => {}
        Ok(false) => return,
        Err(error) => return tracing::warn!(event = "purge_not_begun", account, %error),
    }
    match router.ask(&mailbox, Erase, WITHIN).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => return tracing::warn!(event = "mailbox_not_erased", account, %error),
        Err(error) => return tracing::warn!(event = "mailbox_not_erased", account, %error),
    }
    match directory.end_purge(tenant, mailbox.account).await {
        Ok(()) => tracing::info!(event = "mailbox_purged", account),
        Err(error) => tracing::warn!(event = "purge_not_ended", account, %error),
    }
}
