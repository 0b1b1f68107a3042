//! `hongyan member import`, `export`, `template`; `hongyan group import`, `export`, `template`

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::{Value, json};

use super::department_number::{Of, maybe, numbers};
use super::{Whose, task};
use crate::client::{Client, encode};
use crate::output::{self, Style};

#[derive(Debug, Args)]
pub struct Import {
    /// A .csv or .xlsx file with the columns that `template` writes.
    file: PathBuf,
    /// Only look the file over.
    #[arg(long)]
    dry_run: bool,
    /// Take the good rows though others are wrong.
    #[arg(long)]
    take_good: bool,
    /// They get mail, and are still to come.
    #[arg(long)]
    invited: bool,
    /// The domain of addresses that name none.
    #[arg(long)]
    domain: Option<String>,
    /// Number, name or path of the department of those for whom the file names none.
    #[arg(long)]
    department: Option<String>,
    #[command(flatten)]
    whose: Whose,
}

#[derive(Debug, Args)]
pub struct Export {
    /// A .csv or .xlsx file.
    file: PathBuf,
    /// Number, name or path of a department, with all below it; several are said one by one.
    #[arg(long)]
    department: Vec<String>,
    #[command(flatten)]
    whose: Whose,
}

#[derive(Debug, Args)]
pub struct GroupImport {
    /// A .csv or .xlsx file with the columns that `template` writes.
    file: PathBuf,
    /// Only look the file over.
    #[arg(long)]
    dry_run: bool,
    /// Take the good rows though others are wrong.
    #[arg(long)]
    take_good: bool,
    /// The domain of addresses that name none.
    #[arg(long)]
    domain: Option<String>,
    #[command(flatten)]
    whose: Whose,
}

#[derive(Debug, Args)]
pub struct GroupExport {
    /// A .csv or .xlsx file.
    file: PathBuf,
    #[command(flatten)]
    whose: Whose,
}

#[derive(Debug, Args)]
pub struct Template {
    /// A .csv or .xlsx file.
    file: PathBuf,
    /// Name the columns in Chinese.
    #[arg(long)]
    chinese: bool,
}

/// What the file is called says of what kind it is.
fn format(file: &Path) -> Result<&'static str> {
    match file.extension().and_then(|extension| extension.to_str()) {
        Some("csv") => Ok("csv"),
        Some("xlsx") => Ok("xlsx"),
        _ => bail!("the name of the file ends in .csv or .xlsx"),
    }
}

fn write(file: &Path, octets: &[u8], style: Style) -> Result<()> {
    let shown = file.display();
    fs::write(file, octets).with_context(|| format!("write {shown}"))?;
    output::done(style, &format!("{shown} is written"));
    Ok(())
}

/// Sends a file, waits for the end of the task that takes it, and tells what became of it.
async fn take(client: &Client, style: Style, whose: &Whose, (path, file): (&str, &Path)) -> Result<()> {
    let kind = match format(file)? {
        "csv" => "text/csv",
        _ => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    };
    let octets = fs::read(file).with_context(|| format!("read {}", file.display()))?;
    let begun = client.upload(path, kind, octets).await?;
    task::see_through(client, style, whose, begun).await
}

/// Waits for the end of the task that makes a file, and writes it.
async fn give(client: &Client, style: Style, whose: &Whose, (begun, file): (Value, &Path)) -> Result<()> {
    let ended = task::follow(client, style, whose, begun).await?;
    task::check_done(&ended)?;
    let path = format!("/api/tasks/{}/result{}", ended["id"], whose.suffix());
    write(file, &client.download(&path).await?, style)
}

pub(super) async fn import_groups(asked: &GroupImport, client: &Client, style: Style) -> Result<()> {
    let mut path = format!("/api/imports/groups{}", asked.whose.suffix());
    for (name, on) in [("dry_run", asked.dry_run), ("take_good", asked.take_good)] {
        path.push_str(&format!("{name}={on}&"));
    }
    if let Some(domain) = &asked.domain {
        path.push_str(&format!("domain={}&", encode(domain)));
    }
    take(client, style, &asked.whose, (&path, &asked.file)).await
}

pub(super) async fn export_groups(asked: &GroupExport, client: &Client, style: Style) -> Result<()> {
    let new = json!({"format": format(&asked.file)?, "organisation": asked.whose.organisation});
    let begun = client.post("/api/exports/groups", new).await?;
    give(client, style, &asked.whose, (begun, &asked.file)).await
}

pub(super) async fn import(asked: &Import, client: &Client, style: Style) -> Result<()> {
    let mut path = format!("/api/imports/members{}", asked.whose.suffix());
    for (name, on) in [
        ("dry_run", asked.dry_run),
        ("take_good", asked.take_good),
        ("invited", asked.invited),
    ] {
        path.push_str(&format!("{name}={on}&"));
    }
    if let Some(domain) = &asked.domain {
        path.push_str(&format!("domain={}&", encode(domain)));
    }
    if let Some(department) = maybe(client, Of::Whose(&asked.whose), asked.department.as_deref()).await? {
        path.push_str(&format!("department={department}&"));
    }
    take(client, style, &asked.whose, (&path, &asked.file)).await
}

pub(super) async fn export(asked: &Export, client: &Client, style: Style) -> Result<()> {
    let departments = numbers(client, Of::Whose(&asked.whose), &asked.department).await?;
    let new = json!({
        "format": format(&asked.file)?, "departments": departments, "organisation": asked.whose.organisation,
    });
    let begun = client.post("/api/exports/members", new).await?;
    give(client, style, &asked.whose, (begun, &asked.file)).await
}

/// `what` is `members` or `groups`.
pub(super) async fn template(what: &str, asked: &Template, client: &Client, style: Style) -> Result<()> {
    let language = if asked.chinese { "zh-CN" } else { "en" };
    let format = format(&asked.file)?;
    let path = format!("/api/imports/{what}/template?format={format}&language={language}");
    write(&asked.file, &client.download(&path).await?, style)
}
