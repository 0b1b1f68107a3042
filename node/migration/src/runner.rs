//! Sees that every migration that has not ended is looked after, on the node that has it: looks again and again.

use std::time::Duration;

use hongyan_actor::EntityKey;
use hongyan_env::Env;
use hongyan_router::Router;

use crate::{Look, Migrations};

/// How long a migration may take to look.
const WITHIN: Duration = Duration::from_secs(30);

/// Looks until the end of the node: drop the future to stop.
pub async fn run(env: Env, router: Router, migrations: Migrations) {
    let period = migrations.options().look_period;
    loop {
        match migrations.open().await {
            Ok(open) => {
                for id in open {
                    if router.is_here(&id.entity_id()) {
                        // One that cannot look now does at the next turn.
                        let _ = router.ask(&id, Look, WITHIN).await;
                    }
                }
            }
            Err(error) => tracing::debug!(event = "migrations_not_read", %error),
        }
        env.sleep(period).await;
    }
}
