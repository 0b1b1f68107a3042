//! Errors as problem+json (RFC 9457).

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hongyan_access::AccessError;
use serde::Serialize;

/// What a client is told that tries passwords without a way to prove them here.
const CHALLENGE: &str = "Basic realm=\"Hongyan\", charset=\"UTF-8\", Bearer realm=\"Hongyan\"";

/// What went wrong, for a program and for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// What kind of problem, a stable word or URI.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// What exactly.
    pub detail: String,
    /// The setting that forbids it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<&'static str>,
    /// When to come back, in seconds.
    #[serde(skip)]
    pub retry_secs: Option<u64>,
}

impl Problem {
    /// A problem.
    #[must_use]
    pub fn new(status: StatusCode, kind: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status: status.as_u16(),
            kind,
            detail: detail.into(),
            limit: None,
            retry_secs: None,
        }
    }
    /// More than a named limit.
    #[must_use]
    pub fn limit(status: StatusCode, limit: &'static str, detail: impl Into<String>) -> Self {
        Self {
            limit: Some(limit),
            ..Self::new(status, "limit", detail)
        }
    }
    /// Nobody signed in.
    #[must_use]
    pub fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
    }
}

impl From<AccessError> for Problem {
    fn from(error: AccessError) -> Self {
        let (status, kind, retry_secs) = match &error {
            AccessError::BadCredentials | AccessError::BadPassword(_) => {
                (StatusCode::UNAUTHORIZED, "unauthorized", None)
            }
            AccessError::Suspended => (StatusCode::FORBIDDEN, "suspended", None),
            AccessError::ProtocolClosed(_) => (StatusCode::FORBIDDEN, "protocol-closed", None),
            AccessError::AppPasswordRequired => (StatusCode::FORBIDDEN, "app-password-required", None),
            AccessError::AddressNotAllowed => (StatusCode::FORBIDDEN, "address-not-allowed", None),
            AccessError::SecondFactorRequired => (StatusCode::FORBIDDEN, "second-factor-required", None),
            AccessError::NotForProtocol(_) => (StatusCode::FORBIDDEN, "not-for-protocol", None),
            AccessError::NotInScope(_) => (StatusCode::FORBIDDEN, "not-in-scope", None),
            AccessError::Expired => (StatusCode::UNAUTHORIZED, "expired", None),
            AccessError::WrongCode => (StatusCode::FORBIDDEN, "wrong-code", None),
            AccessError::Passkey(_) => (StatusCode::FORBIDDEN, "wrong-passkey", None),
            AccessError::NeedsCode => (StatusCode::FORBIDDEN, "needs-code", None),
            AccessError::NoTextGateway => (StatusCode::CONFLICT, "no-sms-gateway", None),
            AccessError::TextGatewayFailed => (StatusCode::BAD_GATEWAY, "sms-gateway-failed", None),
            AccessError::CodesUsedUp { .. } => (StatusCode::TOO_MANY_REQUESTS, "codes-used-up", None),
            AccessError::TextCodeNeeded => (StatusCode::FORBIDDEN, "sms-code-needed", None),
            AccessError::ChooseAccount(_) => (StatusCode::CONFLICT, "choose-account", None),
            AccessError::ProofNeeded => (StatusCode::FORBIDDEN, "proof-needed", None),
            AccessError::NotSignedIn => (StatusCode::UNAUTHORIZED, "unauthorized", None),
            AccessError::Unfinished(stage) => (StatusCode::FORBIDDEN, stage.label(), None),
            AccessError::LockedOut { retry_secs } => (StatusCode::TOO_MANY_REQUESTS, "locked-out", Some(*retry_secs)),
            AccessError::TooManySessions { .. } => (StatusCode::TOO_MANY_REQUESTS, "too-many-sessions", Some(30)),
            AccessError::Overloaded => (StatusCode::SERVICE_UNAVAILABLE, "overloaded", Some(1)),
            AccessError::Sealed(_) => (StatusCode::SERVICE_UNAVAILABLE, "sealed", None),
            AccessError::OutsideSilent | AccessError::Directory(_) => {
                (StatusCode::SERVICE_UNAVAILABLE, "unavailable", Some(5))
            }
        };
        Self {
            retry_secs,
            ..Self::new(status, kind, error.text())
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let text = serde_json::to_string(&self).unwrap_or_default();
        let json = HeaderValue::from_static("application/problem+json");
        let mut response = (status, [(header::CONTENT_TYPE, json)], text).into_response();
        if status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static(CHALLENGE);
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        if let Some(secs) = self.retry_secs {
            response.headers_mut().insert(header::RETRY_AFTER, secs.into());
        }
        response
    }
}
