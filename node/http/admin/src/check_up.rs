//! /api/me/check-up: what to look at when a sign-in seems strange, and where each can be put right (LOG-10).

use axum::Json;
use hongyan_access::{LoginFilter, LoginsOf};
use serde::Serialize;
use utoipa::ToSchema;

use crate::caller::Caller;
use crate::kept::Kept;
use crate::login::{Login, view};
use crate::mail_log::me;
use crate::problem::{Failure, Problem, Result};

/// Unusual sign-ins that are shown.
const LOGINS_MAX: usize = 10;

/// How an account stands.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CheckUp {
    /// The last sign-ins that were unusual.
    unusual: Vec<Login>,
    /// The last that failed.
    failed: Vec<Login>,
    facts: Vec<CheckUpFact>,
}

/// One thing to look at.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CheckUpFact {
    /// `password`, `second-factor`, `app-passwords`, `mail-clients` (that were let in with tokens), `trusted-devices`, `sessions`,
    /// `delegations` or `aliases`.
    what: &'static str,
    /// How many there are; of `second-factor`, 0 says that a password alone signs in.
    count: u64,
    /// Whether it should be looked at.
    advised: bool,
    /// The method and the path that shows it.
    show: String,
    /// What puts it right at once; null where it takes a choice.
    act: Option<String>,
}

fn fact(what: &'static str, count: usize, advised: bool, (show, act): (&str, Option<&str>)) -> CheckUpFact {
    CheckUpFact {
        what,
        count: count as u64,
        advised,
        show: format!("GET {show}"),
        act: act.map(str::to_owned),
    }
}

/// How my account stands: strange sign-ins, and what lets others in or mail out, each with where it is put right.
#[utoipa::path(get, path = "/api/me/check-up", responses((status = 200, body = CheckUp), Failure))]
pub(crate) async fn show(caller: Caller) -> Result<Json<CheckUp>> {
    let me = me(&caller).await?;
    let kept = Kept::since(&caller, me.tenant, None).await?;
    let filter = |unusual: bool| LoginFilter {
        from: Some(kept.from),
        until: None,
        failed: !unusual,
        unusual,
    };
    let (mut unusual, mut failed) = (Vec::new(), Vec::new());
    for (list, filter) in [(&mut unusual, filter(true)), (&mut failed, filter(false))] {
        let page = caller
            .access
            .logins(LoginsOf::Account(me.id), &filter, None, LOGINS_MAX)
            .await?;
        for entry in page.entries {
            list.push(view(&caller, entry).await?);
        }
    }
    let login = caller.directory.login_of(me.id).await?;
    let login = login.ok_or_else(|| Problem::not_found("it does not exist any more"))?;
    let factors = &login.factors;
    let grants = caller.access.oauth_grants(me.id).await?.len();
    let devices = caller.access.trusted_devices(me.id).await?.len();
    let given = caller.directory.grants_of(me.id).await?.len();
    let is_strange = !unusual.is_empty();
    let facts = vec![
        fact(
            "password",
            1,
            is_strange,
            ("/api/session", Some("PUT /api/session/password")),
        ),
        fact(
            "second-factor",
            usize::from(factors.has_second_factor()),
            !factors.has_second_factor(),
            ("/api/members/me/sign-in", None),
        ),
        fact(
            "app-passwords",
            factors.app_passwords.len(),
            is_strange && !factors.app_passwords.is_empty(),
            ("/api/members/me/app-passwords", None),
        ),
        fact(
            "mail-clients",
            grants,
            is_strange && grants > 0,
            ("/api/members/me/oauth-grants", None),
        ),
        fact(
            "trusted-devices",
            devices,
            is_strange && devices > 0,
            ("/api/members/me/devices", Some("DELETE /api/members/me/devices")),
        ),
        fact(
            "delegations",
            given,
            is_strange && given > 0,
            ("/api/me/delegations", None),
        ),
        fact("aliases", me.aliases.len(), false, ("/api/members/me/aliases", None)),
    ];
    Ok(Json(CheckUp { unusual, failed, facts }))
}
