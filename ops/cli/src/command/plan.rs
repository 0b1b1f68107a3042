//! `hongyan plan`: what the operator offers organisations.

use anyhow::{Context, Result};
use clap::Subcommand;
use serde_json::{Map, Value, json};

use crate::client::{Client, encode};
use crate::output::{self, Style};

#[derive(Debug, Subcommand)]
pub enum Plan {
    /// Make a plan.
    Add {
        /// Its name.
        name: String,
        /// A function that it leaves out: api, delegated-administrators, network-limits, secretary,
        /// exit-page or sign-in-page.
        #[arg(long, value_name = "FUNCTION")]
        without: Vec<String>,
        /// A limit that it sets, such as `accounts_per_tenant_max=200`.
        #[arg(long, value_name = "NAME=VALUE")]
        limit: Vec<String>,
    },
    /// List all plans.
    List,
    /// Show a plan.
    Show {
        /// Its name.
        name: String,
    },
    /// Change a plan for all organisations that have it.
    Set {
        /// Its name.
        name: String,
        /// Functions that it leaves out from now on, in place of those before.
        #[arg(long, value_name = "FUNCTION")]
        without: Option<Vec<String>>,
        /// A limit; `NAME=none` takes one away.
        #[arg(long, value_name = "NAME=VALUE")]
        limit: Vec<String>,
    },
    /// Remove a plan that no organisation has.
    Delete {
        /// Its name.
        name: String,
    },
    /// Show what an organisation has: plan, seats, functions, limits with present use.
    Of {
        /// The organisation's name.
        organisation: String,
    },
    /// Give an organisation a plan; what that affects is told and has to be confirmed.
    Give {
        /// The organisation's name.
        organisation: String,
        /// The plan; without one it has everything.
        #[arg(long)]
        plan: Option<String>,
        /// Days until it ends.
        #[arg(long)]
        days: Option<u32>,
        /// The plan that follows then; without one it has everything.
        #[arg(long)]
        fallback: Option<String>,
        /// Advanced seats; without a number as many as are wanted.
        #[arg(long)]
        seats: Option<u64>,
        /// Even when something is affected.
        #[arg(long)]
        confirmed: bool,
        /// Only tell what would be affected.
        #[arg(long)]
        preview: bool,
    },
    /// Show what bounds one member, and who set it; or set limits of it alone, such as `message_octets_max=1048576`.
    Member {
        /// One of its addresses.
        address: String,
        /// A limit; `NAME=none` takes the member's own away.
        #[arg(value_name = "NAME=VALUE")]
        limit: Vec<String>,
    },
    /// Set limits of one organisation, such as `mailbox_octets_max=1073741824`.
    Limit {
        /// The organisation's name.
        organisation: String,
        /// A limit; `NAME=none` takes the organisation's own away.
        #[arg(required = true, value_name = "NAME=VALUE")]
        limit: Vec<String>,
    },
}

/// Limits as they are written on the command line.
fn limits(texts: &[String]) -> Result<Map<String, Value>> {
    let mut limits = Map::new();
    for text in texts {
        let (name, value) = text
            .split_once('=')
            .with_context(|| format!("{text}: write NAME=VALUE"))?;
        let value = match value {
            "none" => Value::Null,
            number => json!(
                number
                    .parse::<u64>()
                    .with_context(|| format!("{text}: a number or `none`"))?
            ),
        };
        limits.insert(name.to_owned(), value);
    }
    Ok(limits)
}

pub(crate) async fn run(command: &Plan, client: &Client, style: Style) -> Result<()> {
    let path = |name: &str| format!("/api/plans/{}", encode(name));
    let of = |name: &str, what: &str| format!("/api/organisations/{}/{what}", encode(name));
    let value = match command {
        Plan::Add { name, without, limit } => {
            let new = json!({"name": name, "without": without, "limits": limits(limit)?});
            client.post("/api/plans", new).await?
        }
        Plan::List => {
            let items = client.list("/api/plans", "").await?;
            output::list(style, &items, &["name", "without", "limits"]);
            return Ok(());
        }
        Plan::Show { name } => client.get(&path(name)).await?,
        Plan::Set { name, without, limit } => {
            let mut change = json!({"limits": limits(limit)?});
            if let Some(without) = without {
                change["without"] = json!(without);
            }
            client.patch_unchanged(&path(name), change).await?
        }
        Plan::Delete { name } => {
            client.delete(&path(name)).await?;
            output::done(style, &format!("plan {name} is deleted"));
            return Ok(());
        }
        Plan::Of { organisation } => client.get(&of(organisation, "plan")).await?,
        Plan::Give {
            organisation,
            plan,
            days,
            fallback,
            seats,
            confirmed,
            preview,
        } => {
            let asked = json!({
                "plan": plan, "days": days, "fallback": fallback, "seats": seats, "confirmed": confirmed,
            });
            match preview {
                true => client.post(&of(organisation, "plan/preview"), asked).await?,
                false => client.put(&of(organisation, "plan"), asked).await?,
            }
        }
        Plan::Member { address, limit } => {
            let path = format!("/api/members/{}", encode(address));
            if !limit.is_empty() {
                let change = json!({"limits": limits(limit)?});
                client.patch(&path, change).await?;
            }
            let found = client.get(&format!("{path}/limits")).await?;
            output::list(
                style,
                &found["items"],
                &["name", "max", "used", "level", "lowest_level"],
            );
            return Ok(());
        }
        Plan::Limit { organisation, limit } => {
            let change = json!({"limits": limits(limit)?});
            client.patch(&of(organisation, "limits"), change).await?
        }
    };
    output::item(style, &value);
    Ok(())
}
