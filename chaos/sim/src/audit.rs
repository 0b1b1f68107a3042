//! After the faults: all must come to rest and answer, and then everything is read.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use hongyan_conformance::imap::Value;
use hongyan_invariant::{
    Audit, ClientId, Event, FolderName, MailId, MailboxName, Operation, Outcome, Place, QuotaSeen, Reply,
};
use hongyan_workload::{Answer, Status};

use crate::client::{Identity, Imap, Lost};
use crate::world::{World, client_address, node_address};

/// The client that audits.
const AUDITOR: u32 = 200;
/// Time in which a healed system must answer every mailbox.
const ANSWER_SECS_MAX: u64 = 120;
/// Time in which mail for elsewhere must have left, deferred or not.
const LEAVE_SECS_MAX: u64 = 2 * 3600;
/// Time in which what was on its way comes to rest: commits that outlive their nodes, mail in the queue for a mailbox.
const REST: Duration = Duration::from_secs(65);
/// The same for a cluster, whose nodes never stop talking to each other: what its queue still holds is waited for anyway.
const CLUSTER_REST: Duration = Duration::from_secs(15);
/// Time in which mail in the queue for a mailbox must have reached it.
const QUEUE_SECS_MAX: u64 = 1800;
/// Time between two looks.
const PERIOD: Duration = Duration::from_secs(10);

/// Audits every mailbox; what did not come to life again.
pub(crate) async fn audit(world: &World) -> Vec<String> {
    let me = Identity {
        client: ClientId(AUDITOR),
        env: world.env(client_address(AUDITOR), 0xa0d1),
        recorder: world.recorder().clone(),
    };
    let mut stuck = Vec::new();
    let rest = if world.cluster().is_some() { CLUSTER_REST } else { REST };
    me.env.sleep(rest).await;
    if !queue_is_empty(world, &me).await {
        stuck.push(format!("the queue is not empty after {QUEUE_SECS_MAX} s"));
    }
    if !mail_left(world, &me).await {
        stuck.push(format!("mail for elsewhere is still here after {LEAVE_SECS_MAX} s"));
    }
    for mailbox in world.mailboxes() {
        if !audited(world, &me, &mailbox).await {
            stuck.push(format!("{} does not answer in {ANSWER_SECS_MAX} s", mailbox.0));
        }
    }
    stuck
}

async fn queue_is_empty(world: &World, me: &Identity) -> bool {
    for _ in 0..QUEUE_SECS_MAX / PERIOD.as_secs() {
        if world.queue_is_empty().await {
            return true;
        }
        me.env.sleep(PERIOD).await;
    }
    false
}

/// Waits until all mail for elsewhere that was acknowledged has left.
async fn mail_left(world: &World, me: &Identity) -> bool {
    for _ in 0..LEAVE_SECS_MAX / PERIOD.as_secs() {
        let is_left = world.recorder().with(|history| {
            let mut owed: BTreeSet<MailId> = BTreeSet::new();
            // It may be there before its sender has heard that it was taken.
            let mut received: BTreeSet<MailId> = BTreeSet::new();
            let mut submitted = std::collections::BTreeMap::new();
            for event in &history.events {
                match event {
                    Event::Call {
                        call,
                        operation: Operation::Submit { mail, .. },
                        ..
                    } => drop(submitted.insert(*call, *mail)),
                    Event::Return {
                        call,
                        outcome: Outcome::Done(_),
                    } => owed.extend(submitted.get(call)),
                    Event::Received { mail } => drop(received.insert(*mail)),
                    _ => {}
                }
            }
            owed.is_subset(&received)
        });
        if is_left {
            return true;
        }
        me.env.sleep(PERIOD).await;
    }
    false
}

async fn audited(world: &World, me: &Identity, mailbox: &MailboxName) -> bool {
    let began = me.env.now_micros();
    let mut node = 0;
    while me.env.now_micros() - began < ANSWER_SECS_MAX * 1_000_000 {
        let operation = Operation::Audit {
            mailbox: mailbox.clone(),
        };
        let session = me.recorder.new_session();
        let call = me.recorder.call(me.client, session, operation);
        let address = SocketAddr::new(node_address(node % world.nodes()), 143);
        match read(me, address, mailbox).await {
            Ok(audit) => {
                me.recorder.returned(call, Outcome::Done(Reply::Audit(audit)));
                return true;
            }
            Err(Lost) => me.recorder.returned(call, Outcome::Unknown),
        }
        node += 1;
        me.env.sleep(Duration::from_secs(1)).await;
    }
    false
}

async fn read(me: &Identity, address: SocketAddr, mailbox: &MailboxName) -> Result<Audit, Lost> {
    let mut imap = Imap::login(me, address, mailbox).await?;
    let mut folders: Vec<(FolderName, hongyan_invariant::Look)> = Vec::new();
    for folder in imap.folders().await? {
        let place = Place {
            mailbox: mailbox.clone(),
            folder: folder.clone(),
        };
        if imap.select(&place).await? != Status::Ok {
            return Err(Lost);
        }
        let look = match imap.look(true).await? {
            Some(look) => look,
            // One that cannot be read must not hide the others.
            None => imap.look_at_each().await?.ok_or(Lost)?,
        };
        folders.push((folder, look));
    }
    let answer = imap.run("GETQUOTA \"\"").await?;
    let quota = quota(&answer);
    let _ = imap.run("LOGOUT").await;
    Ok(Audit { folders, quota })
}

/// `* QUOTA "" (STORAGE 1 100 MESSAGE 2 100)`
fn quota(answer: &Answer) -> Option<QuotaSeen> {
    let resources = answer.data.iter().find_map(|values| match values.as_slice() {
        [Value::Atom(word), _, resources] if word == "QUOTA" => Some(resources),
        _ => None,
    })?;
    let used = |name: &str| resources.item(name)?.text()?.parse().ok();
    Some(QuotaSeen {
        kibibytes: used("STORAGE")?,
        messages: used("MESSAGE")?,
    })
}
