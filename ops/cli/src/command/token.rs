//! `hongyan token`

use anyhow::{Result, bail};
use clap::Subcommand;
use serde_json::{Map, Value, json};

use super::Whose;
use crate::client::Client;
use crate::output::{self, Style};

#[derive(Debug, Subcommand)]
pub enum Token {
    /// Make a token. It is shown once.
    Add {
        /// What it is for.
        name: String,
        /// What it may be used for, such as members:read or groups:write; several are said one by one.
        #[arg(long, required = true)]
        scope: Vec<String>,
        /// Address of the member in whose name it acts; it can do no more than the member.
        #[arg(long)]
        account: Option<String>,
        /// It acts in the operator's name, for all organisations.
        #[arg(long)]
        operator: bool,
        /// Where it may be used, in CIDR notation; several are said one by one.
        #[arg(long)]
        network: Vec<String>,
        /// Days that it is good for, or none.
        #[arg(long, default_value = "90")]
        days: String,
    },
    /// List an organisation's tokens with their last use.
    List {
        #[command(flatten)]
        whose: Whose,
        /// The operator's own.
        #[arg(long)]
        operator: bool,
    },
    /// Give a token another text; the one before is good no more.
    Rotate {
        /// Its number.
        id: u64,
        /// Days that it is good for from now on, or none.
        #[arg(long, default_value = "90")]
        days: String,
    },
    /// Remove tokens.
    Revoke {
        /// Their numbers.
        #[arg(required = true)]
        ids: Vec<u64>,
    },
}

fn lifetime(days: &str) -> Result<Value> {
    match (days, days.parse::<u32>()) {
        ("none", _) => Ok(Value::Null),
        (_, Ok(days)) => Ok(json!(days)),
        _ => bail!("--days: a number, or none"),
    }
}

pub(crate) async fn run(command: &Token, client: &Client, style: Style) -> Result<()> {
    match command {
        Token::Add {
            name,
            scope,
            account,
            operator,
            network,
            days,
        } => {
            let mut new = Map::new();
            new.insert("name".to_owned(), json!(name));
            new.insert("scopes".to_owned(), json!(scope));
            new.insert("networks".to_owned(), json!(network));
            new.insert("lifetime_days".to_owned(), lifetime(days)?);
            new.insert("operator".to_owned(), json!(operator));
            if let Some(account) = account {
                new.insert("account".to_owned(), json!(account));
            }
            output::item(style, &client.post("/api/tokens", Value::Object(new)).await?);
        }
        Token::List { whose, operator } => {
            let operator = if *operator { "operator=true&" } else { "" };
            let items = client
                .list("/api/tokens", &format!("{}{operator}", whose.query()))
                .await?;
            let columns = [
                "id",
                "name",
                "account",
                "scopes",
                "expires_millis",
                "expired",
                "used_millis",
                "used_from",
            ];
            output::list(style, &items, &columns);
        }
        Token::Rotate { id, days } => {
            let change = json!({"lifetime_days": lifetime(days)?});
            let renewed = client.post(&format!("/api/tokens/{id}/rotate"), change).await?;
            output::item(style, &renewed);
        }
        Token::Revoke { ids } => {
            for id in ids {
                client.delete(&format!("/api/tokens/{id}")).await?;
                output::done(style, &format!("token {id} is revoked"));
            }
        }
    }
    Ok(())
}
