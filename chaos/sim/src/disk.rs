//! What goes wrong with the disk on which a node keeps its part of the cluster: an old copy comes back, a copy runs beside its
//! original, it is full.

use std::time::Duration;

use rand::RngExt;
use rand::rngs::StdRng;

use crate::node::NodeLife;
use crate::probe::Probe;
use crate::world::World;

/// How long a node runs with the wrong disk before somebody notices what the operator did.
const WRONG_FOR: Duration = Duration::from_secs(6);

/// A node is killed, and comes back with its disk as it was one or two lives and a while before. Once that is seen, the right disk
/// is put back.
pub(crate) async fn bring_back_old(world: &World, node: usize, span: Duration, random: &mut StdRng) {
    let Some(cluster) = world.cluster() else { return };
    let old = cluster.copy_disk(node);
    // Copies are of an earlier life: whatever a node promised in it may be missing, and its starts tell.
    for _ in 0..random.random_range(1..=2) {
        let Some(life) = world.take(node) else { return };
        world.lost(node, life.kill().await);
        world.start(node);
        tokio::time::sleep(span + Duration::from_secs(2)).await;
    }
    let Some(life) = world.take(node) else { return };
    world.lost(node, life.kill().await);
    let right = cluster.copy_disk(node);
    cluster.set_disk(node, old);
    world.start(node);
    tokio::time::sleep(WRONG_FOR).await;
    if world.with_node(node, NodeLife::is_refused).unwrap_or(false) {
        world.recorder().probe(Probe::CopyRefused);
    }
    if let Some(life) = world.take(node) {
        let _ = life.kill().await;
    }
    cluster.set_disk(node, right);
    world.start(node);
}

/// A copy of the node's disk is started on another machine while the node lives, and then the copy is taken away.
pub(crate) async fn clone(world: &World, node: usize, span: Duration) {
    if world.cluster().is_none() {
        return;
    }
    let copy = world.start_copy(node);
    tokio::time::sleep(span).await;
    if copy.is_refused() {
        world.recorder().probe(Probe::CopyRefused);
    }
    let _ = copy.kill().await;
    // The copy may have been taken for the node, and the node for the copy.
    if world.with_node(node, NodeLife::is_refused).unwrap_or(false) {
        if let Some(life) = world.take(node) {
            world.lost(node, life.kill().await);
        }
        world.start(node);
    }
}

/// The disk takes no more writes for a while.
pub(crate) async fn fill(world: &World, node: usize, span: Duration) {
    let Some(cluster) = world.cluster() else { return };
    cluster.fill_disk(node, true);
    tokio::time::sleep(span).await;
    cluster.fill_disk(node, false);
    world.recorder().probe(Probe::DiskFull);
}
