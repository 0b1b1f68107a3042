//! Asks one mailbox through one node all the time, each time with a change, which only its owner can make: how long the
//! answer takes is how long the mailbox was away.

use std::time::Duration;

use hongyan_invariant::{FolderName, MailboxName, MessageRef, Operation, Place};
use hongyan_workload::{Act, set_of};

use super::RETRY;
use super::read::{look, make};
use crate::client::{Identity, Imap};
use crate::record::Failure;
use crate::world::World;

/// Where it has a message of its own.
const FOLDER: &str = "Drafts";

pub(super) struct Prober {
    world: World,
    me: Identity,
    mailbox: MailboxName,
    node: usize,
    /// Its keyword; no other client uses it.
    flag: String,
    is_set: bool,
}

impl Prober {
    pub(super) fn new(world: &World, client: u32, node: usize, mailbox: usize) -> Self {
        Self {
            me: world.identity(client, Some(mailbox)),
            mailbox: world.mailboxes()[mailbox].clone(),
            node,
            flag: format!("$probe{node}"),
            is_set: false,
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
            folder: FolderName(FOLDER.to_owned()),
        };
        let way = self.world.way_to(self.node, 993);
        let mut imap = Imap::login(&self.me, way, &self.mailbox).await?;
        look(&self.me, &mut imap, &place, true).await?;
        while imap.known().is_empty() {
            self.append(&mut imap, &place).await?;
            look(&self.me, &mut imap, &place, true).await?;
        }
        let messages: Vec<MessageRef> = imap.known().into_iter().take(1).collect();
        let pause = Duration::from_millis(self.world.plan().clients.probe_millis);
        while !self.world.is_over() {
            self.ask(&mut imap, &place, &messages).await?;
            self.me.env.sleep(pause).await;
        }
        imap.logout().await;
        Ok(())
    }
    async fn append(&self, imap: &mut Imap, place: &Place) -> Result<(), Failure> {
        let mail = self.me.recorder.new_mail();
        make(&self.me, imap, Act::append(mail, place)).await
    }
    async fn ask(&mut self, imap: &mut Imap, place: &Place, messages: &[MessageRef]) -> Result<(), Failure> {
        self.is_set = !self.is_set;
        let sign = if self.is_set { '+' } else { '-' };
        let act = Act {
            command: format!("UID STORE {} {sign}FLAGS ({})", set_of(messages), self.flag),
            first: None,
            operation: Operation::Flag {
                place: place.clone(),
                messages: messages.to_vec(),
                flag: self.flag.clone(),
                set: self.is_set,
            },
        };
        make(&self.me, imap, act).await
    }
}
