//! `hongyan clean-up`

use anyhow::{Result, bail};
use clap::Args;
use serde_json::{Value, json};

use crate::client::{Client, encode};
use crate::output::{self, Style};

/// Mails that go with one request.
const MAILS_AT_ONCE: usize = 200;

#[derive(Debug, Args)]
pub struct CleanUp {
    /// The member's address.
    address: String,
    /// Only in this folder; may be given several times.
    #[arg(long)]
    folder: Vec<String>,
    /// Mails that came so many days ago or earlier.
    #[arg(long, group = "criterion")]
    older_than_days: Option<u32>,
    /// Mails of more octets.
    #[arg(long, group = "criterion")]
    larger_than_octets: Option<u64>,
    /// Mails with this in their subject.
    #[arg(long, group = "criterion")]
    subject: Option<String>,
    /// Delete what the scan shows, or these alone; the list names them.
    #[arg(long, num_args = 0.., value_name = "ID")]
    delete: Option<Vec<String>>,
}

impl CleanUp {
    fn scan(&self) -> Result<Value> {
        if (self.older_than_days, self.larger_than_octets, &self.subject) == (None, None, &None) {
            bail!("say one of --older-than-days, --larger-than-octets, --subject");
        }
        Ok(json!({
            "folders": (!self.folder.is_empty()).then_some(&self.folder),
            "older_than_days": self.older_than_days,
            "larger_than_octets": self.larger_than_octets,
            "subject": self.subject,
        }))
    }
}

pub(crate) async fn run(command: &CleanUp, client: &Client, style: Style) -> Result<()> {
    let path = format!("/api/members/{}/clean-up", encode(&command.address));
    let ids = match &command.delete {
        Some(ids) if !ids.is_empty() => ids.clone(),
        delete => {
            let found = scan(&path, command.scan()?, client).await?;
            if delete.is_none() {
                let columns = ["id", "folder", "received_millis", "from", "subject", "octets"];
                output::list(style, &Value::Array(found), &columns);
                return Ok(());
            }
            let ids = found.iter().filter_map(|mail| mail["id"].as_str());
            ids.map(str::to_owned).collect()
        }
    };
    let mut cleaned = 0;
    for some in ids.chunks(MAILS_AT_ONCE) {
        let done = client.post(&path, json!({ "ids": some })).await?;
        cleaned += done["cleaned"].as_u64().unwrap_or(0);
    }
    output::done(style, &format!("{cleaned} mails deleted"));
    Ok(())
}

/// All pages of a scan.
async fn scan(path: &str, mut wanted: Value, client: &Client) -> Result<Vec<Value>> {
    let mut found = Vec::new();
    loop {
        let mut page = client.post(&format!("{path}/scan"), wanted.clone()).await?;
        let Value::Array(items) = page["items"].take() else {
            bail!("the server's answer has no items");
        };
        found.extend(items);
        if page["next"].is_null() {
            return Ok(found);
        }
        wanted["after"] = page["next"].take();
    }
}
