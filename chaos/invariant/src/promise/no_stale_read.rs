//! No session reads an older state than it was told of (architecture: how a message flows, 3): neither a message's
//! MODSEQ nor the newest UID goes back within a session, whether it opens the folder again or goes on.

use std::collections::BTreeMap;

use crate::index::{calls, sights};
use crate::{History, Place, SessionId};

#[derive(Default)]
struct Told {
    last_uid: u32,
    uid_next: u32,
    modseqs: BTreeMap<u32, u64>,
}

pub(super) fn check(history: &History) -> Vec<String> {
    let calls = calls(history);
    let mut told: BTreeMap<(SessionId, Place, u32), Told> = BTreeMap::new();
    let mut found = Vec::new();
    for sight in sights(&calls) {
        let key = (sight.session, sight.place.clone(), sight.look.validity);
        let told = told.entry(key).or_default();
        for message in &sight.look.messages {
            let known = told.modseqs.entry(message.uid).or_default();
            if message.modseq < *known {
                found.push(format!(
                    "session {} was told {} UID {} at MODSEQ {known} and reads {}",
                    sight.session.0, sight.place, message.uid, message.modseq
                ));
            }
            if message.uid > told.last_uid && message.uid < told.uid_next {
                found.push(format!(
                    "session {} sees {} UID {} only now, below UIDNEXT {}",
                    sight.session.0, sight.place, message.uid, told.uid_next
                ));
            }
            *known = message.modseq.max(*known);
        }
        let last = sight.look.messages.last().map_or(0, |message| message.uid);
        told.last_uid = told.last_uid.max(last);
        told.uid_next = told
            .uid_next
            .max(sight.look.uid_next.unwrap_or(0))
            .max(told.last_uid + 1);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Script, look, seen};

    #[test]
    fn a_session_goes_forward_only() {
        let mut script = Script::default();
        let mut first = look(2, vec![seen(1, 1)]);
        first.messages[0].modseq = 9;
        script.looked_again("INBOX", first.clone());
        script.looked_again("INBOX", first.clone());
        assert!(check(&script.history).is_empty());
        first.messages[0].modseq = 8;
        script.looked_again("INBOX", first);
        assert_eq!(check(&script.history).len(), 1);
    }

    #[test]
    fn what_is_new_is_newer_than_what_was_told() {
        let mut script = Script::default();
        script.looked_again("INBOX", look(5, vec![seen(1, 1)]));
        script.looked_again("INBOX", look(5, vec![seen(1, 1), seen(5, 5)]));
        assert!(check(&script.history).is_empty());
        let mut script = Script::default();
        script.looked_again("INBOX", look(5, vec![seen(1, 1)]));
        script.looked_again("INBOX", look(5, vec![seen(1, 1), seen(3, 5)]));
        assert_eq!(check(&script.history).len(), 1);
    }
}
