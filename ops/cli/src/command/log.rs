//! `hongyan log`

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Subcommand, ValueEnum};
use serde_json::{Map, Value, json};

use super::{Whose, task};
use crate::client::{Client, encode};
use crate::output::{self, Style};

/// Which way a mail went.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Kind {
    /// It was sent.
    Sent,
    /// It was got.
    Received,
}

#[derive(Debug, Subcommand)]
pub enum Log {
    /// Show mail that members sent and got, the newest first.
    Mail {
        /// Only what was sent, or got.
        #[arg(long, value_enum)]
        kind: Option<Kind>,
        /// Only what someone of this domain sent or got.
        #[arg(long)]
        domain: Option<String>,
        /// Only what has this in its subject.
        #[arg(long)]
        subject: Option<String>,
        /// Only what has this in the sender's or a recipient's address.
        #[arg(long)]
        address: Option<String>,
        /// Only the mail of the member with this address.
        #[arg(long)]
        account: Option<String>,
        /// Only the mail of the member with this number, who may be gone.
        #[arg(long)]
        account_id: Option<u64>,
        /// Not before, such as 2026-11-01T08:00Z.
        #[arg(long)]
        from: Option<jiff::Timestamp>,
        /// Before.
        #[arg(long)]
        until: Option<jiff::Timestamp>,
        /// How many at most.
        #[arg(long, default_value_t = 100)]
        limit: usize,
        #[command(flatten)]
        whose: Whose,
    },
    /// Write a list into a CSV file.
    Export {
        /// Which: audit, logins, mail, tasks, messages, days, members, capacity or sign-ins.
        list: String,
        /// Where to.
        file: PathBuf,
        /// What narrows the list, such as kind=sent or from=2026-11-01.
        #[arg(long = "only", value_name = "NAME=VALUE")]
        only: Vec<String>,
        #[command(flatten)]
        whose: Whose,
    },
}

pub(crate) async fn run(command: &Log, client: &Client, style: Style) -> Result<()> {
    match command {
        Log::Mail { .. } => mail(command, client, style).await,
        Log::Export {
            list,
            file,
            only,
            whose,
        } => export(client, style, (list, file), only, whose).await,
    }
}

async fn export(
    client: &Client,
    style: Style,
    (list, file): (&str, &Path),
    only: &[String],
    whose: &Whose,
) -> Result<()> {
    let mut query = Map::new();
    for pair in only {
        let (name, value) = pair.split_once('=').with_context(|| format!("{pair}: NAME=VALUE"))?;
        query.insert(name.to_owned(), json!(value));
    }
    let mut body = json!({"list": list, "query": query});
    if let Some(name) = &whose.organisation {
        body["organisation"] = json!(name);
    }
    let mut octets = client.ask_for_file("/api/exports/lists", body).await?;
    // A long list is made by a task; a file begins with a byte order mark and is no JSON.
    if let Ok(begun) = serde_json::from_slice::<Value>(&octets) {
        let ended = task::follow(client, style, whose, begun).await?;
        if ended["state"] != "done" {
            bail!("task {}: {} {}", ended["id"], ended["state"], ended["note"]);
        }
        let path = format!("/api/tasks/{}/result{}", ended["id"], whose.suffix());
        octets = client.download(&path).await?;
    }
    std::fs::write(file, octets).with_context(|| format!("write {}", file.display()))?;
    output::done(style, &format!("{} is written", file.display()));
    Ok(())
}

async fn mail(command: &Log, client: &Client, style: Style) -> Result<()> {
    let Log::Mail {
        kind,
        domain,
        subject,
        address,
        account,
        account_id,
        from,
        until,
        limit,
        whose,
    } = command
    else {
        return Ok(());
    };
    let kind = kind.map(|kind| match kind {
        Kind::Sent => "sent".to_owned(),
        Kind::Received => "received".to_owned(),
    });
    let millis = |at: &Option<jiff::Timestamp>| at.map(|at| at.as_millisecond().to_string());
    let mut query = format!("?{}limit={limit}", whose.query());
    for (name, value) in [
        ("kind", kind),
        ("domain", domain.clone()),
        ("subject", subject.clone()),
        ("address", address.clone()),
        ("account", account.clone()),
        ("account_id", account_id.map(|id| id.to_string())),
        ("from_millis", millis(from)),
        ("until_millis", millis(until)),
    ] {
        if let Some(value) = value {
            query.push_str(&format!("&{name}={}", encode(&value)));
        }
    }
    let found = client.get(&format!("/api/mail-log{query}")).await?;
    if let Some(note) = found["note"].as_str() {
        eprintln!("{note}");
    }
    let columns = ["at_millis", "kind", "subject", "sender", "recipients", "state"];
    output::list(style, &found["items"], &columns);
    Ok(())
}
