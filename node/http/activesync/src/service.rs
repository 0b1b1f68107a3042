//! The parts of ActiveSync, its routes, and the way of a request through them.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{DefaultBodyLimit, RawQuery, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use bytes::Bytes;
use hongyan_activesync::{Command, ProtocolVersion, RequestLine, RequestLineError, WbxmlLimits, request_line, wbxml};
use hongyan_blob::BlobStore;
use hongyan_delivery::Delivery;
use hongyan_directory::Directory;
use hongyan_env::Env;
use hongyan_http_front::Caller;
use hongyan_kv::Database;
use hongyan_telemetry::{CounterVec, counter_vec};
use hongyan_types::AccountId;
use parking_lot::Mutex;

use crate::answer::{Found, later, problem, stopped};
use crate::asking::Asking;
use crate::settings::ActiveSyncSettings;
use crate::{
    folder_change, folder_sync, get_item_estimate, item_operations, move_items, people, ping, policy, refused_commands,
    search, send_mail, settings_command, smart, sync,
};

/// Where it is served ([MS-ASHTTP] §2.2.1.1.1).
const PLACE: &str = "/Microsoft-Server-ActiveSync";

/// What devices are told is served.
const COMMANDS: [Command; 19] = [
    Command::Sync,
    Command::SendMail,
    Command::SmartForward,
    Command::SmartReply,
    Command::FolderSync,
    Command::FolderCreate,
    Command::FolderDelete,
    Command::FolderUpdate,
    Command::MoveItems,
    Command::GetItemEstimate,
    Command::MeetingResponse,
    Command::Search,
    Command::Settings,
    Command::Ping,
    Command::ItemOperations,
    Command::Provision,
    Command::ResolveRecipients,
    Command::ValidateCert,
    Command::Find,
];

/// What ActiveSync uses of the node; wired by `node/server`.
#[derive(Clone)]
pub struct ActiveSyncServices {
    /// Clock and randomness.
    pub env: Env,
    /// Where records of mails and of devices are.
    pub database: Database,
    /// Where bytes of mails are read.
    pub blobs: BlobStore,
    /// The way to mailboxes.
    pub router: hongyan_router::Router,
    /// Whose address is which.
    pub directory: Directory,
    /// Where mails leave.
    pub delivery: Delivery,
}

/// All that requests share.
pub(crate) struct ActiveSync {
    pub(crate) services: ActiveSyncServices,
    pub(crate) settings: ActiveSyncSettings,
    /// Requests of accounts that are being worked on.
    busy: Mutex<BTreeMap<AccountId, usize>>,
    requests: CounterVec,
}

/// One of the requests of an account; dropping it makes room for another.
struct Place<'a> {
    of: &'a ActiveSync,
    account: AccountId,
}

impl ActiveSync {
    fn take_place(&self, account: AccountId) -> Option<Place<'_>> {
        let mut busy = self.busy.lock();
        let count = busy.entry(account).or_default();
        if *count >= self.settings.requests_max {
            return None;
        }
        *count += 1;
        Some(Place { of: self, account })
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut busy = self.of.busy.lock();
        if let Some(count) = busy.get_mut(&self.account) {
            *count -= 1;
            if *count == 0 {
                busy.remove(&self.account);
            }
        }
    }
}

/// The routes of ActiveSync.
pub fn routes(services: ActiveSyncServices, settings: ActiveSyncSettings) -> Router {
    let service = ActiveSync {
        services,
        settings,
        busy: Mutex::default(),
        requests: counter_vec(
            "hongyan_active_sync_requests_total",
            "ActiveSync requests, by command and status of HTTP.",
            &["command", "status"],
        ),
    };
    Router::new()
        .route(PLACE, post(command).options(options))
        .layer(DefaultBodyLimit::disable())
        .with_state(Arc::new(service))
}

fn header(name: &'static str, value: &str) -> Option<(HeaderName, HeaderValue)> {
    Some((HeaderName::from_static(name), HeaderValue::from_str(value).ok()?))
}

/// What is spoken here ([MS-ASHTTP] §2.2.3): only those who may use it are told.
async fn options(_: Caller) -> Response {
    let commands = COMMANDS.map(Command::name).join(",");
    let mut response = StatusCode::OK.into_response();
    response.headers_mut().extend(
        [
            header("ms-server-activesync", "16.1"),
            header("ms-asprotocolversions", ProtocolVersion::LIST),
            header("ms-asprotocolcommands", &commands),
            header("allow", "OPTIONS,POST"),
            header("public", "OPTIONS,POST"),
        ]
        .into_iter()
        .flatten(),
    );
    response
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

async fn command(
    State(service): State<Arc<ActiveSync>>,
    caller: Caller,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let line = match request_line::parse(query.as_deref().unwrap_or_default()) {
        Ok(line) => line,
        // [MS-ASHTTP] §2.2.2.1.1.1: 501 for a command that there is not.
        Err(error @ RequestLineError::Command) => return problem(StatusCode::NOT_IMPLEMENTED, &error.to_string()),
        Err(error) => return problem(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    let name = line.command.name();
    let response = served(&service, &caller, line, &headers, body).await;
    let status = response.status().as_u16().to_string();
    service.requests.with_label_values(&[name, &status]).inc();
    response
}

async fn served(
    service: &Arc<ActiveSync>,
    caller: &Caller,
    line: RequestLine,
    headers: &HeaderMap,
    body: Body,
) -> Response {
    let said = text(headers, "ms-asprotocolversion").and_then(ProtocolVersion::parse);
    let Some(version) = line.protocol_version.or(said) else {
        return problem(
            StatusCode::BAD_REQUEST,
            "MS-ASProtocolVersion: the version is missing or not spoken",
        );
    };
    let Some(_place) = service.take_place(caller.identity().account.id) else {
        return later();
    };
    let Ok(body) = to_bytes(body, service.settings.request_octets_max).await else {
        let detail = "the request has more octets than active_sync.request_octets_max, or broke off";
        return problem(StatusCode::PAYLOAD_TOO_LARGE, detail);
    };
    let key = text(headers, "x-ms-policykey").and_then(|key| key.trim().parse().ok());
    let key = line.policy_key.or(key).unwrap_or_default();
    let user_agent = text(headers, "user-agent").unwrap_or_default().to_owned();
    let takes_parts = text(headers, "ms-asacceptmultipart") == Some("T");
    let command = line.command;
    let answered = answer(service, caller, (line, version, key, user_agent, takes_parts), body).await;
    answered.unwrap_or_else(|stop| stopped(command, stop))
}

async fn answer(
    service: &Arc<ActiveSync>,
    caller: &Caller,
    (line, version, key, user_agent, takes_parts): (RequestLine, ProtocolVersion, u32, String, bool),
    body: Bytes,
) -> Found<Response> {
    let limits = WbxmlLimits {
        octets_max: service.settings.request_octets_max,
        ..WbxmlLimits::default()
    };
    let tree = match body.is_empty() {
        true => None,
        false => Some(wbxml::decode(&body, &limits).map_err(|error| {
            tracing::debug!(event = "active_sync_bad_body", %error);
            crate::answer::Stop::Http(StatusCode::BAD_REQUEST, "the body is no WBXML of ActiveSync")
        })?),
    };
    drop(body);
    let command = line.command;
    let mut asking = Asking::new(service, caller, line, version);
    asking.admit(key, &user_agent).await?;
    match (command, tree) {
        (Command::Provision, tree) => policy::provision(&mut asking, tree.as_ref()).await,
        (Command::FolderSync, Some(tree)) => folder_sync::folder_sync(&asking, &tree).await,
        (Command::FolderCreate, Some(tree)) => folder_change::create(&asking, &tree).await,
        (Command::FolderDelete, Some(tree)) => folder_change::delete(&asking, &tree).await,
        (Command::FolderUpdate, Some(tree)) => folder_change::update(&asking, &tree).await,
        (Command::GetItemEstimate, Some(tree)) => get_item_estimate::get_item_estimate(&asking, &tree).await,
        (Command::Search, Some(tree)) => search::search(&asking, &tree).await,
        (Command::Find, Some(tree)) => search::find(&asking, &tree).await,
        (Command::ResolveRecipients, Some(tree)) => people::resolve_recipients(&asking, &tree).await,
        (Command::MeetingResponse, Some(tree)) => refused_commands::meeting_response(&asking, &tree),
        (Command::ValidateCert, Some(tree)) => refused_commands::validate_cert(&asking, &tree),
        (Command::Sync, tree) => sync::sync(&asking, tree.as_ref()).await,
        (Command::Ping, tree) => ping::ping(&mut asking, tree.as_ref()).await,
        (Command::Settings, Some(tree)) => settings_command::settings(&mut asking, &tree).await,
        (Command::SendMail, Some(tree)) => send_mail::send_mail(&asking, &tree).await,
        (Command::SmartReply | Command::SmartForward, Some(tree)) => smart::smart(&asking, &tree).await,
        (Command::MoveItems, Some(tree)) => move_items::move_items(&asking, &tree).await,
        (Command::ItemOperations, Some(tree)) => item_operations::item_operations(&asking, &tree, takes_parts).await,
        (command, None) if COMMANDS.contains(&command) => {
            Ok(problem(StatusCode::BAD_REQUEST, "the command has a body"))
        }
        _ => Ok(problem(StatusCode::NOT_IMPLEMENTED, "the command is not served")),
    }
}
