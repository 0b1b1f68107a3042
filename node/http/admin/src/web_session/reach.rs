//! /api/session/reach, /recovery-mailbox, /phone, /sms-code, /sms: how whoever is signed in is reached outside (AUTH-12, AUTH-13, AUTH-22).

use std::collections::BTreeSet;

use axum::http::StatusCode;
use axum::response::Response;
use hongyan_directory::SmsScope;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Guest, private};
use crate::body::Body;
use crate::problem::{Failure, Result};

/// How somebody is reached outside.
#[derive(Serialize, ToSchema)]
pub(crate) struct Reach {
    /// An outside mailbox for codes and notices.
    recovery_mailbox: Option<String>,
    /// A phone for codes: `+`, the country, the number.
    phone: Option<String>,
    /// What codes sent to the phone are asked for.
    sms_protects: Vec<SmsScope>,
    /// Whether codes can be sent to phones here: otherwise nothing of it is to be shown.
    sms_offered: bool,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewRecoveryMailbox)]
pub(crate) struct Mailbox {
    /// One of another mail server.
    address: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewPhone)]
pub(crate) struct Phone {
    /// With its country, such as `+86 138 0013 8000`; one of a Chinese mobile phone may lack it.
    number: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SentCode)]
pub(crate) struct Code {
    /// The six digits that were sent.
    code: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SmsProtection)]
pub(crate) struct Protect {
    /// What codes sent to the phone are asked for; nothing switches them off.
    protects: BTreeSet<SmsScope>,
    /// One that was sent. It may lack where less is protected and the gateway fails, for whoever has just shown another factor.
    code: Option<String>,
}

/// What comes of it.
#[derive(Serialize, ToSchema)]
pub(crate) struct SmsProtected {
    protects: BTreeSet<SmsScope>,
    /// Told this once, where there was no second factor before.
    recovery_codes: Vec<String>,
}

/// How whoever is signed in is reached outside.
#[utoipa::path(get, path = "/api/session/reach", responses((status = 200, body = Reach), Failure))]
pub(crate) async fn reach(guest: Guest) -> Result<Response> {
    let reach = guest.state.access.web_reach(guest.token()?, guest.peer).await?;
    let body = Reach {
        recovery_mailbox: reach.recovery_mailbox.map(|address| address.to_string()),
        phone: reach.phone,
        sms_protects: reach.protects.into_iter().collect(),
        sms_offered: reach.is_texting_offered,
    };
    Ok(private(StatusCode::OK, body))
}

/// Has a code mailed to an outside mailbox, which becomes the recovery mailbox when it is shown. Needs a fresh proof.
#[utoipa::path(put, path = "/api/session/recovery-mailbox", request_body = Mailbox, responses((status = 202), Failure))]
pub(crate) async fn offer_mailbox(guest: Guest, Body(new): Body<Mailbox>) -> Result<StatusCode> {
    let access = &guest.state.access;
    access
        .web_offer_mailbox(guest.token()?, &new.address, guest.peer)
        .await?;
    Ok(StatusCode::ACCEPTED)
}

/// Shows the code that was mailed: that mailbox is the recovery mailbox from now on.
#[utoipa::path(post, path = "/api/session/recovery-mailbox", request_body = Code, responses((status = 204), Failure))]
pub(crate) async fn confirm_mailbox(guest: Guest, Body(shown): Body<Code>) -> Result<StatusCode> {
    let access = &guest.state.access;
    access
        .web_confirm_mailbox(guest.token()?, &shown.code, guest.peer)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// No recovery mailbox any more. Needs a fresh proof.
#[utoipa::path(delete, path = "/api/session/recovery-mailbox", responses((status = 204), Failure))]
pub(crate) async fn remove_mailbox(guest: Guest) -> Result<StatusCode> {
    guest
        .state
        .access
        .web_remove_mailbox(guest.token()?, guest.peer)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Has a code sent to a phone, which is bound when it is shown. Needs a fresh proof, and a code of the phone that is bound while it
/// protects something.
#[utoipa::path(put, path = "/api/session/phone", request_body = Phone, responses((status = 202), Failure))]
pub(crate) async fn offer_phone(guest: Guest, Body(new): Body<Phone>) -> Result<StatusCode> {
    let access = &guest.state.access;
    access.web_offer_phone(guest.token()?, &new.number, guest.peer).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Shows the code that was sent: the phone is bound.
#[utoipa::path(post, path = "/api/session/phone", request_body = Code, responses((status = 204), Failure))]
pub(crate) async fn confirm_phone(guest: Guest, Body(shown): Body<Code>) -> Result<StatusCode> {
    let access = &guest.state.access;
    access
        .web_confirm_phone(guest.token()?, &shown.code, guest.peer)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// No phone any more; nothing is protected by it. Needs a fresh proof, and a code of it while it protects something.
#[utoipa::path(delete, path = "/api/session/phone", responses((status = 204), Failure))]
pub(crate) async fn remove_phone(guest: Guest) -> Result<StatusCode> {
    guest.state.access.web_remove_phone(guest.token()?, guest.peer).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Has a code sent to the phone that is bound: as the second factor, or for what it protects; then it is shown at
/// `/api/session/second-factor` or `/api/session/proof` with the kind `sms`.
#[utoipa::path(post, path = "/api/session/sms-code", responses((status = 202), Failure))]
pub(crate) async fn send_code(guest: Guest) -> Result<StatusCode> {
    guest.state.access.web_send_text(guest.token()?, guest.peer).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Sets what codes sent to the phone protect. Needs a fresh proof, and a code (AUTH-23).
#[utoipa::path(put, path = "/api/session/sms", request_body = Protect, responses((status = 200, body = SmsProtected), Failure))]
pub(crate) async fn protect(guest: Guest, Body(asked): Body<Protect>) -> Result<Response> {
    let access = &guest.state.access;
    let protects = asked.protects.clone();
    let codes = access
        .web_protect_by_text(guest.token()?, asked.protects, asked.code.as_deref(), guest.peer)
        .await?;
    let body = SmsProtected {
        protects,
        recovery_codes: codes.iter().map(|code| code.reveal().to_owned()).collect(),
    };
    Ok(private(StatusCode::OK, body))
}
