//! One run: everything is started, disturbed while clients work, healed, audited, judged, and ended.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use hongyan_env::Env;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::LocalSet;

use crate::audit::audit;
use crate::fault::{disturb, say};
use crate::plan::Plan;
use crate::programs::Programs;
use crate::report::Report;
use crate::work;
use crate::world::World;

/// Time in which clients end what they are doing.
const LAST_WORDS: Duration = Duration::from_secs(45);

/// Runs `plan`; its files are in a folder made in `parent`. Whatever happens, nothing of it is left.
///
/// # Errors
/// When it cannot be started, or is interrupted.
pub fn run(plan: &Plan, programs: &Programs, parent: Option<&Path>) -> Result<Report> {
    alone(play(plan, programs, parent))
}

/// Starts what `plan` names, without clients and faults, says where its nodes are, and keeps it until it is interrupted: for
/// loads and for trying things by hand.
///
/// # Errors
/// When it cannot be started; being interrupted is none.
pub fn hold(plan: &Plan, programs: &Programs, parent: Option<&Path>, tell: impl Fn(&[Standing])) -> Result<()> {
    let mut holds = false;
    let held = alone(async {
        let world = World::start(&Env::real(), plan, programs, parent).await?;
        let stand = |node: usize| Standing {
            address: world.host(node).address,
            data: world.with_node(node, |node| node.data()),
            id: world.with_node(node, |node| node.id()),
        };
        tell(&(0..world.nodes()).map(stand).collect::<Vec<_>>());
        holds = true;
        std::future::pending::<Result<()>>().await
    });
    if holds { Ok(()) } else { held }
}

/// A node that runs.
#[derive(Debug, Clone)]
pub struct Standing {
    /// Where it listens: SMTP at port 20025, IMAP with TLS at 20993.
    pub address: IpAddr,
    /// Its data folder, for `hongyan --data`.
    pub data: PathBuf,
    /// Its process.
    pub id: Option<u32>,
}

/// Does `work` on a thread of its own until it is done or somebody interrupts it.
fn alone<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("make a runtime")?;
    let local = LocalSet::new();
    let outcome = runtime.block_on(local.run_until(async {
        let mut ended = signal(SignalKind::terminate()).context("watch for signals")?;
        let mut interrupted = signal(SignalKind::interrupt()).context("watch for signals")?;
        tokio::select! {
            outcome = work => outcome,
            _ = ended.recv() => bail!("ended before its time"),
            _ = interrupted.recv() => bail!("interrupted"),
        }
    }));
    // Tasks hold the world; processes, namespaces and folders end with it.
    drop(local);
    outcome
}

async fn play(plan: &Plan, programs: &Programs, parent: Option<&Path>) -> Result<Report> {
    let env = Env::real();
    let world = World::start(&env, plan, programs, parent).await?;
    if plan.clients.wake_all {
        say(&world, "all is ready, each mailbox gets a mail");
        work::wake_all(&world).await?;
    }
    world.begin();
    say(&world, "all is ready, clients begin");
    let clients = work::start(&world);
    let disturber = tokio::task::spawn_local(disturb(world.clone()));
    env.sleep(Duration::from_secs(plan.seconds)).await;
    let mut failures = Vec::new();
    // Clients go on until all is mended: what they saw of the last fault is part of it.
    let strikes = match disturber.await {
        Ok(strikes) => strikes,
        Err(error) => {
            failures.push(format!("faults ended early: {error}"));
            Vec::new()
        }
    };
    world.end();
    for client in clients {
        match env.timeout(LAST_WORDS, client).await {
            Some(Ok(())) => {}
            Some(Err(error)) => failures.push(format!("a client crashed: {error}")),
            None => failures.push("a client does not end".to_owned()),
        }
    }
    world.recorder().close();
    say(&world, "clients have ended, all mailboxes are read");
    failures.extend(audit(&world).await);
    failures.extend(world.check());
    for node in 0..world.nodes() {
        failures.extend(world.with_node(node, |node| node.logged_errors()));
    }
    Ok(Report::new(&world, &strikes, failures))
}
