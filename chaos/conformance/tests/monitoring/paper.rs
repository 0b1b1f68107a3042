//! ops/docs/metrics.md, and the same facts as a node shows them.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use hongyan_conformance::corpus::crate_folder;

/// What a metric is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Metric {
    pub kind: String,
    pub labels: BTreeSet<String>,
}

/// The rows of the paper.
pub fn written() -> Result<BTreeMap<String, Metric>> {
    let path = crate_folder().join("../../ops/docs/metrics.md");
    let text = std::fs::read_to_string(path).context("read the paper")?;
    let row = |line: &str| -> Option<(String, Metric)> {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [name, kind, labels, _] = cells.as_slice() else {
            return None;
        };
        let name = name.strip_prefix('`')?.strip_suffix('`')?;
        let labels = labels.split(',').map(str::trim).filter(|label| !label.is_empty());
        let metric = Metric {
            kind: (*kind).to_owned(),
            labels: labels.map(str::to_owned).collect(),
        };
        Some((name.to_owned(), metric))
    };
    Ok(text.lines().filter_map(row).collect())
}

/// What /metrics shows.
pub fn shown(text: &str) -> BTreeMap<String, Metric> {
    let mut shown: BTreeMap<String, Metric> = BTreeMap::new();
    let mut present = String::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap_or((rest, ""));
            name.clone_into(&mut present);
            shown.entry(present.clone()).or_default().kind = kind.trim().to_owned();
        } else if let Some((_, rest)) = line.split_once('{').filter(|(name, _)| name.starts_with(&present))
            && let Some(metric) = shown.get_mut(&present)
        {
            // Our labels' values have no commas in quotes.
            let labels = rest.split('}').next().unwrap_or_default().split(',');
            let names = labels
                .filter_map(|label| label.split_once('='))
                .map(|(name, _)| name.to_owned());
            metric.labels.extend(names.filter(|name| name != "le"));
        }
    }
    shown
}
