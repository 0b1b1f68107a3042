//! `hongyan task`

use std::time::Duration;

use anyhow::{Result, bail};
use clap::Subcommand;
use serde_json::Value;

use super::Whose;
use crate::client::Client;
use crate::output::{self, Style};

/// Time between two looks at a task.
const LOOK_PERIOD: Duration = Duration::from_millis(500);

#[derive(Debug, Subcommand)]
pub enum Task {
    /// List an organisation's tasks, the latest first.
    List {
        #[command(flatten)]
        whose: Whose,
    },
    /// Show how far a task is, and the rows that were not taken.
    Show {
        /// Its number.
        id: u64,
        #[command(flatten)]
        whose: Whose,
    },
    /// Stop a task for good; what was done stays.
    Cancel {
        /// Its number.
        id: u64,
        #[command(flatten)]
        whose: Whose,
    },
}

/// Waits for the end of a task, telling how far it is.
pub(super) async fn follow(client: &Client, style: Style, whose: &Whose, mut task: Value) -> Result<Value> {
    let path = format!("/api/tasks/{}{}", task["id"], whose.suffix());
    while task["state"] == "running" {
        if style == Style::Text {
            let phase = task["phase"].as_str().unwrap_or_default();
            let (position, total, bad) = (&task["position"], &task["total"], &task["bad"]);
            eprint!("\r{phase}: {position} of {total}, {bad} with problems ");
        }
        tokio::time::sleep(LOOK_PERIOD).await;
        task = client.get(&path).await?;
    }
    if style == Style::Text {
        eprintln!();
    }
    Ok(task)
}

/// Shows a task with what is wrong with its rows.
pub(super) async fn tell(client: &Client, style: Style, whose: &Whose, mut task: Value) -> Result<()> {
    let path = format!("/api/tasks/{}/rows", task["id"]);
    let rows = client.list(&path, &whose.query()).await?;
    if style == Style::Json {
        task["rows"] = rows;
        output::item(style, &task);
        return Ok(());
    }
    output::item(style, &task);
    for row in rows.as_array().into_iter().flatten() {
        for problem in row["problems"].as_array().into_iter().flatten() {
            let field = problem["field"].as_str().filter(|field| !field.is_empty());
            let field = field.map_or_else(String::new, |field| format!("{field}: "));
            let reason = problem["reason"].as_str().unwrap_or_default();
            output::text(&format!("line {}: {field}{reason}\n", row["line"]));
        }
    }
    Ok(())
}

/// Waits for the end of a task, and tells what became of its rows.
pub(super) async fn see_through(client: &Client, style: Style, whose: &Whose, begun: Value) -> Result<()> {
    let ended = follow(client, style, whose, begun).await?;
    tell(client, style, whose, ended.clone()).await?;
    check_done(&ended)
}

/// A task that came to another end than its own is an error.
pub(super) fn check_done(task: &Value) -> Result<()> {
    match task["state"].as_str() {
        Some("done") => Ok(()),
        state => bail!("the task is {}", state.unwrap_or_default()),
    }
}

pub(crate) async fn run(command: &Task, client: &Client, style: Style) -> Result<()> {
    match command {
        Task::List { whose } => {
            let items = client.list("/api/tasks", &whose.query()).await?;
            let columns = [
                "id",
                "job",
                "state",
                "position",
                "total",
                "good",
                "bad",
                "author",
                "created_millis",
            ];
            output::list(style, &items, &columns);
        }
        Task::Show { id, whose } => {
            let task = client.get(&format!("/api/tasks/{id}{}", whose.suffix())).await?;
            tell(client, style, whose, task).await?;
        }
        Task::Cancel { id, whose } => {
            let path = format!("/api/tasks/{id}/cancel{}", whose.suffix());
            output::item(style, &client.post(&path, Value::Null).await?);
        }
    }
    Ok(())
}
