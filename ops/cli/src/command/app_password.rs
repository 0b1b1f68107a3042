//! `hongyan app-password`

use anyhow::Result;
use clap::Subcommand;
use serde_json::json;

use crate::client::{Client, encode};
use crate::output::{self, Style};

#[derive(Debug, Subcommand)]
pub enum AppPassword {
    /// Make a password for one mail client; it is shown this once.
    Add {
        /// The member's address.
        address: String,
        /// What its owner calls the client.
        #[arg(long)]
        name: String,
        /// A way in that it opens: imap, pop3, submission, http, ldap, active-sync; several are said one by one, none is
        /// all.
        #[arg(long)]
        protocol: Vec<String>,
        /// It lets one look and change nothing.
        #[arg(long)]
        read_only: bool,
        /// After how many days it ends.
        #[arg(long)]
        days: Option<u32>,
    },
    /// List a member's app passwords.
    List {
        /// The member's address.
        address: String,
    },
    /// Take one back; sessions that it opened end.
    Delete {
        /// The member's address.
        address: String,
        /// Its number.
        id: u32,
    },
}

pub(crate) async fn run(command: &AppPassword, client: &Client, style: Style) -> Result<()> {
    let path = |address: &str| format!("/api/members/{}/app-passwords", encode(address));
    match command {
        AppPassword::Add {
            address,
            name,
            protocol,
            read_only,
            days,
        } => {
            let new = json!({"name": name, "protocols": protocol, "read_only": read_only, "days": days});
            output::item(style, &client.post(&path(address), new).await?);
        }
        AppPassword::List { address } => {
            let items = client.get(&path(address)).await?["items"].take();
            let columns = [
                "id",
                "name",
                "protocols",
                "read_only",
                "expires_millis",
                "last_used_millis",
                "last_used_protocol",
            ];
            output::list(style, &items, &columns);
        }
        AppPassword::Delete { address, id } => {
            client.delete(&format!("{}/{id}", path(address))).await?;
            output::done(style, &format!("app password {id} of {address} is taken back"));
        }
    }
    Ok(())
}
