//! Watches how long every mailbox takes to answer after one node was killed, while nothing else goes wrong.

use std::net::SocketAddr;
use std::time::Duration;

use hongyan_invariant::{ClientId, Event, FolderName, MailboxName, Place};

use hongyan_workload::Status;

use crate::client::{Identity, Imap, Lost};
use crate::cluster::is_served;
use crate::probe::Probe;
use crate::world::{World, client_address, node_address};

/// The first of the clients that watch; one a mailbox.
const WATCHER: u32 = 100;
/// How long a mailbox is waited for: far longer than it may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);
/// How long the cluster is waited for to be whole, and the time between two looks.
const REST_SECS_MAX: u64 = 60;
const LOOK: Duration = Duration::from_millis(50);

/// Waits until every partition is served and every node serves some; false when that does not happen.
pub(crate) async fn at_rest(world: &World) -> bool {
    for _ in 0..Duration::from_secs(REST_SECS_MAX).as_millis() / LOOK.as_millis() {
        if is_served(world) {
            return true;
        }
        tokio::time::sleep(LOOK).await;
    }
    world
        .recorder()
        .log()
        .line(format_args!("the cluster does not come to rest"));
    false
}

/// The node `killed` dies this moment: what its clients see from now on is no bystander's.
pub(crate) fn begin(world: &World, killed: usize) {
    world.recorder().event(Event::NodeKilled {
        node: u32::try_from(killed).unwrap_or(u32::MAX),
        micros: world.recorder().log().now_micros(),
    });
}

/// The node `killed` is about to start again: who signs in there from now on is a bystander of what happens to others.
pub(crate) fn end(world: &World, killed: usize) {
    world.recorder().event(Event::NodeBack {
        node: u32::try_from(killed).unwrap_or(u32::MAX),
    });
}

/// The node `killed` has died: asks every mailbox, at the nodes that live, until it answers.
pub(crate) async fn watch(world: &World, killed: usize) {
    let living = world.nodes() - 1;
    watch_at(world, |index| (killed + 1 + index % living) % world.nodes()).await;
    world.recorder().probe(Probe::TakenOver);
}

/// The nodes `one` and `other` do not reach each other from this moment on: asks every mailbox, at these two, until it answers.
pub(crate) async fn watch_cut(world: &World, one: usize, other: usize) {
    world.recorder().event(Event::NodesCut {
        micros: world.recorder().log().now_micros(),
    });
    for ends in [[one, other], [other, one]] {
        watch_at(world, |index| ends[index % 2]).await;
    }
}

/// Asks every mailbox, at the node that `place` says, until it answers.
async fn watch_at(world: &World, place: impl Fn(usize) -> usize) {
    let mut watching = Vec::new();
    for (index, mailbox) in world.mailboxes().into_iter().enumerate() {
        let node = place(index);
        watching.push(tokio::task::spawn_local(watch_one(world.clone(), index, mailbox, node)));
    }
    for watcher in watching {
        let _ = watcher.await;
    }
}

async fn watch_one(world: World, index: usize, mailbox: MailboxName, node: usize) {
    let number = WATCHER + u32::try_from(index % 100).unwrap_or(0);
    let me = Identity {
        client: ClientId(number),
        env: world.env(client_address(number), u64::from(number) << 24),
        recorder: world.recorder().clone(),
    };
    let address = SocketAddr::new(node_address(node), 143);
    let answer = async {
        while look(&me, address, &mailbox).await.is_err() {
            me.env.sleep(LOOK).await;
        }
    };
    let _ = me.env.timeout(ANSWER_WITHIN, answer).await;
    world.recorder().event(Event::MailboxAnswered {
        mailbox,
        micros: world.recorder().log().now_micros(),
    });
}

async fn look(me: &Identity, address: SocketAddr, mailbox: &MailboxName) -> Result<(), Lost> {
    let mut imap = Imap::login(me, address, mailbox).await?;
    let place = Place {
        mailbox: mailbox.clone(),
        folder: FolderName::inbox(),
    };
    let status = imap.select(&place).await?;
    let _ = imap.run("LOGOUT").await;
    if status == Status::Ok { Ok(()) } else { Err(Lost) }
}
