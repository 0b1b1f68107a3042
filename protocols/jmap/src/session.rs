//! The session object (RFC 8620 §2).

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::Id;

/// The URI of a capability.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct CapabilityUri(pub &'static str);

impl CapabilityUri {
    /// RFC 8620.
    pub const CORE: Self = Self("urn:ietf:params:jmap:core");
    /// RFC 8621: mailboxes, threads, emails, search snippets.
    pub const MAIL: Self = Self("urn:ietf:params:jmap:mail");
    /// RFC 8621: identities and submission.
    pub const SUBMISSION: Self = Self("urn:ietf:params:jmap:submission");
    /// RFC 8621: vacation response.
    pub const VACATION: Self = Self("urn:ietf:params:jmap:vacationresponse");
    /// RFC 9425.
    pub const QUOTA: Self = Self("urn:ietf:params:jmap:quota");
    /// RFC 9404.
    pub const BLOB: Self = Self("urn:ietf:params:jmap:blob");
    /// RFC 9007.
    pub const MDN: Self = Self("urn:ietf:params:jmap:mdn");
    /// RFC 9670: who there is.
    pub const PRINCIPALS: Self = Self("urn:ietf:params:jmap:principals");
    /// RFC 9670: whose an account is.
    pub const PRINCIPALS_OWNER: Self = Self("urn:ietf:params:jmap:principals:owner");
    /// Of ours: deleted mails that can be had back.
    pub const DELETED: Self = Self("urn:x-hongyan:jmap:deleted");
    /// Of ours: separate sending, other times to leave, recall.
    pub const SENDING: Self = Self("urn:x-hongyan:jmap:sending");
    /// Of ours: replies that others have begun.
    pub const REPLIES: Self = Self("urn:x-hongyan:jmap:replies");
    /// RFC 8887.
    pub const WEBSOCKET: Self = Self("urn:ietf:params:jmap:websocket");
    /// RFC 9749.
    pub const VAPID: Self = Self("urn:ietf:params:jmap:webpush-vapid");
}

/// What a client finds at `/.well-known/jmap`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// What the server can do, with what is to be known of it.
    pub capabilities: BTreeMap<CapabilityUri, Box<RawValue>>,
    /// The accounts the user has access to.
    pub accounts: BTreeMap<Id, AccountEntry>,
    /// The account to use for a capability when nothing else is said.
    pub primary_accounts: BTreeMap<CapabilityUri, Id>,
    /// The user's login name.
    pub username: String,
    /// Where requests go.
    pub api_url: String,
    /// Where blobs are: a URI template.
    pub download_url: String,
    /// Where blobs are brought: a URI template.
    pub upload_url: String,
    /// Where changes are told: a URI template.
    pub event_source_url: String,
    /// Changes when this object does.
    pub state: String,
}

/// An account as a user sees it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountEntry {
    /// For people.
    pub name: String,
    /// Whether it is the user's own.
    pub is_personal: bool,
    /// Whether nothing may be changed.
    pub is_read_only: bool,
    /// What can be done with it.
    pub account_capabilities: BTreeMap<CapabilityUri, Box<RawValue>>,
}
