//! `hongyan recycle-bin`

use std::path::PathBuf;

use anyhow::Result;
use clap::Subcommand;
use serde_json::json;

use super::department_number::{Of, numbers};
use super::{Whose, password, task};
use crate::client::{Client, encode};
use crate::output::{self, Style};

#[derive(Debug, Subcommand)]
pub enum RecycleBin {
    /// List what is in an organisation's recycle bin.
    List {
        #[command(flatten)]
        whose: Whose,
    },
    /// Show a mailbox in the recycle bin.
    Show {
        /// One of its addresses.
        address: String,
    },
    /// Give a mailbox back to its person, or to another; the password is asked for, or read from standard input.
    Restore {
        /// One of its addresses.
        address: String,
        /// The person's name; the one it had when left out.
        #[arg(long)]
        name: Option<String>,
        /// Without a password: its person is still to come.
        #[arg(long)]
        invited: bool,
        /// Whether it goes to another person, who finds nothing of the one before but the mail; when left out, it does if another name is
        /// said.
        #[arg(long)]
        another_person: Option<bool>,
    },
    /// Make it a shared mailbox.
    Share {
        /// One of its addresses.
        address: String,
        /// Its name; the one it had when left out.
        #[arg(long)]
        name: Option<String>,
        /// Address of a member who may use it; several are said one by one.
        #[arg(long)]
        member: Vec<String>,
        /// Number, name or path of a department whose members may use it; several are said one by one.
        #[arg(long)]
        department: Vec<String>,
    },
    /// Give it to a member as a second mailbox.
    Give {
        /// One of its addresses.
        address: String,
        /// The member's address.
        member: String,
    },
    /// Bring its mail into a folder of a member who has a mailbox.
    Merge {
        /// One of its addresses.
        address: String,
        /// The member's address.
        member: String,
        /// The folder there, by its path; the mailbox's address when left out.
        #[arg(long)]
        folder: Option<String>,
        #[command(flatten)]
        whose: Whose,
    },
    /// Write all its mail into a new file, a tar archive that `import` reads once it is unpacked.
    BackUp {
        /// One of its addresses.
        address: String,
        /// The file.
        file: PathBuf,
    },
    /// Remove it for good, with all its mail.
    Purge {
        /// One of its addresses.
        address: String,
    },
}

pub(crate) async fn run(command: &RecycleBin, client: &Client, style: Style) -> Result<()> {
    let path = |address: &str| format!("/api/recycle-bin/{}", encode(address));
    let value = match command {
        RecycleBin::List { whose } => {
            let items = client.list("/api/recycle-bin", &whose.query()).await?;
            let columns = [
                "address",
                "display_name",
                "kind",
                "since_millis",
                "until_millis",
                "purging",
            ];
            output::list(style, &items, &columns);
            return Ok(());
        }
        RecycleBin::Show { address } => client.get(&path(address)).await?,
        RecycleBin::Restore {
            address,
            name,
            invited,
            another_person,
        } => {
            let password = if *invited { None } else { Some(password::read()?) };
            let asked = json!({
                "display_name": name, "password": password, "invited": invited, "another_person": another_person,
            });
            client.post(&format!("{}/restore", path(address)), asked).await?
        }
        RecycleBin::Share {
            address,
            name,
            member,
            department,
        } => {
            let departments = numbers(client, Of::Address(address), department).await?;
            let asked = json!({"display_name": name, "members": member, "departments": departments});
            client.post(&format!("{}/share", path(address)), asked).await?
        }
        RecycleBin::Give { address, member } => {
            let asked = json!({"members": [member]});
            client.post(&format!("{}/share", path(address)), asked).await?
        }
        RecycleBin::Merge {
            address,
            member,
            folder,
            whose,
        } => {
            let asked = json!({"member": member, "folder": folder});
            let begun = client.post(&format!("{}/merge", path(address)), asked).await?;
            return task::see_through(client, style, whose, begun).await;
        }
        RecycleBin::BackUp { address, file } => {
            let octets = client.download_to(&format!("{}/mails", path(address)), file).await?;
            output::done(style, &format!("{octets} octets are in {}", file.display()));
            return Ok(());
        }
        RecycleBin::Purge { address } => {
            client.delete(&path(address)).await?;
            output::done(style, &format!("{address} is being purged"));
            return Ok(());
        }
    };
    output::item(style, &value);
    Ok(())
}
