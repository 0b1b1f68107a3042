//! Answers in the media type of SCIM, and what goes wrong as its errors.

use axum::body::{Body, to_bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hongyan_access::AccessError;
use hongyan_access::permission::Refusal;
use hongyan_directory::Error;
use hongyan_scim::{Object, ScimError, ScimType};
use serde_json::Value;

/// RFC 7644 §8.1
pub(crate) const MEDIA_TYPE: &str = "application/scim+json";
/// What of another part's answer is read.
const PROBLEM_OCTETS_MAX: usize = 64 * 1024;

/// A handler's result.
pub(crate) type Result<T, E = Refused> = std::result::Result<T, E>;

/// Why there is no answer.
#[derive(Debug)]
pub(crate) struct Refused(pub(crate) ScimError);

impl From<ScimError> for Refused {
    fn from(error: ScimError) -> Self {
        Self(error)
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        Self(match error {
            Error::NotFound { what: "domain", .. } => ScimError::new(
                ScimType::InvalidValue,
                format!("{detail}: an address is of one of the organisation's domains"),
            ),
            Error::NotFound { .. } => ScimError::not_found(detail),
            Error::Exists { .. } => ScimError::new(ScimType::Uniqueness, detail),
            Error::InUse { .. }
            | Error::MemberUsed { .. }
            | Error::Limit { .. }
            | Error::LimitAt { .. }
            | Error::NotInPlan { .. }
            | Error::Refused(_)
            | Error::Repeated => ScimError::status(409, detail),
            Error::Forbidden(_) => ScimError::status(403, detail),
            Error::Changed { .. } => ScimError::status(412, detail),
            Error::Invalid(_) => ScimError::new(ScimType::InvalidValue, detail),
            Error::Storage(cause) => {
                tracing::error!(error = %cause, "directory storage failed");
                ScimError::status(503, detail)
            }
        })
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self(match refusal {
            Refusal::Hidden => ScimError::not_found(refusal.to_string()),
            Refusal::Needs(_) | Refusal::Scope(_) => ScimError::status(403, refusal.to_string()),
        })
    }
}

impl From<AccessError> for Refused {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::BadPassword(detail) => {
                ScimError::new(ScimType::InvalidValue, format!("password: {detail}")).into()
            }
            AccessError::Directory(error) => error.into(),
            other => ScimError::status(503, other.to_string()).into(),
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::BAD_REQUEST);
        json(status, &self.0.body())
    }
}

/// A body in the media type of SCIM.
pub(crate) fn json(status: StatusCode, body: &Value) -> Response {
    let kind = [(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE))];
    (status, kind, body.to_string()).into_response()
}

/// One resource, with its version and its address.
pub(crate) fn resource(status: StatusCode, resource: Object, version: &str, location: &str) -> Response {
    let mut response = json(status, &Value::Object(resource));
    let headers = response.headers_mut();
    for (name, value) in [(header::ETAG, version), (header::LOCATION, location)] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    response
}

/// What the entry refuses is refused in the words of SCIM too.
pub(crate) async fn in_scim(response: Response) -> Response {
    let kind = response.headers().get(header::CONTENT_TYPE);
    if kind.is_none_or(|kind| kind != "application/problem+json") {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let body = to_bytes(body, PROBLEM_OCTETS_MAX).await.unwrap_or_default();
    let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
    let detail = problem.get("detail").and_then(Value::as_str).unwrap_or("refused");
    let error = ScimError::status(parts.status.as_u16(), detail);
    parts.headers.remove(header::CONTENT_LENGTH);
    let kind = HeaderValue::from_static(MEDIA_TYPE);
    parts.headers.insert(header::CONTENT_TYPE, kind);
    Response::from_parts(parts, Body::from(error.body().to_string()))
}
