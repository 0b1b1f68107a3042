//! `chaos sim`: simulations from the command line. Every failure prints the command that repeats it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;
use hongyan_env::Env;
use hongyan_sim::{Plan, Probe, Report, run as simulate};

#[derive(Debug, Args)]
pub struct Arguments {
    /// The first seed; without it one is drawn.
    #[arg(long)]
    seed: Option<u64>,
    /// How many seeds, counted from the first.
    #[arg(long, default_value_t = 1)]
    seeds: u64,
    /// What the clients of a run do together.
    #[arg(long, default_value_t = 120)]
    steps: usize,
    /// What goes wrong, as TOML; without it each seed draws that too.
    #[arg(long)]
    plan: Option<PathBuf>,
    /// Prints the log of each run.
    #[arg(long)]
    log: bool,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let first = arguments.seed.unwrap_or_else(|| Env::real().random_u64() >> 32);
    let plan = arguments.plan.as_ref().map(|path| {
        let text = std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
        toml::from_str::<Plan>(&text).with_context(|| format!("read {}", path.display()))
    });
    let plan = plan.transpose()?;
    let mut probes: BTreeMap<Probe, u64> = BTreeMap::new();
    let (mut bad, mut events, mut commits) = (0u64, 0, 0);
    for seed in first..first.saturating_add(arguments.seeds) {
        let plan = match &plan {
            Some(plan) => Plan {
                steps: arguments.steps,
                ..plan.clone()
            },
            None => Plan::draw(seed, arguments.steps),
        };
        let report = simulate(seed, &plan, arguments.log);
        events += report.events;
        commits += report.commits;
        for (probe, count) in &report.probes {
            *probes.entry(*probe).or_default() += count;
        }
        print(&report, arguments);
        bad += u64::from(!report.is_good());
    }
    println!(
        "{} seeds from {first}: {bad} bad, {events} events, {commits} commits",
        arguments.seeds
    );
    for probe in Probe::ALL {
        println!("  {probe:?}: {}", probes.get(&probe).copied().unwrap_or(0));
    }
    if bad > 0 {
        bail!("{bad} of {} seeds broke a promise", arguments.seeds);
    }
    Ok(())
}

fn print(report: &Report, arguments: &Arguments) {
    for line in &report.lines {
        println!("{line}");
    }
    if report.is_good() {
        return;
    }
    println!("seed {} is bad:", report.seed);
    for violation in &report.violations {
        println!("  {violation}");
    }
    for failure in &report.failures {
        println!("  {failure}");
    }
    let plan = arguments
        .plan
        .as_ref()
        .map_or(String::new(), |plan| format!(" --plan {}", plan.display()));
    println!(
        "repeat: chaos sim --seed {} --steps {}{plan} --log",
        report.seed, arguments.steps
    );
}
