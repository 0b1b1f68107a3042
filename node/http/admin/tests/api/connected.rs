//! /api/organisations/{name}/connected-applications

use hongyan_access::permission::Actor;
use serde_json::{Value, json};

use super::organisation::{as_actor, as_member};
use super::{call, call_with, open_api};

const LIST: &str = "/api/organisations/Acme/connected-applications";
const PATH: &str = "/api/organisations/Acme/connected-applications/portal";

fn portal() -> Value {
    json!({
        "name": "Portal", "redirects": ["https://portal.test/back"], "signed_out_redirects": ["https://portal.test/out"],
    })
}

#[test]
fn api_5_administrators_connect_applications() {
    hongyan_actor::run(0, async {
        let (router, state) = open_api().await;
        let socket = &as_actor(&router, Actor::socket());
        for (name, domain) in [("Acme", "d.test"), ("Other", "o.test")] {
            call(socket, "POST", "/api/organisations", json!({"name": name})).await;
            let domain = json!({"domain": domain, "organisation": name});
            assert_eq!(call(socket, "POST", "/api/domains", domain).await.0, 201);
        }
        for address in ["chief@d.test", "anna@d.test", "chief@o.test"] {
            let new = json!({"address": address, "password": "Correct-horse7", "display_name": address});
            assert_eq!(call(socket, "POST", "/api/members", new).await.0, 201);
        }
        for address in ["chief@d.test", "chief@o.test"] {
            let path = format!("/api/members/{address}/role");
            assert_eq!(call(socket, "PUT", &path, json!({"kind": "super"})).await.0, 200);
        }
        let (status, made, first) = call_with(socket, "PUT", PATH, portal(), &[]).await;
        assert_eq!(
            (status, &made["scope"]),
            (200, &json!("openid profile email")),
            "{made}"
        );
        let secret = made["client_secret"].as_str().unwrap().to_owned();
        assert!(secret.starts_with("hys_"));
        let (status, shown, etag) = call_with(socket, "GET", PATH, Value::Null, &[]).await;
        assert_eq!((status, &etag), (200, &first));
        assert!(shown["has_secret"] == true && shown.get("client_secret").is_none());
        // Two who change it: the second is told what it is now.
        let mut named = portal();
        named["name"] = json!("Front page");
        let same = [("if-match", etag.as_str())];
        let (status, changed, _) = call_with(socket, "PUT", PATH, named, &same).await;
        assert_eq!((status, changed.get("client_secret")), (200, None));
        let (status, problem, _) = call_with(socket, "PUT", PATH, portal(), &same).await;
        assert_eq!((status, &problem["present"]["name"]), (409, &json!("Front page")));
        let proves = async |secret: &str| state.access.oauth_prove_client("portal", Some(secret)).await.is_ok();
        assert!(proves(&secret).await);
        let (status, renewed) = call(socket, "POST", &format!("{PATH}/secret"), Value::Null).await;
        assert_eq!(status, 200, "{renewed}");
        assert!(!proves(&secret).await && proves(renewed["client_secret"].as_str().unwrap()).await);
        // What is another organisation's looks missing, though its name is taken.
        let theirs = "/api/organisations/Other/connected-applications";
        let taken = format!("{theirs}/portal");
        assert_eq!(call(socket, "GET", &taken, Value::Null).await.0, 404);
        assert_eq!(call(socket, "DELETE", &taken, Value::Null).await.0, 404);
        assert_eq!(call(socket, "PUT", &taken, portal()).await.0, 409);
        assert_eq!(call(socket, "GET", theirs, Value::Null).await.1["items"], json!([]));
        let anna = &as_member(&router, &state, "anna@d.test").await;
        assert_eq!(call(anna, "GET", LIST, Value::Null).await.0, 403);
        let other = &as_member(&router, &state, "chief@o.test").await;
        assert_eq!(call(other, "GET", LIST, Value::Null).await.0, 404);
        for (field, value, expect) in [
            ("redirects", json!(["http://portal.test/"]), "http://portal.test/"),
            ("signed_out_redirects", json!(["javascript:x"]), "javascript:x"),
            ("scope", json!("openid shoes"), "scope"),
            ("name", json!(""), "name"),
            ("colour", json!("red"), "colour"),
        ] {
            let mut wrong = portal();
            wrong[field] = value;
            let (status, refused) = call(socket, "PUT", PATH, wrong).await;
            let detail = refused["detail"].as_str().unwrap_or_default();
            assert!(status == 400 && detail.contains(expect), "{field}: {status} {refused}");
        }
        let (_, log) = call(
            socket,
            "GET",
            "/api/audit?organisation=Acme&action=oauth-client.set",
            Value::Null,
        )
        .await;
        assert!(log["items"].as_array().is_some_and(|items| !items.is_empty()), "{log}");
        assert!(!log.to_string().contains("hys_"));
        assert_eq!(call(socket, "DELETE", PATH, Value::Null).await.0, 204);
        assert_eq!(call(socket, "GET", LIST, Value::Null).await.1["items"], json!([]));
    });
}
