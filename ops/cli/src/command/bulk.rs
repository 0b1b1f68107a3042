//! `hongyan member bulk`

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::{Value, json};

use super::department_number::{Of, numbers};
use super::{Whose, task};
use crate::client::Client;
use crate::output::Style;

#[derive(Debug, Args)]
pub struct Bulk {
    /// move-to-departments, leave-departments, join-groups, disable, enable, force-secure-login, free-secure-login,
    /// add-alias or delete.
    action: String,
    /// Addresses of members; with add-alias each with `=` and the alias.
    members: Vec<String>,
    /// A file with more of them, one a line.
    #[arg(long)]
    file: Option<PathBuf>,
    /// Number, name or path of a department; several are said one by one.
    #[arg(long)]
    department: Vec<String>,
    /// Address of a group; several are said one by one.
    #[arg(long)]
    group: Vec<String>,
    /// Only look.
    #[arg(long)]
    dry_run: bool,
    /// Disable and delete those too whom others count on.
    #[arg(long)]
    confirm_uses: bool,
    #[command(flatten)]
    whose: Whose,
}

fn member(text: &str) -> Value {
    match text.split_once('=') {
        Some((address, alias)) => json!({"address": address, "alias": alias}),
        None => json!({"address": text}),
    }
}

pub(super) async fn run(asked: &Bulk, client: &Client, style: Style) -> Result<()> {
    let mut members: Vec<Value> = asked.members.iter().map(|text| member(text)).collect();
    if let Some(file) = &asked.file {
        let lines = fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
        let lines = lines.lines().map(str::trim).filter(|line| !line.is_empty());
        members.extend(lines.map(member));
    }
    if members.is_empty() {
        bail!("say whose addresses, or a file with them");
    }
    let departments = numbers(client, Of::Whose(&asked.whose), &asked.department).await?;
    let new = json!({
        "action": asked.action, "members": members, "departments": departments, "groups": asked.group,
        "dry_run": asked.dry_run, "confirm_uses": asked.confirm_uses, "organisation": asked.whose.organisation,
    });
    let begun = client.post("/api/bulk/members", new).await?;
    task::see_through(client, style, &asked.whose, begun).await
}
