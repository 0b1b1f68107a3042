//! Lists as files.

use std::future::Future;
use std::pin::Pin;

use hongyan_statistics::MailKind;

use super::mail_log::log;
use super::organisation::{acme, as_actor, as_member};
use super::*;

async fn export(api: &axum::Router, body: Value) -> (StatusCode, String) {
    let request = Request::builder()
        .method("POST")
        .uri("/api/exports/lists")
        .header("content-type", "application/json")
        .body(Body::from(body.to_string()))
        .unwrap();
    let response = api.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let octets = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(octets.to_vec()).unwrap())
}

#[test]
fn stat_5_7_every_list_is_a_file_that_is_safe_for_spreadsheets() {
    hongyan_actor::run(0, async {
        let (router, state) = open_api().await;
        let api = &as_actor(&router, Actor::socket());
        acme(api).await;
        log(&state, "zs@d.test", 1, MailKind::Sent, "=1+1").await;
        log(&state, "anna@d.test", 1, MailKind::Received, "Offer").await;
        let boss = &as_member(&router, &state, "boss@d.test").await;
        let (status, text) = export(boss, json!({"list": "mail"})).await;
        assert_eq!(status, StatusCode::OK, "{text}");
        assert!(text.starts_with("\u{feff}at,kind,account,deleted,subject"), "{text}");
        assert!(text.contains(",'=1+1,"), "{text}");
        let lines = |text: &str| text.lines().count();
        let sent = export(boss, json!({"list": "mail", "query": {"kind": "sent"}})).await.1;
        assert_eq!((lines(&text), lines(&sent)), (3, 2));
        for list in [
            "audit", "logins", "tasks", "messages", "days", "members", "sign-ins", "own-mail",
        ] {
            let (status, text) = export(boss, json!({"list": list})).await;
            assert_eq!(status, StatusCode::OK, "{list}: {text}");
            assert!(text.starts_with('\u{feff}'), "{list}");
        }
        let (_, text) = export(boss, json!({"list": "audit", "query": {"kind": "logs"}})).await;
        assert!(text.contains("list.export"), "taking a file is in the log: {text}");
        for wrong in [
            json!({"list": "mail", "query": {"kind": "x"}}),
            json!({"list": "mail", "query": {"after": "x"}}),
            json!({"list": "passwords"}),
        ] {
            assert_eq!(export(boss, wrong.clone()).await.0, StatusCode::BAD_REQUEST, "{wrong}");
        }
        let plain = &as_member(&router, &state, "anna@d.test").await;
        assert_eq!(export(plain, json!({"list": "mail"})).await.0, StatusCode::FORBIDDEN);
        let (_, own) = export(plain, json!({"list": "own-mail"})).await;
        assert!(own.contains("Offer") && !own.contains("1+1"), "{own}");
    });
}

#[test]
fn gen_3_a_long_list_is_written_by_a_task() {
    hongyan_actor::run(0, async {
        let (router, state) = open_api().await;
        let api = &as_actor(&router, Actor::socket());
        acme(api).await;
        log_long(&state).await;
        let boss = &as_member(&router, &state, "boss@d.test").await;
        let (status, text) = export(boss, json!({"list": "mail"})).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{text}");
        let task: Value = serde_json::from_str(&text).unwrap();
        let path = format!("/api/tasks/{}", task["id"]);
        let ended = loop {
            let found = call(boss, "GET", &path, Value::Null).await.1;
            if found["state"] != "running" {
                break found;
            }
            tokio::task::yield_now().await;
        };
        assert_eq!(
            (&ended["state"], &ended["good"]),
            (&json!("done"), &json!(10_050)),
            "{ended}"
        );
        let request = Request::builder().uri(format!("{path}/result")).body(Body::empty());
        let response = boss.clone().oneshot(request.unwrap()).await.unwrap();
        let octets = response.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8(octets.to_vec()).unwrap();
        assert_eq!(text.lines().count(), 10_051);
        assert_eq!(text.matches("at,kind").count(), 1, "one head");
        // A member has their own in the same way, and nobody else has.
        let anna = &as_member(&router, &state, "anna@d.test").await;
        let (status, text) = export(anna, json!({"list": "own-mail"})).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{text}");
        let task: Value = serde_json::from_str(&text).unwrap();
        let path = format!("/api/tasks/{}", task["id"]);
        while call(anna, "GET", &path, Value::Null).await.1["state"] == "running" {
            tokio::task::yield_now().await;
        }
        let zs = &as_member(&router, &state, "zs@d.test").await;
        for (who, seen, taken) in [(anna, 200, 200), (boss, 200, 404), (zs, 403, 403)] {
            assert_eq!(call(who, "GET", &path, Value::Null).await.0, seen);
            let request = Request::builder().uri(format!("{path}/result")).body(Body::empty());
            let response = who.clone().oneshot(request.unwrap()).await.unwrap();
            assert_eq!(response.status(), taken);
        }
    });
}

/// Gives no list as long as the test lasts, so that what writes one does not end.
struct Waiting;

impl hongyan_upkeep::ListSource for Waiting {
    fn page(
        &self,
        _: hongyan_upkeep::ListAsked,
    ) -> Pin<Box<dyn Future<Output = hongyan_upkeep::ListAnswer> + Send + '_>> {
        Box::pin(std::future::pending())
    }
}

#[test]
fn gen_3_a_member_writes_one_list_of_their_own_at_a_time() {
    hongyan_actor::run(0, async {
        let lists = hongyan_upkeep::Lists::default();
        lists.set(std::sync::Arc::new(Waiting));
        let (router, state) = open_api_with(lists).await;
        let api = &as_actor(&router, Actor::socket());
        acme(api).await;
        log_long(&state).await;
        let anna = &as_member(&router, &state, "anna@d.test").await;
        let both = tokio::join!(
            export(anna, json!({"list": "own-mail"})),
            export(anna, json!({"list": "own-mail"})),
        );
        let mut statuses = [both.0.0.as_u16(), both.1.0.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [202, 409], "{both:?}");
        let third = export(anna, json!({"list": "own-mail"})).await;
        assert_eq!(third.0, StatusCode::CONFLICT, "{}", third.1);
        assert!(third.1.contains("is under way"), "{}", third.1);
        // An administrator's of everybody's mail is another thing.
        let boss = &as_member(&router, &state, "boss@d.test").await;
        let (status, text) = export(boss, json!({"list": "mail"})).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{text}");
    });
}

/// More than a file made at once holds.
async fn log_long(state: &AdminState) {
    for number in 0..10_050 {
        log_unwritten(state, number).await;
    }
    state.counts.write_mail().await;
}

async fn log_unwritten(state: &AdminState, number: u32) {
    let address = hongyan_types::Address::try_from("anna@d.test").unwrap();
    let account = state.directory.account_at(&address).await.unwrap();
    state.counts.log_mail(super::mail_log::entry(
        state,
        &account,
        1,
        MailKind::Sent,
        &format!("Mail {number}"),
    ));
}
