//! `hongyan group`

use anyhow::Result;
use clap::Subcommand;
use serde_json::{Value, json};

use super::Whose;
use crate::client::{Client, encode};
use crate::output::{self, Style};

#[derive(Debug, Subcommand)]
pub enum Group {
    /// Make a group.
    Add {
        /// Its address.
        address: String,
        /// Its first members: accounts, other groups, addresses elsewhere.
        members: Vec<String>,
        /// Its name, for people.
        #[arg(long, default_value = "")]
        name: String,
    },
    /// List an organisation's groups.
    List {
        #[command(flatten)]
        whose: Whose,
    },
    /// Show a group and its members.
    Show {
        /// Its address.
        address: String,
    },
    /// Add members.
    AddMember {
        /// The group's address.
        address: String,
        /// Who.
        #[arg(required = true)]
        members: Vec<String>,
    },
    /// Remove members.
    DeleteMember {
        /// The group's address.
        address: String,
        /// Who.
        #[arg(required = true)]
        members: Vec<String>,
    },
    /// Remove a group.
    Delete {
        /// Its address.
        address: String,
    },
}

pub(crate) async fn run(command: &Group, client: &Client, style: Style) -> Result<()> {
    let path = |address: &str| format!("/api/groups/{}", encode(address));
    let value = match command {
        Group::Add { address, members, name } => {
            let new = json!({"address": address, "members": members, "display_name": name});
            client.post("/api/groups", new).await?
        }
        Group::List { whose } => {
            let items = client.list("/api/groups", &whose.query()).await?;
            output::list(style, &items, &["address", "display_name", "members"]);
            return Ok(());
        }
        Group::Show { address } => {
            let mut group = client.get(&path(address)).await?;
            group["members"] = client.list(&format!("{}/members", path(address)), "").await?;
            group
        }
        Group::AddMember { address, members } => {
            let mut group = Value::Null;
            for member in members {
                let new = json!({ "address": member });
                group = client.post(&format!("{}/members", path(address)), new).await?;
            }
            group
        }
        Group::DeleteMember { address, members } => {
            let mut group = Value::Null;
            for member in members {
                let gone = format!("{}/members/{}", path(address), encode(member));
                group = client.delete(&gone).await?;
            }
            group
        }
        Group::Delete { address } => {
            client.delete(&path(address)).await?;
            output::done(style, &format!("group {address} is deleted"));
            return Ok(());
        }
    };
    output::item(style, &value);
    Ok(())
}
