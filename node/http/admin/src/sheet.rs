//! /api/imports/members, /api/exports/members: people from files and into files, as tasks (MEM-9, ORG-13); groups likewise
//! (GRP-7).

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hongyan_access::permission::{Action, Reach};
use hongyan_directory::{DepartmentId, Language};
use hongyan_upkeep::{ExportMembers, ImportGroups, ImportMembers, SheetFormat, TaskError, group_template, template};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::body::{Asked, Body};
use crate::caller::Caller;
use crate::member::check_departments;
use crate::problem::{Failure, Problem, Result};
use crate::task::{Task, view};

/// The media type of a workbook.
const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
/// The media type of text.
const CSV: &str = "text/csv";

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Import {
    /// Whose, by name; needed only from operators of several organisations.
    organisation: Option<String>,
    /// The domain of addresses that name none.
    domain: Option<String>,
    /// The department of those for whom the file names none.
    department: Option<DepartmentId>,
    /// Only looks the file over.
    #[serde(default)]
    dry_run: bool,
    /// Takes the good rows though others are wrong.
    #[serde(default)]
    take_good: bool,
    /// They get mail, and are still to come.
    #[serde(default)]
    invited: bool,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Export {
    #[serde(default)]
    format: FileFormat,
    /// Only those of these departments, with all below; all when empty.
    #[serde(default)]
    departments: Vec<DepartmentId>,
    /// Whose, by name; needed only from operators of several organisations.
    organisation: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum FileFormat {
    #[default]
    Csv,
    Xlsx,
}

impl From<FileFormat> for SheetFormat {
    fn from(format: FileFormat) -> Self {
        match format {
            FileFormat::Csv => Self::Csv,
            FileFormat::Xlsx => Self::Xlsx,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Template {
    #[serde(default)]
    format: FileFormat,
    /// In which language the columns are named.
    #[serde(default)]
    language: Language,
}

/// A file to keep, that the job `job` has made.
pub(crate) fn file(job: &str, format: SheetFormat, octets: impl IntoResponse) -> Response {
    let name = job.rsplit('-').next().unwrap_or(job);
    let (kind, end) = match format {
        SheetFormat::Csv => ("text/csv; charset=utf-8", "csv"),
        SheetFormat::Xlsx => (XLSX, "xlsx"),
    };
    let disposition = format!("attachment; filename=\"{name}.{end}\"");
    let mut response = octets.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    if let Ok(disposition) = HeaderValue::try_from(disposition) {
        headers.insert(header::CONTENT_DISPOSITION, disposition);
    }
    response
}

fn format_of(headers: &HeaderMap) -> Result<SheetFormat> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default();
    match kind.trim() {
        CSV => Ok(SheetFormat::Csv),
        XLSX => Ok(SheetFormat::Xlsx),
        _ => Err(Problem::invalid(format!("Content-Type: {CSV} or {XLSX}"))),
    }
}

/// All of a file, unless it is too large.
fn whole(caller: &Caller, octets: Result<Bytes, BytesRejection>) -> Result<Bytes> {
    octets.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Problem::too_large("file_octets_max", caller.tasks.options().file_octets_max as u64)
        }
        _ => Problem::invalid(rejection.body_text()),
    })
}

/// Takes members from a file in the form of the template, as a task. All rows are looked over before any is taken.
#[utoipa::path(post, path = "/api/imports/members", params(Import), request_body(content((String = "text/csv"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))), responses((status = 202, body = Task), Failure))]
pub(crate) async fn import(
    caller: Caller,
    Asked(query): Asked<Import>,
    headers: HeaderMap,
    octets: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<Task>)> {
    let (tenant, reach) = caller
        .within(Action::ChangeMembers, query.organisation.as_deref())
        .await?;
    if reach != Reach::Organisation {
        let detail = "a file names departments: it is for administrators of the whole organisation";
        return Err(Problem::forbidden(detail));
    }
    let format = format_of(&headers)?;
    let octets = whole(&caller, octets)?;
    if let Some(department) = query.department {
        caller.directory.department(tenant, department).await?;
    }
    let import = ImportMembers {
        head: Vec::new(),
        domain: query.domain,
        department: query.department.map(|department| department.0),
        dry_run: query.dry_run,
        take_good: query.take_good,
        invited: query.invited,
    };
    let author = caller.actor.author();
    let begun = caller.tasks.import_members(tenant, author, import, format, octets);
    Ok((StatusCode::ACCEPTED, Json(view(&begun.await?))))
}

/// Writes members into a file in the form of the template, as a task.
#[utoipa::path(post, path = "/api/exports/members", request_body = Export, responses((status = 202, body = Task), Failure))]
pub(crate) async fn export(caller: Caller, Body(asked): Body<Export>) -> Result<(StatusCode, Json<Task>)> {
    let (tenant, reach) = caller
        .within(Action::ReadMembers, asked.organisation.as_deref())
        .await?;
    if reach != Reach::Organisation && asked.departments.is_empty() {
        return Err(Problem::invalid("departments: say which of yours"));
    }
    check_departments(&caller, Action::ReadMembers, tenant, &asked.departments).await?;
    for department in &asked.departments {
        caller.directory.department(tenant, *department).await?;
    }
    let export = ExportMembers {
        format: asked.format.into(),
        departments: asked.departments,
    };
    let begun = caller.tasks.export_members(tenant, caller.actor.author(), export);
    Ok((StatusCode::ACCEPTED, Json(view(&begun.await?))))
}

/// An empty file with the names of the columns.
#[utoipa::path(get, path = "/api/imports/members/template", params(Template), responses((status = 200, description = "The file", content((String = "text/csv"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))), Failure))]
pub(crate) async fn blank(_: Caller, Asked(query): Asked<Template>) -> Result<Response> {
    let format = SheetFormat::from(query.format);
    let octets = template(query.language == Language::Chinese).write(format);
    Ok(file("members", format, octets.map_err(TaskError::from)?))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct GroupImport {
    /// Whose, by name; needed only from operators of several organisations.
    organisation: Option<String>,
    /// The domain of addresses that name none.
    domain: Option<String>,
    /// Only looks the file over.
    #[serde(default)]
    dry_run: bool,
    /// Takes the good rows though others are wrong.
    #[serde(default)]
    take_good: bool,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GroupExport {
    #[serde(default)]
    format: FileFormat,
    /// Whose, by name; needed only from operators of several organisations.
    organisation: Option<String>,
}

/// The organisation whose groups a file is about: all of them, so it takes a right over the whole organisation.
async fn groups_of(caller: &Caller, action: Action, name: Option<&str>) -> Result<hongyan_types::TenantId> {
    match caller.within(action, name).await? {
        (tenant, Reach::Organisation) => Ok(tenant),
        (_, Reach::Departments(_)) => {
            let detail = "a file holds groups of the whole organisation: it is for administrators of all of it";
            Err(Problem::forbidden(detail))
        }
    }
}

/// Takes groups from a file in the form of the template, as a task. All rows are looked over before any is taken.
#[utoipa::path(post, path = "/api/imports/groups", params(GroupImport), request_body(content((String = "text/csv"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))), responses((status = 202, body = Task), Failure))]
pub(crate) async fn import_groups(
    caller: Caller,
    Asked(query): Asked<GroupImport>,
    headers: HeaderMap,
    octets: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<Task>)> {
    let tenant = groups_of(&caller, Action::ChangeGroups, query.organisation.as_deref()).await?;
    let format = format_of(&headers)?;
    let octets = whole(&caller, octets)?;
    let import = ImportGroups {
        head: Vec::new(),
        domain: query.domain,
        dry_run: query.dry_run,
        take_good: query.take_good,
    };
    let author = caller.actor.author();
    let begun = caller.tasks.import_groups(tenant, author, import, format, octets);
    Ok((StatusCode::ACCEPTED, Json(view(&begun.await?))))
}

/// Writes groups into a file in the form of the template, as a task.
#[utoipa::path(post, path = "/api/exports/groups", request_body = GroupExport, responses((status = 202, body = Task), Failure))]
pub(crate) async fn export_groups(caller: Caller, Body(asked): Body<GroupExport>) -> Result<(StatusCode, Json<Task>)> {
    let tenant = groups_of(&caller, Action::ReadGroups, asked.organisation.as_deref()).await?;
    let author = caller.actor.author();
    let begun = caller.tasks.export_groups(tenant, author, asked.format.into());
    Ok((StatusCode::ACCEPTED, Json(view(&begun.await?))))
}

/// An empty file with the names of the columns of groups.
#[utoipa::path(get, path = "/api/imports/groups/template", params(Template), responses((status = 200, description = "The file", content((String = "text/csv"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))), Failure))]
pub(crate) async fn blank_groups(_: Caller, Asked(query): Asked<Template>) -> Result<Response> {
    let format = SheetFormat::from(query.format);
    let octets = group_template(query.language == Language::Chinese).write(format);
    Ok(file("groups", format, octets.map_err(TaskError::from)?))
}
