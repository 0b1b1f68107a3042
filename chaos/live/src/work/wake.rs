//! Brings all mailboxes into use: each gets a mail.

use std::cell::Cell;
use std::rc::Rc;

use anyhow::{Result, ensure};
use hongyan_invariant::{MailboxName, Operation};
use hongyan_workload::content::text;

use crate::client::{Identity, Kind, Smtp};
use crate::record::Failure;
use crate::world::World;

/// Connections at a time.
const CONNECTIONS: usize = 12;
/// Clients are numbered from here on.
const WAKER: u32 = 8_000;
/// The sender.
const FROM: &str = "dawn@outside.test";

/// Delivers one mail to each mailbox.
pub(crate) async fn wake_all(world: &World) -> Result<()> {
    let next = Rc::new(Cell::new(0));
    let workers: Vec<_> = (0..CONNECTIONS)
        .map(|index| {
            let (world, next) = (world.clone(), Rc::clone(&next));
            tokio::task::spawn_local(async move { wake(&world, index, &next).await })
        })
        .collect();
    for worker in workers {
        let done = worker.await?;
        ensure!(done.is_ok(), "wake the mailboxes: {done:?}");
    }
    Ok(())
}

async fn wake(world: &World, index: usize, next: &Cell<usize>) -> Result<(), Failure> {
    let me = world.identity(WAKER + u32::try_from(index).unwrap_or(0), None);
    let mailboxes = world.mailboxes();
    let way = world.mail_way(Kind::Lmtp, index);
    let mut connection = Smtp::open(&me, Kind::Lmtp, way).await?;
    loop {
        let number = next.get();
        next.set(number + 1);
        let Some(mailbox) = mailboxes.get(number) else { break };
        deliver(&me, &mut connection, mailbox).await?;
    }
    connection.quit().await;
    Ok(())
}

async fn deliver(me: &Identity, connection: &mut Smtp, mailbox: &MailboxName) -> Result<(), Failure> {
    let mail = me.recorder.new_mail();
    let operation = Operation::Deliver {
        mail,
        mailbox: mailbox.clone(),
    };
    let call = me.recorder.call(me.client, me.recorder.new_session(), operation);
    let text = text(mail, FROM, &mailbox.0);
    let (outcome, usable) = connection.deliver(FROM, &mailbox.0, &text).await;
    me.recorder.returned(call, outcome);
    usable
}
