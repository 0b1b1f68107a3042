//! What the quota says is used is the sum of what is there: octets of each mail once, messages in all folders
//! (RFC 9208 §5; architecture: how a message flows, 3).

use std::collections::BTreeMap;

use crate::index::{audits, calls};
use crate::{History, MailId};

pub(super) fn check(history: &History) -> Vec<String> {
    let calls = calls(history);
    let mut found = Vec::new();
    for (mailbox, (_, audit)) in audits(&calls) {
        let Some(quota) = audit.quota else { continue };
        let messages = || audit.folders.iter().flat_map(|(_, look)| &look.messages);
        let count = messages().count() as u64;
        let mut octets: BTreeMap<MailId, u64> = BTreeMap::new();
        let mut is_whole = true;
        for message in messages() {
            match message.mail {
                Some(mail) => drop(octets.insert(mail, message.octets)),
                None => is_whole = false,
            }
        }
        let sum: u64 = octets.values().sum();
        if quota.messages != count {
            found.push(format!(
                "{} counts {} messages and has {count}",
                mailbox.0, quota.messages
            ));
        }
        let sum = sum.div_ceil(1024);
        if is_whole && quota.kibibytes != sum {
            found.push(format!("{} counts {} KiB and has {sum}", mailbox.0, quota.kibibytes));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::QuotaSeen;
    use crate::testing::{Script, look, seen};

    #[test]
    fn sums_agree() {
        let folders = || {
            vec![
                ("INBOX", look(3, vec![seen(1, 1), seen(2, 2)])),
                ("Archive", look(2, vec![seen(1, 1)])),
            ]
        };
        let violations = |kibibytes, messages| {
            let mut script = Script::default();
            script.audited_with(folders(), Some(QuotaSeen { kibibytes, messages }));
            check(&script.history).len()
        };
        assert_eq!(violations(1, 3), 0);
        assert_eq!(violations(2, 3), 1);
        assert_eq!(violations(0, 2), 2);
    }
}
