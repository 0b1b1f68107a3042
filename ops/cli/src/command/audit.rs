//! `hongyan audit`

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use serde_json::Value;

use super::Whose;
use crate::client::{Client, encode};
use crate::output::{self, Style};

#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Show who did what, the newest first.
    List {
        #[command(flatten)]
        log: LogName,
        /// Part of who did it.
        #[arg(long)]
        author: Option<String>,
        /// Beginning of what was done, such as `member.`
        #[arg(long)]
        action: Option<String>,
        /// Part of what it was done to.
        #[arg(long)]
        object: Option<String>,
        /// Entries shown.
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
    /// Go through a log and prove that no entry was altered or removed.
    Verify {
        #[command(flatten)]
        log: LogName,
        /// An end that an earlier run printed, NUMBER:HASH: proves that the log was not written anew since.
        #[arg(long)]
        noted: Option<String>,
    },
}

/// Which log.
#[derive(Debug, Args)]
pub struct LogName {
    #[command(flatten)]
    whose: Whose,
    /// The installation's log instead of an organisation's.
    #[arg(long)]
    installation: bool,
}

impl LogName {
    fn query(&self) -> String {
        let installation = if self.installation { "installation=true&" } else { "" };
        format!("{}{installation}", self.whose.query())
    }
}

pub(crate) async fn run(command: &Audit, client: &Client, style: Style) -> Result<()> {
    match command {
        Audit::List {
            log,
            author,
            action,
            object,
            limit,
        } => {
            let mut query = log.query();
            for (name, value) in [("author", author), ("action", action), ("object", object)] {
                if let Some(value) = value {
                    query.push_str(&format!("{name}={}&", encode(value)));
                }
            }
            let mut items = client.get(&format!("/api/audit?{query}limit={limit}")).await?["items"].take();
            if style == Style::Text {
                items.as_array_mut().into_iter().flatten().for_each(shorten);
            }
            let columns = ["sequence", "at_millis", "author", "from", "action", "object", "what"];
            output::list(style, &items, &columns);
            Ok(())
        }
        Audit::Verify { log, noted } => verify(client, log, noted.as_deref(), style).await,
    }
}

async fn verify(client: &Client, log: &LogName, noted: Option<&str>, style: Style) -> Result<()> {
    let mut query = log.query();
    if let Some(noted) = noted {
        let (number, hash) = noted.split_once(':').context("--noted is NUMBER:HASH")?;
        query.push_str(&format!("sequence={}&hash={}", encode(number), encode(hash)));
    }
    let verdict = client.get(&format!("/api/audit/verify?{query}")).await?;
    let sequence = &verdict["sequence"];
    if verdict["whole"] != true {
        let reason = verdict["reason"].as_str().unwrap_or_default();
        bail!("the log is broken at entry {sequence}: {reason}");
    }
    match style {
        Style::Json => output::item(style, &verdict),
        Style::Text => {
            let hash = verdict["hash"].as_str().unwrap_or_default();
            output::text(&match verdict["first"].as_u64() {
                Some(first) => format!(
                    "the log is whole from entry {first} to {sequence}; what was older than {} was kept long enough\n",
                    output::moment(&verdict["since_millis"])
                ),
                None => format!("the log is whole: {sequence} entries\n"),
            });
            if verdict["noted_is_kept"] == false {
                output::text("the entry that was noted is not kept any more: it proves nothing\n");
            }
            output::text(&format!("note this end elsewhere: {sequence}:{hash}\n"));
        }
    }
    Ok(())
}

/// What became of the fields, in one cell.
fn shorten(item: &mut Value) {
    let fields = item["fields"].as_array().into_iter().flatten().map(|change| {
        let name = change["field"].as_str().unwrap_or_default();
        let after = change["after"].as_str().unwrap_or("-");
        match change["before"].as_str() {
            Some(before) => format!("{name}: {before} -> {after}"),
            None => format!("{name}: {after}"),
        }
    });
    let what: Vec<String> = fields.collect();
    item["what"] = Value::String(what.join("; "));
}
