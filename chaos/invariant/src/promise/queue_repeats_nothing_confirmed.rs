//! A mail whose receipt the queue has read and written down is not sent again (architecture: promises of the queue;
//! RFC 5321 §4.5.4.1).

use std::collections::BTreeSet;

use crate::{Event, History, MailId};

pub(super) fn check(history: &History) -> Vec<String> {
    let mut confirmed: BTreeSet<MailId> = BTreeSet::new();
    let mut found = Vec::new();
    for event in &history.events {
        match event {
            Event::Received { mail } if confirmed.contains(mail) => {
                found.push(format!("mail {} was sent again after it was confirmed", mail.0));
            }
            Event::Confirmed { mail } => drop(confirmed.insert(*mail)),
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_in_doubt_is_repeated() {
        let mail = MailId(1);
        let violations = |events| check(&History { events }).len();
        let (received, confirmed) = (Event::Received { mail }, Event::Confirmed { mail });
        assert_eq!(
            violations(vec![received.clone(), received.clone(), confirmed.clone()]),
            0
        );
        assert_eq!(violations(vec![received.clone(), confirmed, received]), 1);
    }
}
