//! /api/session/terms: what a member accepts before first use (AUTH-29).

use axum::http::StatusCode;
use axum::response::Response;
use hongyan_directory::TermsVersion;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Guest, WebSession, private, view};
use crate::body::Body;
use crate::problem::{Failure, Result};

/// Whose terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = TermsOf)]
pub(crate) enum Of {
    /// Those of the member's organisation.
    Organisation,
    /// Those of whoever runs the server.
    Installation,
}

/// Terms that are asked for.
#[derive(Serialize, ToSchema)]
pub(crate) struct AskedTerms {
    of: Of,
    version: u32,
    /// May be empty.
    english: String,
    /// May be empty.
    chinese: String,
    /// When they were accepted; null when they have to be.
    accepted_millis: Option<i64>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct AllTerms {
    items: Vec<AskedTerms>,
}

/// Which terms.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Accepted {
    of: Of,
    /// The version that was read.
    version: u32,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AcceptTerms)]
pub(crate) struct Accept {
    #[schema(max_items = 2)]
    items: Vec<Accepted>,
}

/// The terms that hold for whoever has begun to sign in. While one is not accepted, the session's stage is `accept-terms` and all else
/// is refused with a problem of that type.
#[utoipa::path(get, path = "/api/session/terms", responses((status = 200, body = AllTerms), Failure))]
pub(crate) async fn terms(guest: Guest) -> Result<Response> {
    let asked = guest.state.access.web_terms(guest.token()?, guest.peer).await?;
    let view = |terms: hongyan_access::AskedTerms| AskedTerms {
        of: match terms.version.of {
            Some(_) => Of::Organisation,
            None => Of::Installation,
        },
        version: terms.version.version,
        english: terms.english,
        chinese: terms.chinese,
        accepted_millis: terms.accepted.map(|at| at.millis),
    };
    let items = asked.into_iter().map(view).collect();
    Ok(private(StatusCode::OK, AllTerms { items }))
}

/// Accepts terms, each in the version that was read; others than the present ones are refused.
#[utoipa::path(post, path = "/api/session/terms", request_body = Accept, responses((status = 200, body = WebSession), Failure))]
pub(crate) async fn accept_terms(guest: Guest, Body(accept): Body<Accept>) -> Result<Response> {
    let own = guest.session().await?.account.tenant;
    let versions: Vec<TermsVersion> = accept
        .items
        .iter()
        .map(|accepted| TermsVersion {
            of: (accepted.of == Of::Organisation).then_some(own),
            version: accepted.version,
        })
        .collect();
    let access = &guest.state.access;
    let session = access.web_accept_terms(guest.token()?, &versions, guest.peer).await?;
    Ok(private(StatusCode::OK, view(&guest.state, &session).await?))
}
