//! /api/events: what changes in an organisation, as it happens (server-sent events).
//!
//! The events are the organisation's change feed, cut down to what the caller may see; whoever comes back with the number of
//! the last one goes on from there. Nothing is buffered for a slow reader: it reads the feed later.

mod places;
mod seen;
mod stream;

pub(crate) use places::{Place, Places};
pub(crate) use seen::{KINDS, is_seen};

use std::collections::BTreeSet;

use axum::Extension;
use axum::body::Body;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use hongyan_access::permission::{Action, Object, Standing};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::body::Asked;
use crate::caller::Caller;
use crate::problem::{Failure, Problem, Result};
use stream::Stream;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Query {
    /// Whose, by name; needed only from operators of several organisations.
    organisation: Option<String>,
    /// The number of the last change that is known; the header `Last-Event-ID` says the same and goes before. Without it
    /// the stream begins with the next change.
    after: Option<u64>,
    /// Only these kinds, separated by commas: `organisation`, `domain`, `member`, `department`, `tag`, `group`, `token`, `task`.
    kinds: Option<String>,
}

/// What changes, as it happens. Events: `ready` (its id is where the stream begins), `change` (data as an item of
/// `/api/changes`, its id the number), `gap` (changes after the number that was named are no longer kept: look at everything anew;
/// its id is where the stream goes on), `end` (the caller may not listen any more). A comment comes when it is quiet.
#[utoipa::path(get, path = "/api/events", params(Query, ("Last-Event-ID" = Option<u64>, Header, description = "The number of the last change that is known")),
    responses((status = 200, description = "Events, until either side ends the stream", body = String, content_type = "text/event-stream"), Failure))]
pub(crate) async fn listen(
    caller: Caller,
    Extension(places): Extension<Places>,
    standing: Option<Extension<Standing>>,
    headers: HeaderMap,
    Asked(query): Asked<Query>,
) -> Result<Response> {
    let tenant = caller.organisation(query.organisation.as_deref()).await?;
    check_sees_something(&caller, &Object::organisation(tenant))?;
    let kinds = query.kinds.as_deref().map(read_kinds).transpose()?;
    let after = match headers.get("last-event-id") {
        Some(value) => Some(read_number(value.to_str().unwrap_or_default())?),
        None => query.after,
    };
    let place = places.take(&caller.actor.author())?;
    let stream = Stream::begin(
        caller,
        standing.map(|Extension(standing)| standing),
        tenant,
        after,
        kinds,
        place,
    );
    let stream = futures_util::stream::unfold(stream.await?, |mut stream| async move {
        let event = stream.next().await?;
        Some((Ok::<_, std::convert::Infallible>(event), stream))
    });
    let fields = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((fields, Body::from_stream(stream)).into_response())
}

/// Whoever may look at nothing has nothing to hear of.
fn check_sees_something(caller: &Caller, organisation: &Object<'_>) -> Result<()> {
    let some = [
        Action::ReadMembers,
        Action::ReadGroups,
        Action::ReadStructure,
        Action::ReadOrganisation,
        Action::ReadDomains,
        Action::ReadTokens,
    ];
    if some
        .into_iter()
        .any(|action| caller.permit(action, organisation).is_ok())
    {
        return Ok(());
    }
    caller.permit(Action::ReadChanges, organisation).map(|_| ())
}

fn read_number(text: &str) -> Result<u64> {
    let number = text.trim().parse();
    number.map_err(|_| Problem::invalid("Last-Event-ID is not the number of a change"))
}

fn read_kinds(text: &str) -> Result<BTreeSet<String>> {
    let kinds: BTreeSet<String> = text.split(',').map(|kind| kind.trim().to_owned()).collect();
    match kinds.iter().find(|kind| !KINDS.contains(&kind.as_str())) {
        Some(unknown) => Err(Problem::invalid(format!(
            "kinds: {unknown} is none of {}",
            KINDS.join(", ")
        ))),
        None => Ok(kinds),
    }
}
