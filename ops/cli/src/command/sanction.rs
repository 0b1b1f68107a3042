//! `hongyan sanction`: what the operator does against abuse.

use anyhow::Result;
use clap::{Subcommand, ValueEnum};
use serde_json::json;

use crate::client::{Client, encode};
use crate::output::{self, Style};

/// How grave it is.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Kind {
    /// Words only.
    Warning,
    /// Some functions do not work.
    Limit,
    /// No sign-in, no mail, until it is lifted.
    Suspension,
    /// The same, for good.
    Closure,
}

#[derive(Debug, Subcommand)]
pub enum Sanction {
    /// Warn, limit, suspend or close an organisation or a member; those concerned get a mail with the reason.
    Add {
        /// The organisation's name.
        organisation: String,
        /// How grave it is.
        kind: Kind,
        /// Why.
        #[arg(long)]
        reason: String,
        /// A member's address; without one it is the whole organisation.
        #[arg(long)]
        member: Option<String>,
        /// With a limit: nothing can be sent.
        #[arg(long)]
        stop_sending: bool,
        /// With a limit: nothing can be sent to other systems.
        #[arg(long)]
        stop_sending_outside: bool,
    },
    /// List all sanctions of an organisation and its members.
    List {
        /// The organisation's name.
        organisation: String,
    },
    /// Lift one.
    Lift {
        /// The organisation's name.
        organisation: String,
        /// Its number.
        id: u32,
        /// Why.
        #[arg(long)]
        reason: String,
    },
}

pub(crate) async fn run(command: &Sanction, client: &Client, style: Style) -> Result<()> {
    let path = |name: &str| format!("/api/organisations/{}/sanctions", encode(name));
    let value = match command {
        Sanction::Add {
            organisation,
            kind,
            reason,
            member,
            stop_sending,
            stop_sending_outside,
        } => {
            let kind = match kind {
                Kind::Warning => "warning",
                Kind::Limit => "limit",
                Kind::Suspension => "suspension",
                Kind::Closure => "closure",
            };
            let new = json!({
                "member": member, "kind": kind, "reason": reason,
                "stops": {"sending": stop_sending, "sending_outside": stop_sending_outside},
            });
            client.post(&path(organisation), new).await?
        }
        Sanction::List { organisation } => {
            let items = client.list(&path(organisation), "").await?;
            output::list(
                style,
                &items,
                &["id", "at_millis", "kind", "member", "reason", "lifted_millis"],
            );
            return Ok(());
        }
        Sanction::Lift {
            organisation,
            id,
            reason,
        } => {
            let path = format!("{}/{id}/lifting", path(organisation));
            client.post(&path, json!({ "reason": reason })).await?
        }
    };
    output::item(style, &value);
    Ok(())
}
