//! /api/changes: what was changed in an organisation, in order.

use axum::Json;
use hongyan_access::permission::Action;
use hongyan_directory::FeedEntry;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::body::Asked;
use crate::caller::Caller;
use crate::page;
use crate::problem::{Failure, Result};

/// One change.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChangeEntry {
    /// Its number in the organisation, from 1 without gaps.
    number: u64,
    at_millis: i64,
    /// What was made, changed or removed: look at it to see which.
    subjects: Vec<ChangeSubject>,
}

/// What a change touched.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChangeSubject {
    /// `organisation`, `domain`, `member`, `department`, `tag`, `group`, `token` or `task`.
    kind: &'static str,
    /// Its identifier, or a domain's name.
    id: String,
}

/// Part of the changes.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Changes {
    items: Vec<ChangeEntry>,
    /// The number of the latest change there is.
    latest: u64,
    /// Changes are missing before the first one here, as they are no longer kept: look at everything anew.
    gap: bool,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Query {
    /// Whose, by name; needed only from operators of several organisations.
    organisation: Option<String>,
    /// The number of the last change that is known.
    #[serde(default)]
    after: u64,
    limit: Option<usize>,
}

pub(crate) fn view(entry: FeedEntry) -> ChangeEntry {
    let subjects = entry.subjects.iter().map(|subject| ChangeSubject {
        kind: subject.kind(),
        id: subject.name(),
    });
    ChangeEntry {
        number: entry.number,
        at_millis: entry.at.millis,
        subjects: subjects.collect(),
    }
}

/// Changes after the one that is known, the oldest first.
#[utoipa::path(get, path = "/api/changes", params(Query), responses((status = 200, body = Changes), Failure))]
pub(crate) async fn list(caller: Caller, Asked(query): Asked<Query>) -> Result<Json<Changes>> {
    let (tenant, _) = caller
        .within(Action::ReadChanges, query.organisation.as_deref())
        .await?;
    let page = caller
        .directory
        .feed(tenant, query.after, page::limit(query.limit))
        .await?;
    Ok(Json(Changes {
        items: page.entries.into_iter().map(view).collect(),
        latest: page.latest,
        gap: page.gap,
    }))
}
