//! `hongyan login`

use anyhow::Result;
use clap::Subcommand;

use super::Whose;
use crate::client::{Client, encode};
use crate::output::{self, Style};

#[derive(Debug, Subcommand)]
pub enum Login {
    /// List sign-ins, the newest first.
    List {
        /// Only those of the member with this address.
        #[arg(long)]
        account: Option<String>,
        /// Only those that failed.
        #[arg(long)]
        failed: bool,
        /// Only those that are unusual.
        #[arg(long)]
        unusual: bool,
        /// How many at most.
        #[arg(long, default_value_t = 100)]
        limit: usize,
        #[command(flatten)]
        whose: Whose,
    },
}

pub(crate) async fn run(command: &Login, client: &Client, style: Style) -> Result<()> {
    let Login::List {
        account,
        failed,
        unusual,
        limit,
        whose,
    } = command;
    let path = match account {
        Some(address) => format!("/api/members/{}/logins", encode(address)),
        None => "/api/logins".to_owned(),
    };
    let query = format!("?{}failed={failed}&unusual={unusual}&limit={limit}", whose.query());
    let items = client.get(&format!("{path}{query}")).await?["items"].take();
    let columns = [
        "at_millis",
        "account",
        "login",
        "protocol",
        "way",
        "peer",
        "place",
        "client",
        "result",
    ];
    output::list(style, &items, &columns);
    Ok(())
}
