//! `hongyan request`: what organisations ask of the operator.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Subcommand, ValueEnum};
use serde_json::json;

use super::Whose;
use crate::client::{Client, encode};
use crate::output::{self, Style};

/// How far a request is.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum State {
    /// Nobody has answered it yet.
    Waiting,
    /// Granted.
    Approved,
    /// Not granted.
    Refused,
    /// Taken back by the organisation.
    Withdrawn,
}

#[derive(Debug, Subcommand)]
pub enum Request {
    /// List requests, those of all organisations unless one is named.
    List {
        /// Only those so far.
        #[arg(long)]
        state: Option<State>,
        /// Whose.
        #[command(flatten)]
        whose: Whose,
    },
    /// Show one.
    Show {
        /// Its number.
        id: u64,
    },
    /// Write a document of one into a file.
    Document {
        /// The request's number.
        id: u64,
        /// Which of its documents, from 1 on.
        number: usize,
        /// The file to write.
        file: PathBuf,
    },
    /// Ask for more members, with a signed letter (JPEG, PNG, GIF or BMP).
    AskMembers {
        /// How many members the organisation wants to have.
        wanted: u64,
        /// The letter.
        letter: PathBuf,
        /// What to tell the operator.
        #[arg(long, default_value = "")]
        text: String,
        /// Whose.
        #[command(flatten)]
        whose: Whose,
    },
    /// Ask to be verified, with documents (JPEG, PNG, GIF, BMP or PDF).
    AskVerification {
        /// The documents.
        #[arg(required = true)]
        documents: Vec<PathBuf>,
        /// What to tell the operator.
        #[arg(long, default_value = "")]
        text: String,
        /// Whose.
        #[command(flatten)]
        whose: Whose,
    },
    /// Grant one: the member limit that was asked for or another; a verification for a year or so many days.
    Approve {
        /// Its number.
        id: u64,
        /// Another member limit than was asked for.
        #[arg(long)]
        limit: Option<u64>,
        /// Days that a verification counts.
        #[arg(long)]
        days: Option<u32>,
        /// What else to tell the administrators.
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Take one back that waits, for the organisation.
    Withdraw {
        /// Its number.
        id: u64,
    },
    /// Refuse one; the administrators get a mail with the reason.
    Refuse {
        /// Its number.
        id: u64,
        /// Why.
        #[arg(long)]
        reason: String,
    },
}

const FILE: &str = "application/octet-stream";

pub(crate) async fn run(command: &Request, client: &Client, style: Style) -> Result<()> {
    let read = |file: &PathBuf| std::fs::read(file).with_context(|| format!("read {}", file.display()));
    let asking = |kind: &str, text: &str, whose: &Whose| {
        let (text, whose) = (encode(text), whose.query());
        format!("/api/requests?{whose}kind={kind}&text={text}")
    };
    let value = match command {
        Request::List { state, whose } => {
            let state = state.map_or("", |state| match state {
                State::Waiting => "state=waiting&",
                State::Approved => "state=approved&",
                State::Refused => "state=refused&",
                State::Withdrawn => "state=withdrawn&",
            });
            let query = format!("{}{state}", whose.query());
            let items = client.list("/api/requests", &query).await?;
            let columns = ["id", "organisation", "kind", "wanted", "state", "at_millis", "by"];
            output::list(style, &items, &columns);
            return Ok(());
        }
        Request::Show { id } => client.get(&format!("/api/requests/{id}")).await?,
        Request::Document { id, number, file } => {
            let octets = client
                .download(&format!("/api/requests/{id}/documents/{number}"))
                .await?;
            std::fs::write(file, &octets).with_context(|| format!("write {}", file.display()))?;
            output::done(style, &format!("{} octets are in {}", octets.len(), file.display()));
            return Ok(());
        }
        Request::AskMembers {
            wanted,
            letter,
            text,
            whose,
        } => {
            let path = format!("{}&wanted={wanted}", asking("member-limit", text, whose));
            client.upload(&path, FILE, read(letter)?).await?
        }
        Request::AskVerification { documents, text, whose } => {
            let mut path = asking("verification", text, whose);
            let mut made = serde_json::Value::Null;
            for document in documents {
                made = client.upload(&path, FILE, read(document)?).await?;
                path = format!("/api/requests/{}/documents", made["id"]);
            }
            made
        }
        Request::Approve {
            id,
            limit,
            days,
            reason,
        } => {
            let approval = json!({"limit": limit, "days": days, "reason": reason});
            client.post(&format!("/api/requests/{id}/approval"), approval).await?
        }
        Request::Withdraw { id } => {
            client
                .post(&format!("/api/requests/{id}/withdrawal"), json!({}))
                .await?
        }
        Request::Refuse { id, reason } => {
            let refusal = json!({ "reason": reason });
            client.post(&format!("/api/requests/{id}/refusal"), refusal).await?
        }
    };
    output::item(style, &value);
    Ok(())
}
