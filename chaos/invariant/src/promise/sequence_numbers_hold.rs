//! A client can count: no EXPUNGE while it may be using sequence numbers or has not asked anything, and every number is
//! of a message that it has been told of (RFC 9051 §7.4.1, §7.5.1).

use std::collections::BTreeMap;

use crate::{Event, History, SessionId, Wire};

/// Commands during whose answer no message may be said to be gone (RFC 9051 §7.5.1).
const WITHOUT_EXPUNGE: &[&str] = &["FETCH", "STORE", "SEARCH"];

#[derive(Default)]
struct Count {
    is_selected: bool,
    exists: u32,
    open: Vec<(String, String, bool)>,
}

pub(super) fn check(history: &History) -> Vec<String> {
    let mut counts: BTreeMap<SessionId, Count> = BTreeMap::new();
    let mut found = Vec::new();
    for event in &history.events {
        let Event::Wire { session, wire } = event else { continue };
        let count = counts.entry(*session).or_default();
        if let Some(text) = count.follow(wire) {
            found.push(format!("session {}: {text}", session.0));
        }
    }
    found
}

impl Count {
    fn follow(&mut self, wire: &Wire) -> Option<String> {
        match wire {
            Wire::Selected { exists } => {
                self.is_selected = true;
                self.exists = *exists;
                None
            }
            Wire::Command { tag, name, by_uid } => {
                self.open.push((tag.clone(), name.clone(), *by_uid));
                None
            }
            Wire::Completed { tag } => {
                self.open.retain(|(open, ..)| open != tag);
                None
            }
            _ if !self.is_selected => None,
            Wire::Exists(now) => {
                let before = std::mem::replace(&mut self.exists, *now);
                (*now < before).then(|| format!("{before} messages become {now} without an EXPUNGE"))
            }
            Wire::Fetch(number) => {
                (*number == 0 || *number > self.exists).then(|| format!("FETCH of message {number} of {}", self.exists))
            }
            Wire::Expunge(number) => {
                let (exists, number) = (self.exists, *number);
                self.exists = exists.saturating_sub(1);
                if number == 0 || number > exists {
                    return Some(format!("EXPUNGE of message {number} of {exists}"));
                }
                if self.open.is_empty() {
                    return Some("EXPUNGE with no command in progress".to_owned());
                }
                let counting = self
                    .open
                    .iter()
                    .find(|(_, name, by_uid)| !by_uid && WITHOUT_EXPUNGE.contains(&&**name));
                counting.map(|(_, name, _)| format!("EXPUNGE during {name}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn violations(wires: Vec<Wire>) -> usize {
        let events = wires.into_iter().map(|wire| Event::Wire {
            session: SessionId(1),
            wire,
        });
        let history = History {
            events: events.collect(),
        };
        check(&history).len()
    }
    fn command(name: &str, by_uid: bool) -> Wire {
        Wire::Command {
            tag: "a".to_owned(),
            name: name.to_owned(),
            by_uid,
        }
    }
    fn completed() -> Wire {
        Wire::Completed { tag: "a".to_owned() }
    }

    #[test]
    fn expunges_come_where_they_may() {
        let selected = Wire::Selected { exists: 3 };
        let good = vec![
            selected.clone(),
            command("NOOP", false),
            Wire::Expunge(3),
            Wire::Exists(4),
            Wire::Fetch(4),
            completed(),
            command("FETCH", true),
            Wire::Expunge(1),
            completed(),
        ];
        assert_eq!(violations(good), 0);
        assert_eq!(violations(vec![selected.clone(), Wire::Expunge(1)]), 1);
        assert_eq!(
            violations(vec![selected.clone(), command("STORE", false), Wire::Expunge(1)]),
            1
        );
        assert_eq!(
            violations(vec![selected.clone(), command("NOOP", false), Wire::Expunge(4)]),
            1
        );
        assert_eq!(violations(vec![selected.clone(), Wire::Exists(2)]), 1);
        assert_eq!(violations(vec![selected, Wire::Fetch(4)]), 1);
    }
}
