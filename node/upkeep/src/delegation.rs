//! Tells members of delegations that end within a day (DLG). A reconciler: what is due is in the directory, and whichever node
//! takes it off the list there tells.

use std::time::Duration;

use hongyan_directory::Directory;
use hongyan_env::Env;

/// Looks until the end of the node, every `period`: drop the future to stop.
pub async fn tell_of_delegation_ends(env: Env, directory: Directory, period: Duration) {
    loop {
        match directory.tell_of_ends().await {
            Ok(0) => env.sleep(period).await,
            Ok(told) => tracing::info!(event = "delegation_ends_told", told),
            Err(error) => {
                tracing::debug!(event = "delegation_ends_not_read", %error);
                env.sleep(period).await;
            }
        }
    }
}
