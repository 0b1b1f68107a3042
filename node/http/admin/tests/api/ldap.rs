//! /api/organisations/{name}/ldap

use hongyan_access::permission::Actor;
use serde_json::{Value, json};

use super::organisation::{as_actor, as_member};
use super::{api, call, open_api};

const PATH: &str = "/api/organisations/Acme/ldap";

fn directory() -> Value {
    json!({
        "url": "ldaps://8.8.8.8", "bind_name": "cn=reader,dc=acme,dc=test", "password": "reader-secret",
        "base": "dc=acme,dc=test", "filter": "(mail=*)", "identifier": "entryUUID",
        "attributes": [{"field": "address", "attribute": "mail"}, {"field": "title", "attribute": "title", "master": "hongyan"}],
        "departments": "units", "every_minutes": 60,
    })
}

#[test]
fn org_14_a_directory_is_set_shown_and_taken_away() {
    hongyan_actor::run(0, async {
        let api = &api().await;
        call(api, "POST", "/api/organisations", json!({"name": "Acme"})).await;
        assert_eq!(call(api, "GET", PATH, Value::Null).await.0, 404);
        assert_eq!(call(api, "POST", &format!("{PATH}/sync"), json!({})).await.0, 404);
        let (status, set) = call(api, "PUT", PATH, directory()).await;
        assert_eq!((status, &set["has_password"]), (200, &json!(true)), "{set}");
        assert_eq!(set["disable_percent_max"], 10);
        assert_eq!(
            set["attributes"][1],
            json!({"field": "title", "attribute": "title", "master": "hongyan"})
        );
        assert!(set.get("password").is_none());
        // Without a word of it the password stays, for the same server alone.
        let mut kept = directory();
        kept.as_object_mut().unwrap().remove("password");
        assert_eq!(call(api, "PUT", PATH, kept.clone()).await.1["has_password"], true);
        kept["url"] = json!("ldaps://8.8.4.4");
        let (status, refused) = call(api, "PUT", PATH, kept).await;
        assert_eq!(
            (status, &refused["detail"]),
            (400, &json!("password: it is missing beside bind_name"))
        );
        let (status, log) = call(
            api,
            "GET",
            "/api/audit?organisation=Acme&action=organisation.ldap",
            Value::Null,
        )
        .await;
        assert_eq!(status, 200, "{log}");
        assert!(!log.to_string().contains("reader-secret"));
        assert_eq!(call(api, "DELETE", PATH, Value::Null).await.0, 204);
        assert_eq!(call(api, "DELETE", PATH, Value::Null).await.0, 404);
    });
}

#[test]
fn org_14_what_is_wrong_with_a_directory_is_said() {
    hongyan_actor::run(0, async {
        let api = &api().await;
        call(api, "POST", "/api/organisations", json!({"name": "Acme"})).await;
        for (field, value, expect) in [
            ("url", json!("http://8.8.8.8"), "url"),
            ("url", json!("ldaps://10.0.0.1"), "ldap.networks"),
            ("base", json!(""), "base"),
            ("base", json!("nothing"), "base"),
            ("filter", json!("(mail=*"), "parenthesis"),
            ("identifier", json!("a b"), "no attribute"),
            (
                "attributes",
                json!([{"field": "title", "attribute": "title"}]),
                "address",
            ),
            (
                "attributes",
                json!([{"field": "shoe", "attribute": "size"}]),
                "no field",
            ),
            ("departments", json!("attribute"), "department_attribute"),
            ("every_minutes", json!(1), "every_minutes"),
            ("disable_percent_max", json!(101), "disable_percent_max"),
            ("colour", json!("red"), "colour"),
        ] {
            let mut wrong = directory();
            wrong[field] = value;
            let (status, refused) = call(api, "PUT", PATH, wrong).await;
            let detail = refused["detail"].as_str().unwrap_or_default();
            assert!(status == 400 && detail.contains(expect), "{field}: {status} {refused}");
        }
        assert_eq!(call(api, "GET", PATH, Value::Null).await.0, 404);
    });
}

#[test]
fn org_14_a_directory_is_for_super_administrators() {
    hongyan_actor::run(0, async {
        let (router, state) = open_api().await;
        let socket = &as_actor(&router, Actor::socket());
        call(socket, "POST", "/api/organisations", json!({"name": "Acme"})).await;
        call(socket, "POST", "/api/domains", json!({"domain": "d.test"})).await;
        let department = json!({"organisation": "Acme", "name": "Tech"});
        assert_eq!(call(socket, "POST", "/api/departments", department).await.0, 201);
        for (name, role) in [("chief", "super"), ("lead", "delegated"), ("anna", "none")] {
            let address = format!("{name}@d.test");
            let new = json!({"address": address, "password": "Correct-horse7", "display_name": name});
            assert_eq!(call(socket, "POST", "/api/members", new).await.0, 201);
            let role = match role {
                "none" => continue,
                "super" => json!({"kind": "super"}),
                kind => json!({"kind": kind, "functions": ["members"], "departments": [1]}),
            };
            let path = format!("/api/members/{address}/role");
            assert_eq!(call(socket, "PUT", &path, role).await.0, 200, "{address}");
        }
        let chief = &as_member(&router, &state, "chief@d.test").await;
        // There is none yet.
        assert_eq!(call(chief, "GET", PATH, Value::Null).await.0, 404);
        for name in ["lead", "anna"] {
            let other = &as_member(&router, &state, &format!("{name}@d.test")).await;
            for (method, path, body) in [
                ("GET", PATH.to_owned(), Value::Null),
                ("PUT", PATH.to_owned(), directory()),
                ("POST", format!("{PATH}/check"), json!({})),
                ("POST", format!("{PATH}/sync"), json!({})),
            ] {
                assert_eq!(call(other, method, &path, body).await.0, 403, "{name}: {method} {path}");
            }
        }
    });
}
