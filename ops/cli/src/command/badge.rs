//! `hongyan badge`

use anyhow::Result;
use clap::{Subcommand, ValueEnum};
use serde_json::json;

use crate::client::{Client, encode};
use crate::output::{self, Style};

#[derive(Debug, Subcommand)]
pub enum Badge {
    /// Show a member's badge and the code to copy.
    Show {
        /// The member's address.
        address: String,
    },
    /// Switch it on, or say how it looks.
    Set {
        /// The member's address.
        address: String,
        /// The language of what it says.
        #[arg(long, value_enum, default_value = "en")]
        language: Language,
        /// It says the member's name.
        #[arg(long)]
        name: bool,
    },
    /// Switch it off; switched on again it has another address.
    Remove {
        /// The member's address.
        address: String,
    },
}

/// A language there are badges in.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Language {
    En,
    #[value(name = "zh-CN")]
    Zh,
}

pub(crate) async fn run(command: &Badge, client: &Client, style: Style) -> Result<()> {
    let path = |address: &str| format!("/api/members/{}/badge", encode(address));
    let value = match command {
        Badge::Show { address } => client.get(&path(address)).await?,
        Badge::Set {
            address,
            language,
            name,
        } => {
            let language = match language {
                Language::En => "en",
                Language::Zh => "zh-CN",
            };
            let look = json!({"language": language, "shows_name": name});
            client.put(&path(address), look).await?
        }
        Badge::Remove { address } => client.delete(&path(address)).await?,
    };
    output::item(style, &value);
    Ok(())
}
