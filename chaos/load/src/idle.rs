//! Connections that wait: in IDLE, or signed in and silent. What each takes of the server's memory, and how fast all of
//! them answer at the end. The limit of open files must allow them (`ulimit -n`), on both sides.

use crate::connect::Connector;
use crate::cpu;
use crate::imap::Imap;
use crate::options::Options;
use crate::report::{Report, Samples};
use anyhow::{Context, Result};
use clap::Args;
use futures_util::StreamExt;
use std::time::Duration;

/// Connections that are opened at a time.
const OPENING_MAX: usize = 32;

#[derive(Debug, Clone, Args)]
pub struct Arguments {
    #[command(flatten)]
    pub options: Options,
    /// Stay signed in without IDLE.
    #[arg(long)]
    pub silent: bool,
}

/// Opens `--connections`, holds them for `--seconds`, wakes each.
pub async fn run(arguments: &Arguments) -> Result<()> {
    let options = &arguments.options;
    let connector = Connector::new()?;
    let env = &connector.env;
    let memory_before = cpu::memory_kib(&options.pid);
    let start = env.now_micros();
    let opened: Vec<Result<(Imap, String, u64)>> = futures_util::stream::iter(0..options.connections)
        .map(|worker| open(arguments, &connector, worker))
        .buffer_unordered(OPENING_MAX)
        .collect()
        .await;
    let micros = env.now_micros() - start;
    let mut sessions = Vec::with_capacity(opened.len());
    let mut samples = Samples::default();
    let mut errors = 0;
    for session in opened {
        match session {
            Ok((imap, tag, micros)) => {
                samples.0.push(micros);
                sessions.push((imap, tag));
            }
            Err(error) => {
                errors += 1;
                eprintln!("{error:#}");
            }
        }
    }
    let cpu_before = cpu::millis(&options.pid);
    env.sleep(Duration::from_secs(options.seconds)).await;
    let cpu_held = cpu::millis(&options.pid)
        .zip(cpu_before)
        .map(|(after, before)| after - before);
    let memory_after = cpu::memory_kib(&options.pid);
    let name = if arguments.silent {
        "silent (opened)"
    } else {
        "idle (opened)"
    };
    let mut report = Report::new(options, name, samples, micros);
    report.errors = errors;
    if let Some((after, before)) = memory_after.zip(memory_before) {
        let count = sessions.len().max(1) as f64;
        report
            .more
            .insert("kib_per_connection", after.saturating_sub(before) as f64 / count);
        report.more.insert("memory_before_mib", before as f64 / 1024.0);
        report.more.insert("memory_held_mib", after as f64 / 1024.0);
    }
    if let Some(millis) = cpu_held {
        report
            .more
            .insert("server_cpu_ms_per_second_held", millis / options.seconds.max(1) as f64);
    }
    let start = env.now_micros();
    for (imap, tag) in &mut sessions {
        env.timeout(options.operation_limit(), wake(imap, tag, arguments.silent))
            .await
            .context("wake a connection in time")??;
    }
    let waking = (env.now_micros() - start) as f64 / 1_000.0;
    report.more.insert("wake_ms", waking / sessions.len().max(1) as f64);
    report.publish(options)
}

async fn open(arguments: &Arguments, connector: &Connector, worker: usize) -> Result<(Imap, String, u64)> {
    let options = &arguments.options;
    let start = connector.env.now_micros();
    let user = options.user(worker);
    let opening = async {
        let mut imap = Imap::open(connector, options, &user).await?;
        imap.select("INBOX").await?;
        let mut tag = String::new();
        if !arguments.silent {
            tag = imap.send("IDLE").await?;
            imap.await_continuation(&tag).await?;
        }
        anyhow::Ok((imap, tag))
    };
    let opened = connector.env.timeout(options.operation_limit(), opening).await;
    let (imap, tag) = opened.context("open a connection in time")??;
    Ok((imap, tag, connector.env.now_micros() - start))
}

async fn wake(imap: &mut Imap, tag: &str, is_silent: bool) -> Result<()> {
    if is_silent {
        imap.run("NOOP").await?;
    } else {
        imap.link.send(b"DONE\r\n").await?;
        imap.finish(tag, "\0").await?;
    }
    Ok(())
}
