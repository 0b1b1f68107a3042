//! What goes wrong while clients work: each thing at its time, and mended afterwards.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::machine::Host;
use crate::namespaces::Namespaces;
use crate::node;
use crate::plan::{Fault, Kind, Select, Ways};
use crate::world::World;

/// Time that clients of a node need to find it again after it is well.
const RECOVERY: Duration = Duration::from_secs(3);

/// One time that something went wrong.
#[derive(Debug, Clone)]
pub(crate) struct Strike {
    pub(crate) kind: Kind,
    /// To whom, in words.
    pub(crate) whom: String,
    pub(crate) from: u64,
    /// When all was well again.
    pub(crate) to: u64,
    /// What a person wants to know of it.
    pub(crate) note: String,
    /// Why it did not go as it should.
    pub(crate) failure: Option<String>,
}

/// Lets everything go wrong that the plan names; returns when all is mended.
pub(crate) async fn disturb(world: World) -> Vec<Strike> {
    let mut times: Vec<(f64, usize)> = Vec::new();
    for (index, fault) in world.plan().faults.iter().enumerate() {
        for time in 0..u32::try_from(fault.times).unwrap_or(u32::MAX) {
            times.push((fault.at + f64::from(time) * fault.every, index));
        }
    }
    times.sort_by(|a, b| a.0.total_cmp(&b.0));
    let strikes = Rc::new(RefCell::new(Vec::new()));
    let random = Rc::new(RefCell::new(StdRng::seed_from_u64(world.plan().seed)));
    let mut running = Vec::new();
    for (seconds, index) in times {
        let due = world.began() + micros(seconds);
        let wait = due.saturating_sub(world.env().now_micros());
        world.env().sleep(Duration::from_micros(wait)).await;
        let (world, strikes, random) = (world.clone(), Rc::clone(&strikes), Rc::clone(&random));
        running.push(tokio::task::spawn_local(async move {
            let fault = world.plan().faults[index].clone();
            if let Some(strike) = strike(&world, &fault, &random).await {
                strikes.borrow_mut().push(strike);
            }
        }));
    }
    for task in running {
        // One that crashed has struck all the same.
        let _ = task.await;
    }
    strikes.take()
}

fn micros(seconds: f64) -> u64 {
    Duration::from_secs_f64(seconds)
        .as_micros()
        .try_into()
        .unwrap_or(u64::MAX)
}

async fn strike(world: &World, fault: &Fault, random: &RefCell<StdRng>) -> Option<Strike> {
    let node = match fault.node {
        Select::Number(number) => number - 1,
        _ => {
            // Whoever something happens to already is left alone.
            let well: Vec<usize> = (0..world.nodes()).filter(|node| !world.is_touched_now(*node)).collect();
            *well.get(random.borrow_mut().random_range(0..well.len().max(1)))?
        }
    };
    let from = world.env().now_micros();
    let whom = match fault.kind {
        Kind::FoundationKill | Kind::FoundationPause => "FoundationDB".to_owned(),
        Kind::Upgrade => "all nodes".to_owned(),
        _ => world.host(node).name,
    };
    say(world, &format!("{:?} of {whom}", fault.kind));
    let span = Duration::from_secs_f64(fault.seconds);
    let done = match fault.kind {
        Kind::Kill => kill(world, node, span).await,
        Kind::Pause => pause(world, node, span).await,
        Kind::Partition => partition(world, node, fault, span).await,
        Kind::Slow => slow(world, node, fault.kbit, span).await,
        Kind::FullDisk => full_disk(world, node, span).await,
        Kind::Restart => restart(world, node).await,
        Kind::Drain => drain(world, node, span).await,
        Kind::Upgrade => upgrade(world, fault).await,
        Kind::FoundationKill => {
            let count = world.with_foundation(|foundation| foundation.len()).unwrap_or(1);
            let number = random.borrow_mut().random_range(0..count);
            foundation_kill(world, number, span).await
        }
        Kind::FoundationPause => foundation_pause(world, span).await,
    };
    let (note, failure) = match done {
        Ok(note) => (note, None),
        Err(error) => (String::new(), Some(format!("{error:#}"))),
    };
    say(
        world,
        &format!(
            "{:?} of {whom} is over {note}{}",
            fault.kind,
            failure.as_deref().unwrap_or_default()
        ),
    );
    Some(Strike {
        kind: fault.kind,
        whom,
        from,
        to: world.env().now_micros(),
        note,
        failure,
    })
}

/// Says what happens, with the second of the run.
#[allow(
    clippy::print_stdout,
    reason = "a run takes minutes; who started it wants to see it go on"
)]
pub(crate) fn say(world: &World, text: &str) {
    let micros = world.env().now_micros().saturating_sub(world.began());
    println!("{:>8.1} s  {text}", Duration::from_micros(micros).as_secs_f64());
}

/// Waits until a node is well and its clients have found it again.
async fn recovered(world: &World, node: usize) -> Result<()> {
    let ready = world.ready(node).await;
    world.env().sleep(RECOVERY).await;
    world.untouch(node);
    ready
}

async fn kill(world: &World, node: usize, span: Duration) -> Result<String> {
    world.touch(node);
    world.with_node(node, |node| node.kill());
    world.env().sleep(span).await;
    let from = world.env().now_micros();
    world.with_node(node, |node| node.start())?;
    recovered(world, node).await?;
    let took = Duration::from_micros(world.env().now_micros() - from).saturating_sub(RECOVERY);
    Ok(format!("ready {:.1} s after its start", took.as_secs_f64()))
}

async fn pause(world: &World, node: usize, span: Duration) -> Result<String> {
    world.touch(node);
    world.with_node(node, |node| node.pause(true))?;
    world.env().sleep(span).await;
    world.with_node(node, |node| node.pause(false))?;
    recovered(world, node).await?;
    Ok(format!("stood still for {} s", span.as_secs_f64()))
}

async fn partition(world: &World, node: usize, fault: &Fault, span: Duration) -> Result<String> {
    let host = world.host(node);
    let mut others: Vec<Host> = Vec::new();
    if fault.from != Select::Foundation {
        let nodes: Vec<usize> = match fault.from {
            Select::Number(number) => vec![number - 1],
            _ => (0..world.nodes()).filter(|other| *other != node).collect(),
        };
        others.extend(nodes.into_iter().map(|other| world.host(other)));
    }
    if matches!(fault.from, Select::Foundation | Select::All) {
        let hosts = world.with_foundation(|foundation| foundation.hosts().cloned().collect::<Vec<_>>());
        others.extend(hosts.unwrap_or_default());
    }
    let namespaces = namespaces(world)?;
    // Two nodes that do not reach each other are well: others carry for them.
    let is_between_two = matches!(fault.from, Select::Number(_));
    if !is_between_two {
        world.touch(node);
    }
    let mut cuts = Vec::new();
    for other in &others {
        if fault.ways != Ways::In {
            cuts.push(namespaces.cut(host.address, other.address)?);
        }
        if fault.ways != Ways::Out {
            cuts.push(namespaces.cut(other.address, host.address)?);
        }
    }
    world.env().sleep(span).await;
    for cut in &cuts {
        namespaces.mend(cut)?;
    }
    if !is_between_two {
        recovered(world, node).await?;
    }
    let names: Vec<&str> = others.iter().map(|other| other.name.as_str()).collect();
    Ok(format!(
        "cut from {} ({:?}) for {} s",
        names.join(", "),
        fault.ways,
        span.as_secs_f64()
    ))
}

fn namespaces(world: &World) -> Result<&Namespaces> {
    world
        .machine()
        .namespaces()
        .context("partitions need network namespaces")
}

async fn slow(world: &World, node: usize, kbit: u64, span: Duration) -> Result<String> {
    let host = world.host(node);
    Namespaces::narrow(&host, kbit)?;
    world.env().sleep(span).await;
    Namespaces::widen(&host)?;
    Ok(format!("sent {kbit} kbit/s at most for {} s", span.as_secs_f64()))
}

async fn full_disk(world: &World, node: usize, span: Duration) -> Result<String> {
    world.touch(node);
    world.with_node(node, |node| node.fill_disk())?;
    world.env().sleep(span).await;
    world.with_node(node, |node| node.free_disk());
    // A node may end when it cannot keep what it promised; whoever supervises it starts it again.
    let mut note = format!("full for {} s", span.as_secs_f64());
    if world.with_node(node, |node| node.check()).is_err() {
        note.push_str(", it ended and was started again");
        world.with_node(node, |node| {
            node.kill();
            node.start()
        })?;
    }
    recovered(world, node).await?;
    Ok(note)
}

async fn restart(world: &World, node: usize) -> Result<String> {
    world.touch(node);
    stop(world, node).await?;
    world.with_node(node, |node| node.start())?;
    recovered(world, node).await?;
    Ok(String::new())
}

/// Asks a node to end, and waits until it has.
async fn stop(world: &World, node: usize) -> Result<()> {
    let process = world
        .with_node(node, |node| node.take())
        .context("find the node's process")?;
    if !node::stop(world.env(), process).await {
        bail!("it did not end when asked");
    }
    Ok(())
}

async fn drain(world: &World, node: usize, span: Duration) -> Result<String> {
    world.touch(node);
    let mailboxes = node::mailboxes_in_memory(world.env(), &world.host(node)).await?;
    let took = drained(world, node).await?;
    world.env().sleep(span).await;
    manage(world, node, &["cluster", "resume"]).await?;
    recovered(world, node).await?;
    let seconds = took.as_secs_f64();
    Ok(format!("{mailboxes} mailboxes in memory drained in {seconds:.1} s"))
}

/// Drains a node; how long that took.
async fn drained(world: &World, node: usize) -> Result<Duration> {
    let from = world.env().now_micros();
    manage(world, node, &["cluster", "drain"]).await?;
    Ok(Duration::from_micros(world.env().now_micros() - from))
}

async fn manage(world: &World, node: usize, arguments: &[&str]) -> Result<String> {
    let command = world.with_node(node, |node| node.manager(arguments));
    node::finished(command, arguments).await
}

async fn upgrade(world: &World, fault: &Fault) -> Result<String> {
    let mut longest = Duration::ZERO;
    for node in 0..world.nodes() {
        world.touch(node);
        longest = longest.max(drained(world, node).await?);
        stop(world, node).await?;
        world.with_node(node, |node| {
            node.upgrade(fault.binary.as_deref().unwrap_or(world.hongyan()))?;
            node.start()
        })?;
        recovered(world, node).await?;
        manage(world, node, &["cluster", "resume"]).await?;
        say(world, &format!("{} is upgraded", world.host(node).name));
    }
    Ok(format!("longest drain {:.1} s", longest.as_secs_f64()))
}

async fn foundation_kill(world: &World, number: usize, span: Duration) -> Result<String> {
    world.with_foundation(|foundation| foundation.kill_member(number));
    world.env().sleep(span).await;
    world
        .with_foundation(|foundation| foundation.start_member(number))
        .context("find FoundationDB")??;
    world.env().sleep(RECOVERY).await;
    Ok(format!("process {} was away for {} s", number + 1, span.as_secs_f64()))
}

async fn foundation_pause(world: &World, span: Duration) -> Result<String> {
    world
        .with_foundation(|foundation| foundation.pause(true))
        .context("find FoundationDB")??;
    world.env().sleep(span).await;
    world
        .with_foundation(|foundation| foundation.pause(false))
        .context("find FoundationDB")??;
    world.env().sleep(RECOVERY).await;
    Ok(format!("all stood still for {} s", span.as_secs_f64()))
}
