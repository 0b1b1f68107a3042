//! `hongyan member`

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::department_number::{self, Of};
use super::{Max, Whose, bulk, changes, first_password, or_none, password, sheet};
use crate::client::{Client, encode};
use crate::output::{self, Style};

#[derive(Debug, Subcommand)]
pub enum Member {
    /// Make a member or shared mailbox; its password is asked for, or read from standard input.
    Add {
        /// Its main address, also its login name; made from the name when left out.
        address: Option<String>,
        /// Domain where an address is made up; the organisation's default when left out.
        #[arg(long)]
        domain: Option<String>,
        /// The person's name.
        #[arg(long, default_value = "")]
        name: String,
        /// Make it without a password: nobody can sign in yet.
        #[arg(long)]
        no_password: bool,
        /// It may manage its organisation.
        #[arg(long)]
        administrator: bool,
        /// The language reports come in: en, zh-CN; else the organisation's.
        #[arg(long)]
        language: Option<String>,
        /// A mailbox that several people use, and no person.
        #[arg(long)]
        shared: bool,
        /// It gets mail, and its person is still to come.
        #[arg(long)]
        invited: bool,
        #[command(flatten)]
        quota: Quota,
        #[command(flatten)]
        person: Box<Person>,
    },
    /// List or find members, by name.
    List {
        #[command(flatten)]
        whose: Whose,
        #[command(flatten)]
        filter: Box<Filter>,
    },
    /// Show a member.
    Show {
        /// One of its addresses.
        address: String,
    },
    /// Change name, quota or what it may do with mail clients.
    Set {
        /// One of its addresses.
        address: String,
        /// The person's name.
        #[arg(long)]
        name: Option<String>,
        /// May manage its organisation: on or off.
        #[arg(long, value_parser = on_off)]
        administrator: Option<bool>,
        /// The language reports come in: en, zh-CN, or `none` for the organisation's.
        #[arg(long)]
        language: Option<String>,
        #[command(flatten)]
        quota: Quota,
        #[command(flatten)]
        person: Box<Person>,
        #[command(flatten)]
        settings: Box<Settings>,
    },
    /// Change an address that was made from the name, once.
    Rename {
        /// One of its addresses.
        address: String,
        /// The new main address.
        to: String,
        /// The old one is free for others; otherwise it becomes an alias.
        #[arg(long)]
        release: bool,
    },
    /// Set a new password, asked for or read from standard input.
    Password {
        /// One of its addresses.
        address: String,
    },
    /// Make first passwords for members who are still to come, on a sheet to hand out.
    FirstPasswords(first_password::HandOut),
    /// Stop its sign-in and mail, as its administrators want; what it has stays.
    Disable(Leaving),
    /// End that.
    Enable {
        /// One of its addresses.
        address: String,
    },
    /// Stop its sign-in and mail by order of the operator; what it has stays.
    Suspend {
        /// One of its addresses.
        address: String,
    },
    /// End a suspension.
    Resume {
        /// One of its addresses.
        address: String,
    },
    /// The same to many members, with a report of each.
    Bulk(bulk::Bulk),
    /// Take members from a file, after all of it was looked over.
    Import(sheet::Import),
    /// Write members into a file.
    Export(sheet::Export),
    /// Write an empty file with the names of the columns that `import` reads.
    Template(sheet::Template),
    /// Remove a member, or take a shared mailbox back: the mailbox goes into the recycle bin.
    Delete(Leaving),
    /// Take the mailbox from its person: it goes into the recycle bin, ready for someone else.
    Unbind(Leaving),
}

/// Who leaves, or is disabled.
#[derive(Debug, Args)]
pub struct Leaving {
    /// One of its addresses.
    address: String,
    /// Even when others count on it, such as the groups that it speaks for.
    #[arg(long)]
    confirm_uses: bool,
}

/// Which members.
#[derive(Debug, Args)]
pub struct Filter {
    /// Words in name, address, pinyin, initials, employee id, phone or title.
    #[arg(long)]
    text: Option<String>,
    /// Who belong to this department, by its number, name or path; 0 has those without one.
    #[arg(long)]
    department: Option<String>,
    /// And to all below it.
    #[arg(long)]
    deep: bool,
    /// Who bear this tag, by its number.
    #[arg(long)]
    tag: Option<u32>,
    /// active, invited, disabled or suspended.
    #[arg(long)]
    state: Option<String>,
    /// member or shared.
    #[arg(long)]
    kind: Option<String>,
}

impl Filter {
    async fn query(&self, client: &Client, whose: &Whose) -> Result<String> {
        let of = Of::Whose(whose);
        let department = department_number::maybe(client, of, self.department.as_deref()).await?;
        let mut query = String::new();
        let mut put = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                query.push_str(&format!("{name}={}&", encode(&value)));
            }
        };
        put("text", self.text.clone());
        put("department", department.map(|id| id.to_string()));
        put("deep", self.deep.then(|| "true".to_owned()));
        put("tag", self.tag.map(|id| id.to_string()));
        put("state", self.state.clone());
        put("kind", self.kind.clone());
        Ok(query)
    }
}

/// A person and their place in the organisation.
#[derive(Debug, Args)]
pub struct Person {
    /// Alias beside the name.
    #[arg(long)]
    nickname: Option<String>,
    /// The organisation's own id of the person, unique in it.
    #[arg(long)]
    employee_id: Option<String>,
    /// Mobile phone, unique in the organisation.
    #[arg(long)]
    mobile: Option<String>,
    /// Landline phone.
    #[arg(long)]
    landline: Option<String>,
    /// unknown, female or male.
    #[arg(long)]
    gender: Option<String>,
    /// Title.
    #[arg(long)]
    title: Option<String>,
    /// ordinary or superior.
    #[arg(long)]
    rank: Option<String>,
    /// Where they are.
    #[arg(long)]
    location: Option<String>,
    /// A mail address outside, for invitations.
    #[arg(long)]
    private_address: Option<String>,
    /// Number, name or path (such as Research/Compilers) of a department they belong to; several are said one by one, `0` alone is none.
    #[arg(long)]
    department: Vec<String>,
    /// Number of a tag they bear; several are said one by one, `0` alone is none.
    #[arg(long)]
    tag: Vec<u32>,
    /// standard or advanced.
    #[arg(long)]
    seat: Option<String>,
}

impl Person {
    async fn put_into(&self, client: &Client, of: Of<'_>, change: &mut Map<String, Value>) -> Result<()> {
        let mut profile = Map::new();
        for (name, value) in [
            ("nickname", &self.nickname),
            ("employee_id", &self.employee_id),
            ("mobile", &self.mobile),
            ("landline", &self.landline),
            ("gender", &self.gender),
            ("title", &self.title),
            ("rank", &self.rank),
            ("location", &self.location),
            ("private_address", &self.private_address),
        ] {
            if let Some(value) = value {
                profile.insert(name.to_owned(), json!(value));
            }
        }
        if !profile.is_empty() {
            change.insert("profile".to_owned(), Value::Object(profile));
        }
        let departments = department_number::numbers(client, of, &self.department).await?;
        for (name, ids) in [("departments", &departments), ("tags", &self.tag)] {
            if !ids.is_empty() {
                let ids: Vec<u32> = ids.iter().copied().filter(|id| *id != 0).collect();
                change.insert(name.to_owned(), json!(ids));
            }
        }
        if let Some(seat) = &self.seat {
            change.insert("seat".to_owned(), json!(seat));
        }
        Ok(())
    }
}

#[derive(Debug, Args)]
pub struct Quota {
    /// Octets of mail it may have, or `none`.
    #[arg(long)]
    quota_octets: Option<Max>,
    /// Messages it may have, or `none`.
    #[arg(long)]
    quota_messages: Option<Max>,
}

#[derive(Debug, Args)]
pub struct Settings {
    /// IMAP: on or off.
    #[arg(long, value_parser = on_off)]
    imap: Option<bool>,
    /// POP3: on or off.
    #[arg(long, value_parser = on_off)]
    pop3: Option<bool>,
    /// Sending with mail clients: on or off.
    #[arg(long, value_parser = on_off)]
    submission: Option<bool>,
    /// How far back POP3 clients fetch: week, two-weeks, month, three-months, year, two-years, all.
    #[arg(long)]
    pop_range: Option<String>,
    /// How far back IMAP clients see, likewise.
    #[arg(long)]
    imap_range: Option<String>,
    /// Whether POP3 clients may delete: on or off.
    #[arg(long, value_parser = on_off)]
    pop_clients_may_delete: Option<bool>,
    /// Whether POP3 offers own folders: on or off.
    #[arg(long, value_parser = on_off)]
    pop_own_folders: Option<bool>,
    /// Whether POP3 offers Junk: on or off.
    #[arg(long, value_parser = on_off)]
    pop_junk: Option<bool>,
    /// Whether mail sent with clients is kept in Sent: on or off.
    #[arg(long, value_parser = on_off)]
    keep_sent: Option<bool>,
    /// Whether it may get back mail that it deleted for good: on or off.
    #[arg(long, value_parser = on_off)]
    recover_deleted: Option<bool>,
    /// ActiveSync, where the organisation has opened it: on or off.
    #[arg(long, value_parser = on_off)]
    active_sync: Option<bool>,
    /// Whether ActiveSync offers own folders: on or off.
    #[arg(long, value_parser = on_off)]
    active_sync_own_folders: Option<bool>,
}

pub(super) fn on_off(text: &str) -> Result<bool, String> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("on or off".to_owned()),
    }
}

impl Settings {
    fn to_json(&self) -> Map<String, Value> {
        let mut map = Map::new();
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                map.insert(name.to_owned(), value);
            }
        };
        put("imap", self.imap.map(Value::from));
        put("pop3", self.pop3.map(Value::from));
        put("submission", self.submission.map(Value::from));
        put("pop_range", self.pop_range.clone().map(Value::from));
        put("imap_range", self.imap_range.clone().map(Value::from));
        put("pop_clients_may_delete", self.pop_clients_may_delete.map(Value::from));
        put("pop_own_folders", self.pop_own_folders.map(Value::from));
        put("pop_junk", self.pop_junk.map(Value::from));
        put("keep_sent", self.keep_sent.map(Value::from));
        put("recover_deleted", self.recover_deleted.map(Value::from));
        put("active_sync", self.active_sync.map(Value::from));
        put("active_sync_own_folders", self.active_sync_own_folders.map(Value::from));
        map
    }
}

/// The quota as it is with what was asked for on top; nothing when nothing was asked for.
fn quota(asked: &Quota, present: &Value) -> Option<Value> {
    if asked.quota_octets.is_none() && asked.quota_messages.is_none() {
        return None;
    }
    let octets = asked
        .quota_octets
        .map_or(present["octets_max"].clone(), |max| json!(max.0));
    let messages = asked
        .quota_messages
        .map_or(present["messages_max"].clone(), |max| json!(max.0));
    Some(json!({"octets_max": octets, "messages_max": messages}))
}

pub(crate) async fn run(command: &Member, client: &Client, style: Style) -> Result<()> {
    let path = |address: &str| format!("/api/members/{}", encode(address));
    let value = match command {
        Member::Add {
            address,
            domain,
            name,
            no_password,
            administrator,
            language,
            shared,
            invited,
            quota: asked,
            person,
        } => {
            let no_password = &(*no_password || *shared || *invited);
            let password = if *no_password { None } else { Some(password::read()?) };
            let mut new = json!({
                "address": address, "display_name": name, "password": password, "administrator": administrator,
                "quota": quota(asked, &Value::Null).unwrap_or_else(|| json!({})), "language": language,
                "domain": domain,
            });
            if let Value::Object(new) = &mut new {
                let nobodys = Whose { organisation: None };
                let domain = address
                    .as_ref()
                    .filter(|address| address.contains('@'))
                    .or(domain.as_ref());
                let of = domain.map_or(Of::Whose(&nobodys), |domain| Of::Address(domain));
                person.put_into(client, of, new).await?;
                new.insert("kind".to_owned(), json!(if *shared { "shared" } else { "member" }));
                new.insert("invited".to_owned(), json!(invited));
            }
            client.post("/api/members", new).await?
        }
        Member::List { whose, filter } => {
            let query = format!("{}{}", whose.query(), filter.query(client, whose).await?);
            let items = client.list("/api/members", &query).await?;
            output::list(style, &items, &["address", "display_name", "state", "aliases"]);
            return Ok(());
        }
        Member::Show { address } => client.get(&path(address)).await?,
        Member::Set {
            address,
            name,
            administrator,
            language,
            quota: asked,
            person,
            settings,
        } => {
            let mut change = Map::new();
            if let Some(name) = name {
                change.insert("display_name".to_owned(), json!(name));
            }
            if let Some(administrator) = administrator {
                change.insert("administrator".to_owned(), json!(administrator));
            }
            if let Some(language) = language {
                change.insert("language".to_owned(), json!(or_none(language)));
            }
            person.put_into(client, Of::Address(address), &mut change).await?;
            let settings = settings.to_json();
            if !settings.is_empty() {
                change.insert("settings".to_owned(), Value::Object(settings));
            }
            let present = client.get(&path(address)).await?;
            if let Some(quota) = quota(asked, &present["quota"]) {
                change.insert("quota".to_owned(), quota);
            }
            client.patch(&path(address), changes(change)?).await?
        }
        Member::Rename { address, to, release } => {
            let asked = json!({"address": to, "release": release});
            client.put(&format!("{}/address", path(address)), asked).await?
        }
        Member::Password { address } => {
            let new = json!({"password": password::read()?});
            client.put(&format!("{}/password", path(address)), new).await?;
            output::done(style, &format!("the password of {address} is set"));
            return Ok(());
        }
        Member::Disable(Leaving { address, confirm_uses }) => {
            let change = json!({"state": "disabled", "confirm_uses": confirm_uses});
            client.patch(&path(address), change).await?
        }
        Member::Enable { address } => client.patch(&path(address), json!({"state": "active"})).await?,
        Member::Suspend { address } => client.patch(&path(address), json!({"state": "suspended"})).await?,
        Member::Resume { address } => client.patch(&path(address), json!({"state": "active"})).await?,
        Member::FirstPasswords(asked) => return first_password::hand_out(asked, client, style).await,
        Member::Bulk(asked) => return bulk::run(asked, client, style).await,
        Member::Import(asked) => return sheet::import(asked, client, style).await,
        Member::Export(asked) => return sheet::export(asked, client, style).await,
        Member::Template(asked) => return sheet::template("members", asked, client, style).await,
        Member::Delete(Leaving { address, confirm_uses }) => {
            client
                .delete(&format!("{}?confirm_uses={confirm_uses}", path(address)))
                .await?;
            let text = format!("{address} is deleted: see `hongyan recycle-bin show {address}`");
            output::done(style, &text);
            return Ok(());
        }
        Member::Unbind(Leaving { address, confirm_uses }) => {
            let path = format!("{}/unbind?confirm_uses={confirm_uses}", path(address));
            client.post(&path, Value::Null).await?
        }
    };
    output::item(style, &value);
    Ok(())
}
