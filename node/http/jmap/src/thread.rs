//! Thread (RFC 8621 §3).

use std::collections::BTreeMap;

use hongyan_jmap::MethodError;
use hongyan_jmap::method::{Changes as Arguments, Get, GetReply};
use hongyan_jmap::object::Thread;
use hongyan_mailbox::{Changes, EmailId, ThreadId};

use crate::call::Call;
use crate::changes::{Fate, Question, email_fate, touched};
use crate::error::Outcome;
use crate::ids;
use crate::snapshot::Snapshot;

/// Thread/get (RFC 8621 §3.1).
pub(crate) async fn get(call: &mut Call<'_>) -> Outcome<()> {
    let arguments: Get = call.arguments()?;
    call.account.check(&arguments.account_id)?;
    let known = |name: &String| matches!(name.as_str(), "id" | "emailIds");
    if let Some(name) = arguments.properties.iter().flatten().find(|name| !known(name)) {
        return Err(MethodError::arguments(format!("no property {name}")).into());
    }
    let snapshot = call.jmap.snapshot(call.account).await?;
    let max = usize::try_from(call.jmap.settings.core.get_objects_max).unwrap_or(usize::MAX);
    let mut reply = GetReply {
        account_id: &call.account.id,
        state: call.account.state(snapshot.modseq),
        list: Vec::new(),
        not_found: Vec::new(),
    };
    match arguments.ids {
        None => {
            let all: Vec<ThreadId> = snapshot.threads().map(|thread| thread[0].0).take(max + 1).collect();
            if all.len() > max {
                return Err(MethodError::too_large("maxObjectsInGet").into());
            }
            reply
                .list
                .extend(all.into_iter().filter_map(|id| thread(&snapshot, id)));
        }
        Some(ids) if ids.len() > max => return Err(MethodError::too_large("maxObjectsInGet").into()),
        Some(ids) => {
            for id in ids {
                match ids::read_thread(&id).and_then(|id| thread(&snapshot, id)) {
                    Some(found) => reply.list.push(found),
                    None => reply.not_found.push(id),
                }
            }
        }
    }
    call.answer(&reply)
}

/// RFC 8621 §3: oldest first, by the time of arrival.
fn thread(snapshot: &Snapshot, id: ThreadId) -> Option<Thread> {
    let mut emails: BTreeMap<EmailId, _> = BTreeMap::new();
    for (_, email, folder, uid) in snapshot.thread(id) {
        let Some(entry) = snapshot.view(*folder).and_then(|view| view.get(*uid)) else {
            continue;
        };
        let received = emails.entry(*email).or_insert(entry.internal_date);
        *received = (*received).min(entry.internal_date);
    }
    let mut emails: Vec<_> = emails.into_iter().map(|(email, received)| (received, email)).collect();
    emails.sort_unstable();
    (!emails.is_empty()).then(|| Thread {
        id: ids::thread(id),
        email_ids: emails.into_iter().map(|(_, email)| ids::email(email)).collect(),
    })
}

/// Thread/changes (RFC 8621 §3.2).
pub(crate) async fn changes(call: &mut Call<'_>) -> Outcome<()> {
    let arguments: Arguments = call.arguments()?;
    let question = Question::read(call, &arguments)?;
    let snapshot = call.jmap.snapshot(call.account).await?;
    let changes = question.changes(call, &snapshot).await?;
    let page = question.page(fates(&changes, &snapshot), &changes, &snapshot);
    let reply = page.reply(call.account, arguments.since_state, |id| ids::thread(ThreadId(id)));
    call.answer(&reply)
}

/// A thread changes when one of its emails comes or goes; its id is that of the mail that began it.
fn fates(changes: &Changes, snapshot: &Snapshot) -> BTreeMap<u64, Fate> {
    let mut fates = BTreeMap::new();
    for (email, (thread, may_have_hidden)) in touched(changes, snapshot) {
        let existed = EmailId(thread.0) < changes.email_next_before;
        match email_fate(email, may_have_hidden, changes, snapshot) {
            Some(Fate::Created | Fate::Destroyed) => {}
            // The mail that began a thread may be gone since; what came after it is told as a change, so the beginning is told here.
            None if !existed => {}
            _ => continue,
        }
        let fate = match (existed, snapshot.thread(thread).is_empty()) {
            (true, false) => Fate::Updated,
            (false, false) => Fate::Created,
            (true, true) => Fate::Destroyed,
            (false, true) => continue,
        };
        fates.insert(thread.0, fate);
    }
    fates
}
