//! /api/webhooks: what changes, and new mail, posted to an organisation's programs (API-3).

use axum::Json;
use axum::extract::Path;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hongyan_access::permission::Action;
use hongyan_sasl::Secret;
use hongyan_types::TenantId;
use hongyan_webhook::{DeliveryRecord, Error, NewWebhook, WebhookChange, WebhookId, WebhookRecord};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::body::{Asked, Body};
use crate::caller::Caller;
use crate::page::{self, Page};
use crate::problem::{Failure, Problem, Result};
use crate::tag::Whose;

/// A webhook, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Webhook {
    id: u64,
    name: String,
    url: String,
    /// Kinds of what changes, as in `/api/changes`, and `mail` for new mail.
    events: Vec<String>,
    /// `on`, `off`, or `failed`: its receiver took nothing for a day.
    state: &'static str,
    created_millis: i64,
    /// The delivery that is still to be taken.
    pending: Option<u64>,
    /// Since when its receiver has taken nothing.
    failing_since_millis: Option<i64>,
    /// When the pending delivery is posted again.
    next_millis: Option<i64>,
}

/// A webhook with its secret, which is shown this once.
#[derive(Serialize, ToSchema)]
#[schema(as = WebhookMade)]
pub(crate) struct Made {
    #[serde(flatten)]
    webhook: Webhook,
    /// What deliveries are signed with. It is not shown again: note it now.
    secret: String,
}

/// Something that was posted, or is to be.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WebhookDelivery {
    /// Its number in the webhook.
    number: u64,
    created_millis: i64,
    taken: bool,
    /// The JSON that is posted, as text.
    body: String,
    /// The latest attempts, the oldest first.
    attempts: Vec<WebhookAttempt>,
}

/// One time that it was posted.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WebhookAttempt {
    at_millis: i64,
    took_millis: u64,
    /// What the receiver answered; from 200 to 299 it has taken it.
    status: Option<u16>,
    /// Why there was no answer.
    error: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewWebhook)]
pub(crate) struct Create {
    /// What it is for.
    name: String,
    /// Where to: https, a public address or one in a network that the operator names.
    url: String,
    /// Kinds of what changes, as in `/api/changes`, and `mail` for new mail.
    events: Vec<String>,
    /// Whose, by name; needed only from operators of several organisations.
    organisation: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WebhookChange)]
pub(crate) struct Change {
    name: Option<String>,
    url: Option<String>,
    events: Option<Vec<String>>,
    /// Whether it is used. Switched on again it goes on with what changes from now on, and with the delivery that was pending.
    on: Option<bool>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Deliveries {
    /// The `next` of the page before.
    after: Option<u64>,
    /// Items of the page, at most 1000.
    limit: Option<usize>,
    /// Whose, by name; needed only from operators of several organisations.
    organisation: Option<String>,
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Directory(error) => error.into(),
            Error::Sealed(_) => Self::unavailable(error.to_string()),
        }
    }
}

fn view(webhook: WebhookRecord) -> Webhook {
    Webhook {
        id: webhook.id.0,
        state: webhook.state.label(),
        created_millis: webhook.created.millis,
        failing_since_millis: webhook.failing_since.map(|since| since.millis),
        next_millis: webhook.pending.map(|_| webhook.next.millis),
        pending: webhook.pending,
        name: webhook.name,
        url: webhook.url,
        events: webhook.events,
    }
}

fn delivery(record: DeliveryRecord) -> WebhookDelivery {
    let taken = record.is_taken();
    let attempts = record.attempts.into_iter().map(|attempt| WebhookAttempt {
        at_millis: attempt.at_millis,
        took_millis: attempt.took_millis,
        status: attempt.status,
        error: attempt.error,
    });
    WebhookDelivery {
        number: record.number,
        created_millis: record.created.millis,
        taken,
        body: record.body,
        attempts: attempts.collect(),
    }
}

/// The answer that bears a secret; it is never kept.
fn made(status: StatusCode, webhook: WebhookRecord, secret: &Secret) -> Response {
    let made = Made {
        webhook: view(webhook),
        secret: secret.reveal().to_owned(),
    };
    let fields = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (status, fields, Json(made)).into_response()
}

fn parse(id: &str) -> Result<WebhookId> {
    let id = id.parse();
    Ok(WebhookId(
        id.map_err(|_| Problem::invalid("a webhook is named by its number"))?,
    ))
}

/// Whose webhooks the request is about, to do `action` with that one.
async fn find(caller: &Caller, action: Action, id: &str, organisation: Option<&str>) -> Result<(TenantId, WebhookId)> {
    let (tenant, _) = caller.within(action, organisation).await?;
    Ok((tenant, parse(id)?))
}

/// The webhooks of an organisation.
#[utoipa::path(get, path = "/api/webhooks", params(Whose), responses((status = 200, body = Page<Webhook>), Failure))]
pub(crate) async fn list(caller: Caller, Asked(whose): Asked<Whose>) -> Result<Json<Page<Webhook>>> {
    let name = whose.organisation.as_deref();
    let (tenant, _) = caller.within(Action::ReadWebhooks, name).await?;
    let found = caller.webhooks.list(tenant).await?;
    Ok(Json(Page::with_next(found.into_iter().map(view).collect(), None)))
}

/// Makes a webhook, which tells what changes from now on. Its secret is in this answer and nowhere else.
#[utoipa::path(post, path = "/api/webhooks", request_body = Create, responses((status = 201, body = Made), Failure))]
pub(crate) async fn create(caller: Caller, Body(new): Body<Create>) -> Result<Response> {
    let name = new.organisation.as_deref();
    let (tenant, _) = caller.within(Action::ChangeWebhooks, name).await?;
    let new = NewWebhook {
        tenant,
        name: new.name,
        url: new.url,
        events: new.events,
    };
    let (webhook, secret) = caller.webhooks.create(&new).await?;
    Ok(made(StatusCode::CREATED, webhook, &secret))
}

/// A webhook.
#[utoipa::path(get, path = "/api/webhooks/{id}", params(("id" = u64, Path), Whose), responses((status = 200, body = Webhook), Failure))]
pub(crate) async fn show(caller: Caller, Path(id): Path<String>, Asked(whose): Asked<Whose>) -> Result<Json<Webhook>> {
    let (tenant, id) = find(&caller, Action::ReadWebhooks, &id, whose.organisation.as_deref()).await?;
    Ok(Json(view(caller.webhooks.show(tenant, id).await?)))
}

/// Changes a webhook, switches it off and on.
#[utoipa::path(patch, path = "/api/webhooks/{id}", params(("id" = u64, Path), Whose), request_body = Change, responses((status = 200, body = Webhook), Failure))]
pub(crate) async fn change(
    caller: Caller,
    Path(id): Path<String>,
    Asked(whose): Asked<Whose>,
    Body(change): Body<Change>,
) -> Result<Json<Webhook>> {
    let (tenant, id) = find(&caller, Action::ChangeWebhooks, &id, whose.organisation.as_deref()).await?;
    let change = WebhookChange {
        name: change.name,
        url: change.url,
        events: change.events,
        on: change.on,
    };
    Ok(Json(view(caller.webhooks.change(tenant, id, &change).await?)))
}

/// Removes a webhook with the log of its deliveries.
#[utoipa::path(delete, path = "/api/webhooks/{id}", params(("id" = u64, Path), Whose), responses((status = 204), Failure))]
pub(crate) async fn delete(caller: Caller, Path(id): Path<String>, Asked(whose): Asked<Whose>) -> Result<StatusCode> {
    let (tenant, id) = find(&caller, Action::ChangeWebhooks, &id, whose.organisation.as_deref()).await?;
    caller.webhooks.delete(tenant, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives a webhook another secret, with which everything is signed from now on.
#[utoipa::path(post, path = "/api/webhooks/{id}/rotate", params(("id" = u64, Path), Whose), responses((status = 200, body = Made), Failure))]
pub(crate) async fn rotate(caller: Caller, Path(id): Path<String>, Asked(whose): Asked<Whose>) -> Result<Response> {
    let (tenant, id) = find(&caller, Action::ChangeWebhooks, &id, whose.organisation.as_deref()).await?;
    let (webhook, secret) = caller.webhooks.rotate(tenant, id).await?;
    Ok(made(StatusCode::OK, webhook, &secret))
}

/// Posts a delivery that says nothing but that it is a test, and tells what became of it.
#[utoipa::path(post, path = "/api/webhooks/{id}/test", params(("id" = u64, Path), Whose), responses((status = 200, body = WebhookDelivery), Failure))]
pub(crate) async fn test(
    caller: Caller,
    Path(id): Path<String>,
    Asked(whose): Asked<Whose>,
) -> Result<Json<WebhookDelivery>> {
    let (tenant, id) = find(&caller, Action::ChangeWebhooks, &id, whose.organisation.as_deref()).await?;
    Ok(Json(delivery(caller.webhooks.test(tenant, id).await?)))
}

/// What a webhook has posted lately, the latest first, with its attempts.
#[utoipa::path(get, path = "/api/webhooks/{id}/deliveries", params(("id" = u64, Path), Deliveries), responses((status = 200, body = Page<WebhookDelivery>), Failure))]
pub(crate) async fn deliveries(
    caller: Caller,
    Path(id): Path<String>,
    Asked(query): Asked<Deliveries>,
) -> Result<Json<Page<WebhookDelivery>>> {
    let (tenant, id) = find(&caller, Action::ReadWebhooks, &id, query.organisation.as_deref()).await?;
    let limit = page::limit(query.limit);
    let found = caller.webhooks.deliveries(tenant, id, query.after, limit).await?;
    let items = found.into_iter().map(delivery).collect();
    Ok(Json(Page::new(items, limit, |item: &WebhookDelivery| {
        item.number.to_string()
    })))
}

/// Posts a delivery again, as it was, and tells what became of it.
#[utoipa::path(post, path = "/api/webhooks/{id}/deliveries/{number}/redeliver", params(("id" = u64, Path), ("number" = u64, Path), Whose), responses((status = 200, body = WebhookDelivery), Failure))]
pub(crate) async fn redeliver(
    caller: Caller,
    Path((id, number)): Path<(String, String)>,
    Asked(whose): Asked<Whose>,
) -> Result<Json<WebhookDelivery>> {
    let (tenant, id) = find(&caller, Action::ChangeWebhooks, &id, whose.organisation.as_deref()).await?;
    let number = number
        .parse()
        .map_err(|_| Problem::invalid("a delivery is named by its number"))?;
    Ok(Json(delivery(caller.webhooks.redeliver(tenant, id, number).await?)))
}
