//! `hongyan organisation`

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Subcommand;
use serde_json::{Map, Value, json};

use super::sign_in_page::{self, SignInForm, SignInPage};
use super::{Max, changes, or_none};
use crate::client::{Client, encode};
use crate::output::{self, Style};

#[derive(Debug, Subcommand)]
pub enum Organisation {
    /// Make an organisation.
    Add {
        /// Its name.
        name: String,
        /// Members it may have.
        #[arg(long)]
        accounts_max: Option<u64>,
        /// Aliases each member may have.
        #[arg(long)]
        aliases_max: Option<u32>,
        /// The language reports come in: en, zh-CN.
        #[arg(long)]
        language: Option<String>,
        /// It gets no domain to try.
        #[arg(long)]
        no_trial_domain: bool,
    },
    /// List organisations.
    List,
    /// Show an organisation.
    Show {
        /// Its name.
        name: String,
    },
    /// Change limits, language or who gets postmaster@.
    Set {
        /// Its name.
        name: String,
        /// Members it may have; `none` for the server's own limit.
        #[arg(long)]
        accounts_max: Option<Max>,
        /// Aliases each member may have; `none` for the server's own limit.
        #[arg(long)]
        aliases_max: Option<Max>,
        /// Address of the member that gets postmaster@; `none` for the oldest.
        #[arg(long)]
        postmaster: Option<String>,
        /// The language reports come in: en, zh-CN, or `none` for English.
        #[arg(long)]
        language: Option<String>,
        /// Where new addresses are made when no domain is said; `none` for the only one.
        #[arg(long)]
        default_domain: Option<String>,
        /// Days until its service ends, or `none`.
        #[arg(long, value_name = "DAYS")]
        service_days: Option<String>,
        /// What follows when mail for all of its domains goes elsewhere: off, suspend or purge.
        #[arg(long)]
        mx_elsewhere: Option<String>,
    },
    /// Show what an organisation says of itself, or change it with the options given.
    Page {
        /// Its name.
        name: String,
        /// How people call it.
        #[arg(long)]
        short_name: Option<String>,
        /// Where it is.
        #[arg(long)]
        postal_address: Option<String>,
        /// What it does.
        #[arg(long)]
        industry: Option<String>,
        /// How large it is.
        #[arg(long)]
        size: Option<String>,
        /// Its time zone, such as Asia/Shanghai.
        #[arg(long)]
        time_zone: Option<String>,
        /// How names are shown: name, alias, name-alias, alias-name.
        #[arg(long)]
        display_names: Option<String>,
        /// Whether members choose their sender name themselves.
        #[arg(long)]
        own_sender_names: Option<bool>,
        /// The letter to new members: none, standard, or the path of a text file whose first line is the subject.
        #[arg(long)]
        welcome: Option<String>,
    },
    /// Set an organisation's logo to a JPEG, PNG or WebP file.
    Logo {
        /// Its name.
        name: String,
        /// The file; `none` takes the logo away.
        file: PathBuf,
    },
    /// Show how the page to sign in looks to its members, or change it with the options given.
    SignInPage(SignInPage),
    /// Print a form for other sites that leads to the page to sign in.
    SignInForm(SignInForm),
    /// List all that an organisation is connected with: providers, directories, applications, webhooks, tokens, links.
    Connections {
        /// Its name.
        name: String,
    },
    /// Stop sign-in and mail of all its members.
    Suspend {
        /// Its name.
        name: String,
    },
    /// End a suspension.
    Resume {
        /// Its name.
        name: String,
    },
    /// Remove an organisation that owns nothing any more.
    Delete {
        /// Its name.
        name: String,
    },
}

pub(crate) async fn run(command: &Organisation, client: &Client, style: Style) -> Result<()> {
    let path = |name: &str| format!("/api/organisations/{}", encode(name));
    let value = match command {
        Organisation::List => {
            let items = client.list("/api/organisations", "").await?;
            output::list(style, &items, &["name", "state", "accounts", "domains", "groups"]);
            return Ok(());
        }
        Organisation::Connections { name } => {
            let all = client.get(&format!("{}/connections", path(name))).await?;
            output::list(
                style,
                &all["items"],
                &["kind", "id", "name", "reaches", "state", "path"],
            );
            return Ok(());
        }
        Organisation::Add {
            name,
            accounts_max,
            aliases_max,
            language,
            no_trial_domain,
        } => {
            let new = json!({
                "name": name, "accounts_max": accounts_max, "aliases_per_account_max": aliases_max, "language": language,
                "trial_domain": !no_trial_domain,
            });
            client.post("/api/organisations", new).await?
        }
        Organisation::Show { name } => client.get(&path(name)).await?,
        Organisation::Set {
            name,
            accounts_max,
            aliases_max,
            postmaster,
            language,
            default_domain,
            service_days,
            mx_elsewhere,
        } => {
            let mut change = Map::new();
            if let Some(follows) = mx_elsewhere {
                change.insert("mx_elsewhere".to_owned(), json!(follows));
            }
            if let Some(days) = service_days {
                match days.as_str() {
                    "none" => change.insert("service_until_millis".to_owned(), Value::Null),
                    days => {
                        let days: u32 = days
                            .parse()
                            .with_context(|| format!("{days}: a number of days, or `none`"))?;
                        change.insert("service_days".to_owned(), json!(days))
                    }
                };
            }
            if let Some(domain) = default_domain {
                change.insert("default_domain".to_owned(), json!(or_none(domain)));
            }
            if let Some(max) = accounts_max {
                change.insert("accounts_max".to_owned(), json!(max.0));
            }
            if let Some(max) = aliases_max {
                change.insert("aliases_per_account_max".to_owned(), json!(max.0));
            }
            if let Some(address) = postmaster {
                let address = Some(address).filter(|address| *address != "none");
                change.insert("postmaster".to_owned(), json!(address));
            }
            if let Some(language) = language {
                change.insert("language".to_owned(), json!(or_none(language)));
            }
            client.patch(&path(name), changes(change)?).await?
        }
        Organisation::Page { name, .. } => {
            let path = format!("{}/page", path(name));
            let change = page_change(command)?;
            if change.is_empty() {
                client.get(&path).await?
            } else {
                client.patch_unchanged(&path, change.into()).await?
            }
        }
        Organisation::Logo { name, file } => {
            let path = format!("{}/logo", path(name));
            if file.as_os_str() == "none" {
                client.delete(&path).await?;
                output::done(style, &format!("organisation {name} has no logo"));
                return Ok(());
            }
            let octets = std::fs::read(file).with_context(|| format!("read {}", file.display()))?;
            client.replace(&path, "application/octet-stream", octets).await?;
            output::done(style, &format!("organisation {name} has a logo"));
            return Ok(());
        }
        Organisation::SignInPage(asked) => return sign_in_page::page(asked, client, style).await,
        Organisation::SignInForm(asked) => return sign_in_page::form(asked, client).await,
        Organisation::Suspend { name } => client.patch(&path(name), json!({"state": "suspended"})).await?,
        Organisation::Resume { name } => client.patch(&path(name), json!({"state": "active"})).await?,
        Organisation::Delete { name } => {
            client.delete(&path(name)).await?;
            output::done(style, &format!("organisation {name} is deleted"));
            return Ok(());
        }
    };
    output::item(style, &value);
    Ok(())
}

/// The fields of the page that options name.
fn page_change(command: &Organisation) -> Result<Map<String, Value>> {
    let mut change = Map::new();
    let Organisation::Page {
        name: _,
        short_name,
        postal_address,
        industry,
        size,
        time_zone,
        display_names,
        own_sender_names,
        welcome,
    } = command
    else {
        return Ok(change);
    };
    for (field, text) in [
        ("short_name", short_name),
        ("postal_address", postal_address),
        ("industry", industry),
        ("size", size),
        ("time_zone", time_zone),
        ("display_names", display_names),
    ] {
        if let Some(text) = text {
            change.insert(field.to_owned(), json!(text));
        }
    }
    if let Some(own) = own_sender_names {
        change.insert("own_sender_names".to_owned(), json!(own));
    }
    if let Some(welcome) = welcome {
        change.insert("welcome".to_owned(), read_welcome(welcome)?);
    }
    Ok(change)
}

fn read_welcome(welcome: &str) -> Result<Value> {
    if matches!(welcome, "none" | "standard") {
        return Ok(json!({"kind": welcome}));
    }
    let text = std::fs::read_to_string(welcome).with_context(|| format!("read {welcome}"))?;
    let (subject, text) = text.split_once('\n').unwrap_or((&text, ""));
    Ok(json!({"kind": "own", "subject": subject.trim(), "text": text.trim_start_matches('\n')}))
}
