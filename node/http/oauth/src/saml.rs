//! /sso/saml: our metadata for the provider of an organisation, and the two steps of the way back from it.
//!
//! Its page posts the response from another site, so browsers send no cookie along: nothing of theirs is looked at until they come
//! on from here.

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use hongyan_access::{Visit, cookie};
use hongyan_openid::{Comer, OpenId, OpenIdError, form};
use hongyan_saml::{ARRIVE_PATH, Fault, PATH, Received, Saml, SamlError};
use hongyan_sasl::Secret;
use hongyan_types::TenantId;

use crate::Oauth;
use crate::end_point::posted;
use crate::form::Fields;
use crate::look::Pages;
use crate::page::see_other;
use crate::page_request::PageRequest;
use crate::single_sign_on::{failed, go_on, kept, with_cookie};

pub(crate) fn routes() -> Router<Oauth> {
    Router::new()
        .route(&format!("{PATH}/{{organisation}}/metadata"), get(describe))
        .route(&format!("{PATH}/{{organisation}}/acs"), post(receive))
        .route(ARRIVE_PATH, get(arrive))
}

pub(crate) fn need(oauth: &Oauth) -> Result<&Saml, SamlError> {
    Ok(oauth.saml.as_ref().ok_or(OpenIdError::NoProvider)?)
}

pub(crate) fn number(organisation: &str) -> Result<TenantId, SamlError> {
    let number = organisation.parse().map(TenantId);
    Ok(number.map_err(|_| OpenIdError::NoProvider)?)
}

/// The pages of the organisation that a message is for, as the path names it; ours where it names none.
pub(crate) async fn pages_of(page: &PageRequest, organisation: &str) -> Pages {
    let pages = page.pages(&Fields::default()).await;
    match number(organisation) {
        Ok(tenant) => pages.of_organisation(&page.oauth, tenant).await,
        Err(_) => pages,
    }
}

/// Who we are to the provider of an organisation (SAML Metadata §4.1.1).
async fn describe(State(oauth): State<Oauth>, Path(organisation): Path<String>) -> Response {
    let written = async { need(&oauth)?.metadata(number(&organisation)?).await };
    metadata(written.await)
}

pub(crate) fn metadata(written: Result<String, SamlError>) -> Response {
    match written {
        Ok(text) => {
            let kind = HeaderValue::from_static("application/samlmetadata+xml");
            ([(header::CONTENT_TYPE, kind)], text).into_response()
        }
        Err(SamlError::SignIn(error)) if error.is_temporary() => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}

/// The assertion consumer service (SAML Bindings §3.5).
async fn receive(page: PageRequest, Path(organisation): Path<String>, request: Request<Body>) -> Response {
    let received = async {
        let (saml, tenant) = (need(&page.oauth)?, number(&organisation)?);
        let octets_max = saml.response_octets_max();
        // Base64 takes four letters for three octets, and a form three letters for some of those.
        let fields = posted(request, octets_max.saturating_mul(2)).await;
        let fields = fields.ok_or(Fault::Unreadable("it is no form, or a long one"))?;
        let response = fields
            .value("SAMLResponse")
            .ok_or(Fault::Unreadable("there is no response"))?;
        saml.receive(tenant, response).await
    };
    match received.await {
        Ok(received) => {
            let query = form(&[("state", &received.state), ("note", &received.note)]);
            see_other(&format!("{ARRIVE_PATH}?{query}"), &[])
        }
        Err(error) => failed(&pages_of(&page, &organisation).await, &error),
    }
}

/// A browser whose response was taken.
async fn arrive(request: PageRequest) -> Response {
    let (oauth, guest) = (&request.oauth, &request.guest);
    let fields = request.query();
    let received = Received {
        state: fields.value("state").unwrap_or_default().to_owned(),
        note: fields.value("note").unwrap_or_default().to_owned(),
    };
    let name = OpenId::cookie_name(&received.state);
    let sealed = kept(&request.headers, &name).unwrap_or_default();
    let comer = Comer {
        visit: Visit {
            peer: guest.peer,
            client: &guest.client,
            device: None,
        },
        session: guest.token.as_ref().map(Secret::reveal),
    };
    let arrived = async { need(oauth)?.arrive(&received, sealed, comer).await };
    let error = match arrived.await {
        Ok(arrived) => return go_on(oauth, arrived, cookie(&name, "", 0)),
        Err(error) => error,
    };
    let pages = request.pages(&fields).await;
    let of = need(oauth).ok();
    let of = of.and_then(|saml| saml.organisation_of(&received.state, sealed));
    let page = match of {
        Some(tenant) => failed(&pages.of_organisation(oauth, tenant).await, &error),
        None => failed(&pages, &error),
    };
    match sealed.is_empty() {
        true => page,
        false => with_cookie(page, &cookie(&name, "", 0)),
    }
}
