//! `hongyan alias`

use anyhow::Result;
use clap::Subcommand;
use serde_json::{Value, json};

use crate::client::{Client, encode};
use crate::output::{self, Style};

#[derive(Debug, Subcommand)]
pub enum Alias {
    /// Give an account one more address.
    Add {
        /// One of its addresses.
        account: String,
        /// The new one.
        alias: String,
    },
    /// List an account's aliases.
    List {
        /// One of its addresses.
        account: String,
    },
    /// Take an alias away.
    Delete {
        /// One of the account's addresses.
        account: String,
        /// The alias.
        alias: String,
    },
}

pub(crate) async fn run(command: &Alias, client: &Client, style: Style) -> Result<()> {
    let path = |account: &str| format!("/api/members/{}/aliases", encode(account));
    let value = match command {
        Alias::Add { account, alias } => client.post(&path(account), json!({ "address": alias })).await?,
        Alias::List { account } => {
            let aliases = client.get(&path(account)).await?;
            let rows = aliases.as_array().into_iter().flatten();
            let rows = rows.map(|alias| json!({ "alias": alias })).collect();
            output::list(style, &Value::Array(rows), &["alias"]);
            return Ok(());
        }
        Alias::Delete { account, alias } => client.delete(&format!("{}/{}", path(account), encode(alias))).await?,
    };
    output::item(style, &value);
    Ok(())
}
