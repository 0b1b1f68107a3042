//! /api/invitations: ways in for those who are not there yet, and for those whose mailbox waits for them (MEM-3, MEM-5, MEM-6).
//! Those still to come are told by mail to their private address, or else by a text message where there is a gateway.

use axum::Json;
use axum::extract::Path;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hongyan_access::permission::Action;
use hongyan_access::{AccessError, TextInvitation};
use hongyan_directory::{
    AccountRecord, AccountState, DepartmentId, InvitationId, InvitationRecord, InvitationStanding, NewInvitation,
};
use hongyan_sasl::Secret;
use hongyan_types::{Address, Domain, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use hongyan_notice::{Recipient, Text};

use crate::AdminState;
use crate::body::{Asked, Body};
use crate::caller::Caller;
use crate::member::{ToCome, check_departments, to_come};
use crate::page::{self, PageQuery};
use crate::problem::{Failure, Problem, Result};
use crate::qr;
use crate::tag::Whose;

/// Days that an invitation is good for when nobody says.
const LIFETIME_DAYS_DEFAULT: u32 = 7;
/// Most days.
const LIFETIME_DAYS_MAX: u32 = 365;
const DAY_MILLIS: i64 = 86_400_000;
/// Most members told at once.
const NOTIFIED_MAX: usize = 500;
/// Invitations made in one transaction.
const MADE_AT_ONCE: usize = 100;

/// A way in, without its text.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Invitation {
    id: u32,
    label: String,
    /// Where who joins gets an address.
    domain: String,
    /// Where who joins belongs.
    department: Option<DepartmentId>,
    /// Whether an administrator looks at who wants to join.
    review: bool,
    /// How many may join by it; null is no limit.
    uses_max: Option<u32>,
    used: u32,
    /// The member whom it lets in, who is there already; null makes new ones.
    member: Option<String>,
    created_millis: i64,
    expires_millis: i64,
    /// When it was taken back.
    revoked_millis: Option<i64>,
    /// Whether it still lets somebody in.
    open: bool,
    state: InvitationState,
}

/// What an invitation is good for.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum InvitationState {
    /// It lets somebody in.
    Open,
    /// It was taken back.
    Revoked,
    /// Its time is over.
    Over,
    /// As many have joined by it as may.
    UsedUp,
    /// The organisation is suspended.
    Closed,
}

impl From<InvitationStanding> for InvitationState {
    fn from(standing: InvitationStanding) -> Self {
        match standing {
            InvitationStanding::Open => Self::Open,
            InvitationStanding::Revoked => Self::Revoked,
            InvitationStanding::Over => Self::Over,
            InvitationStanding::UsedUp => Self::UsedUp,
            InvitationStanding::Closed => Self::Closed,
        }
    }
}

/// The invitations of an organisation.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Invitations {
    items: Vec<Invitation>,
    /// What to ask for as `after`; nothing at the end.
    next: Option<String>,
}

/// An invitation with its text, which is shown this once.
#[derive(Serialize, ToSchema)]
pub(crate) struct InvitationMade {
    #[serde(flatten)]
    invitation: Invitation,
    /// For whoever is to join. It is not kept here: note it now.
    secret: String,
    /// The page that it opens.
    link: String,
    /// The link as a QR code to print or to show: an SVG image.
    qr: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewInvitation)]
pub(crate) struct Create {
    /// What it is for.
    #[serde(default)]
    label: String,
    /// Where who joins gets an address: the organisation's first domain when left out.
    domain: Option<String>,
    /// Where who joins belongs.
    department: Option<DepartmentId>,
    /// An administrator looks at who wants to join.
    #[serde(default)]
    review: bool,
    /// How many may join by it; no limit when left out.
    uses_max: Option<u32>,
    /// For this member, whose mailbox is there already and waits.
    member: Option<String>,
    /// Days that it is good for: 7 when left out.
    #[serde(default = "lifetime")]
    lifetime_days: u32,
    /// Whose, by name; needed only from operators of several organisations.
    organisation: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Notify {
    /// Addresses of members who are still to come; all of them when left out.
    members: Option<Vec<String>>,
    /// Days that the invitations are good for: 7 when left out.
    #[serde(default = "lifetime")]
    lifetime_days: u32,
    /// Whose, by name; needed only from operators of several organisations.
    organisation: Option<String>,
}

/// What became of the invitation of a member.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Notified {
    member: String,
    /// `sent` (by mail), `sent-by-sms`, `sms-failed`, `sms-limit` (enough for this phone today), `no-private-address` (and no phone
    /// that a text message could go to) or `not-invited`.
    result: &'static str,
}

/// Who was told.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NotifiedAll {
    items: Vec<Notified>,
    /// Whether there are more who are still to come.
    more: bool,
}

fn lifetime() -> u32 {
    LIFETIME_DAYS_DEFAULT
}

fn expires(caller: &Caller, days: u32) -> Result<Timestamp> {
    if !(1..=LIFETIME_DAYS_MAX).contains(&days) {
        return Err(Problem::invalid(format!("lifetime_days: 1 to {LIFETIME_DAYS_MAX}")));
    }
    Ok(Timestamp {
        millis: caller.directory.now().millis + i64::from(days) * DAY_MILLIS,
    })
}

/// The page where who shows that text joins.
pub(crate) fn link(state: &AdminState, text: &str) -> String {
    format!("{}join/{text}", home(state))
}

/// Where people begin.
pub(crate) fn home(state: &AdminState) -> String {
    format!("{}/", state.web_origin().unwrap_or_default())
}

async fn view(caller: &Caller, invitation: &InvitationRecord) -> Result<Invitation> {
    let member = match invitation.account {
        Some(id) => caller.directory.account(id).await?,
        None => None,
    };
    Ok(Invitation {
        id: invitation.id.0,
        label: invitation.label.clone(),
        domain: invitation.domain.to_string(),
        department: invitation.department,
        review: invitation.review,
        uses_max: invitation.uses_max,
        used: invitation.used,
        member: member.map(|member| member.address.to_string()),
        created_millis: invitation.created.millis,
        expires_millis: invitation.expires.millis,
        revoked_millis: invitation.revoked.map(|at| at.millis),
        open: invitation.holds(caller.directory.now()),
        state: invitation.standing(caller.directory.now()).into(),
    })
}

/// The invitations of an organisation, also those that let nobody in any more. Who manages some departments sees those into them.
#[utoipa::path(get, path = "/api/invitations", params(PageQuery), responses((status = 200, body = Invitations), Failure))]
pub(crate) async fn list(caller: Caller, Asked(query): Asked<PageQuery>) -> Result<Json<Invitations>> {
    let name = query.organisation.as_deref();
    let (tenant, _) = caller.within(Action::ReadMembers, name).await?;
    let (after, limit) = (query.after()?, query.limit());
    let found = caller
        .directory
        .invitations(tenant, after.map(InvitationId), limit)
        .await?;
    let next = page::next(&found, limit, |last| last.id.to_string());
    let mut items = Vec::with_capacity(found.len());
    for invitation in found {
        if reaches(&caller, Action::ReadMembers, &invitation).await.is_ok() {
            items.push(view(&caller, &invitation).await?);
        }
    }
    Ok(Json(Invitations { items, next }))
}

/// Whether the caller may see or change an invitation: as whom it brings.
async fn reaches(caller: &Caller, action: Action, invitation: &InvitationRecord) -> Result<()> {
    let places: Vec<DepartmentId> = invitation.department.into_iter().collect();
    if let Some(id) = invitation.account
        && let Some(account) = caller.directory.account(id).await?
    {
        return caller
            .permit_member(action, &account, &account.address)
            .await
            .map(|_| ());
    }
    match places.is_empty() {
        true => caller.within_whole(action, invitation.tenant),
        false => check_departments(caller, action, invitation.tenant, &places).await,
    }
}

/// Makes an invitation. Its text is in this answer and nowhere else.
#[utoipa::path(post, path = "/api/invitations", request_body = Create, responses((status = 201, body = InvitationMade), Failure))]
pub(crate) async fn create(caller: Caller, Body(new): Body<Create>) -> Result<Response> {
    let expires = expires(&caller, new.lifetime_days)?;
    let (tenant, record, account) = match &new.member {
        Some(address) => {
            if new.domain.is_some() || new.department.is_some() || new.review {
                return Err(Problem::invalid(
                    "member: who is there has a domain and departments already",
                ));
            }
            let account = caller.member(Action::ChangeMembers, address).await?;
            (account.tenant, account.address.domain.clone(), Some(account.id))
        }
        None => {
            let name = new.organisation.as_deref();
            let (tenant, _) = caller.within(Action::ChangeMembers, name).await?;
            match new.department {
                Some(department) => check_departments(&caller, Action::ChangeMembers, tenant, &[department]).await?,
                None => caller.within_whole(Action::ChangeMembers, tenant)?,
            }
            (tenant, domain(&caller, tenant, new.domain.as_deref()).await?, None)
        }
    };
    let text = caller.access.new_invitation_text();
    let new = NewInvitation {
        label: new.label,
        hash: text.hash,
        expires,
        domain: record,
        department: new.department,
        review: new.review,
        uses_max: if account.is_some() { Some(1) } else { new.uses_max },
        account,
        notice: None,
    };
    let invitation = caller.directory.create_invitation(tenant, &new).await?;
    let link = link(&caller, text.text.reveal());
    let made = InvitationMade {
        invitation: view(&caller, &invitation).await?,
        qr: qr::svg(&link).ok_or_else(|| Problem::unavailable("the link is too long for a QR code"))?,
        link,
        secret: text.text.reveal().to_owned(),
    };
    let secret = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok((StatusCode::CREATED, secret, Json(made)).into_response())
}

async fn domain(caller: &Caller, tenant: TenantId, asked: Option<&str>) -> Result<Domain> {
    if let Some(name) = asked {
        return Domain::try_from(name).map_err(|error| Problem::invalid(format!("{name}: {error}")));
    }
    let default = caller.directory.default_domain(tenant).await?;
    default.ok_or_else(|| Problem::invalid("domain: there is none, or several and no default: say which"))
}

/// Takes an invitation back: its text lets nobody in any more. It stays in the list.
#[utoipa::path(delete, path = "/api/invitations/{id}", params(("id" = u32, Path), Whose), responses((status = 204), Failure))]
pub(crate) async fn revoke(caller: Caller, Path(id): Path<String>, Asked(query): Asked<Whose>) -> Result<StatusCode> {
    let name = query.organisation.as_deref();
    let (tenant, _) = caller.within(Action::ChangeMembers, name).await?;
    let missing = || Problem::not_found(format!("there is no invitation {id}"));
    let number: u32 = id.parse().map_err(|_| missing())?;
    let found = caller.directory.invitation(tenant, InvitationId(number)).await?;
    reaches(&caller, Action::ChangeMembers, &found).await?;
    caller.directory.revoke_invitation(tenant, InvitationId(number)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sends those who are still to come an invitation of their own: to their private addresses, else to their phones where the
/// server has an SMS gateway.
#[utoipa::path(post, path = "/api/invitations/notices", request_body = Notify, responses((status = 200, body = NotifiedAll), Failure))]
pub(crate) async fn notify(caller: Caller, Body(asked): Body<Notify>) -> Result<Json<NotifiedAll>> {
    let expires = expires(&caller, asked.lifetime_days)?;
    let whose = (asked.organisation.as_deref(), asked.members.as_deref());
    let ToCome { tenant, members, more } = to_come(&caller, Action::ChangeMembers, whose, NOTIFIED_MAX).await?;
    let organisation = caller.directory.tenant(tenant).await?.name.clone();
    let mut items = Vec::with_capacity(members.len());
    let mut waiting = Vec::new();
    for member in members {
        let way = way(&caller, &member);
        let invited = match way {
            Way::None(_) => None,
            Way::Mail(_) | Way::Phone => Some(Invited::new(&caller, &organisation, &member, expires, &way)),
        };
        waiting.extend(invited);
        items.push(Notified {
            member: member.address.to_string(),
            result: match way {
                Way::Mail(_) => "sent",
                Way::Phone => "sent-by-sms",
                Way::None(why) => why,
            },
        });
    }
    for some in waiting.chunks(MADE_AT_ONCE) {
        let new = some.iter().map(|invited| invited.new.clone()).collect();
        caller.directory.create_invitations(tenant, new).await?;
    }
    for invited in waiting {
        let Some(text) = invited.text else { continue };
        let failed = match caller.access.text_invitation(&text).await {
            Ok(()) => continue,
            Err(AccessError::CodesUsedUp { .. }) => "sms-limit",
            Err(AccessError::TextGatewayFailed) => "sms-failed",
            Err(error) => return Err(error.into()),
        };
        if let Some(item) = items.iter_mut().find(|item| item.member == text.address) {
            item.result = failed;
        }
    }
    Ok(Json(NotifiedAll { items, more }))
}

/// How somebody who is still to come is told.
enum Way {
    Mail(Address),
    Phone,
    None(&'static str),
}

fn way(caller: &Caller, member: &AccountRecord) -> Way {
    if member.state != AccountState::Invited {
        return Way::None("not-invited");
    }
    match Address::try_from(member.profile.private_address.as_str()) {
        Ok(private) => Way::Mail(private),
        Err(_) if caller.access.can_text_invitation(&member.profile.mobile) => Way::Phone,
        Err(_) => Way::None("no-private-address"),
    }
}

/// The invitation of a member who is told.
struct Invited {
    new: NewInvitation,
    /// What goes to the phone, where no mail does.
    text: Option<TextInvitation>,
}

impl Invited {
    fn new(caller: &Caller, organisation: &str, member: &AccountRecord, expires: Timestamp, way: &Way) -> Self {
        let text = caller.access.new_invitation_text();
        let (link, address) = (link(caller, text.text.reveal()), &member.address);
        let notice = match way {
            Way::Mail(private) => Some(caller.directory.notice(
                Recipient::Outside {
                    tenant: member.tenant,
                    address: private.clone(),
                    about: Some(member.id),
                },
                "member.invited",
                Text::new(
                    &format!("Your mailbox {address} at {organisation} is ready"),
                    &format!("Your mailbox {address} is ready. Open this page to set its password:\n\n{link}\n"),
                ),
                Text::new(
                    &format!("您在{organisation}的邮箱 {address} 已开通"),
                    &format!("您的邮箱 {address} 已开通，请打开以下页面设置密码：\n\n{link}\n"),
                ),
            )),
            Way::Phone | Way::None(_) => None,
        };
        let new = NewInvitation {
            label: String::new(),
            hash: text.hash,
            expires,
            domain: address.domain.clone(),
            department: None,
            review: false,
            uses_max: Some(1),
            account: Some(member.id),
            notice,
        };
        let text = matches!(way, Way::Phone).then(|| TextInvitation {
            number: member.profile.mobile.clone(),
            address: address.to_string(),
            organisation: organisation.to_owned(),
            link: Secret::new(link),
        });
        Self { new, text }
    }
}
