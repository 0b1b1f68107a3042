//! `chaos run`: real processes under the faults of a plan.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;
use hongyan_live::{DOMAIN, PASSWORD, Plan, Programs, Standing, hold, run as play};

/// What a shell sees when the machine lacks something that the plan needs.
const SKIPPED: u8 = 77;

#[derive(Debug, Args)]
pub struct Arguments {
    /// What to run: a file such as those in chaos/plans.
    #[arg(long, value_name = "FILE")]
    plan: PathBuf,
    /// The server's binary [default: HONGYAN_BIN, or the one beside this program].
    #[arg(long, value_name = "FILE")]
    hongyan: Option<PathBuf>,
    /// The binary that nodes are until they are upgraded, of an earlier release [default: the server's].
    #[arg(long, value_name = "FILE")]
    before: Option<PathBuf>,
    /// HAProxy's configuration [default: ops/deploy/haproxy.cfg].
    #[arg(long, value_name = "FILE")]
    haproxy: Option<PathBuf>,
    /// Where the run's files lie while it lasts [default: the system's folder for such].
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Where to write the report as Markdown.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Where to write the report as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Only starts what the plan names, says where it is, and keeps it until it is interrupted.
    #[arg(long)]
    hold: bool,
    /// Another seed than the plan's.
    #[arg(long)]
    seed: Option<u64>,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let mut plan = Plan::load(&arguments.plan)?;
    plan.seed = arguments.seed.unwrap_or(plan.seed);
    let mut programs = Programs::find(arguments.hongyan.as_deref(), arguments.haproxy.as_deref());
    programs.before.clone_from(&arguments.before);
    let lacks = programs.lacks(&plan);
    if !lacks.is_empty() {
        for lack in lacks {
            println!("SKIPPED {}, {lack}", arguments.plan.display());
        }
        return Ok(ExitCode::from(SKIPPED));
    }
    if arguments.hold {
        hold(&plan, &programs, arguments.folder.as_deref(), |nodes| {
            tell(&plan, nodes)
        })?;
        return Ok(ExitCode::SUCCESS);
    }
    let report = play(&plan, &programs, arguments.folder.as_deref())?;
    let page = report.markdown();
    match &arguments.report {
        Some(file) => std::fs::write(file, &page).with_context(|| format!("write {}", file.display()))?,
        None => println!("\n{page}"),
    }
    if let Some(file) = &arguments.json {
        let text = serde_json::to_string_pretty(&report).context("write the report")?;
        std::fs::write(file, text).with_context(|| format!("write {}", file.display()))?;
    }
    println!("{}", report.line());
    Ok(if report.is_good() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// One line a node, in words that a script can take apart.
fn tell(plan: &Plan, nodes: &[Standing]) {
    for (number, node) in (1..).zip(nodes) {
        println!(
            "node {number} address {} pid {} data {}",
            node.address,
            node.id.unwrap_or(0),
            node.data.display()
        );
    }
    println!(
        "SMTP 20025, LMTP 20024, IMAP with TLS 20993; user1@{DOMAIN} to user{}@{DOMAIN}, password {PASSWORD}; Ctrl-C ends it",
        plan.accounts
    );
}
