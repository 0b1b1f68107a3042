//! An acknowledged change of a flag is there until another change of it (RFC 9051 §6.4.6).
//!
//! A look may show what any change left that could be the last: not one that another, made after its end, surely replaced.

use std::collections::BTreeMap;

use crate::index::{Call, calls, lineage, sights};
use crate::{FolderName, History, MailboxName, Operation};

pub(super) fn check(history: &History) -> Vec<String> {
    let calls = calls(history);
    // All changes of one flag of one message. UIDs are not reused, so validities need no look.
    let lineage = lineage(&calls);
    let mut changes: BTreeMap<(&MailboxName, &FolderName, u32, &str), Vec<(&Call<'_>, bool)>> = BTreeMap::new();
    for call in calls.iter().filter(|call| call.may_happen()) {
        if let Operation::Flag {
            place,
            messages,
            flag,
            set,
        } = call.operation
        {
            // A session that has it open knows it by a name that it had.
            let first = lineage.first(&place.mailbox, &place.folder);
            for message in messages {
                changes
                    .entry((&place.mailbox, first, message.uid, flag))
                    .or_default()
                    .push((call, *set));
            }
        }
    }
    let mut found = Vec::new();
    let sights = sights(&calls);
    for ((mailbox, first, uid, flag), changes) in &changes {
        let of_it = sights.iter().filter(|sight| {
            let place = &sight.place;
            sight.is_fresh && place.mailbox == **mailbox && lineage.first(&place.mailbox, &place.folder) == *first
        });
        for sight in of_it {
            let Some(message) = sight.look.messages.iter().find(|message| message.uid == *uid) else {
                continue;
            };
            // Without a change that is surely over, the flag is as it was before.
            let last_start = changes
                .iter()
                .filter(|(call, _)| call.done_at().is_some_and(|done| done < sight.called))
                .map(|(call, _)| call.called)
                .max();
            let Some(last_start) = last_start else { continue };
            let is_possible =
                |call: &Call<'_>| call.called < sight.returned && call.done_at().is_none_or(|done| done >= last_start);
            let is_set = message.flags.contains(*flag);
            if !changes.iter().any(|(call, set)| *set == is_set && is_possible(call)) {
                found.push(format!(
                    "{} UID {uid} {} {flag} (event {}) against the last change",
                    sight.place,
                    if is_set { "has" } else { "lacks" },
                    sight.returned
                ));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Script, look, seen};

    #[test]
    fn the_last_change_counts() {
        let mut script = Script::default();
        let mut flagged = look(2, vec![seen(1, 1)]);
        flagged.messages[0].flags.insert("$mine".to_owned());
        script.done(Script::flag("INBOX", 1, 1, "$mine", true));
        script.looked("INBOX", flagged.clone());
        assert!(check(&script.history).is_empty());
        script.looked("INBOX", look(2, vec![seen(1, 1)]));
        assert_eq!(check(&script.history).len(), 1);
        // One of unknown fate may have happened, or may yet.
        script.unknown(Script::flag("INBOX", 1, 1, "$mine", false));
        script.looked("INBOX", flagged.clone());
        script.looked("INBOX", look(2, vec![seen(1, 1)]));
        assert_eq!(check(&script.history).len(), 1);
    }
}
