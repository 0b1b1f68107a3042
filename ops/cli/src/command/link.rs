//! `hongyan link`

use anyhow::{Result, bail};
use clap::Subcommand;
use serde_json::{Value, json};

use super::Whose;
use super::department_number::{Of, numbers};
use crate::client::Client;
use crate::output::{self, Style};

#[derive(Debug, Subcommand)]
pub enum Link {
    /// List an organisation's links to other systems, in the order in which members see them.
    List {
        #[command(flatten)]
        whose: Whose,
    },
    /// Add one, or change the one of that name.
    Set {
        /// What it is called, in English.
        name: String,
        /// Where it leads, over https.
        url: String,
        /// The same in Chinese.
        #[arg(long)]
        name_zh: Option<String>,
        /// A picture's URL.
        #[arg(long)]
        icon: Option<String>,
        /// Number, name or path of a department whose members see it; several are said one by one. Without any, and any tag, all do.
        #[arg(long)]
        department: Vec<String>,
        /// Number of a tag whose bearers see it; several are said one by one.
        #[arg(long)]
        tag: Vec<u32>,
        /// The connected application that signs members in on the way.
        #[arg(long, requires = "login_url")]
        application: Option<String>,
        /// Where that application begins to sign somebody in.
        #[arg(long, requires = "application")]
        login_url: Option<String>,
        /// Its place, from 1; the last, or the one it has, when left out.
        #[arg(long)]
        place: Option<usize>,
        #[command(flatten)]
        whose: Whose,
    },
    /// Take one away.
    Remove {
        /// What it is called, in English.
        name: String,
        #[command(flatten)]
        whose: Whose,
    },
}

fn items(links: &mut Value) -> Result<&mut Vec<Value>> {
    match links["items"].as_array_mut() {
        Some(items) => Ok(items),
        None => bail!("the server's answer has no links"),
    }
}

/// `links` with `link` at that place, in place of the one of the same name.
fn with(mut links: Value, link: Value, place: Option<usize>) -> Result<Value> {
    let items = items(&mut links)?;
    let known = items.iter().position(|item| item["name"] == link["name"]);
    if let Some(known) = known {
        items.remove(known);
    }
    let place = place.map(|place| place.saturating_sub(1)).or(known);
    items.insert(place.unwrap_or(items.len()).min(items.len()), link);
    Ok(links)
}

fn without(mut links: Value, name: &str) -> Result<Value> {
    let items = items(&mut links)?;
    let Some(known) = items.iter().position(|item| item["name"] == name) else {
        bail!("there is no link {name}");
    };
    items.remove(known);
    Ok(links)
}

pub(crate) async fn run(command: &Link, client: &Client, style: Style) -> Result<()> {
    let path = |whose: &Whose| format!("/api/links{}", whose.suffix());
    let value = match command {
        Link::List { whose } => client.get(&path(whose)).await?,
        Link::Set {
            name,
            url,
            name_zh,
            icon,
            department,
            tag,
            application,
            login_url,
            place,
            whose,
        } => {
            let departments = numbers(client, Of::Whose(whose), department).await?;
            let link = json!({
                "name": name, "name_zh_cn": name_zh.as_deref().unwrap_or_default(), "url": url, "icon": icon, "departments": departments,
                "tags": tag, "application": application, "login_url": login_url,
            });
            let path = path(whose);
            let set = client.put_unchanged(&path, |links| with(links, link, *place));
            set.await?
        }
        Link::Remove { name, whose } => client.put_unchanged(&path(whose), |links| without(links, name)).await?,
    };
    output::list(
        style,
        &value["items"],
        &["name", "name_zh_cn", "url", "departments", "tags", "application"],
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn api_6_a_link_takes_its_place() {
        let names = |links: &Value| {
            let items = links["items"].as_array().unwrap().iter();
            items
                .map(|item| item["name"].as_str().unwrap().to_owned())
                .collect::<String>()
        };
        let links = json!({"items": [{"name": "a"}, {"name": "b"}, {"name": "c"}]});
        for (name, place, expect) in [
            ("d", None, "abcd"),
            ("d", Some(1), "dabc"),
            ("b", None, "abc"),
            ("b", Some(3), "acb"),
            ("b", Some(99), "acb"),
            ("a", Some(0), "abc"),
        ] {
            let link = json!({"name": name});
            assert_eq!(names(&with(links.clone(), link, place).unwrap()), expect);
        }
        assert_eq!(names(&without(links.clone(), "b").unwrap()), "ac");
        assert!(without(links, "x").is_err());
    }
}
