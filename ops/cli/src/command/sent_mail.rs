//! `hongyan sent-mail`

use anyhow::Result;
use clap::Subcommand;
use serde_json::json;

use crate::client::{Client, encode};
use crate::output::{self, Style};

#[derive(Debug, Subcommand)]
pub enum SentMail {
    /// List what a member has sent, the latest first.
    List {
        /// The member's address.
        address: String,
    },
    /// Show what became of a mail for each recipient.
    Show {
        /// The member's address.
        address: String,
        /// Which, as the list names it.
        id: u64,
    },
    /// Take a mail back from mailboxes of this system.
    Recall {
        /// The member's address.
        address: String,
        /// Which, as the list names it.
        id: u64,
    },
}

pub(crate) async fn run(command: &SentMail, client: &Client, style: Style) -> Result<()> {
    let path = |address: &str| format!("/api/members/{}/sent-mails", encode(address));
    match command {
        SentMail::List { address } => {
            let items = client.list(&path(address), "").await?;
            output::list(style, &items, &["id", "sent_millis", "state", "subject"]);
        }
        SentMail::Show { address, id } => {
            let mail = client.get(&format!("{}/{id}", path(address))).await?;
            let columns = ["address", "status", "reply", "displayed"];
            output::list(style, &mail["recipients"], &columns);
        }
        SentMail::Recall { address, id } => {
            let recalled = client
                .post(&format!("{}/{id}/recall", path(address)), json!({}))
                .await?;
            output::list(style, &recalled["recipients"], &["address", "result"]);
        }
    }
    Ok(())
}
