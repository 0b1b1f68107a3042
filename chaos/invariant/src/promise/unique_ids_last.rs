//! A unique-id of POP3 names one mail for ever (RFC 1939 §7). Copies of one mail may share it.

use std::collections::BTreeMap;

use crate::index::{calls, drops};
use crate::{History, MailId, MailboxName};

pub(super) fn check(history: &History) -> Vec<String> {
    let calls = calls(history);
    let mut known: BTreeMap<(&MailboxName, &str), MailId> = BTreeMap::new();
    let mut found = Vec::new();
    for drop in drops(&calls) {
        for message in drop.seen {
            let Some(mail) = message.mail else {
                found.push(format!(
                    "{} shows {} (event {}) and not its content",
                    drop.mailbox.0, message.unique, drop.returned
                ));
                continue;
            };
            let before = *known.entry((drop.mailbox, &message.unique)).or_insert(mail);
            if before != mail {
                found.push(format!(
                    "{} names mails {} and {} with unique-id {}",
                    drop.mailbox.0, before.0, mail.0, message.unique
                ));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Script;

    #[test]
    fn one_unique_id_one_mail() {
        let mut script = Script::default();
        script.maildrop(&[("a", 1), ("b", 2)]);
        script.maildrop(&[("b", 2)]);
        assert!(check(&script.history).is_empty());
        script.maildrop(&[("a", 2)]);
        assert_eq!(check(&script.history).len(), 1);
    }
}
