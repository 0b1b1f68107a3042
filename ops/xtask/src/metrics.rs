//! Metrics: every one that the code counts stands in ops/docs/metrics.md as the code has it, and dashboard and rules name
//! no other.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::{Finding, source};

const PAPER: &str = "ops/docs/metrics.md";
const DEPLOY: &str = "ops/deploy";
/// Where metrics are made: protocols measure nothing.
const LAYERS: &[&str] = &["storage", "cluster", "node", "ops"];
const PREFIX: &str = "hongyan_";
/// What a histogram's samples are called besides its name.
const SAMPLES: &[&str] = &["_bucket", "_sum", "_count"];
/// Files of `ops/deploy` that name metrics: dashboard, rules and their tests, example of a scrape.
const NAMING: &[&str] = &["json", "yml", "yaml"];

/// A metric as it is made, or as the paper has it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Metric {
    kind: String,
    help: String,
}

pub fn check(root: &Path) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let mut made: BTreeMap<String, Metric> = BTreeMap::new();
    let mut files = Vec::new();
    for layer in LAYERS {
        files.extend(source::files(&root.join(layer))?);
    }
    for file in files {
        let text = fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))?;
        let place = file.strip_prefix(root).unwrap_or(&file).display().to_string();
        if !counts(&place) {
            continue;
        }
        for (name, metric) in made_in(&text) {
            let known = made.entry(name.clone()).or_insert_with(|| metric.clone());
            if *known != metric {
                findings.push(finding(&place, format!("makes {name} unlike another place does")));
            }
        }
    }
    let paper = fs::read_to_string(root.join(PAPER)).with_context(|| format!("read {PAPER}"))?;
    let written = written_in(&paper);
    for (name, metric) in &made {
        match written.get(name) {
            Some(known) if known == metric => {}
            Some(known) => findings.push(finding(
                PAPER,
                format!(
                    "{name} is a {} ({}), not a {} ({})",
                    metric.kind, metric.help, known.kind, known.help
                ),
            )),
            None => findings.push(finding(
                PAPER,
                format!("lacks {name}, a {}: {}", metric.kind, metric.help),
            )),
        }
    }
    for name in written.keys().filter(|name| !made.contains_key(*name)) {
        findings.push(finding(PAPER, format!("names {name}, which nothing makes")));
    }
    for entry in fs::read_dir(root.join(DEPLOY)).with_context(|| format!("list {DEPLOY}"))? {
        let path = entry.with_context(|| format!("list {DEPLOY}"))?.path();
        let extension = path.extension().and_then(|extension| extension.to_str());
        if !extension.is_some_and(|extension| NAMING.contains(&extension)) {
            continue;
        }
        let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        let place = path.strip_prefix(root).unwrap_or(&path).display().to_string();
        for name in named_in(&text) {
            if !is_made(&name, &made) {
                findings.push(finding(&place, format!("names {name}, which nothing makes")));
            }
        }
    }
    Ok(findings)
}

fn finding(place: &str, rule: String) -> Finding {
    Finding {
        place: place.to_owned(),
        rule,
    }
}

/// Whether what this file makes is a metric of the product; tests make their own.
fn counts(place: &str) -> bool {
    let is_test = place.contains("/tests/") || place.contains("/benches/") || place.ends_with("_test.rs");
    !is_test && !place.starts_with("ops/xtask/")
}

fn is_made(name: &str, made: &BTreeMap<String, Metric>) -> bool {
    let is_sample = |suffix: &&str| {
        let metric = name.strip_suffix(*suffix).and_then(|name| made.get(name));
        metric.is_some_and(|metric| metric.kind == "histogram")
    };
    made.contains_key(name) || SAMPLES.iter().any(is_sample)
}

/// The metrics that a source file makes: `gauge("name", "help")` and the like.
fn made_in(text: &str) -> Vec<(String, Metric)> {
    let text = text.split("#[cfg(test)]").next().unwrap_or(text);
    let mut found = Vec::new();
    let quoted = format!("\"{PREFIX}");
    for (at, _) in text.match_indices(&quoted) {
        let (before, after) = text.split_at(at);
        let Some((name, after)) = literal(after) else { continue };
        let Some((help, _)) = after
            .trim_start()
            .strip_prefix(',')
            .and_then(|rest| literal(rest.trim_start()))
        else {
            continue;
        };
        let call = before.trim_end().trim_end_matches('(').trim_end();
        let function = call
            .rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .next()
            .unwrap_or_default();
        let kind = function.split('_').next().unwrap_or_default();
        if ["counter", "gauge", "histogram"].contains(&kind) {
            let kind = kind.to_owned();
            found.push((
                name.to_owned(),
                Metric {
                    kind,
                    help: help.to_owned(),
                },
            ));
        }
    }
    found
}

/// A string literal without escapes, and what follows it.
fn literal(text: &str) -> Option<(&str, &str)> {
    text.strip_prefix('"')?.split_once('"')
}

/// The rows of the paper's tables: name, kind, labels, what it says.
fn written_in(paper: &str) -> BTreeMap<String, Metric> {
    let mut written = BTreeMap::new();
    for line in paper.lines() {
        let cells: Vec<&str> = line.trim().trim_matches('|').split('|').map(str::trim).collect();
        if let [name, kind, _labels, help] = cells.as_slice()
            && let Some(name) = name.strip_prefix('`').and_then(|name| name.strip_suffix('`'))
            && name.starts_with(PREFIX)
        {
            let (kind, help) = ((*kind).to_owned(), (*help).to_owned());
            written.insert(name.to_owned(), Metric { kind, help });
        }
    }
    written
}

/// Our metrics that a dashboard or a file of rules names.
fn named_in(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit() && c != '_');
    words
        .filter(|word| word.starts_with(PREFIX))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metric(kind: &str, help: &str) -> Metric {
        Metric {
            kind: kind.to_owned(),
            help: help.to_owned(),
        }
    }

    #[test]
    fn metrics_are_found_where_they_are_made() {
        let text = r#"
            let x = telemetry::counter_vec(
                "hongyan_a_b_total",
                "What it is.",
                &["kind"],
            );
            gauge("hongyan_a_c", "Another.");
            assert!(text.contains("hongyan_a_d"));
            histogram_with("hongyan_a_e_seconds", "Third.", BOUNDS);
            #[cfg(test)] counter("hongyan_test_x_total", "Not ours.");
        "#;
        assert_eq!(
            made_in(text),
            [
                ("hongyan_a_b_total".to_owned(), metric("counter", "What it is.")),
                ("hongyan_a_c".to_owned(), metric("gauge", "Another.")),
                ("hongyan_a_e_seconds".to_owned(), metric("histogram", "Third.")),
            ]
        );
    }

    #[test]
    fn rows_are_read() {
        let paper =
            "text\n| metric | type | labels | what |\n| --- | --- | --- | --- |\n| `hongyan_a_b` | gauge | | What. |\n";
        let written = written_in(paper);
        assert_eq!(
            written,
            BTreeMap::from([("hongyan_a_b".to_owned(), metric("gauge", "What."))])
        );
    }

    #[test]
    fn samples_of_histograms_are_known() {
        let made = BTreeMap::from([
            ("hongyan_a_seconds".to_owned(), metric("histogram", "x")),
            ("hongyan_b".to_owned(), metric("gauge", "x")),
        ]);
        let names = named_in(r#""expr": "rate(hongyan_a_seconds_bucket{le=\"1\"}[5m]) / hongyan_b""#);
        assert_eq!(names.len(), 2);
        assert!(names.iter().all(|name| is_made(name, &made)));
        assert!(!is_made("hongyan_b_count", &made));
    }
}
