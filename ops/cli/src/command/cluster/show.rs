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
                "on the new machine: hongyan cluster join TOKEN --host-name NAME --serve; it is good once, until {}",
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
    text.push_str(&voters(&status["voters"], number(&status["leader"])));
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

pub(super) fn backup(style: Style, backup: &Value) {
    match style {
        Style::Json => output::item(style, backup),
        Style::Text => output::text(&describe_backup(backup)),
    }
}

fn describe_backup(backup: &Value) -> String {
    let mut text = match backup["state"].as_str().unwrap_or_default() {
        "none" => return "no backup has been begun: `hongyan cluster backup start --to DIR`\n".to_owned(),
        "starting" => "it has begun, and cannot be restored from yet".to_owned(),
        "running" => "it goes on, and can be restored from".to_owned(),
        "stopping" => "it is ending".to_owned(),
        _ if backup["restorable"] == true => "it has ended, and can be restored from".to_owned(),
        _ => "it has ended, and cannot be restored from".to_owned(),
    };
    if let Some(secs) = backup["behind_secs"].as_u64() {
        text.push_str(&format!("; {secs} s behind"));
    }
    if let Some(to) = backup["to"].as_str() {
        text.push_str(&format!("\nin {to}"));
    }
    text.push('\n');
    text.push_str(&messages(backup));
    text
}

/// Empty where the node asked is of a release that does not say.
fn voters(voters: &Value, leader: u64) -> String {
    let number = |name: &str| voters[name].as_u64().unwrap_or_default();
    match (number("count"), number("up")) {
        (0, _) => String::new(),
        (1, 1) => format!("node {leader} alone votes: IT MAY NOT BE LOST\n"),
        (count, up) => format!(
            "{up} of {count} voters up{}\n",
            losses(&voters["losses_borne"], "voter")
        ),
    }
}

/// How many more `what` may be lost.
fn losses(borne: &Value, what: &str) -> String {
    match borne.as_u64() {
        None => String::new(),
        Some(0) => format!("; NO {} MAY BE LOST", what.to_uppercase()),
        Some(1) => format!("; one {what} may be lost"),
        Some(borne) => format!("; {borne} {what}s may be lost"),
    }
}

fn store(store: &Value) -> Option<String> {
    let engine = store["engine"].as_str()?;
    let says = |name: &str, yes: &'static str, no: &'static str| if store[name] == true { yes } else { no };
    let redundancy = store["redundancy"]
        .as_str()
        .map_or_else(String::new, |word| format!(", redundancy {word}"));
    let releases: Vec<_> = store["releases"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let mut text = format!(
        "store {}: {}, {}{redundancy}\n",
        [&[engine], &releases[..]].concat().join(" "),
        says("available", "available", "NOT AVAILABLE"),
        says("healthy", "healthy", "not healthy"),
    );
    let number = |name: &str| store[name].as_u64().unwrap_or_default();
    if number("servers") > 0 {
        let losses = losses(&store["losses_borne"], "machine");
        text.push_str(&format!(
            "  {} server{}, {} of {} coordinators answer{losses}\n",
            number("servers"),
            if number("servers") == 1 { "" } else { "s" },
            number("coordinators_reachable"),
            number("coordinators"),
        ));
        let known = [
            ("data_octets", "of data"),
            ("moving_octets", "moving"),
            ("free_octets", "free on the fullest disk"),
        ];
        let known = known.iter().filter_map(|(name, what)| {
            let octets = store[*name].as_u64()?;
            Some(format!("{} {what}", size(octets)))
        });
        text.push_str(&format!("  {}\n", known.collect::<Vec<_>>().join(", ")));
    }
    text.push_str(&messages(store));
    Some(text)
}

/// Its messages, each once: several servers may say the same.
fn messages(of: &Value) -> String {
    let mut all: Vec<_> = of["messages"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    all.dedup();
    all.iter().map(|message| format!("  {message}\n")).collect()
}

fn size(octets: u64) -> String {
    match octets {
        0..10_000_000_000 => format!("{} MB", octets.div_ceil(1_000_000)),
        _ => format!("{} GB", octets / 1_000_000_000),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{describe, describe_backup, voters};

    #[test]
    fn a_cluster_fits_one_screen() {
        let node = |id: u64, state: &str, role: Option<&str>| {
            json!({"id": id, "name": format!("mx{id}"), "state": state, "role": role, "partitions": 512, "arriving": 0, "weight": 100,
                "data_center": "east", "rack": "r1", "address": "10.0.0.1:7400", "release": "0.1.0"})
        };
        let mut status = json!({
            "cluster": "00c0ffee", "version": 41, "this_node": 2, "leader": 1, "term": 3,
            "voters": {"count": 5, "up": 5, "losses_borne": 2},
            "partitions": {"count": 1024, "unserved": 0, "moving": 16, "misplaced": 70, "rebalance": "automatic"},
            "store": {"engine": "foundationdb", "available": true, "healthy": false, "redundancy": "double",
                "releases": ["7.3.80"], "servers": 3, "coordinators": 3, "coordinators_reachable": 2, "losses_borne": 0,
                "data_octets": 2_000_001, "moving_octets": 0, "free_octets": 81_700_000_000_u64, "messages": ["healing", "healing"]},
            "nodes": [node(1, "up", Some("leader")), node(2, "draining", None)],
        });
        let text = describe(&status);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[0],
            "cluster 00c0ffee, map version 41, asked node 2; node 1 leads (term 3)"
        );
        assert_eq!(lines[1], "5 of 5 voters up; 2 voters may be lost");
        assert_eq!(
            lines[2],
            "1024 partitions: all have a living owner; 16 moving, 70 not where they belong (rebalance: automatic)"
        );
        assert_eq!(
            lines[3],
            "store foundationdb 7.3.80: available, not healthy, redundancy double"
        );
        assert_eq!(
            lines[4],
            "  3 servers, 2 of 3 coordinators answer; NO MACHINE MAY BE LOST"
        );
        assert_eq!(lines[5], "  3 MB of data, 0 MB moving, 81 GB free on the fullest disk");
        assert_eq!(lines[6], "  healing");
        assert!(lines[8].starts_with("id  name  state     role    partitions"), "{text}");
        assert!(lines[10].starts_with("2   mx2   draining  -"), "{text}");
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

    #[test]
    fn who_may_be_lost() {
        let line = |count: u64, up: u64, borne: Option<u64>| {
            voters(&json!({"count": count, "up": up, "losses_borne": borne}), 4)
        };
        assert_eq!(line(1, 1, Some(0)), "node 4 alone votes: IT MAY NOT BE LOST\n");
        assert_eq!(line(3, 3, Some(1)), "3 of 3 voters up; one voter may be lost\n");
        assert_eq!(line(3, 2, Some(0)), "2 of 3 voters up; NO VOTER MAY BE LOST\n");
        assert_eq!(line(3, 1, None), "1 of 3 voters up\n");
        assert_eq!(voters(&json!(null), 4), "", "a release that does not say");
    }

    #[test]
    fn a_backup_is_two_lines() {
        let mut backup = json!({"state": "running", "restorable": true, "to": "file:///srv/b", "behind_secs": 4, "messages": ["disk full"]});
        let text = "it goes on, and can be restored from; 4 s behind\nin file:///srv/b\n  disk full\n";
        assert_eq!(describe_backup(&backup), text);
        for (state, restorable, expect) in [
            ("none", false, "no backup has been begun"),
            ("starting", false, "cannot be restored from yet"),
            ("stopping", true, "it is ending"),
            ("ended", true, "it has ended, and can be"),
            ("ended", false, "it has ended, and cannot be"),
        ] {
            (backup["state"], backup["restorable"]) = (json!(state), json!(restorable));
            assert!(describe_backup(&backup).contains(expect), "{state}");
        }
    }
}
