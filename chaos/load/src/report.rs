//! What a run found out: a line of a table for people, a line of JSON for machines.

use crate::options::Options;
use anyhow::{Context, Result};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::Write;

/// Latencies in microseconds.
#[derive(Debug, Default)]
pub struct Samples(pub Vec<u64>);

impl Samples {
    /// The value below which `per_mille` of 1,000 samples are, in milliseconds.
    fn quantile(&self, per_mille: usize) -> f64 {
        if self.0.is_empty() {
            return 0.0;
        }
        let at = (self.0.len() - 1) * per_mille / 1_000;
        self.0[at] as f64 / 1_000.0
    }
}

#[derive(Debug, Serialize)]
pub struct Report {
    pub server: String,
    pub load: String,
    pub tls: &'static str,
    pub connections: usize,
    pub operations: u64,
    pub errors: u64,
    pub seconds: f64,
    pub per_second: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub max_ms: f64,
    /// Processor time of the server for one operation.
    pub server_cpu_ms: Option<f64>,
    /// What only this load has.
    pub more: BTreeMap<&'static str, f64>,
}

impl Report {
    pub fn new(options: &Options, load: &str, mut samples: Samples, micros: u64) -> Self {
        samples.0.sort_unstable();
        let operations = samples.0.len() as u64;
        let seconds = micros as f64 / 1e6;
        Self {
            server: options.label.clone(),
            load: load.to_owned(),
            tls: options.tls.as_str(),
            connections: options.connections,
            operations,
            errors: 0,
            seconds,
            per_second: operations as f64 / seconds.max(1e-6),
            p50_ms: samples.quantile(500),
            p99_ms: samples.quantile(990),
            max_ms: samples.quantile(1_000),
            server_cpu_ms: None,
            more: BTreeMap::new(),
        }
    }

    /// Notes what all operations together cost.
    pub fn set_cpu(&mut self, millis: Option<f64>) {
        self.server_cpu_ms = millis.map(|millis| millis / self.operations.max(1) as f64);
    }

    /// Prints it and appends it to the file of `options`.
    pub fn publish(&self, options: &Options) -> Result<()> {
        println!(
            "{:<12} {:<22} {:>8} {:>6} {:>9} {:>10} {:>9} {:>9} {:>9} {:>9} {:>6}",
            "server", "load", "tls", "conns", "ops", "ops/s", "p50 ms", "p99 ms", "max ms", "cpu ms", "errors"
        );
        let cpu = self.server_cpu_ms.map_or("-".to_owned(), |ms| format!("{ms:.3}"));
        println!(
            "{:<12} {:<22} {:>8} {:>6} {:>9} {:>10.1} {:>9.3} {:>9.3} {:>9.3} {:>9} {:>6}",
            self.server,
            self.load,
            self.tls,
            self.connections,
            self.operations,
            self.per_second,
            self.p50_ms,
            self.p99_ms,
            self.max_ms,
            cpu,
            self.errors
        );
        for (name, value) in &self.more {
            println!("    {name}: {value:.3}");
        }
        if let Some(path) = &options.json {
            let mut file = std::fs::OpenOptions::new()
                .create(true)
                .append(true)
                .open(path)
                .context("open report file")?;
            let line = serde_json::to_string(self).context("write report")?;
            writeln!(file, "{line}").context("write report")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_few_samples() {
        let samples = Samples((1..=100).map(|n| n * 1_000).collect());
        assert_eq!(samples.quantile(500), 50.0);
        assert_eq!(samples.quantile(1_000), 100.0);
        assert_eq!(Samples::default().quantile(500), 0.0);
    }
}
