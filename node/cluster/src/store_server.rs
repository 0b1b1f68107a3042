//! Which nodes look after a server of the data store, and which of these servers are being emptied so that their nodes can
//! leave: what stands of it in the cluster's settings.
//!
//! - `foundationdb.machine.<node>`: address, and data centre if it has one; written by the node.
//! - `foundationdb.backup`: `running` or `stopping`, while each node runs an agent; else nothing or `none`.
//! - `foundationdb.leaving.<node>`: `emptying`, `emptied` or `returning`, and the address; the operator's wish begins it, and the
//!   keeper beside the leader does it.
//!
//! Decides nothing and asks no server.

use std::net::SocketAddr;

use hongyan_metadata::{Change, ClusterMap, NodeState};

/// Settings of machines begin so; the node's number follows.
const MACHINE: &str = "foundationdb.machine.";
/// The setting of the backup.
const BACKUP: &str = "foundationdb.backup";
/// Settings of servers that do not simply serve.
const LEAVING: &str = "foundationdb.leaving.";

/// How a node's server of the store stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreServer {
    /// It keeps data.
    Serving,
    /// Its data is to move to the others.
    Emptying,
    /// It holds nothing and may be stopped.
    Emptied,
    /// It is to be given data again.
    Returning,
}

impl StoreServer {
    /// How the server of `node` stands; `None` when it looks after none.
    #[must_use]
    pub fn of(map: &ClusterMap, node: u64) -> Option<Self> {
        if let Some((server, _)) = map
            .settings
            .get(&format!("{LEAVING}{node}"))
            .and_then(|line| read(line))
        {
            return Some(server);
        }
        map.settings
            .contains_key(&format!("{MACHINE}{node}"))
            .then_some(Self::Serving)
    }
    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Serving => "serving",
            Self::Emptying => "emptying",
            Self::Emptied => "emptied",
            Self::Returning => "returning",
        }
    }
    /// The change after which the server of `node`, at `address`, stands so.
    #[must_use]
    pub fn change(self, node: u64, address: SocketAddr) -> Change {
        Change::Set {
            key: format!("{LEAVING}{node}"),
            value: (self != Self::Serving).then(|| format!("{} {address}", self.name())),
        }
    }
    /// Those that do not simply serve, with node and address.
    #[must_use]
    pub fn leaving(map: &ClusterMap) -> Vec<(u64, Self, SocketAddr)> {
        let leaving = |(key, line): (&String, &String)| {
            let (server, address) = read(line)?;
            Some((key.strip_prefix(LEAVING)?.parse().ok()?, server, address))
        };
        map.settings.iter().filter_map(leaving).collect()
    }
    /// Whether it is to keep data.
    #[must_use]
    pub fn keeps(self) -> bool {
        matches!(self, Self::Serving | Self::Returning)
    }
}

fn read(line: &str) -> Option<(StoreServer, SocketAddr)> {
    let (word, address) = line.split_once(' ')?;
    let all = [StoreServer::Emptying, StoreServer::Emptied, StoreServer::Returning];
    let server = all.into_iter().find(|server| server.name() == word)?;
    Some((server, address.parse().ok()?))
}

/// A machine with a server of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreMachine {
    /// Its node.
    pub node: u64,
    /// Where the server listens.
    pub address: SocketAddr,
    /// Its data centre.
    pub data_center: Option<String>,
}

impl StoreMachine {
    /// The setting that says so: key and value.
    #[must_use]
    pub fn setting(&self) -> (String, String) {
        let value = match &self.data_center {
            Some(data_center) => format!("{} {data_center}", self.address),
            None => self.address.to_string(),
        };
        (format!("{MACHINE}{}", self.node), value)
    }
    /// All machines of nodes that have not left.
    #[must_use]
    pub fn all(map: &ClusterMap) -> Vec<Self> {
        let machine = |(key, line): (&String, &String)| {
            let node = key.strip_prefix(MACHINE)?.parse().ok()?;
            if has_left(map, node) {
                return None;
            }
            let (address, data_center) = match line.split_once(' ') {
                Some((address, name)) => (address, Some(name.to_owned())),
                None => (line.as_str(), None),
            };
            Some(Self {
                node,
                address: address.parse().ok()?,
                data_center,
            })
        };
        map.settings.iter().filter_map(machine).collect()
    }
    /// The changes that forget the machines of nodes that left.
    #[must_use]
    pub fn forget_gone(map: &ClusterMap) -> Vec<Change> {
        let gone = |key: &&String| {
            let node = key.strip_prefix(MACHINE).and_then(|node| node.parse().ok());
            node.is_some_and(|node| has_left(map, node))
        };
        let forget = |key: &String| Change::Set {
            key: key.clone(),
            value: None,
        };
        map.settings.keys().filter(gone).map(forget).collect()
    }
}

/// What is wished of the store's backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackupWish {
    /// It goes on.
    Running,
    /// It ends, for which agents are needed still.
    Stopping,
}

impl BackupWish {
    /// The wish; `None` when there is to be no backup.
    #[must_use]
    pub fn of(map: &ClusterMap) -> Option<Self> {
        let word = map.settings.get(BACKUP)?;
        [Self::Running, Self::Stopping]
            .into_iter()
            .find(|wish| wish.name() == word)
    }
    /// The change that makes it the wish.
    #[must_use]
    pub fn change(self) -> Change {
        Change::Set {
            key: BACKUP.to_owned(),
            value: Some(self.name().to_owned()),
        }
    }
    /// The change after which there is to be none, unless another has been begun since this was the wish.
    #[must_use]
    pub fn ended() -> Change {
        Change::Replace {
            key: BACKUP.to_owned(),
            present: Self::Stopping.name().to_owned(),
            value: "none".to_owned(),
        }
    }
    fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Stopping => "stopping",
        }
    }
}

fn has_left(map: &ClusterMap, node: u64) -> bool {
    map.nodes
        .get(&node)
        .is_none_or(|record| record.state == NodeState::Left)
}

#[cfg(test)]
mod tests {
    use hongyan_metadata::NodeRecord;

    use super::*;

    fn address(node: u64) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, u8::try_from(node).unwrap()], 4500))
    }

    fn apply(map: &mut ClusterMap, change: Change) {
        let Change::Set { key, value } = change else {
            panic!("a setting");
        };
        match value {
            Some(value) => map.settings.insert(key, value),
            None => map.settings.remove(&key),
        };
    }

    #[test]
    fn machines_stand_in_the_settings_until_their_nodes_leave() {
        let machine = |node: u64, data_center: Option<&str>| StoreMachine {
            node,
            address: address(node),
            data_center: data_center.map(str::to_owned),
        };
        let mut map = ClusterMap::default();
        for (node, state, data_center) in [
            (1, NodeState::Up, None),
            (2, NodeState::Down, Some("east")),
            (3, NodeState::Left, None),
        ] {
            let record = NodeRecord {
                state,
                ..NodeRecord::default()
            };
            map.nodes.insert(node, record);
            let (key, value) = machine(node, data_center).setting();
            map.settings.insert(key, value);
        }
        assert_eq!(StoreMachine::all(&map), [machine(1, None), machine(2, Some("east"))]);
        for change in StoreMachine::forget_gone(&map) {
            apply(&mut map, change);
        }
        assert_eq!(map.settings.len(), 2);
        assert!(StoreMachine::forget_gone(&map).is_empty());
    }

    #[test]
    fn a_server_is_emptied_and_may_return() {
        let mut map = ClusterMap::default();
        assert_eq!(StoreServer::of(&map, 1), None, "the store is looked after by others");
        let (key, value) = StoreMachine {
            node: 1,
            address: address(1),
            data_center: None,
        }
        .setting();
        map.settings.insert(key, value);
        assert_eq!(StoreServer::of(&map, 1), Some(StoreServer::Serving));
        for server in [StoreServer::Emptying, StoreServer::Emptied, StoreServer::Returning] {
            apply(&mut map, server.change(1, address(1)));
            assert_eq!(StoreServer::of(&map, 1), Some(server));
            assert_eq!(StoreServer::leaving(&map), [(1, server, address(1))]);
        }
        apply(&mut map, StoreServer::Serving.change(1, address(1)));
        assert_eq!(StoreServer::of(&map, 1), Some(StoreServer::Serving));
        assert!(StoreServer::leaving(&map).is_empty());
    }

    #[test]
    fn agents_are_wished_until_a_backup_has_ended() {
        let mut map = ClusterMap::default();
        assert_eq!(BackupWish::of(&map), None);
        for wish in [BackupWish::Running, BackupWish::Stopping] {
            apply(&mut map, wish.change());
            assert_eq!(BackupWish::of(&map), Some(wish));
        }
        let Change::Replace { key, present, value } = BackupWish::ended() else {
            panic!("a setting");
        };
        assert_eq!(map.settings.insert(key, value), Some(present));
        assert_eq!(BackupWish::of(&map), None);
    }
}
