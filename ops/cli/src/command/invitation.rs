//! `hongyan invitation`

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Subcommand;
use serde_json::{Value, json};

use super::Whose;
use super::department_number::{Of, maybe};
use crate::client::Client;
use crate::output::{self, Style};

#[derive(Debug, Subcommand)]
pub enum Invitation {
    /// Make an invitation; its link is shown this once.
    Add {
        /// What it is for.
        #[arg(long, default_value = "")]
        label: String,
        /// Domain where who joins gets an address.
        #[arg(long)]
        domain: Option<String>,
        /// Number, name or path of the department where who joins belongs.
        #[arg(long)]
        department: Option<String>,
        /// Who joins waits until an administrator has looked at it.
        #[arg(long)]
        review: bool,
        /// How many may join by it.
        #[arg(long)]
        uses: Option<u32>,
        /// For this member, whose mailbox is there already and waits.
        #[arg(long)]
        member: Option<String>,
        /// Days that it is good for.
        #[arg(long, default_value_t = 7)]
        days: u32,
        /// Write the link as a QR code into this file (SVG).
        #[arg(long, value_name = "FILE")]
        qr: Option<PathBuf>,
        #[command(flatten)]
        whose: Whose,
    },
    /// List invitations.
    List {
        #[command(flatten)]
        whose: Whose,
    },
    /// Take an invitation back.
    Revoke {
        /// Its number.
        id: u32,
        #[command(flatten)]
        whose: Whose,
    },
    /// Send invitations to members who are still to come: to their private addresses, else to their phones.
    Notify {
        /// Addresses of the members; all when left out.
        members: Vec<String>,
        /// Days that the invitations are good for.
        #[arg(long, default_value_t = 7)]
        days: u32,
        #[command(flatten)]
        whose: Whose,
    },
    /// List those who want to join and wait.
    Waiting {
        #[command(flatten)]
        whose: Whose,
    },
    /// Take someone in who waits.
    Accept {
        /// Number of the application.
        id: u32,
        /// Another address than the one that they want.
        #[arg(long)]
        address: Option<String>,
        #[command(flatten)]
        whose: Whose,
    },
    /// Turn someone away who waits.
    Refuse {
        /// Number of the application.
        id: u32,
        /// What they are told.
        reason: String,
        #[command(flatten)]
        whose: Whose,
    },
}

pub(crate) async fn run(command: &Invitation, client: &Client, style: Style) -> Result<()> {
    let value = match command {
        Invitation::Add {
            label,
            domain,
            department,
            review,
            uses,
            member,
            days,
            qr,
            whose,
        } => {
            let department = maybe(client, Of::Whose(whose), department.as_deref()).await?;
            let new = json!({
                "label": label, "domain": domain, "department": department, "review": review, "uses_max": uses,
                "member": member, "lifetime_days": days, "organisation": whose.organisation,
            });
            let mut made = client.post("/api/invitations", new).await?;
            // Nothing to read in a terminal.
            let image = made.as_object_mut().and_then(|fields| fields.remove("qr"));
            if let (Some(Value::String(image)), Some(file)) = (image, qr) {
                fs::write(file, image).with_context(|| format!("write {}", file.display()))?;
            }
            made
        }
        Invitation::List { whose } => {
            let columns = ["id", "label", "domain", "department", "member", "used", "state"];
            let items = client.list("/api/invitations", &whose.query()).await?;
            output::list(style, &items, &columns);
            return Ok(());
        }
        Invitation::Revoke { id, whose } => {
            client
                .delete(&format!("/api/invitations/{id}{}", whose.suffix()))
                .await?;
            output::done(style, &format!("invitation {id} lets nobody in any more"));
            return Ok(());
        }
        Invitation::Notify { members, days, whose } => {
            let members = (!members.is_empty()).then_some(members);
            let asked = json!({"members": members, "lifetime_days": days, "organisation": whose.organisation});
            let mut told = client.post("/api/invitations/notices", asked).await?;
            output::list(style, &told["items"].take(), &["member", "result"]);
            if told["more"] == Value::Bool(true) {
                output::done(style, "there are more: call it again when these have come");
            }
            return Ok(());
        }
        Invitation::Waiting { whose } => {
            let columns = [
                "id",
                "address",
                "taken",
                "display_name",
                "mobile",
                "private_address",
                "label",
            ];
            let items = client.list("/api/applications", &whose.query()).await?;
            output::list(style, &items, &columns);
            return Ok(());
        }
        Invitation::Accept { id, address, whose } => {
            let path = format!("/api/applications/{id}/accept{}", whose.suffix());
            client.post(&path, json!({"address": address})).await?
        }
        Invitation::Refuse { id, reason, whose } => {
            let path = format!("/api/applications/{id}/refuse{}", whose.suffix());
            client.post(&path, json!({"reason": reason})).await?;
            output::done(style, &format!("application {id} is refused"));
            return Ok(());
        }
    };
    output::item(style, &value);
    Ok(())
}
