//! The API from outside, over its router.

use axum::Extension;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use hongyan_access::permission::Actor;
use hongyan_access::{Access, AccessOptions, Protocol, Revocation};
use hongyan_actor::EntityOptions;
use hongyan_directory::{Directory, DirectoryOptions};
use hongyan_env::{Env, ManualClock};
use hongyan_fetch::{FetchOptions, Fetcher};
use hongyan_http_admin::{AdminState, router};
use hongyan_kv::Database;
use hongyan_ldap::{Ldap, LdapOptions};
use hongyan_memory::MemoryStore;
use hongyan_router::Router;
use hongyan_sasl::Secret;
use hongyan_upkeep::{TaskEntity, TaskServices, Tasks, UpkeepOptions};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

mod active_sync;
mod bulk;
mod connected;
mod connection;
mod delegation;
mod domain_records;
mod event;
mod export;
mod invitation;
mod ldap;
mod links;
mod mail_log;
mod migration;
mod organisation;
mod oversight;
mod passkey;
mod plan;
mod profile;
mod recycle_bin;
mod saml;
mod saml_application;
mod sent_mail;
mod sign_in;
mod single_sign_on;
mod statistics;
mod task;
mod visibility;
mod webhook;

async fn api() -> axum::Router {
    api_and_access().await.0
}

async fn api_and_access() -> (axum::Router, Access) {
    let (router, state) = open_api().await;
    (router.layer(Extension(Actor::socket())), state.access)
}

/// The API for whoever is put in as the actor.
async fn open_api() -> (axum::Router, AdminState) {
    open_api_with(hongyan_upkeep::Lists::default()).await
}

/// The same with where tasks take lists from, if that is there before the API.
async fn open_api_with(lists: hongyan_upkeep::Lists) -> (axum::Router, AdminState) {
    let (router, state, _) = open_api_at(lists).await;
    (router, state)
}

/// The same with the clock.
async fn open_api_at(lists: hongyan_upkeep::Lists) -> (axum::Router, AdminState, ManualClock) {
    let (env, clock) = Env::manual(1);
    let database = Database::new(MemoryStore::default());
    let directory = Directory::new(database.clone(), env.clone(), DirectoryOptions::default());
    directory.sealer().make_key();
    let options = AccessOptions {
        argon2_memory_kib: 64,
        argon2_passes: 1,
        ..AccessOptions::default()
    };
    let access = Access::open(directory.clone(), &database, env.clone(), options)
        .await
        .unwrap();
    let fetcher = Fetcher::new(env.clone(), FetchOptions::default()).unwrap();
    let ldap = Ldap::new(
        env.clone(),
        database.clone(),
        directory.clone(),
        access.clone(),
        fetcher,
        LdapOptions::default(),
    );
    let way = Router::new(env.clone(), hongyan_actor::Arbiters::start(1));
    let services = TaskServices {
        env: env.clone(),
        directory: directory.clone(),
        ldap: Some(ldap.clone()),
        lists: lists.clone(),
        mail: None,
    };
    way.serve_everywhere::<TaskEntity>(services, EntityOptions::default());
    let single_sign_on = hongyan_openid::OpenId::new(
        env.clone(),
        database.clone(),
        directory.clone(),
        access.clone(),
        Fetcher::new(env.clone(), FetchOptions::default()).unwrap(),
        hongyan_openid::OpenIdOptions::default(),
    );
    let saml = hongyan_saml::Saml::new(
        env.clone(),
        database.clone(),
        directory.clone(),
        single_sign_on.clone(),
        hongyan_saml::SamlOptions::default(),
    );
    let state = AdminState {
        saml: Some(saml),
        single_sign_on: Some(single_sign_on),
        ldap: Some(ldap),
        certificates: None,
        deleted_mail_kept: std::time::Duration::from_secs(14 * 86_400),
        recalls: hongyan_http_admin::Recalling::default(),
        webhooks: hongyan_webhook::Webhooks::closed(directory.clone()),
        counts: hongyan_statistics::Counts::new(
            directory.clone(),
            database.clone(),
            hongyan_statistics::StatisticsOptions::default(),
        ),
        migrations: hongyan_migration::Migrations::with_defaults(env.clone(), directory.clone(), way.clone()).unwrap(),
        tasks: Tasks::new(env, directory.clone(), way.clone(), UpkeepOptions::default()).with_lists(lists),
        directory,
        access,
        router: way,
        publishing: None,
        cluster: None,
        secrets: None,
    };
    (router(state.clone()), state, clock)
}

async fn call(api: &axum::Router, method: &str, path: &str, body: Value) -> (u16, Value) {
    let (status, value, _) = call_with(api, method, path, body, &[]).await;
    (status, value)
}

/// The status, the body and the entity tag.
async fn call_with(
    api: &axum::Router,
    method: &str,
    path: &str,
    body: Value,
    headers: &[(&str, &str)],
) -> (u16, Value, String) {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request
        .header("content-type", "application/json")
        .body(if body.is_null() {
            Body::empty()
        } else {
            Body::from(body.to_string())
        })
        .unwrap();
    let response = api.clone().oneshot(request).await.unwrap();
    let status = response.status();
    if status.is_client_error() || status.is_server_error() {
        assert_eq!(
            response.headers()["content-type"],
            "application/problem+json",
            "{path}: {status}"
        );
    }
    let etag = response
        .headers()
        .get("etag")
        .map(|etag| etag.to_str().unwrap().to_owned());
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    let value = if bytes.is_empty() {
        Value::Null
    } else {
        serde_json::from_slice(&bytes).unwrap()
    };
    (status.as_u16(), value, etag.unwrap_or_default())
}

#[test]
fn from_a_tenant_to_an_account_and_back() {
    hongyan_actor::run(0, async {
        let api = api().await;
        let api = &api;
        assert_eq!(
            call(api, "POST", "/api/organisations", json!({"name": "Acme"})).await.0,
            201
        );
        let domain = call(api, "POST", "/api/domains", json!({"domain": "Bücher.test"})).await;
        assert_eq!(domain.1["domain"], "xn--bcher-kva.test");
        assert_eq!(domain.1["name"], "bücher.test");
        let new = json!({"address": "anna@bücher.test", "password": "Correct-horse7", "display_name": "Anna"});
        let made = call(api, "POST", "/api/members", new.clone()).await;
        assert_eq!((made.0, &made.1["settings"]["pop_range"]), (201, &json!("week")));
        let again = call(api, "POST", "/api/members", new).await;
        assert_eq!((again.0, &again.1["type"]), (409, &json!("exists")));
        for weak in ["Short7", "nothing-mixed", "Bobs-Buch-7bob@", "Password2026"] {
            let weak = json!({"address": "bobs@bücher.test", "password": weak});
            let refused = call(api, "POST", "/api/members", weak).await;
            assert_eq!((refused.0, &refused.1["type"]), (400, &json!("invalid")), "{refused:?}");
        }
        let common = json!({"password": "Welcome2026"});
        assert_eq!(
            call(api, "PUT", "/api/members/anna@bücher.test/password", common)
                .await
                .0,
            400
        );
        for n in 0..5 {
            let alias = json!({"address": format!("a{n}@bücher.test")});
            assert_eq!(
                call(api, "POST", "/api/members/anna@bücher.test/aliases", alias)
                    .await
                    .0,
                201
            );
        }
        let sixth = json!({"address": "a5@bücher.test"});
        let (status, problem) = call(api, "POST", "/api/members/anna@xn--bcher-kva.test/aliases", sixth).await;
        assert_eq!(status, 409);
        assert_eq!(
            (&problem["limit"], &problem["max"], &problem["used"]),
            (&json!("aliases_per_account_max"), &json!(5), &json!(5))
        );
        let change = json!({"settings": {"pop_range": "all"}, "state": "suspended"});
        let changed = call(api, "PATCH", "/api/members/a1@bücher.test", change).await.1;
        assert_eq!(
            (&changed["settings"]["pop_range"], &changed["state"]),
            (&json!("all"), &json!("suspended"))
        );
        assert_eq!(changed["settings"]["imap"], true);
        let chinese = json!({"language": "zh-CN"});
        let changed = call(api, "PATCH", "/api/members/a1@bücher.test", chinese.clone())
            .await
            .1;
        assert_eq!(changed["language"], "zh-CN");
        let changed = call(api, "PATCH", "/api/members/a1@bücher.test", json!({"language": null}))
            .await
            .1;
        assert_eq!(
            (&changed["language"], &changed["state"]),
            (&Value::Null, &json!("suspended"))
        );
        let changed = call(api, "PATCH", "/api/organisations/Acme", chinese).await.1;
        assert_eq!(changed["language"], "zh-CN");
        let klingon = json!({"language": "tlh"});
        assert_eq!(call(api, "PATCH", "/api/organisations/Acme", klingon).await.0, 400);
        let unknown = json!({"settings": {"pop_rage": "all"}});
        assert_eq!(call(api, "PATCH", "/api/members/a1@bücher.test", unknown).await.0, 400);
        assert_eq!(
            call(api, "DELETE", "/api/members/anna@bücher.test", Value::Null)
                .await
                .0,
            204
        );
        assert_eq!(
            call(api, "GET", "/api/members/anna@bücher.test", Value::Null).await.0,
            404
        );
        assert_eq!(call(api, "GET", "/api/nothing", Value::Null).await.0, 404);
        assert_eq!(call(api, "PUT", "/api/members", json!({})).await.0, 405);
        assert_eq!(call(api, "POST", "/api/members", json!({"adress": "x"})).await.0, 400);
        assert_eq!(call(api, "GET", "/api/members?limit=many", Value::Null).await.0, 400);
    });
}

#[test]
fn lists_say_how_to_go_on() {
    hongyan_actor::run(0, async {
        let api = api().await;
        let api = &api;
        call(api, "POST", "/api/organisations", json!({"name": "Acme"})).await;
        call(api, "POST", "/api/domains", json!({"domain": "d.test"})).await;
        for n in 0..3 {
            call(api, "POST", "/api/members", json!({"address": format!("u{n}@d.test")})).await;
        }
        let first = call(api, "GET", "/api/members?limit=2", Value::Null).await.1;
        assert_eq!(first["items"].as_array().unwrap().len(), 2);
        let next = first["next"].as_str().unwrap();
        let second = call(api, "GET", &format!("/api/members?limit=2&after={next}"), Value::Null)
            .await
            .1;
        assert_eq!(
            (second["items"].as_array().unwrap().len(), &second["next"]),
            (1, &Value::Null)
        );
        assert_eq!(
            call(api, "GET", "/api/members?after=x", Value::Null).await.0,
            StatusCode::BAD_REQUEST
        );
        let group = json!({"address": "all@d.test", "members": ["u1@d.test", "x@far.test"]});
        assert_eq!(call(api, "POST", "/api/groups", group).await.0, 201);
        let members = call(api, "GET", "/api/groups/all@d.test/members", Value::Null).await.1;
        assert_eq!(members["items"], json!(["u1@d.test", "x@far.test"]));
    });
}

#[test]
fn auth_sessions_are_listed_and_end_with_the_password_or_the_account() {
    hongyan_actor::run(0, async {
        let (api, access) = api_and_access().await;
        let api = &api;
        call(api, "POST", "/api/organisations", json!({"name": "Acme"})).await;
        call(api, "POST", "/api/domains", json!({"domain": "d.test"})).await;
        let password = "Correct-horse1";
        for name in ["anna@d.test", "ben@d.test"] {
            let new = json!({"address": name, "password": password});
            assert_eq!(call(api, "POST", "/api/members", new).await.0, 201);
        }
        let open = async |name: &str, password: &str| {
            let (peer, password) = ("192.0.2.1:999".parse().unwrap(), Secret::new(password));
            let identity = access.verify_password(Protocol::Imap, name, &password, [192, 0, 2, 1].into());
            access.open_session(&identity.await.unwrap(), peer).await.unwrap()
        };
        let (anna, ben) = (open("anna@d.test", password).await, open("ben@d.test", password).await);
        let all = call(api, "GET", "/api/sessions?organisation=Acme", Value::Null).await.1;
        assert_eq!(all["items"].as_array().unwrap().len(), 2);
        let hers = call(api, "GET", "/api/sessions?account=anna@d.test", Value::Null)
            .await
            .1;
        let shown = &hers["items"][0];
        assert_eq!(
            (&shown["account"], &shown["protocol"], &shown["peer"]),
            (&json!("anna@d.test"), &json!("imap"), &json!("192.0.2.1:999"))
        );
        let path = format!("/api/sessions/{}", shown["id"].as_str().unwrap());
        assert_eq!(call(api, "DELETE", &path, Value::Null).await.0, 204);
        assert_eq!(anna.watch().revocation(), Some(Revocation::Operator));
        drop(anna);
        assert_eq!(call(api, "DELETE", &path, Value::Null).await.0, 404);
        assert_eq!(call(api, "DELETE", "/api/sessions/x", Value::Null).await.0, 400);

        let new = json!({"password": "Correct-horse2"});
        assert_eq!(call(api, "PUT", "/api/members/ben@d.test/password", new).await.0, 204);
        assert_eq!(ben.watch().revocation(), Some(Revocation::PasswordChanged));
        let ben = open("ben@d.test", "Correct-horse2").await;
        let suspended = json!({"state": "suspended"});
        assert_eq!(call(api, "PATCH", "/api/organisations/Acme", suspended).await.0, 200);
        assert_eq!(ben.watch().revocation(), Some(Revocation::Suspended));
        let active = json!({"state": "active"});
        assert_eq!(call(api, "PATCH", "/api/organisations/Acme", active).await.0, 200);
        let ben = open("ben@d.test", "Correct-horse2").await;
        let ended = call(api, "DELETE", "/api/members/ben@d.test/sessions", Value::Null).await;
        assert_eq!(ended, (200, json!({"sessions": 1})));
        drop(ben);
        let ben = open("ben@d.test", "Correct-horse2").await;
        assert_eq!(call(api, "DELETE", "/api/members/ben@d.test", Value::Null).await.0, 204);
        assert_eq!(ben.watch().revocation(), Some(Revocation::Deleted));
    });
}
