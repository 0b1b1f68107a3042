//! Who remembers a folder and is told what changed since knows it as it is (RFC 7162 §3.2.5): up to the HIGHESTMODSEQ that it
//! was told, each message has the state it knows, and it knows no message that is gone.

use crate::index::calls;
use crate::{History, Operation, Reply, Resync};

pub(super) fn check(history: &History) -> Vec<String> {
    let mut found = Vec::new();
    for call in &calls(history) {
        if let (Operation::Resync { place }, Some(Reply::Resync(resync))) = (call.operation, call.reply()) {
            let wrong = differences(resync);
            found.extend(wrong.into_iter().map(|what| {
                format!(
                    "{place} since MODSEQ {} (event {}): {what}",
                    resync.since,
                    call.returned.unwrap_or(call.called)
                )
            }));
        }
    }
    found
}

fn differences(resync: &Resync) -> Vec<String> {
    let mut found = Vec::new();
    let told = resync.truth.highest_modseq.unwrap_or(0);
    for message in resync.truth.messages.iter().filter(|message| message.modseq <= told) {
        match resync.known.get(&message.uid) {
            None => found.push(format!("UID {} was not told", message.uid)),
            Some((modseq, flags)) if *modseq != message.modseq || *flags != message.flags => found.push(format!(
                "UID {} is known at MODSEQ {modseq} with {flags:?} and is at {} with {:?}",
                message.uid, message.modseq, message.flags
            )),
            Some(_) => {}
        }
    }
    for uid in resync.known.keys() {
        let is_there = resync.truth.messages.iter().any(|message| message.uid == *uid);
        if !is_there && !resync.vanished.contains(uid) {
            found.push(format!("UID {uid} is known and gone"));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::testing::{Script, look, seen};

    fn resync(known: &[(u32, u64)], there: &[(u32, u64)], vanished: &[u32]) -> usize {
        let known = known
            .iter()
            .map(|(uid, modseq)| (*uid, (*modseq, BTreeSet::new())))
            .collect::<BTreeMap<_, _>>();
        let messages = there.iter().map(|(uid, modseq)| {
            let mut message = seen(*uid, u64::from(*uid));
            message.modseq = *modseq;
            message
        });
        let mut truth = look(9, messages.collect());
        truth.highest_modseq = Some(5);
        let mut script = Script::default();
        script.resynced(Resync {
            since: 3,
            known,
            truth,
            vanished: vanished.iter().copied().collect(),
        });
        check(&script.history).len()
    }

    #[test]
    fn what_is_known_is_what_is_there() {
        assert_eq!(resync(&[(1, 2), (2, 4)], &[(1, 2), (2, 4)], &[]), 0);
        assert_eq!(resync(&[(1, 2)], &[(1, 4)], &[]), 1, "a change not told");
        assert_eq!(resync(&[(1, 2)], &[(1, 6)], &[]), 0, "one that came later");
        assert_eq!(resync(&[], &[(1, 4)], &[]), 1, "a message not told");
        assert_eq!(resync(&[(1, 2)], &[], &[]), 1, "one that is gone");
        assert_eq!(resync(&[(1, 2)], &[], &[1]), 0, "one that went later");
    }
}
