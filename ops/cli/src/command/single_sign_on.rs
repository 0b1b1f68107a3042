//! `hongyan single-sign-on`

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Subcommand;
use serde_json::{Map, Value, json};

use super::Whose;
use crate::client::{Client, encode};
use crate::output::{self, Style};

#[derive(Debug, Subcommand)]
pub enum SingleSignOn {
    /// Show where members sign in, and what to register there.
    Show {
        #[command(flatten)]
        whose: Whose,
    },
    /// Set the OpenID Connect provider where members sign in.
    Set(Box<Set>),
    /// Look at the provider: what is wrong with it is said.
    Check {
        #[command(flatten)]
        whose: Whose,
    },
    /// Have members sign in here only.
    Remove {
        #[command(flatten)]
        whose: Whose,
    },
    /// List the identities at providers that sign in to a member's account.
    Identities {
        /// The member's address.
        address: String,
    },
    /// Unlink an identity.
    Unlink {
        /// The member's address.
        address: String,
        /// Its name, from `identities`.
        id: String,
    },
}

#[derive(Debug, clap::Args)]
pub struct Set {
    #[command(flatten)]
    whose: Whose,
    /// Who the provider is: an URL.
    issuer: String,
    /// What it calls us.
    client_id: String,
    /// A file with what we prove ourselves with; without it the one that is there stays.
    #[arg(long, conflicts_with = "public")]
    secret_file: Option<PathBuf>,
    /// We prove ourselves with nothing.
    #[arg(long)]
    public: bool,
    /// What members read.
    #[arg(long, default_value = "Single sign-on")]
    label: String,
    /// Link an account with whoever comes with its address, which the provider has verified.
    #[arg(long)]
    link_by_mail: bool,
    /// Make an account for whoever comes with a verified address in one of the organisation's domains.
    #[arg(long)]
    create_members: bool,
    /// The provider asks for a second factor itself: ours is not asked.
    #[arg(long)]
    vouches_second_factor: bool,
}

impl Set {
    fn body(&self) -> Result<Value> {
        let mut body = Map::new();
        body.insert("issuer".to_owned(), json!(self.issuer));
        body.insert("client_id".to_owned(), json!(self.client_id));
        body.insert("label".to_owned(), json!(self.label));
        body.insert("link_by_mail".to_owned(), json!(self.link_by_mail));
        body.insert("create_members".to_owned(), json!(self.create_members));
        body.insert("vouches_second_factor".to_owned(), json!(self.vouches_second_factor));
        if let Some(file) = &self.secret_file {
            let text = std::fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
            body.insert("client_secret".to_owned(), json!(text.trim_end_matches(['\r', '\n'])));
        } else if self.public {
            body.insert("client_secret".to_owned(), Value::Null);
        }
        Ok(Value::Object(body))
    }
}

async fn path(client: &Client, whose: &Whose) -> Result<String> {
    let name = super::sign_in::policy::organisation(client, whose).await?;
    Ok(format!("/api/organisations/{}/single-sign-on", encode(&name)))
}

fn identities(address: &str) -> String {
    format!("/api/members/{}/outside-identities", encode(address))
}

pub(crate) async fn run(command: &SingleSignOn, client: &Client, style: Style) -> Result<()> {
    let value = match command {
        SingleSignOn::Show { whose } => client.get(&path(client, whose).await?).await?,
        SingleSignOn::Set(set) => client.put(&path(client, &set.whose).await?, set.body()?).await?,
        SingleSignOn::Check { whose } => {
            let path = format!("{}/check", path(client, whose).await?);
            client.post(&path, json!({})).await?
        }
        SingleSignOn::Remove { whose } => {
            client.delete(&path(client, whose).await?).await?;
            output::done(style, "members sign in here");
            return Ok(());
        }
        SingleSignOn::Identities { address } => {
            let items = client.get(&identities(address)).await?["items"].take();
            output::list(style, &items, &["id", "issuer", "subject", "mail", "created_millis"]);
            return Ok(());
        }
        SingleSignOn::Unlink { address, id } => {
            client
                .delete(&format!("{}/{}", identities(address), encode(id)))
                .await?;
            output::done(style, "unlinked");
            return Ok(());
        }
    };
    output::item(style, &value);
    Ok(())
}
