//! A mailbox holds no mail more often than it was put in or copied (architecture: how a message flows, 1).
//!
//! A refused call puts nothing in; one of unknown fate once at most. Moving changes nothing. A sender may keep a copy.

use std::collections::BTreeMap;

use crate::index::{audits, calls, placement};
use crate::{History, MailId, Operation};

pub(super) fn check(history: &History) -> Vec<String> {
    let calls = calls(history);
    let mut found = Vec::new();
    for (mailbox, (audited, audit)) in audits(&calls) {
        let mut at_most: BTreeMap<MailId, usize> = BTreeMap::new();
        for call in calls.iter().filter(|call| call.called < audited && call.may_happen()) {
            match call.operation {
                Operation::Copy { place, messages, .. } if place.mailbox == *mailbox => {
                    for message in messages {
                        *at_most.entry(message.mail).or_default() += 1;
                    }
                }
                Operation::Submit { mail, from } if from == mailbox => *at_most.entry(*mail).or_default() += 1,
                operation => {
                    if let Some((mail, place)) = placement(operation)
                        && place.mailbox == *mailbox
                    {
                        *at_most.entry(mail).or_default() += 1;
                    }
                }
            }
        }
        let mut there: BTreeMap<MailId, usize> = BTreeMap::new();
        for message in audit.folders.iter().flat_map(|(_, look)| &look.messages) {
            if let Some(mail) = message.mail {
                *there.entry(mail).or_default() += 1;
            }
        }
        for (mail, there) in there {
            let at_most = at_most.get(&mail).copied().unwrap_or(0);
            if there > at_most {
                found.push(format!(
                    "{} has mail {} {there} times, at most {at_most} were put in",
                    mailbox.0, mail.0
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
    fn once_put_in_is_once_there() {
        let mut script = Script::default();
        script.delivered(1);
        script.copied("INBOX", 1, 1, "Archive", 1);
        script.audited(vec![
            ("INBOX", look(2, vec![seen(1, 1)])),
            ("Archive", look(2, vec![seen(1, 1)])),
        ]);
        assert!(check(&script.history).is_empty());
        script.audited(vec![
            ("INBOX", look(3, vec![seen(1, 1), seen(2, 1)])),
            ("Archive", look(2, vec![seen(1, 1)])),
        ]);
        assert_eq!(check(&script.history).len(), 1);
    }

    #[test]
    fn a_refused_mail_is_not_there() {
        let mut script = Script::default();
        let deliver = Operation::Deliver {
            mail: MailId(5),
            mailbox: Script::mailbox(),
        };
        script.refused(deliver);
        script.audited(vec![("INBOX", look(2, vec![seen(1, 5)]))]);
        assert_eq!(check(&script.history).len(), 1);
    }
}
