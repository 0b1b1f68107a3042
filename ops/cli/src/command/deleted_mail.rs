//! `hongyan deleted-mail`

use anyhow::Result;
use clap::Subcommand;
use serde_json::json;

use crate::client::{Client, encode};
use crate::output::{self, Style};

#[derive(Debug, Subcommand)]
pub enum DeletedMail {
    /// List what a member can have back.
    List {
        /// The member's address.
        address: String,
    },
    /// Put mails back into the member's inbox.
    Restore {
        /// The member's address.
        address: String,
        /// Which, as the list names them.
        #[arg(required = true)]
        ids: Vec<String>,
    },
}

pub(crate) async fn run(command: &DeletedMail, client: &Client, style: Style) -> Result<()> {
    let path = |address: &str| format!("/api/members/{}/deleted-mails", encode(address));
    match command {
        DeletedMail::List { address } => {
            let items = client.list(&path(address), "").await?;
            let columns = ["id", "deleted_millis", "folder", "from", "subject", "octets"];
            output::list(style, &items, &columns);
        }
        DeletedMail::Restore { address, ids } => {
            let restored = client
                .post(&format!("{}/restore", path(address)), json!({"ids": ids}))
                .await?;
            output::list(style, &restored["items"], &["id", "restored", "detail"]);
        }
    }
    Ok(())
}
