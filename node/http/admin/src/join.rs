//! /api/join/{invitation}: what somebody sees and says who has an invitation (MEM-3, MEM-5).
//!
//! Reached by whoever has not signed in, so it takes no actor: the invitation in the path is the right to join. One that
//! is over, used up, taken back or made up looks as if it were not there.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use hongyan_access::PasswordOwner;
use hongyan_audit::{Author, AuthorKind};
use hongyan_directory::{AccountRecord, InvitationRecord, Joined, Joiner, RequestKey};
use hongyan_notice::{Recipient, Text};
use hongyan_sasl::Secret;
use hongyan_types::Address;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::AdminState;
use crate::body::Body;
use crate::caller::parse_address;
use crate::member::Password;
use crate::problem::{Failure, Problem, Result};

/// What an invitation is for.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JoinPage {
    organisation: String,
    /// Where who joins gets an address.
    domain: String,
    /// The address that is there already and waits for its person; null when a new one is to be chosen.
    address: Option<String>,
    display_name: String,
    /// Whether an administrator looks at it first.
    review: bool,
    expires_millis: i64,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct JoinRequest {
    /// The address wanted, or the part before the domain. Not for one whose address is there already.
    address: Option<String>,
    #[serde(default)]
    display_name: String,
    password: Password,
    #[serde(default)]
    mobile: String,
    /// Where to be told outside.
    #[serde(default)]
    private_address: String,
}

/// What became of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JoinResult {
    /// `joined`, or `waiting` for an administrator.
    result: &'static str,
    address: String,
}

async fn shown(state: &AdminState, text: &str) -> Result<(InvitationRecord, Option<std::sync::Arc<AccountRecord>>)> {
    let missing = || Problem::not_found("the invitation is over, or was taken back");
    let hash = state.access.invitation_hash(text);
    let invitation = state.directory.invitation_shown(hash).await?.ok_or_else(missing)?;
    let account = match invitation.account {
        None => None,
        Some(id) => {
            let account = state.directory.account(id).await?;
            let waits =
                |account: &std::sync::Arc<AccountRecord>| account.state == hongyan_directory::AccountState::Invited;
            Some(account.filter(waits).ok_or_else(missing)?)
        }
    };
    Ok((invitation, account))
}

/// What an invitation is for.
#[utoipa::path(get, path = "/api/join/{invitation}", params(("invitation" = String, Path)), responses((status = 200, body = JoinPage), Failure))]
pub(crate) async fn show(State(state): State<AdminState>, Path(text): Path<String>) -> Result<Json<JoinPage>> {
    let (invitation, account) = shown(&state, &text).await?;
    Ok(Json(JoinPage {
        organisation: state.directory.tenant(invitation.tenant).await?.name.clone(),
        domain: invitation.domain.to_string(),
        address: account.as_ref().map(|account| account.address.to_string()),
        display_name: account.map(|account| account.display_name.clone()).unwrap_or_default(),
        review: invitation.review,
        expires_millis: invitation.expires.millis,
    }))
}

/// Joins, or asks to.
#[utoipa::path(post, path = "/api/join/{invitation}", params(("invitation" = String, Path)), request_body = JoinRequest, responses((status = 201, body = JoinResult), (status = 202, body = JoinResult), Failure))]
pub(crate) async fn join(
    State(state): State<AdminState>,
    Path(text): Path<String>,
    Body(asked): Body<JoinRequest>,
) -> Result<Response> {
    let (invitation, account) = shown(&state, &text).await?;
    let address = wanted(&invitation, account.as_deref(), asked.address.as_deref())?;
    let password = Secret::new(asked.password.0);
    let owner = PasswordOwner {
        address: &address,
        aliases: account
            .as_ref()
            .map(|account| account.aliases.as_slice())
            .unwrap_or_default(),
        display_name: &asked.display_name,
    };
    state.access.check_password(&owner, &password)?;
    let credential = match &account {
        Some(account) => state.access.hash_password_of(account.id, &password).await?,
        None => state.access.hash_password(&password).await?,
    };
    let notice = invitation.review.then(|| {
        state.directory.notice(
            Recipient::Administrators(invitation.tenant),
            "application.waits",
            Text::new(
                &format!("{address} wants to join"),
                &format!(
                    "{} wants to join as {address} and waits for an answer.\n",
                    asked.display_name
                ),
            ),
            Text::new(
                &format!("{address} 申请加入"),
                &format!("{} 申请以 {address} 加入，等待审核。\n", asked.display_name),
            ),
        )
    });
    let joiner = Joiner {
        hash: invitation.hash,
        address: account.is_none().then(|| address.clone()),
        display_name: asked.display_name,
        mobile: asked.mobile,
        private_address: asked.private_address,
        credential,
        notice,
    };
    let author = Author {
        kind: AuthorKind::System,
        id: Some(u64::from(invitation.id.0)),
        name: format!("invitation {}", invitation.id),
        from: String::new(),
    };
    let directory = state.directory.acting(author, None::<RequestKey>);
    let (status, result, address) = match directory.join(&joiner).await? {
        Joined::Member(account) => {
            state.access.account_changed(account.id).await?;
            tracing::info!(account = account.id.0, "joined by invitation");
            (StatusCode::CREATED, "joined", account.address.clone())
        }
        Joined::Waits(application) => (StatusCode::ACCEPTED, "waiting", application.address.clone()),
    };
    let result = JoinResult {
        result,
        address: address.to_string(),
    };
    Ok((status, Json(result)).into_response())
}

fn wanted(invitation: &InvitationRecord, account: Option<&AccountRecord>, asked: Option<&str>) -> Result<Address> {
    match (account, asked) {
        (Some(account), None) => Ok(account.address.clone()),
        (Some(_), Some(_)) => Err(Problem::invalid("address: it is there already")),
        (None, None) => Err(Problem::invalid("address: say which you want")),
        (None, Some(asked)) if asked.contains('@') => parse_address(asked),
        (None, Some(asked)) => parse_address(&format!("{asked}@{}", invitation.domain)),
    }
}
