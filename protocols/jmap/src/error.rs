//! Errors of requests (RFC 8620 §3.6.1), of methods (§3.6.2) and of single records in `/set` (§5.3).

use std::borrow::Cow;

use serde::{Serialize, Serializer};

/// What is wrong with a whole request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestErrorType {
    /// A capability in `using` that the server does not have.
    UnknownCapability,
    /// Not JSON, or not sent as such.
    NotJson,
    /// JSON, but not of the form of a request.
    NotRequest,
    /// A limit was reached; its name.
    Limit(&'static str),
}

impl RequestErrorType {
    /// Its URI.
    #[must_use]
    pub fn uri(self) -> &'static str {
        match self {
            Self::UnknownCapability => "urn:ietf:params:jmap:error:unknownCapability",
            Self::NotJson => "urn:ietf:params:jmap:error:notJSON",
            Self::NotRequest => "urn:ietf:params:jmap:error:notRequest",
            Self::Limit(_) => "urn:ietf:params:jmap:error:limit",
        }
    }
}

/// Why a whole request is refused: a problem document (RFC 9457) with this type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct RequestError {
    /// What is wrong.
    pub kind: RequestErrorType,
    /// For people.
    pub detail: String,
}

impl RequestError {
    /// The problem document's text, for HTTP status `status`.
    #[must_use]
    pub fn problem(&self, status: u16) -> String {
        #[derive(Serialize)]
        struct Problem<'a> {
            #[serde(rename = "type")]
            uri: &'a str,
            status: u16,
            detail: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            limit: Option<&'a str>,
        }
        let limit = match self.kind {
            RequestErrorType::Limit(name) => Some(name),
            _ => None,
        };
        let problem = Problem {
            uri: self.kind.uri(),
            status,
            detail: &self.detail,
            limit,
        };
        serde_json::to_string(&problem).unwrap_or_default()
    }
}

macro_rules! words {
    ($(#[doc = $about:literal])* $name:ident { $($(#[doc = $text:literal])* $variant:ident = $word:literal,)* }) => {
        $(#[doc = $about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name {
            $($(#[doc = $text])* $variant,)*
        }
        impl $name {
            /// Its name in JSON.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

words! {
    /// Why a method did not do what it was called for.
    MethodErrorType {
        /// Some inner resource is away; the same call may succeed later.
        ServerUnavailable = "serverUnavailable",
        /// Something broke that nobody foresaw.
        ServerFail = "serverFail",
        /// Some changes were made, not all.
        ServerPartialFail = "serverPartialFail",
        /// No such method.
        UnknownMethod = "unknownMethod",
        /// Arguments of the wrong type, missing, or unknown.
        InvalidArguments = "invalidArguments",
        /// A result reference could not be followed.
        InvalidResultReference = "invalidResultReference",
        /// The user may not do this.
        Forbidden = "forbidden",
        /// No such account.
        AccountNotFound = "accountNotFound",
        /// The account does not have this method.
        AccountNotSupportedByMethod = "accountNotSupportedByMethod",
        /// The account can only be read.
        AccountReadOnly = "accountReadOnly",
        /// More than the limit of the server allows in one call.
        RequestTooLarge = "requestTooLarge",
        /// Changes since this state are not known any more.
        CannotCalculateChanges = "cannotCalculateChanges",
        /// Changes to the result are more than the client wants.
        TooManyChanges = "tooManyChanges",
        /// `ifInState` is not the state.
        StateMismatch = "stateMismatch",
        /// The anchor is not in the results.
        AnchorNotFound = "anchorNotFound",
        /// A sort that the server does not have.
        UnsupportedSort = "unsupportedSort",
        /// A filter that the server does not have.
        UnsupportedFilter = "unsupportedFilter",
        /// A kind of record that the server does not look up (RFC 9404 §4.3).
        UnknownDataType = "unknownDataType",
        /// The account to copy from does not exist.
        FromAccountNotFound = "fromAccountNotFound",
        /// The account to copy from does not have this method.
        FromAccountNotSupportedByMethod = "fromAccountNotSupportedByMethod",
    }
}

words! {
    /// Why one record was not changed.
    SetErrorType {
        /// The user may not do this.
        Forbidden = "forbidden",
        /// More than the quota allows.
        OverQuota = "overQuota",
        /// The record would be too large.
        TooLarge = "tooLarge",
        /// Too often in this time.
        RateLimit = "rateLimit",
        /// No such record.
        NotFound = "notFound",
        /// The patch cannot be applied.
        InvalidPatch = "invalidPatch",
        /// Both updated and destroyed.
        WillDestroy = "willDestroy",
        /// Some properties are not valid.
        InvalidProperties = "invalidProperties",
        /// There is only one, which cannot be made or destroyed.
        Singleton = "singleton",
        /// The same record is there already.
        AlreadyExists = "alreadyExists",
        /// The mailbox has mailboxes inside (RFC 8621 §2.5).
        MailboxHasChild = "mailboxHasChild",
        /// The mailbox has emails (RFC 8621 §2.5).
        MailboxHasEmail = "mailboxHasEmail",
        /// A blob that the email needs is not there (RFC 8621 §4.6).
        BlobNotFound = "blobNotFound",
        /// More keywords than an email may have (RFC 8621 §4.6).
        TooManyKeywords = "tooManyKeywords",
        /// In more mailboxes than an email may be (RFC 8621 §4.6).
        TooManyMailboxes = "tooManyMailboxes",
        /// The blob is no email (RFC 8621 §4.8).
        InvalidEmail = "invalidEmail",
        /// More recipients than the server takes (RFC 8621 §7.5).
        TooManyRecipients = "tooManyRecipients",
        /// Nobody to send to (RFC 8621 §7.5).
        NoRecipients = "noRecipients",
        /// Some recipients are no addresses (RFC 8621 §7.5).
        InvalidRecipients = "invalidRecipients",
        /// The user may not send under this envelope sender (RFC 8621 §7.5).
        ForbiddenMailFrom = "forbiddenMailFrom",
        /// The user may not send under this From (RFC 8621 §6.3, §7.5).
        ForbiddenFrom = "forbiddenFrom",
        /// The user may not send at all (RFC 8621 §7.5).
        ForbiddenToSend = "forbiddenToSend",
        /// It is sent already (RFC 8621 §7.5).
        CannotUnsend = "cannotUnsend",
        /// The mail has had its receipt (RFC 9007 §2.1).
        MdnAlreadySent = "mdnAlreadySent",
    }
}

/// Why a method did not do what it was called for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{}: {}", .kind.as_str(), .description.as_deref().unwrap_or("no more is known"))]
pub struct MethodError {
    /// The kind.
    #[serde(rename = "type")]
    pub kind: MethodErrorType,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<Cow<'static, str>>,
    /// With `requestTooLarge`: the limit of that name (RFC 8620 §3.6.2 leaves room for more members).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<&'static str>,
}

impl MethodError {
    /// An error without words.
    #[must_use]
    pub fn new(kind: MethodErrorType) -> Self {
        Self {
            kind,
            description: None,
            limit: None,
        }
    }
    /// An error with words for people.
    #[must_use]
    pub fn with(kind: MethodErrorType, description: impl Into<Cow<'static, str>>) -> Self {
        Self {
            description: Some(description.into()),
            ..Self::new(kind)
        }
    }
    /// Arguments are wrong in this way.
    #[must_use]
    pub fn arguments(description: impl Into<Cow<'static, str>>) -> Self {
        Self::with(MethodErrorType::InvalidArguments, description)
    }
    /// More than the named limit.
    #[must_use]
    pub fn too_large(limit: &'static str) -> Self {
        Self {
            limit: Some(limit),
            ..Self::with(MethodErrorType::RequestTooLarge, format!("more than {limit} allows"))
        }
    }
}

impl From<MethodErrorType> for MethodError {
    fn from(kind: MethodErrorType) -> Self {
        Self::new(kind)
    }
}

/// Why one record was not changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SetError {
    /// The kind.
    #[serde(rename = "type")]
    pub kind: SetErrorType,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<Cow<'static, str>>,
    /// With `invalidProperties`: which.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub properties: Vec<String>,
    /// What only some kinds have.
    #[serde(flatten)]
    details: Option<Box<SetErrorDetails>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct SetErrorDetails {
    /// With `blobNotFound`: the blobs that are not there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_found: Vec<String>,
    /// With `tooLarge`: what is allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_size: Option<u64>,
    /// With `tooManyRecipients`: what is allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_recipients: Option<u64>,
    /// With `invalidRecipients`: those that are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    invalid_recipients: Vec<String>,
    /// With `alreadyExists`: what is there already.
    #[serde(skip_serializing_if = "Option::is_none")]
    existing_id: Option<String>,
}

impl SetError {
    /// An error without words.
    #[must_use]
    pub fn new(kind: SetErrorType) -> Self {
        Self {
            kind,
            description: None,
            properties: Vec::new(),
            details: None,
        }
    }
    fn detailed(kind: SetErrorType, details: SetErrorDetails) -> Self {
        Self {
            details: Some(Box::new(details)),
            ..Self::new(kind)
        }
    }
    /// This blob is not there.
    #[must_use]
    pub fn blob_not_found(id: &str) -> Self {
        let not_found = vec![id.to_owned()];
        Self::detailed(
            SetErrorType::BlobNotFound,
            SetErrorDetails {
                not_found,
                ..SetErrorDetails::default()
            },
        )
    }
    /// More octets than `max_size`.
    #[must_use]
    pub fn too_large(max_size: u64) -> Self {
        Self::detailed(
            SetErrorType::TooLarge,
            SetErrorDetails {
                max_size: Some(max_size),
                ..SetErrorDetails::default()
            },
        )
    }
    /// More recipients than `max_recipients`.
    #[must_use]
    pub fn too_many_recipients(max_recipients: u64) -> Self {
        Self::detailed(
            SetErrorType::TooManyRecipients,
            SetErrorDetails {
                max_recipients: Some(max_recipients),
                ..SetErrorDetails::default()
            },
        )
    }
    /// These recipients cannot be written to.
    #[must_use]
    pub fn invalid_recipients(invalid_recipients: Vec<String>) -> Self {
        Self::detailed(
            SetErrorType::InvalidRecipients,
            SetErrorDetails {
                invalid_recipients,
                ..SetErrorDetails::default()
            },
        )
    }
    /// The same is there already, under this id.
    #[must_use]
    pub fn already_exists(existing_id: &str) -> Self {
        Self::detailed(
            SetErrorType::AlreadyExists,
            SetErrorDetails {
                existing_id: Some(existing_id.to_owned()),
                ..SetErrorDetails::default()
            },
        )
    }
    /// An error with words for people.
    #[must_use]
    pub fn with(kind: SetErrorType, description: impl Into<Cow<'static, str>>) -> Self {
        Self {
            description: Some(description.into()),
            ..Self::new(kind)
        }
    }
    /// These properties are wrong, in this way.
    #[must_use]
    pub fn properties<'a>(names: impl IntoIterator<Item = &'a str>, description: impl Into<Cow<'static, str>>) -> Self {
        Self {
            properties: names.into_iter().map(str::to_owned).collect(),
            ..Self::with(SetErrorType::InvalidProperties, description)
        }
    }
}

impl From<SetErrorType> for SetError {
    fn from(kind: SetErrorType) -> Self {
        Self::new(kind)
    }
}
