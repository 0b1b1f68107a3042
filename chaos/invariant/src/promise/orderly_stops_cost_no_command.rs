//! No command fails while a node hands over what it owns, stops in good order and comes back (architecture: the product in one
//! paragraph). A node that was told to stop finishes what has reached it and says goodbye between commands; only a command that
//! crosses the goodbye on its way gets it for an answer. Told only of runs in which nothing else goes wrong.

use std::collections::BTreeMap;

use crate::{Event, Failure, History};

/// How long a command may be on its way to the node.
const CROSSING_MICROS: u64 = 50_000;

pub(super) fn check(history: &History) -> Vec<String> {
    let mut stopping = BTreeMap::new();
    let mut found = Vec::new();
    for event in &history.events {
        match event {
            Event::NodeStopping { node, micros } => {
                stopping.insert(*node, *micros);
            }
            Event::NodeBack { node } => {
                stopping.remove(node);
            }
            Event::Failed {
                node,
                what,
                began_micros,
                failure,
            } => {
                let may_be = match (failure, stopping.get(node)) {
                    (Failure::NoWelcome, Some(_)) => true,
                    (Failure::Goodbye, Some(told)) => began_micros + CROSSING_MICROS >= *told,
                    _ => false,
                };
                if !may_be {
                    found.push(format!("{what} failed at node {node}: {failure:?}"));
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

    fn failed(node: u32, began_micros: u64, failure: Failure) -> Event {
        Event::Failed {
            node,
            what: "NOOP".to_owned(),
            began_micros,
            failure,
        }
    }

    fn count(events: &[Event]) -> usize {
        check(&History {
            events: events.to_vec(),
        })
        .len()
    }

    #[test]
    fn a_node_that_stops_may_say_goodbye_between_commands() {
        let stopping = Event::NodeStopping {
            node: 1,
            micros: 900_000,
        };
        let back = Event::NodeBack { node: 1 };
        let crossed = failed(1, 870_000, Failure::Goodbye);
        let refused = Failure::Refused("NO [UNAVAILABLE]".to_owned());
        assert_eq!(count(&[stopping.clone(), crossed.clone()]), 0);
        assert_eq!(count(&[stopping.clone(), failed(1, 910_000, Failure::NoWelcome)]), 0);
        assert_eq!(
            count(&[stopping.clone(), failed(1, 100_000, Failure::Goodbye)]),
            1,
            "it had arrived"
        );
        assert_eq!(count(&[stopping.clone(), failed(1, 910_000, Failure::Broken)]), 1);
        assert_eq!(count(&[stopping.clone(), failed(1, 910_000, refused.clone())]), 1);
        assert_eq!(count(&[stopping.clone(), failed(2, 910_000, Failure::Goodbye)]), 1);
        assert_eq!(count(&[stopping, back, crossed]), 1, "it is back");
        assert_eq!(count(&[failed(1, 910_000, Failure::NoWelcome)]), 1);
        assert_eq!(count(&[failed(1, 910_000, refused)]), 1);
    }
}
