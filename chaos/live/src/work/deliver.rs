//! Delivers mail, by SMTP and LMTP in turn.

use hongyan_invariant::{MailboxName, Operation};
use hongyan_workload::content::text;
use rand::RngExt;
use rand::rngs::StdRng;

use super::{RETRY, pause, random};
use crate::client::{Identity, Kind, Smtp};
use crate::record::Failure;
use crate::world::World;

/// Mails on one connection.
const MAILS_MAX: usize = 25;
/// The sender.
const FROM: &str = "friend@outside.test";

pub(super) struct Deliverer {
    world: World,
    me: Identity,
    random: StdRng,
    mailboxes: Vec<MailboxName>,
    turn: usize,
}

impl Deliverer {
    pub(super) fn new(world: &World, client: u32, turn: usize) -> Self {
        Self {
            me: world.identity(client, None),
            random: random(world, client),
            mailboxes: world.mailboxes(),
            world: world.clone(),
            turn,
        }
    }
    pub(super) async fn work(mut self) {
        while !self.world.is_over() {
            let kind = if self.turn.is_multiple_of(2) {
                Kind::Smtp
            } else {
                Kind::Lmtp
            };
            let way = self.world.mail_way(kind, self.turn / 2);
            self.turn += 1;
            match Smtp::open(&self.me, kind, way).await {
                Ok(connection) => self.deliver_all(connection).await,
                Err(_) => self.me.env.sleep(RETRY).await,
            }
        }
    }
    async fn deliver_all(&mut self, mut connection: Smtp) {
        for _ in 0..MAILS_MAX {
            if self.world.is_over() {
                break;
            }
            let usable = match self.deliver(&mut connection).await {
                Ok(()) => Ok(()),
                Err(Failure::Refused(_)) => connection.reset().await,
                Err(failure) => Err(failure),
            };
            if usable.is_err() {
                return self.me.env.sleep(RETRY).await;
            }
            self.me.env.sleep(pause(&self.world)).await;
        }
        connection.quit().await;
    }
    async fn deliver(&mut self, connection: &mut Smtp) -> Result<(), Failure> {
        let recorder = &self.me.recorder;
        let mailbox = self.mailboxes[self.random.random_range(0..self.mailboxes.len())].clone();
        let mail = recorder.new_mail();
        let operation = Operation::Deliver {
            mail,
            mailbox: mailbox.clone(),
        };
        let call = recorder.call(self.me.client, recorder.new_session(), operation);
        let text = text(mail, FROM, &mailbox.0);
        let (outcome, usable) = connection.deliver(FROM, &mailbox.0, &text).await;
        self.me.recorder.returned(call, outcome);
        usable
    }
}
