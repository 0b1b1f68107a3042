//! /api/exports/lists: any list as a CSV file: at once, or by a task when it is long (STAT).
//!
//! A file has what the list itself shows to whoever asks, page by page: rights are looked at for each page, also while a task
//! works.

mod cell;

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;

use axum::Json;
use axum::body::{Body as Octets, to_bytes};
use axum::http::{Request, StatusCode};
use axum::response::{IntoResponse, Response};
use hongyan_access::permission::Actor;
use hongyan_audit::{Author, AuthorKind, Chain, Event};
use hongyan_types::{Address, TenantId};
use hongyan_upkeep::{
    ExportList, ListAnswer, ListAsked, ListError, ListPage, ListSource, Sheet, SheetFormat, TaskError,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tower::ServiceExt;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::AdminState;
use crate::body::Body;
use crate::caller::Caller;
use crate::problem::{Failure, Problem, Result};
use crate::task::{Task, view};
use crate::{audit, deletion, login, mail_log, message, sheet, statistics, task};

/// Lines of a file that is made at once.
const LINES_AT_ONCE_MAX: usize = 10_000;
/// Lines of a page.
const PAGE_LINES: usize = 1_000;
/// Octets of a page.
const PAGE_OCTETS_MAX: usize = 64 << 20;

/// A list that can be had as a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ListName {
    /// What administrators and members did: /api/audit.
    Audit,
    /// /api/logins.
    Logins,
    /// /api/mail-log.
    Mail,
    /// /api/tasks.
    Tasks,
    /// /api/messages.
    Messages,
    /// /api/statistics/days.
    Days,
    /// /api/statistics/members.
    Members,
    /// /api/statistics/capacity.
    Capacity,
    /// /api/statistics/sign-ins.
    SignIns,
    /// /api/me/mail.
    OwnMail,
    /// /api/me/deletions.
    OwnDeletions,
    /// /api/members/me/logins.
    OwnLogins,
}

impl ListName {
    const ALL: [Self; 12] = [
        Self::Audit,
        Self::Logins,
        Self::Mail,
        Self::Tasks,
        Self::Messages,
        Self::Days,
        Self::Members,
        Self::Capacity,
        Self::SignIns,
        Self::OwnMail,
        Self::OwnDeletions,
        Self::OwnLogins,
    ];
    fn label(self) -> &'static str {
        match self {
            Self::Audit => "audit",
            Self::Logins => "logins",
            Self::Mail => "mail",
            Self::Tasks => "tasks",
            Self::Messages => "messages",
            Self::Days => "days",
            Self::Members => "members",
            Self::Capacity => "capacity",
            Self::SignIns => "sign-ins",
            Self::OwnMail => "own-mail",
            Self::OwnDeletions => "own-deletions",
            Self::OwnLogins => "own-logins",
        }
    }
    fn path(self) -> &'static str {
        match self {
            Self::Audit => "/api/audit",
            Self::Logins => "/api/logins",
            Self::Mail => "/api/mail-log",
            Self::Tasks => "/api/tasks",
            Self::Messages => "/api/messages",
            Self::Days => "/api/statistics/days",
            Self::Members => "/api/statistics/members",
            Self::Capacity => "/api/statistics/capacity",
            Self::SignIns => "/api/statistics/sign-ins",
            Self::OwnMail => "/api/me/mail",
            Self::OwnDeletions => "/api/me/deletions",
            Self::OwnLogins => "/api/members/me/logins",
        }
    }
    /// Fields of an item; a point leads into an object.
    fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Audit => &[
                "at_millis",
                "author",
                "author_kind",
                "from",
                "kind",
                "action",
                "object",
                "fields",
            ],
            Self::Logins | Self::OwnLogins => &[
                "at_millis",
                "account",
                "login",
                "protocol",
                "way",
                "peer",
                "place",
                "client",
                "result",
                "unusual",
            ],
            Self::Mail | Self::OwnMail => &[
                "at_millis",
                "kind",
                "account",
                "deleted",
                "subject",
                "sender",
                "recipients",
                "recipients_total",
                "state",
                "octets",
            ],
            Self::Tasks => &[
                "created_millis",
                "finished_millis",
                "job",
                "author",
                "state",
                "good",
                "bad",
                "note",
            ],
            Self::Messages => &["at_millis", "kind", "title", "title_zh_cn", "read"],
            Self::Days => &["day", "sent", "received", "sign_ins", "accounts"],
            Self::Members => &["address", "display_name", "deleted", "sent", "received", "sign_ins"],
            Self::Capacity => &["display_name", "address", "octets_max", "octets", "messages"],
            Self::SignIns => &[
                "address",
                "display_name",
                "state",
                "last.at_millis",
                "last.peer",
                "last.place",
                "last.way",
                "last.protocol",
            ],
            Self::OwnDeletions => &["at_millis", "what", "client", "person", "folder", "messages", "mails"],
        }
    }
    /// Whether it has pages.
    fn is_paged(self) -> bool {
        self != Self::Days
    }
    /// Whether it is of one person.
    fn is_own(self) -> bool {
        matches!(self, Self::OwnMail | Self::OwnDeletions | Self::OwnLogins)
    }
}

/// What is asked for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListExport {
    list: ListName,
    /// What narrows the list: its query, by name, without `after` and `limit`.
    #[serde(default)]
    query: BTreeMap<String, String>,
    /// Whose, by name; needed only from operators of several organisations.
    organisation: Option<String>,
}

/// The lists alone.
fn routes(state: AdminState) -> axum::Router {
    let (router, _) = OpenApiRouter::new()
        .routes(routes!(audit::list))
        .routes(routes!(login::list))
        .routes(routes!(login::of_member))
        .routes(routes!(mail_log::list))
        .routes(routes!(mail_log::own))
        .routes(routes!(deletion::list))
        .routes(routes!(task::list))
        .routes(routes!(message::list))
        .routes(routes!(statistics::days))
        .routes(routes!(statistics::members))
        .routes(routes!(statistics::capacity))
        .routes(routes!(statistics::sign_ins))
        .split_for_parts();
    router.with_state(state)
}

/// Text in a query (RFC 3986 §2.1).
pub(crate) fn encoded(text: &str) -> String {
    let octet = |octet: u8| match octet {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => char::from(octet).to_string(),
        _ => format!("%{octet:02X}"),
    };
    text.bytes().map(octet).collect()
}

/// Asks the API itself for a page; what it refuses is its own answer.
async fn page(
    state: AdminState,
    actor: Actor,
    (list, zone): (ListName, &str),
    (query, after): (&[(String, String)], Option<&str>),
) -> std::result::Result<ListPage, Response> {
    let limit = PAGE_LINES.to_string();
    let paging = [("limit", Some(limit.as_str())), ("after", after)];
    let paging = paging.into_iter().filter(|_| list.is_paged());
    let own = query.iter().map(|(name, value)| (name.as_str(), Some(value.as_str())));
    let pairs = own.chain(paging).filter_map(|(name, value)| Some((name, value?)));
    let pairs: Vec<String> = pairs
        .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)))
        .collect();
    let request = Request::builder().uri(format!("{}?{}", list.path(), pairs.join("&")));
    let request = request.extension(actor).body(Octets::empty());
    let request = request.map_err(|_| Problem::invalid("query").into_response())?;
    let Ok(response) = routes(state).oneshot(request).await;
    if response.status() != StatusCode::OK {
        return Err(response);
    }
    let octets = to_bytes(response.into_body(), PAGE_OCTETS_MAX).await;
    let found = octets
        .ok()
        .and_then(|octets| serde_json::from_slice::<Value>(&octets).ok());
    let found = found.ok_or_else(|| Problem::unavailable("the list cannot be read").into_response())?;
    let items = found["items"].as_array().cloned().unwrap_or_default();
    let columns = list.columns();
    Ok(ListPage {
        head: columns.iter().map(|column| cell::head(column)).collect(),
        rows: items.iter().map(|item| cell::row(item, columns, zone)).collect(),
        next: found["next"].as_str().map(str::to_owned),
    })
}

async fn zone(state: &AdminState, tenant: TenantId) -> Result<String> {
    Ok(state.counts.settings(tenant).await?.time_zone)
}

/// A list as a file: CSV in UTF-8, its cells safe from spreadsheets' formulas, its times on the organisation's clock. One of
/// more than 10,000 lines is made by a task, whose result is the file. Taking one is in the audit log.
#[utoipa::path(post, path = "/api/exports/lists", request_body = ListExport, responses((status = 200, description = "The file", body = String, content_type = "text/csv"), (status = 202, body = Task), Failure))]
pub(crate) async fn export(caller: Caller, Body(asked): Body<ListExport>) -> Result<Response> {
    let tenant = caller.organisation(asked.organisation.as_deref()).await?;
    let mut query: Vec<(String, String)> = asked.query.into_iter().collect();
    if query
        .iter()
        .any(|(name, _)| name == "after" || name == "limit" || name == "organisation")
    {
        return Err(Problem::invalid(
            "query: after, limit and organisation are not part of it",
        ));
    }
    if !asked.list.is_own()
        && let Some(name) = asked.organisation
    {
        query.push(("organisation".to_owned(), name));
    }
    let zone = zone(&caller, tenant).await?;
    let (mut sheet, mut after) = (Sheet::default(), None::<String>);
    loop {
        let part = (query.as_slice(), after.as_deref());
        let page = page(caller.state().clone(), caller.actor.clone(), (asked.list, &zone), part);
        let page = match page.await {
            Ok(page) => page,
            Err(refused) => return Ok(refused),
        };
        sheet.head = page.head;
        sheet.rows.extend(page.rows.into_iter().map(|cells| (0, cells)));
        after = page.next;
        if after.is_none() || sheet.rows.len() >= LINES_AT_ONCE_MAX {
            break;
        }
    }
    let label = asked.list.label();
    if after.is_some() {
        let export = ExportList {
            list: label.to_owned(),
            query,
            after: None,
            parts: 0,
        };
        let begun = caller.tasks.export_list(tenant, caller.actor.author(), export).await?;
        return Ok((StatusCode::ACCEPTED, Json(view(&begun))).into_response());
    }
    let taken = Event::new("list.export", label).with("rows", sheet.rows.len());
    caller.directory.record(Chain::Tenant(tenant), taken).await?;
    let octets = sheet.write(SheetFormat::Csv).map_err(TaskError::from)?;
    Ok(sheet::file(label, SheetFormat::Csv, octets))
}

/// The lists of the API for tasks, in the name of whoever asked for them.
pub(crate) struct Source(pub(crate) AdminState);

impl Source {
    /// Who asked, with the rights of this moment.
    async fn actor(&self, tenant: TenantId, author: &Author) -> std::result::Result<Actor, ListError> {
        if author.kind == AuthorKind::Operator {
            return Ok(Actor::Operator {
                from: author.from.clone(),
                scopes: None,
            });
        }
        let gone = || ListError::Refused("who asked for it is not there any more".to_owned());
        let address = Address::try_from(author.name.as_str()).map_err(|_| gone())?;
        match self.0.directory.account_at(&address).await {
            Ok(account) if account.tenant == tenant => Ok(Actor::member(&account, None, None)),
            Ok(_) | Err(hongyan_directory::Error::NotFound { .. }) => Err(gone()),
            Err(error) => Err(ListError::Unavailable(error.to_string())),
        }
    }

    async fn give(&self, asked: ListAsked) -> ListAnswer {
        let actor = self.actor(asked.tenant, &asked.author).await?;
        let list = ListName::ALL.into_iter().find(|list| list.label() == asked.list);
        let list = list.ok_or_else(|| ListError::Refused(format!("there is no list {}", asked.list)))?;
        let settings = self.0.counts.settings(asked.tenant).await;
        let zone = settings
            .map_err(|error| ListError::Unavailable(error.to_string()))?
            .time_zone;
        let part = (asked.query.as_slice(), asked.after.as_deref());
        let refused = match page(self.0.clone(), actor, (list, &zone), part).await {
            Ok(page) => return Ok(page),
            Err(refused) => refused,
        };
        let words = format!("the list is refused with {}", refused.status());
        if refused.status().is_server_error() {
            return Err(ListError::Unavailable(words));
        }
        Err(ListError::Refused(words))
    }
}

impl ListSource for Source {
    fn page(&self, asked: ListAsked) -> Pin<Box<dyn Future<Output = ListAnswer> + Send + '_>> {
        Box::pin(self.give(asked))
    }
}
