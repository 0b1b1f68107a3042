//! `hongyan sign-in`

pub(crate) mod policy;

use anyhow::Result;
use clap::Subcommand;
use serde_json::{Map, Value, json};

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
        #[command(flatten)]
        rule: Rule,
    },
    /// Show or change how all members of an organisation sign in.
    #[command(subcommand)]
    Policy(policy::Policy),
    /// List a member's passkeys.
    Passkeys {
        /// The member's address.
        address: String,
    },
    /// Take a passkey of a member back.
    RemovePasskey {
        /// The member's address.
        address: String,
        /// Its number, from `passkeys`.
        id: u32,
    },
    /// Remove a member's authenticator app, passkeys and recovery codes: for whoever has lost them.
    Reset {
        /// The member's address.
        address: String,
    },
    /// Unbind a member's phone and recovery mailbox: for whoever has lost them.
    Unbind {
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

/// What administrators decide of one member's sign-in.
#[derive(Debug, Clone, clap::Args)]
pub struct Rule {
    /// A way in to close to this member: imap, pop3, submission, http, ldap, active-sync, web; several are said one by one, `none` opens all.
    #[arg(long)]
    close: Vec<String>,
    /// From where this member signs in: an address, a network, a range; `none` is from where the organisation says.
    #[arg(long)]
    network: Vec<String>,
    /// Whether clients of this member need app passwords, whatever the member says: on or off.
    #[arg(long, value_parser = super::member::on_off)]
    force_secure_login: Option<bool>,
}

impl Rule {
    fn change(&self) -> Map<String, Value> {
        let mut change = Map::new();
        insert_list(&mut change, "closed", &self.close);
        insert_list(&mut change, "networks", &self.network);
        if let Some(on) = self.force_secure_login {
            change.insert("secure_login_forced".to_owned(), json!(on));
        }
        change
    }
}

/// A list that an option names one by one; `none` empties it.
fn insert_list(change: &mut Map<String, Value>, field: &str, entries: &[String]) {
    if !entries.is_empty() {
        let entries: Vec<&String> = entries.iter().filter(|entry| *entry != "none").collect();
        change.insert(field.to_owned(), json!(entries));
    }
}

fn devices(address: &str) -> String {
    format!("/api/members/{}/devices", encode(address))
}

fn passkeys(address: &str) -> String {
    format!("/api/members/{}/passkeys", encode(address))
}

pub(crate) async fn run(command: &SignIn, client: &Client, style: Style) -> Result<()> {
    let path = |address: &str| format!("/api/members/{}/sign-in", encode(address));
    let value = match command {
        SignIn::Show { address } => client.get(&path(address)).await?,
        SignIn::Set {
            address,
            secure_login,
            must_change_password,
            rule,
        } => {
            let mut change = rule.change();
            if let Some(on) = secure_login {
                change.insert("secure_login".to_owned(), json!(on));
            }
            if let Some(on) = must_change_password {
                change.insert("must_change_password".to_owned(), json!(on));
            }
            client.patch(&path(address), changes(change)?).await?
        }
        SignIn::Policy(command) => return policy::run(command, client, style).await,
        SignIn::Reset { address } => {
            let path = format!("/api/members/{}/second-factor", encode(address));
            client.delete(&path).await?;
            output::done(style, &format!("{address} has no second factor"));
            return Ok(());
        }
        SignIn::Unbind { address } => {
            client
                .delete(&format!("/api/members/{}/reach", encode(address)))
                .await?;
            output::done(style, &format!("{address} has no phone and no recovery mailbox"));
            return Ok(());
        }
        SignIn::Passkeys { address } => {
            let items = client.get(&passkeys(address)).await?["items"].take();
            let columns = ["id", "name", "verifies", "synced", "created_millis", "last_used_millis"];
            output::list(style, &items, &columns);
            return Ok(());
        }
        SignIn::RemovePasskey { address, id } => {
            client.delete(&format!("{}/{id}", passkeys(address))).await?;
            output::done(style, "taken back");
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
