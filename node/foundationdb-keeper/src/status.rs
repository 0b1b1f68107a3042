//! FoundationDB's status document, as far as decisions and health need it.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde_json::Value;

use crate::plan::Redundancy;

/// Why a status document cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatusError {
    /// It is not JSON.
    #[error("FoundationDB's status is no JSON: {0}")]
    Syntax(String),
}

/// How a cluster is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterStatus {
    /// Whether it serves transactions.
    pub available: bool,
    /// Whether all data has its copies and none has to be moved for safety.
    pub healthy: bool,
    /// How many copies are kept; `None` when it is not known or a mode that only a person chooses.
    pub redundancy: Option<Redundancy>,
    /// The coordinators.
    pub coordinators: Vec<SocketAddr>,
    /// The servers that take part.
    pub servers: Vec<SocketAddr>,
    /// The servers that are to hold nothing, whether they run or not.
    pub excluded: Vec<SocketAddr>,
    /// What each server that runs stores, in octets; those that store nothing are not in it.
    pub stored: BTreeMap<SocketAddr, u64>,
    /// What FoundationDB complains of, in its words.
    pub messages: Vec<String>,
}

impl ClusterStatus {
    /// Reads the document that `status json` prints. What is missing counts as bad.
    ///
    /// # Errors
    /// When it is no JSON.
    pub fn parse(text: &str) -> Result<Self, StatusError> {
        let document: Value = serde_json::from_str(text).map_err(|error| StatusError::Syntax(error.to_string()))?;
        let is = |pointer: &str| document.pointer(pointer).and_then(Value::as_bool).unwrap_or_default();
        let all = |pointer: &str| {
            document
                .pointer(pointer)
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default()
        };
        let text_at = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let coordinators = all("/client/coordinators/coordinators");
        let processes = document.pointer("/cluster/processes").and_then(Value::as_object);
        let redundancy = document.pointer("/cluster/configuration/redundancy_mode");
        let mut messages = Vec::new();
        for message in all("/client/messages").iter().chain(&all("/cluster/messages")) {
            messages.extend(text_at(message, "description"));
        }
        let stored = processes
            .into_iter()
            .flat_map(|processes| processes.values())
            .filter_map(|process| Some((address(&text_at(process, "address")?)?, stored(process)?)))
            .collect();
        let mut servers: Vec<_> = processes
            .into_iter()
            .flat_map(|processes| processes.values())
            .filter(|process| process.get("excluded").and_then(Value::as_bool) != Some(true))
            .filter_map(|process| address(&text_at(process, "address")?))
            .collect();
        servers.sort();
        servers.dedup();
        Ok(Self {
            available: is("/client/database_status/available"),
            healthy: is("/client/database_status/healthy"),
            redundancy: redundancy.and_then(Value::as_str).and_then(Redundancy::named),
            coordinators: coordinators
                .iter()
                .filter_map(|coordinator| address(&text_at(coordinator, "address")?))
                .collect(),
            servers,
            excluded: all("/cluster/configuration/excluded_servers")
                .iter()
                .filter_map(|server| address(&text_at(server, "address")?))
                .collect(),
            stored,
            messages,
        })
    }
}

/// What a process stores; `None` when it has no storage, or tells nothing of it.
fn stored(process: &Value) -> Option<u64> {
    let roles = process.get("roles").and_then(Value::as_array)?;
    let octets = |role: &Value| role.get("stored_bytes").and_then(Value::as_u64);
    let stored: u64 = roles.iter().filter_map(octets).sum();
    (stored > 0).then_some(stored)
}

fn address(text: &str) -> Option<SocketAddr> {
    text.strip_suffix(":tls").unwrap_or(text).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{ClusterStatus, StatusError};
    use crate::plan::Redundancy;

    #[test]
    fn reads_what_decisions_need() {
        let text = r#"{
            "client": {
                "coordinators": {"coordinators": [
                    {"address": "127.0.0.1:4500", "reachable": true},
                    {"address": "127.0.0.1:4501:tls", "reachable": false}
                ]},
                "database_status": {"available": true, "healthy": false},
                "messages": [{"name": "x", "description": "Cluster file is not writable."}]
            },
            "cluster": {
                "configuration": {"redundancy_mode": "double",
                    "excluded_servers": [{"address": "127.0.0.1:4502"}, {"locality": "locality_zoneid:x"}]},
                "processes": {
                    "a1": {"address": "127.0.0.1:4501:tls"},
                    "b2": {"address": "127.0.0.1:4500", "excluded": false},
                    "c3": {"address": "127.0.0.1:4502", "excluded": true, "roles": [
                        {"role": "log"}, {"role": "storage", "stored_bytes": 700}, {"role": "storage", "stored_bytes": 77}]}
                },
                "messages": [{"description": "Unable to read."}]
            }
        }"#;
        let place = |port: u16| std::net::SocketAddr::from(([127, 0, 0, 1], port));
        let expect = ClusterStatus {
            available: true,
            healthy: false,
            redundancy: Some(Redundancy::Double),
            coordinators: vec![place(4500), place(4501)],
            servers: vec![place(4500), place(4501)],
            excluded: vec![place(4502)],
            stored: [(place(4502), 777)].into(),
            messages: vec!["Cluster file is not writable.".to_owned(), "Unable to read.".to_owned()],
        };
        assert_eq!(ClusterStatus::parse(text), Ok(expect));
    }

    #[test]
    fn what_is_missing_counts_as_bad() {
        let nothing = ClusterStatus::parse("{}").unwrap();
        assert!(!nothing.available && !nothing.healthy && nothing.redundancy.is_none());
        let broken = ClusterStatus::parse("The coordinator(s) have no record");
        assert!(matches!(broken, Err(StatusError::Syntax(_))), "{broken:?}");
    }
}
