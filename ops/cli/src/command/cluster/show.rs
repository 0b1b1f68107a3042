//! The cluster's state on one screen.

use serde_json::Value;

use crate::output::{self, Style};

const NODE_COLUMNS: [&str; 11] = [
    "id",
    "name",
    "state",
    "role",
    "partitions",
    "arriving",
    "weight",
    "data_center",
    "rack",
    "address",
    "release",
];

pub(super) fn status(style: Style, status: &Value) {
    match style {
        Style::Json => output::item(style, status),
        Style::Text => output::text(&describe(status)),
    }
}

pub(super) fn invitation(style: Style, invitation: &Value) {
    match style {
        Style::Json => output::item(style, invitation),
        // Alone on its line on standard output, so that a script can take it.
        Style::Text => {
            eprintln!(
                "on the new machine: hongyan cluster join TOKEN; it is good once, until {}",
                output::moment(&invitation["expires_millis"])
            );
            output::text(&format!("{}\n", invitation["token"].as_str().unwrap_or_default()));
        }
    }
}

fn describe(status: &Value) -> String {
    let number = |value: &Value| value.as_u64().unwrap_or_default();
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let leader = match status["leader"].as_u64() {
        Some(leader) => format!("node {leader} leads (term {})", number(&status["term"])),
        None => "no leader: most of the voting nodes must be up and reach each other".to_owned(),
    };
    let mut text = format!(
        "cluster {}, map version {}, asked node {}; {leader}\n",
        word(&status["cluster"]),
        number(&status["version"]),
        number(&status["this_node"]),
    );
    let partitions = &status["partitions"];
    let unserved = match number(&partitions["unserved"]) {
        0 => "all have a living owner".to_owned(),
        unserved => format!("{unserved} WITHOUT A LIVING OWNER"),
    };
    text.push_str(&format!(
        "{} partitions: {unserved}; {} moving, {} not where they belong (rebalance: {})\n",
        number(&partitions["count"]),
        number(&partitions["moving"]),
        number(&partitions["misplaced"]),
        word(&partitions["rebalance"]),
    ));
    if let Some(line) = store(&status["store"]) {
        text.push_str(&line);
    }
    text.push('\n');
    let mut columns = NODE_COLUMNS.to_vec();
    let nodes = status["nodes"].as_array();
    if nodes.is_some_and(|nodes| nodes.iter().any(|node| node["store_server"].is_string())) {
        columns.push("store_server");
    }
    text.push_str(&output::table(&status["nodes"], &columns));
    text
}

fn store(store: &Value) -> Option<String> {
    let engine = store["engine"].as_str()?;
    let says = |name: &str, yes: &'static str, no: &'static str| if store[name] == true { yes } else { no };
    let redundancy = store["redundancy"]
        .as_str()
        .map_or_else(String::new, |word| format!(", redundancy {word}"));
    let mut text = format!(
        "store {engine}: {}, {}{redundancy}\n",
        says("available", "available", "NOT AVAILABLE"),
        says("healthy", "healthy", "not healthy"),
    );
    for message in store["messages"].as_array().into_iter().flatten() {
        text.push_str(&format!("  {}\n", message.as_str().unwrap_or_default()));
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::describe;

    #[test]
    fn a_cluster_fits_one_screen() {
        let node = |id: u64, state: &str, role: Option<&str>| {
            json!({"id": id, "name": format!("mx{id}"), "state": state, "role": role, "partitions": 512, "arriving": 0, "weight": 100,
                "data_center": "east", "rack": "r1", "address": "10.0.0.1:7400", "release": "0.1.0"})
        };
        let mut status = json!({
            "cluster": "00c0ffee", "version": 41, "this_node": 2, "leader": 1, "term": 3,
            "partitions": {"count": 1024, "unserved": 0, "moving": 16, "misplaced": 70, "rebalance": "automatic"},
            "store": {"engine": "foundationdb", "available": true, "healthy": false, "redundancy": "double", "messages": ["healing"]},
            "nodes": [node(1, "up", Some("leader")), node(2, "draining", None)],
        });
        let text = describe(&status);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[0],
            "cluster 00c0ffee, map version 41, asked node 2; node 1 leads (term 3)"
        );
        assert_eq!(
            lines[1],
            "1024 partitions: all have a living owner; 16 moving, 70 not where they belong (rebalance: automatic)"
        );
        assert_eq!(
            lines[2],
            "store foundationdb: available, not healthy, redundancy double"
        );
        assert_eq!(lines[3], "  healing");
        assert!(lines[5].starts_with("id  name  state     role    partitions"), "{text}");
        assert!(lines[7].starts_with("2   mx2   draining  -"), "{text}");
        assert!(!text.contains("store server"), "nobody looks after one: {text}");
        status["nodes"][1]["store_server"] = json!("emptying");
        let text = describe(&status);
        assert!(text.contains("store server") && text.contains("emptying"), "{text}");
        status["nodes"][1]["store_server"] = json!(null);
        status["leader"] = json!(null);
        status["partitions"]["unserved"] = json!(3);
        status["store"] = json!(null);
        let text = describe(&status);
        assert!(text.contains("no leader") && text.contains("3 WITHOUT A LIVING OWNER") && !text.contains("store"));
    }
}
