//! /api/recycle-bin: mailboxes that were deleted, taken from their person or taken back (MEM-16).

use axum::Json;
use axum::body::Body as Octets;
use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use hongyan_access::permission::Action;
use hongyan_access::{PasswordOwner, SessionFilter};
use hongyan_audit::{Chain, Event};
use hongyan_directory::{
    AccountKind, AccountRecord, DepartmentId, Error, Grantee, Profile, Recycle, RecycleKind, RecycledRecord, Restore,
};
use hongyan_mailbox::MailboxId;
use hongyan_notice::{Recipient, Text};
use hongyan_sasl::Secret;
use hongyan_types::AccountId;
use hongyan_upkeep::MergeMailbox;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::body::{Asked, Body};
use crate::caller::{Caller, parse_address};
use crate::conditional::{IfMatch, Tagged, with_present};
use crate::member::{Member, Password, present, view as view_member};
use crate::page::{self, Page, PageQuery};
use crate::problem::{Failure, Problem, Result};
use crate::task::{Task, view as view_task};

/// A mailbox in the recycle bin. Its addresses are reserved.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Recycled {
    id: u64,
    kind: RecycleKind,
    address: String,
    aliases: Vec<String>,
    display_name: String,
    since_millis: i64,
    /// When it goes for good.
    until_millis: i64,
    /// It is going: nothing can be done with it any more.
    purging: bool,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Confirmed {
    /// Even when others count on it: what it is used for is given up.
    #[serde(default)]
    confirm_uses: bool,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RestoreMember {
    /// The person's name; the one it had when left out.
    display_name: Option<String>,
    /// The person's data; what it had when left out.
    profile: Option<Profile>,
    /// Without one nobody can sign in yet.
    password: Option<Password>,
    /// It gets mail, and its person is still to come.
    #[serde(default)]
    invited: bool,
    /// It goes to another person, who finds nothing of the one before but the mail. When left out, it does if another name is said; one
    /// that was taken from its person always does.
    another_person: Option<bool>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RestoreShared {
    /// Its name; the one it had when left out.
    display_name: Option<String>,
    /// Addresses of the members who may use it.
    #[serde(default)]
    members: Vec<String>,
    /// Departments whose members may use it, with all below.
    #[serde(default)]
    departments: Vec<DepartmentId>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MergeRecycled {
    /// Address of the member who gets the mail.
    member: String,
    /// The folder there, by its path; the mailbox's address when left out.
    folder: Option<String>,
}

fn view(recycled: &RecycledRecord) -> Recycled {
    let account = &recycled.account;
    Recycled {
        id: account.id.0,
        kind: recycled.kind,
        address: account.address.to_string(),
        aliases: account.aliases.iter().map(ToString::to_string).collect(),
        display_name: account.display_name.clone(),
        since_millis: recycled.since.millis,
        until_millis: recycled.until.millis,
        purging: recycled.purging,
    }
}

/// What in the bin has that address, to do `action` with it.
async fn find(caller: &Caller, action: Action, address: &str) -> Result<RecycledRecord> {
    let address = parse_address(address)?;
    let recycled = caller.directory.recycled_at(&address).await?;
    match caller.permit_member(action, &recycled.account, &address).await {
        Err(problem) if problem.status == StatusCode::NOT_FOUND.as_u16() => Err(Error::NotFound {
            what: "recycled mailbox",
            name: address.to_string(),
        }
        .into()),
        permitted => permitted.map(|_| recycled),
    }
}

/// Puts a member or a shared mailbox into the bin.
async fn recycle(caller: &Caller, address: &str, asked: Recycle) -> Result<RecycledRecord> {
    let account = caller.member(Action::ControlMembers, address).await?;
    if asked.unbind && account.kind == AccountKind::Shared {
        return Err(Problem::invalid("a shared mailbox has no person: delete it"));
    }
    let outcome = caller.directory.recycle(account.id, &asked).await;
    let recycled = with_present(outcome, async { present(caller, account.id).await }).await?;
    caller.access.account_changed(account.id).await?;
    tracing::info!(account = account.id.0, how = recycled.kind.label(), "account recycled");
    Ok(recycled)
}

/// Removes a member, or takes a shared mailbox back: the mailbox stays in the recycle bin for a while.
#[utoipa::path(delete, path = "/api/members/{address}", params(("address" = String, Path), Confirmed), responses((status = 204), Failure))]
pub(crate) async fn delete_member(
    caller: Caller,
    Path(address): Path<String>,
    Asked(asked): Asked<Confirmed>,
    IfMatch(expect): IfMatch,
) -> Result<StatusCode> {
    let asked = Recycle {
        confirmed: asked.confirm_uses,
        expect,
        ..Recycle::default()
    };
    recycle(&caller, &address, asked).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes the mailbox from its person: it stays in the recycle bin, ready for someone else.
#[utoipa::path(post, path = "/api/members/{address}/unbind", params(("address" = String, Path), Confirmed), responses((status = 200, body = Recycled), Failure))]
pub(crate) async fn unbind(
    caller: Caller,
    Path(address): Path<String>,
    Asked(asked): Asked<Confirmed>,
    IfMatch(expect): IfMatch,
) -> Result<Json<Recycled>> {
    let asked = Recycle {
        unbind: true,
        confirmed: asked.confirm_uses,
        expect,
        leaving: None,
    };
    Ok(Json(view(&recycle(&caller, &address, asked).await?)))
}

/// Ends the use of one's own mailbox (MEM-19): it goes into the recycle bin as if it had been taken from its person, all sessions
/// end, administrators are told. They alone can give it back. Everyone does so for themselves, with a fresh proof; `me` is the caller.
#[utoipa::path(post, path = "/api/members/{address}/leave", params(("address" = String, Path), Confirmed), responses((status = 204), Failure))]
pub(crate) async fn leave(
    caller: Caller,
    Path(address): Path<String>,
    Asked(asked): Asked<Confirmed>,
) -> Result<StatusCode> {
    let account = caller.member_or_me(Action::LeaveMailbox, &address).await?;
    // An operator takes a mailbox from its person (`unbind`); nobody leaves in another's name.
    if !caller.is(&account) {
        return Err(Problem::forbidden("everyone leaves for themselves"));
    }
    caller.check_proof()?;
    let (address, name) = (&account.address, &account.display_name);
    let notice = caller.directory.notice(
        Recipient::Administrators(account.tenant),
        "member.left",
        Text::new(
            &format!("{address} has left"),
            &format!(
                "{name} <{address}> has ended the use of the mailbox. It is in the recycle bin, from where it can be given back \
                 or to someone else.\n"
            ),
        ),
        Text::new(
            &format!("{address} 已停用邮箱"),
            &format!("{name} <{address}> 已自行停用邮箱。邮箱现在回收站中，可以恢复或转交他人。\n"),
        ),
    );
    let asked = Recycle {
        unbind: true,
        confirmed: asked.confirm_uses,
        leaving: Some(notice),
        ..Recycle::default()
    };
    let left = caller.directory.recycle(account.id, &asked).await?;
    caller.access.account_changed(account.id).await?;
    tracing::info!(account = account.id.0, how = left.kind.label(), "member left");
    Ok(StatusCode::NO_CONTENT)
}

/// What is in the recycle bin.
#[utoipa::path(get, path = "/api/recycle-bin", params(PageQuery), responses((status = 200, body = Page<Recycled>), Failure))]
pub(crate) async fn list(caller: Caller, Asked(query): Asked<PageQuery>) -> Result<Json<Page<Recycled>>> {
    let (tenant, _) = caller
        .within(Action::ReadMembers, query.organisation.as_deref())
        .await?;
    let (after, limit) = (query.after()?, query.limit());
    let found = caller.directory.recycled(tenant, after.map(AccountId), limit).await?;
    let next = page::next(&found, limit, |last| last.account.id.0.to_string());
    let mut items = Vec::new();
    for recycled in &found {
        let account = &recycled.account;
        let seen = caller.permit_member(Action::ReadMembers, account, &account.address);
        items.extend(seen.await.ok().map(|_| view(recycled)));
    }
    Ok(Json(Page::with_next(items, next)))
}

/// A mailbox in the recycle bin, by any of its addresses.
#[utoipa::path(get, path = "/api/recycle-bin/{address}", params(("address" = String, Path)), responses((status = 200, body = Recycled), Failure))]
pub(crate) async fn show(caller: Caller, Path(address): Path<String>) -> Result<Json<Recycled>> {
    Ok(Json(view(&find(&caller, Action::ReadMembers, &address).await?)))
}

/// Gives a mailbox back to its person, or to another who has none.
#[utoipa::path(post, path = "/api/recycle-bin/{address}/restore", params(("address" = String, Path)), request_body = RestoreMember, responses((status = 200, body = Member), Failure))]
pub(crate) async fn restore(
    caller: Caller,
    Path(address): Path<String>,
    Body(asked): Body<RestoreMember>,
) -> Result<Tagged<Member>> {
    let recycled = find(&caller, Action::ControlMembers, &address).await?;
    let account = &recycled.account;
    let credential = match asked.password {
        Some(Password(password)) => {
            let password = Secret::new(password);
            let owner = PasswordOwner {
                address: &account.address,
                aliases: &account.aliases,
                display_name: asked.display_name.as_deref().unwrap_or(&account.display_name),
            };
            caller.access.check_password(&owner, &password)?;
            Some(Box::new(caller.access.hash_password(&password).await?))
        }
        None => None,
    };
    let is_renamed = |name: &String| *name != account.display_name;
    let another = asked
        .another_person
        .unwrap_or_else(|| asked.display_name.as_ref().is_some_and(is_renamed));
    let asked = Restore::Member {
        name: asked.display_name,
        profile: asked.profile.map(Box::new),
        credential,
        invited: asked.invited,
        another,
    };
    put_back(&caller, &recycled, &asked).await
}

/// Makes a mailbox a shared one, used by members or departments: to one member it is a second mailbox.
#[utoipa::path(post, path = "/api/recycle-bin/{address}/share", params(("address" = String, Path)), request_body = RestoreShared, responses((status = 200, body = Member), Failure))]
pub(crate) async fn share(
    caller: Caller,
    Path(address): Path<String>,
    Body(asked): Body<RestoreShared>,
) -> Result<Tagged<Member>> {
    let recycled = find(&caller, Action::ControlMembers, &address).await?;
    caller.within_whole(Action::ChangeShared, recycled.account.tenant)?;
    let mut users: Vec<Grantee> = asked.departments.into_iter().map(Grantee::Department).collect();
    for member in &asked.members {
        users.push(Grantee::Account(caller.member(Action::ReadMembers, member).await?.id));
    }
    let asked = Restore::Shared {
        name: asked.display_name,
        users,
    };
    put_back(&caller, &recycled, &asked).await
}

/// Ends what would let the person that a mailbox was taken from in again: identities at providers, what was granted to clients, sessions
/// of the web. In the bin nobody is let in, so nothing is lost when the rest fails.
async fn forget_person(caller: &Caller, account: &AccountRecord) -> Result<()> {
    if let Some(sso) = &caller.single_sign_on {
        for link in sso.links(account.id).await? {
            sso.unlink(&caller.directory, account, &link.id).await?;
        }
    }
    for grant in caller.access.oauth_grants(account.id).await? {
        caller.access.end_grant(&caller.directory, account, grant.id).await?;
    }
    let sessions = SessionFilter::Account(account.id);
    caller.access.end_web_sessions(sessions).await?;
    Ok(())
}

async fn put_back(caller: &Caller, recycled: &RecycledRecord, asked: &Restore) -> Result<Tagged<Member>> {
    let (tenant, id) = (recycled.account.tenant, recycled.account.id);
    // MEM-14: whoever was deleted comes back as they were.
    let is_same_person = matches!(asked, Restore::Member { another: false, .. });
    if recycled.kind == RecycleKind::Unbound || !is_same_person {
        forget_person(caller, &recycled.account).await?;
    }
    let account = caller.directory.restore(tenant, id, asked).await?;
    caller.access.account_changed(id).await?;
    tracing::info!(account = id.0, "account restored");
    Ok(Tagged::new(account.etag(), view_member(&account)))
}

/// Brings the mail of a mailbox into a folder of a member who has one, as a task: folders become folders inside, flags and dates
/// stay. The mailbox stays in the bin meanwhile, seven days at least; asked for again within these, nothing is brought twice.
#[utoipa::path(post, path = "/api/recycle-bin/{address}/merge", params(("address" = String, Path)), request_body = MergeRecycled, responses((status = 202, body = Task), Failure))]
pub(crate) async fn merge(
    caller: Caller,
    Path(address): Path<String>,
    Body(asked): Body<MergeRecycled>,
) -> Result<(StatusCode, Json<Task>)> {
    let recycled = find(&caller, Action::ControlMembers, &address).await?;
    let target = caller.member(Action::ControlMembers, &asked.member).await?;
    if target.tenant != recycled.account.tenant {
        return Err(Problem::not_found(format!("account {} does not exist", asked.member)));
    }
    if !target.state.takes_mail() {
        return Err(Problem::invalid(format!("member: {} takes no mail", target.address)));
    }
    caller.check_proof()?;
    let (tenant, source) = (target.tenant, &recycled.account);
    let merge = MergeMailbox {
        source: source.id.0,
        since_millis: recycled.since.millis,
        target: target.id.0,
        folder: asked.folder.unwrap_or_else(|| source.address.to_string()),
    };
    let event = Event::new("recycle-bin.merge", &source.address)
        .id(source.id.0)
        .with("into", &target.address)
        .with("folder", &merge.folder);
    caller.directory.record(Chain::Tenant(tenant), event).await?;
    let begun = caller.tasks.merge_mailbox(tenant, caller.actor.author(), merge).await?;
    Ok((StatusCode::ACCEPTED, Json(view_task(&begun))))
}

/// All mail of a mailbox in the recycle bin, to keep: a tar archive with folders as Maildir has them, which `hongyan import` reads.
/// Needs a fresh proof.
#[utoipa::path(get, path = "/api/recycle-bin/{address}/mails", params(("address" = String, Path)), responses((status = 200, description = "The archive", body = Vec<u8>, content_type = "application/x-tar"), Failure))]
pub(crate) async fn back_up(caller: Caller, Path(address): Path<String>) -> Result<Response> {
    let recycled = find(&caller, Action::ControlMembers, &address).await?;
    caller.check_proof()?;
    let account = &recycled.account;
    if recycled.purging {
        return Err(Problem::not_found(format!("{} is going", account.address)));
    }
    let mailbox = MailboxId {
        tenant: account.tenant,
        account: account.id,
    };
    let archive = caller.tasks.back_up(mailbox, &account.address.to_string()).await?;
    let event = Event::new("recycle-bin.back-up", &account.address).id(account.id.0);
    caller.directory.record(Chain::Tenant(account.tenant), event).await?;
    // What goes wrong on the way breaks the connection: nobody takes half an archive for the whole.
    let pieces = futures_util::stream::try_unfold(archive, |mut archive| async move {
        let piece = archive.read().await?;
        Ok::<_, Error>(piece.map(|piece| (piece, archive)))
    });
    let headers = [
        (header::CONTENT_TYPE, "application/x-tar"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"mails.tar\""),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, Octets::from_stream(pieces)).into_response())
}

/// Removes a mailbox from the recycle bin for good, with all its mail.
#[utoipa::path(delete, path = "/api/recycle-bin/{address}", params(("address" = String, Path)), responses((status = 202), Failure))]
pub(crate) async fn purge(caller: Caller, Path(address): Path<String>) -> Result<StatusCode> {
    let recycled = find(&caller, Action::ControlMembers, &address).await?;
    caller.check_proof()?;
    caller
        .directory
        .purge(recycled.account.tenant, recycled.account.id)
        .await?;
    Ok(StatusCode::ACCEPTED)
}
