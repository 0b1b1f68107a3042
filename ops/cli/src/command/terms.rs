//! `hongyan terms`: what members accept before they use the web client.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Subcommand;
use serde_json::json;

use super::Whose;
use super::sign_in::policy::organisation;
use crate::client::{Client, encode};
use crate::output::{self, Style};

#[derive(Debug, Subcommand)]
pub enum Terms {
    /// Show the terms, their version, and since when they are asked for.
    Show {
        #[command(flatten)]
        of: Of,
    },
    /// Set the terms: every member is asked for a text that is not the present one.
    Set {
        /// A file with the text in English.
        #[arg(long)]
        english: Option<PathBuf>,
        /// A file with the text in Chinese.
        #[arg(long)]
        chinese: Option<PathBuf>,
        #[command(flatten)]
        of: Of,
    },
    /// Ask nobody for them any more.
    Withdraw {
        #[command(flatten)]
        of: Of,
    },
}

/// Whose terms.
#[derive(Debug, Clone, clap::Args)]
pub struct Of {
    /// Those of whoever runs the server, for members of all organisations.
    #[arg(long)]
    installation: bool,
    #[command(flatten)]
    whose: Whose,
}

impl Of {
    async fn path(&self, client: &Client) -> Result<String> {
        if self.installation {
            return Ok("/api/terms".to_owned());
        }
        let name = organisation(client, &self.whose).await?;
        Ok(format!("/api/organisations/{}/terms", encode(&name)))
    }
}

fn text(file: Option<&Path>) -> Result<String> {
    match file {
        Some(file) => std::fs::read_to_string(file).with_context(|| format!("read {}", file.display())),
        None => Ok(String::new()),
    }
}

pub(crate) async fn run(command: &Terms, client: &Client, style: Style) -> Result<()> {
    let value = match command {
        Terms::Show { of } => client.get(&of.path(client).await?).await?,
        Terms::Set { english, chinese, of } => {
            let new = json!({ "english": text(english.as_deref())?, "chinese": text(chinese.as_deref())? });
            client.put(&of.path(client).await?, new).await?
        }
        Terms::Withdraw { of } => {
            client.delete(&of.path(client).await?).await?;
            output::done(style, "nobody is asked for terms any more");
            return Ok(());
        }
    };
    output::item(style, &value);
    Ok(())
}
