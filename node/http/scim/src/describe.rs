//! What the service can do (RFC 7644 §4), for every program that shows a token.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use hongyan_scim::{GROUP, Object, ResourceType, ScimError, USER, all_schemas, list_answer};
use serde_json::{Value, json};

use crate::answer::{Result, json as answer};
use crate::asker::{Asker, BODY_OCTETS_MAX};

/// Most resources on a page.
pub(crate) const RESULTS_MAX: usize = 1_000;
/// Most operations of a bulk request.
pub(crate) const OPERATIONS_MAX: usize = 1_000;

/// The types of resources.
const TYPES: [&ResourceType; 2] = [&USER, &GROUP];

pub(crate) async fn service(asker: Asker) -> Response {
    let described = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": {"supported": true},
        "bulk": {"supported": true, "maxOperations": OPERATIONS_MAX, "maxPayloadSize": BODY_OCTETS_MAX},
        "filter": {"supported": true, "maxResults": RESULTS_MAX},
        "changePassword": {"supported": true},
        "sort": {"supported": false},
        "etag": {"supported": true},
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "Token",
            "description": "A token of the API with the scope scim:read or scim:write, as a bearer token.",
            "primary": true,
        }],
        "meta": {
            "resourceType": "ServiceProviderConfig",
            "location": format!("{}/ServiceProviderConfig", asker.base()),
        },
    });
    answer(StatusCode::OK, &described)
}

fn listed(all: Vec<Value>) -> Response {
    let all: Vec<Object> = all.into_iter().filter_map(|one| one.as_object().cloned()).collect();
    let total = all.len();
    answer(StatusCode::OK, &list_answer(all, total, 1))
}

fn one(found: Option<Value>, what: &str, id: &str) -> Result<Response> {
    let found = found.ok_or_else(|| ScimError::not_found(format!("there is no {what} {id}")))?;
    Ok(answer(StatusCode::OK, &found))
}

pub(crate) async fn schemas(asker: Asker) -> Response {
    let base = asker.base();
    listed(all_schemas().iter().map(|schema| schema.describe(&base)).collect())
}

pub(crate) async fn schema(asker: Asker, Path(id): Path<String>) -> Result<Response> {
    let all = all_schemas();
    let found = all.iter().find(|schema| schema.id.eq_ignore_ascii_case(&id));
    one(found.map(|schema| schema.describe(&asker.base())), "schema", &id)
}

pub(crate) async fn resource_types(asker: Asker) -> Response {
    let base = asker.base();
    listed(TYPES.iter().map(|kind| kind.describe(&base)).collect())
}

pub(crate) async fn resource_type(asker: Asker, Path(id): Path<String>) -> Result<Response> {
    let found = TYPES.iter().find(|kind| kind.name.eq_ignore_ascii_case(&id));
    one(found.map(|kind| kind.describe(&asker.base())), "resource type", &id)
}
