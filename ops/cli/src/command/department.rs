//! `hongyan department`

use anyhow::Result;
use clap::Subcommand;
use serde_json::{Map, Value, json};

use super::{Whose, changes};
use crate::client::Client;
use crate::output::{self, Style};

#[derive(Debug, Subcommand)]
pub enum Department {
    /// Make a department.
    Add {
        /// Its name.
        name: String,
        /// Number of the department it is part of; 0 is the organisation itself.
        #[arg(long, default_value_t = 0)]
        under: u32,
        /// Its place among its siblings: smaller ones come first.
        #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
        rank: i32,
        #[command(flatten)]
        whose: Whose,
    },
    /// List departments: all as a tree, or those directly below one.
    List {
        /// Number of the department to look below; 0 is the organisation itself.
        #[arg(long)]
        under: Option<u32>,
        #[command(flatten)]
        whose: Whose,
    },
    /// Show a department.
    Show {
        /// Its number.
        id: u32,
        #[command(flatten)]
        whose: Whose,
    },
    /// Change its name or its place among its siblings.
    Set {
        /// Its number.
        id: u32,
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
        /// Its number.
        id: u32,
        /// Number of the department it is to be part of; 0 is the organisation itself.
        #[arg(long)]
        under: u32,
        #[command(flatten)]
        whose: Whose,
    },
    /// Remove a department that has nothing below it.
    Delete {
        /// Its number.
        id: u32,
        /// Number of the department its members go to; 0 is the organisation itself.
        #[arg(long)]
        members_to: Option<u32>,
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
    let path = |id: &u32, whose: &Whose| format!("/api/departments/{id}{}", whose.suffix());
    let value = match command {
        Department::Add {
            name,
            under,
            rank,
            whose,
        } => {
            let new = json!({"name": name, "parent": under, "rank": rank, "organisation": whose.organisation});
            client.post("/api/departments", new).await?
        }
        Department::List { under, whose } => {
            let below = under.map_or_else(String::new, |under| format!("parent={under}"));
            let path = format!("/api/departments?{}{below}", whose.query());
            let mut items = client.get(&path).await?["items"].take();
            if under.is_none() && style == Style::Text {
                tree(&mut items);
            }
            output::list(style, &items, &["id", "name", "members", "members_deep", "rank"]);
            return Ok(());
        }
        Department::Show { id, whose } => client.get(&path(id, whose)).await?,
        Department::Set { id, name, rank, whose } => {
            let mut change = Map::new();
            if let Some(name) = name {
                change.insert("name".to_owned(), json!(name));
            }
            if let Some(rank) = rank {
                change.insert("rank".to_owned(), json!(rank));
            }
            client.patch(&path(id, whose), changes(change)?).await?
        }
        Department::Move { id, under, whose } => {
            let change = json!({ "parent": under });
            client.patch_unchanged(&path(id, whose), change).await?
        }
        Department::Delete { id, members_to, whose } => {
            let to = members_to.map_or_else(String::new, |to| format!("members_to={to}"));
            client.delete(&format!("{}{to}", path(id, whose))).await?;
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
