//! Stays connected to one node and waits in IDLE for news of one mailbox, as a mail program does all day.

use std::time::Duration;

use hongyan_invariant::{FolderName, MailboxName, Place};
use rand::RngExt;
use rand::rngs::StdRng;

use super::read::look;
use super::{RETRY, pause, random};
use crate::client::{Identity, Imap};
use crate::record::Failure;
use crate::world::World;

/// Longest time in one IDLE.
const IDLE_MILLIS_MAX: u64 = 4_000;

pub(super) struct Watcher {
    world: World,
    me: Identity,
    random: StdRng,
    mailbox: MailboxName,
    node: usize,
}

impl Watcher {
    pub(super) fn new(world: &World, client: u32, index: usize) -> Self {
        let mailboxes = world.mailboxes();
        Self {
            me: world.identity(client, None),
            random: random(world, client),
            mailbox: mailboxes[index % mailboxes.len()].clone(),
            node: index % world.nodes(),
            world: world.clone(),
        }
    }
    pub(super) async fn work(mut self) {
        while !self.world.is_over() {
            if self.session().await.is_err() {
                self.me.env.sleep(RETRY).await;
            }
        }
    }
    async fn session(&mut self) -> Result<(), Failure> {
        let place = Place {
            mailbox: self.mailbox.clone(),
            folder: FolderName::inbox(),
        };
        let way = self.world.way_to(self.node, 993);
        let mut imap = Imap::login(&self.me, way, &self.mailbox).await?;
        look(&self.me, &mut imap, &place, true).await?;
        while !self.world.is_over() {
            let span = Duration::from_millis(self.random.random_range(1..IDLE_MILLIS_MAX));
            if imap.idle(span).await? && self.random.random_bool(0.2) {
                look(&self.me, &mut imap, &place, false).await?;
            }
            self.me.env.sleep(pause(&self.world)).await;
        }
        imap.logout().await;
        Ok(())
    }
}
