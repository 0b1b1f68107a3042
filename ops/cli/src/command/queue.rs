//! `hongyan queue`

use anyhow::Result;
use clap::Subcommand;
use serde_json::json;

use crate::client::{Client, encode};
use crate::output::{self, Style};

#[derive(Debug, Subcommand)]
pub enum Queue {
    /// List what waits.
    List,
    /// Show an entry.
    Show {
        /// Its name, from `list`.
        id: String,
    },
    /// Try entries now.
    Retry {
        /// Their names.
        #[arg(required = true)]
        ids: Vec<String>,
    },
    /// Keep entries without trying them.
    Hold {
        /// Their names.
        #[arg(required = true)]
        ids: Vec<String>,
    },
    /// End a hold.
    Release {
        /// Their names.
        #[arg(required = true)]
        ids: Vec<String>,
    },
    /// Forget entries, without a report to the sender.
    Delete {
        /// Their names.
        #[arg(required = true)]
        ids: Vec<String>,
    },
}

pub(crate) async fn run(command: &Queue, client: &Client, style: Style) -> Result<()> {
    let path = |id: &str| format!("/api/queue/{}", encode(id));
    let (ids, action) = match command {
        Queue::List => {
            let items = client.list("/api/queue", "").await?;
            let columns = [
                "id",
                "state",
                "sender",
                "destination",
                "recipients",
                "attempts",
                "octets",
                "subject",
            ];
            output::list(style, &items, &columns);
            return Ok(());
        }
        Queue::Show { id } => {
            output::item(style, &client.get(&path(id)).await?);
            return Ok(());
        }
        Queue::Delete { ids } => {
            for id in ids {
                client.delete(&path(id)).await?;
                output::done(style, &format!("entry {id} is deleted"));
            }
            return Ok(());
        }
        Queue::Retry { ids } => (ids, "retry"),
        Queue::Hold { ids } => (ids, "hold"),
        Queue::Release { ids } => (ids, "release"),
    };
    for id in ids {
        let entry = client.post(&format!("{}/{action}", path(id)), json!({})).await?;
        output::item(style, &entry);
    }
    Ok(())
}
