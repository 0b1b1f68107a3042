//! `hongyan domain`

use anyhow::Result;
use clap::Subcommand;
use serde_json::json;

use super::of_tenant;
use crate::client::{Client, encode};
use crate::output::{self, Style};

#[derive(Debug, Subcommand)]
pub enum Domain {
    /// Give a domain to a tenant.
    Add {
        /// Its name; internationalised names as people write them.
        domain: String,
        /// Whose; may be left out while there is one tenant.
        #[arg(long)]
        tenant: Option<String>,
    },
    /// List a tenant's domains.
    List {
        /// Whose; may be left out while there is one tenant.
        #[arg(long)]
        tenant: Option<String>,
    },
    /// Show a domain.
    Show {
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
        Domain::Add { domain, tenant } => {
            client
                .post("/api/domains", json!({"domain": domain, "tenant": tenant}))
                .await?
        }
        Domain::List { tenant } => {
            let items = client.list("/api/domains", &of_tenant(tenant.as_deref())).await?;
            output::list(style, &items, &["name", "domain", "tenant", "catch_all"]);
            return Ok(());
        }
        Domain::Show { domain } => client.get(&path(domain)).await?,
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
