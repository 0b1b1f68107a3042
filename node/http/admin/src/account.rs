//! /api/accounts

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use hongyan_access::PasswordOwner;
use hongyan_directory::{AccountChange, AccountRecord, AccountSettings, AccountState, Language, NewAccount, Quota};
use hongyan_mailbox::{Erase, MailboxId, QuotaLimits, SetQuota};
use hongyan_sasl::Secret;
use hongyan_types::{AccountId, Address};
use serde::{Deserialize, Serialize};

use crate::body::{Asked, Body};
use crate::page::{Page, PageQuery};
use crate::problem::{Problem, Result};
use crate::{AdminState, tenant};

/// How long a mailbox may take to answer.
const ASK: Duration = Duration::from_secs(10);
/// How long erasing a mailbox may take.
const ERASE: Duration = Duration::from_secs(24 * 3600);
/// Per cent of a quota from which the member is warned.
const QUOTA_WARNING_PERCENT: u8 = 90;

#[derive(Debug, Serialize)]
pub(crate) struct Account {
    id: u64,
    address: String,
    display_name: String,
    state: AccountState,
    administrator: bool,
    aliases: Vec<String>,
    quota: Quota,
    settings: AccountSettings,
    /// Null is the tenant's.
    language: Option<Language>,
    created_millis: i64,
}

/// A password in a request; never printed.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct Password(String);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Create {
    address: String,
    password: Option<Password>,
    #[serde(default)]
    display_name: String,
    #[serde(default)]
    administrator: bool,
    #[serde(default)]
    quota: Quota,
    settings: Option<AccountSettings>,
    language: Option<Language>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    state: Option<AccountState>,
    display_name: Option<String>,
    quota: Option<Quota>,
    /// Settings to change; those left out stay.
    #[serde(default)]
    settings: serde_json::Map<String, serde_json::Value>,
    administrator: Option<bool>,
    /// Null for the tenant's.
    #[serde(default, deserialize_with = "tenant::present")]
    language: Option<Option<Language>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetPassword {
    password: Password,
}

pub(crate) fn parse(text: &str) -> Result<Address> {
    Address::try_from(text).map_err(|error| Problem::invalid(format!("{text}: {error}")))
}

/// The account with that address.
pub(crate) async fn at(state: &AdminState, address: &str) -> Result<Arc<AccountRecord>> {
    Ok(state.directory.account_at(&parse(address)?).await?)
}

pub(crate) fn view(account: &AccountRecord) -> Account {
    Account {
        id: account.id.0,
        address: account.address.to_string(),
        display_name: account.display_name.clone(),
        state: account.state,
        administrator: account.administrator,
        aliases: account.aliases.iter().map(ToString::to_string).collect(),
        quota: account.quota,
        settings: account.settings,
        language: account.language,
        created_millis: account.created.millis,
    }
}

pub(crate) async fn list(
    State(state): State<AdminState>,
    Asked(query): Asked<PageQuery>,
) -> Result<Json<Page<Account>>> {
    let owner = tenant::of(&state, query.tenant.as_deref()).await?;
    let after = match &query.after {
        Some(after) => Some(AccountId(
            after.parse().map_err(|_| Problem::invalid("after is not a number"))?,
        )),
        None => None,
    };
    let accounts = state.directory.accounts(owner, after, query.limit()).await?;
    let accounts = accounts.iter().map(view).collect();
    Ok(Json(Page::new(accounts, query.limit(), |account: &Account| {
        account.id.to_string()
    })))
}

pub(crate) async fn create(
    State(state): State<AdminState>,
    Body(new): Body<Create>,
) -> Result<(StatusCode, Json<Account>)> {
    let address = parse(&new.address)?;
    let credential = match new.password {
        Some(Password(password)) => {
            let password = Secret::new(password);
            let owner = PasswordOwner {
                address: &address,
                aliases: &[],
                display_name: &new.display_name,
            };
            state.access.check_password(&owner, &password)?;
            Some(state.access.hash_password(&password).await?)
        }
        None => None,
    };
    let new = NewAccount {
        address,
        display_name: new.display_name,
        credential,
        quota: new.quota,
        settings: new.settings,
        administrator: new.administrator,
        language: new.language,
    };
    let account = state.directory.create_account(&new).await?;
    if new.quota != Quota::default() {
        set_quota(&state, &account).await?;
    }
    tracing::info!(account = account.id.0, "account created");
    Ok((StatusCode::CREATED, Json(view(&account))))
}

pub(crate) async fn show(State(state): State<AdminState>, Path(address): Path<String>) -> Result<Json<Account>> {
    let account = at(&state, &address).await?;
    Ok(Json(view(&account)))
}

pub(crate) async fn change(
    State(state): State<AdminState>,
    Path(address): Path<String>,
    Body(change): Body<Change>,
) -> Result<Json<Account>> {
    let account = at(&state, &address).await?;
    let settings = if change.settings.is_empty() {
        None
    } else {
        Some(merge(&account.settings, change.settings)?)
    };
    let change = AccountChange {
        state: change.state.into(),
        display_name: change.display_name.into(),
        quota: change.quota.into(),
        settings: settings.into(),
        administrator: change.administrator.into(),
        language: change.language.into(),
    };
    let quota_changes = change.quota != hongyan_directory::Field::Keep;
    let account = state.directory.change_account(account.id, &change).await?;
    state.access.account_changed(account.id).await?;
    if quota_changes {
        set_quota(&state, &account).await?;
    }
    tracing::info!(account = account.id.0, "account changed");
    Ok(Json(view(&account)))
}

/// Tells the mailbox its limits; it keeps them itself, as it alone counts what it holds.
async fn set_quota(state: &AdminState, account: &AccountRecord) -> Result<()> {
    let limits = QuotaLimits {
        octets_max: account.quota.octets_max.unwrap_or(0),
        messages_max: account.quota.messages_max.unwrap_or(0),
        warning_percent: QUOTA_WARNING_PERCENT,
    };
    state
        .router
        .ask(&mailbox_of(account), SetQuota { limits }, ASK)
        .await??;
    Ok(())
}

fn mailbox_of(account: &AccountRecord) -> MailboxId {
    MailboxId {
        tenant: account.tenant,
        account: account.id,
    }
}

/// The settings as they are with those of `change` on top.
fn merge(settings: &AccountSettings, change: serde_json::Map<String, serde_json::Value>) -> Result<AccountSettings> {
    let invalid = |error: serde_json::Error| Problem::invalid(error.to_string());
    let mut merged = serde_json::to_value(settings).map_err(invalid)?;
    for (name, value) in change {
        merged[name] = value;
    }
    serde_json::from_value(merged).map_err(invalid)
}

pub(crate) async fn set_password(
    State(state): State<AdminState>,
    Path(address): Path<String>,
    Body(new): Body<SetPassword>,
) -> Result<StatusCode> {
    let account = at(&state, &address).await?;
    let password = Secret::new(new.password.0);
    let owner = PasswordOwner {
        address: &account.address,
        aliases: &account.aliases,
        display_name: &account.display_name,
    };
    state.access.check_password(&owner, &password)?;
    let credential = state.access.hash_password(&password).await?;
    state.directory.set_credential(account.id, &credential).await?;
    state.access.account_changed(account.id).await?;
    tracing::info!(account = account.id.0, "password set");
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn delete(State(state): State<AdminState>, Path(address): Path<String>) -> Result<StatusCode> {
    let account = at(&state, &address).await?;
    state.directory.delete_account(account.id).await?;
    state.access.account_changed(account.id).await?;
    // Nobody can reach the mailbox any more; a large one takes its time.
    let (router, mailbox) = (state.router.clone(), mailbox_of(&account));
    tokio::spawn(async move {
        match router.ask(&mailbox, Erase, ERASE).await {
            Ok(Ok(_)) => tracing::info!(account = mailbox.account.0, "mailbox erased"),
            Ok(Err(error)) => tracing::error!(account = mailbox.account.0, %error, "mailbox not erased"),
            Err(error) => tracing::error!(account = mailbox.account.0, %error, "mailbox not erased"),
        }
    });
    tracing::info!(account = account.id.0, "account deleted");
    Ok(StatusCode::NO_CONTENT)
}
