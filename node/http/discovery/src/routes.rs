//! The documents over HTTP.
//!
//! Whoever asks is told about a domain that is served here, whatever stands before the `@`: no answer depends on
//! whether an account exists.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use hongyan_directory::{Directory, Protocol};
use hongyan_env::Env;
use hongyan_http_front::Problem;
use hongyan_listener::TlsConfig;
use hongyan_types::{Address, Domain, Timestamp};
use serde::Deserialize;

use crate::autodiscover::{AutodiscoverRequest, Trouble};
use crate::offer::{Offer, Service};
use crate::{autoconfig, autodiscover, cms, mobileconfig, sts};

/// Octets of a request with a body.
const BODY_OCTETS_MAX: usize = 16 * 1024;
/// Time for such a body to come.
const BODY_WITHIN: Duration = Duration::from_secs(20);

const XML: &str = "text/xml; charset=utf-8";
const PROFILE: &str = "application/x-apple-aspen-config";

/// What the documents are made from.
#[derive(Clone)]
pub struct DiscoveryServices {
    /// Clock.
    pub env: Env,
    /// Which domains are served.
    pub directory: Directory,
    /// What is offered.
    pub offer: Arc<Offer>,
    /// The certificates, which profiles are signed with.
    pub tls: TlsConfig,
}

type Services = State<Arc<DiscoveryServices>>;

/// The routes, for the entry.
pub fn routes(services: DiscoveryServices) -> Router {
    Router::new()
        .route("/.well-known/autoconfig/mail/config-v1.1.xml", get(autoconfig))
        .route("/mail/config-v1.1.xml", get(autoconfig))
        .route("/autodiscover/autodiscover.xml", post(autodiscover))
        .route("/autodiscover/autodiscover.json", get(find))
        .route("/autodiscover/autodiscover.json/v1.0/{address}", get(find_address))
        .route("/profile.mobileconfig", get(profile))
        .route("/.well-known/mta-sts.txt", get(mta_sts))
        .with_state(Arc::new(services))
}

/// Whose settings are wanted; clients spell the names in several ways.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    #[serde(alias = "emailaddress", alias = "Email", alias = "EmailAddress")]
    email: String,
    #[serde(alias = "Protocol")]
    protocol: String,
}

fn nothing() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not-found", "no such domain is served here")
}

fn unavailable(error: &hongyan_directory::Error) -> Problem {
    tracing::warn!(%error, "a domain could not be looked up");
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "try again later")
}

/// The host that a request is for, without its port (RFC 9110 §7.2).
fn host<'r>(uri: &'r Uri, headers: &'r HeaderMap) -> &'r str {
    let field = || headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let authority = uri.authority().map(axum::http::uri::Authority::as_str).or_else(field);
    let authority = authority.unwrap_or_default();
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|octet| octet.is_ascii_digit()) => host,
        _ => authority,
    }
}

impl DiscoveryServices {
    /// The domain, if it is served here.
    async fn served(&self, name: &str) -> Result<Option<Domain>, Problem> {
        let Ok(domain) = Domain::try_from(name) else {
            return Ok(None);
        };
        let is_local = self
            .directory
            .is_local(&domain)
            .await
            .map_err(|error| unavailable(&error))?;
        Ok(is_local.then_some(domain))
    }

    /// Whether the organisation of a domain lets phones in over ActiveSync: one that is told of it and refused asks for the
    /// password again and again, one that is not is set up with IMAP.
    async fn has_active_sync(&self, domain: &Domain) -> Result<bool, Problem> {
        let look = async {
            let tenant = self.directory.domain(domain).await?.tenant;
            self.directory.sign_in_policy(tenant).await
        };
        match look.await {
            Ok(policy) => Ok(policy.opened.contains(&Protocol::ActiveSync)),
            Err(hongyan_directory::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(unavailable(&error)),
        }
    }

    /// What a phone is told in version 1.
    async fn phone_settings(&self, address: &str) -> Result<Result<String, Trouble>, Problem> {
        let Some(address) = self.address(address).await? else {
            return Ok(Err(Trouble::NoAddress));
        };
        let is_open = self.has_active_sync(&address.domain).await?;
        let settings = autodiscover::phone_settings(&address, &self.offer).filter(|_| is_open);
        Ok(settings.ok_or(Trouble::OtherSchema))
    }

    /// The domain of an address, else the one that the host is named after.
    async fn domain(&self, email: &str, host: &str, prefix: &str) -> Result<Option<Domain>, Problem> {
        match email.rsplit_once('@') {
            Some((_, domain)) => self.served(domain).await,
            None if host.starts_with(prefix) => self.served(&host[prefix.len()..]).await,
            None => self.served(host).await,
        }
    }

    /// The address, if its domain is served here.
    async fn address(&self, email: &str) -> Result<Option<Address>, Problem> {
        let Ok(address) = Address::try_from(email) else {
            return Ok(None);
        };
        Ok(self.served(address.domain.as_str()).await?.map(|_| address))
    }
}

async fn autoconfig(
    State(services): Services,
    Query(asked): Query<Asked>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let host = host(&uri, &headers).to_ascii_lowercase();
    let domain = services
        .domain(&asked.email, &host, "autoconfig.")
        .await?
        .ok_or_else(nothing)?;
    let document = autoconfig::document(&domain, &services.offer);
    Ok(([(header::CONTENT_TYPE, XML)], document).into_response())
}

async fn autodiscover(State(services): Services, body: Body) -> Result<Response, Problem> {
    let read = services.env.timeout(BODY_WITHIN, to_bytes(body, BODY_OCTETS_MAX)).await;
    let Some(body) = read else {
        return Err(Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "too-slow",
            "the request did not come",
        ));
    };
    let Ok(body) = body else {
        let detail = "the request is too long";
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail));
    };
    let text = String::from_utf8(body.to_vec()).ok();
    let outcome = match text.as_deref().map(AutodiscoverRequest::parse) {
        Some(Ok(request)) if request.is_for_mail() => {
            let address = services.address(&request.address).await?;
            let settings = |address: Address| autodiscover::settings(&address, &services.offer);
            address.map(settings).ok_or(Trouble::NoAddress)
        }
        Some(Ok(request)) if request.is_for_phones() => services.phone_settings(&request.address).await?,
        Some(Ok(_)) => Err(Trouble::OtherSchema),
        Some(Err(_)) | None => Err(Trouble::BadRequest),
    };
    // Errors are documents too, with status 200.
    let document = match outcome {
        Ok(settings) => settings,
        Err(trouble) => {
            let time = Timestamp {
                millis: services.env.wall_millis(),
            };
            autodiscover::trouble(trouble, &time_of_day(time))
        }
    };
    Ok(([(header::CONTENT_TYPE, XML)], document).into_response())
}

/// Hours, minutes and seconds of UTC, with as many digits as the schema shows.
fn time_of_day(now: Timestamp) -> String {
    const DAY_MILLIS: i64 = 86_400_000;
    let millis = now.millis.rem_euclid(DAY_MILLIS);
    let (secs, rest) = (millis / 1000, millis % 1000);
    format!(
        "{:02}:{:02}:{:02}.{rest:03}0000",
        secs / 3600,
        secs / 60 % 60,
        secs % 60
    )
}

async fn find(State(services): Services, Query(asked): Query<Asked>) -> Result<Response, Problem> {
    answer(&services, &asked.email, &asked.protocol).await
}

async fn find_address(
    State(services): Services,
    Path(address): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    answer(&services, &address, &asked.protocol).await
}

async fn answer(services: &DiscoveryServices, email: &str, protocol: &str) -> Result<Response, Problem> {
    let domain = match email.rsplit_once('@') {
        Some((_, domain)) => services.served(domain).await?,
        None => None,
    };
    let is_open = match &domain {
        Some(domain) => services.has_active_sync(domain).await?,
        None => false,
    };
    let found = autodiscover::found(protocol, domain.as_ref(), is_open, &services.offer);
    Ok(match found {
        Ok(found) => axum::Json(found).into_response(),
        Err(refused) => (StatusCode::BAD_REQUEST, axum::Json(refused)).into_response(),
    })
}

async fn profile(State(services): Services, Query(asked): Query<Asked>) -> Result<Response, Problem> {
    let address = services.address(&asked.email).await?.ok_or_else(nothing)?;
    let profile = mobileconfig::profile(&address, &services.offer).ok_or_else(nothing)?;
    let host = services
        .offer
        .door(Service::Https)
        .map_or("", |door| door.host.as_str());
    let seal = services.tls.seal(host).ok_or(cms::SealError::Key);
    let signed = seal.and_then(|seal| cms::signed(profile.as_bytes(), &seal));
    let signed = signed.map_err(|error| {
        tracing::error!(%error, cause = ?std::error::Error::source(&error), "a profile could not be signed");
        let detail = "the profile could not be signed";
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "unavailable", detail)
    })?;
    let mut response = ([(header::CONTENT_TYPE, PROFILE)], signed).into_response();
    let name = HeaderValue::from_static("attachment; filename=\"mail.mobileconfig\"");
    response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    Ok(response)
}

/// RFC 8461 §3.3: only the host named after the domain speaks for it.
async fn mta_sts(State(services): Services, uri: Uri, headers: HeaderMap) -> Result<Response, Problem> {
    let host = host(&uri, &headers).to_ascii_lowercase();
    let Some(name) = host.strip_prefix("mta-sts.") else {
        return Err(nothing());
    };
    services.served(name).await?.ok_or_else(nothing)?;
    let plain = "text/plain; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, plain)], sts::policy(&services.offer)).into_response())
}
