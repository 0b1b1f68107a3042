//! One step of a rolling upgrade: a node hands over what it owns, stops, starts as the next release, and serves again.

use std::time::Duration;

use hongyan_metadata::{Change, NodeState};

use crate::cluster::{id, member, shares};
use crate::mutant::Mutant;
use crate::node::NodeLife;
use crate::probe::Probe;
use crate::world::World;

/// How long a node may take to hand over everything; it is stopped then whatever it has.
const DRAIN_MILLIS_MAX: u64 = 20_000;
/// How long a change of state is tried.
const PROPOSE_WITHIN: Duration = Duration::from_secs(10);
/// Time between two looks.
const LOOK_MILLIS: u64 = 20;

pub(crate) async fn roll(world: &World, node: usize) {
    let Some(cluster) = world.cluster() else { return };
    if !set(world, node, NodeState::Draining).await {
        return;
    }
    let mut is_empty = false;
    for _ in 0..DRAIN_MILLIS_MAX / LOOK_MILLIS {
        if shares(world)[node] == 0 {
            is_empty = true;
            break;
        }
        tokio::time::sleep(Duration::from_millis(LOOK_MILLIS)).await;
    }
    let log = world.recorder().log();
    log.line(format_args!("node {node} drained: {is_empty}"));
    if let Some(life) = world.take(node) {
        world.recorder().node_stops(node);
        if world.plan().mutant == Some(Mutant::StopsAtOnce) {
            world.lost(node, life.kill().await);
        } else {
            life.stop().await;
        }
    }
    cluster.upgrade(node);
    world.start(node);
    while !world.with_node(node, NodeLife::is_ready).unwrap_or(true) {
        tokio::time::sleep(Duration::from_millis(LOOK_MILLIS)).await;
    }
    world.recorder().node_is_back(node);
    while member(world, node).await.is_ok() && !set(world, node, NodeState::Up).await {}
    if is_empty {
        world.recorder().probe(Probe::Rolled);
    }
}

/// Has the cluster change what a node does, by way of any node.
async fn set(world: &World, node: usize, state: NodeState) -> bool {
    for by in 0..world.nodes() {
        let by = (node + 1 + by) % world.nodes();
        let Some(member) = world.with_node(by, NodeLife::member).flatten() else {
            continue;
        };
        let change = Change::SetState {
            node: id(node).0,
            state,
        };
        let proposed = member.metadata().propose(change, PROPOSE_WITHIN).await;
        world
            .recorder()
            .log()
            .line(format_args!("node {node} is to be {state:?}: {proposed:?}"));
        if proposed.is_ok() {
            return true;
        }
    }
    false
}
