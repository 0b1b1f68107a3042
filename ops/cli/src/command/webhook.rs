//! `hongyan webhook`

use anyhow::Result;
use clap::Subcommand;
use serde_json::{Map, Value, json};

use super::{Whose, changes};
use crate::client::Client;
use crate::output::{self, Style};

#[derive(Debug, Subcommand)]
pub enum Webhook {
    /// Make a webhook. Its secret is shown once.
    Add {
        /// What it is for.
        name: String,
        /// Where to post.
        url: String,
        /// Of what it tells: member, group, mail ...; several are said one by one.
        #[arg(long, required = true)]
        event: Vec<String>,
        #[command(flatten)]
        whose: Whose,
    },
    /// List webhooks.
    List {
        #[command(flatten)]
        whose: Whose,
    },
    /// Show a webhook.
    Show {
        /// Its number.
        id: u64,
        #[command(flatten)]
        whose: Whose,
    },
    /// Change a webhook, switch it off or on.
    Set {
        /// Its number.
        id: u64,
        /// What it is for.
        #[arg(long)]
        name: Option<String>,
        /// Where to post.
        #[arg(long)]
        url: Option<String>,
        /// Of what it tells; several are said one by one.
        #[arg(long)]
        event: Vec<String>,
        /// Whether it is used.
        #[arg(long)]
        on: Option<bool>,
        #[command(flatten)]
        whose: Whose,
    },
    /// Remove a webhook.
    Delete {
        /// Its number.
        id: u64,
        #[command(flatten)]
        whose: Whose,
    },
    /// Give a webhook another secret. It is shown once.
    Rotate {
        /// Its number.
        id: u64,
        #[command(flatten)]
        whose: Whose,
    },
    /// Post a test.
    Test {
        /// Its number.
        id: u64,
        #[command(flatten)]
        whose: Whose,
    },
    /// What it has posted lately, and what became of that.
    Deliveries {
        /// Its number.
        id: u64,
        #[command(flatten)]
        whose: Whose,
    },
    /// Post a delivery again.
    Redeliver {
        /// The webhook's number.
        id: u64,
        /// The delivery's.
        number: u64,
        #[command(flatten)]
        whose: Whose,
    },
}

pub(crate) async fn run(command: &Webhook, client: &Client, style: Style) -> Result<()> {
    let path = |id: &u64, what: &str, whose: &Whose| format!("/api/webhooks/{id}{what}{}", whose.suffix());
    let value = match command {
        Webhook::Add {
            name,
            url,
            event,
            whose,
        } => {
            let new = json!({"name": name, "url": url, "events": event, "organisation": whose.organisation});
            client.post("/api/webhooks", new).await?
        }
        Webhook::List { whose } => {
            let items = client.list("/api/webhooks", &whose.query()).await?;
            let columns = [
                "id",
                "name",
                "state",
                "events",
                "url",
                "pending",
                "failing_since_millis",
            ];
            output::list(style, &items, &columns);
            return Ok(());
        }
        Webhook::Show { id, whose } => client.get(&path(id, "", whose)).await?,
        Webhook::Set {
            id,
            name,
            url,
            event,
            on,
            whose,
        } => {
            let mut change = Map::new();
            for (field, value) in [("name", name), ("url", url)] {
                if let Some(value) = value {
                    change.insert(field.to_owned(), json!(value));
                }
            }
            if !event.is_empty() {
                change.insert("events".to_owned(), json!(event));
            }
            if let Some(on) = on {
                change.insert("on".to_owned(), json!(on));
            }
            client.patch(&path(id, "", whose), changes(change)?).await?
        }
        Webhook::Delete { id, whose } => {
            client.delete(&path(id, "", whose)).await?;
            output::done(style, &format!("webhook {id} is deleted"));
            return Ok(());
        }
        Webhook::Rotate { id, whose } => client.post(&path(id, "/rotate", whose), Value::Null).await?,
        Webhook::Test { id, whose } => client.post(&path(id, "/test", whose), Value::Null).await?,
        Webhook::Deliveries { id, whose } => {
            let list = format!("/api/webhooks/{id}/deliveries");
            let items = client.list(&list, &whose.query()).await?;
            output::list(style, &items, &["number", "created_millis", "taken", "attempts"]);
            return Ok(());
        }
        Webhook::Redeliver { id, number, whose } => {
            let redeliver = path(id, &format!("/deliveries/{number}/redeliver"), whose);
            client.post(&redeliver, Value::Null).await?
        }
    };
    output::item(style, &value);
    Ok(())
}
