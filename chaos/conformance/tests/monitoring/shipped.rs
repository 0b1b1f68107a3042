//! What `ops/deploy` asks of Prometheus.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use serde_json::Value;

/// The questions of the dashboard's panels, with its variables filled in.
pub fn dashboard_questions() -> Result<Vec<String>> {
    let text = std::fs::read_to_string(super::deploy().join("grafana.json"))?;
    let dashboard: Value = serde_json::from_str(&text).context("read the dashboard")?;
    let mut questions = Vec::new();
    for panel in dashboard["panels"].as_array().context("find its panels")? {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let question = target["expr"].as_str().context("find a question")?;
            questions.push(question.replace("$__rate_interval", "1m").replace("$instance", ".*"));
        }
    }
    Ok(questions)
}

/// The metrics of ours that dashboard and rules name, without what histograms add.
pub fn asked_for() -> Result<BTreeSet<String>> {
    let mut text = dashboard_questions()?.join("\n");
    let rules = std::fs::read_to_string(super::deploy().join("alerts.yml"))?;
    let questions = rules.lines().filter(|line| line.trim_start().starts_with("expr:"));
    text.extend(questions.flat_map(|line| ["\n", line]));
    let words = text.split(|c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit() && c != '_');
    let names = words.filter(|word| word.starts_with("hongyan_"));
    Ok(names
        .map(|name| name.strip_suffix("_bucket").unwrap_or(name).to_owned())
        .collect())
}
