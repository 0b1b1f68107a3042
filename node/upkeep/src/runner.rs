//! Sees that every task with something to do is at work, on the node that has it: looks again and again.

use std::time::Duration;

use hongyan_actor::EntityKey;
use hongyan_env::Env;
use hongyan_router::Router;

use crate::{Tasks, Work};

/// How long a task may take to answer that it works.
const WITHIN: Duration = Duration::from_secs(5);

/// Looks until the end of the node: drop the future to stop.
pub async fn run(env: Env, router: Router, tasks: Tasks) {
    let period = tasks.options().look_period;
    loop {
        match tasks.open().await {
            Ok(open) => {
                for id in open {
                    if router.is_here(&id.entity_id()) {
                        // One that cannot answer now is asked at the next look.
                        let _ = router.ask(&id, Work, WITHIN).await;
                    }
                }
            }
            Err(error) => tracing::debug!(event = "tasks_not_read", %error),
        }
        env.sleep(period).await;
    }
}
