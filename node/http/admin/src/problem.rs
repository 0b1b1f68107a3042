//! Errors as problem+json (RFC 9457).

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use hongyan_access::AccessError;
use hongyan_access::permission::Refusal;
use hongyan_directory::{Error as DirectoryError, LimitLevel, MemberUse};
use hongyan_ldap::LdapError;
use hongyan_mailbox::MailboxError;
use hongyan_openid::OpenIdError;
use hongyan_queue::QueueError;
use hongyan_router::AskError;
use hongyan_saml::SamlError;
use serde::Serialize;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response as Described, ResponseBuilder};
use utoipa::{IntoResponses, ToSchema};

use crate::ControlError;

/// What the readers of bodies and of addresses say before what is wrong: it tells those who ask nothing.
const READERS_WORDS: [&str; 3] = [
    "Failed to deserialize the JSON body into the target type: ",
    "Failed to parse the request body as JSON: ",
    "Failed to deserialize query string: ",
];

/// What went wrong, for a program and for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// What kind of problem, a stable word.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// What exactly.
    #[schema(value_type = String)]
    pub detail: Box<str>,
    /// The setting that forbids it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<&'static str>,
    /// Its value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<u64>,
    /// Present use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub used: Option<u64>,
    /// Who set it: the `installation`, the `plan`, the `organisation` or its administrators for a `member`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<LimitLevel>,
    /// The field that is not known or cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub field: Option<Box<str>>,
    /// What others count on it for: to be given to someone else, or confirmed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<MemberUse>>)]
    pub uses: Option<Box<Uses>>,
    /// What the object is now, when someone else has changed it meanwhile.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub present: Option<Box<serde_json::Value>>,
}

/// What others count on a member for. Boxed, so that a problem stays small.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Uses(Vec<MemberUse>);

/// Every way not to get an answer, in the document: a problem.
pub(crate) struct Failure;

impl IntoResponses for Failure {
    fn responses() -> std::collections::BTreeMap<String, RefOr<Described>> {
        let content = ContentBuilder::new()
            .schema(Some(Ref::from_schema_name("Problem")))
            .build();
        let response = ResponseBuilder::new()
            .description("A problem (RFC 9457): what went wrong, the limit and its present use")
            .content("application/problem+json", content);
        std::collections::BTreeMap::from([("default".to_owned(), response.build().into())])
    }
}

/// Result of a handler.
pub(crate) type Result<T, E = Problem> = std::result::Result<T, E>;

impl Problem {
    /// The kind of what someone else has changed meanwhile.
    pub(crate) const CHANGED: &'static str = "changed";

    fn new(status: StatusCode, kind: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status: status.as_u16(),
            kind,
            detail: detail.into().into_boxed_str(),
            limit: None,
            max: None,
            used: None,
            level: None,
            field: None,
            uses: None,
            present: None,
        }
    }
    /// What was asked for cannot be read; names the field when the reader did, as `path: what is wrong` or in its words.
    pub(crate) fn unreadable(said: &str) -> Self {
        let detail = READERS_WORDS
            .iter()
            .find_map(|words| said.strip_prefix(words))
            .unwrap_or(said);
        let path = detail.split_once(": ").map(|(path, _)| path);
        let path = path.filter(|path| !path.contains(char::is_whitespace));
        let named = detail
            .split_once("field `")
            .and_then(|(_, rest)| rest.split('`').next());
        Self {
            field: named.or(path).map(Box::from),
            ..Self::invalid(detail)
        }
    }
    /// Nobody is known to ask.
    pub(crate) fn unknown_caller() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", "sign in first")
    }
    /// An app password is for mail.
    pub(crate) fn app_password() -> Self {
        let detail = "an app password is for mail clients: sign in with the account's own password";
        Self::new(StatusCode::FORBIDDEN, "app-password", detail)
    }
    /// The request did not come through the entry of the network.
    pub(crate) fn not_over_https() -> Self {
        let detail = "sign in over HTTPS: the node's own socket needs no session";
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail)
    }
    /// A move must say from where.
    pub(crate) fn needs_precondition() -> Self {
        let detail = "a move needs If-Match with the entity tag of what is moved";
        Self::new(StatusCode::PRECONDITION_REQUIRED, "precondition-required", detail)
    }
    /// The key was borne by another request.
    pub(crate) fn key_reused() -> Self {
        let detail = "another request bore this Idempotency-Key";
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "key-reused", detail)
    }
    /// With what the object is now.
    pub(crate) fn showing(self, present: &impl Serialize) -> Self {
        Self {
            present: serde_json::to_value(present).ok().map(Box::new),
            ..self
        }
    }
    /// What was asked for makes no sense.
    pub(crate) fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid", detail)
    }
    /// What was named is not there.
    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", detail)
    }
    /// The resource cannot do that.
    pub(crate) fn not_allowed() -> Self {
        let detail = "the resource has no such method";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "not-allowed", detail)
    }
    /// What was sent is too large.
    pub(crate) fn too_large(limit: &'static str, max: u64) -> Self {
        Self {
            limit: Some(limit),
            max: Some(max),
            ..Self::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "too-large",
                format!("{limit} is {max} and what was sent has more"),
            )
        }
    }
    /// Too much of it is under way.
    pub(crate) fn busy(limit: &'static str, max: u64, used: u64) -> Self {
        Self {
            limit: Some(limit),
            max: Some(max),
            used: Some(used),
            ..Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "limit",
                format!("{limit} is {max} and {used} are in use"),
            )
        }
    }
    /// The right does not reach that far.
    pub(crate) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }
    /// Its state does not allow it.
    pub(crate) fn refused(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "refused", detail)
    }
    /// The node runs alone.
    pub(crate) fn no_cluster() -> Self {
        Self::new(StatusCode::CONFLICT, "no-cluster", "this node is not part of a cluster")
    }
    /// Name servers did not tell.
    pub(crate) fn unanswered(error: &hongyan_env::DnsError) -> Self {
        Self::unavailable(format!("try again later: {error}"))
    }
    pub(crate) fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(self)).into_response();
        let kind = header::HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response
    }
}

impl From<DirectoryError> for Problem {
    fn from(error: DirectoryError) -> Self {
        let detail = error.to_string();
        match error {
            DirectoryError::NotFound { .. } => Self::not_found(detail),
            DirectoryError::Exists { .. } => Self::new(StatusCode::CONFLICT, "exists", detail),
            DirectoryError::InUse { .. } => Self::new(StatusCode::CONFLICT, "in-use", detail),
            DirectoryError::MemberUsed { uses, .. } => Self {
                uses: Some(Box::new(Uses(uses))),
                ..Self::new(StatusCode::CONFLICT, "in-use", detail)
            },
            DirectoryError::Limit { setting, max, used } => Self {
                limit: Some(setting),
                max: Some(max),
                used: Some(used),
                level: Some(LimitLevel::Installation),
                ..Self::new(StatusCode::CONFLICT, "limit", detail)
            },
            DirectoryError::LimitAt {
                setting,
                max,
                used,
                level,
            } => Self {
                limit: Some(setting),
                max: Some(max),
                used: Some(used),
                level: Some(level),
                ..Self::new(StatusCode::CONFLICT, "limit", detail)
            },
            DirectoryError::NotInPlan { .. } => Self::new(StatusCode::FORBIDDEN, "not-in-plan", detail),
            DirectoryError::Changed { .. } => Self::new(StatusCode::CONFLICT, Self::CHANGED, detail),
            DirectoryError::Forbidden(_) => Self::new(StatusCode::FORBIDDEN, "forbidden", detail),
            DirectoryError::Refused(_) => Self::new(StatusCode::CONFLICT, "refused", detail),
            DirectoryError::Repeated => Self::new(StatusCode::CONFLICT, "repeated", detail),
            DirectoryError::Invalid(_) => Self::invalid(detail),
            DirectoryError::Storage(cause) => {
                tracing::error!(error = %cause, "directory storage failed");
                Self::unavailable(format!("{detail}: {cause}"))
            }
        }
    }
}

impl From<AccessError> for Problem {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::BadPassword(detail) => Self::invalid(detail),
            AccessError::BadCredentials | AccessError::NotSignedIn => {
                Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", error.text())
            }
            AccessError::Suspended => Self::new(StatusCode::FORBIDDEN, "suspended", error.text()),
            AccessError::AddressNotAllowed => Self::new(StatusCode::FORBIDDEN, "address-not-allowed", error.text()),
            AccessError::ProtocolClosed(_) => Self::new(StatusCode::FORBIDDEN, "protocol-closed", error.text()),
            AccessError::SecondFactorRequired => {
                Self::new(StatusCode::FORBIDDEN, "second-factor-required", error.text())
            }
            AccessError::WrongCode => Self::new(StatusCode::FORBIDDEN, "wrong-code", error.text()),
            AccessError::Passkey(_) => Self::new(StatusCode::FORBIDDEN, "wrong-passkey", error.text()),
            AccessError::NeedsCode => Self::new(StatusCode::FORBIDDEN, "needs-code", error.text()),
            AccessError::NoTextGateway => Self::new(StatusCode::CONFLICT, "no-sms-gateway", error.text()),
            AccessError::TextGatewayFailed => Self::new(StatusCode::BAD_GATEWAY, "sms-gateway-failed", error.text()),
            AccessError::TextCodeNeeded => Self::new(StatusCode::FORBIDDEN, "sms-code-needed", error.text()),
            AccessError::CodesUsedUp { max, .. } => Self {
                limit: Some("sent_codes_per_day_max"),
                max: u64::try_from(max).ok(),
                used: u64::try_from(max).ok(),
                ..Self::new(StatusCode::TOO_MANY_REQUESTS, "codes-used-up", error.text())
            },
            AccessError::ChooseAccount(accounts) => Self {
                present: Some(Box::new(serde_json::json!({ "accounts": accounts }))),
                ..Self::new(
                    StatusCode::CONFLICT,
                    "choose-account",
                    "this phone belongs to several accounts: choose one",
                )
            },
            AccessError::ProofNeeded => Self::new(StatusCode::FORBIDDEN, "proof-needed", error.text()),
            AccessError::Unfinished(stage) => Self::new(StatusCode::FORBIDDEN, stage.label(), error.text()),
            AccessError::LockedOut { .. } => Self::new(StatusCode::TOO_MANY_REQUESTS, "locked-out", error.text()),
            AccessError::Sealed(_) => Self::new(StatusCode::SERVICE_UNAVAILABLE, "sealed", error.text()),
            AccessError::Directory(error) => error.into(),
            other => Self::unavailable(other.to_string()),
        }
    }
}

impl From<OpenIdError> for Problem {
    fn from(error: OpenIdError) -> Self {
        let detail = error.text();
        match error {
            OpenIdError::Access(error) => error.into(),
            OpenIdError::NoProvider => Self::not_found(detail),
            OpenIdError::Sealed(_) => Self::new(StatusCode::SERVICE_UNAVAILABLE, "sealed", detail),
            OpenIdError::Provider(_) => Self::new(StatusCode::BAD_GATEWAY, "provider", detail),
            OpenIdError::Overloaded => Self::new(StatusCode::TOO_MANY_REQUESTS, "overloaded", detail),
            _ => Self::new(StatusCode::FORBIDDEN, "forbidden", detail),
        }
    }
}

impl From<SamlError> for Problem {
    fn from(error: SamlError) -> Self {
        match error {
            SamlError::SignIn(error) => error.into(),
            SamlError::NoApplication => Self::not_found(error.to_string()),
            // Only what the caller has pasted is read here.
            SamlError::Provider(fault) => Self::invalid(fault.to_string()),
        }
    }
}

impl From<LdapError> for Problem {
    fn from(error: LdapError) -> Self {
        match error {
            LdapError::NoDirectory => Self::not_found(error.to_string()),
            LdapError::Directory(error) => error.into(),
            LdapError::Access(error) => error.into(),
            LdapError::Overloaded => Self::new(StatusCode::TOO_MANY_REQUESTS, "overloaded", error.to_string()),
            error => Self::new(StatusCode::BAD_GATEWAY, "ldap", error.to_string()),
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let detail = refusal.to_string();
        match refusal {
            Refusal::Hidden => Self::not_found(detail),
            Refusal::Needs(_) | Refusal::Scope(_) => Self::new(StatusCode::FORBIDDEN, "forbidden", detail),
        }
    }
}

impl From<QueueError> for Problem {
    fn from(error: QueueError) -> Self {
        match error {
            QueueError::NoSuchEntry => Self::not_found(error.to_string()),
            QueueError::Storage(_) | QueueError::Blob(_) => Self::unavailable(error.to_string()),
        }
    }
}

impl From<MailboxError> for Problem {
    fn from(error: MailboxError) -> Self {
        Self::unavailable(error.to_string())
    }
}

impl From<ControlError> for Problem {
    fn from(error: ControlError) -> Self {
        let detail = error.to_string();
        match error {
            ControlError::Unknown(_) => Self::not_found(detail),
            ControlError::Invalid(_) => Self::invalid(detail),
            ControlError::Refused(_) => Self::new(StatusCode::CONFLICT, "refused", detail),
            ControlError::NoLeader => Self::unavailable(detail),
        }
    }
}

impl From<AskError> for Problem {
    fn from(error: AskError) -> Self {
        match error {
            AskError::Overloaded => Self::new(StatusCode::TOO_MANY_REQUESTS, "overloaded", error.to_string()),
            AskError::Unavailable | AskError::Deadline => Self::unavailable(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_told_without_the_readers_words() {
        let check = |said: &str, detail: &str, field: Option<&str>| {
            let problem = Problem::unreadable(said);
            assert_eq!((&*problem.detail, problem.field.as_deref()), (detail, field), "{said}");
        };
        let wrong = "language: unknown variant `zh`, expected `en` or `zh-CN` at line 1 column 67";
        check(
            &format!("Failed to deserialize the JSON body into the target type: {wrong}"),
            wrong,
            Some("language"),
        );
        let missing = "missing field `name` at line 1 column 2";
        check(
            &format!("Failed to deserialize the JSON body into the target type: {missing}"),
            missing,
            Some("name"),
        );
        check(
            "Failed to deserialize query string: limit: invalid digit found in string",
            "limit: invalid digit found in string",
            Some("limit"),
        );
        check(
            "Failed to parse the request body as JSON: EOF while parsing a value at line 1 column 3",
            "EOF while parsing a value at line 1 column 3",
            None,
        );
        check(
            "Expected request with `Content-Type: application/json`",
            "Expected request with `Content-Type: application/json`",
            None,
        );
    }
}
