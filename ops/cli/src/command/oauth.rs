//! `hongyan oauth`

use anyhow::Result;
use clap::Subcommand;
use serde_json::json;

use crate::client::{Client, encode};
use crate::output::{self, Style};

#[derive(Debug, Subcommand)]
pub enum Oauth {
    /// Register a mail client, or change one.
    SetClient {
        /// What it calls itself: its client_id.
        id: String,
        /// What people call it.
        #[arg(long)]
        name: String,
        /// Where it may be sent back to: https, http://127.0.0.1/.., a scheme of its own; several are said one by one, none is
        /// for devices without a browser.
        #[arg(long)]
        redirect: Vec<String>,
        /// What it may have at most: mail, imap, pop3, submission, jmap, read-only.
        #[arg(long, default_value = "mail")]
        scope: String,
    },
    /// List the mail clients that are registered.
    Clients,
    /// Remove a mail client: it gets no tokens any more.
    DeleteClient {
        /// What it calls itself.
        id: String,
    },
    /// List the mail clients that a member has let in.
    List {
        /// The member's address.
        address: String,
    },
    /// Take back what a member has granted: tokens and sessions of that client end.
    Revoke {
        /// The member's address.
        address: String,
        /// Its number, from `list`.
        id: String,
    },
}

pub(crate) async fn run(command: &Oauth, client: &Client, style: Style) -> Result<()> {
    let registered = |id: &str| format!("/api/oauth-clients/{}", encode(id));
    let grants = |address: &str| format!("/api/members/{}/oauth-grants", encode(address));
    match command {
        Oauth::SetClient {
            id,
            name,
            redirect,
            scope,
        } => {
            let set = json!({"name": name, "redirects": redirect, "scope": scope});
            output::item(style, &client.put(&registered(id), set).await?);
        }
        Oauth::Clients => {
            let items = client.get("/api/oauth-clients").await?["items"].take();
            output::list(style, &items, &["id", "name", "redirects", "scope"]);
        }
        Oauth::DeleteClient { id } => {
            client.delete(&registered(id)).await?;
            output::done(style, &format!("{id} gets no tokens any more"));
        }
        Oauth::List { address } => {
            let items = client.get(&grants(address)).await?["items"].take();
            let columns = [
                "id",
                "client_name",
                "scope",
                "created_millis",
                "used_millis",
                "peer",
                "end_millis",
            ];
            output::list(style, &items, &columns);
        }
        Oauth::Revoke { address, id } => {
            client.delete(&format!("{}/{}", grants(address), encode(id))).await?;
            output::done(style, "taken back");
        }
    }
    Ok(())
}
