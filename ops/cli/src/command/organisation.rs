//! `hongyan organisation`

use anyhow::Result;
use clap::Subcommand;
use serde_json::{Map, json};

use super::{Max, changes, or_none};
use crate::client::{Client, encode};
use crate::output::{self, Style};

#[derive(Debug, Subcommand)]
pub enum Organisation {
    /// Make an organisation.
    Add {
        /// Its name.
        name: String,
        /// Members it may have.
        #[arg(long)]
        accounts_max: Option<u64>,
        /// Aliases each member may have.
        #[arg(long)]
        aliases_max: Option<u32>,
        /// The language reports come in: en, zh-CN.
        #[arg(long)]
        language: Option<String>,
    },
    /// List organisations.
    List,
    /// Show an organisation.
    Show {
        /// Its name.
        name: String,
    },
    /// Change limits, language or who gets postmaster@.
    Set {
        /// Its name.
        name: String,
        /// Members it may have; `none` for the server's own limit.
        #[arg(long)]
        accounts_max: Option<Max>,
        /// Aliases each member may have; `none` for the server's own limit.
        #[arg(long)]
        aliases_max: Option<Max>,
        /// Address of the member that gets postmaster@; `none` for the oldest.
        #[arg(long)]
        postmaster: Option<String>,
        /// The language reports come in: en, zh-CN, or `none` for English.
        #[arg(long)]
        language: Option<String>,
    },
    /// Stop sign-in and mail of all its members.
    Suspend {
        /// Its name.
        name: String,
    },
    /// End a suspension.
    Resume {
        /// Its name.
        name: String,
    },
    /// Remove an organisation that owns nothing any more.
    Delete {
        /// Its name.
        name: String,
    },
}

pub(crate) async fn run(command: &Organisation, client: &Client, style: Style) -> Result<()> {
    let path = |name: &str| format!("/api/organisations/{}", encode(name));
    let value = match command {
        Organisation::List => {
            let items = client.list("/api/organisations", "").await?;
            output::list(style, &items, &["name", "state", "accounts", "domains", "groups"]);
            return Ok(());
        }
        Organisation::Add {
            name,
            accounts_max,
            aliases_max,
            language,
        } => {
            let new = json!({
                "name": name, "accounts_max": accounts_max, "aliases_per_account_max": aliases_max, "language": language,
            });
            client.post("/api/organisations", new).await?
        }
        Organisation::Show { name } => client.get(&path(name)).await?,
        Organisation::Set {
            name,
            accounts_max,
            aliases_max,
            postmaster,
            language,
        } => {
            let mut change = Map::new();
            if let Some(max) = accounts_max {
                change.insert("accounts_max".to_owned(), json!(max.0));
            }
            if let Some(max) = aliases_max {
                change.insert("aliases_per_account_max".to_owned(), json!(max.0));
            }
            if let Some(address) = postmaster {
                let address = Some(address).filter(|address| *address != "none");
                change.insert("postmaster".to_owned(), json!(address));
            }
            if let Some(language) = language {
                change.insert("language".to_owned(), json!(or_none(language)));
            }
            client.patch(&path(name), changes(change)?).await?
        }
        Organisation::Suspend { name } => client.patch(&path(name), json!({"state": "suspended"})).await?,
        Organisation::Resume { name } => client.patch(&path(name), json!({"state": "active"})).await?,
        Organisation::Delete { name } => {
            client.delete(&path(name)).await?;
            output::done(style, &format!("organisation {name} is deleted"));
            return Ok(());
        }
    };
    output::item(style, &value);
    Ok(())
}
