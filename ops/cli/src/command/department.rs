//! `hongyan department`

use anyhow::Result;
use clap::Subcommand;
use serde_json::{Map, Value, json};

use super::department_number::{Of, maybe, one};
use super::{Whose, changes};
use crate::client::Client;
use crate::output::{self, Style};

#[derive(Debug, Subcommand)]
pub enum Department {
    /// Make a department.
    Add {
        /// Its name.
        name: String,
        /// Number, name or path of the department it is part of; 0 is the organisation itself.
        #[arg(long, default_value = "0")]
        under: String,
        /// Its place among its siblings: smaller ones come first.
        #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
        rank: i32,
        #[command(flatten)]
        whose: Whose,
    },
    /// List departments: all as a tree, or those directly below one.
    List {
        /// Number, name or path of the department to look below; 0 is the organisation itself.
        #[arg(long)]
        under: Option<String>,
        #[command(flatten)]
        whose: Whose,
    },
    /// Show a department.
    Show {
        /// Its number, name or path, such as Research/Compilers.
        id: String,
        #[command(flatten)]
        whose: Whose,
    },
    /// Change its name or its place among its siblings.
    Set {
        /// Its number, name or path, such as Research/Compilers.
        id: String,
        /// Its name.
        #[arg(long)]
        name: Option<String>,
        /// Its place among its siblings.
        #[arg(long, allow_negative_numbers = true)]
        rank: Option<i32>,
        #[command(flatten)]
        whose: Whose,
    },
    /// Move it, with all below it.
    Move {
        /// Its number, name or path, such as Research/Compilers.
        id: String,
        /// Number, name or path of the department it is to be part of; 0 is the organisation itself.
        #[arg(long)]
        under: String,
        #[command(flatten)]
        whose: Whose,
    },
    /// Remove a department that has nothing below it.
    Delete {
        /// Its number, name or path, such as Research/Compilers.
        id: String,
        /// Number, name or path of the department its members go to; 0 is the organisation itself.
        #[arg(long)]
        members_to: Option<String>,
        #[command(flatten)]
        whose: Whose,
    },
}

/// Indents names by how deep they lie; a list comes each after what it is part of.
fn tree(items: &mut Value) {
    let Some(items) = items.as_array_mut() else { return };
    let mut levels = std::collections::BTreeMap::from([(0, 0)]);
    for item in items {
        let level = levels
            .get(&item["parent"].as_u64().unwrap_or(0))
            .copied()
            .unwrap_or(0_usize);
        levels.insert(item["id"].as_u64().unwrap_or(0), level + 1);
        if let Some(name) = item["name"].as_str() {
            item["name"] = json!(format!("{}{name}", "  ".repeat(level)));
        }
    }
}

pub(crate) async fn run(command: &Department, client: &Client, style: Style) -> Result<()> {
    let path = async |said: &str, whose: &Whose| {
        let id = one(client, Of::Whose(whose), said).await?;
        anyhow::Ok(format!("/api/departments/{id}{}", whose.suffix()))
    };
    let value = match command {
        Department::Add {
            name,
            under,
            rank,
            whose,
        } => {
            let under = one(client, Of::Whose(whose), under).await?;
            let new = json!({"name": name, "parent": under, "rank": rank, "organisation": whose.organisation});
            client.post("/api/departments", new).await?
        }
        Department::List { under, whose } => {
            let under = maybe(client, Of::Whose(whose), under.as_deref()).await?;
            let below = under.map_or_else(String::new, |under| format!("parent={under}"));
            let path = format!("/api/departments?{}{below}", whose.query());
            let mut items = client.get(&path).await?["items"].take();
            if under.is_none() && style == Style::Text {
                tree(&mut items);
            }
            output::list(style, &items, &["id", "name", "members", "members_deep", "rank"]);
            return Ok(());
        }
        Department::Show { id, whose } => client.get(&path(id, whose).await?).await?,
        Department::Set { id, name, rank, whose } => {
            let mut change = Map::new();
            if let Some(name) = name {
                change.insert("name".to_owned(), json!(name));
            }
            if let Some(rank) = rank {
                change.insert("rank".to_owned(), json!(rank));
            }
            client.patch(&path(id, whose).await?, changes(change)?).await?
        }
        Department::Move { id, under, whose } => {
            let change = json!({ "parent": one(client, Of::Whose(whose), under).await? });
            client.patch_unchanged(&path(id, whose).await?, change).await?
        }
        Department::Delete { id, members_to, whose } => {
            let to = maybe(client, Of::Whose(whose), members_to.as_deref()).await?;
            let to = to.map_or_else(String::new, |to| format!("members_to={to}"));
            client.delete(&format!("{}{to}", path(id, whose).await?)).await?;
            output::done(style, &format!("department {id} is deleted"));
            return Ok(());
        }
    };
    output::item(style, &value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_indented_by_their_level() {
        let mut items = json!([
            {"id": 1, "parent": 0, "name": "A"},
            {"id": 2, "parent": 1, "name": "B"},
            {"id": 3, "parent": 0, "name": "C"},
        ]);
        tree(&mut items);
        let names: Vec<_> = items
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["name"].clone())
            .collect();
        assert_eq!(names, ["A", "  B", "C"]);
    }
}
