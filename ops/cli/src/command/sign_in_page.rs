//! `hongyan organisation sign-in-page` and `sign-in-form`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::or_none;
use crate::client::{Client, encode};
use crate::output::{self, Style};

/// How the page to sign in looks.
#[derive(Debug, Clone, clap::Args)]
pub struct SignInPage {
    /// The organisation's name.
    name: String,
    /// The look of this domain alone.
    #[arg(long)]
    domain: Option<String>,
    /// What stands over the form, in English.
    #[arg(long)]
    title: Option<String>,
    /// The same in Chinese.
    #[arg(long)]
    title_zh_cn: Option<String>,
    /// Of what is behind the form, such as `#0a5c36`; `none` is ours.
    #[arg(long)]
    colour: Option<String>,
    /// Where the form stands: centre, left, right.
    #[arg(long)]
    layout: Option<String>,
    /// A picture over the form, a JPEG, PNG or WebP file; `none` takes it away.
    #[arg(long)]
    logo: Option<PathBuf>,
    /// A picture behind or beside the form, likewise.
    #[arg(long)]
    picture: Option<PathBuf>,
    /// Take the look away, with its pictures.
    #[arg(long, conflicts_with_all = ["title", "title_zh_cn", "colour", "layout", "logo", "picture"])]
    remove: bool,
}

/// A form for other sites.
#[derive(Debug, Clone, clap::Args)]
pub struct SignInForm {
    /// The organisation's name.
    name: String,
    /// Fields beside each other.
    #[arg(long)]
    horizontal: bool,
    /// A domain to choose from; several are said one by one.
    #[arg(long)]
    domain: Vec<String>,
    /// Without the link for a forgotten password.
    #[arg(long)]
    no_forgotten: bool,
    /// In Chinese.
    #[arg(long)]
    chinese: bool,
}

async fn send_picture(client: &Client, path: &str, file: &Path) -> Result<()> {
    if file.as_os_str() == "none" {
        client.delete(path).await?;
        return Ok(());
    }
    let octets = std::fs::read(file).with_context(|| format!("read {}", file.display()))?;
    client.replace(path, "application/octet-stream", octets).await?;
    Ok(())
}

/// Shows the look, or changes what the options say of it.
pub(crate) async fn page(asked: &SignInPage, client: &Client, style: Style) -> Result<()> {
    let base = format!("/api/organisations/{}/sign-in-page", encode(&asked.name));
    let at = asked
        .domain
        .as_deref()
        .map(|domain| format!("?domain={}", encode(domain)));
    let at = at.unwrap_or_default();
    let path = format!("{base}{at}");
    if asked.remove {
        client.delete(&path).await?;
        output::done(style, "the page to sign in looks as ours");
        return Ok(());
    }
    let SignInPage {
        title,
        title_zh_cn,
        colour,
        layout,
        ..
    } = asked;
    let texts = [("title", title), ("title_zh_cn", title_zh_cn), ("layout", layout)];
    let is_change = colour.is_some() || texts.iter().any(|(_, text)| text.is_some());
    let is_asked = is_change || asked.logo.is_some() || asked.picture.is_some();
    let present = match client.get(&path).await {
        Err(error) if !is_asked => return Err(error),
        present => present.unwrap_or_default(),
    };
    // A picture needs a look that it belongs to.
    if is_change || (is_asked && present.is_null()) {
        let mut page = json!({});
        for field in ["title", "title_zh_cn", "colour", "layout"] {
            if let Some(value) = present.get(field) {
                page[field] = value.clone();
            }
        }
        for (field, text) in texts {
            if let Some(text) = text {
                page[field] = json!(text);
            }
        }
        if let Some(colour) = colour {
            page["colour"] = or_none(colour).map_or(Value::Null, |colour| json!(colour));
        }
        client.put(&path, page).await?;
    }
    for (kind, file) in [("logo", &asked.logo), ("picture", &asked.picture)] {
        if let Some(file) = file {
            send_picture(client, &format!("{base}/{kind}{at}"), file).await?;
        }
    }
    output::item(style, &client.get(&path).await?);
    Ok(())
}

/// Prints the code to copy.
pub(crate) async fn form(asked: &SignInForm, client: &Client) -> Result<()> {
    let layout = if asked.horizontal { "horizontal" } else { "vertical" };
    let language = if asked.chinese { "zh-CN" } else { "en" };
    let mut path = format!(
        "/api/organisations/{}/sign-in-form?layout={layout}&language={language}&forgotten={}",
        encode(&asked.name),
        !asked.no_forgotten
    );
    if !asked.domain.is_empty() {
        path.push_str(&format!("&domains={}", encode(&asked.domain.join(","))));
    }
    let html = client.download(&path).await?;
    output::text(&String::from_utf8_lossy(&html));
    Ok(())
}
