//! The service from outside, over its router (ORG-14).

use std::collections::BTreeSet;

use axum::Extension;
use axum::body::Body;
use axum::http::Request;
use hongyan_access::permission::{Actor, TokenScopes};
use hongyan_access::{Access, AccessOptions};
use hongyan_directory::{Directory, DirectoryOptions, NewAccount, NewTenant, Role};
use hongyan_env::Env;
use hongyan_http_scim::{ScimParts, open_routes, routes};
use hongyan_kv::Database;
use hongyan_memory::MemoryStore;
use hongyan_types::{AccountId, Address, Domain, TenantId};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const MAIL_GROUP: &str = "urn:hongyan:params:scim:schemas:extension:1.0:Group";

struct Service {
    directory: Directory,
    parts: ScimParts,
    tenant: TenantId,
    boss: AccountId,
}

impl Service {
    async fn start() -> Self {
        let (env, _) = Env::manual(1);
        let database = Database::new(MemoryStore::default());
        let directory = Directory::new(database.clone(), env.clone(), DirectoryOptions::default());
        let options = AccessOptions {
            argon2_memory_kib: 64,
            argon2_passes: 1,
            ..AccessOptions::default()
        };
        let access = Access::open(directory.clone(), &database, env, options).await.unwrap();
        let mut found = Vec::new();
        for (name, domain) in [("Acme", "acme.test"), ("Other", "other.test")] {
            let tenant = directory.create_tenant(&NewTenant::named(name)).await.unwrap().id;
            let domain = Domain::try_from(domain).unwrap();
            directory.create_domain(tenant, &domain).await.unwrap();
            let boss = NewAccount {
                administrator: true,
                ..NewAccount::at(Address::try_from(format!("boss@{domain}").as_str()).unwrap())
            };
            found.push((tenant, directory.create_account(&boss).await.unwrap().id));
        }
        let (tenant, boss) = found[0];
        Self {
            parts: ScimParts {
                directory: directory.clone(),
                access,
                origin: "https://mail.acme.test".to_owned(),
            },
            directory,
            tenant,
            boss,
        }
    }

    async fn call_as(&self, scope: &str, method: &str, path: &str, body: Value, headers: &[(&str, &str)]) -> Answer {
        let boss = self.directory.account(self.boss).await.unwrap().unwrap();
        let scopes = TokenScopes {
            token: 1,
            scopes: BTreeSet::from([scope.to_owned()]),
        };
        let actor = Actor::member(&boss, None, Some(scopes));
        let service = open_routes(self.parts.clone()).layer(Extension(actor));
        let mut request = Request::builder().method(method).uri(format!("/scim/v2{path}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = match body {
            Value::Null => Body::empty(),
            body => Body::from(body.to_string()),
        };
        let request = request
            .header("content-type", "application/scim+json")
            .body(body)
            .unwrap();
        answer(service.oneshot(request).await.unwrap()).await
    }

    async fn call(&self, method: &str, path: &str, body: Value) -> Answer {
        self.call_as("scim:write", method, path, body, &[]).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, Value::Null).await
    }

    async fn patch(&self, path: &str, operations: Value) -> Answer {
        let schema = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
        self.call("PATCH", path, json!({"schemas": [schema], "Operations": operations}))
            .await
    }

    async fn make(&self, name: &str) -> String {
        let user = json!({"schemas": [USER], "userName": name});
        let made = self.call("POST", "/Users", user).await;
        assert_eq!(made.status, 201, "{}", made.body);
        made.body["id"].as_str().unwrap().to_owned()
    }
}

struct Answer {
    status: u16,
    body: Value,
    version: String,
}

async fn answer(response: axum::response::Response) -> Answer {
    let status = response.status().as_u16();
    if status != 204 && status != 304 {
        assert_eq!(response.headers()["content-type"], "application/scim+json");
    }
    let version = response
        .headers()
        .get("etag")
        .map(|etag| etag.to_str().unwrap().to_owned());
    let octets = response.into_body().collect().await.unwrap().to_bytes();
    let body: Value = serde_json::from_slice(&octets).unwrap_or_default();
    if status >= 400 {
        assert_eq!(body["status"], status.to_string());
        assert_eq!(body["schemas"][0], "urn:ietf:params:scim:api:messages:2.0:Error");
    }
    Answer {
        status,
        body,
        version: version.unwrap_or_default(),
    }
}

fn said(answer: &Answer) -> (u16, &str) {
    (answer.status, answer.body["scimType"].as_str().unwrap_or_default())
}

#[tokio::test]
async fn org_14_a_user_is_made_changed_and_removed() {
    let service = Service::start().await;
    let user = json!({
        "schemas": [USER, ENTERPRISE],
        "userName": "anna@acme.test",
        "externalId": "A-1",
        "name": {"givenName": "Anna", "familyName": "Lee"},
        "title": "Engineer",
        "password": "Correct-horse7",
        "emails": [
            {"value": "anna@acme.test", "type": "work", "primary": true},
            {"value": "al@acme.test"},
            {"value": "anna@far.test", "type": "home"},
        ],
        "phoneNumbers": [{"value": "+86 138 0000 0000", "type": "mobile"}, {"value": "1", "type": "fax"}],
        "locale": "de-DE",
        ENTERPRISE: {"department": "Research/Web team", "employeeNumber": "E17"},
    });
    let made = service.call("POST", "/Users", user.clone()).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let body = &made.body;
    let id = body["id"].as_str().unwrap();
    assert_eq!(body["displayName"], "Anna Lee");
    assert_eq!(body["active"], true);
    assert_eq!(body["password"], Value::Null);
    assert_eq!(body["locale"], Value::Null, "what is not kept is not told of");
    assert_eq!(body["emails"][1], json!({"value": "al@acme.test", "type": "other"}));
    assert_eq!(body["emails"][2], json!({"value": "anna@far.test", "type": "home"}));
    assert_eq!(
        body["phoneNumbers"],
        json!([{"value": "+8613800000000", "type": "mobile"}])
    );
    assert_eq!(body[ENTERPRISE]["department"], "Research/Web team");
    assert_eq!(body[ENTERPRISE]["organization"], "Acme");
    assert_eq!(
        body["meta"]["location"],
        format!("https://mail.acme.test/scim/v2/Users/{id}")
    );
    assert_eq!(body["meta"]["version"], made.version);
    assert_eq!(said(&service.call("POST", "/Users", user).await), (409, "uniqueness"));
    let same = json!({"schemas": [USER], "userName": "b@acme.test", "externalId": "A-1"});
    assert_eq!(said(&service.call("POST", "/Users", same).await), (409, "uniqueness"));

    let path = format!("/Users/{id}");
    let changed = service
        .patch(
            &path,
            json!([
                {"op": "Replace", "path": "active", "value": "False"},
                {"op": "replace", "path": format!("{ENTERPRISE}:department"), "value": "Sales"},
                {"op": "remove", "path": "emails[value eq \"al@acme.test\"]"},
            ]),
        )
        .await;
    assert_eq!(changed.status, 200, "{}", changed.body);
    assert_eq!(
        (&changed.body["active"], &changed.body[ENTERPRISE]["department"]),
        (&json!(false), &json!("Sales"))
    );
    assert_eq!(changed.body["emails"].as_array().unwrap().len(), 2);
    assert_ne!(changed.version, made.version);
    let address = Address::try_from("anna@acme.test").unwrap();
    let account = service.directory.account_at(&address).await.unwrap();
    assert_eq!(account.state, hongyan_directory::AccountState::Disabled);

    let put = json!({"schemas": [USER], "userName": "anna@acme.test", "displayName": "Anna", "active": true});
    let put = service.call("PUT", &path, put).await;
    assert_eq!(
        (put.status, &put.body["title"], &put.body["externalId"]),
        (200, &Value::Null, &Value::Null)
    );
    assert_eq!(
        put.body["emails"].as_array().unwrap().len(),
        2,
        "addresses that are not told of stay"
    );
    assert_eq!(put.body[ENTERPRISE]["department"], "Sales");
    let renamed = json!({"schemas": [USER], "userName": "ann@acme.test"});
    assert_eq!(said(&service.call("PUT", &path, renamed).await), (400, "mutability"));

    let boss = format!("/Users/u{}", service.boss.0);
    assert_eq!(
        service.call("DELETE", &boss, Value::Null).await.status,
        409,
        "the creator stays"
    );
    assert_eq!(service.call("DELETE", &path, Value::Null).await.status, 204);
    assert_eq!(service.get(&path).await.status, 404);
    assert!(
        service.directory.recycled_at(&address).await.is_ok(),
        "the mailbox is in the recycle bin"
    );
}

#[tokio::test]
async fn org_14_patches_that_contradict_leave_the_user_as_it_was() {
    let service = Service::start().await;
    let id = service.make("anna@acme.test").await;
    let path = format!("/Users/{id}");
    let before = service.get(&path).await;
    for (operations, expect) in [
        (
            json!([
                {"op": "replace", "path": "displayName", "value": "A"},
                {"op": "replace", "path": "name.formatted", "value": "B"},
            ]),
            (400, "invalidValue"),
        ),
        (
            json!([
                {"op": "replace", "path": format!("{ENTERPRISE}:department"), "value": "New"},
                {"op": "add", "path": "emails", "value": [{"value": "boss@acme.test"}]},
            ]),
            (409, "uniqueness"),
        ),
        (
            json!([
                {"op": "replace", "path": "title", "value": "Boss"},
                {"op": "add", "path": "emails", "value": [{"value": "x@acme.test", "primary": true}]},
            ]),
            (400, "mutability"),
        ),
        (
            json!([
                {"op": "replace", "path": "title", "value": "Boss"},
                {"op": "replace", "path": "password", "value": "short"},
            ]),
            (400, "invalidValue"),
        ),
        (
            json!([
                {"op": "replace", "path": "title", "value": "Boss"},
                {"op": "replace", "path": "nickName", "value": "Postmaster"},
            ]),
            (400, "invalidValue"),
        ),
        (
            json!([
                {"op": "replace", "path": "title", "value": "Boss"},
                {"op": "replace", "path": format!("{ENTERPRISE}:organization"), "value": "Mine"},
            ]),
            (400, "mutability"),
        ),
        (
            json!([
                {"op": "add", "path": "phoneNumbers", "value": [{"value": "12345", "type": "mobile"}]},
                {"op": "add", "path": "phoneNumbers", "value": [{"value": "67890", "type": "mobile"}]},
            ]),
            (400, "invalidValue"),
        ),
    ] {
        let refused = service.patch(&path, operations.clone()).await;
        assert_eq!(said(&refused), expect, "{operations}: {}", refused.body);
        assert_eq!(service.get(&path).await.body, before.body, "{operations}");
    }
    assert!(
        service.directory.departments(service.tenant).await.unwrap().is_empty(),
        "nothing is half done"
    );
}

#[tokio::test]
async fn org_14_others_are_not_there_and_readers_change_nothing() {
    let service = Service::start().await;
    let id = service.make("anna@acme.test").await;
    let other = service
        .directory
        .account_at(&Address::try_from("boss@other.test").unwrap())
        .await
        .unwrap();
    for id in [
        format!("u{}", other.id.0),
        "u999".to_owned(),
        "g1".to_owned(),
        "x".to_owned(),
        "u01".to_owned(),
    ] {
        let path = format!("/Users/{id}");
        assert_eq!(service.get(&path).await.status, 404, "{id}");
        assert_eq!(service.call("DELETE", &path, Value::Null).await.status, 404);
        let patched = service
            .patch(&path, json!([{"op": "replace", "path": "title", "value": "x"}]))
            .await;
        assert_eq!(patched.status, 404);
    }
    let theirs = json!({"schemas": [USER], "userName": "x@other.test"});
    assert_eq!(
        said(&service.call("POST", "/Users", theirs).await),
        (400, "invalidValue")
    );
    let path = format!("/Users/{id}");
    for (scope, status) in [("scim:read", 200), ("members:write", 403)] {
        assert_eq!(
            service.call_as(scope, "GET", &path, Value::Null, &[]).await.status,
            status
        );
        assert_eq!(
            service.call_as(scope, "DELETE", &path, Value::Null, &[]).await.status,
            403
        );
    }
    let nobody = Request::builder().uri("/scim/v2/Users").body(Body::empty()).unwrap();
    let refused = answer(routes(service.parts.clone()).oneshot(nobody).await.unwrap()).await;
    assert_eq!(refused.status, 401);
    assert_eq!(service.get("/Nothing").await.status, 404);
    assert_eq!(service.call("PUT", "/Users", json!({})).await.status, 405);
    assert_eq!(service.get("/Me").await.status, 501);
}

#[tokio::test]
async fn org_14_lists_have_filters_pages_and_selections() {
    let service = Service::start().await;
    for number in 0..5 {
        service.make(&format!("user{number}@acme.test")).await;
    }
    let all = service.get("/Users?startIndex=2&count=2").await.body;
    assert_eq!(
        (&all["totalResults"], &all["itemsPerPage"], &all["startIndex"]),
        (&json!(6), &json!(2), &json!(2))
    );
    assert_eq!(all["Resources"][0]["userName"], "user0@acme.test");
    let none = service.get("/Users?count=0").await.body;
    assert_eq!((&none["totalResults"], &none["Resources"]), (&json!(6), &json!([])));
    let found = async |filter: &str| {
        let filter = filter.replace(' ', "%20").replace('"', "%22");
        let body = service
            .get(&format!("/Users?filter={filter}&attributes=userName"))
            .await
            .body;
        body["totalResults"].as_u64().unwrap()
    };
    assert_eq!(found("userName eq \"USER3@acme.test\"").await, 1);
    assert_eq!(found("userName eq \"nobody@acme.test\"").await, 0);
    assert_eq!(
        found("userName eq \"boss@other.test\"").await,
        0,
        "others are not found"
    );
    assert_eq!(found("userName sw \"user\" and active eq true").await, 5);
    assert_eq!(found("not (userName sw \"user\")").await, 1);
    assert_eq!(found("emails[value eq \"user1@acme.test\"]").await, 1);
    assert_eq!(found("externalId eq \"x\"").await, 0);
    let chosen = service.get("/Users?attributes=userName&count=1").await.body;
    let keys: Vec<_> = chosen["Resources"][0].as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["id", "schemas", "userName"]);
    assert_eq!(
        said(&service.get("/Users?filter=userName%20is%20x").await),
        (400, "invalidFilter")
    );
    assert_eq!(
        said(&service.get("/Users?filter=nothing%20pr").await),
        (400, "invalidFilter")
    );
    let search = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
        "filter": "userName ew \"4@acme.test\"",
        "excludedAttributes": ["emails"],
    });
    let searched = service.call("POST", "/Users/.search", search.clone()).await.body;
    assert_eq!(
        (&searched["totalResults"], &searched["Resources"][0]["emails"]),
        (&json!(1), &Value::Null)
    );
    assert_eq!(service.call("POST", "/.search", search).await.body["totalResults"], 1);
}

#[tokio::test]
async fn org_14_who_is_named_is_found_by_any_name_within_reach() {
    let service = Service::start().await;
    for (number, department) in ["Research", "Sales", "Sales"].into_iter().enumerate() {
        let user = json!({
            "schemas": [USER, ENTERPRISE],
            "userName": format!("user{number}@acme.test"),
            "externalId": format!("X-{number}"),
            "emails": [
                {"value": format!("user{number}@acme.test"), "type": "work", "primary": true},
                {"value": "Family@Far.test", "type": "home"},
            ],
            ENTERPRISE: {"department": department},
        });
        let made = service.call("POST", "/Users", user).await;
        assert_eq!(made.status, 201, "{}", made.body);
    }
    let found = async |service: &Service, filter: &str| {
        let filter = filter.replace(' ', "%20").replace('"', "%22");
        let body = service.get(&format!("/Users?filter={filter}")).await.body;
        let users = body["Resources"].as_array().unwrap().iter();
        let names: Vec<String> = users
            .map(|user| user["userName"].as_str().unwrap().replace("@acme.test", ""))
            .collect();
        assert_eq!(body["totalResults"], names.len());
        names.join(" ")
    };
    for (filter, expect) in [
        ("emails.value eq \"FAMILY@far.test\"", "user0 user1 user2"),
        (
            "emails[type eq \"home\" and value eq \"family@far.test\"]",
            "user0 user1 user2",
        ),
        ("emails.value eq \"user0@acme.test\"", "user0"),
        ("emails eq \"nobody@far.test\"", ""),
        ("externalId eq \"X-1\"", "user1"),
        ("externalId eq \"x-1\"", ""),
        ("externalId eq \"X-1\" and userName eq \"user2@acme.test\"", ""),
        ("userName eq \"user2@acme.test\" and active eq true", "user2"),
        ("userName eq \"no address\"", ""),
    ] {
        assert_eq!(found(&service, filter).await, expect, "{filter}");
    }
    // Whoever manages Sales finds nobody of Research by knowing their names.
    let lead = Address::try_from("user2@acme.test").unwrap();
    let lead = service.directory.account_at(&lead).await.unwrap();
    let change = hongyan_directory::AccountChange {
        role: hongyan_directory::Field::Set(Some(Role::Delegated {
            functions: vec![hongyan_directory::Function::Members],
            departments: lead.departments.clone(),
        })),
        ..Default::default()
    };
    service.directory.change_account(lead.id, &change).await.unwrap();
    let lead = Service {
        boss: lead.id,
        ..service
    };
    for (filter, expect) in [
        ("emails.value eq \"family@far.test\"", "user1 user2"),
        ("userName eq \"user0@acme.test\"", ""),
        ("externalId eq \"X-0\"", ""),
        ("id eq \"u1\"", ""),
    ] {
        assert_eq!(found(&lead, filter).await, expect, "{filter}");
    }
}

#[tokio::test]
async fn org_14_pages_go_on_to_the_last_one_with_groups() {
    let service = Service::start().await;
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(service.make(&format!("user{number}@acme.test")).await);
    }
    let group = json!({"schemas": [GROUP], "displayName": "Team", "members": [{"value": ids[4]}]});
    assert_eq!(service.call("POST", "/Groups", group).await.status, 201);
    let page = service
        .get("/Users?startIndex=5&count=1000&attributes=groups")
        .await
        .body;
    assert_eq!(
        (&page["totalResults"], &page["itemsPerPage"], &page["startIndex"]),
        (&json!(6), &json!(2), &json!(5))
    );
    let groups = |number: usize| &page["Resources"][number]["groups"];
    assert_eq!(page["Resources"][0]["id"], json!(ids[3]));
    assert_eq!(groups(0).as_array().map_or(0, Vec::len), 0);
    assert_eq!(groups(1)[0]["display"], "Team");
    let behind = service.get("/Users?startIndex=7").await.body;
    assert_eq!((&behind["totalResults"], &behind["Resources"]), (&json!(6), &json!([])));
}

#[tokio::test]
async fn org_14_versions_keep_two_from_changing_one_user() {
    let service = Service::start().await;
    let id = service.make("anna@acme.test").await;
    let path = format!("/Users/{id}");
    let seen = service.get(&path).await;
    let known = service
        .call_as(
            "scim:read",
            "GET",
            &path,
            Value::Null,
            &[("if-none-match", &seen.version)],
        )
        .await;
    assert_eq!(known.status, 304);
    let patch = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "add", "path": "title", "value": "One"}],
    });
    let mine = [("if-match", seen.version.as_str())];
    let first = service
        .call_as("scim:write", "PATCH", &path, patch.clone(), &mine)
        .await;
    assert_eq!(first.status, 200);
    assert_eq!(
        service.call_as("scim:write", "PATCH", &path, patch, &mine).await.status,
        412
    );
    assert_eq!(
        service
            .call_as("scim:write", "DELETE", &path, Value::Null, &mine)
            .await
            .status,
        412
    );
}

#[tokio::test]
async fn grp_3_groups_have_members_by_identifier() {
    let service = Service::start().await;
    let (anna, ben) = (
        service.make("anna@acme.test").await,
        service.make("ben@acme.test").await,
    );
    let group = json!({
        "schemas": [GROUP],
        "displayName": "技术部",
        "externalId": "G-1",
        "members": [{"value": anna}, {"value": "partner@far.test"}],
    });
    let made = service.call("POST", "/Groups", group).await;
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(made.body[MAIL_GROUP]["address"], "jishubu@acme.test");
    let path = format!("/Groups/{}", made.body["id"].as_str().unwrap());
    let members = |body: &Value| {
        let members = body["members"].as_array().cloned().unwrap_or_default();
        members
            .iter()
            .map(|one| one["value"].as_str().unwrap().to_owned())
            .collect::<BTreeSet<_>>()
    };
    let changed = service
        .patch(
            &path,
            json!([
                {"op": "add", "path": "members", "value": [{"value": ben}]},
                {"op": "remove", "path": format!("members[value eq \"{anna}\"]")},
                {"op": "replace", "value": {"displayName": "Tech"}},
            ]),
        )
        .await;
    assert_eq!(changed.status, 200, "{}", changed.body);
    assert_eq!(
        members(&changed.body),
        BTreeSet::from([ben.clone(), "partner@far.test".to_owned()])
    );
    assert_eq!(changed.body["displayName"], "Tech");
    assert_ne!(changed.version, made.version);

    let refused = service
        .patch(
            &path,
            json!([
                {"op": "replace", "path": "displayName", "value": "Other"},
                {"op": "add", "path": "members", "value": [{"value": "u999"}]},
            ]),
        )
        .await;
    assert_eq!(said(&refused), (400, "invalidValue"));
    let moved = json!([{"op": "replace", "path": format!("{MAIL_GROUP}:address"), "value": "x@acme.test"}]);
    assert_eq!(said(&service.patch(&path, moved).await), (400, "mutability"));
    assert_eq!(
        service.get(&path).await.body,
        changed.body,
        "what is refused has changed nothing"
    );

    let outer = json!({"schemas": [GROUP], "displayName": "Outer", "members": [{"value": made.body["id"]}]});
    let outer = service.call("POST", "/Groups", outer).await;
    assert_eq!(outer.body["members"][0]["type"], "Group");
    let within = json!([{"op": "add", "path": "members", "value": [{"value": outer.body["id"]}]}]);
    assert_eq!(
        service.patch(&path, within).await.status,
        409,
        "no group is part of itself"
    );

    let found = async |filter: String| {
        let filter = filter.replace(' ', "%20").replace('"', "%22");
        let body = service
            .get(&format!("/Groups?filter={filter}&excludedAttributes=members"))
            .await
            .body;
        assert_eq!(body["Resources"][0]["members"], Value::Null);
        body["totalResults"].as_u64().unwrap()
    };
    assert_eq!(found("displayName eq \"tech\"".to_owned()).await, 1);
    assert_eq!(found("externalId eq \"G-1\"".to_owned()).await, 1);
    assert_eq!(found(format!("members[value eq \"{ben}\"]")).await, 1);
    assert_eq!(found(format!("members.value eq \"{anna}\"")).await, 0);
    let with_groups = service.get(&format!("/Users/{ben}?attributes=groups")).await.body;
    assert_eq!(with_groups["groups"][0]["display"], "Tech");
    assert_eq!(service.call("DELETE", &path, Value::Null).await.status, 204);
    assert_eq!(service.get(&path).await.status, 404);
}

#[tokio::test]
async fn org_14_bulk_operations_name_what_others_make() {
    let service = Service::start().await;
    let bulk = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [
            {"method": "POST", "path": "/Groups", "bulkId": "g", "data": {
                "schemas": [GROUP], "displayName": "Team", "members": [{"value": "bulkId:a"}],
            }},
            {"method": "POST", "path": "/Users", "bulkId": "a", "data": {"schemas": [USER], "userName": "anna@acme.test"}},
            {"method": "PATCH", "path": "/Users/bulkId:a", "data": {
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                "Operations": [{"op": "add", "path": "title", "value": "X"}],
            }},
            {"method": "DELETE", "path": "/Users/u999"},
            {"method": "DELETE", "path": "/Users/bulkId:nobody"},
        ],
    });
    let answer = service.call("POST", "/Bulk", bulk.clone()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let told: Vec<_> = answer.body["Operations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            format!(
                "{} {}",
                one["method"].as_str().unwrap(),
                one["status"].as_str().unwrap()
            )
        })
        .collect();
    assert_eq!(told, ["POST 201", "PATCH 200", "DELETE 404", "DELETE 409", "POST 201"]);
    let group = service.get("/Groups").await.body;
    assert_eq!(group["Resources"][0]["members"][0]["display"], "anna@acme.test");
    let mut few = bulk;
    few["failOnErrors"] = json!(1);
    let answer = service.call("POST", "/Bulk", few).await.body;
    assert_eq!(answer["Operations"].as_array().unwrap().len(), 1, "{answer}");
    assert_eq!(
        said(&service.call("POST", "/Bulk", json!({})).await),
        (400, "invalidSyntax")
    );
}

#[tokio::test]
async fn org_14_the_service_says_what_it_can_do() {
    let service = Service::start().await;
    let config = service.get("/ServiceProviderConfig").await.body;
    assert_eq!(
        (&config["patch"]["supported"], &config["sort"]["supported"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(service.get("/ResourceTypes").await.body["totalResults"], 2);
    assert_eq!(service.get("/ResourceTypes/Group").await.body["endpoint"], "/Groups");
    let schemas = service.get("/Schemas").await.body;
    assert_eq!(schemas["totalResults"], 4);
    let user = service.get(&format!("/Schemas/{USER}")).await.body;
    let attributes = user["attributes"].as_array().unwrap();
    let named = |name: &str| attributes.iter().find(|attribute| attribute["name"] == name).unwrap();
    assert_eq!(named("userName")["mutability"], "immutable");
    assert_eq!(named("groups")["mutability"], "readOnly");
    assert_eq!(named("password")["returned"], "never");
    assert_eq!(service.get("/Schemas/none").await.status, 404);
}

#[tokio::test]
async fn adm_8_who_manages_a_department_sees_only_its_people() {
    let service = Service::start().await;
    for (name, department) in [("anna@acme.test", "Research"), ("ben@acme.test", "Sales")] {
        let user = json!({"schemas": [USER], "userName": name, ENTERPRISE: {"department": department}});
        assert_eq!(service.call("POST", "/Users", user).await.status, 201);
    }
    let lead = service
        .directory
        .account_at(&Address::try_from("ben@acme.test").unwrap())
        .await
        .unwrap();
    let departments = lead.departments.clone();
    let change = hongyan_directory::AccountChange {
        role: hongyan_directory::Field::Set(Some(Role::Delegated {
            functions: vec![hongyan_directory::Function::Members],
            departments,
        })),
        ..Default::default()
    };
    service.directory.change_account(lead.id, &change).await.unwrap();
    let lead = Service {
        boss: lead.id,
        ..service
    };
    let all = lead.get("/Users").await.body;
    assert_eq!(all["totalResults"], 1, "{all}");
    let new = |department: &str| json!({"schemas": [USER], "userName": "c@acme.test", ENTERPRISE: {"department": department}});
    assert_eq!(lead.call("POST", "/Users", new("Research")).await.status, 403);
    assert_eq!(lead.call("POST", "/Users", new("")).await.status, 403);
    let made = lead.call("POST", "/Users", new("Sales/East")).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let path = format!("/Users/{}", made.body["id"].as_str().unwrap());
    let away = json!([{"op": "replace", "path": format!("{ENTERPRISE}:department"), "value": "Research"}]);
    assert_eq!(lead.patch(&path, away).await.status, 403);
    assert_eq!(lead.call("GET", "/Groups", Value::Null).await.status, 403);
}

/// What random members are called and where they are.
const PARTS: [&str; 16] = [
    "Ann",
    "ANNA",
    "li",
    "Li Wei",
    "王伟",
    "Müller",
    "ß",
    "İ",
    "Σίγμας",
    "ＡＢ",
    "ｶﾞ",
    "e\u{323}\u{301}",
    "ﬁ",
    "O'Neil",
    "\"q\"",
    "x y",
];

#[tokio::test]
async fn org_14_what_the_index_finds_is_what_a_look_at_all_finds() {
    let service = Service::start().await;
    let (env, _) = Env::manual(7);
    let mut below = {
        let env = env.clone();
        move |max: u64| env.random_u64() % max
    };
    for number in 0..120 {
        let part = || PARTS[usize::try_from(below(16)).unwrap()].to_owned();
        let profile = hongyan_directory::Profile {
            nickname: part(),
            family_name: part(),
            given_name: part(),
            private_address: format!("Home.{number}@{}.example", part().to_ascii_lowercase().len()),
            ..Default::default()
        };
        let display_name = format!("{}{}", part(), part());
        let local = ["anna", "Bo.Li", "王", "müller", "x"][usize::try_from(below(5)).unwrap()];
        let new = NewAccount {
            display_name,
            profile,
            state: match below(3) {
                0 => hongyan_directory::AccountState::Disabled,
                1 => hongyan_directory::AccountState::Invited,
                _ => hongyan_directory::AccountState::Active,
            },
            ..NewAccount::at(Address::try_from(format!("{local}{number}@acme.test").as_str()).unwrap())
        };
        let made = service.directory.create_account(&new).await.unwrap();
        if below(3) == 0 {
            let alias = Address::try_from(format!("Alias.{number}@acme.test").as_str()).unwrap();
            service.directory.add_alias(made.id, &alias).await.unwrap();
        }
    }
    let attributes = [
        "userName",
        "displayName",
        "nickName",
        "emails",
        "emails.value",
        "name.formatted",
        "name.familyName",
        "name.givenName",
        "title",
    ];
    let mut some = 0;
    for _ in 0..150 {
        let compared = |below: &mut dyn FnMut(u64) -> u64| {
            let attribute = attributes[usize::try_from(below(9)).unwrap()];
            let operator = ["co", "sw", "ew", "eq", "ne", "gt"][usize::try_from(below(6)).unwrap()];
            let more = [
                "anna",
                "ACME.test",
                "home.",
                "alias",
                ".",
                "@",
                "ali",
                "\u{301}",
                "ｶ",
                "ss",
                "i",
                "ς",
                "Σ",
            ];
            let all: Vec<&str> = PARTS.into_iter().chain(more).collect();
            let text = all[usize::try_from(below(all.len() as u64)).unwrap()];
            // Sometimes only the end of it.
            let start = text
                .char_indices()
                .nth(usize::try_from(below(2)).unwrap())
                .map_or(0, |(at, _)| at);
            format!("{attribute} {operator} {}", json!(&text[start..]))
        };
        let first = compared(&mut below);
        let filter = match below(6) {
            0 => format!("{first} and active eq {}", below(2) == 0),
            1 => format!("{first} and {}", compared(&mut below)),
            2 => format!("{first} or {}", compared(&mut below)),
            3 => format!(
                "emails[value co {} and type eq \"home\"]",
                json!(PARTS[usize::try_from(below(16)).unwrap()])
            ),
            4 => format!("active eq {}", below(2) == 0),
            _ => first,
        };
        let (start, count) = (below(40) + 1, below(30));
        let found = async |filter: &str| {
            let search = json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
                "filter": filter, "startIndex": start, "count": count,
            });
            let found = service.call("POST", "/Users/.search", search).await;
            assert_eq!(found.status, 200, "{filter}: {}", found.body);
            found.body
        };
        let by_index = found(&filter).await;
        // Nothing is known of what is not so: all are looked at.
        let by_look = found(&format!("not (not ({filter}))")).await;
        assert_eq!(by_index, by_look, "{filter}");
        some += usize::from(by_look["totalResults"] != json!(0));
    }
    assert!(some > 50, "filters that find nobody test little: {some}");
}
