//! What clients do while things go wrong.

mod deliver;
mod probe;
mod read;
mod wake;
mod watch;

use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::task::JoinHandle;

use crate::world::World;

pub(crate) use wake::wake_all;

/// Pause of a client whose connection failed.
const RETRY: Duration = Duration::from_millis(100);
/// Clients are numbered from here on by what they do.
const DELIVER: u32 = 1_000;
const READ: u32 = 2_000;
const WATCH: u32 = 3_000;
const PROBE: u32 = 10_000;

/// Starts all clients of the plan; they end when the world's work is over.
pub(crate) fn start(world: &World) -> Vec<JoinHandle<()>> {
    let clients = &world.plan().clients;
    let number = |index: usize| u32::try_from(index).unwrap_or(0);
    let mut started = Vec::new();
    for index in 0..clients.deliver {
        let client = deliver::Deliverer::new(world, DELIVER + number(index), index);
        started.push(tokio::task::spawn_local(client.work()));
    }
    for index in 0..clients.read {
        let client = read::Reader::new(world, READ + number(index));
        started.push(tokio::task::spawn_local(client.work()));
    }
    for index in 0..clients.watch {
        let client = watch::Watcher::new(world, WATCH + number(index), index);
        started.push(tokio::task::spawn_local(client.work()));
    }
    for node in 0..world.nodes() {
        for mailbox in 0..clients.probe {
            let client = probe::Prober::new(world, PROBE + number(node * 1_000 + mailbox), node, mailbox);
            started.push(tokio::task::spawn_local(client.work()));
        }
    }
    started
}

/// Chance of a client's own.
fn random(world: &World, client: u32) -> StdRng {
    StdRng::seed_from_u64(world.plan().seed ^ (u64::from(client) << 32))
}

fn pause(world: &World) -> Duration {
    Duration::from_millis(world.plan().clients.pause_millis)
}
