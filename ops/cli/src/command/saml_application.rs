//! `hongyan saml-application`

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Subcommand;
use serde_json::{Map, Value, json};

use super::Whose;
use super::saml::{SignOut, text};
use crate::client::{Client, encode};
use crate::output::{self, Style};

#[derive(Debug, Subcommand)]
pub enum SamlApplication {
    /// Connect an application: by its metadata, or by what is in them.
    Add(Box<Add>),
    /// List the applications.
    List {
        #[command(flatten)]
        whose: Whose,
    },
    /// Show an application.
    Show {
        /// What addresses of ours call it.
        id: String,
        #[command(flatten)]
        whose: Whose,
    },
    /// Change an application; what is not said stays.
    Set(Box<Set>),
    /// Take an application away: it is told nothing any more.
    Delete {
        /// What addresses of ours call it.
        id: String,
        #[command(flatten)]
        whose: Whose,
    },
    /// Show what applications are to know of us.
    Provider {
        #[command(flatten)]
        whose: Whose,
    },
    /// Make another key for signing answers. Its certificate is shown from now on; it signs when it is told to.
    MakeCertificate {
        #[command(flatten)]
        whose: Whose,
    },
    /// Have a key sign from now on. The one before stays shown.
    SignWith {
        /// The certificate's number, as `provider` shows it.
        certificate: String,
        #[command(flatten)]
        whose: Whose,
    },
    /// Remove a key that does not sign.
    RemoveCertificate {
        /// The certificate's number, as `provider` shows it.
        certificate: String,
        #[command(flatten)]
        whose: Whose,
    },
}

/// What is said of an application.
#[derive(Debug, clap::Args)]
pub struct Said {
    /// A file with the application's metadata.
    #[arg(long)]
    metadata_file: Option<PathBuf>,
    /// Who it is, in its own words.
    #[arg(long)]
    entity_id: Option<String>,
    /// Where answers are posted to: https; several are said one by one, the first is for requests that name none.
    #[arg(long)]
    consumer: Vec<String>,
    /// How it knows members: persistent, email, transient.
    #[arg(long)]
    name_id: Option<String>,
    /// What it is told of members: mail, name, number, aliases, organisation; `mail=EMAIL` under another name; several are said one by
    /// one, `none` for nothing.
    #[arg(long)]
    attribute: Vec<String>,
    /// Whether its requests have to be signed.
    #[arg(long)]
    needs_signature: Option<bool>,
    /// A file with a certificate of its; several times while it changes its key.
    #[arg(long)]
    certificate_file: Vec<PathBuf>,
    #[command(flatten)]
    sign_out: SignOut,
    /// Whether members can use it.
    #[arg(long)]
    on: Option<bool>,
    #[command(flatten)]
    whose: Whose,
}

#[derive(Debug, clap::Args)]
pub struct Add {
    /// What addresses of ours call it: letters, digits, dots, hyphens and underscores.
    id: String,
    /// What people call it.
    #[arg(long)]
    name: String,
    #[command(flatten)]
    said: Said,
}

#[derive(Debug, clap::Args)]
pub struct Set {
    /// What addresses of ours call it.
    id: String,
    /// What people call it.
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    said: Said,
}

fn attribute(said: &str) -> Value {
    match said.split_once('=') {
        Some((attribute, name)) => json!({"attribute": attribute, "as": name}),
        None => json!({"attribute": said}),
    }
}

impl Said {
    fn fields(&self) -> Result<Map<String, Value>> {
        let mut fields = Map::new();
        if let Some(file) = &self.metadata_file {
            fields.insert("metadata".to_owned(), json!(text(file)?));
        }
        if !self.certificate_file.is_empty() {
            let certificates = self.certificate_file.iter().map(|file| text(file));
            let certificates: Vec<String> = certificates.collect::<Result<_>>()?;
            fields.insert("certificates".to_owned(), json!(certificates));
        }
        let told: Vec<Value> = match self.attribute.as_slice() {
            [one] if one == "none" => Vec::new(),
            all => all.iter().map(|said| attribute(said)).collect(),
        };
        for (name, value) in [
            ("entity_id", self.entity_id.as_ref().map(|id| json!(id))),
            (
                "consumer_addresses",
                (!self.consumer.is_empty()).then(|| json!(self.consumer)),
            ),
            ("name_id", self.name_id.as_ref().map(|word| json!(word))),
            ("attributes", (!self.attribute.is_empty()).then(|| json!(told))),
            ("needs_signature", self.needs_signature.map(|needs| json!(needs))),
            ("sign_out", self.sign_out.field()),
            ("on", self.on.map(|on| json!(on))),
        ] {
            if let Some(value) = value {
                fields.insert(name.to_owned(), value);
            }
        }
        Ok(fields)
    }
}

/// What is said, over what is there: new metadata bring places, name and certificates of their own.
fn changed(present: &Value, mut fields: Map<String, Value>) -> Result<Value> {
    if fields.is_empty() {
        bail!("nothing to change: name at least one option, see --help");
    }
    let kept: &[&str] = match fields.contains_key("metadata") {
        true => &["name", "name_id", "attributes", "on"],
        false => &[
            "name",
            "entity_id",
            "consumer_addresses",
            "name_id",
            "attributes",
            "needs_signature",
            "sign_out",
            "on",
        ],
    };
    for name in kept {
        fields
            .entry((*name).to_owned())
            .or_insert_with(|| present[*name].clone());
    }
    if !fields.contains_key("metadata") && !fields.contains_key("certificates") {
        let all = present["certificates"].as_array().into_iter().flatten();
        let texts: Vec<Value> = all.map(|certificate| certificate["pem"].clone()).collect();
        fields.insert("certificates".to_owned(), json!(texts));
    }
    Ok(Value::Object(fields))
}

async fn below(client: &Client, whose: &Whose, what: &str) -> Result<String> {
    let name = super::sign_in::policy::organisation(client, whose).await?;
    Ok(format!("/api/organisations/{}/{what}", encode(&name)))
}

async fn one(client: &Client, whose: &Whose, id: &str) -> Result<String> {
    below(client, whose, &format!("saml-applications/{}", encode(id))).await
}

async fn key(client: &Client, whose: &Whose, id: &str) -> Result<String> {
    below(client, whose, &format!("saml-provider/certificates/{}", encode(id))).await
}

pub(crate) async fn run(command: &SamlApplication, client: &Client, style: Style) -> Result<()> {
    let value = match command {
        SamlApplication::Add(add) => {
            let whose = &add.said.whose;
            let present = client.get(&below(client, whose, "saml-applications").await?).await?;
            let mut present = present["items"].as_array().into_iter().flatten();
            if present.any(|known| known["id"] == *add.id) {
                bail!("{} is connected: change it with `set`", add.id);
            }
            let mut fields = add.said.fields()?;
            fields.insert("name".to_owned(), json!(add.name));
            let path = one(client, whose, &add.id).await?;
            client.put(&path, Value::Object(fields)).await?
        }
        SamlApplication::List { whose } => {
            let all = client.get(&below(client, whose, "saml-applications").await?).await?;
            let columns = [
                "id",
                "name",
                "entity_id",
                "name_id",
                "needs_signature",
                "on",
                "created_millis",
            ];
            output::list(style, &all["items"], &columns);
            return Ok(());
        }
        SamlApplication::Show { id, whose } => client.get(&one(client, whose, id).await?).await?,
        SamlApplication::Set(set) => {
            let mut fields = set.said.fields()?;
            if let Some(name) = &set.name {
                fields.insert("name".to_owned(), json!(name));
            }
            let path = one(client, &set.said.whose, &set.id).await?;
            client
                .put_unchanged(&path, |present| changed(&present, fields.clone()))
                .await?
        }
        SamlApplication::Delete { id, whose } => {
            client.delete(&one(client, whose, id).await?).await?;
            output::done(style, &format!("{id} is connected no more"));
            return Ok(());
        }
        SamlApplication::Provider { whose } => client.get(&below(client, whose, "saml-provider").await?).await?,
        SamlApplication::MakeCertificate { whose } => {
            let path = below(client, whose, "saml-provider/certificates").await?;
            client.post(&path, Value::Null).await?
        }
        SamlApplication::SignWith { certificate, whose } => {
            let path = format!("{}/sign", key(client, whose, certificate).await?);
            client.post(&path, Value::Null).await?
        }
        SamlApplication::RemoveCertificate { certificate, whose } => {
            client.delete(&key(client, whose, certificate).await?).await?;
            output::done(style, &format!("{certificate} is shown no more"));
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
    fn a_change_leaves_the_rest() {
        let present = json!({"id": "app", "name": "App", "entity_id": "e", "consumer_addresses": ["https://a.test/"], "name_id": "email",
            "attributes": [{"attribute": "mail", "as": "mail"}], "needs_signature": true, "certificates": [{"pem": "P"}], "sign_out": {"address": "a"}, "on": true,
            "created_millis": 1, "start_address": "s"});
        let fields = |name: &str, value: Value| Map::from_iter([(name.to_owned(), value)]);
        let set = changed(&present, fields("on", json!(false))).unwrap();
        assert_eq!(
            set,
            json!({"name": "App", "entity_id": "e", "consumer_addresses": ["https://a.test/"], "name_id": "email",
                "attributes": [{"attribute": "mail", "as": "mail"}], "needs_signature": true, "certificates": ["P"], "sign_out": {"address": "a"}, "on": false})
        );
        let set = changed(&present, fields("sign_out", Value::Null)).unwrap();
        assert_eq!((&set["sign_out"], &set["entity_id"]), (&Value::Null, &json!("e")));
        let set = changed(&present, fields("metadata", json!("<x/>"))).unwrap();
        assert_eq!(
            set,
            json!({"metadata": "<x/>", "name": "App", "name_id": "email", "attributes": [{"attribute": "mail", "as": "mail"}], "on": true})
        );
        assert!(changed(&present, Map::new()).is_err());
        assert_eq!(attribute("mail=EMAIL"), json!({"attribute": "mail", "as": "EMAIL"}));
        assert_eq!(attribute("mail"), json!({"attribute": "mail"}));
    }
}
