//! /api/requests: what organisations ask of the operator: more members, or to be found real (ORG-4, ORG-5).

use axum::Json;
use axum::body::Bytes;
use axum::extract::Path;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hongyan_access::permission::{Action, Actor, Object};
use hongyan_directory::{
    Answer, DocumentKind, NewOperatorRequest, OperatorRequest as Record, OperatorRequestId, OperatorRequestState,
    Wanted,
};
use hongyan_types::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::body::{Asked, Body};
use crate::caller::Caller;
use crate::page::{self, Page};
use crate::problem::{Failure, Problem, Result};

const DAY_MILLIS: i64 = 24 * 3600 * 1000;
/// How long a verification counts when nothing is said.
const VERIFIED_DAYS: u32 = 365;

/// A request of an organisation to the operator.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OperatorRequest {
    id: u64,
    organisation: String,
    kind: Kind,
    /// With `member-limit`: how many are wanted.
    wanted: Option<u64>,
    by: String,
    text: String,
    documents: Vec<Document>,
    at_millis: i64,
    state: OperatorRequestState,
    answered_millis: Option<i64>,
    /// What the operator says to it.
    reason: String,
    /// The member limit that was granted.
    granted: Option<u64>,
    /// Until when the verification counts.
    until_millis: Option<i64>,
}

/// A file that came with it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Document {
    /// Its place in the path of the file, from 1 on.
    number: usize,
    kind: DocumentKind,
    octets: u64,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = OperatorRequestKind)]
pub(crate) enum Kind {
    /// A higher member limit.
    MemberLimit,
    /// To be found real.
    Verification,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Ask {
    kind: Kind,
    /// With `member-limit`: how many.
    wanted: Option<u64>,
    /// What to tell the operator, at most 1,000 characters.
    #[serde(default)]
    text: String,
    /// Whose, by name; needed only from operators of several organisations.
    organisation: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// The `next` of the page before.
    after: Option<u64>,
    /// Items of the page, at most 1000.
    limit: Option<usize>,
    /// Only those so far.
    state: Option<OperatorRequestState>,
    /// Only those of this organisation.
    organisation: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OperatorRequestApproval)]
pub(crate) struct Approval {
    /// Another member limit than was asked for.
    limit: Option<u64>,
    /// Until when a verification counts; a year when nothing is said.
    until_millis: Option<i64>,
    /// The same, in days from now.
    days: Option<u32>,
    /// What else to tell the administrators.
    #[serde(default)]
    reason: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OperatorRequestRefusal)]
pub(crate) struct Refusal {
    /// Why; the administrators are told.
    reason: String,
}

async fn view(caller: &Caller, request: Record) -> Result<OperatorRequest> {
    let documents = request.documents.iter().enumerate().map(|(place, document)| Document {
        number: place + 1,
        kind: document.kind,
        octets: document.octets,
    });
    let (kind, wanted) = match request.wanted {
        Wanted::MemberLimit(wanted) => (Kind::MemberLimit, Some(wanted)),
        Wanted::Verification => (Kind::Verification, None),
    };
    Ok(OperatorRequest {
        id: request.id.0,
        organisation: caller.directory.tenant(request.tenant).await?.name.clone(),
        kind,
        wanted,
        documents: documents.collect(),
        by: request.by,
        text: request.text,
        at_millis: request.at.millis,
        state: request.state,
        answered_millis: request.answered.map(|at| at.millis),
        reason: request.reason,
        granted: request.granted,
        until_millis: request.until.map(|at| at.millis),
    })
}

/// The request of that number, to do `action` to its organisation. One that the caller must not see is not there.
async fn numbered(caller: &Caller, action: Action, id: &str) -> Result<Record> {
    let missing = || Problem::not_found("there is no such request");
    let id = id.parse().map_err(|_| missing())?;
    let request = caller.directory.operator_request(OperatorRequestId(id)).await?;
    if caller.actor.tenant().is_some_and(|own| own != request.tenant) {
        return Err(missing());
    }
    caller.permit(action, &Object::organisation(request.tenant))?;
    Ok(request)
}

fn whole(caller: &Caller, octets: Result<Bytes, BytesRejection>) -> Result<Bytes> {
    octets.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::too_large(
            "request_document_octets_max",
            caller.directory.options().request_document_octets_max as u64,
        ),
        _ => Problem::invalid(rejection.body_text()),
    })
}

/// What was asked of the operator, the oldest first: all for operators, an organisation's own for its administrators.
#[utoipa::path(get, path = "/api/requests", params(Which), responses((status = 200, body = Page<OperatorRequest>), Failure))]
pub(crate) async fn list(caller: Caller, Asked(which): Asked<Which>) -> Result<Json<Page<OperatorRequest>>> {
    let name = which.organisation.as_deref();
    let tenant = if caller.actor.tenant().is_none() && name.is_none() {
        caller.permit_operator(Action::ManageOrganisations)?;
        None
    } else {
        Some(caller.within(Action::ReadOrganisation, name).await?.0)
    };
    let (after, limit) = (which.after.map(OperatorRequestId), page::limit(which.limit));
    let found = caller.directory.operator_requests(tenant, which.state, after, limit);
    let mut items = Vec::new();
    for request in found.await? {
        items.push(view(&caller, request).await?);
    }
    Ok(Json(Page::new(items, limit, |request| request.id.to_string())))
}

/// Asks the operator for more members, with a signed letter (JPEG, PNG, GIF, BMP), or to be found real, with the first document
/// that proves it (PDF too). One of each kind waits at a time. More members are for verified organisations.
#[utoipa::path(post, path = "/api/requests", params(Ask), request_body(content((Vec<u8> = "image/jpeg"), (Vec<u8> = "image/png"), (Vec<u8> = "image/gif"), (Vec<u8> = "image/bmp"), (Vec<u8> = "application/pdf"))), responses((status = 201, body = OperatorRequest), Failure))]
pub(crate) async fn ask(
    caller: Caller,
    Asked(ask): Asked<Ask>,
    octets: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<OperatorRequest>)> {
    let (tenant, _) = caller
        .within(Action::ChangeOrganisation, ask.organisation.as_deref())
        .await?;
    let wanted = match (ask.kind, ask.wanted) {
        (Kind::MemberLimit, Some(wanted)) => Wanted::MemberLimit(wanted),
        (Kind::Verification, None) => Wanted::Verification,
        (Kind::MemberLimit, None) => return Err(Problem::invalid("wanted: how many members")),
        (Kind::Verification, Some(_)) => return Err(Problem::invalid("wanted: only with member-limit")),
    };
    let file = whole(&caller, octets)?;
    let by = match &caller.actor {
        Actor::Person(person) => person.address.to_string(),
        Actor::Operator { .. } => "operator".to_owned(),
    };
    let new = NewOperatorRequest {
        tenant,
        wanted,
        by,
        text: ask.text,
    };
    let request = caller.directory.ask_operator(&new, &file).await?;
    Ok((StatusCode::CREATED, Json(view(&caller, request).await?)))
}

/// One request.
#[utoipa::path(get, path = "/api/requests/{id}", params(("id" = u64, Path)), responses((status = 200, body = OperatorRequest), Failure))]
pub(crate) async fn show(caller: Caller, Path(id): Path<String>) -> Result<Json<OperatorRequest>> {
    let request = numbered(&caller, Action::ReadOrganisation, &id).await?;
    Ok(Json(view(&caller, request).await?))
}

/// Adds a document to a request that waits, ten at most.
#[utoipa::path(post, path = "/api/requests/{id}/documents", params(("id" = u64, Path)), request_body(content((Vec<u8> = "image/jpeg"), (Vec<u8> = "image/png"), (Vec<u8> = "image/gif"), (Vec<u8> = "image/bmp"), (Vec<u8> = "application/pdf"))), responses((status = 201, body = OperatorRequest), Failure))]
pub(crate) async fn add_document(
    caller: Caller,
    Path(id): Path<String>,
    octets: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<OperatorRequest>)> {
    let request = numbered(&caller, Action::ChangeOrganisation, &id).await?;
    let file = whole(&caller, octets)?;
    let request = caller.directory.add_operator_document(request.id, &file).await?;
    Ok((StatusCode::CREATED, Json(view(&caller, request).await?)))
}

/// A document of a request: for the operator and for those who may ask.
#[utoipa::path(get, path = "/api/requests/{id}/documents/{number}", params(("id" = u64, Path), ("number" = usize, Path)), responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream"), Failure))]
pub(crate) async fn document(caller: Caller, Path((id, number)): Path<(String, String)>) -> Result<Response> {
    let request = numbered(&caller, Action::ChangeOrganisation, &id).await?;
    let number: Option<usize> = number.parse().ok();
    let missing = || Problem::not_found("there is no such document");
    let place = number.and_then(|number| number.checked_sub(1)).ok_or_else(missing)?;
    let (document, file) = caller.directory.operator_document(request.id, place).await?;
    let name = format!("request-{id}-{}.{}", place + 1, document.kind.extension());
    let mut response = file.into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(document.kind.media_type()),
    );
    // What a stranger has sent is kept as a file and never shown as a page of ours.
    if let Ok(disposition) = HeaderValue::try_from(format!("attachment; filename=\"{name}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, disposition);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

async fn answered(caller: &Caller, id: &str, answer: &Answer) -> Result<Json<OperatorRequest>> {
    caller.permit_operator(Action::ManageOrganisations)?;
    let request = numbered(caller, Action::ManageOrganisations, id).await?;
    let request = caller.directory.answer_request(request.id, answer).await?;
    Ok(Json(view(caller, request).await?))
}

/// Grants a request: the organisation gets the member limit, or counts as verified until then. Its administrators get a mail.
#[utoipa::path(post, path = "/api/requests/{id}/approval", params(("id" = u64, Path)), request_body = Approval, responses((status = 200, body = OperatorRequest), Failure))]
pub(crate) async fn approve(
    caller: Caller,
    Path(id): Path<String>,
    Body(approval): Body<Approval>,
) -> Result<Json<OperatorRequest>> {
    let by_days = i64::from(approval.days.unwrap_or(VERIFIED_DAYS)) * DAY_MILLIS;
    let millis = approval
        .until_millis
        .unwrap_or_else(|| caller.directory.now().millis.saturating_add(by_days));
    let answer = Answer::Approve {
        limit: approval.limit,
        until: Timestamp { millis },
        reason: approval.reason,
    };
    answered(&caller, &id, &answer).await
}

/// Takes back a request that waits: its organisation does not want it any more, or asks anew with better documents.
#[utoipa::path(post, path = "/api/requests/{id}/withdrawal", params(("id" = u64, Path)), responses((status = 200, body = OperatorRequest), Failure))]
pub(crate) async fn withdraw(caller: Caller, Path(id): Path<String>) -> Result<Json<OperatorRequest>> {
    let request = numbered(&caller, Action::ChangeOrganisation, &id).await?;
    let request = caller.directory.withdraw_request(request.id).await?;
    Ok(Json(view(&caller, request).await?))
}

/// Refuses a request, with a reason. Its administrators get a mail.
#[utoipa::path(post, path = "/api/requests/{id}/refusal", params(("id" = u64, Path)), request_body = Refusal, responses((status = 200, body = OperatorRequest), Failure))]
pub(crate) async fn refuse(
    caller: Caller,
    Path(id): Path<String>,
    Body(refusal): Body<Refusal>,
) -> Result<Json<OperatorRequest>> {
    let reason = refusal.reason;
    answered(&caller, &id, &Answer::Refuse { reason }).await
}
