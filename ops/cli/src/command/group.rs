//! `hongyan group`

use anyhow::{Result, anyhow};
use clap::Subcommand;
use serde_json::{Map, Value, json};

use super::department_number::{Of, numbers, one};
use super::{Whose, changes, or_none, sheet};
use crate::client::{Client, encode};
use crate::output::{self, Style};

#[derive(Debug, Subcommand)]
pub enum Group {
    /// Make a group.
    Add {
        /// Its address.
        address: String,
        /// Its first members: accounts, other groups, addresses elsewhere.
        members: Vec<String>,
        /// Its name, for people.
        #[arg(long, default_value = "")]
        name: String,
        #[command(flatten)]
        rules: Rules,
    },
    /// Make the group of a department, whose name and members it follows. Nobody may write to it until `set --posting`.
    AddDepartment {
        /// Number, name or path of the department.
        department: String,
        /// The domain of its address, which is made from the department's name.
        domain: String,
        #[command(flatten)]
        rules: Rules,
    },
    /// Change a group. What is said once takes the place of all that was said before.
    Set {
        /// Its address.
        address: String,
        /// Its name, for people.
        #[arg(long)]
        name: Option<String>,
        /// Another address for a department's group; once.
        #[arg(long)]
        new_address: Option<String>,
        #[command(flatten)]
        rules: Rules,
    },
    /// List an organisation's groups.
    List {
        #[command(flatten)]
        whose: Whose,
    },
    /// Show a group and its members.
    Show {
        /// Its address.
        address: String,
    },
    /// Add members.
    AddMember {
        /// The group's address.
        address: String,
        /// Who.
        #[arg(required = true)]
        members: Vec<String>,
    },
    /// Remove members.
    DeleteMember {
        /// The group's address.
        address: String,
        /// Who.
        #[arg(required = true)]
        members: Vec<String>,
    },
    /// Remove a group.
    Delete {
        /// Its address.
        address: String,
    },
    /// Take groups from a file, after all of it was looked over.
    Import(sheet::GroupImport),
    /// Write groups into a file.
    Export(sheet::GroupExport),
    /// Write an empty file with the names of the columns that `import` reads.
    Template(sheet::Template),
}

/// Who is in a group, who may write to it and who speaks for it.
#[derive(Debug, clap::Args)]
pub struct Rules {
    /// Who may write: anyone, organisation, members, custom or unset.
    #[arg(long)]
    posting: Option<String>,
    /// Address of someone who may write, with --posting custom; several are said one by one.
    #[arg(long)]
    poster: Vec<String>,
    /// Number, name or path of a department whose members may write.
    #[arg(long)]
    poster_department: Vec<String>,
    /// Number of a tag whose bearers may write.
    #[arg(long)]
    poster_tag: Vec<u32>,
    /// Address of a member who may send in the group's name, or none.
    #[arg(long)]
    representative: Vec<String>,
    /// Address of the member who gets what comes back, or none.
    #[arg(long)]
    owner: Option<String>,
    /// Number, name or path of a department whose members are in the group (0: everyone), or none.
    #[arg(long)]
    member_department: Vec<String>,
    /// Number of a tag whose bearers are in the group, or none.
    #[arg(long)]
    member_tag: Vec<String>,
}

impl Rules {
    /// `address` is the group's, or its domain.
    async fn fields(&self, client: &Client, address: &str) -> Result<Map<String, Value>> {
        let of = Of::Address(address);
        let mut fields = Map::new();
        if let Some(posting) = &self.posting {
            fields.insert("posting".to_owned(), json!(posting));
        }
        if !(self.poster.is_empty() && self.poster_department.is_empty() && self.poster_tag.is_empty()) {
            let departments = numbers(client, of, &self.poster_department).await?;
            let posters = json!({
                "addresses": self.poster, "departments": departments, "tags": self.poster_tag,
            });
            fields.insert("posters".to_owned(), posters);
        }
        if !self.representative.is_empty() {
            fields.insert("representatives".to_owned(), list(&self.representative));
        }
        if let Some(owner) = &self.owner {
            fields.insert("owner".to_owned(), json!(or_none(owner)));
        }
        let named = |all: &[String]| all.iter().filter_map(|one| or_none(one)).map(str::to_owned).collect();
        if !self.member_department.is_empty() {
            let departments: Vec<String> = named(&self.member_department);
            let departments = numbers(client, of, &departments).await?;
            fields.insert("member_departments".to_owned(), json!(departments));
        }
        if !self.member_tag.is_empty() {
            let tags: Vec<String> = named(&self.member_tag);
            let tags: Result<Vec<u32>, _> = tags.iter().map(|tag| tag.parse()).collect();
            let tags = tags.map_err(|_| anyhow!("tags are numbers"))?;
            fields.insert("member_tags".to_owned(), json!(tags));
        }
        Ok(fields)
    }
}

/// All that is named, without `none`.
fn list(named: &[String]) -> Value {
    json!(named.iter().filter_map(|name| or_none(name)).collect::<Vec<_>>())
}

pub(crate) async fn run(command: &Group, client: &Client, style: Style) -> Result<()> {
    let path = |address: &str| format!("/api/groups/{}", encode(address));
    let value = match command {
        Group::Add {
            address,
            members,
            name,
            rules,
        } => {
            let mut new = rules.fields(client, address).await?;
            new.insert("address".to_owned(), json!(address));
            new.insert("members".to_owned(), json!(members));
            new.insert("display_name".to_owned(), json!(name));
            client.post("/api/groups", Value::Object(new)).await?
        }
        Group::AddDepartment {
            department,
            domain,
            rules,
        } => {
            let department = one(client, Of::Address(domain), department).await?;
            let mut new = rules.fields(client, domain).await?;
            new.insert("department".to_owned(), json!(department));
            new.insert("domain".to_owned(), json!(domain));
            client.post("/api/groups", Value::Object(new)).await?
        }
        Group::Set {
            address,
            name,
            new_address,
            rules,
        } => {
            let mut change = rules.fields(client, address).await?;
            for (field, value) in [("display_name", name), ("address", new_address)] {
                if let Some(value) = value {
                    change.insert(field.to_owned(), json!(value));
                }
            }
            client.patch(&path(address), changes(change)?).await?
        }
        Group::List { whose } => {
            let items = client.list("/api/groups", &whose.query()).await?;
            output::list(
                style,
                &items,
                &[
                    "address",
                    "display_name",
                    "members",
                    "department",
                    "posting",
                    "representatives",
                ],
            );
            return Ok(());
        }
        Group::Show { address } => {
            let mut group = client.get(&path(address)).await?;
            group["members"] = client.list(&format!("{}/members", path(address)), "").await?;
            group
        }
        Group::AddMember { address, members } => {
            let mut group = Value::Null;
            for member in members {
                let new = json!({ "address": member });
                group = client.post(&format!("{}/members", path(address)), new).await?;
            }
            group
        }
        Group::DeleteMember { address, members } => {
            let mut group = Value::Null;
            for member in members {
                let gone = format!("{}/members/{}", path(address), encode(member));
                group = client.delete(&gone).await?;
            }
            group
        }
        Group::Import(asked) => return sheet::import_groups(asked, client, style).await,
        Group::Export(asked) => return sheet::export_groups(asked, client, style).await,
        Group::Template(asked) => return sheet::template("groups", asked, client, style).await,
        Group::Delete { address } => {
            client.delete(&path(address)).await?;
            output::done(style, &format!("group {address} is deleted"));
            return Ok(());
        }
    };
    output::item(style, &value);
    Ok(())
}
