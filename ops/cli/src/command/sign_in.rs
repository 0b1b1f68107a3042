//! `hongyan sign-in`

use anyhow::Result;
use clap::Subcommand;
use serde_json::{Map, json};

use super::changes;
use crate::client::{Client, encode};
use crate::output::{self, Style};

#[derive(Debug, Subcommand)]
pub enum SignIn {
    /// Show how a member signs in.
    Show {
        /// The member's address.
        address: String,
    },
    /// Change how a member signs in.
    Set {
        /// The member's address.
        address: String,
        /// Whether mail clients need an app password: on or off.
        #[arg(long, value_parser = super::member::on_off)]
        secure_login: Option<bool>,
    },
}

pub(crate) async fn run(command: &SignIn, client: &Client, style: Style) -> Result<()> {
    let path = |address: &str| format!("/api/members/{}/sign-in", encode(address));
    let value = match command {
        SignIn::Show { address } => client.get(&path(address)).await?,
        SignIn::Set { address, secure_login } => {
            let mut change = Map::new();
            if let Some(on) = secure_login {
                change.insert("secure_login".to_owned(), json!(on));
            }
            client.patch(&path(address), changes(change)?).await?
        }
    };
    output::item(style, &value);
    Ok(())
}
