//! The session object (RFC 8620 §2).

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use hongyan_http_front::Caller;
use hongyan_jmap::object::EmailSort;
use hongyan_jmap::{AccountEntry, CapabilityUri, RawValue, Session};
use hongyan_mailbox::FOLDER_NAME_OCTETS_MAX;
use serde::Serialize;
use serde_json::value::to_raw_value;

use crate::account::Account;
use crate::jmap::Jmap;

/// The state of session objects: what they say depends on this release alone.
pub(crate) const STATE: &str = "1";

/// The capabilities of this server.
pub(crate) const CAPABILITIES: [CapabilityUri; 2] = [CapabilityUri::CORE, CapabilityUri::MAIL];

/// `urn:ietf:params:jmap:mail` of an account (RFC 8621 §1.3.1).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MailCapability {
    max_mailboxes_per_email: Option<u64>,
    max_mailbox_depth: Option<u64>,
    max_size_mailbox_name: u64,
    max_size_attachments_per_email: u64,
    email_query_sort_options: &'static [&'static str],
    may_create_top_level_mailbox: bool,
}

fn raw(value: &impl Serialize) -> Box<RawValue> {
    to_raw_value(value).expect("capabilities are JSON")
}

pub(crate) async fn session(State(jmap): State<Arc<Jmap>>, caller: Caller) -> Response {
    let account = Account::of(&caller);
    let record = &caller.identity().account;
    let mail = MailCapability {
        max_mailboxes_per_email: None,
        max_mailbox_depth: u64::try_from(hongyan_mailbox::FOLDER_LEVELS_MAX).ok(),
        max_size_mailbox_name: u64::try_from(FOLDER_NAME_OCTETS_MAX).unwrap_or(u64::MAX),
        max_size_attachments_per_email: jmap.settings.created_octets_max,
        email_query_sort_options: EmailSort::NAMES,
        may_create_top_level_mailbox: true,
    };
    let nothing = || raw(&BTreeMap::<&str, ()>::new());
    let entry = AccountEntry {
        name: record.address.to_string(),
        is_personal: true,
        is_read_only: false,
        account_capabilities: BTreeMap::from([(CapabilityUri::CORE, nothing()), (CapabilityUri::MAIL, raw(&mail))]),
    };
    let session = Session {
        capabilities: BTreeMap::from([
            (CapabilityUri::CORE, raw(&jmap.settings.core)),
            (CapabilityUri::MAIL, nothing()),
        ]),
        accounts: BTreeMap::from([(account.id.clone(), entry)]),
        primary_accounts: CAPABILITIES.into_iter().map(|uri| (uri, account.id.clone())).collect(),
        username: record.address.to_string(),
        api_url: "/jmap/api".to_owned(),
        download_url: "/jmap/download/{accountId}/{blobId}/{name}?accept={type}".to_owned(),
        upload_url: "/jmap/upload/{accountId}".to_owned(),
        event_source_url: "/jmap/events?types={types}&closeafter={closeafter}&ping={ping}".to_owned(),
        state: STATE.to_owned(),
    };
    let text = serde_json::to_string(&session).expect("a session object is JSON");
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-cache, no-store, must-revalidate"),
    ];
    (headers, text).into_response()
}
