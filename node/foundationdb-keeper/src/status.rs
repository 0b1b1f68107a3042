//! FoundationDB's status document, as far as decisions and health need it.

use std::collections::{BTreeMap, BTreeSet};
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
#[derive(Debug, Clone, Default, PartialEq, Eq)]
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
    /// How many of the coordinators answer.
    pub coordinators_reachable: usize,
    /// How many machines may be lost before data or service is; `None` when it is not known.
    pub losses_borne: Option<u64>,
    /// Octets of all keys and values, one copy of them.
    pub data_octets: Option<u64>,
    /// Octets that are on their way to other servers.
    pub moving_octets: u64,
    /// Room on the disk of the server that has least, in octets.
    pub free_octets: Option<u64>,
    /// What the servers run: one release but in the middle of an upgrade.
    pub releases: BTreeSet<String>,
    /// Servers and clients that speak another version.
    pub incompatible: Vec<SocketAddr>,
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
        let number = |pointer: &str| document.pointer(pointer).and_then(Value::as_u64);
        let coordinators = all("/client/coordinators/coordinators");
        let processes = document.pointer("/cluster/processes").and_then(Value::as_object);
        let processes: Vec<&Value> = processes.into_iter().flat_map(|processes| processes.values()).collect();
        let redundancy = document.pointer("/cluster/configuration/redundancy_mode");
        let losses = |what: &str| {
            number(&format!(
                "/cluster/fault_tolerance/max_zone_failures_without_losing_{what}"
            ))
        };
        let moving = |which: &str| number(&format!("/cluster/data/moving_data/{which}")).unwrap_or_default();
        let mut servers: Vec<_> = processes
            .iter()
            .filter(|process| process.get("excluded").and_then(Value::as_bool) != Some(true))
            .filter_map(|process| address(&text_at(process, "address")?))
            .collect();
        servers.sort();
        servers.dedup();
        let is_reachable = |coordinator: &&Value| coordinator.get("reachable").and_then(Value::as_bool) == Some(true);
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
            stored: processes
                .iter()
                .filter_map(|process| Some((address(&text_at(process, "address")?)?, stored(process)?)))
                .collect(),
            coordinators_reachable: coordinators.iter().filter(is_reachable).count(),
            losses_borne: losses("data")
                .zip(losses("availability"))
                .map(|(data, service)| data.min(service)),
            data_octets: number("/cluster/data/total_kv_size_bytes"),
            moving_octets: moving("in_flight_bytes").saturating_add(moving("in_queue_bytes")),
            free_octets: processes
                .iter()
                .filter_map(|process| process.pointer("/disk/free_bytes")?.as_u64())
                .min(),
            releases: processes
                .iter()
                .filter_map(|process| text_at(process, "version"))
                .collect(),
            incompatible: all("/cluster/incompatible_connections")
                .iter()
                .filter_map(|place| address(place.as_str()?))
                .collect(),
            messages: messages(&document, &processes),
        })
    }
}

/// What it complains of: of the whole, and of each server.
fn messages(document: &Value, processes: &[&Value]) -> Vec<String> {
    let of = |value: &Value, pointer: &str| {
        let all = value
            .pointer(pointer)
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        let texts = all
            .iter()
            .filter_map(|message| message.get("description")?.as_str().map(str::to_owned));
        texts.collect::<Vec<_>>()
    };
    let mut messages = [of(document, "/client/messages"), of(document, "/cluster/messages")].concat();
    for process in processes {
        let place = process.get("address").and_then(Value::as_str).unwrap_or_default();
        let texts = of(process, "/messages").into_iter();
        messages.extend(texts.map(|text| format!("{place}: {text}")));
    }
    messages
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
                "data": {"total_kv_size_bytes": 5000, "moving_data": {"in_flight_bytes": 30, "in_queue_bytes": 4}},
                "fault_tolerance": {"max_zone_failures_without_losing_availability": 1,
                    "max_zone_failures_without_losing_data": 2},
                "incompatible_connections": ["127.0.0.1:4509"],
                "processes": {
                    "a1": {"address": "127.0.0.1:4501:tls", "version": "7.3.80", "disk": {"free_bytes": 70},
                        "messages": [{"name": "io_error", "description": "io_error occurred."}]},
                    "b2": {"address": "127.0.0.1:4500", "version": "7.3.80", "disk": {"free_bytes": 60}, "excluded": false},
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
            coordinators_reachable: 1,
            losses_borne: Some(1),
            data_octets: Some(5000),
            moving_octets: 34,
            free_octets: Some(60),
            releases: ["7.3.80".to_owned()].into(),
            incompatible: vec![place(4509)],
            messages: vec![
                "Cluster file is not writable.".to_owned(),
                "Unable to read.".to_owned(),
                "127.0.0.1:4501:tls: io_error occurred.".to_owned(),
            ],
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
