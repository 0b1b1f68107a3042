//! `hongyan role`

use anyhow::{Result, bail};
use clap::Subcommand;
use serde_json::{Value, json};

use super::Whose;
use super::department_number::{Of, numbers};
use crate::client::{Client, encode};
use crate::output::{self, Style};

#[derive(Debug, Subcommand)]
pub enum Role {
    /// List who may manage an organisation.
    List {
        #[command(flatten)]
        whose: Whose,
    },
    /// Give a member a role. Only operators make somebody the creator, who takes the role from who has it.
    Grant {
        /// The member's address.
        address: String,
        /// creator, super or delegated.
        role: String,
        /// A delegated administrator's function: members, groups, logs; several are said one by one.
        #[arg(long)]
        function: Vec<String>,
        /// Number, name or path of a department that the functions are for, with all below it; without one the whole organisation.
        #[arg(long)]
        department: Vec<String>,
    },
    /// Offer the creator's role to a member, as the creator.
    HandOver {
        /// The member's address.
        member: String,
    },
    /// Show the creator's role as it is offered by you, or to you.
    Offer,
    /// Take the creator's role that is offered to you.
    Accept,
    /// Take your offer back, or decline the one made to you.
    Decline,
    /// Take a member's role away.
    Withdraw {
        /// The member's address.
        address: String,
    },
}

fn wanted(role: &str, functions: &[String], departments: &[u32]) -> Result<Value> {
    match role {
        "creator" | "super" if !functions.is_empty() || !departments.is_empty() => {
            bail!("only a delegated administrator has functions and departments")
        }
        "creator" | "super" => Ok(json!({ "kind": role })),
        "delegated" => Ok(json!({"kind": role, "functions": functions, "departments": departments})),
        _ => bail!("a role is creator, super or delegated"),
    }
}

pub(crate) async fn run(command: &Role, client: &Client, style: Style) -> Result<()> {
    let path = |address: &str| format!("/api/members/{}/role", encode(address));
    let value = match command {
        Role::List { whose } => {
            let mut items = client.get(&format!("/api/roles{}", whose.suffix())).await?["items"].take();
            if style == Style::Text {
                items.as_array_mut().into_iter().flatten().for_each(flatten);
            }
            let columns = ["address", "display_name", "role", "functions", "departments"];
            output::list(style, &items, &columns);
            return Ok(());
        }
        Role::Grant {
            address,
            role,
            function,
            department,
        } => {
            let departments = numbers(client, Of::Address(address), department).await?;
            client
                .put(&path(address), wanted(role, function, &departments)?)
                .await?
        }
        Role::HandOver { member } => client.post("/api/hand-over", json!({ "member": member })).await?,
        Role::Offer => client.get("/api/hand-over").await?,
        Role::Accept => client.post("/api/hand-over/accept", Value::Null).await?,
        Role::Decline => {
            client.delete("/api/hand-over").await?;
            output::done(style, "the creator's role is offered no more");
            return Ok(());
        }
        Role::Withdraw { address } => client.delete(&path(address)).await?,
    };
    output::item(style, &value);
    Ok(())
}

/// The role's parts beside the address, for a table.
fn flatten(item: &mut Value) {
    let role = item["role"].take();
    item["role"] = role["kind"].clone();
    item["functions"] = role["functions"].clone();
    item["departments"] = role["departments"].clone();
}
