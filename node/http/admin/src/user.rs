//! /api/members/{address}/users: who may use a shared mailbox.

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use hongyan_access::permission::Action;
use hongyan_directory::{
    AccountKind, AccountRecord, DepartmentId, GrantRecord, GrantRights, Grantee, MemberQuery, NewGrant, Sending,
};
use hongyan_notice::{Recipient, Text};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::body::{Asked, Body};
use crate::caller::{Caller, parse_address};
use crate::problem::{Failure, Problem, Result};

/// Most members of a department who are told that they may use a shared mailbox.
const TOLD_MAX: usize = 1_000;

/// Someone who may use a shared mailbox.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MailboxUser {
    /// The member's address; null for a department.
    member: Option<String>,
    /// Everyone of a department, with all below.
    department: Option<DepartmentId>,
    rights: GrantRights,
    since_millis: i64,
}

/// Who uses a mailbox.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MailboxUsers {
    items: Vec<MailboxUser>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetUser {
    /// A member's address, or a department.
    member: Option<String>,
    department: Option<DepartmentId>,
    /// All rights when left out.
    #[serde(default = "full")]
    rights: GrantRights,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Whom {
    /// A member's address, or a department.
    member: Option<String>,
    department: Option<DepartmentId>,
}

fn full() -> GrantRights {
    GrantRights::FULL
}

/// The shared mailbox of that address, to do `action` to it.
async fn mailbox(caller: &Caller, action: Action, address: &str) -> Result<std::sync::Arc<AccountRecord>> {
    let account = caller.member(action, address).await?;
    if account.kind != AccountKind::Shared {
        return Err(Problem::invalid(format!("{address} is the mailbox of a person")));
    }
    Ok(account)
}

async fn view(caller: &Caller, grant: &GrantRecord) -> Result<Option<MailboxUser>> {
    let (member, department) = match grant.to {
        Grantee::Account(id) => match caller.directory.account(id).await? {
            Some(account) => (Some(account.address.to_string()), None),
            None => return Ok(None),
        },
        Grantee::Department(id) => (None, Some(id)),
    };
    Ok(Some(MailboxUser {
        member,
        department,
        rights: grant.rights,
        since_millis: grant.from.millis,
    }))
}

async fn grantee(caller: &Caller, member: Option<&String>, department: Option<DepartmentId>) -> Result<Grantee> {
    match (member, department) {
        (Some(address), None) => {
            let account = caller.directory.account_at(&parse_address(address)?).await?;
            Ok(Grantee::Account(account.id))
        }
        (None, Some(department)) => Ok(Grantee::Department(department)),
        _ => Err(Problem::invalid("say a member or a department")),
    }
}

/// Who may use a shared mailbox.
#[utoipa::path(get, path = "/api/members/{address}/users", params(("address" = String, Path)), responses((status = 200, body = MailboxUsers), Failure))]
pub(crate) async fn list(caller: Caller, Path(address): Path<String>) -> Result<Json<MailboxUsers>> {
    let account = mailbox(&caller, Action::ReadShared, &address).await?;
    let mut items = Vec::new();
    for grant in caller.directory.grants_of(account.id).await? {
        items.extend(view(&caller, &grant).await?);
    }
    Ok(Json(MailboxUsers { items }))
}

/// Lets a member or a department use a shared mailbox, or changes what they may.
#[utoipa::path(post, path = "/api/members/{address}/users", params(("address" = String, Path)), request_body = SetUser, responses((status = 200, body = MailboxUser), Failure))]
pub(crate) async fn set(
    caller: Caller,
    Path(address): Path<String>,
    Body(new): Body<SetUser>,
) -> Result<Json<MailboxUser>> {
    let account = mailbox(&caller, Action::ChangeShared, &address).await?;
    if new.rights.send == Sending::OnBehalf {
        return Err(Problem::invalid("a shared mailbox is sent as, or not at all"));
    }
    let grant = NewGrant {
        account: account.id,
        to: grantee(&caller, new.member.as_ref(), new.department).await?,
        rights: new.rights,
        until: None,
    };
    let known = caller.directory.grants_of(account.id).await?;
    let is_new = !known.iter().any(|known| known.to == grant.to);
    let grant = caller.directory.grant(&grant).await?;
    if is_new {
        tell_users(&caller, &account, grant.to).await?;
    }
    let shown = view(&caller, &grant).await?;
    Ok(Json(
        shown.ok_or_else(|| Problem::not_found("it does not exist any more"))?,
    ))
}

/// SBX-4: who may use a shared mailbox from now on is told.
async fn tell_users(caller: &Caller, mailbox: &AccountRecord, to: Grantee) -> Result<()> {
    let users = match to {
        Grantee::Account(id) => vec![id],
        Grantee::Department(department) => {
            let query = MemberQuery {
                kind: Some(AccountKind::Member),
                department: Some(department),
                deep: true,
                ..MemberQuery::default()
            };
            let all = caller.directory.member_ids(mailbox.tenant, &query).await?;
            all.into_iter().take(TOLD_MAX).collect()
        }
    };
    let (address, name) = (&mailbox.address, &mailbox.display_name);
    for user in users {
        let notice = caller.directory.notice(
            Recipient::Member(user),
            "shared-mailbox.given",
            Text::new(
                &format!("You may use the mailbox {address}"),
                &format!("You may use the shared mailbox {name} <{address}> from now on, with your own password.\n"),
            ),
            Text::new(
                &format!("您可以使用邮箱 {address}"),
                &format!("您现在可以用自己的密码使用公共邮箱 {name} <{address}>。\n"),
            ),
        );
        caller.directory.send(&notice).await?;
    }
    Ok(())
}

/// Takes a shared mailbox from someone: they lose access at once.
#[utoipa::path(delete, path = "/api/members/{address}/users", params(("address" = String, Path), Whom), responses((status = 204), Failure))]
pub(crate) async fn remove(
    caller: Caller,
    Path(address): Path<String>,
    Asked(whom): Asked<Whom>,
) -> Result<StatusCode> {
    let account = mailbox(&caller, Action::ChangeShared, &address).await?;
    let from = grantee(&caller, whom.member.as_ref(), whom.department).await?;
    caller.directory.withdraw(account.id, from).await?;
    Ok(StatusCode::NO_CONTENT)
}
