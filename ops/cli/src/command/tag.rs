//! `hongyan tag`

use anyhow::Result;
use clap::Subcommand;
use serde_json::{Map, json};

use super::department_number::{Of, numbers};
use super::{Whose, changes};
use crate::client::Client;
use crate::output::{self, Style};

#[derive(Debug, Subcommand)]
pub enum Tag {
    /// Make a tag.
    Add {
        /// Its name.
        name: String,
        /// Number, name or path of a department that bears it; several are said one by one.
        #[arg(long)]
        department: Vec<String>,
        #[command(flatten)]
        whose: Whose,
    },
    /// List tags.
    List {
        #[command(flatten)]
        whose: Whose,
    },
    /// Show a tag.
    Show {
        /// Its number.
        id: u32,
        #[command(flatten)]
        whose: Whose,
    },
    /// Change its name or the departments that bear it.
    Set {
        /// Its number.
        id: u32,
        /// Its name.
        #[arg(long)]
        name: Option<String>,
        /// Number, name or path of a department that bears it; several are said one by one, `0` alone is none.
        #[arg(long)]
        department: Vec<String>,
        #[command(flatten)]
        whose: Whose,
    },
    /// Remove a tag; who bore it no longer does.
    Delete {
        /// Its number.
        id: u32,
        #[command(flatten)]
        whose: Whose,
    },
}

pub(crate) async fn run(command: &Tag, client: &Client, style: Style) -> Result<()> {
    let path = |id: &u32, whose: &Whose| format!("/api/tags/{id}{}", whose.suffix());
    let value = match command {
        Tag::Add {
            name,
            department,
            whose,
        } => {
            let departments = numbers(client, Of::Whose(whose), department).await?;
            let new = json!({"name": name, "departments": departments, "organisation": whose.organisation});
            client.post("/api/tags", new).await?
        }
        Tag::List { whose } => {
            let items = client.get(&format!("/api/tags{}", whose.suffix())).await?["items"].take();
            output::list(style, &items, &["id", "name", "members", "departments"]);
            return Ok(());
        }
        Tag::Show { id, whose } => client.get(&path(id, whose)).await?,
        Tag::Set {
            id,
            name,
            department,
            whose,
        } => {
            let mut change = Map::new();
            if let Some(name) = name {
                change.insert("name".to_owned(), json!(name));
            }
            if !department.is_empty() {
                let mut ids = numbers(client, Of::Whose(whose), department).await?;
                ids.retain(|id| *id != 0);
                change.insert("departments".to_owned(), json!(ids));
            }
            client.patch(&path(id, whose), changes(change)?).await?
        }
        Tag::Delete { id, whose } => {
            client.delete(&path(id, whose)).await?;
            output::done(style, &format!("tag {id} is deleted"));
            return Ok(());
        }
    };
    output::item(style, &value);
    Ok(())
}
