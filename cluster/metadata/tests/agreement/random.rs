//! Whatever happens in whatever order: nothing acknowledged is lost, and all end with the same map.

use std::time::Duration;

use hongyan_metadata::{Change, NodeId};

use crate::harness::{Cluster, env, simulate};

/// What one run did, for comparison with another of the same seed.
async fn run(seed: u64) -> Vec<String> {
    let chance = env(seed ^ 0xabcd);
    let below = |bound: u64| chance.random_u64() % bound;
    let mut cluster = Cluster::new(seed);
    cluster.options.snapshot_entries = 10 + below(30);
    cluster.options.kept_entries = below(10);
    cluster.found().await;
    for _ in 0..4 {
        cluster.join().await;
    }
    cluster.settle().await;
    let mut history = Vec::new();
    let mut acknowledged = Vec::new();
    for step in 0..60 {
        let any = 1 + below(5);
        match below(8) {
            0 if cluster.nodes.len() > 3 && cluster.nodes.contains_key(&any) => cluster.crash(any).await,
            1 => cluster.network.isolate(NodeId(any)),
            2 => cluster.network.cut(NodeId(any), NodeId(1 + below(5))),
            3 => cluster.network.heal_all(),
            4 => {
                let down: Vec<u64> = (1..=5).filter(|id| !cluster.nodes.contains_key(id)).collect();
                for id in down {
                    // A full disk fails the start.
                    let _ = cluster.start(id).await;
                }
            }
            5 => {
                let full = below(2) == 0;
                cluster.disk(any).set_full(full);
            }
            _ => {}
        }
        if let Some(node) = cluster.nodes.get(&any) {
            let key = format!("key {step}");
            let change = Change::Set {
                key: key.clone(),
                value: Some("x".to_owned()),
            };
            let outcome = node.propose(change, Duration::from_millis(50 + below(2000))).await;
            history.push(format!("{step} {any} {outcome:?} {}", chance.now_micros()));
            if outcome.is_ok() {
                acknowledged.push(key);
            }
        }
    }
    cluster.network.heal_all();
    for id in 1..=5 {
        cluster.disk(id).set_full(false);
        if !cluster.nodes.contains_key(&id) {
            cluster.start(id).await.unwrap();
        }
    }
    cluster.settle().await;
    for key in &acknowledged {
        assert!(
            cluster.map(1).settings.contains_key(key),
            "seed {seed}: {key} was acknowledged"
        );
    }
    history.push(format!(
        "{} acknowledged, version {}",
        acknowledged.len(),
        cluster.map(1).version
    ));
    history
}

#[test]
fn nothing_acknowledged_is_lost() {
    for seed in 100..130 {
        simulate(run(seed));
    }
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let first = simulate(run(7));
    assert_eq!(first, simulate(run(7)));
    assert_ne!(first, simulate(run(8)));
}
