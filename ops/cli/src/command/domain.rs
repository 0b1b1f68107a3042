//! `hongyan domain`

use anyhow::Result;
use clap::Subcommand;
use serde_json::json;

use super::Whose;
use crate::client::{Client, encode};
use crate::output::{self, Style};

#[derive(Debug, Subcommand)]
pub enum Domain {
    /// Give a domain to an organisation.
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
    /// Say who gets mail for addresses that nobody has.
    CatchAll {
        /// The domain.
        domain: String,
        /// An account's address, or `none`.
        address: String,
    },
    /// Remove a domain that has no addresses any more.
    Delete {
        /// Its name.
        domain: String,
    },
}

pub(crate) async fn run(command: &Domain, client: &Client, style: Style) -> Result<()> {
    let path = |name: &str| format!("/api/domains/{}", encode(name));
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
            output::list(style, &items, &["name", "domain", "organisation", "catch_all"]);
            return Ok(());
        }
        Domain::Show { domain } => client.get(&path(domain)).await?,
        Domain::Records { domain } => {
            let items = client.get(&format!("{}/records", path(domain))).await?["records"].take();
            output::list(style, &items, &["state", "need", "name", "type", "value", "found"]);
            return Ok(());
        }
        Domain::CatchAll { domain, address } => {
            let address = Some(address).filter(|address| *address != "none");
            client.patch(&path(domain), json!({ "catch_all": address })).await?
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
