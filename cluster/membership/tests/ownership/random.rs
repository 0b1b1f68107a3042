//! Any faults in any order.

use std::time::Duration;

use hongyan_membership::NodeId;
use hongyan_metadata::{Change, NodeState};

use crate::harness::{Cluster, env, simulate};

async fn run(seed: u64) -> Vec<String> {
    let chance = env(seed ^ 0x5eed, 0);
    let below = |bound: u64| chance.random_u64() % bound;
    let rates = (1..=4)
        .map(|id| (id, i32::try_from(below(100_000)).unwrap() - 50_000))
        .collect();
    let mut cluster = Cluster::with_rates(seed, 4, rates).await;
    let mut history = Vec::new();
    for step in 0..25 {
        let any = 1 + below(4);
        match below(10) {
            0 | 1 if cluster.ids().len() > 2 && cluster.ids().contains(&any) => cluster.crash(any).await,
            2 => cluster.network.isolate(NodeId(any)),
            3 => cluster.network.cut(NodeId(any), NodeId(1 + below(4))),
            4 | 5 => cluster.network.heal_all(),
            6 => {
                let down: Vec<u64> = (1..=4).filter(|id| !cluster.ids().contains(id)).collect();
                for id in down {
                    cluster.start(id).await;
                }
            }
            7 => cluster.set_able(any, below(2) == 0),
            _ => {
                let state = if below(2) == 0 {
                    NodeState::Draining
                } else {
                    NodeState::Up
                };
                let node = cluster.nodes.lock().values().next().cloned().unwrap();
                let change = Change::SetState { node: any, state };
                let _ = node.metadata.propose(change, Duration::from_millis(200)).await;
            }
        }
        tokio::time::sleep(Duration::from_millis(below(1500))).await;
        history.push(format!("{step} {} {:?}", chance.now_micros(), cluster.shares()));
    }
    cluster.network.heal_all();
    for id in 1..=4 {
        cluster.set_able(id, true);
        if !cluster.ids().contains(&id) {
            cluster.start(id).await;
        }
    }
    let took = cluster.until("all is served", Cluster::is_all_served).await;
    for node in 1..=4 {
        let up = |cluster: &Cluster| cluster.map().nodes[&node].state != NodeState::Down;
        cluster.until("it is back", up).await;
        if cluster.map().nodes[&node].state == NodeState::Draining {
            let state = NodeState::Up;
            cluster.propose(Change::SetState { node, state }).await;
        }
    }
    cluster.settle().await;
    history.push(format!("{took:?} {:?}", cluster.shares()));
    history
}

#[test]
fn never_two_owners_and_in_the_end_one() {
    for seed in 200..208 {
        simulate(run(seed));
    }
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let first = simulate(run(9));
    assert_eq!(first, simulate(run(9)));
}
