//! Mailbox/changes (RFC 8621 §2.2).

use std::collections::{BTreeMap, BTreeSet};

use hongyan_jmap::method::{Changes as Arguments, ChangesReply};
use hongyan_mailbox::{Changes, FolderId};

use crate::call::Call;
use crate::changes::{Fate, Question, touched};
use crate::error::Outcome;
use crate::ids;
use crate::snapshot::Snapshot;

/// What new, gone and changed messages change of a mailbox.
const COUNTS: &[&str] = &["totalEmails", "unreadEmails", "totalThreads", "unreadThreads"];

pub(crate) async fn changes(call: &mut Call<'_>) -> Outcome<()> {
    let arguments: Arguments = call.arguments()?;
    let question = Question::read(call, &arguments)?;
    let snapshot = call.jmap.snapshot(call.account).await?;
    let changes = question.changes(call, &snapshot).await?;
    let page = question.page(fates(&changes, &snapshot), &changes, &snapshot);
    let folder = |id: u64| u32::try_from(id).map_or(FolderId(0), FolderId);
    let only_counts = page
        .records
        .iter()
        .all(|(id, fate)| *fate == Fate::Updated && !changes.changed.contains(&folder(*id)));
    let reply = ChangesReply {
        updated_properties: Some(only_counts.then_some(COUNTS)),
        ..page.reply(call.account, arguments.since_state, |id| ids::folder(folder(id)))
    };
    call.answer(&reply)
}

fn fates(changes: &Changes, snapshot: &Snapshot) -> BTreeMap<u64, Fate> {
    let sets = [&changes.counted, &changes.changed, &changes.made, &changes.gone];
    let mut folders: BTreeSet<FolderId> = sets.into_iter().flatten().copied().collect();
    // RFC 8621 §2: a thread is unread in a mailbox also by an email of another one.
    for (thread, _) in touched(changes, snapshot).values() {
        folders.extend(snapshot.thread(*thread).iter().map(|(_, _, folder, _)| *folder));
    }
    folders
        .iter()
        .filter_map(|folder| {
            let fate = match (changes.made.contains(folder), snapshot.folder(*folder).is_some()) {
                (true, true) => Fate::Created,
                (false, true) => Fate::Updated,
                (false, false) => Fate::Destroyed,
                (true, false) => return None,
            };
            Some((u64::from(folder.0), fate))
        })
        .collect()
}
