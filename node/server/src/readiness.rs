//! Whether traffic may come: storage takes writes, the queue answers.

use std::time::Duration;

use hongyan_env::Env;
use hongyan_kv::{Database, Error, tuple::Tuple};
use hongyan_queue::{List, QueueId};
use hongyan_router::Router;
use hongyan_telemetry::Health;

/// Time between two looks.
const PERIOD: Duration = Duration::from_secs(5);
/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(4);

/// Looks, for ever, and tells `health`.
pub(crate) async fn watch(env: Env, database: Database, router: Router, health: Health) {
    loop {
        match env.timeout(PATIENCE, write(&database)).await {
            Some(Ok(())) => health.ready("storage"),
            Some(Err(error)) => health.not_ready("storage", error.to_string()),
            None => health.not_ready("storage", "a commit takes too long"),
        }
        let list = List { after: 0, limit: 1 };
        match router.ask(&QueueId { shard: 0 }, list, PATIENCE).await {
            Ok(Ok(_)) => health.ready("queue"),
            Ok(Err(error)) => health.not_ready("queue", error.to_string()),
            Err(error) => health.not_ready("queue", error.to_string()),
        }
        env.sleep(PERIOD).await;
    }
}

/// One small commit to ("srv", "probe"), which nobody reads.
async fn write(database: &Database) -> Result<(), Error> {
    let mut transaction = database.begin();
    transaction.atomic_add(Tuple::new().string("srv").string("probe").pack(), 1);
    transaction.commit().await.map(|_| ())
}
