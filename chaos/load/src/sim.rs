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
    /// Nodes: one is alone, more are a cluster.
    #[arg(long)]
    nodes: Option<usize>,
    /// Kills one node at a time and measures how long mailboxes take to answer.
    #[arg(long, conflicts_with = "plan")]
    vigil: bool,
    /// Drains, stops and upgrades one node at a time; no command may fail.
    #[arg(long, conflicts_with_all = ["plan", "vigil"])]
    rolling: bool,
    /// Cuts two nodes at a time from each other and measures how long mailboxes take to answer.
    #[arg(long, conflicts_with_all = ["plan", "vigil", "rolling"])]
    severing: bool,
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
        let plan = plan_of(arguments, plan.as_ref(), seed);
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
    for probe in Probe::ALL.into_iter().chain(Probe::CLUSTER) {
        println!("  {probe:?}: {}", probes.get(&probe).copied().unwrap_or(0));
    }
    if bad > 0 {
        bail!("{bad} of {} seeds broke a promise", arguments.seeds);
    }
    Ok(())
}

fn plan_of(arguments: &Arguments, plan: Option<&Plan>, seed: u64) -> Plan {
    let nodes = arguments.nodes;
    match plan {
        Some(plan) => Plan {
            steps: arguments.steps,
            nodes: nodes.unwrap_or(plan.nodes),
            ..plan.clone()
        },
        None if arguments.vigil => Plan::vigil(arguments.steps, nodes.unwrap_or(3)),
        None if arguments.rolling => Plan::rolling(arguments.steps, nodes.unwrap_or(3)),
        None if arguments.severing => Plan::severing(arguments.steps, nodes.unwrap_or(3)),
        None => match nodes.unwrap_or(1) {
            0 | 1 => Plan::draw(seed, arguments.steps),
            nodes => Plan::draw_cluster(seed, arguments.steps, nodes),
        },
    }
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
    let plan = arguments.plan.as_ref();
    let mut plan = plan.map_or(String::new(), |plan| format!(" --plan {}", plan.display()));
    if let Some(nodes) = arguments.nodes {
        plan += &format!(" --nodes {nodes}");
    }
    if arguments.vigil {
        plan += " --vigil";
    }
    if arguments.rolling {
        plan += " --rolling";
    }
    if arguments.severing {
        plan += " --severing";
    }
    println!(
        "repeat: chaos sim --seed {} --steps {}{plan} --log",
        report.seed, arguments.steps
    );
}
