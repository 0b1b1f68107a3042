//! `hongyan application`

use anyhow::{Result, bail};
use clap::Subcommand;
use serde_json::{Value, json};

use super::Whose;
use crate::client::{Client, encode};
use crate::output::{self, Style};

#[derive(Debug, Subcommand)]
pub enum Application {
    /// Connect a program. Its secret is shown once.
    Add {
        /// What it calls itself: its client_id.
        id: String,
        /// What members read.
        #[arg(long)]
        name: String,
        /// Where browsers are sent back to with a code: https, http://127.0.0.1/.., a scheme of its own; several are said one by one.
        #[arg(long, required = true)]
        redirect: Vec<String>,
        /// Where browsers may be sent to when their member has signed out; several are said one by one.
        #[arg(long)]
        signed_out: Vec<String>,
        /// What it may have at most: openid, profile, email; for mail imap, pop3, submission, jmap, read-only.
        #[arg(long, default_value = "openid profile email")]
        scope: String,
        /// It proves itself with no secret, as programs on devices of people must.
        #[arg(long)]
        public: bool,
        #[command(flatten)]
        whose: Whose,
    },
    /// List the programs that are connected.
    List {
        #[command(flatten)]
        whose: Whose,
    },
    /// Show a program.
    Show {
        /// What it calls itself.
        id: String,
        #[command(flatten)]
        whose: Whose,
    },
    /// Change a program; what members have granted to it stays.
    Set {
        /// What it calls itself.
        id: String,
        /// What members read.
        #[arg(long)]
        name: Option<String>,
        /// Where browsers are sent back to, in place of where they were; several are said one by one.
        #[arg(long)]
        redirect: Vec<String>,
        /// Where they may be sent to afterwards; `none` for nowhere.
        #[arg(long)]
        signed_out: Vec<String>,
        /// What it may have at most.
        #[arg(long)]
        scope: Option<String>,
        /// Whether it proves itself with a secret. One that is made is shown once.
        #[arg(long)]
        has_secret: Option<bool>,
        #[command(flatten)]
        whose: Whose,
    },
    /// Take a program away: it hears nothing any more.
    Delete {
        /// What it calls itself.
        id: String,
        #[command(flatten)]
        whose: Whose,
    },
    /// Give a program another secret. It is shown once, and the one before is good no more.
    Rotate {
        /// What it calls itself.
        id: String,
        #[command(flatten)]
        whose: Whose,
    },
}

/// The path of an organisation's programs.
async fn path(client: &Client, whose: &Whose) -> Result<String> {
    let name = super::sign_in::policy::organisation(client, whose).await?;
    Ok(format!("/api/organisations/{}/connected-applications", encode(&name)))
}

async fn one(client: &Client, whose: &Whose, id: &str) -> Result<String> {
    Ok(format!("{}/{}", path(client, whose).await?, encode(id)))
}

async fn all(client: &Client, whose: &Whose) -> Result<Value> {
    Ok(client.get(&path(client, whose).await?).await?["items"].take())
}

/// Leaves of what is shown what is set, and puts in what is to be another.
fn changed(mut present: Value, changes: &[(&str, Option<Value>)]) -> Result<Value> {
    if changes.iter().all(|(_, value)| value.is_none()) {
        bail!("nothing to change: name at least one option, see --help");
    }
    let fields = changes.iter().map(|(name, value)| {
        let value = value.clone().unwrap_or_else(|| present[*name].take());
        ((*name).to_owned(), value)
    });
    Ok(Value::Object(fields.collect()))
}

/// What is said one by one; nothing when nothing is said, and none when that is said.
fn said(all: &[String]) -> Option<Value> {
    match all {
        [] => None,
        [one] if one == "none" => Some(json!([])),
        all => Some(json!(all)),
    }
}

pub(crate) async fn run(command: &Application, client: &Client, style: Style) -> Result<()> {
    let value = match command {
        Application::Add {
            id,
            name,
            redirect,
            signed_out,
            scope,
            public,
            whose,
        } => {
            let present = all(client, whose).await?;
            if present.as_array().into_iter().flatten().any(|one| one["id"] == **id) {
                bail!("{id} is connected: change it with `set`");
            }
            let new = json!({"name": name, "redirects": redirect, "signed_out_redirects": signed_out, "scope": scope,
                "has_secret": !public});
            client.put(&one(client, whose, id).await?, new).await?
        }
        Application::List { whose } => {
            let columns = ["id", "name", "scope", "redirects", "has_secret", "created_millis"];
            output::list(style, &all(client, whose).await?, &columns);
            return Ok(());
        }
        Application::Show { id, whose } => client.get(&one(client, whose, id).await?).await?,
        Application::Set {
            id,
            name,
            redirect,
            signed_out,
            scope,
            has_secret,
            whose,
        } => {
            let changes = [
                ("name", name.as_ref().map(|name| json!(name))),
                ("redirects", said(redirect)),
                ("signed_out_redirects", said(signed_out)),
                ("scope", scope.as_ref().map(|scope| json!(scope))),
                ("has_secret", has_secret.map(|has| json!(has))),
            ];
            let path = one(client, whose, id).await?;
            client
                .put_unchanged(&path, |present| changed(present, &changes))
                .await?
        }
        Application::Delete { id, whose } => {
            client.delete(&one(client, whose, id).await?).await?;
            output::done(style, &format!("{id} is connected no more"));
            return Ok(());
        }
        Application::Rotate { id, whose } => {
            let path = format!("{}/secret", one(client, whose, id).await?);
            client.post(&path, Value::Null).await?
        }
    };
    output::item(style, &value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_leaves_the_rest() {
        let present = json!({"id": "portal", "name": "Portal", "redirects": ["https://p.test/"], "created_millis": 1});
        let change = |name: Option<Value>| [("name", name), ("redirects", said(&[]))];
        let set = changed(present.clone(), &change(Some(json!("Other")))).unwrap();
        assert_eq!(set, json!({"name": "Other", "redirects": ["https://p.test/"]}));
        assert!(changed(present, &change(None)).is_err());
        assert_eq!(said(&["none".to_owned()]), Some(json!([])));
    }
}
