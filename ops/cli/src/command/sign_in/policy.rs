//! `hongyan sign-in policy`

use anyhow::{Result, bail};
use clap::Subcommand;
use serde_json::{Map, Value, json};

use super::insert_list;
use crate::client::{Client, encode};
use crate::command::department_number::{Of, numbers};
use crate::command::{Whose, changes};
use crate::output::{self, Style};

#[derive(Debug, Subcommand)]
pub enum Policy {
    /// Show how members sign in.
    Show {
        #[command(flatten)]
        whose: Whose,
    },
    /// Change how members sign in; sessions that it does not allow end.
    Set {
        #[command(flatten)]
        whose: Whose,
        /// A way in to close to all members: imap, pop3, submission, http (JMAP and other programs), ldap, active-sync, web; several
        /// are said one by one, `none` opens all but what is closed at first.
        #[arg(long)]
        close: Vec<String>,
        /// Whether members may use ActiveSync, which is closed at first: on or off.
        #[arg(long, value_parser = crate::command::member::on_off)]
        active_sync: Option<bool>,
        /// From where members sign in: an address, a network, a range; `none` is from anywhere.
        #[arg(long)]
        network: Vec<String>,
        /// From where administrators sign in, whatever else is said; `none` is from where members do.
        #[arg(long)]
        administrator_network: Vec<String>,
        /// A member who signs in from anywhere; `none` exempts nobody.
        #[arg(long)]
        exempt: Vec<String>,
        /// A department whose members sign in from anywhere, by number, name or path; `none` exempts nobody.
        #[arg(long)]
        exempt_department: Vec<String>,
        /// Of whom a second factor is demanded: administrators, everyone, none.
        #[arg(long)]
        second_factor: Option<String>,
        /// Days in which to set one up.
        #[arg(long, requires = "second_factor")]
        grace_days: Option<u32>,
        /// Whether clients of all members need app passwords: on or off.
        #[arg(long, value_parser = crate::command::member::on_off)]
        secure_login: Option<bool>,
        /// Where signing out leads, a URL of https below a domain of the organisation; `none` is our own page.
        #[arg(long)]
        exit_page: Option<String>,
    },
}

/// The organisation that is meant: the one named, or the only one.
pub(crate) async fn organisation(client: &Client, whose: &Whose) -> Result<String> {
    Ok(match &whose.organisation {
        Some(name) => name.clone(),
        None => {
            let found = client.list("/api/organisations", "").await?;
            match found.as_array().map(Vec::as_slice) {
                Some([only]) => only["name"].as_str().unwrap_or_default().to_owned(),
                Some([]) => bail!("there is no organisation yet"),
                _ => bail!("organisation: there are several: name one with --organisation"),
            }
        }
    })
}

async fn path(client: &Client, whose: &Whose) -> Result<String> {
    let name = organisation(client, whose).await?;
    Ok(format!("/api/organisations/{}/sign-in-policy", encode(&name)))
}

/// Says before secure login is demanded whose clients it stops.
async fn warn(client: &Client, whose: &Whose) -> Result<()> {
    let path = format!("{}/secure-login-effect", path(client, whose).await?);
    let effect = client.get(&path).await?;
    let stopped = effect["stopped"].as_u64().unwrap_or(0);
    if stopped > 0 {
        let members = &effect["members"];
        eprintln!("mail clients of {stopped} of {members} members stop until they have an app password:");
        for address in effect["stopped_members"].as_array().into_iter().flatten() {
            eprintln!("  {}", address.as_str().unwrap_or_default());
        }
    }
    Ok(())
}

pub(crate) async fn run(command: &Policy, client: &Client, style: Style) -> Result<()> {
    let value = match command {
        Policy::Show { whose } => client.get(&path(client, whose).await?).await?,
        Policy::Set {
            whose,
            close,
            active_sync,
            network,
            administrator_network,
            exempt,
            exempt_department,
            second_factor,
            grace_days,
            secure_login,
            exit_page,
        } => {
            let mut change = Map::new();
            insert_list(&mut change, "closed", close);
            if let Some(is_open) = active_sync {
                let opened: &[&str] = if *is_open { &["active-sync"] } else { &[] };
                change.insert("opened".to_owned(), json!(opened));
            }
            insert_list(&mut change, "networks", network);
            insert_list(&mut change, "administrator_networks", administrator_network);
            insert_list(&mut change, "exempt_members", exempt);
            if !exempt_department.is_empty() {
                let named = exempt_department.iter().filter(|entry| *entry != "none");
                let named: Vec<String> = named.cloned().collect();
                let departments = numbers(client, Of::Whose(whose), &named).await?;
                change.insert("exempt_departments".to_owned(), json!(departments));
            }
            if let Some(of) = second_factor {
                let demand = match of.as_str() {
                    "none" => Value::Null,
                    of => json!({"of": of, "grace_days": grace_days}),
                };
                change.insert("second_factor".to_owned(), demand);
            }
            if *secure_login == Some(true) {
                warn(client, whose).await?;
            }
            if let Some(on) = secure_login {
                change.insert("secure_login".to_owned(), json!(on));
            }
            if let Some(url) = exit_page {
                change.insert("exit_page".to_owned(), json!(crate::command::or_none(url)));
            }
            client.patch(&path(client, whose).await?, changes(change)?).await?
        }
    };
    output::item(style, &value);
    Ok(())
}
