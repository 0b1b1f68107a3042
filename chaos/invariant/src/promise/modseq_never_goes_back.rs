//! A folder's HIGHESTMODSEQ and a message's MODSEQ never go back, and one MODSEQ of a message means one state of it
//! (RFC 7162 §3.1).

use std::collections::{BTreeMap, BTreeSet};

use crate::index::{Sight, calls, sights};
use crate::{History, Place};

pub(super) fn check(history: &History) -> Vec<String> {
    let calls = calls(history);
    let sights = sights(&calls);
    let mut found = Vec::new();
    let mut by_place: BTreeMap<(&Place, u32), Vec<&Sight<'_>>> = BTreeMap::new();
    for sight in &sights {
        by_place
            .entry((&sight.place, sight.look.validity))
            .or_default()
            .push(sight);
    }
    for sights in by_place.values() {
        states(sights, &mut found);
        order(sights, &mut found);
    }
    found
}

fn states(sights: &[&Sight<'_>], found: &mut Vec<String>) {
    let mut states: BTreeMap<(u32, u64), &BTreeSet<String>> = BTreeMap::new();
    for sight in sights {
        for message in &sight.look.messages {
            let before = *states.entry((message.uid, message.modseq)).or_insert(&message.flags);
            if *before != message.flags {
                found.push(format!(
                    "{} has UID {} at MODSEQ {} with {before:?} and with {:?}",
                    sight.place, message.uid, message.modseq, message.flags
                ));
            }
        }
    }
}

fn order(sights: &[&Sight<'_>], found: &mut Vec<String>) {
    let fresh = || sights.iter().copied().filter(|sight| sight.is_fresh);
    let mut earlier: Vec<&Sight<'_>> = fresh().collect();
    earlier.sort_by_key(|sight| sight.returned);
    let mut later: Vec<&Sight<'_>> = fresh().collect();
    later.sort_by_key(|sight| sight.called);
    let mut at = 0;
    let mut highest = 0;
    let mut messages: BTreeMap<u32, u64> = BTreeMap::new();
    for sight in later {
        while let Some(before) = earlier.get(at).filter(|before| before.returned < sight.called) {
            at += 1;
            highest = before.look.highest_modseq.unwrap_or(0).max(highest);
            for message in &before.look.messages {
                let known = messages.entry(message.uid).or_default();
                *known = message.modseq.max(*known);
            }
        }
        if let Some(now) = sight.look.highest_modseq.filter(|now| *now < highest) {
            found.push(format!(
                "{} goes back from HIGHESTMODSEQ {highest} to {now}",
                sight.place
            ));
        }
        for message in &sight.look.messages {
            let known = messages.get(&message.uid).copied().unwrap_or(0);
            if message.modseq < known {
                found.push(format!(
                    "{} shows UID {} at MODSEQ {} after {known}",
                    sight.place, message.uid, message.modseq
                ));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Script, look, seen};

    #[test]
    fn modseqs_grow() {
        let mut script = Script::default();
        let mut first = look(2, vec![seen(1, 1)]);
        first.highest_modseq = Some(7);
        first.messages[0].modseq = 7;
        script.looked("INBOX", first.clone());
        script.looked("INBOX", first.clone());
        assert!(check(&script.history).is_empty());
        let mut second = first.clone();
        second.messages[0].flags.insert("\\Seen".to_owned());
        script.looked("INBOX", second);
        assert_eq!(check(&script.history).len(), 1);
        let mut third = first;
        third.highest_modseq = Some(6);
        third.messages[0].modseq = 6;
        script.looked("INBOX", third);
        assert_eq!(check(&script.history).len(), 3);
    }
}
