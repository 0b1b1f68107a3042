//! Messages appear in the order of their UIDs: who has seen UIDNEXT sees no new message below it later
//! (RFC 9051 §2.3.1.1; architecture: how a message flows, 3).

use std::collections::{BTreeMap, BTreeSet};

use crate::index::{Sight, calls, sights};
use crate::{History, Place};

pub(super) fn check(history: &History) -> Vec<String> {
    let calls = calls(history);
    let sights = sights(&calls);
    let mut found = Vec::new();
    let mut by_place: BTreeMap<&Place, Vec<&Sight<'_>>> = BTreeMap::new();
    for sight in &sights {
        within(sight, &mut found);
        by_place.entry(&sight.place).or_default().push(sight);
    }
    for sights in by_place.values() {
        between(sights, &mut found);
    }
    found
}

fn within(sight: &Sight<'_>, found: &mut Vec<String>) {
    let uids: Vec<u32> = sight.look.messages.iter().map(|message| message.uid).collect();
    if !uids.is_sorted_by(|before, after| before < after) {
        found.push(format!("{} shows UIDs out of order: {uids:?}", sight.place));
    }
    if let (Some(last), Some(next)) = (uids.last(), sight.look.uid_next)
        && *last >= next
        && sight.is_fresh
    {
        found.push(format!(
            "{} shows UID {last}, and {next} is to be the next",
            sight.place
        ));
    }
}

/// What was below UIDNEXT and not there never comes; neither UIDNEXT nor UIDVALIDITY goes back.
fn between(sights: &[&Sight<'_>], found: &mut Vec<String>) {
    let mut earlier: Vec<&Sight<'_>> = sights.iter().copied().filter(|sight| sight.is_fresh).collect();
    earlier.sort_by_key(|sight| sight.returned);
    // Told by the looks that were over so far: the highest UIDNEXT, and who was there below it.
    let mut at = 0;
    let mut told: Option<(u32, u32, BTreeSet<u32>)> = None;
    let mut by_call: Vec<&Sight<'_>> = sights.iter().copied().filter(|sight| sight.is_fresh).collect();
    by_call.sort_by_key(|sight| sight.called);
    for sight in by_call {
        while let Some(before) = earlier.get(at).filter(|before| before.returned < sight.called) {
            at += 1;
            let Some(next) = before.look.uid_next else { continue };
            let validity = before.look.validity;
            if told
                .as_ref()
                .is_none_or(|(old_validity, old, _)| (validity, next) >= (*old_validity, *old))
            {
                let there = before.look.messages.iter().map(|message| message.uid).collect();
                told = Some((validity, next, there));
            }
        }
        let Some((validity, next, there)) = &told else { continue };
        if sight.look.validity < *validity {
            found.push(format!(
                "{} goes back to UIDVALIDITY {}",
                sight.place, sight.look.validity
            ));
        }
        if sight.look.validity != *validity {
            continue;
        }
        if sight.look.uid_next.is_some_and(|now| now < *next) {
            found.push(format!(
                "{} goes back from UIDNEXT {next} to {:?}",
                sight.place, sight.look.uid_next
            ));
        }
        for message in &sight.look.messages {
            if message.uid < *next && !there.contains(&message.uid) {
                found.push(format!(
                    "{} shows UID {} after UIDNEXT was {next} without it",
                    sight.place, message.uid
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
    fn late_comers_below_uid_next_are_found() {
        let mut script = Script::default();
        script.looked("INBOX", look(2, vec![seen(1, 1)]));
        script.looked("INBOX", look(4, vec![seen(1, 1), seen(3, 3)]));
        assert!(check(&script.history).is_empty());
        script.looked("INBOX", look(4, vec![seen(1, 1), seen(2, 2), seen(3, 3)]));
        assert_eq!(check(&script.history).len(), 1);
    }

    #[test]
    fn uid_next_stays_ahead_and_does_not_go_back() {
        let mut script = Script::default();
        script.looked("INBOX", look(5, vec![seen(1, 1)]));
        script.looked("INBOX", look(4, vec![seen(1, 1)]));
        assert_eq!(check(&script.history).len(), 1);
        let mut script = Script::default();
        script.looked("INBOX", look(1, vec![seen(1, 1)]));
        assert_eq!(check(&script.history).len(), 1);
        let mut script = Script::default();
        script.looked("INBOX", look(9, vec![seen(2, 1), seen(1, 2)]));
        assert_eq!(check(&script.history).len(), 1);
    }
}
