//! One operation on one resource, over HTTP or as part of a bulk request.

use axum::extract::Path;
use axum::extract::RawQuery;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use hongyan_access::permission::Action;
use hongyan_directory::AccountRecord;
use hongyan_scim::{GROUP, Object, PatchRequest, ResourceType, ScimError, Search, Selection, USER};
use serde_json::{Value, json};

use crate::answer::{self, Result};
use crate::asker::{Asker, Sent};
use crate::list::search_of;
use crate::{ScimParts, group, user};

/// What was made or changed.
pub(crate) struct Done {
    pub(crate) status: u16,
    pub(crate) kind: &'static ResourceType,
    pub(crate) resource: Object,
    pub(crate) version: String,
    pub(crate) location: String,
}

impl Done {
    pub(crate) async fn user(asker: &Asker, account: &AccountRecord, status: u16) -> Result<Self> {
        let names = user::Names::read(asker).await?;
        Ok(Self {
            status,
            kind: &USER,
            resource: names.show(account),
            version: user::version(account),
            location: names.location(account),
        })
    }

    fn response(mut self, selection: &Selection) -> Response {
        selection.cut(self.kind, &mut self.resource);
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK);
        answer::resource(status, self.resource, &self.version, &self.location)
    }
}

/// How a resource is to change.
pub(crate) enum Edit {
    /// As these operations say.
    Patch(PatchRequest),
    /// To what this describes.
    Put(Object),
}

impl Edit {
    pub(crate) fn patch(sent: &Value) -> Result<Self> {
        Ok(Self::Patch(PatchRequest::read(sent)?))
    }
    pub(crate) fn put(kind: &ResourceType, sent: &Value) -> Result<Self> {
        Ok(Self::Put(kind.read(sent)?))
    }

    /// What a resource becomes. What a description does not assert of whether the member is active, of addresses, members
    /// and department stays (RFC 7644 §3.5.1).
    pub(crate) fn apply(&self, kind: &ResourceType, before: &Object) -> Result<Object> {
        match self {
            Self::Patch(patch) => {
                let mut after = before.clone();
                patch.apply(kind, &mut after)?;
                Ok(after)
            }
            Self::Put(after) => {
                let mut after = after.clone();
                for name in ["active", "emails"] {
                    if let (Some(value), false) = (before.get(name), after.contains_key(name)) {
                        after.insert(name.to_owned(), value.clone());
                    }
                }
                let id = kind.extension.id;
                if let (Some(extension), false) = (before.get(id), after.contains_key(id)) {
                    after.insert(id.to_owned(), extension.clone());
                }
                keep_immutable(kind, before, &mut after);
                kind.check_kept(before, &after)?;
                Ok(after)
            }
        }
    }
}

/// What cannot change and is not said stays.
fn keep_immutable(kind: &ResourceType, before: &Object, after: &mut Object) {
    let id = kind.extension.id;
    for attribute in kind.extension.attributes {
        if attribute.mutability != hongyan_scim::Mutability::Immutable {
            continue;
        }
        let old = before
            .get(id)
            .and_then(|extension| extension.get(attribute.name))
            .cloned();
        if let (Some(old), Some(Value::Object(new))) = (old, after.get_mut(id)) {
            new.entry(attribute.name).or_insert(old);
        }
    }
}

/// The version that a resource must still have; nothing for any.
fn expected(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::IF_MATCH)?.to_str().ok()?.trim();
    (value != "*").then(|| weak(value))
}

/// Versions are weak ones, however they are written.
pub(crate) fn weak(version: &str) -> String {
    match version.strip_prefix("W/") {
        Some(_) => version.to_owned(),
        None if version.starts_with('"') => format!("W/{version}"),
        None => format!("W/\"{version}\""),
    }
}

fn selection(query: Option<&str>) -> Result<Selection> {
    let Search { selection, .. } = search_of(query)?;
    Ok(selection)
}

type Query = RawQuery;

pub(crate) async fn make_user(asker: Asker, RawQuery(query): Query, Sent(sent): Sent) -> Result<Response> {
    asker.check_change()?;
    let selection = selection(query.as_deref())?;
    Ok(user::make(&asker, &USER.read(&sent)?).await?.response(&selection))
}

pub(crate) async fn make_group(asker: Asker, RawQuery(query): Query, Sent(sent): Sent) -> Result<Response> {
    asker.check_change()?;
    let selection = selection(query.as_deref())?;
    Ok(group::make(&asker, &GROUP.read(&sent)?).await?.response(&selection))
}

pub(crate) fn user_methods() -> MethodRouter<ScimParts> {
    get(show_user).put(put_user).patch(patch_user).delete(remove_user)
}

pub(crate) fn group_methods() -> MethodRouter<ScimParts> {
    get(show_group).put(put_group).patch(patch_group).delete(remove_group)
}

/// A resource, unless the asker has it as it is.
fn shown(done: Done, headers: &HeaderMap, selection: &Selection) -> Response {
    let known = headers.get(header::IF_NONE_MATCH).and_then(|known| known.to_str().ok());
    let is_known =
        known.is_some_and(|known| known == "*" || known.split(',').any(|one| weak(one.trim()) == done.version));
    if is_known {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, done.version)]).into_response();
    }
    done.response(selection)
}

async fn show_user(
    asker: Asker,
    Path(id): Path<String>,
    RawQuery(query): Query,
    headers: HeaderMap,
) -> Result<Response> {
    let selection = selection(query.as_deref())?;
    let account = asker.member(Action::ReadMembers, &id).await?;
    let mut done = Done::user(&asker, &account, 200).await?;
    if selection.wants(&USER, "groups") {
        let groups = group::of_members(&asker, std::slice::from_ref(&account)).await?;
        let groups = groups.into_iter().map(|groups| ("groups".to_owned(), groups));
        done.resource.extend(groups);
    }
    Ok(shown(done, &headers, &selection))
}

async fn show_group(
    asker: Asker,
    Path(id): Path<String>,
    RawQuery(query): Query,
    headers: HeaderMap,
) -> Result<Response> {
    let selection = selection(query.as_deref())?;
    Ok(shown(group::show(&asker, &id).await?, &headers, &selection))
}

async fn put_user(
    asker: Asker,
    Path(id): Path<String>,
    RawQuery(query): Query,
    headers: HeaderMap,
    Sent(sent): Sent,
) -> Result<Response> {
    asker.check_change()?;
    let (selection, edit) = (selection(query.as_deref())?, Edit::put(&USER, &sent)?);
    let done = user::change(&asker, &id, &edit, expected(&headers).as_deref()).await?;
    Ok(done.response(&selection))
}

async fn patch_user(
    asker: Asker,
    Path(id): Path<String>,
    RawQuery(query): Query,
    headers: HeaderMap,
    Sent(sent): Sent,
) -> Result<Response> {
    asker.check_change()?;
    let (selection, edit) = (selection(query.as_deref())?, Edit::patch(&sent)?);
    let done = user::change(&asker, &id, &edit, expected(&headers).as_deref()).await?;
    Ok(done.response(&selection))
}

async fn remove_user(asker: Asker, Path(id): Path<String>, headers: HeaderMap) -> Result<StatusCode> {
    asker.check_change()?;
    user::remove(&asker, &id, expected(&headers).as_deref()).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn put_group(
    asker: Asker,
    Path(id): Path<String>,
    RawQuery(query): Query,
    headers: HeaderMap,
    Sent(sent): Sent,
) -> Result<Response> {
    asker.check_change()?;
    let (selection, edit) = (selection(query.as_deref())?, Edit::put(&GROUP, &sent)?);
    let done = group::change(&asker, &id, &edit, expected(&headers).as_deref()).await?;
    Ok(done.response(&selection))
}

async fn patch_group(
    asker: Asker,
    Path(id): Path<String>,
    RawQuery(query): Query,
    headers: HeaderMap,
    Sent(sent): Sent,
) -> Result<Response> {
    asker.check_change()?;
    let (selection, edit) = (selection(query.as_deref())?, Edit::patch(&sent)?);
    let done = group::change(&asker, &id, &edit, expected(&headers).as_deref()).await?;
    Ok(done.response(&selection))
}

async fn remove_group(asker: Asker, Path(id): Path<String>, headers: HeaderMap) -> Result<StatusCode> {
    asker.check_change()?;
    group::remove(&asker, &id, expected(&headers).as_deref()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// One operation of a bulk request: what it did, and the identifier of what it made.
pub(crate) async fn carry_out(
    asker: &Asker,
    operation: &hongyan_scim::BulkOperation,
) -> Result<(Value, Option<String>)> {
    use hongyan_scim::BulkMethod::{Delete, Patch, Post, Put};
    let path = operation.path.trim_start_matches('/');
    let (kind, id) = match path.split_once('/') {
        Some((kind, id)) => (kind, Some(id)),
        None => (path, None),
    };
    let version = operation.version.as_deref().map(weak);
    let (expect, data) = (version.as_deref(), &operation.data);
    let done = match (kind, operation.method, id) {
        ("Users", Post, None) => user::make(asker, &USER.read(data)?).await?,
        ("Users", Put, Some(id)) => user::change(asker, id, &Edit::put(&USER, data)?, expect).await?,
        ("Users", Patch, Some(id)) => user::change(asker, id, &Edit::patch(data)?, expect).await?,
        ("Groups", Post, None) => group::make(asker, &GROUP.read(data)?).await?,
        ("Groups", Put, Some(id)) => group::change(asker, id, &Edit::put(&GROUP, data)?, expect).await?,
        ("Groups", Patch, Some(id)) => group::change(asker, id, &Edit::patch(data)?, expect).await?,
        ("Users", Delete, Some(id)) => {
            user::remove(asker, id, expect).await?;
            return Ok((gone(asker, path), None));
        }
        ("Groups", Delete, Some(id)) => {
            group::remove(asker, id, expect).await?;
            return Ok((gone(asker, path), None));
        }
        _ => {
            let detail = format!("{} cannot be done to /{path}", operation.method.name());
            return Err(ScimError::not_found(detail).into());
        }
    };
    let id = done.resource.get("id").and_then(Value::as_str).map(str::to_owned);
    let told = json!({
        "location": done.location,
        "version": done.version,
        "status": done.status.to_string(),
    });
    Ok((told, id))
}

fn gone(asker: &Asker, path: &str) -> Value {
    json!({"location": format!("{}/{path}", asker.base()), "status": "204"})
}
