//! A UID names one message for ever, under one UIDVALIDITY (RFC 9051 §2.3.1.1).

use std::collections::BTreeMap;

use crate::index::{calls, place_of, placement, sights};
use crate::{History, MailId, Operation, Place, Reply};

pub(super) fn check(history: &History) -> Vec<String> {
    let calls = calls(history);
    let mut known: BTreeMap<(Place, u32, u32), MailId> = BTreeMap::new();
    let mut found = Vec::new();
    let mut name = |place: &Place, validity: u32, uid: u32, mail: MailId| {
        let before = *known.entry((place.clone(), validity, uid)).or_insert(mail);
        if before != mail {
            found.push(format!(
                "{place} ({validity}) names mails {} and {} with UID {uid}",
                before.0, mail.0
            ));
        }
    };
    for call in &calls {
        let Some(Reply::Placed { validity, messages }) = call.reply() else {
            continue;
        };
        let place = match call.operation {
            Operation::Copy { place, to, .. } | Operation::Move { place, to, .. } => place_of(&place.mailbox, to),
            operation => match placement(operation) {
                Some((_, place)) => place,
                None => continue,
            },
        };
        for message in messages {
            name(&place, *validity, message.uid, message.mail);
        }
    }
    for sight in sights(&calls) {
        for message in &sight.look.messages {
            if let Some(mail) = message.mail {
                name(&sight.place, sight.look.validity, message.uid, mail);
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
    fn one_uid_one_mail() {
        let mut script = Script::default();
        script.appended("INBOX", 1, 1);
        script.looked("INBOX", look(2, vec![seen(1, 1)]));
        script.looked("INBOX", look(3, vec![seen(2, 2)]));
        assert!(check(&script.history).is_empty());
        script.looked("INBOX", look(3, vec![seen(1, 2)]));
        assert_eq!(check(&script.history).len(), 1);
    }
}
