//! `hongyan migration`

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::{Whose, password};
use crate::client::{Client, encode};
use crate::output::{self, Style};

#[derive(Debug, Subcommand)]
pub enum Migration {
    /// Providers that are known, with what is to be done there first.
    Providers,
    /// Try a source with any one account; its password is asked for.
    Test {
        #[command(flatten)]
        source: Source,
        /// The account's login name there.
        login: String,
        #[command(flatten)]
        administrator: Administrator,
        #[command(flatten)]
        whose: Whose,
    },
    /// Begin to move the mail of a domain.
    Create {
        /// The domain of the addresses at the source.
        source_domain: String,
        #[command(flatten)]
        source: Source,
        /// The domain here whose members get the mail, if it is another.
        #[arg(long)]
        to: Option<String>,
        #[command(flatten)]
        administrator: Administrator,
        /// Members that are added within 30 days are taken in too.
        #[arg(long)]
        new_accounts: bool,
        /// Tell members by mail.
        #[arg(long)]
        tell_members: bool,
        #[command(flatten)]
        whose: Whose,
    },
    /// List an organisation's migrations, the latest first.
    List {
        #[command(flatten)]
        whose: Whose,
    },
    /// Show how far a migration is.
    Show {
        /// Its number.
        id: u64,
        #[command(flatten)]
        whose: Whose,
    },
    /// Look over what a migration needs.
    Check {
        /// Its number.
        id: u64,
        #[command(flatten)]
        whose: Whose,
    },
    /// List the accounts of a migration.
    Accounts {
        /// Its number.
        id: u64,
        /// Only those in this state.
        #[arg(long)]
        state: Option<String>,
        #[command(flatten)]
        whose: Whose,
    },
    /// List what did not come of an account.
    Troubles {
        /// The migration's number.
        id: u64,
        /// The member's address.
        address: String,
    },
    /// Give the old password of one account; it is asked for.
    Password {
        /// The migration's number.
        id: u64,
        /// The member's address.
        address: String,
        /// The login name at the source, if it is another.
        #[arg(long)]
        login: Option<String>,
    },
    /// Give old passwords from a file: address, login name or nothing, password, with commas between.
    Passwords {
        /// The migration's number.
        id: u64,
        /// The file.
        file: std::path::PathBuf,
        #[command(flatten)]
        whose: Whose,
    },
    /// Stop for a while.
    Pause {
        /// Its number.
        id: u64,
        #[command(flatten)]
        whose: Whose,
    },
    /// Go on.
    Continue {
        /// Its number.
        id: u64,
        #[command(flatten)]
        whose: Whose,
    },
    /// End for good; what was moved stays, old passwords are deleted.
    End {
        /// Its number.
        id: u64,
        #[command(flatten)]
        whose: Whose,
    },
}

/// Where mail comes from.
#[derive(Debug, Args)]
pub struct Source {
    /// A known provider.
    #[arg(long, conflicts_with = "host")]
    provider: Option<String>,
    /// Name or address of the server.
    #[arg(long, required_unless_present = "provider")]
    host: Option<String>,
    /// Its port, if it is not the usual one.
    #[arg(long)]
    port: Option<u16>,
    /// imap or pop3.
    #[arg(long, default_value = "imap")]
    protocol: String,
    /// implicit, starttls or none.
    #[arg(long, default_value = "implicit")]
    tls: String,
}

impl Source {
    fn json(&self) -> Value {
        let mut source = Map::new();
        source.insert("protocol".to_owned(), json!(self.protocol));
        if let Some(provider) = &self.provider {
            source.insert("provider".to_owned(), json!(provider));
        } else {
            source.insert("host".to_owned(), json!(self.host));
            source.insert("tls".to_owned(), json!(self.tls));
        }
        if let Some(port) = self.port {
            source.insert("port".to_owned(), json!(port));
        }
        Value::Object(source)
    }
}

/// An account of the source that reads all others.
#[derive(Debug, Args)]
pub struct Administrator {
    /// The login name of an administrator's account that may read all others; its password is asked for.
    #[arg(long)]
    administrator: Option<String>,
    /// How it names the account that it reads: authzid, backslash (Exchange) or star (Dovecot).
    #[arg(long, default_value = "authzid")]
    delegation: String,
}

async fn set(client: &Client, style: Style, id: u64, whose: &Whose, state: &str) -> Result<()> {
    let path = format!("/api/migrations/{id}{}", whose.suffix());
    output::item(style, &client.patch(&path, json!({"state": state})).await?);
    Ok(())
}

pub(crate) async fn run(command: &Migration, client: &Client, style: Style) -> Result<()> {
    match command {
        Migration::Providers => {
            let found = client.get("/api/migration-providers").await?;
            output::list(style, &found["items"], &["name", "title", "imap", "pop3", "note"]);
        }
        Migration::Test {
            source,
            login,
            administrator,
            whose,
        } => {
            let asked = json!({
                "source": source.json(),
                "login": login,
                "password": password::once()?,
                "administrator": administrator.administrator,
                "delegation": administrator.delegation,
                "organisation": whose.organisation,
            });
            output::item(style, &client.post("/api/migration-test", asked).await?);
        }
        Migration::Create {
            source_domain,
            source,
            to,
            administrator,
            new_accounts,
            tell_members,
            whose,
        } => {
            let reader = match &administrator.administrator {
                Some(login) => json!({
                    "login": login,
                    "password": password::once()?,
                    "delegation": administrator.delegation,
                }),
                None => Value::Null,
            };
            let asked = json!({
                "source": source.json(),
                "source_domain": source_domain,
                "target_domain": to,
                "administrator": reader,
                "new_accounts": new_accounts,
                "tell_members": tell_members,
                "organisation": whose.organisation,
            });
            output::item(style, &client.post("/api/migrations", asked).await?);
        }
        Migration::List { whose } => {
            let items = client.list("/api/migrations", &whose.query()).await?;
            let columns = ["id", "state", "source_domain", "target_domain", "host", "counts"];
            output::list(style, &items, &columns);
        }
        Migration::Show { id, whose } => {
            let path = format!("/api/migrations/{id}{}", whose.suffix());
            output::item(style, &client.get(&path).await?);
        }
        Migration::Check { id, whose } => {
            let path = format!("/api/migrations/{id}/checks{}", whose.suffix());
            output::list(style, &client.get(&path).await?["items"], &["name", "good", "detail"]);
        }
        Migration::Accounts { id, state, whose } => {
            let state = state
                .as_deref()
                .map_or_else(String::new, |state| format!("state={}&", encode(state)));
            let path = format!("/api/migrations/{id}/accounts");
            let items = client.list(&path, &format!("{}{state}", whose.query())).await?;
            let columns = [
                "address", "login", "state", "total", "imported", "present", "failed", "reason",
            ];
            output::list(style, &items, &columns);
        }
        Migration::Troubles { id, address } => {
            let path = format!("/api/migrations/{id}/accounts/{}/troubles", encode(address));
            let items = client.list(&path, "").await?;
            output::list(style, &items, &["folder", "message", "octets", "reason"]);
        }
        Migration::Password { id, address, login } => {
            let path = format!("/api/migrations/{id}/accounts/{}/password", encode(address));
            let asked = json!({"login": login, "password": password::once()?});
            output::item(style, &client.put(&path, asked).await?);
        }
        Migration::Passwords { id, file, whose } => {
            let octets = std::fs::read(file).with_context(|| format!("read {}", file.display()))?;
            let path = format!("/api/migrations/{id}/passwords{}", whose.suffix());
            output::item(style, &client.upload(&path, "text/csv", octets).await?);
        }
        Migration::Pause { id, whose } => set(client, style, *id, whose, "paused").await?,
        Migration::Continue { id, whose } => set(client, style, *id, whose, "moving").await?,
        Migration::End { id, whose } => set(client, style, *id, whose, "ended").await?,
    }
    Ok(())
}
