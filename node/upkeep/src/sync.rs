//! Synchronises with LDAP directories when it is time (ORG-14). A reconciler, as [`crate::purge`] is.

use hongyan_audit::Author;
use hongyan_env::Env;
use hongyan_ldap::Ldap;

use crate::{SyncDirectory, Tasks};

/// Looks until the end of the node, while `is_mine` says that this node does: drop the future to stop.
pub async fn sync_directories(env: Env, ldap: Ldap, tasks: Tasks, is_mine: impl Fn() -> bool) {
    let period = ldap.options().look_period;
    loop {
        if is_mine() {
            match ldap.take_due().await {
                Ok(due) => {
                    for tenant in due {
                        let sync = SyncDirectory { dry_run: false };
                        if let Err(error) = tasks.sync_directory(tenant, Author::system(), sync).await {
                            // It is due again after its period; one that is under way goes on.
                            tracing::info!(event = "directory_not_synchronised", tenant = tenant.0, %error);
                        }
                    }
                }
                Err(error) => tracing::debug!(event = "directories_not_read", %error),
            }
        }
        env.sleep(period).await;
    }
}
