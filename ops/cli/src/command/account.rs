//! `hongyan account`

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::{Max, changes, of_tenant, or_none, password};
use crate::client::{Client, encode};
use crate::output::{self, Style};

#[derive(Debug, Subcommand)]
pub enum Account {
    /// Make an account; its password is asked for, or read from standard input.
    Add {
        /// Its main address, also its login name.
        address: String,
        /// The person's name.
        #[arg(long, default_value = "")]
        name: String,
        /// Make it without a password: nobody can sign in yet.
        #[arg(long)]
        no_password: bool,
        /// It may manage its tenant.
        #[arg(long)]
        administrator: bool,
        /// The language reports come in: en, zh-CN; else the tenant's.
        #[arg(long)]
        language: Option<String>,
        #[command(flatten)]
        quota: Quota,
    },
    /// List a tenant's accounts.
    List {
        /// Whose; may be left out while there is one tenant.
        #[arg(long)]
        tenant: Option<String>,
    },
    /// Show an account.
    Show {
        /// One of its addresses.
        address: String,
    },
    /// Change name, quota or what it may do with mail clients.
    Set {
        /// One of its addresses.
        address: String,
        /// The person's name.
        #[arg(long)]
        name: Option<String>,
        /// May manage its tenant: on or off.
        #[arg(long, value_parser = on_off)]
        administrator: Option<bool>,
        /// The language reports come in: en, zh-CN, or `none` for the tenant's.
        #[arg(long)]
        language: Option<String>,
        #[command(flatten)]
        quota: Quota,
        #[command(flatten)]
        settings: Box<Settings>,
    },
    /// Set a new password, asked for or read from standard input.
    Password {
        /// One of its addresses.
        address: String,
    },
    /// Stop its sign-in and mail; what it has stays.
    Suspend {
        /// One of its addresses.
        address: String,
    },
    /// End a suspension.
    Resume {
        /// One of its addresses.
        address: String,
    },
    /// Remove an account and free its addresses.
    Delete {
        /// One of its addresses.
        address: String,
    },
}

#[derive(Debug, Args)]
pub struct Quota {
    /// Octets of mail it may have, or `none`.
    #[arg(long)]
    quota_octets: Option<Max>,
    /// Messages it may have, or `none`.
    #[arg(long)]
    quota_messages: Option<Max>,
}

#[derive(Debug, Args)]
pub struct Settings {
    /// IMAP: on or off.
    #[arg(long, value_parser = on_off)]
    imap: Option<bool>,
    /// POP3: on or off.
    #[arg(long, value_parser = on_off)]
    pop3: Option<bool>,
    /// Sending with mail clients: on or off.
    #[arg(long, value_parser = on_off)]
    submission: Option<bool>,
    /// How far back POP3 clients fetch: week, two-weeks, month, three-months, year, two-years, all.
    #[arg(long)]
    pop_range: Option<String>,
    /// How far back IMAP clients see, likewise.
    #[arg(long)]
    imap_range: Option<String>,
    /// Whether POP3 clients may delete: on or off.
    #[arg(long, value_parser = on_off)]
    pop_clients_may_delete: Option<bool>,
    /// Whether POP3 offers own folders: on or off.
    #[arg(long, value_parser = on_off)]
    pop_own_folders: Option<bool>,
    /// Whether POP3 offers Junk: on or off.
    #[arg(long, value_parser = on_off)]
    pop_junk: Option<bool>,
    /// Whether mail sent with clients is kept in Sent: on or off.
    #[arg(long, value_parser = on_off)]
    keep_sent: Option<bool>,
}

fn on_off(text: &str) -> Result<bool, String> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("on or off".to_owned()),
    }
}

impl Settings {
    fn to_json(&self) -> Map<String, Value> {
        let mut map = Map::new();
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                map.insert(name.to_owned(), value);
            }
        };
        put("imap", self.imap.map(Value::from));
        put("pop3", self.pop3.map(Value::from));
        put("submission", self.submission.map(Value::from));
        put("pop_range", self.pop_range.clone().map(Value::from));
        put("imap_range", self.imap_range.clone().map(Value::from));
        put("pop_clients_may_delete", self.pop_clients_may_delete.map(Value::from));
        put("pop_own_folders", self.pop_own_folders.map(Value::from));
        put("pop_junk", self.pop_junk.map(Value::from));
        put("keep_sent", self.keep_sent.map(Value::from));
        map
    }
}

/// The quota as it is with what was asked for on top; nothing when nothing was asked for.
fn quota(asked: &Quota, present: &Value) -> Option<Value> {
    if asked.quota_octets.is_none() && asked.quota_messages.is_none() {
        return None;
    }
    let octets = asked
        .quota_octets
        .map_or(present["octets_max"].clone(), |max| json!(max.0));
    let messages = asked
        .quota_messages
        .map_or(present["messages_max"].clone(), |max| json!(max.0));
    Some(json!({"octets_max": octets, "messages_max": messages}))
}

pub(crate) async fn run(command: &Account, client: &Client, style: Style) -> Result<()> {
    let path = |address: &str| format!("/api/accounts/{}", encode(address));
    let value = match command {
        Account::Add {
            address,
            name,
            no_password,
            administrator,
            language,
            quota: asked,
        } => {
            let password = if *no_password { None } else { Some(password::read()?) };
            let new = json!({
                "address": address, "display_name": name, "password": password, "administrator": administrator,
                "quota": quota(asked, &Value::Null).unwrap_or_else(|| json!({})), "language": language,
            });
            client.post("/api/accounts", new).await?
        }
        Account::List { tenant } => {
            let items = client.list("/api/accounts", &of_tenant(tenant.as_deref())).await?;
            output::list(style, &items, &["address", "display_name", "state", "aliases"]);
            return Ok(());
        }
        Account::Show { address } => client.get(&path(address)).await?,
        Account::Set {
            address,
            name,
            administrator,
            language,
            quota: asked,
            settings,
        } => {
            let mut change = Map::new();
            if let Some(name) = name {
                change.insert("display_name".to_owned(), json!(name));
            }
            if let Some(administrator) = administrator {
                change.insert("administrator".to_owned(), json!(administrator));
            }
            if let Some(language) = language {
                change.insert("language".to_owned(), json!(or_none(language)));
            }
            let settings = settings.to_json();
            if !settings.is_empty() {
                change.insert("settings".to_owned(), Value::Object(settings));
            }
            let present = client.get(&path(address)).await?;
            if let Some(quota) = quota(asked, &present["quota"]) {
                change.insert("quota".to_owned(), quota);
            }
            client.patch(&path(address), changes(change)?).await?
        }
        Account::Password { address } => {
            let new = json!({"password": password::read()?});
            client.put(&format!("{}/password", path(address)), new).await?;
            output::done(style, &format!("the password of {address} is set"));
            return Ok(());
        }
        Account::Suspend { address } => client.patch(&path(address), json!({"state": "suspended"})).await?,
        Account::Resume { address } => client.patch(&path(address), json!({"state": "active"})).await?,
        Account::Delete { address } => {
            client.delete(&path(address)).await?;
            output::done(style, &format!("account {address} is deleted"));
            return Ok(());
        }
    };
    output::item(style, &value);
    Ok(())
}
