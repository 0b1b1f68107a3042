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
        /// Whether the password has to be changed at the next sign-in: on or off.
        #[arg(long, value_parser = super::member::on_off)]
        must_change_password: Option<bool>,
    },
    /// Remove a member's second factor: for whoever has lost phone and recovery codes.
    Reset {
        /// The member's address.
        address: String,
    },
    /// List the devices that a member trusts.
    Devices {
        /// The member's address.
        address: String,
    },
    /// Trust devices of a member no more.
    Distrust {
        /// The member's address.
        address: String,
        /// Its number, from `devices`; without it all.
        id: Option<String>,
    },
}

fn devices(address: &str) -> String {
    format!("/api/members/{}/devices", encode(address))
}

pub(crate) async fn run(command: &SignIn, client: &Client, style: Style) -> Result<()> {
    let path = |address: &str| format!("/api/members/{}/sign-in", encode(address));
    let value = match command {
        SignIn::Show { address } => client.get(&path(address)).await?,
        SignIn::Set {
            address,
            secure_login,
            must_change_password,
        } => {
            let mut change = Map::new();
            if let Some(on) = secure_login {
                change.insert("secure_login".to_owned(), json!(on));
            }
            if let Some(on) = must_change_password {
                change.insert("must_change_password".to_owned(), json!(on));
            }
            client.patch(&path(address), changes(change)?).await?
        }
        SignIn::Reset { address } => {
            let path = format!("/api/members/{}/second-factor", encode(address));
            client.delete(&path).await?;
            output::done(style, &format!("{address} has no second factor"));
            return Ok(());
        }
        SignIn::Devices { address } => {
            let items = client.get(&devices(address)).await?["items"].take();
            let columns = ["id", "name", "peer", "created_millis", "seen_millis", "end_millis"];
            output::list(style, &items, &columns);
            return Ok(());
        }
        SignIn::Distrust { address, id } => {
            let path = match id {
                Some(id) => format!("{}/{}", devices(address), encode(id)),
                None => devices(address),
            };
            client.delete(&path).await?;
            output::done(style, "trusted no more");
            return Ok(());
        }
    };
    output::item(style, &value);
    Ok(())
}
