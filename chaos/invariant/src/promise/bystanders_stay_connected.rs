//! A client of a node that lives keeps its connection when another node dies (architecture: the product in one paragraph). Told
//! only of runs in which nothing else breaks connections.

use std::collections::BTreeMap;

use crate::{Event, History};

pub(super) fn check(history: &History) -> Vec<String> {
    let mut connected = BTreeMap::new();
    let mut found = Vec::new();
    for event in &history.events {
        match event {
            Event::Connected { session, node } => {
                connected.insert(*session, *node);
            }
            Event::NodeKilled { node, .. } => connected.retain(|_, at| at != node),
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
    }
}
