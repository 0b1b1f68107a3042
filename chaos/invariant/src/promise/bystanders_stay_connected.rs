//! A client of a node that lives keeps its connection when another node dies or is stopped (architecture: the product in one paragraph). Told
//! only of runs in which nothing else breaks connections.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Event, History};

pub(super) fn check(history: &History) -> Vec<String> {
    let mut connected = BTreeMap::new();
    let mut going = BTreeSet::new();
    let mut found = Vec::new();
    for event in &history.events {
        match event {
            // A sign-in that a node still answers after it was told to stop, or whose answer was on its way when the node died,
            // makes nobody a bystander.
            Event::Connected { session, node } if !going.contains(node) => {
                connected.insert(*session, *node);
            }
            Event::NodeKilled { node, .. } | Event::NodeStopping { node, .. } => {
                connected.retain(|_, at| at != node);
                going.insert(*node);
            }
            Event::NodeBack { node } => {
                going.remove(node);
            }
            Event::ConnectionLost { session } => {
                if let Some(node) = connected.remove(session) {
                    found.push(format!(
                        "session {} of node {node}, which lives, lost its connection",
                        session.0
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
    use crate::SessionId;

    #[test]
    fn only_clients_of_the_dead_may_be_cut_off() {
        let connected = |session, node| Event::Connected {
            session: SessionId(session),
            node,
        };
        let lost = |session| Event::ConnectionLost {
            session: SessionId(session),
        };
        let killed = Event::NodeKilled { node: 1, micros: 0 };
        let mut history = History {
            events: vec![connected(1, 1), connected(2, 2), killed, lost(1), lost(9)],
        };
        assert!(check(&history).is_empty());
        history.events.push(lost(2));
        assert_eq!(check(&history).len(), 1);
        history
            .events
            .extend([connected(3, 1), Event::NodeStopping { node: 1, micros: 1 }, lost(3)]);
        assert_eq!(check(&history).len(), 1);
    }

    #[test]
    fn an_answer_on_its_way_from_the_dead_makes_no_bystander() {
        let connected = |session| Event::Connected {
            session: SessionId(session),
            node: 1,
        };
        let lost = |session| Event::ConnectionLost {
            session: SessionId(session),
        };
        let killed = Event::NodeKilled { node: 1, micros: 0 };
        let mut history = History {
            events: vec![killed, connected(1), lost(1)],
        };
        assert!(check(&history).is_empty());
        // Once the node is back, its clients are bystanders of what happens to others.
        history
            .events
            .extend([Event::NodeBack { node: 1 }, connected(2), lost(2)]);
        assert_eq!(check(&history).len(), 1);
    }
}
