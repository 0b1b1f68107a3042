use serde_json::json;

use super::*;
use crate::{ENTERPRISE_USER, GROUP, USER};

fn user() -> Object {
    let user = json!({
        "id": "7",
        "userName": "anna@acme.test",
        "displayName": "Anna",
        "title": "Engineer",
        "name": {"givenName": "Anna", "familyName": "Lee"},
        "emails": [
            {"value": "anna@acme.test", "type": "work", "primary": true},
            {"value": "al@acme.test", "type": "other"},
        ],
        ENTERPRISE_USER.id: {"department": "Research"},
    });
    user.as_object().unwrap().clone()
}

fn patched(kind: &ResourceType, resource: Object, operations: Value) -> Result<Object, ScimError> {
    let mut resource = resource;
    let sent = json!({"schemas": [SCHEMA], "Operations": operations});
    PatchRequest::read(&sent)?.apply(kind, &mut resource)?;
    Ok(resource)
}

fn refused(operations: Value, expect: ScimType) {
    let mut resource = user();
    let sent = json!({"schemas": [SCHEMA], "Operations": operations});
    let outcome = PatchRequest::read(&sent).and_then(|patch| patch.apply(&USER, &mut resource));
    assert_eq!(outcome.unwrap_err().scim_type, Some(expect), "{sent}");
    assert_eq!(resource, user(), "what is refused has changed nothing");
}

#[test]
fn org_14_patches_change_what_they_name() {
    let after = patched(
        &USER,
        user(),
        json!([
            {"op": "Replace", "path": "displayName", "value": "Anna Lee"},
            {"op": "remove", "path": "title"},
            {"op": "add", "path": "name.familyName", "value": "Lee-Wang"},
            {"op": "add", "path": "phoneNumbers[type eq \"work\"].value", "value": "123456"},
            {"op": "replace", "path": "emails[value eq \"al@acme.test\"].type", "value": "home"},
            {"op": "add", "value": {"nickName": "Al", "active": "True", "nothing known": 1}},
            {"op": "replace", "path": format!("{}:department", ENTERPRISE_USER.id), "value": "Sales"},
            {"op": "add", "value": {format!("{}:employeeNumber", ENTERPRISE_USER.id): "E1"}},
        ]),
    )
    .unwrap();
    let expect = json!({
        "id": "7",
        "userName": "anna@acme.test",
        "displayName": "Anna Lee",
        "nickName": "Al",
        "active": true,
        "name": {"givenName": "Anna", "familyName": "Lee-Wang"},
        "emails": [
            {"value": "anna@acme.test", "type": "work", "primary": true},
            {"value": "al@acme.test", "type": "home"},
        ],
        "phoneNumbers": [{"type": "work", "value": "123456"}],
        ENTERPRISE_USER.id: {"department": "Sales", "employeeNumber": "E1"},
    });
    assert_eq!(Value::Object(after), expect);
}

#[test]
fn org_14_lists_grow_and_shrink() {
    let group = json!({"displayName": "All", "members": [{"value": "1"}, {"value": "2"}]});
    let group = group.as_object().unwrap().clone();
    let members = |operations: Value| {
        let after = patched(&GROUP, group.clone(), operations).unwrap();
        let members = after
            .get("members")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        members
            .iter()
            .map(|one| one["value"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let add = json!([{"op": "add", "path": "members", "value": [{"value": "2"}, {"value": "3", "display": "x"}]}]);
    assert_eq!(members(add), ["1", "2", "3"]);
    assert_eq!(
        members(json!([{"op": "remove", "path": "members[value eq \"1\"]"}])),
        ["2"]
    );
    let named = json!([{"op": "remove", "path": "members", "value": [{"value": "2", "type": "User"}]}]);
    assert_eq!(members(named), ["1"]);
    assert!(members(json!([{"op": "remove", "path": "members"}])).is_empty());
    assert_eq!(
        members(json!([{"op": "replace", "path": "members", "value": [{"value": "9"}]}])),
        ["9"]
    );
    let after = patched(
        &USER,
        user(),
        json!([{"op": "add", "path": "emails", "value": {"value": "z@acme.test", "primary": true}}]),
    );
    assert_eq!(
        after.unwrap()["emails"][0]["primary"],
        Value::Null,
        "the new one takes it"
    );
}

#[test]
fn org_14_patches_that_contradict_change_nothing() {
    let rename = json!({"op": "replace", "path": "displayName", "value": "B"});
    refused(json!([rename, {"op": "remove"}]), ScimType::NoTarget);
    refused(
        json!([rename, {"op": "remove", "path": "userName"}]),
        ScimType::Mutability,
    );
    refused(
        json!([rename, {"op": "replace", "path": "userName", "value": "b@acme.test"}]),
        ScimType::Mutability,
    );
    refused(
        json!([rename, {"op": "replace", "path": "id", "value": "8"}]),
        ScimType::Mutability,
    );
    refused(
        json!([rename, {"op": "replace", "path": "meta.created", "value": "x"}]),
        ScimType::Mutability,
    );
    refused(
        json!([rename, {"op": "add", "path": "groups", "value": [{"value": "1"}]}]),
        ScimType::Mutability,
    );
    refused(
        json!([rename, {"op": "replace", "path": "emails[type eq \"fax\"].value", "value": "x"}]),
        ScimType::NoTarget,
    );
    refused(
        json!([rename, {"op": "remove", "path": "emails[type eq \"fax\"]"}]),
        ScimType::NoTarget,
    );
    refused(
        json!([rename, {"op": "add", "path": "title[value eq \"x\"]", "value": "x"}]),
        ScimType::InvalidPath,
    );
    refused(
        json!([rename, {"op": "add", "path": "nobody", "value": "x"}]),
        ScimType::InvalidPath,
    );
    refused(
        json!([rename, {"op": "add", "path": "emails[", "value": "x"}]),
        ScimType::InvalidPath,
    );
    refused(
        json!([rename, {"op": "add", "path": "emails[type eq \"work\"]x", "value": "x"}]),
        ScimType::InvalidPath,
    );
    refused(
        json!([rename, {"op": "replace", "path": "active", "value": "maybe"}]),
        ScimType::InvalidValue,
    );
    refused(json!([rename, {"op": "replace", "value": "x"}]), ScimType::InvalidValue);
    refused(
        json!([rename, {"op": "move", "path": "title"}]),
        ScimType::InvalidSyntax,
    );
    refused(json!([]), ScimType::InvalidSyntax);
    let two = json!([
        {"value": "a@acme.test", "primary": true},
        {"value": "b@acme.test", "primary": true},
    ]);
    refused(
        json!([rename, {"op": "replace", "path": "emails", "value": two}]),
        ScimType::InvalidValue,
    );
    refused(
        json!([rename, {"op": "remove", "path": "emails[type eq \"work\"].value"}]),
        ScimType::InvalidValue,
    );
}

#[test]
fn org_14_whole_resources_are_read_by_their_schema() {
    let sent = json!({
        "schemas": [USER.schema.id],
        "USERNAME": "a@b.test",
        "id": "99",
        "meta": {"version": "x"},
        "title": null,
        "emails": [],
        "favouriteColour": "blue",
        "name": {"givenName": "A", "middleName": "B"},
    });
    let read = USER.read(&sent).unwrap();
    assert_eq!(
        Value::Object(read),
        json!({"userName": "a@b.test", "name": {"givenName": "A"}})
    );
    for wrong in [
        json!([]),
        json!({"userName": "a@b.test"}),
        json!({"schemas": [USER.schema.id]}),
        json!({"schemas": [USER.schema.id], "userName": 5}),
        json!({"schemas": [USER.schema.id], "userName": "a", "username": "b"}),
        json!({"schemas": [USER.schema.id], "userName": "a", "emails": {"value": "x"}}),
    ] {
        assert_eq!(USER.read(&wrong).unwrap_err().status, 400, "{wrong}");
    }
}

#[test]
fn org_14_answers_have_what_is_asked_for() {
    let cut = |wanted: &str, unwanted: &str| {
        let selection = crate::Selection::read(wanted.split(','), unwanted.split(',')).unwrap();
        let mut resource = user();
        resource.insert("password".to_owned(), "secret".into());
        resource.insert("groups".to_owned(), json!([{"value": "1"}]));
        selection.cut(&USER, &mut resource);
        resource.keys().cloned().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(
        cut("", ""),
        format!("displayName emails id name title {} userName", ENTERPRISE_USER.id)
    );
    assert_eq!(cut("userName,groups", ""), "groups id userName");
    assert_eq!(
        cut("", "emails,name,id"),
        format!("displayName id title {} userName", ENTERPRISE_USER.id)
    );
    assert_eq!(cut(ENTERPRISE_USER.id, ""), format!("id {}", ENTERPRISE_USER.id));
    assert!(crate::Selection::read(["a"].into_iter(), ["b"].into_iter()).is_err());
}
