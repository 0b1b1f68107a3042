//! What is shipped for monitoring, taken by the programs that it is for; and what a node shows compared with the paper.

mod cluster;
mod paper;
mod shipped;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use hongyan_conformance::corpus::crate_folder;
use hongyan_conformance::imap::Imap;
use hongyan_conformance::node::Node;
use hongyan_conformance::program::is_there;
use hongyan_conformance::smtp::Smtp;

fn deploy() -> PathBuf {
    crate_folder().join("../../ops/deploy")
}

/// Runs promtool in `ops/deploy`.
fn promtool(arguments: &[&str]) -> Result<()> {
    let output = Command::new("promtool")
        .args(arguments)
        .current_dir(deploy())
        .output()?;
    ensure!(
        output.status.success(),
        "promtool {}: {}{}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

#[test]
fn prometheus_takes_the_rules_and_each_alert_fires_in_its_trouble_only() -> Result<()> {
    if !is_there("promtool", "the alert rules") {
        return Ok(());
    }
    promtool(&["check", "rules", "alerts.yml"])?;
    promtool(&["check", "config", "prometheus.yml"])?;
    promtool(&["test", "rules", "alerts_test.yml"])?;
    let named = |file: &str, word: &str| -> Result<BTreeSet<String>> {
        let text = std::fs::read_to_string(deploy().join(file))?;
        let names = text
            .lines()
            .filter_map(|line| Some(line.split_once(word)?.1.trim().to_owned()));
        Ok(names.collect())
    };
    ensure!(
        named("alerts.yml", "alert: ")? == named("alerts_test.yml", "alertname: ")?,
        "each alert has its test"
    );
    Ok(())
}

#[test]
fn prometheus_understands_what_the_dashboard_asks() -> Result<()> {
    let questions = shipped::dashboard_questions()?;
    ensure!(questions.len() > 50, "{}", questions.len());
    if !is_there("promtool", "the dashboard's questions") {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("questions.yml");
    let mut rules = "groups:\n  - name: dashboard\n    rules:\n".to_owned();
    for (number, question) in questions.iter().enumerate() {
        rules.push_str(&format!(
            "      - record: dashboard:question:{number}\n        expr: '{question}'\n"
        ));
    }
    std::fs::write(&file, rules)?;
    promtool(&["check", "rules", file.to_str().context("name the file")?])
}

#[test]
fn a_node_shows_its_metrics_as_the_paper_has_them() -> Result<()> {
    let node = Node::start()?;
    let to = "user1@example.test";
    let mut smtp = Smtp::hello(node.port(25))?;
    smtp.send("sender@elsewhere.test", &[to], b"Subject: one\r\n\r\n1\r\n")?;
    let mut imap = Imap::login(node.port(143), to)?;
    imap.select("INBOX")?;
    let shown = paper::shown(&node.http("/metrics")?);
    let written = paper::written()?;
    for (name, metric) in shown.iter().filter(|(name, _)| name.starts_with("hongyan_")) {
        let known = written.get(name).with_context(|| format!("the paper lacks {name}"))?;
        ensure!(known == metric, "{name} is {metric:?}, in the paper {known:?}");
    }
    // What a node alone shows of what is asked for: all but what clusters have.
    let clustered = [
        "membership",
        "metadata",
        "router",
        "transport",
        "identity",
        "foundationdb",
    ];
    let later = [
        // They begin with the first of their kind.
        "hongyan_queue_outcomes_total",
        "hongyan_entity_panics_total",
    ];
    // FoundationDB's alone.
    let other_store = ["retries", "unknown", "read", "client", "watches"];
    for name in shipped::asked_for()? {
        let words: Vec<&str> = name.split('_').collect();
        let elsewhere = words.get(1).is_some_and(|area| clustered.contains(area))
            || (words.get(1) == Some(&"storage") && words.get(2).is_some_and(|word| other_store.contains(word)))
            || later.contains(&name.as_str());
        ensure!(
            elsewhere || shown.contains_key(&name),
            "{name} is asked for and not shown"
        );
    }
    Ok(())
}
