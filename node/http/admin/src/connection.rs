//! /api/organisations/{name}/connections: all that an organisation is connected with, at a glance (API-5). Each is set up at a place
//! of its own, which is named.

use axum::Json;
use axum::extract::Path;
use hongyan_access::permission::{Action, Object};
use hongyan_profile::Profiles;
use hongyan_types::TenantId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::caller::Caller;
use crate::connected;
use crate::export::encoded;
use crate::problem::{Failure, Result};
use crate::token;

/// Tokens read at a time.
const TOKENS: usize = 1_000;

/// Something that an organisation is, or may be, connected with.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Connection {
    /// `openid-provider` and `saml-provider` sign members in, `ldap` is where people come from, of which there is one at most;
    /// `application` and `saml-application` are what members sign in to, `webhook` is told what changes, `token` lets a program in (SCIM
    /// too), `link` leads members elsewhere.
    kind: &'static str,
    /// Which of its kind, where there may be several.
    id: Option<String>,
    /// What people call it; empty for a directory, and for what is not set up.
    name: String,
    /// Whom or what it reaches: an URL or, of a token, the member in whose name it acts.
    reaches: Option<String>,
    /// `on`, `off`, `failed` (a receiver took nothing for a day), `expired`, or `none`: it is not set up.
    state: &'static str,
    /// Where it is set up: a path of this API.
    path: String,
}

/// All of an organisation's.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Connections {
    items: Vec<Connection>,
}

impl Connection {
    fn new(kind: &'static str, id: impl Into<Option<String>>, path: String) -> Self {
        Self {
            kind,
            id: id.into(),
            name: String::new(),
            reaches: None,
            state: "on",
            path,
        }
    }
    fn called(self, name: String, reaches: impl Into<Option<String>>) -> Self {
        Self {
            name,
            reaches: reaches.into(),
            ..self
        }
    }
    fn in_state(self, state: &'static str) -> Self {
        Self { state, ..self }
    }
    /// One of which there is one at most: what is set up, or that nothing is.
    fn only(kind: &'static str, path: String, set: Option<(String, String)>) -> Self {
        let one = Self::new(kind, None, path);
        match set {
            Some((name, reaches)) => one.called(name, reaches),
            None => one.in_state("none"),
        }
    }
}

/// What members sign in with and to, and where they come from; `base` is the organisation's path.
async fn of_sign_in(caller: &Caller, tenant: TenantId, base: &str, all: &mut Vec<Connection>) -> Result<()> {
    if let Some(openid) = &caller.single_sign_on {
        let set = openid.provider(tenant).await?.map(|set| (set.label, set.issuer));
        all.push(Connection::only(
            "openid-provider",
            format!("{base}/single-sign-on"),
            set,
        ));
    }
    if let Some(saml) = &caller.saml {
        let set = saml.provider(tenant).await?.map(|view| view.settings);
        let set = set.map(|set| (set.label, set.provider.entity_id));
        all.push(Connection::only("saml-provider", format!("{base}/saml"), set));
    }
    if let Some(ldap) = &caller.ldap {
        let set = ldap.settings(tenant).await?.map(|set| (String::new(), set.url));
        all.push(Connection::only("ldap", format!("{base}/ldap"), set));
    }
    for client in connected::own(caller, tenant).await? {
        let path = format!("{base}/connected-applications/{}", encoded(&client.id));
        let reaches = client.redirects.into_iter().next();
        all.push(Connection::new("application", client.id, path).called(client.name, reaches));
    }
    if let Some(saml) = &caller.saml {
        for application in saml.applications(tenant).await? {
            let application = application.application;
            let path = format!("{base}/saml-applications/{}", encoded(&application.id));
            let one = Connection::new("saml-application", application.id, path);
            let state = if application.is_on { "on" } else { "off" };
            all.push(one.called(application.name, application.entity_id).in_state(state));
        }
    }
    Ok(())
}

async fn webhooks(caller: &Caller, tenant: TenantId, whose: &str, all: &mut Vec<Connection>) -> Result<()> {
    for webhook in caller.webhooks.list(tenant).await? {
        let id = webhook.id.0.to_string();
        let path = format!("/api/webhooks/{id}{whose}");
        let one = Connection::new("webhook", id, path).called(webhook.name, webhook.url);
        all.push(one.in_state(webhook.state.label()));
    }
    Ok(())
}

async fn tokens(caller: &Caller, tenant: TenantId, whose: &str, all: &mut Vec<Connection>) -> Result<()> {
    let (now, mut after) = (caller.access.now(), None);
    loop {
        let found = caller.directory.tokens(Some(tenant), after, TOKENS).await?;
        for (token, _) in &found {
            let state = if token.is_expired(now) { "expired" } else { "on" };
            let one = Connection::new("token", token.id.0.to_string(), format!("/api/tokens{whose}"));
            let owner = token::owner_address(caller, token).await?;
            all.push(one.called(token.name.clone(), owner).in_state(state));
        }
        after = found.last().map(|(token, _)| token.id);
        if found.len() < TOKENS {
            return Ok(());
        }
    }
}

async fn links(caller: &Caller, tenant: TenantId, whose: &str, all: &mut Vec<Connection>) -> Result<()> {
    for link in Profiles::new(&caller.directory).links(tenant).await? {
        let one = Connection::new("link", None, format!("/api/links{whose}"));
        all.push(one.called(link.name, link.url));
    }
    Ok(())
}

/// All that an organisation is connected with: what the caller may read of it.
#[utoipa::path(get, path = "/api/organisations/{name}/connections", params(("name" = String, Path)), responses((status = 200, body = Connections), Failure))]
pub(crate) async fn list(caller: Caller, Path(name): Path<String>) -> Result<Json<Connections>> {
    let tenant = caller.organisation(Some(&name)).await?;
    let may = |action| caller.permit(action, &Object::organisation(tenant));
    let sign_in = may(Action::ReadSignInPolicy);
    let (hooks, programs, pages) = (
        may(Action::ReadWebhooks).is_ok(),
        may(Action::ReadTokens).is_ok(),
        may(Action::ReadOrganisation).is_ok(),
    );
    let is_shown = sign_in.is_ok();
    if !(hooks || programs || pages) {
        sign_in?;
    }
    let name = encoded(&name);
    let (base, whose) = (format!("/api/organisations/{name}"), format!("?organisation={name}"));
    let mut items = Vec::new();
    if is_shown {
        of_sign_in(&caller, tenant, &base, &mut items).await?;
    }
    if hooks {
        webhooks(&caller, tenant, &whose, &mut items).await?;
    }
    if programs {
        tokens(&caller, tenant, &whose, &mut items).await?;
    }
    if pages {
        links(&caller, tenant, &whose, &mut items).await?;
    }
    Ok(Json(Connections { items }))
}
