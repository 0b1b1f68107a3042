//! The session object (RFC 8620 §2).

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Uri, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hongyan_directory::{AccountKind, Seat, Sending};
use hongyan_http_front::{Caller, Problem};
use hongyan_jmap::object::EmailSort;
use hongyan_jmap::{AccountEntry, CapabilityUri, Id, RawValue, Session, UtcDate};
use hongyan_mailbox::FOLDER_NAME_OCTETS_MAX;
use hongyan_types::Timestamp;
use ring::digest;
use serde::Serialize;
use serde_json::value::to_raw_value;

use crate::account::{Account, accounts};
use crate::error::failed;
use crate::ids;
use crate::jmap::Jmap;
use crate::settings::JmapSettings;

/// What session objects of this release say beside the caller's accounts.
const RELEASE: &str = "4";

/// The state of a caller's session object.
pub(crate) fn state(accounts: &[Account]) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(RELEASE.as_bytes());
    for account in accounts {
        let rights = [u8::from(account.read_only), u8::from(account.sending > Sending::No)];
        let name = account.record.address.to_string();
        for part in [account.id.as_str().as_bytes(), name.as_bytes(), &rights[..]] {
            context.update(&part.len().to_be_bytes());
            context.update(part);
        }
    }
    let digest = context.finish();
    URL_SAFE_NO_PAD.encode(&digest.as_ref()[..12])
}

/// The capabilities of this server.
pub(crate) const CAPABILITIES: [CapabilityUri; 14] = [
    CapabilityUri::CORE,
    CapabilityUri::MAIL,
    CapabilityUri::SUBMISSION,
    CapabilityUri::VACATION,
    CapabilityUri::BLOB,
    CapabilityUri::QUOTA,
    CapabilityUri::MDN,
    CapabilityUri::PRINCIPALS,
    CapabilityUri::PRINCIPALS_OWNER,
    CapabilityUri::DELETED,
    CapabilityUri::SENDING,
    CapabilityUri::REPLIES,
    CapabilityUri::WEBSOCKET,
    CapabilityUri::VAPID,
];

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

/// `urn:ietf:params:jmap:submission` of an account (RFC 8621 §1.3.2).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SubmissionCapability {
    max_delayed_send: u64,
    submission_extensions: BTreeMap<&'static str, Vec<String>>,
}

impl SubmissionCapability {
    fn new(jmap: &Jmap) -> Self {
        let secs = jmap.settings.delayed_send_max.as_secs();
        let now = Timestamp {
            millis: jmap.services.env.wall_millis(),
        };
        let until = Timestamp::from_secs(now.secs().saturating_add(i64::try_from(secs).unwrap_or(i64::MAX)));
        Self {
            max_delayed_send: secs,
            submission_extensions: BTreeMap::from([
                // RFC 4865 §4: the longest time, and the last moment.
                ("FUTURERELEASE", vec![secs.to_string(), UtcDate(until).to_string()]),
                ("DSN", Vec::new()),
                ("SMTPUTF8", Vec::new()),
                ("8BITMIME", Vec::new()),
            ]),
        }
    }
}

/// `urn:ietf:params:jmap:blob` of an account (RFC 9404 §3).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BlobCapability {
    max_size_blob_set: u64,
    max_data_sources: usize,
    supported_type_names: [&'static str; 3],
    supported_digest_algorithms: [&'static str; 3],
}

/// Of deleted mails.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DeletedCapability {
    kept_seconds: u64,
    clean_up_emails_max: usize,
}

/// Of replies that others have begun.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RepliesCapability {
    kept_seconds: u64,
}

/// `urn:ietf:params:jmap:principals` of an account (RFC 9670 §1.5.1).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PrincipalsCapability {
    current_user_principal_id: Id,
}

impl PrincipalsCapability {
    fn of(account: &Account) -> Self {
        Self {
            current_user_principal_id: ids::principal(account.person.id),
        }
    }
}

/// `urn:ietf:params:jmap:principals:owner` of an account (RFC 9670 §1.5.2).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OwnerCapability {
    account_id_for_principal: Id,
    principal_id: Id,
}

impl OwnerCapability {
    fn of(account: &Account) -> Self {
        Self {
            account_id_for_principal: ids::account(account.person.id),
            principal_id: ids::principal(account.record.id),
        }
    }
}

/// Of sending beyond RFC 8621.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SendingCapability {
    recall_seconds: u64,
    recalls_read: bool,
    recalls_scheduled: bool,
}

impl SendingCapability {
    fn new(settings: &JmapSettings, seat: Seat) -> Self {
        let within = match seat {
            Seat::Standard => settings.recall_standard,
            Seat::Advanced => settings.recall_advanced,
        };
        Self {
            recall_seconds: within.as_secs(),
            recalls_read: settings.recall_takes_read,
            recalls_scheduled: settings.scheduled_full_tracking,
        }
    }
}

/// `urn:ietf:params:jmap:websocket` (RFC 8887 §3).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SocketCapability {
    url: String,
    supports_push: bool,
}

/// `urn:ietf:params:jmap:webpush-vapid` (RFC 9749 §3).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct VapidCapability {
    application_server_key: Option<String>,
}

fn raw(value: &impl Serialize) -> Box<RawValue> {
    to_raw_value(value).expect("capabilities are JSON")
}

/// Where the client has found this server: what paths of ours begin with. Nothing when it does not say; then they are
/// relative to the URL of the session object.
fn origin(caller: &Caller, headers: &HeaderMap, uri: &Uri) -> String {
    let named = headers.get(header::HOST).and_then(|value| value.to_str().ok());
    let authority = uri.authority().map(Authority::as_str).or(named);
    let is_plain = |text: &&str| {
        let mut bytes = text.bytes();
        !text.is_empty() && bytes.all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte))
    };
    let scheme = if caller.is_tls() { "https" } else { "http" };
    authority
        .filter(is_plain)
        .map_or_else(String::new, |authority| format!("{scheme}://{authority}"))
}

/// What of an account's capabilities is the same for all.
pub(crate) struct Capabilities {
    /// Where only what is there can be used, and where folders can be made.
    mail: [Box<RawValue>; 2],
    submission: Box<RawValue>,
    blob: Box<RawValue>,
    deleted: Box<RawValue>,
    replies: Box<RawValue>,
    /// With a standard seat, and with an advanced one.
    sending: [Box<RawValue>; 2],
}

impl Capabilities {
    pub(crate) fn new(jmap: &Jmap) -> Self {
        Self {
            mail: [false, true].map(|may_create_top_level_mailbox| {
                raw(&MailCapability {
                    max_mailboxes_per_email: None,
                    max_mailbox_depth: u64::try_from(hongyan_mailbox::FOLDER_LEVELS_MAX).ok(),
                    max_size_mailbox_name: u64::try_from(FOLDER_NAME_OCTETS_MAX).unwrap_or(u64::MAX),
                    max_size_attachments_per_email: jmap.settings.created_octets_max,
                    email_query_sort_options: EmailSort::NAMES,
                    may_create_top_level_mailbox,
                })
            }),
            submission: raw(&SubmissionCapability::new(jmap)),
            blob: raw(&BlobCapability {
                max_size_blob_set: jmap.settings.core.upload_octets_max,
                max_data_sources: jmap.settings.blob_sources_max,
                supported_type_names: ["Email", "Mailbox", "Thread"],
                supported_digest_algorithms: ["sha", "sha-256", "sha-512"],
            }),
            deleted: raw(&DeletedCapability {
                kept_seconds: jmap.settings.deleted_kept.as_secs(),
                clean_up_emails_max: jmap.settings.clean_up_emails_max,
            }),
            replies: raw(&RepliesCapability {
                kept_seconds: jmap.settings.begun_reply_kept.as_secs(),
            }),
            sending: [Seat::Standard, Seat::Advanced].map(|seat| raw(&SendingCapability::new(&jmap.settings, seat))),
        }
    }
    pub(crate) fn entry(&self, account: &Account) -> AccountEntry {
        let makes_folders = account.reach.is_none() && !account.read_only;
        let mut capabilities = BTreeMap::from([
            (CapabilityUri::CORE, nothing()),
            (CapabilityUri::MAIL, self.mail[usize::from(makes_folders)].clone()),
            (CapabilityUri::SUBMISSION, self.submission.clone()),
            (CapabilityUri::VACATION, nothing()),
            (CapabilityUri::BLOB, self.blob.clone()),
            (CapabilityUri::QUOTA, nothing()),
            (CapabilityUri::MDN, nothing()),
            (CapabilityUri::PRINCIPALS, raw(&PrincipalsCapability::of(account))),
            (CapabilityUri::PRINCIPALS_OWNER, raw(&OwnerCapability::of(account))),
            (CapabilityUri::DELETED, self.deleted.clone()),
            (CapabilityUri::REPLIES, self.replies.clone()),
            (
                CapabilityUri::SENDING,
                self.sending[usize::from(account.record.seat == Seat::Advanced)].clone(),
            ),
        ]);
        capabilities.retain(|uri, _| account.supports(*uri));
        let record = &account.record;
        let name = match record.kind {
            AccountKind::Shared if !record.display_name.is_empty() => record.display_name.clone(),
            AccountKind::Shared | AccountKind::Member => record.address.to_string(),
        };
        AccountEntry {
            name,
            is_personal: account.is_own(),
            is_read_only: account.read_only,
            account_capabilities: capabilities,
        }
    }
}

fn nothing() -> Box<RawValue> {
    raw(&BTreeMap::<&str, ()>::new())
}

pub(crate) async fn session(
    State(jmap): State<Arc<Jmap>>,
    caller: Caller,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let origin = origin(&caller, &headers, &uri);
    let accounts = accounts(&jmap, &caller).await.map_err(failed)?;
    let own = &accounts[0];
    let socket = SocketCapability {
        url: format!("{}/jmap/socket", origin.replacen("http", "ws", 1)),
        supports_push: true,
    };
    let vapid = VapidCapability {
        application_server_key: jmap.services.push.public_key().await,
    };
    let capabilities = Capabilities::new(&jmap);
    let entries = accounts
        .iter()
        .map(|account| (account.id.clone(), capabilities.entry(account)));
    let session = Session {
        capabilities: BTreeMap::from([
            (CapabilityUri::CORE, raw(&jmap.settings.core)),
            (CapabilityUri::MAIL, nothing()),
            (CapabilityUri::SUBMISSION, nothing()),
            (CapabilityUri::VACATION, nothing()),
            (CapabilityUri::BLOB, nothing()),
            (CapabilityUri::QUOTA, nothing()),
            (CapabilityUri::MDN, nothing()),
            (CapabilityUri::PRINCIPALS, nothing()),
            (CapabilityUri::PRINCIPALS_OWNER, nothing()),
            (CapabilityUri::DELETED, nothing()),
            (CapabilityUri::SENDING, nothing()),
            (CapabilityUri::REPLIES, nothing()),
            (CapabilityUri::WEBSOCKET, raw(&socket)),
            (CapabilityUri::VAPID, raw(&vapid)),
        ]),
        accounts: entries.collect(),
        primary_accounts: CAPABILITIES
            .into_iter()
            .filter(|uri| ![CapabilityUri::WEBSOCKET, CapabilityUri::VAPID].contains(uri) && own.supports(*uri))
            .map(|uri| (uri, own.id.clone()))
            .collect(),
        username: own.record.address.to_string(),
        api_url: format!("{origin}/jmap/api"),
        download_url: format!("{origin}/jmap/download/{{accountId}}/{{blobId}}/{{name}}?accept={{type}}"),
        upload_url: format!("{origin}/jmap/upload/{{accountId}}"),
        event_source_url: format!("{origin}/jmap/events?types={{types}}&closeafter={{closeafter}}&ping={{ping}}"),
        state: state(&accounts),
    };
    let text = serde_json::to_string(&session).expect("a session object is JSON");
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-cache, no-store, must-revalidate"),
    ];
    Ok((headers, text).into_response())
}
