//! /api/tasks: long work with its progress, what is wrong with its rows, and its result (GEN-3).

use axum::Json;
use axum::body::Body as Octets;
use axum::extract::Path;
use axum::response::Response;
use hongyan_access::permission::{Action, Reach};
use hongyan_audit::{Chain, Event};
use hongyan_types::TenantId;
use hongyan_upkeep::{Phase, RowProblems, SheetError, TaskError, TaskId, TaskRecord};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::body::Asked;
use crate::caller::Caller;
use crate::mail_log::me;
use crate::page::{self, Page};
use crate::problem::{Failure, Problem, Result};
use crate::sheet;
use crate::tag::Whose;

/// Long work.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Task {
    id: u64,
    /// `import-members`, `export-members`, `import-groups`, `export-groups`, `sync-directory`, `merge-mailbox`, or `bulk-` and what is done.
    job: &'static str,
    /// `running`, `done`, `refused` (nothing was done, as rows have problems), `failed` or `cancelled`.
    state: &'static str,
    /// What it is at: `check` or `apply`.
    phase: &'static str,
    /// Rows of the phase that are behind it.
    position: u64,
    total: u64,
    /// Rows that were done; of what only looks, those that could be.
    good: u64,
    /// Rows that something is wrong with.
    bad: u64,
    /// Who asked for it.
    author: String,
    created_millis: i64,
    finished_millis: Option<i64>,
    /// Why it came to its end, where that is not plain.
    note: String,
}

/// What is wrong with a row of a file.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TaskRow {
    /// Its line in the file.
    line: u32,
    problems: Vec<RowProblem>,
}

#[derive(Debug, Serialize, ToSchema)]
struct RowProblem {
    /// In which column; empty for the row as a whole.
    field: String,
    reason: String,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct List {
    /// The `next` of the page before.
    after: Option<u64>,
    /// Items of the page, at most 1000.
    limit: Option<usize>,
    /// Whose, by name; needed only from operators of several organisations.
    organisation: Option<String>,
}

pub(crate) fn view(task: &TaskRecord) -> Task {
    Task {
        id: task.id.0,
        job: task.job.label(),
        state: task.state.label(),
        phase: match task.phase {
            Phase::Check => "check",
            Phase::Apply => "apply",
        },
        position: task.position,
        total: task.total,
        good: task.good,
        bad: task.bad,
        author: task.author.name.clone(),
        created_millis: task.created.millis,
        finished_millis: task.finished.map(|finished| finished.millis),
        note: task.note.clone(),
    }
}

fn row(row: RowProblems) -> TaskRow {
    let problems = row.problems.into_iter().map(|problem| RowProblem {
        field: problem.field,
        reason: problem.reason,
    });
    TaskRow {
        line: row.line,
        problems: problems.collect(),
    }
}

impl From<TaskError> for Problem {
    fn from(error: TaskError) -> Self {
        match error {
            TaskError::Directory(error) => error.into(),
            TaskError::Ask(error) => error.into(),
            TaskError::Sheet(SheetError::TooLarge { what, max }) => Self::too_large(what, max),
            TaskError::Sheet(_) | TaskError::Head(_) => Self::invalid(error.to_string()),
        }
    }
}

fn parse(id: &str) -> Result<TaskId> {
    let id = id.parse();
    Ok(TaskId(
        id.map_err(|_| Problem::invalid("a task is named by its number"))?,
    ))
}

/// Whether the caller may know of a task: who manages departments alone knows of their own.
pub(crate) fn is_seen(caller: &Caller, reach: &Reach, task: &TaskRecord) -> bool {
    *reach == Reach::Organisation || is_author(caller, task)
}

/// Whether the caller has asked for it.
pub(crate) fn is_author(caller: &Caller, task: &TaskRecord) -> bool {
    let author = caller.actor.author();
    (task.author.kind, task.author.id) == (author.kind, author.id)
}

/// The organisation, and how far into its tasks the caller sees. Who manages groups alone sees their own.
async fn reach(caller: &Caller, name: Option<&str>, (members, groups): (Action, Action)) -> Result<(TenantId, Reach)> {
    match caller.within(members, name).await {
        Err(refused) if refused.status == 403 => match caller.within(groups, name).await {
            Ok((tenant, _)) => Ok((tenant, Reach::Departments(Vec::new()))),
            Err(_) => Err(refused),
        },
        permitted => permitted,
    }
}

/// What it takes to look at tasks.
const LOOK: (Action, Action) = (Action::ReadMembers, Action::ReadGroups);
/// What it takes to stop one.
const STOP: (Action, Action) = (Action::ChangeMembers, Action::ChangeGroups);

/// The task of that number, and whose it is.
async fn find(caller: &Caller, actions: (Action, Action), id: &str, whose: &Whose) -> Result<(TenantId, TaskRecord)> {
    let id = parse(id)?;
    let (tenant, reach) = match reach(caller, whose.organisation.as_deref(), actions).await {
        Err(refused) if refused.status == 403 => return own(caller, id).await.map_err(|_| refused),
        permitted => permitted?,
    };
    let task = caller.tasks.show(tenant, id).await?;
    if is_seen(caller, &reach, &task) {
        return Ok((tenant, task));
    }
    Err(Problem::not_found(format!("task {id} does not exist")))
}

/// A member's task that writes a list of their own. What they began as an administrator is not theirs any more.
async fn own(caller: &Caller, id: TaskId) -> Result<(TenantId, TaskRecord)> {
    let me = me(caller).await?;
    let task = caller.tasks.show(me.tenant, id).await?;
    match task.is_personal() && is_author(caller, &task) {
        true => Ok((me.tenant, task)),
        false => Err(Problem::not_found("it is not the caller's own")),
    }
}

/// The tasks of an organisation, the latest first.
#[utoipa::path(get, path = "/api/tasks", params(List), responses((status = 200, body = Page<Task>), Failure))]
pub(crate) async fn list(caller: Caller, Asked(query): Asked<List>) -> Result<Json<Page<Task>>> {
    let (tenant, reach) = reach(&caller, query.organisation.as_deref(), LOOK).await?;
    let limit = page::limit(query.limit);
    let found = caller.tasks.list(tenant, query.after.map(TaskId), limit).await?;
    let next = page::next(&found, limit, |task| task.id.to_string());
    let seen = found.iter().filter(|task| is_seen(&caller, &reach, task));
    Ok(Json(Page::with_next(seen.map(view).collect(), next)))
}

/// A task: how far it is.
#[utoipa::path(get, path = "/api/tasks/{id}", params(("id" = u64, Path), Whose), responses((status = 200, body = Task), Failure))]
pub(crate) async fn show(caller: Caller, Path(id): Path<String>, Asked(whose): Asked<Whose>) -> Result<Json<Task>> {
    let (_, task) = find(&caller, LOOK, &id, &whose).await?;
    Ok(Json(view(&task)))
}

/// The rows of a file that were not taken, each with what is wrong with it.
#[utoipa::path(get, path = "/api/tasks/{id}/rows", params(("id" = u64, Path), List), responses((status = 200, body = Page<TaskRow>), Failure))]
pub(crate) async fn rows(
    caller: Caller,
    Path(id): Path<String>,
    Asked(query): Asked<List>,
) -> Result<Json<Page<TaskRow>>> {
    let whose = Whose {
        organisation: query.organisation,
    };
    let (tenant, task) = find(&caller, LOOK, &id, &whose).await?;
    let after = u32::try_from(query.after.unwrap_or(0)).unwrap_or(u32::MAX);
    let limit = page::limit(query.limit);
    let found = caller.tasks.problems(tenant, task.id, after, limit).await?;
    let rows = found.into_iter().map(row).collect();
    Ok(Json(Page::new(rows, limit, |row: &TaskRow| row.line.to_string())))
}

/// The file that an export has made, or what a synchronisation is to do with each person.
#[utoipa::path(get, path = "/api/tasks/{id}/result", params(("id" = u64, Path), Whose), responses((status = 200, description = "The file", content((String = "text/csv"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))), Failure))]
pub(crate) async fn result(caller: Caller, Path(id): Path<String>, Asked(whose): Asked<Whose>) -> Result<Response> {
    let (tenant, task) = find(&caller, LOOK, &id, &whose).await?;
    let Some(format) = task.job.makes() else {
        return Err(Problem::not_found("it has no result but its rows"));
    };
    if task.is_personal() && !is_author(&caller, &task) {
        return Err(Problem::not_found("what a member takes of their own is for them alone"));
    }
    let output = caller.tasks.output(tenant, task.id).await?;
    // The directory leaves the house.
    let taken = Event::new("task.result", task.job.label())
        .id(task.id.0)
        .with("rows", task.good);
    caller.directory.record(Chain::Tenant(tenant), taken).await?;
    // What goes wrong on the way breaks the connection: nobody takes half a file for the whole.
    let pieces = futures_util::stream::try_unfold(output, |mut output| async move {
        let piece = output.read().await?;
        Ok::<_, hongyan_directory::Error>(piece.map(|piece| (piece, output)))
    });
    Ok(sheet::file(task.job.label(), format, Octets::from_stream(pieces)))
}

/// Stops a task for good; what was done stays.
#[utoipa::path(post, path = "/api/tasks/{id}/cancel", params(("id" = u64, Path), Whose), responses((status = 200, body = Task), Failure))]
pub(crate) async fn cancel(caller: Caller, Path(id): Path<String>, Asked(whose): Asked<Whose>) -> Result<Json<Task>> {
    let (tenant, task) = find(&caller, STOP, &id, &whose).await?;
    let asked = Event::new("task.cancel", task.job.label()).id(task.id.0);
    caller.directory.record(Chain::Tenant(tenant), asked).await?;
    let task = caller.tasks.cancel(tenant, task.id).await?;
    Ok(Json(view(&task)))
}
