//! `hongyan session`

use anyhow::Result;
use clap::Subcommand;

use super::Whose;
use crate::client::{Client, encode};
use crate::output::{self, Style};

#[derive(Debug, Subcommand)]
pub enum Session {
    /// List who is signed in.
    List {
        /// Only those of the account with this address.
        #[arg(long)]
        account: Option<String>,
        #[command(flatten)]
        whose: Whose,
    },
    /// End sessions now; who may sign in may do so again.
    Revoke {
        /// Their names, from `list`.
        #[arg(required_unless_present = "account")]
        ids: Vec<String>,
        /// All of the account with this address.
        #[arg(long, conflicts_with = "ids")]
        account: Option<String>,
    },
}

pub(crate) async fn run(command: &Session, client: &Client, style: Style) -> Result<()> {
    match command {
        Session::List { account, whose } => {
            let mut query = whose.query();
            if let Some(account) = account {
                query.push_str(&format!("account={}&", encode(account)));
            }
            let items = client.list("/api/sessions", &query).await?;
            let columns = ["id", "node", "account", "protocol", "peer", "client", "since_millis"];
            output::list(style, &items, &columns);
        }
        Session::Revoke { ids, account } => {
            for id in ids {
                client.delete(&format!("/api/sessions/{}", encode(id))).await?;
                output::done(style, &format!("session {id} is ended"));
            }
            if let Some(account) = account {
                let ended = client
                    .delete(&format!("/api/members/{}/sessions", encode(account)))
                    .await?;
                output::done(style, &format!("{} sessions of {account} are ended", ended["sessions"]));
            }
        }
    }
    Ok(())
}
