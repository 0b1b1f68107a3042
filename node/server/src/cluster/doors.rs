//! Where new nodes join: each node writes its own door into the cluster's settings, and a token names those of all who are
//! up, so that it is good also when the node that made it is not there any more.

use std::net::SocketAddr;
use std::time::Duration;

use hongyan_env::Env;
use hongyan_metadata::{Change, ClusterMap, Metadata, NodeState};

/// Settings of doors begin so; the node's number follows.
const DOOR: &str = "join.door.";
/// Doors that a token names, at most: a token is still one line.
const DOORS_MAX: usize = 5;
/// Time between two looks at what the settings say.
const LOOK_EVERY: Duration = Duration::from_secs(2);
const PROPOSE_WITHIN: Duration = Duration::from_secs(5);

/// Keeps this node's door in the settings, for ever; who leads removes those of nodes that left.
pub(super) async fn announce(env: Env, metadata: Metadata, door: Option<SocketAddr>) {
    loop {
        let map = metadata.map();
        let mut changes = Vec::new();
        if map.node(metadata.node()).is_some() {
            let key = format!("{DOOR}{}", metadata.node());
            let value = door.map(|door| door.to_string());
            if map.settings.get(&key) != value.as_ref() {
                changes.push(Change::Set { key, value });
            }
        }
        if metadata.leadership().borrow().here {
            changes.extend(of_gone(&map).map(|key| Change::Set { key, value: None }));
        }
        for change in changes {
            // Tried again with the next look.
            let _ = metadata.propose(change, PROPOSE_WITHIN).await;
        }
        env.sleep(LOOK_EVERY).await;
    }
}

/// The doors that a token of the node behind `own` names: its own first.
pub(super) fn all(map: &ClusterMap, own: SocketAddr) -> Vec<SocketAddr> {
    let up = map.nodes.iter().filter(|(_, record)| record.state == NodeState::Up);
    let doors = up.filter_map(|(id, _)| map.settings.get(&format!("{DOOR}{id}"))?.parse().ok());
    let others = doors.filter(|door| *door != own);
    std::iter::once(own).chain(others).take(DOORS_MAX).collect()
}

fn of_gone(map: &ClusterMap) -> impl Iterator<Item = String> {
    let left = |key: &&String| {
        let node: Option<u64> = key.strip_prefix(DOOR).and_then(|node| node.parse().ok());
        let record = node.and_then(|node| map.nodes.get(&node));
        record.is_some_and(|record| record.state == NodeState::Left)
    };
    map.settings.keys().filter(left).cloned()
}

#[cfg(test)]
mod tests {
    use hongyan_metadata::NodeRecord;

    use super::*;

    #[test]
    fn a_token_names_the_doors_of_those_who_are_up() {
        let door = |node: u64| SocketAddr::from(([192, 0, 2, u8::try_from(node).unwrap()], 7401));
        let mut map = ClusterMap::default();
        for node in 1..=9 {
            let state = match node {
                2 => NodeState::Down,
                3 => NodeState::Left,
                _ => NodeState::Up,
            };
            let record = NodeRecord {
                state,
                ..NodeRecord::default()
            };
            map.nodes.insert(node, record);
            map.settings.insert(format!("{DOOR}{node}"), door(node).to_string());
        }
        assert_eq!(all(&map, door(6)), [6, 1, 4, 5, 7].map(door));
        assert_eq!(of_gone(&map).collect::<Vec<_>>(), ["join.door.3"]);
        assert_eq!(all(&ClusterMap::default(), door(1)), [door(1)], "before it is told");
    }
}
