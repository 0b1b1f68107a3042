//! /api/first-passwords: passwords for those who are still to come, to be handed out on paper (MEM-4, MEM-6, MEM-7).

use std::sync::Arc;

use axum::Json;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use hongyan_access::PasswordOwner;
use hongyan_access::permission::Action;
use hongyan_directory::{AccountChange, AccountKind, AccountRecord, AccountState, Field};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::body::Body;
use crate::caller::Caller;
use crate::invitation::home;
use crate::member::{ToCome, to_come};
use crate::problem::{Failure, Result};

/// Most members at once: a password takes its time to be hashed.
const MEMBERS_MAX: usize = 50;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HandOut {
    /// Addresses of the members, at most 50; the next of all who are still to come when left out.
    members: Option<Vec<String>>,
    /// Whose, by name; needed only from operators of several organisations.
    organisation: Option<String>,
}

/// What became of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum HandOutResult {
    /// The password is set, and has to be changed at the first sign-in.
    Set,
    /// Nothing was changed: the member has a password already, or must not sign in.
    AlreadyActive,
}

/// One row of the sheet.
#[derive(Serialize, ToSchema)]
pub(crate) struct FirstPassword {
    member: String,
    display_name: String,
    /// Shown this once.
    password: Option<String>,
    result: HandOutResult,
}

/// What there is to hand out.
#[derive(Serialize, ToSchema)]
pub(crate) struct FirstPasswords {
    items: Vec<FirstPassword>,
    /// Where to sign in.
    sign_in: String,
    /// Whether others are still to come: ask again.
    more: bool,
}

/// Makes first passwords for members who are still to come, or have none, and shows them this once: to print, and to hand out.
/// Each has to be changed at the first sign-in.
#[utoipa::path(post, path = "/api/first-passwords", request_body = HandOut, responses((status = 200, body = FirstPasswords), Failure))]
pub(crate) async fn hand_out(caller: Caller, Body(asked): Body<HandOut>) -> Result<Response> {
    let whose = (asked.organisation.as_deref(), asked.members.as_deref());
    let ToCome { members, more, .. } = to_come(&caller, Action::ControlMembers, whose, MEMBERS_MAX).await?;
    let mut items = Vec::with_capacity(members.len());
    for member in members {
        items.push(begin(&caller, &member).await?);
    }
    let sheet = FirstPasswords {
        items,
        sign_in: home(&caller),
        more,
    };
    let secret = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok((secret, Json(sheet)).into_response())
}

/// Gives a member a password to begin with. The last step lets them in: what broke before it is begun again.
async fn begin(caller: &Caller, member: &Arc<AccountRecord>) -> Result<FirstPassword> {
    let row = |password, result| FirstPassword {
        member: member.address.to_string(),
        display_name: member.display_name.clone(),
        password,
        result,
    };
    if !is_to_come(caller, member).await? {
        return Ok(row(None, HandOutResult::AlreadyActive));
    }
    let owner = PasswordOwner {
        address: &member.address,
        aliases: &member.aliases,
        display_name: &member.display_name,
    };
    let password = caller.access.first_password(&owner)?;
    let credential = caller.access.hash_password_of(member.id, &password).await?;
    caller
        .access
        .set_must_change(&caller.directory, member.id, true)
        .await?;
    caller.directory.set_credential(member.id, &credential).await?;
    if member.state == AccountState::Invited {
        let active = AccountChange {
            state: Field::Set(AccountState::Active),
            ..AccountChange::default()
        };
        caller.directory.change_account(member.id, &active).await?;
    }
    caller.access.account_changed(member.id).await?;
    tracing::info!(account = member.id.0, "first password set");
    Ok(row(Some(password.reveal().to_owned()), HandOutResult::Set))
}

async fn is_to_come(caller: &Caller, member: &AccountRecord) -> Result<bool> {
    if member.kind != AccountKind::Member {
        return Ok(false);
    }
    Ok(match member.state {
        AccountState::Invited => true,
        AccountState::Active => {
            let login = caller.directory.login_of(member.id).await?;
            login.is_some_and(|login| login.credential.is_none())
        }
        _ => false,
    })
}
