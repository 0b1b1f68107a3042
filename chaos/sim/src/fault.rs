//! What goes wrong while clients work: one thing after the other, at random times.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::plan::Faults;
use crate::probe::Probe;
use crate::world::{World, client_address, node_address};

/// Longest time that one thing stays wrong.
const SPAN_MILLIS_MAX: u64 = 8_000;
/// What a slow store takes at most for a read or a commit.
const SLOW_STORE_MICROS_MAX: u64 = 600_000;

#[derive(Debug, Clone, Copy)]
enum Kind {
    Kill,
    Restart,
    Pause,
    Cut,
    Block,
    StoreCut,
    Part,
    Sever,
    Slow,
    Roll,
    SlowStore,
    StaleDisk,
    Clone,
    FullDisk,
}

/// Makes things go wrong until `is_over`.
pub(crate) async fn disturb(world: World, is_over: Rc<Cell<bool>>) {
    let mut random = StdRng::seed_from_u64(world.seed() ^ 0x6661_756c);
    let faults = world.plan().faults.clone();
    let kinds = [
        (faults.kill, Kind::Kill),
        (faults.restart, Kind::Restart),
        (faults.pause, Kind::Pause),
        (faults.cut, Kind::Cut),
        (faults.block, Kind::Block),
        (faults.store_cut, Kind::StoreCut),
        (faults.part, Kind::Part),
        (faults.sever, Kind::Sever),
        (faults.slow, Kind::Slow),
        (faults.roll, Kind::Roll),
        (faults.slow_store, Kind::SlowStore),
        (faults.stale_disk, Kind::StaleDisk),
        (faults.clone, Kind::Clone),
        (faults.full_disk, Kind::FullDisk),
    ];
    let total: u32 = kinds.iter().map(|(weight, _)| weight).sum();
    if faults.event_millis == 0 || total == 0 {
        return;
    }
    while !is_over.get() {
        let wait = random.random_range(0..=2 * faults.event_millis);
        tokio::time::sleep(Duration::from_millis(wait)).await;
        let mut draw = random.random_range(0..total);
        let kind = kinds.iter().find_map(|(weight, kind)| match draw.checked_sub(*weight) {
            None => Some(*kind),
            Some(rest) => {
                draw = rest;
                None
            }
        });
        if faults.is_vigil && !crate::vigil::at_rest(&world).await {
            return;
        }
        if let (Some(kind), false) = (kind, is_over.get()) {
            strike(&world, kind, &mut random).await;
        }
    }
}

async fn strike(world: &World, kind: Kind, random: &mut StdRng) {
    let node = random.random_range(0..world.nodes());
    // Short ones are the more telling: what was begun before goes on after.
    let longest = SPAN_MILLIS_MAX >> random.random_range(0..8);
    let span = Duration::from_millis(random.random_range(0..=longest));
    let recorder = world.recorder();
    recorder
        .log()
        .line(format_args!("{kind:?} of node {node} for {span:?}"));
    match kind {
        Kind::Kill => {
            if let Some(life) = world.take(node) {
                if world.plan().faults.is_vigil {
                    crate::vigil::begin(world, node);
                }
                world.lost(node, life.kill().await);
                if world.plan().faults.is_vigil {
                    crate::vigil::watch(world, node).await;
                    crate::vigil::end(world, node);
                } else {
                    tokio::time::sleep(span).await;
                }
                world.start(node);
            }
        }
        Kind::Restart => {
            if let Some(life) = world.take(node) {
                life.stop().await;
                world.start(node);
                recorder.probe(Probe::Restarted);
            }
        }
        Kind::Pause => {
            world.with_node(node, crate::node::NodeLife::pause);
            tokio::time::sleep(span).await;
            world.with_node(node, crate::node::NodeLife::open);
            recorder.probe(Probe::Paused);
        }
        Kind::Cut => {
            let count = world.network().cut_host(node_address(node));
            recorder.log().line(format_args!("{count} connections cut"));
        }
        Kind::Block => block(world, node, span, random).await,
        Kind::StoreCut => {
            world.with_node(node, |life| life.cut_store(true));
            tokio::time::sleep(span).await;
            world.with_node(node, |life| life.cut_store(false));
        }
        Kind::Sever => sever(world, node, span, random).await,
        Kind::Part | Kind::Slow => {
            let Some(cluster) = world.cluster() else { return };
            if matches!(kind, Kind::Part) {
                cluster.part(node, random);
                recorder.probe(Probe::Parted);
            } else {
                cluster.slow();
                recorder.probe(Probe::Slow);
            }
            tokio::time::sleep(span).await;
            cluster.heal();
            cluster.set_faults(&world.plan().faults);
        }
        Kind::Roll => crate::rolling::roll(world, node).await,
        Kind::SlowStore => {
            world.set_faults(&Faults {
                store_delay_micros_max: SLOW_STORE_MICROS_MAX,
                ..world.plan().faults.clone()
            });
            tokio::time::sleep(span).await;
            world.set_faults(&world.plan().faults);
            recorder.probe(Probe::SlowStore);
        }
        Kind::StaleDisk => crate::disk::bring_back_old(world, node, span, random).await,
        Kind::Clone => crate::disk::clone(world, node, span).await,
        Kind::FullDisk => crate::disk::fill(world, node, span).await,
    }
}

/// The way between two nodes, one way or both; the others reach both.
async fn sever(world: &World, node: usize, span: Duration, random: &mut StdRng) {
    let Some(cluster) = world.cluster() else { return };
    let other = (node + random.random_range(1..world.nodes())) % world.nodes();
    cluster.sever(node, other, random.random_range(1..=3));
    let log = world.recorder().log();
    log.line(format_args!("node {node} and node {other} are cut from each other"));
    if world.plan().faults.is_vigil {
        crate::vigil::watch_cut(world, node, other).await;
    }
    tokio::time::sleep(span).await;
    cluster.heal();
    world.recorder().probe(Probe::Parted);
}

/// A link between a node and a client, one way or both.
async fn block(world: &World, node: usize, span: Duration, random: &mut StdRng) {
    let clients = u32::try_from(world.plan().clients).unwrap_or(1).max(1);
    let (here, there) = (node_address(node), client_address(random.random_range(0..clients)));
    let ways = random.random_range(1..=3);
    if ways & 1 != 0 {
        world.network().block(here, there);
    }
    if ways & 2 != 0 {
        world.network().block(there, here);
    }
    tokio::time::sleep(span).await;
    world.network().open(here, there);
    world.network().open(there, here);
    world.recorder().probe(Probe::Blocked);
}
