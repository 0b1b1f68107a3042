//! /api/organisations/{name}/single-sign-on

use hongyan_access::permission::Actor;
use serde_json::{Value, json};

use super::organisation::{as_actor, as_member};
use super::{api, call, call_with, open_api};

const PATH: &str = "/api/organisations/Acme/single-sign-on";

fn provider() -> Value {
    json!({
        "issuer": "https://login.acme.test", "client_id": "mail", "client_secret": "provider-secret", "label": "Acme",
        "link_by_mail": true,
    })
}

#[test]
fn api_2_two_who_set_the_provider_and_one_is_told() {
    hongyan_actor::run(0, async {
        let api = &api().await;
        call(api, "POST", "/api/organisations", json!({"name": "Acme"})).await;
        assert_eq!(call(api, "GET", PATH, Value::Null).await.0, 404);
        let (status, set, first) = call_with(api, "PUT", PATH, provider(), &[]).await;
        assert_eq!((status, &set["has_client_secret"]), (200, &json!(true)), "{set}");
        assert!(set.get("client_secret").is_none());
        let (status, _, etag) = call_with(api, "GET", PATH, Value::Null, &[]).await;
        assert_eq!((status, &etag), (200, &first));
        let mut kept = provider();
        kept.as_object_mut().unwrap().remove("client_secret");
        kept["label"] = json!("Acme login");
        let same = [("if-match", etag.as_str())];
        let (status, changed, second) = call_with(api, "PUT", PATH, kept.clone(), &same).await;
        assert_eq!(
            (status, &changed["has_client_secret"]),
            (200, &json!(true)),
            "{changed}"
        );
        assert_ne!(second, etag);
        let (status, problem, _) = call_with(api, "PUT", PATH, provider(), &same).await;
        assert_eq!((status, &problem["type"]), (409, &json!("changed")), "{problem}");
        assert_eq!(problem["present"]["label"], "Acme login");
        // A secret is for the provider that gave it.
        kept["issuer"] = json!("https://login.other.test");
        let (_, moved, _) = call_with(api, "PUT", PATH, kept, &[("if-match", second.as_str())]).await;
        assert_eq!(moved["has_client_secret"], false);
        let (_, log) = call(api, "GET", "/api/audit?organisation=Acme", Value::Null).await;
        assert!(log.to_string().contains("organisation.single-sign-on"), "{log}");
        assert!(!log.to_string().contains("provider-secret"));
        for (field, value) in [
            ("issuer", json!("http://login.acme.test")),
            ("issuer", json!("https://login.acme.test/?x=1")),
            ("client_id", json!("")),
            ("label", json!("x".repeat(65))),
            ("colour", json!("red")),
        ] {
            let mut wrong = provider();
            wrong[field] = value;
            assert_eq!(call(api, "PUT", PATH, wrong).await.0, 400, "{field}");
        }
        assert_eq!(call(api, "DELETE", PATH, Value::Null).await.0, 204);
        assert_eq!(call(api, "DELETE", PATH, Value::Null).await.0, 404);
    });
}

#[test]
fn api_2_the_provider_is_for_super_administrators() {
    hongyan_actor::run(0, async {
        let (router, state) = open_api().await;
        let socket = &as_actor(&router, Actor::socket());
        call(socket, "POST", "/api/organisations", json!({"name": "Acme"})).await;
        call(socket, "POST", "/api/domains", json!({"domain": "d.test"})).await;
        let new = json!({"address": "anna@d.test", "password": "Correct-horse7"});
        assert_eq!(call(socket, "POST", "/api/members", new).await.0, 201);
        let anna = &as_member(&router, &state, "anna@d.test").await;
        for (method, path, body) in [
            ("GET", PATH.to_owned(), Value::Null),
            ("PUT", PATH.to_owned(), provider()),
            ("DELETE", PATH.to_owned(), Value::Null),
            ("POST", format!("{PATH}/check"), Value::Null),
        ] {
            assert_eq!(call(anna, method, &path, body).await.0, 403, "{method} {path}");
        }
        // What is linked with one's own account is one's own affair.
        let mine = "/api/members/me/outside-identities";
        let (status, found) = call(anna, "GET", mine, Value::Null).await;
        assert_eq!((status, &found["items"]), (200, &json!([])), "{found}");
        let of_nobody = format!("{mine}/00000000000000aa");
        assert!([403, 404].contains(&call(anna, "DELETE", &of_nobody, Value::Null).await.0));
    });
}
