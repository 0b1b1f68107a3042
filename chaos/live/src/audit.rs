//! After the faults: all must answer again, and then everything is read.

use std::time::Duration;

use hongyan_conformance::imap::Value;
use hongyan_invariant::{Audit, MailboxName, Operation, Outcome, Place, QuotaSeen, Reply};
use hongyan_workload::{Answer, Status};

use crate::client::{Identity, Imap};
use crate::record::Failure;
use crate::world::World;

/// The client that audits.
const AUDITOR: u32 = 9_000;
/// Time in which what was on its way comes to rest.
const REST: Duration = Duration::from_secs(2);
/// How often a mailbox is asked, a second apart, before it counts as dead.
const ATTEMPTS_MAX: usize = 60;

/// Audits every mailbox; what did not come to life again.
pub(crate) async fn audit(world: &World) -> Vec<String> {
    let me = world.identity(AUDITOR, None);
    me.env.sleep(REST).await;
    let mut dead = Vec::new();
    for mailbox in world.mailboxes().into_iter().take(world.plan().clients.audit) {
        if let Err(failure) = audited(world, &me, &mailbox).await {
            dead.push(format!("{} cannot be read in the end: {failure:?}", mailbox.0));
        }
    }
    dead
}

async fn audited(world: &World, me: &Identity, mailbox: &MailboxName) -> Result<(), Failure> {
    let mut last = Failure::Silent;
    for attempt in 0..ATTEMPTS_MAX {
        let operation = Operation::Audit {
            mailbox: mailbox.clone(),
        };
        let call = me.recorder.call(me.client, me.recorder.new_session(), operation);
        match read(world, me, attempt, mailbox).await {
            Ok(audit) => {
                me.recorder.returned(call, Outcome::Done(Reply::Audit(audit)));
                return Ok(());
            }
            Err(failure) => {
                me.recorder.returned(call, Outcome::Unknown);
                last = failure;
            }
        }
        me.env.sleep(Duration::from_secs(1)).await;
    }
    Err(last)
}

async fn read(world: &World, me: &Identity, turn: usize, mailbox: &MailboxName) -> Result<Audit, Failure> {
    let way = world.way_to(turn % world.nodes(), 993);
    let mut imap = Imap::login(me, way, mailbox).await?;
    let mut folders = Vec::new();
    for folder in imap.folders().await? {
        let place = Place {
            mailbox: mailbox.clone(),
            folder: folder.clone(),
        };
        let unread = || Failure::Refused(format!("{} cannot be read", folder.0));
        if imap.select(&place).await? != Status::Ok {
            return Err(unread());
        }
        let look = imap.look(true).await?.ok_or_else(unread)?;
        folders.push((folder, look));
    }
    let answer = imap.run("GETQUOTA \"\"").await?;
    let quota = quota(&answer);
    imap.logout().await;
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
