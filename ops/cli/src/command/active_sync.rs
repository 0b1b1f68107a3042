//! `hongyan active-sync`

use anyhow::Result;
use clap::Subcommand;
use serde_json::json;

use crate::client::{Client, encode};
use crate::output::{self, Style};

#[derive(Debug, Subcommand)]
pub enum ActiveSync {
    /// List the phones of a member.
    List {
        /// The member's address.
        address: String,
    },
    /// Forget a phone: it is a new one when it comes again.
    Remove {
        /// The member's address.
        address: String,
        /// What it calls itself, from `list`.
        id: String,
    },
    /// Have the account removed from a phone, and nothing else on it.
    Wipe {
        /// The member's address.
        address: String,
        /// What it calls itself, from `list`.
        id: String,
    },
    /// Take `wipe` back: the phone is served again.
    Keep {
        /// The member's address.
        address: String,
        /// What it calls itself, from `list`.
        id: String,
    },
}

pub(crate) async fn run(command: &ActiveSync, client: &Client, style: Style) -> Result<()> {
    let all = |address: &str| format!("/api/members/{}/active-sync-devices", encode(address));
    let one = |address: &str, id: &str| format!("{}/{}", all(address), encode(id));
    match command {
        ActiveSync::List { address } => {
            let items = client.get(&all(address)).await?["items"].take();
            let columns = ["id", "kind", "model", "os", "version", "last_seen_millis", "wipe"];
            output::list(style, &items, &columns);
        }
        ActiveSync::Remove { address, id } => {
            client.delete(&one(address, id)).await?;
            output::done(style, &format!("{id} is forgotten"));
        }
        ActiveSync::Wipe { address, id } => {
            let wipe = format!("{}/wipe", one(address, id));
            output::item(style, &client.put(&wipe, json!({})).await?);
        }
        ActiveSync::Keep { address, id } => {
            client.delete(&format!("{}/wipe", one(address, id))).await?;
            output::done(style, &format!("{id} is served again"));
        }
    }
    Ok(())
}
