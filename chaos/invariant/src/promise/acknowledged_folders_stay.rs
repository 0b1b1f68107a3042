//! A folder that was made is there until somebody renames or deletes it, and then it is gone (RFC 9051 §6.3.4, §6.3.5,
//! §6.3.6). Names are given once, so that a name is there when what gave it surely happened and nothing may have taken it.

use std::collections::BTreeMap;

use crate::index::{Call, audits, calls};
use crate::{FolderName, History, MailboxName, Operation};

#[derive(Default)]
struct Life<'c, 'h> {
    given: Option<&'c Call<'h>>,
    taken: Vec<&'c Call<'h>>,
}

pub(super) fn check(history: &History) -> Vec<String> {
    let calls = calls(history);
    let mut lives: BTreeMap<(&MailboxName, &FolderName), Life<'_, '_>> = BTreeMap::new();
    for call in &calls {
        match call.operation {
            Operation::CreateFolder { place } => {
                lives.entry((&place.mailbox, &place.folder)).or_default().given = Some(call);
            }
            Operation::RenameFolder { place, to } => {
                lives.entry((&place.mailbox, to)).or_default().given = Some(call);
                let life = lives.entry((&place.mailbox, &place.folder)).or_default();
                life.taken.push(call);
            }
            Operation::DeleteFolder { place } => {
                let life = lives.entry((&place.mailbox, &place.folder)).or_default();
                life.taken.push(call);
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    for (mailbox, (audited, audit)) in audits(&calls) {
        for ((_, folder), life) in lives.iter().filter(|((of, _), _)| *of == mailbox) {
            let before = |call: &&Call<'_>| call.called < audited;
            let given = life.given.filter(before);
            let is_there = audit.folders.iter().any(|(name, _)| name == *folder);
            let mut taken = life.taken.iter().copied().filter(before);
            if is_there && !given.is_some_and(Call::may_happen) {
                found.push(format!("{} has a folder {} that nobody made", mailbox.0, folder.0));
            }
            if is_there && life.taken.iter().any(|call| call.is_done() && before(call)) {
                found.push(format!("{} has a folder {} that was taken away", mailbox.0, folder.0));
            }
            if !is_there && given.is_some_and(Call::is_done) && !taken.any(Call::may_happen) {
                found.push(format!("{} lacks a folder {} that was made", mailbox.0, folder.0));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Script, look};

    fn violations(script: &Script) -> usize {
        check(&script.history).len()
    }

    #[test]
    fn what_was_made_is_there_until_it_is_taken() {
        let mut script = Script::default();
        script.done(Script::create("a"));
        script.audited(vec![("a", look(1, vec![]))]);
        assert_eq!(violations(&script), 0);
        script.audited(vec![]);
        assert_eq!(violations(&script), 1);
        script.done(Script::rename("a", "b"));
        script.audited(vec![("b", look(1, vec![]))]);
        assert_eq!(violations(&script), 0);
        script.audited(vec![("a", look(1, vec![])), ("b", look(1, vec![]))]);
        assert_eq!(violations(&script), 1);
        script.unknown(Script::delete("b"));
        script.audited(vec![]);
        assert_eq!(violations(&script), 0);
        script.audited(vec![("b", look(1, vec![]))]);
        assert_eq!(violations(&script), 0);
    }

    #[test]
    fn what_nobody_made_is_not_there() {
        let mut script = Script::default();
        script.refused(Script::create("a"));
        script.audited(vec![("a", look(1, vec![]))]);
        assert_eq!(violations(&script), 1);
    }
}
