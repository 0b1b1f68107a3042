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
    /// Begins no further seed after so many seconds.
    #[arg(long)]
    within: Option<u64>,
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
    /// Each seed draws how it runs: clusters of 3 to 7 nodes under faults, some with --vigil, --rolling or --severing, some nodes alone.
    #[arg(long, conflicts_with_all = ["plan", "vigil", "rolling", "severing", "nodes"])]
    mix: bool,
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
    let (mut done, mut bad, mut events, mut commits) = (0u64, 0u64, 0, 0);
    let clock = Env::real();
    let end = arguments
        .within
        .map(|secs| clock.now_micros().saturating_add(secs.saturating_mul(1_000_000)));
    println!("seeds from {first}");
    for seed in first..first.saturating_add(arguments.seeds) {
        if end.is_some_and(|end| clock.now_micros() >= end) {
            break;
        }
        let kind = kind_of(arguments, seed);
        let plan = plan_of(arguments, plan.as_ref(), kind, seed);
        let report = simulate(seed, &plan, arguments.log);
        done += 1;
        events += report.events;
        commits += report.commits;
        for (probe, count) in &report.probes {
            *probes.entry(*probe).or_default() += count;
        }
        print(&report, arguments, kind);
        bad += u64::from(!report.is_good());
    }
    println!("{done} seeds from {first}: {bad} bad, {events} events, {commits} commits");
    for probe in Probe::ALL.into_iter().chain(Probe::CLUSTER) {
        println!("  {probe:?}: {}", probes.get(&probe).copied().unwrap_or(0));
    }
    if bad > 0 {
        bail!("{bad} of {done} seeds broke a promise");
    }
    Ok(())
}

/// How a seed runs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// As the file of `--plan` says.
    Given,
    /// A node alone, under the faults that the seed draws.
    Alone,
    /// A cluster under the faults that the seed draws.
    Cluster(usize),
    /// Kills, and nothing else.
    Vigil(usize),
    /// Drains and upgrades, and nothing else.
    Rolling(usize),
    /// Cuts between two nodes, and nothing else.
    Severing(usize),
}

fn kind_of(arguments: &Arguments, seed: u64) -> Kind {
    if arguments.mix {
        let nodes = [3, 4, 5, 6, 7][(seed % 5) as usize];
        return match seed % 16 {
            0 => Kind::Vigil(nodes),
            1 | 2 => Kind::Rolling(nodes),
            3 => Kind::Alone,
            4 => Kind::Severing(nodes),
            _ => Kind::Cluster(nodes),
        };
    }
    match arguments.nodes {
        _ if arguments.plan.is_some() => Kind::Given,
        nodes if arguments.vigil => Kind::Vigil(nodes.unwrap_or(3)),
        nodes if arguments.rolling => Kind::Rolling(nodes.unwrap_or(3)),
        nodes if arguments.severing => Kind::Severing(nodes.unwrap_or(3)),
        None | Some(0 | 1) => Kind::Alone,
        Some(nodes) => Kind::Cluster(nodes),
    }
}

fn plan_of(arguments: &Arguments, given: Option<&Plan>, kind: Kind, seed: u64) -> Plan {
    let steps = arguments.steps;
    match (kind, given) {
        (Kind::Given, Some(plan)) => Plan {
            steps,
            nodes: arguments.nodes.unwrap_or(plan.nodes),
            ..plan.clone()
        },
        (Kind::Vigil(nodes), _) => Plan::vigil(steps, nodes),
        (Kind::Rolling(nodes), _) => Plan::rolling(steps, nodes),
        (Kind::Severing(nodes), _) => Plan::severing(steps, nodes),
        (Kind::Cluster(nodes), _) => Plan::draw_cluster(seed, steps, nodes),
        (Kind::Alone | Kind::Given, _) => Plan::draw(seed, steps),
    }
}

fn print(report: &Report, arguments: &Arguments, kind: Kind) {
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
    let how = match (kind, &arguments.plan, arguments.nodes) {
        (Kind::Given, Some(file), Some(nodes)) => format!(" --plan {} --nodes {nodes}", file.display()),
        (Kind::Given, Some(file), None) => format!(" --plan {}", file.display()),
        (Kind::Given, None, _) | (Kind::Alone, ..) => String::new(),
        (Kind::Cluster(nodes), ..) => format!(" --nodes {nodes}"),
        (Kind::Vigil(nodes), ..) => format!(" --nodes {nodes} --vigil"),
        (Kind::Rolling(nodes), ..) => format!(" --nodes {nodes} --rolling"),
        (Kind::Severing(nodes), ..) => format!(" --nodes {nodes} --severing"),
    };
    println!(
        "repeat: chaos sim --seed {} --steps {}{how} --log",
        report.seed, arguments.steps
    );
}
