//! After a node was killed, or two were cut from each other, every mailbox answers again within two seconds (architecture: the
//! product in one paragraph). Told only of runs in which one such thing at a time happens and nothing else.

use crate::{Event, History};

/// The longest time without an answer.
const WITHIN_MICROS: u64 = 2_000_000;

pub(super) fn check(history: &History) -> Vec<String> {
    let mut since: Option<(String, u64)> = None;
    let mut found = Vec::new();
    for event in &history.events {
        match event {
            Event::NodeKilled { node, micros } => since = Some((format!("node {node} was killed"), *micros)),
            Event::NodesCut { micros } => since = Some(("two nodes were cut from each other".to_owned(), *micros)),
            Event::MailboxAnswered { mailbox, micros } => {
                if let Some((what, at)) = &since
                    && micros.saturating_sub(*at) > WITHIN_MICROS
                {
                    found.push(format!(
                        "{} answers {} ms after {what}",
                        mailbox.0,
                        micros.saturating_sub(*at) / 1000
                    ));
                }
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MailboxName;

    #[test]
    fn two_seconds_after_the_last_kill_are_the_limit() {
        let killed = |micros| Event::NodeKilled { node: 1, micros };
        let answered = |micros| Event::MailboxAnswered {
            mailbox: MailboxName("a@sim.test".to_owned()),
            micros,
        };
        let mut history = History {
            events: vec![
                killed(1_000),
                answered(2_001_000),
                killed(9_000_000),
                answered(10_000_000),
            ],
        };
        assert!(check(&history).is_empty());
        history.events.push(answered(11_000_001));
        assert_eq!(check(&history).len(), 1);
        history.events.push(Event::NodesCut { micros: 20_000_000 });
        history.events.push(answered(22_000_000));
        assert_eq!(check(&history).len(), 1);
        history.events.push(answered(22_000_001));
        assert_eq!(check(&history).len(), 2);
    }
}
