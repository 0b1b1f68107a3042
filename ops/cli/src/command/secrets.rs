//! `hongyan secrets`: the keys that seal what the store keeps secret.

use anyhow::Result;
use clap::Subcommand;
use serde_json::json;

use crate::client::Client;
use crate::output::{self, Style};

#[derive(Debug, Subcommand)]
pub enum Secrets {
    /// Show the names of the keys, and whether they open all that is sealed.
    Status,
    /// Make a new key on all nodes; what is sealed already is sealed again with it, in the background. Older keys stay, for
    /// backups: keep a copy of the file secrets.key afterwards.
    Rotate,
}

pub(crate) async fn run(command: &Secrets, client: &Client, style: Style) -> Result<()> {
    let value = match command {
        Secrets::Status => client.get("/api/secrets").await?,
        Secrets::Rotate => client.post("/api/secrets/rotate", json!({})).await?,
    };
    output::item(style, &value);
    Ok(())
}
