//! `hongyan domain`

use anyhow::{Context, Result};
use clap::Subcommand;
use serde_json::json;

use super::Whose;
use crate::client::{Client, encode};
use crate::output::{self, Style};

#[derive(Debug, Subcommand)]
pub enum Domain {
    /// Give a domain to an organisation; the operator's word is enough.
    Add {
        /// Its name; internationalised names as people write them.
        domain: String,
        #[command(flatten)]
        whose: Whose,
    },
    /// List an organisation's domains.
    List {
        #[command(flatten)]
        whose: Whose,
    },
    /// Show a domain.
    Show {
        /// Its name.
        domain: String,
    },
    /// Show the DNS records that a domain is to have, and what DNS says now.
    Records {
        /// Its name.
        domain: String,
    },
    /// Ask name servers now, and note what they say; an ownership that they prove counts at once.
    Check {
        /// Its name.
        domain: String,
        #[command(flatten)]
        whose: Whose,
    },
    /// Say, as the operator, that a domain is its claimant's.
    Confirm {
        /// Its name.
        domain: String,
        #[command(flatten)]
        whose: Whose,
    },
    /// Make a domain another name of one: the same people, under both.
    Alias {
        /// The other name; it has no addresses of its own.
        domain: String,
        /// The domain that has the addresses, or `none`.
        of: String,
    },
    /// Move all addresses to another domain; the old ones go on.
    Move {
        /// Where they are.
        domain: String,
        /// Where they go.
        to: String,
    },
    /// Remove a domain with everyone in it, in seven days; says what goes.
    Remove {
        /// Its name.
        domain: String,
        /// The name once more; without it nothing is done.
        #[arg(long, value_name = "DOMAIN")]
        confirm: Option<String>,
    },
    /// Keep a domain that was to be removed.
    Keep {
        /// Its name.
        domain: String,
    },
    /// Bring an own certificate for a domain and the names in it, or take it away.
    Certificate {
        /// The domain.
        domain: String,
        /// The PEM file with the certificate and those that lead to its authority; `none` takes the own one away.
        file: String,
        /// The PEM file with its private key.
        #[arg(long)]
        key: Option<std::path::PathBuf>,
    },
    /// Say who gets mail for addresses that nobody has.
    CatchAll {
        /// The domain.
        domain: String,
        /// An account's address, or `none`.
        address: String,
    },
    /// Say what registers a domain's host names with an authority, and when to be reminded of it.
    Licence {
        /// The domain.
        domain: String,
        /// What there is to say; `none` takes it away.
        #[arg(long)]
        text: Option<String>,
        /// Days until administrators are reminded by mail; `none`: never.
        #[arg(long, value_name = "DAYS")]
        remind: Option<String>,
    },
    /// Remove a domain that has no addresses any more, or give a claim up.
    Delete {
        /// Its name.
        domain: String,
    },
}

pub(crate) async fn run(command: &Domain, client: &Client, style: Style) -> Result<()> {
    let path = |name: &str| format!("/api/domains/{}", encode(name));
    let of = |name: &str, what: &str, whose: &Whose| format!("{}/{what}{}", path(name), whose.suffix());
    let value = match command {
        Domain::Add { domain, whose } => {
            client
                .post(
                    "/api/domains",
                    json!({"domain": domain, "organisation": whose.organisation}),
                )
                .await?
        }
        Domain::List { whose } => {
            let items = client.list("/api/domains", &whose.query()).await?;
            output::list(
                style,
                &items,
                &[
                    "name",
                    "domain",
                    "organisation",
                    "state",
                    "alias_of",
                    "catch_all",
                    "registered_until_millis",
                ],
            );
            return Ok(());
        }
        Domain::Show { domain } => client.get(&path(domain)).await?,
        Domain::Records { domain } => {
            let items = client.get(&format!("{}/records", path(domain))).await?["records"].take();
            output::list(style, &items, &["state", "need", "name", "type", "value", "found"]);
            return Ok(());
        }
        Domain::Check { domain, whose } => client.post(&of(domain, "check", whose), json!({})).await?,
        Domain::Confirm { domain, whose } => client.post(&of(domain, "confirmation", whose), json!({})).await?,
        Domain::Alias { domain, of } => {
            let of = Some(of).filter(|of| *of != "none");
            client.patch(&path(domain), json!({ "alias_of": of })).await?
        }
        Domain::Move { domain, to } => {
            client
                .post(&format!("{}/move", path(domain)), json!({ "to": to }))
                .await?
        }
        Domain::Remove { domain, confirm } => {
            let removal = format!("{}/removal", path(domain));
            match confirm {
                Some(typed) => client.post(&removal, json!({ "domain": typed })).await?,
                None => client.get(&removal).await?,
            }
        }
        Domain::Keep { domain } => client.delete(&format!("{}/removal", path(domain))).await?,
        Domain::Licence { domain, text, remind } => {
            let mut change = serde_json::Map::new();
            if let Some(text) = text {
                change.insert("licence".to_owned(), json!(super::or_none(text).unwrap_or_default()));
            }
            match remind.as_deref() {
                None => {}
                Some("none") => drop(change.insert("licence_reminder_millis".to_owned(), json!(null))),
                Some(days) => {
                    let days: u32 = days
                        .parse()
                        .with_context(|| format!("{days}: a number of days, or `none`"))?;
                    change.insert("licence_reminder_days".to_owned(), json!(days));
                }
            }
            client.patch(&path(domain), super::changes(change)?).await?
        }
        Domain::CatchAll { domain, address } => {
            let address = Some(address).filter(|address| *address != "none");
            client.patch(&path(domain), json!({ "catch_all": address })).await?
        }
        Domain::Certificate { domain, file, key } => {
            let path = format!("{}/certificate", path(domain));
            if file == "none" {
                client.delete(&path).await?;
                output::done(style, &format!("{domain} has no certificate of its own"));
                return Ok(());
            }
            let key = key.as_ref().context("the key is needed: --key FILE")?;
            let read = |path: &std::path::Path| {
                std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))
            };
            let new = json!({"certificate": read(std::path::Path::new(file))?, "key": read(key)?});
            client.put(&path, new).await?;
            output::done(style, &format!("the certificate of {domain} is shown by all nodes"));
            return Ok(());
        }
        Domain::Delete { domain } => {
            client.delete(&path(domain)).await?;
            output::done(style, &format!("domain {domain} is deleted"));
            return Ok(());
        }
    };
    output::item(style, &value);
    Ok(())
}
