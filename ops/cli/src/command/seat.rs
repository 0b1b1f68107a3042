//! `hongyan seat`: who has an advanced seat.

use anyhow::Result;
use clap::Subcommand;
use serde_json::json;

use super::Whose;
use crate::client::{Client, encode};
use crate::output::{self, Style};

#[derive(Debug, Subcommand)]
pub enum Seat {
    /// List who has one.
    List {
        #[command(flatten)]
        whose: Whose,
    },
    /// Give a member one.
    Give {
        /// The member's address.
        address: String,
    },
    /// Take it back; all mail stays.
    Withdraw {
        /// The member's address.
        address: String,
    },
}

pub(crate) async fn run(command: &Seat, client: &Client, style: Style) -> Result<()> {
    let path = |address: &str| format!("/api/members/{}/seat", encode(address));
    let value = match command {
        Seat::List { whose } => {
            let items = client.list("/api/seats", &whose.query()).await?;
            output::list(style, &items, &["address", "display_name", "departments"]);
            return Ok(());
        }
        Seat::Give { address } => client.put(&path(address), json!({})).await?,
        Seat::Withdraw { address } => client.delete(&path(address)).await?,
    };
    output::item(style, &value);
    Ok(())
}
