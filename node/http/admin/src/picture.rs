//! /api/members/{address}/avatar, /api/organisations/{name}/logo: pictures, made anew from what is sent.

use std::sync::Arc;

use crate::caller::{Caller, parse_address};
use crate::problem::{Failure, Problem, Result};
use axum::body::Bytes;
use axum::extract::Path;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hongyan_access::permission::{Action, Object};
use hongyan_directory::{AccountRecord, Error, Etag};
use hongyan_profile::{AVATAR_OCTETS_MAX, LOGO_OCTETS_MAX, PictureError, Profiles};

/// How long a client may show a picture without asking again.
const FRESH: HeaderValue = HeaderValue::from_static("private, max-age=300");

/// A picture, unless the client has it already.
fn shown(headers: &HeaderMap, kind: &'static str, file: Vec<u8>) -> Response {
    let etag = format!("\"{}\"", Etag::of(&file));
    let known = headers.get(header::IF_NONE_MATCH).and_then(|known| known.to_str().ok());
    let is_known = known.is_some_and(|known| known.split(',').any(|known| known.trim() == etag));
    let mut response = if is_known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, kind)], file).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, FRESH);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        headers.insert(header::ETAG, etag);
    }
    response
}

/// What `make` makes of a file that was sent.
pub(crate) async fn made(
    caller: &Caller,
    octets: std::result::Result<Bytes, BytesRejection>,
    limit: (&'static str, usize),
    make: fn(&[u8]) -> std::result::Result<Vec<u8>, PictureError>,
) -> Result<Vec<u8>> {
    let (name, max) = limit;
    let too_large = || Problem::too_large(name, max as u64);
    let octets = octets.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => too_large(),
        _ => Problem::invalid(rejection.body_text()),
    })?;
    // Reading a picture is work for a thread that may be kept busy.
    let made = caller.directory.env().run_blocking(move || make(&octets)).await;
    match made {
        Ok(Ok(made)) => Ok(made),
        Ok(Err(PictureError::Octets { .. })) => Err(too_large()),
        Ok(Err(error)) => Err(Problem::invalid(error.to_string())),
        Err(error) => Err(Problem::invalid(format!("the picture cannot be read: {error}"))),
    }
}

/// A member that everyone of the same organisation may look at.
async fn colleague(caller: &Caller, address: &str) -> Result<Arc<AccountRecord>> {
    if address == "me" {
        return caller.member_or_me(Action::ReadPreferences, address).await;
    }
    let account = caller.directory.account_at(&parse_address(address)?).await?;
    match caller.actor.tenant() {
        Some(tenant) if tenant != account.tenant => Err(Error::NotFound {
            what: "account",
            name: address.to_owned(),
        }
        .into()),
        _ => Ok(account),
    }
}

/// Whose avatar the caller may change: one's own; administrators those of their members.
async fn owned(caller: &Caller, address: &str) -> Result<Arc<AccountRecord>> {
    let account = colleague(caller, address).await?;
    let action = if caller.is(&account) {
        Action::ChangePreferences
    } else {
        Action::ChangeMembers
    };
    caller.permit_member(action, &account, &account.address).await?;
    Ok(account)
}

/// A member's avatar, as JPEG; everyone in the organisation may look at it.
#[utoipa::path(get, path = "/api/members/{address}/avatar", params(("address" = String, Path)), responses((status = 200, body = Vec<u8>, content_type = "image/jpeg"), (status = 304), Failure))]
pub(crate) async fn avatar(caller: Caller, Path(address): Path<String>, headers: HeaderMap) -> Result<Response> {
    let account = colleague(&caller, &address).await?;
    let file = Profiles::new(&caller.directory).avatar(&account).await?;
    Ok(shown(&headers, "image/jpeg", file))
}

/// Sets an avatar: a JPEG, PNG or WebP file of 5 MiB at most. A square of its middle is kept, without metadata.
#[utoipa::path(put, path = "/api/members/{address}/avatar", params(("address" = String, Path)), request_body(content((Vec<u8> = "image/jpeg"), (Vec<u8> = "image/png"), (Vec<u8> = "image/webp"))), responses((status = 204), Failure))]
pub(crate) async fn set_avatar(
    caller: Caller,
    Path(address): Path<String>,
    octets: std::result::Result<Bytes, BytesRejection>,
) -> Result<StatusCode> {
    let account = owned(&caller, &address).await?;
    let file = made(
        &caller,
        octets,
        ("avatar_octets_max", AVATAR_OCTETS_MAX),
        hongyan_profile::avatar,
    )
    .await?;
    let profiles = Profiles::new(&caller.directory);
    profiles.set_avatar(&account, Some(&file)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes an avatar away.
#[utoipa::path(delete, path = "/api/members/{address}/avatar", params(("address" = String, Path)), responses((status = 204), Failure))]
pub(crate) async fn remove_avatar(caller: Caller, Path(address): Path<String>) -> Result<StatusCode> {
    let account = owned(&caller, &address).await?;
    Profiles::new(&caller.directory).set_avatar(&account, None).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// An organisation's logo, as PNG; all its members see it.
#[utoipa::path(get, path = "/api/organisations/{name}/logo", params(("name" = String, Path)), responses((status = 200, body = Vec<u8>, content_type = "image/png"), (status = 304), Failure))]
pub(crate) async fn logo(caller: Caller, Path(name): Path<String>, headers: HeaderMap) -> Result<Response> {
    let id = caller.organisation(Some(&name)).await?;
    let file = Profiles::new(&caller.directory).logo(id).await?;
    Ok(shown(&headers, "image/png", file))
}

/// Sets a logo: a JPEG, PNG or WebP file of 500 KiB at most, made to fit into 860 x 140 pixels.
#[utoipa::path(put, path = "/api/organisations/{name}/logo", params(("name" = String, Path)), request_body(content((Vec<u8> = "image/jpeg"), (Vec<u8> = "image/png"), (Vec<u8> = "image/webp"))), responses((status = 204), Failure))]
pub(crate) async fn set_logo(
    caller: Caller,
    Path(name): Path<String>,
    octets: std::result::Result<Bytes, BytesRejection>,
) -> Result<StatusCode> {
    let id = caller.organisation(Some(&name)).await?;
    caller.permit(Action::ChangeOrganisation, &Object::organisation(id))?;
    let file = made(
        &caller,
        octets,
        ("logo_octets_max", LOGO_OCTETS_MAX),
        hongyan_profile::logo,
    )
    .await?;
    Profiles::new(&caller.directory).set_logo(id, Some(&file)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a logo away.
#[utoipa::path(delete, path = "/api/organisations/{name}/logo", params(("name" = String, Path)), responses((status = 204), Failure))]
pub(crate) async fn remove_logo(caller: Caller, Path(name): Path<String>) -> Result<StatusCode> {
    let id = caller.organisation(Some(&name)).await?;
    caller.permit(Action::ChangeOrganisation, &Object::organisation(id))?;
    Profiles::new(&caller.directory).set_logo(id, None).await?;
    Ok(StatusCode::NO_CONTENT)
}
