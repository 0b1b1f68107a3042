//! `hongyan saml`

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Subcommand;
use serde_json::{Map, Value, json};

use super::Whose;
use crate::client::{Client, encode};
use crate::output::{self, Style};

#[derive(Debug, Subcommand)]
pub enum Saml {
    /// Show where members sign in.
    Show {
        #[command(flatten)]
        whose: Whose,
    },
    /// Show what to register at the provider, before anything is set here, too.
    Registration {
        #[command(flatten)]
        whose: Whose,
    },
    /// Set the identity provider where members sign in: its metadata, or what is in them.
    Set(Box<Set>),
    /// Have no members sign in by SAML.
    Remove {
        #[command(flatten)]
        whose: Whose,
    },
}

#[derive(Debug, clap::Args)]
pub struct Set {
    #[command(flatten)]
    whose: Whose,
    /// A file with the provider's metadata.
    #[arg(long, required_unless_present_all = ["entity_id", "sign_in_address", "certificate_file"], conflicts_with_all = ["entity_id", "sign_in_address", "certificate_file"])]
    metadata_file: Option<PathBuf>,
    /// Who the provider is, in its own words.
    #[arg(long)]
    entity_id: Option<String>,
    /// Where it takes requests by HTTP-Redirect: an URL.
    #[arg(long)]
    sign_in_address: Option<String>,
    /// A file with a certificate of the provider's; several times while it changes its key.
    #[arg(long)]
    certificate_file: Vec<PathBuf>,
    #[command(flatten)]
    sign_out: SignOut,
    /// What members read.
    #[arg(long, default_value = "Single sign-on")]
    label: String,
    /// The attribute that is the mail address; without it, the name identifier is.
    #[arg(long)]
    mail_attribute: Option<String>,
    /// The attribute that says what people are called.
    #[arg(long)]
    name_attribute: Option<String>,
    /// Link an account with whoever comes with its address.
    #[arg(long)]
    link_by_mail: bool,
    /// Make an account for whoever comes with an address in one of the organisation's domains.
    #[arg(long)]
    create_members: bool,
    /// The provider asks for a second factor itself: ours is not asked.
    #[arg(long)]
    vouches_second_factor: bool,
}

/// Where messages of single logout are taken.
#[derive(Debug, clap::Args)]
pub struct SignOut {
    /// Where it is told that somebody signs out: an URL; `none` for nowhere. Metadata say it, too.
    #[arg(long)]
    sign_out: Option<String>,
    /// Where it takes our answers, if that is elsewhere.
    #[arg(long, requires = "sign_out")]
    sign_out_response: Option<String>,
    /// How it takes them: redirect, post.
    #[arg(long, default_value = "redirect")]
    sign_out_binding: String,
}

impl SignOut {
    /// What is said of it, if anything is.
    pub(super) fn field(&self) -> Option<Value> {
        let address = self.sign_out.as_deref()?;
        Some(match address {
            "none" => Value::Null,
            address => {
                json!({"address": address, "response_address": self.sign_out_response, "binding": self.sign_out_binding})
            }
        })
    }
}

pub(super) fn text(file: &Path) -> Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("read {}", file.display()))
}

impl Set {
    fn body(&self) -> Result<Value> {
        let mut body = Map::new();
        match &self.metadata_file {
            Some(file) => {
                body.insert("metadata".to_owned(), json!(text(file)?));
            }
            None => {
                let certificates = self.certificate_file.iter().map(|file| text(file));
                let certificates: Vec<String> = certificates.collect::<Result<_>>()?;
                body.insert("entity_id".to_owned(), json!(self.entity_id));
                body.insert("sign_in_address".to_owned(), json!(self.sign_in_address));
                body.insert("certificates".to_owned(), json!(certificates));
            }
        }
        if let Some(place) = self.sign_out.field() {
            body.insert("sign_out".to_owned(), place);
        }
        body.insert("label".to_owned(), json!(self.label));
        body.insert("mail_attribute".to_owned(), json!(self.mail_attribute));
        body.insert("name_attribute".to_owned(), json!(self.name_attribute));
        body.insert("link_by_mail".to_owned(), json!(self.link_by_mail));
        body.insert("create_members".to_owned(), json!(self.create_members));
        body.insert("vouches_second_factor".to_owned(), json!(self.vouches_second_factor));
        Ok(Value::Object(body))
    }
}

async fn path(client: &Client, whose: &Whose) -> Result<String> {
    let name = super::sign_in::policy::organisation(client, whose).await?;
    Ok(format!("/api/organisations/{}/saml", encode(&name)))
}

pub(crate) async fn run(command: &Saml, client: &Client, style: Style) -> Result<()> {
    let value = match command {
        Saml::Show { whose } => client.get(&path(client, whose).await?).await?,
        Saml::Registration { whose } => {
            let path = format!("{}/registration", path(client, whose).await?);
            client.get(&path).await?
        }
        Saml::Set(set) => client.put(&path(client, &set.whose).await?, set.body()?).await?,
        Saml::Remove { whose } => {
            client.delete(&path(client, whose).await?).await?;
            output::done(style, "members do not sign in by SAML");
            return Ok(());
        }
    };
    output::item(style, &value);
    Ok(())
}
