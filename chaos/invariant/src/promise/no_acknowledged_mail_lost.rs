//! What was acknowledged is there until somebody removes it (architecture: the product; RFC 5321 §6.1).
//!
//! An audit owes each mail as often as it was surely put in or copied, less what anybody tried to expunge. A fresh look
//! owes what was put into that folder before it, unless somebody tried to move or expunge it before the look was over; so does
//! a maildrop. A mail delivered may wait in the queue while its mailbox cannot answer: looks owe it once it has been seen. What was
//! in a folder that somebody tried to delete is not owed.

use std::collections::{BTreeMap, BTreeSet};

use crate::index::{Call, Lineage, audits, calls, drops, lineage, place_of, placement, sights};
use crate::{Event, FolderName, History, MailId, MailboxName, Operation, Place, Reply};

pub(super) fn check(history: &History) -> Vec<String> {
    let calls = calls(history);
    let mut found = Vec::new();
    missing_in_audits(&calls, &mut found);
    missing_in_looks(&calls, &mut found);
    never_received(history, &calls, &mut found);
    found
}

fn missing_in_audits(calls: &[Call<'_>], found: &mut Vec<String>) {
    let lineage = lineage(calls);
    for (mailbox, (audited, audit)) in audits(calls) {
        let mut owed: BTreeMap<MailId, usize> = BTreeMap::new();
        let mut removed: BTreeSet<(&FolderName, u32, MailId)> = BTreeSet::new();
        let mut fetched: BTreeMap<MailId, usize> = BTreeMap::new();
        for call in calls.iter().filter(|call| call.called < audited) {
            match call.operation {
                Operation::Copy { place, to, .. } if place.mailbox == *mailbox => {
                    // Only what the reply names was there to be copied.
                    let Some(Reply::Placed { messages, .. }) = call.reply() else {
                        continue;
                    };
                    if lineage.may_be_gone(mailbox, to) {
                        continue;
                    }
                    for message in messages {
                        *owed.entry(message.mail).or_default() += 1;
                    }
                }
                Operation::Expunge { place, messages } if place.mailbox == *mailbox && call.may_happen() => {
                    removed.extend(
                        messages
                            .iter()
                            .map(|message| (&place.folder, message.uid, message.mail)),
                    );
                }
                Operation::Move { place, messages, to }
                    if place.mailbox == *mailbox && call.may_happen() && lineage.may_be_gone(mailbox, to) =>
                {
                    removed.extend(
                        messages
                            .iter()
                            .map(|message| (&place.folder, message.uid, message.mail)),
                    );
                }
                Operation::EmptyMaildrop { mailbox: of, mails } if of == mailbox && call.may_happen() => {
                    for mail in mails {
                        *fetched.entry(*mail).or_default() += 1;
                    }
                }
                operation => {
                    if let Some((mail, place)) = placement(operation)
                        && place.mailbox == *mailbox
                        && call.is_done()
                        && !is_in_gone(operation, &lineage)
                    {
                        *owed.entry(mail).or_default() += 1;
                    }
                }
            }
        }
        let present = audit.folders.iter().flat_map(|(_, look)| &look.messages);
        let mut there: BTreeMap<MailId, usize> = BTreeMap::new();
        for mail in present.filter_map(|message| message.mail) {
            *there.entry(mail).or_default() += 1;
        }
        for (mail, owed) in owed {
            let gone = removed.iter().filter(|(_, _, removed)| *removed == mail).count()
                + fetched.get(&mail).copied().unwrap_or(0);
            let there = there.get(&mail).copied().unwrap_or(0);
            if there + gone < owed {
                found.push(format!(
                    "{} owes mail {} {owed} times less {gone} and has it {there} times",
                    mailbox.0, mail.0
                ));
            }
        }
    }
}

/// Whether a mail was put into a folder that may be deleted.
fn is_in_gone<'h>(operation: &'h Operation, lineage: &Lineage<'h>) -> bool {
    match operation {
        Operation::Append { place, .. } => lineage.may_be_gone(&place.mailbox, &place.folder),
        _ => false,
    }
}

fn missing_in_looks(calls: &[Call<'_>], found: &mut Vec<String>) {
    let mut put: BTreeMap<Place, Vec<(MailId, usize)>> = BTreeMap::new();
    let sights = sights(calls);
    let mut first_seen: BTreeMap<(&Place, MailId), usize> = BTreeMap::new();
    for sight in &sights {
        for mail in sight.look.messages.iter().filter_map(|message| message.mail) {
            let first = first_seen.entry((&sight.place, mail)).or_insert(sight.returned);
            *first = sight.returned.min(*first);
        }
    }
    // When somebody first tried to take a mail out of a folder of the mailbox.
    let mut taken: BTreeMap<(&MailboxName, MailId), usize> = BTreeMap::new();
    for call in calls {
        match call.operation {
            Operation::Move { place, messages, .. } | Operation::Expunge { place, messages } if call.may_happen() => {
                for message in messages {
                    let first = taken.entry((&place.mailbox, message.mail)).or_insert(call.called);
                    *first = call.called.min(*first);
                }
            }
            Operation::EmptyMaildrop { mailbox, mails } if call.may_happen() => {
                for mail in mails {
                    let first = taken.entry((mailbox, *mail)).or_insert(call.called);
                    *first = call.called.min(*first);
                }
            }
            operation => {
                let (Some((mail, place)), Some(mut done)) = (placement(operation), call.done_at()) else {
                    continue;
                };
                if matches!(operation, Operation::Deliver { .. }) {
                    match first_seen.get(&(&place, mail)) {
                        Some(seen) => done = done.max(*seen),
                        None => continue,
                    }
                }
                put.entry(place).or_default().push((mail, done));
            }
        }
    }
    let mut owe = |place: &Place, called: usize, returned: usize, seen: &BTreeSet<MailId>| {
        for (mail, done) in put.get(place).into_iter().flatten() {
            let is_taken = taken
                .get(&(&place.mailbox, *mail))
                .is_some_and(|taken| *taken < returned);
            if *done < called && !is_taken && !seen.contains(mail) {
                found.push(format!(
                    "{place} was acknowledged mail {} (event {done}) and does not show it (event {returned})",
                    mail.0
                ));
            }
        }
    };
    for sight in sights.iter().filter(|sight| sight.is_fresh) {
        let seen = sight.look.messages.iter().filter_map(|message| message.mail).collect();
        owe(&sight.place, sight.called, sight.returned, &seen);
    }
    for drop in drops(calls) {
        let seen = drop.seen.iter().filter_map(|message| message.mail).collect();
        let inbox = place_of(drop.mailbox, &FolderName::inbox());
        owe(&inbox, drop.called, drop.returned, &seen);
    }
}

/// Mail for elsewhere, once the audits say that everything has come to rest.
fn never_received(history: &History, calls: &[Call<'_>], found: &mut Vec<String>) {
    if audits(calls).is_empty() {
        return;
    }
    let received: BTreeSet<MailId> = history
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Received { mail } => Some(*mail),
            _ => None,
        })
        .collect();
    for call in calls {
        if let Operation::Submit { mail, .. } = call.operation
            && call.is_done()
            && !received.contains(mail)
        {
            found.push(format!("mail {} for elsewhere was acknowledged and never left", mail.0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Script, look, seen};

    fn violations(script: &Script) -> usize {
        check(&script.history).len()
    }

    #[test]
    fn an_acknowledged_mail_is_owed() {
        let mut script = Script::default();
        script.delivered(1);
        script.looked("INBOX", look(2, vec![seen(1, 1)]));
        script.audited(vec![("INBOX", look(2, vec![seen(1, 1)]))]);
        assert_eq!(violations(&script), 0);
        script.looked("INBOX", look(2, vec![]));
        assert_eq!(violations(&script), 1);
        script.audited(vec![("INBOX", look(2, vec![]))]);
        assert_eq!(violations(&script), 3);
    }

    #[test]
    fn a_mail_of_unknown_fate_is_not_owed() {
        let mut script = Script::default();
        script.unknown(Operation::Deliver {
            mail: MailId(1),
            mailbox: Script::mailbox(),
        });
        script.audited(vec![("INBOX", look(1, vec![]))]);
        assert_eq!(violations(&script), 0);
    }

    #[test]
    fn what_somebody_may_have_expunged_is_not_owed_but_its_copy_is() {
        let mut script = Script::default();
        script.delivered(1);
        script.copied("INBOX", 1, 1, "Archive", 1);
        script.unknown(Script::expunge("INBOX", 1, 1));
        script.audited(vec![("INBOX", look(2, vec![])), ("Archive", look(2, vec![seen(1, 1)]))]);
        assert_eq!(violations(&script), 0);
        script.audited(vec![("INBOX", look(2, vec![])), ("Archive", look(2, vec![]))]);
        assert_eq!(violations(&script), 1);
    }

    #[test]
    fn a_move_loses_nothing_whatever_became_of_it() {
        let mut script = Script::default();
        script.delivered(1);
        script.unknown(Script::moving("INBOX", 1, 1, "Archive"));
        script.looked("INBOX", look(2, vec![]));
        script.audited(vec![("INBOX", look(2, vec![])), ("Archive", look(2, vec![seen(1, 1)]))]);
        assert_eq!(violations(&script), 0);
        script.audited(vec![("INBOX", look(2, vec![])), ("Archive", look(2, vec![]))]);
        assert_eq!(violations(&script), 1);
    }

    #[test]
    fn what_was_in_a_deleted_folder_is_not_owed_whatever_its_name_was() {
        let mut script = Script::default();
        script.done(Script::create("own"));
        script.appended("own", 1, 1);
        script.appended("INBOX", 1, 2);
        script.done(Script::rename("own", "other"));
        script.unknown(Script::moving("INBOX", 1, 2, "other"));
        script.audited(vec![("other", look(2, vec![]))]);
        assert_eq!(violations(&script), 2);
        script.unknown(Script::delete("other"));
        script.audited(vec![]);
        assert_eq!(violations(&script), 0);
    }

    #[test]
    fn a_maildrop_shows_what_inbox_holds_and_may_be_emptied() {
        let mut script = Script::default();
        script.appended("INBOX", 1, 1);
        script.maildrop(&[("u1", 1)]);
        assert_eq!(violations(&script), 0);
        script.maildrop(&[]);
        assert_eq!(violations(&script), 1);
        script.unknown(Operation::EmptyMaildrop {
            mailbox: Script::mailbox(),
            mails: vec![MailId(1)],
        });
        script.maildrop(&[]);
        script.audited(vec![("INBOX", look(2, vec![]))]);
        assert_eq!(violations(&script), 1);
    }

    #[test]
    fn mail_for_elsewhere_leaves() {
        let mut script = Script::default();
        script.done(Operation::Submit {
            mail: MailId(9),
            from: Script::mailbox(),
        });
        script.audited(vec![("INBOX", look(1, vec![]))]);
        assert_eq!(violations(&script), 1);
        script.history.events.push(Event::Received { mail: MailId(9) });
        assert_eq!(violations(&script), 0);
    }
}
