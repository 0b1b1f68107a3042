//! `hongyan shared`

use anyhow::{Result, bail};
use clap::Subcommand;
use serde_json::json;

use super::Whose;
use super::department_number::{Of, numbers};
use crate::client::{Client, encode};
use crate::output::{self, Style};

#[derive(Debug, Subcommand)]
pub enum Shared {
    /// Make a mailbox that several people use.
    Add {
        /// Its address.
        address: String,
        /// Its name, for people.
        #[arg(long, default_value = "")]
        name: String,
    },
    /// List an organisation's shared mailboxes.
    List {
        #[command(flatten)]
        whose: Whose,
    },
    /// List who may use one.
    Users {
        /// Its address.
        address: String,
    },
    /// Let members and departments use one; they have it beside their own mailbox, with their own password.
    Allow {
        /// Its address.
        address: String,
        #[command(flatten)]
        whom: Whom,
        /// They only read.
        #[arg(long)]
        read_only: bool,
        /// They do not send as the mailbox.
        #[arg(long)]
        no_send: bool,
    },
    /// List what others did in a mailbox, the latest first: its users, or who acts for its person.
    Acts {
        /// Its address.
        address: String,
    },
    /// Take one from members and departments.
    Withdraw {
        /// Its address.
        address: String,
        #[command(flatten)]
        whom: Whom,
    },
}

#[derive(Debug, clap::Args)]
pub struct Whom {
    /// A member's address; several are said one by one.
    #[arg(long)]
    member: Vec<String>,
    /// Number, name or path of a department, with all below it; several are said one by one.
    #[arg(long)]
    department: Vec<String>,
}

impl Whom {
    fn check(&self) -> Result<()> {
        if self.member.is_empty() && self.department.is_empty() {
            bail!("say whom: --member or --department");
        }
        Ok(())
    }
}

pub(crate) async fn run(command: &Shared, client: &Client, style: Style) -> Result<()> {
    let path = |address: &str| format!("/api/members/{}/users", encode(address));
    match command {
        Shared::Add { address, name } => {
            let new = json!({"address": address, "display_name": name, "kind": "shared"});
            output::item(style, &client.post("/api/members", new).await?);
        }
        Shared::List { whose } => {
            let items = client
                .list("/api/members", &format!("{}kind=shared&", whose.query()))
                .await?;
            output::list(style, &items, &["address", "display_name", "state"]);
        }
        Shared::Users { address } => {
            let items = client.get(&path(address)).await?["items"].take();
            output::list(style, &items, &["member", "department", "rights", "since_millis"]);
        }
        Shared::Acts { address } => {
            let path = format!("/api/members/{}/acts", encode(address));
            let items = client.list(&path, "").await?;
            output::list(style, &items, &["at_millis", "person", "what", "folder", "messages"]);
        }
        Shared::Allow {
            address,
            whom,
            read_only,
            no_send,
        } => {
            whom.check()?;
            let send = if *read_only || *no_send { "no" } else { "as" };
            let rights = json!({"read": true, "write": !read_only, "send": send});
            for member in &whom.member {
                client
                    .post(&path(address), json!({"member": member, "rights": rights}))
                    .await?;
            }
            for department in numbers(client, Of::Address(address), &whom.department).await? {
                client
                    .post(&path(address), json!({"department": department, "rights": rights}))
                    .await?;
            }
            output::done(style, &format!("{address} is open to them"));
        }
        Shared::Withdraw { address, whom } => {
            whom.check()?;
            for member in &whom.member {
                client
                    .delete(&format!("{}?member={}", path(address), encode(member)))
                    .await?;
            }
            for department in numbers(client, Of::Address(address), &whom.department).await? {
                client
                    .delete(&format!("{}?department={department}", path(address)))
                    .await?;
            }
            output::done(style, &format!("{address} is closed to them"));
        }
    }
    Ok(())
}
