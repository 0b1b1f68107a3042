//! `hongyan ldap`

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::{Subcommand, ValueEnum};
use serde_json::{Map, Value, json};

use super::{Whose, task};
use crate::client::{Client, encode};
use crate::output::{self, Style};

#[derive(Debug, Subcommand)]
pub enum Ldap {
    /// Show the LDAP directory that people come from.
    Show {
        #[command(flatten)]
        whose: Whose,
    },
    /// Set the LDAP directory that people come from. Nobody is touched before `sync`.
    Set(Box<Set>),
    /// Look at the directory: its first people, and what would become of some.
    Check {
        #[command(flatten)]
        whose: Whose,
    },
    /// Take all people from the directory. Those who are gone are disabled.
    Sync {
        #[command(flatten)]
        whose: Whose,
        /// Only look.
        #[arg(long)]
        dry_run: bool,
        /// A file (CSV) for what becomes of each.
        #[arg(long)]
        report: Option<PathBuf>,
    },
    /// Take the directory away; its people stay members.
    Remove {
        #[command(flatten)]
        whose: Whose,
    },
}

/// What stands where in most directories.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    /// OpenLDAP and its like: inetOrgPerson, entryUUID.
    Rfc,
    /// Active Directory: sAMAccount users that are not disabled, objectGUID, proxyAddresses.
    ActiveDirectory,
}

#[derive(Debug, clap::Args)]
pub struct Set {
    #[command(flatten)]
    whose: Whose,
    /// `ldaps://host[:port]`, or `ldap://host[:port]` for STARTTLS.
    url: String,
    /// Below what people are looked for.
    base: String,
    /// What stands where, unless other options say.
    #[arg(long, value_enum, default_value = "rfc")]
    kind: Kind,
    /// Whom we sign in as.
    #[arg(long, default_value = "")]
    bind_name: String,
    /// A file with their password; without it the one that is there stays.
    #[arg(long)]
    password_file: Option<PathBuf>,
    /// Who counts.
    #[arg(long)]
    filter: Option<String>,
    /// The attribute that names an entry for ever.
    #[arg(long)]
    identifier: Option<String>,
    /// `field=attribute`, and `:hongyan` behind it where our word counts; once for each field. Replaces those of the kind.
    #[arg(long = "attribute")]
    attributes: Vec<String>,
    /// `none`, `units`, or the name of the attribute with a path.
    #[arg(long, default_value = "units")]
    departments: String,
    /// Departments are ours once a member is there.
    #[arg(long)]
    departments_ours: bool,
    /// Members who are there already, with the address of an entry, are its person.
    #[arg(long)]
    adopt: bool,
    /// How often it is synchronised, in minutes; 0 for never by itself.
    #[arg(long, default_value_t = 0)]
    every_minutes: u32,
    /// How many of those who came from there one synchronisation may disable, in percent.
    #[arg(long, default_value_t = 10)]
    disable_percent_max: u8,
    /// Prove their passwords there.
    #[arg(long)]
    bind_sign_in: bool,
}

impl Kind {
    fn filter(self) -> &'static str {
        match self {
            Self::Rfc => "(&(objectClass=inetOrgPerson)(mail=*))",
            Self::ActiveDirectory => {
                "(&(objectCategory=person)(objectClass=user)(mail=*)(!(userAccountControl:1.2.840.113556.1.4.803:=2)))"
            }
        }
    }
    fn identifier(self) -> &'static str {
        match self {
            Self::Rfc => "entryUUID",
            Self::ActiveDirectory => "objectGUID",
        }
    }
    fn attributes(self) -> Vec<(&'static str, &'static str)> {
        let mut attributes = vec![
            ("address", "mail"),
            ("display_name", "displayName"),
            ("family_name", "sn"),
            ("given_name", "givenName"),
            ("mobile", "mobile"),
            ("landline", "telephoneNumber"),
            ("title", "title"),
        ];
        match self {
            Self::Rfc => attributes.push(("employee_id", "employeeNumber")),
            Self::ActiveDirectory => attributes.extend([("aliases", "proxyAddresses"), ("employee_id", "employeeID")]),
        }
        attributes
    }
}

/// `field=attribute[:hongyan]`
fn attribute(text: &str) -> Result<Value> {
    let (field, rest) = text
        .split_once('=')
        .with_context(|| format!("{text}: write field=attribute"))?;
    let (attribute, master) = match rest.split_once(':') {
        Some((attribute, "hongyan")) => (attribute, "hongyan"),
        Some((attribute, "directory")) => (attribute, "directory"),
        Some((_, other)) => bail!("{text}: {other} masters nothing; it is directory or hongyan"),
        None => (rest, "directory"),
    };
    Ok(json!({"field": field.replace('-', "_"), "attribute": attribute, "master": master}))
}

impl Set {
    fn body(&self) -> Result<Value> {
        let attributes = match self.attributes.as_slice() {
            [] => {
                let all = self.kind.attributes().into_iter();
                all.map(|(field, attribute)| json!({"field": field, "attribute": attribute}))
                    .collect()
            }
            named => named.iter().map(|text| attribute(text)).collect::<Result<Vec<_>>>()?,
        };
        let mut body = Map::new();
        let mut add = |name: &str, value: Value| body.insert(name.to_owned(), value);
        add("url", json!(self.url));
        add("bind_name", json!(self.bind_name));
        add("base", json!(self.base));
        add("filter", json!(self.filter.as_deref().unwrap_or(self.kind.filter())));
        add(
            "identifier",
            json!(self.identifier.as_deref().unwrap_or(self.kind.identifier())),
        );
        add("attributes", json!(attributes));
        match self.departments.as_str() {
            plain @ ("none" | "units") => {
                add("departments", json!(plain));
            }
            attribute => {
                add("departments", json!("attribute"));
                add("department_attribute", json!(attribute));
            }
        }
        add(
            "department_master",
            json!(if self.departments_ours { "hongyan" } else { "directory" }),
        );
        add("adopt", json!(self.adopt));
        add("every_minutes", json!(self.every_minutes));
        add("disable_percent_max", json!(self.disable_percent_max));
        add("bind_sign_in", json!(self.bind_sign_in));
        if let Some(file) = &self.password_file {
            let text = std::fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
            add("password", json!(text.trim_end_matches(['\r', '\n'])));
        }
        Ok(Value::Object(body))
    }
}

async fn path(client: &Client, whose: &Whose) -> Result<String> {
    let name = super::sign_in::policy::organisation(client, whose).await?;
    Ok(format!("/api/organisations/{}/ldap", encode(&name)))
}

async fn sync(client: &Client, style: Style, whose: &Whose, dry_run: bool, report: Option<&PathBuf>) -> Result<()> {
    let path = format!("{}/sync", path(client, whose).await?);
    let begun = client.post(&path, json!({"dry_run": dry_run})).await?;
    let ended = task::follow(client, style, whose, begun).await?;
    if let Some(file) = report {
        let path = format!("/api/tasks/{}/result{}", ended["id"], whose.suffix());
        let octets = client.download(&path).await?;
        std::fs::write(file, octets).with_context(|| format!("write {}", file.display()))?;
    }
    task::tell(client, style, whose, ended.clone()).await?;
    task::check_done(&ended)
}

pub(crate) async fn run(command: &Ldap, client: &Client, style: Style) -> Result<()> {
    let value = match command {
        Ldap::Show { whose } => client.get(&path(client, whose).await?).await?,
        Ldap::Set(set) => client.put(&path(client, &set.whose).await?, set.body()?).await?,
        Ldap::Check { whose } => {
            let path = format!("{}/check", path(client, whose).await?);
            client.post(&path, json!({})).await?
        }
        Ldap::Sync { whose, dry_run, report } => {
            return sync(client, style, whose, *dry_run, report.as_ref()).await;
        }
        Ldap::Remove { whose } => {
            client.delete(&path(client, whose).await?).await?;
            output::done(style, "people come from nowhere else");
            return Ok(());
        }
    };
    output::item(style, &value);
    Ok(())
}
