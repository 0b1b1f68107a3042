//! What changes, as it happens.

use axum::body::BodyDataStream;
use futures_util::StreamExt;

use super::organisation::{acme, as_actor, as_member};
use super::*;

/// One that listens, and what it is told.
struct Listener(BodyDataStream);

impl Listener {
    async fn begin(api: &axum::Router, query: &str, last: Option<&str>) -> Self {
        let mut request = Request::builder().uri(format!("/api/events{query}"));
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = api.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self(response.into_body().into_data_stream())
    }
    /// The name of the next event, its id and what it says; nothing at the end.
    async fn next(&mut self) -> Option<(String, u64, Value)> {
        let text = self.0.next().await?.unwrap();
        let text = String::from_utf8(text.to_vec()).unwrap();
        let field = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or_else(|| panic!("{name} in {text}")).to_owned()
        };
        let id = field("id: ").parse().unwrap();
        Some((field("event: "), id, serde_json::from_str(&field("data: ")).unwrap()))
    }
    /// Kinds and names of the next change.
    async fn change(&mut self) -> Vec<String> {
        let (name, _, data) = self.next().await.unwrap();
        assert_eq!(name, "change", "{data}");
        let subjects = data["subjects"].as_array().unwrap().iter();
        let word = |subject: &Value| {
            let text = |name: &str| subject[name].as_str().unwrap().to_owned();
            format!("{} {}", text("kind"), text("id"))
        };
        subjects.map(word).collect()
    }
}

#[test]
fn api_4_changes_are_told_as_they_happen_and_nothing_is_missed_between_two_streams() {
    hongyan_actor::run(0, async {
        let (router, _) = open_api().await;
        let api = &as_actor(&router, Actor::socket());
        acme(api).await;
        let mut listener = Listener::begin(api, "", None).await;
        let (name, begun, _) = listener.next().await.unwrap();
        assert_eq!(name, "ready");
        call(api, "POST", "/api/tags", json!({"name": "One"})).await;
        assert!(listener.change().await.contains(&"tag 1".to_owned()));
        drop(listener);
        call(api, "POST", "/api/tags", json!({"name": "Two"})).await;
        let mut listener = Listener::begin(api, "?kinds=tag", Some(&begun.to_string())).await;
        assert_eq!(listener.next().await.unwrap().0, "ready");
        assert_eq!(listener.change().await, ["tag 1"]);
        assert_eq!(listener.change().await, ["tag 2"]);
        // A number that nobody gave out: the client has seen another life of the system.
        let mut lost = Listener::begin(api, "", Some("100000")).await;
        assert_eq!(lost.next().await.unwrap().0, "ready");
        let (name, at, data) = lost.next().await.unwrap();
        assert_eq!((name.as_str(), &data["latest"]), ("gap", &json!(at)));
        call(api, "POST", "/api/tags", json!({"name": "Three"})).await;
        assert!(lost.change().await.contains(&"tag 3".to_owned()));
        for wrong in ["/api/events?kinds=nothing", "/api/events?after=x", "/api/events?x=1"] {
            assert_eq!(call(api, "GET", wrong, Value::Null).await.0, 400, "{wrong}");
        }
    });
}

#[test]
fn gen_3_a_task_is_followed_to_its_end() {
    hongyan_actor::run(0, async {
        let (router, _) = open_api().await;
        let api = &as_actor(&router, Actor::socket());
        acme(api).await;
        let mut listener = Listener::begin(api, "?kinds=task", None).await;
        listener.next().await.unwrap();
        let (_, task) = call(api, "POST", "/api/exports/members", json!({"format": "csv"})).await;
        let name = format!("task {}", task["id"]);
        loop {
            assert_eq!(listener.change().await, std::slice::from_ref(&name));
            let path = format!("/api/tasks/{}", task["id"]);
            if call(api, "GET", &path, Value::Null).await.1["state"] == "done" {
                break;
            }
        }
    });
}

#[test]
fn adm_9_a_delegated_administrator_hears_of_their_departments_only() {
    hongyan_actor::run(0, async {
        let (router, state) = open_api().await;
        let api = &as_actor(&router, Actor::socket());
        acme(api).await;
        let role = json!({"kind": "delegated", "functions": ["members"], "departments": [2]});
        let given = call(api, "PUT", "/api/members/zs@d.test/role", role).await;
        assert_eq!(given.0, 200, "{}", given.1);
        let delegated = as_member(&router, &state, "zs@d.test").await;
        let mut listener = Listener::begin(&delegated, "", None).await;
        listener.next().await.unwrap();
        let member =
            |address: &str, department: u32| json!({"address": address, "departments": [department], "password": null});
        let inside = call(api, "POST", "/api/members", member("in@d.test", 2)).await;
        assert_eq!(inside.0, 201, "{}", inside.1);
        assert!(
            listener
                .change()
                .await
                .iter()
                .any(|subject| subject.starts_with("member "))
        );
        let outside = call(api, "POST", "/api/members", member("out@d.test", 1)).await;
        assert_eq!(outside.0, 201, "{}", outside.1);
        call(api, "POST", "/api/domains", json!({"domain": "other.test"})).await;
        let again = json!({"display_name": "Again"});
        call(api, "PATCH", "/api/members/in@d.test", again).await;
        let heard = listener.change().await;
        let last = call(api, "GET", "/api/members/in@d.test", Value::Null).await.1;
        assert_eq!(
            heard,
            [format!("member {}", last["id"])],
            "neither the member outside nor the domain"
        );
        let plain = as_member(&router, &state, "in@d.test").await;
        assert_eq!(call(&plain, "GET", "/api/events", Value::Null).await.0, 403);
    });
}
