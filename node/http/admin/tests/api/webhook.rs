//! Webhooks, and what the system has told.

use super::organisation::{acme, as_actor, as_member};
use super::*;

#[test]
fn api_3_a_webhook_from_its_making_to_its_end() {
    hongyan_actor::run(0, async {
        let (router, state) = open_api().await;
        let api = &as_actor(&router, Actor::socket());
        acme(api).await;
        let boss = &as_member(&router, &state, "boss@d.test").await;
        let new = json!({"name": "Portal", "url": "https://portal.test/in", "events": ["mail", "member"]});
        let made = call(boss, "POST", "/api/webhooks", new.clone()).await;
        assert_eq!((made.0, &made.1["state"]), (201, &json!("on")), "{}", made.1);
        assert!(made.1["secret"].as_str().unwrap().starts_with("whsec_"));
        let path = format!("/api/webhooks/{}", made.1["id"]);
        let shown = call(boss, "GET", &path, Value::Null).await.1;
        assert_eq!(
            (&shown["secret"], &shown["events"]),
            (&Value::Null, &json!(["mail", "member"]))
        );
        for wrong in [
            json!({"url": "ftp://portal.test/"}),
            json!({"events": []}),
            json!({"events": ["all"]}),
            json!({"name": ""}),
            json!({"secret": "x"}),
        ] {
            assert_eq!(call(boss, "PATCH", &path, wrong.clone()).await.0, 400, "{wrong}");
        }
        let off = call(boss, "PATCH", &path, json!({"on": false, "name": "Old portal"})).await;
        assert_eq!((off.0, &off.1["state"]), (200, &json!("off")));
        let rotated = call(boss, "POST", &format!("{path}/rotate"), Value::Null).await;
        assert_ne!(rotated.1["secret"], made.1["secret"]);
        let tested = call(boss, "POST", &format!("{path}/test"), Value::Null).await;
        assert_eq!((tested.0, &tested.1["taken"]), (200, &json!(false)), "{}", tested.1);
        let again = call(boss, "POST", &format!("{path}/deliveries/1/redeliver"), Value::Null).await;
        assert_eq!(again.1["attempts"].as_array().unwrap().len(), 2);
        assert_eq!(
            call(boss, "POST", &format!("{path}/deliveries/2/redeliver"), Value::Null)
                .await
                .0,
            404
        );
        let deliveries = call(boss, "GET", &format!("{path}/deliveries"), Value::Null).await.1;
        assert_eq!(deliveries["items"][0]["number"], 1);
        assert_eq!(call(boss, "DELETE", &path, Value::Null).await.0, 204);
        assert_eq!(call(boss, "GET", &path, Value::Null).await.0, 404);
        let log = call(boss, "GET", "/api/audit?action=webhook.", Value::Null).await.1;
        let done: Vec<_> = log["items"]
            .as_array()
            .unwrap()
            .iter()
            .rev()
            .map(|item| item["action"].as_str().unwrap())
            .collect();
        let expect = ["create", "change", "rotate", "test", "redeliver", "delete"];
        assert_eq!(done, expect.map(|verb| format!("webhook.{verb}")));
        assert!(!log.to_string().contains("whsec_"), "secrets are in no log");
        let plain = &as_member(&router, &state, "zs@d.test").await;
        assert_eq!(call(plain, "GET", "/api/webhooks", Value::Null).await.0, 403);
        let twenty = (0..20).map(|_| new.clone());
        for new in twenty {
            assert_eq!(call(boss, "POST", "/api/webhooks", new).await.0, 201);
        }
        let (status, problem) = call(boss, "POST", "/api/webhooks", new).await;
        assert_eq!(
            (status, &problem["limit"], &problem["used"]),
            (409, &json!("webhooks_per_tenant_max"), &json!(20))
        );
    });
}

#[test]
fn adm_4_stat_10_what_the_system_has_told_can_be_read_again() {
    hongyan_actor::run(0, async {
        let (router, state) = open_api().await;
        let api = &as_actor(&router, Actor::socket());
        acme(api).await;
        let tenant = state.directory.tenant_named("Acme").await.unwrap().id;
        for number in 1..=3 {
            let text = |words: &str| hongyan_notice::Text::new(&format!("{words} {number}"), "...");
            let to = hongyan_notice::Recipient::Administrators(tenant);
            let notice = hongyan_notice::Notice::new(state.directory.env(), to, "test", text("Told"), text("告知"));
            let wrote = state.directory.transact(async |change| {
                hongyan_notice::write(change, &notice);
                Ok(())
            });
            wrote.await.unwrap();
        }
        let boss = &as_member(&router, &state, "boss@d.test").await;
        let first = call(boss, "GET", "/api/messages?limit=2", Value::Null).await.1;
        assert_eq!(first["items"].as_array().unwrap().len(), 2);
        let next = format!("/api/messages?limit=2&after={}", first["next"].as_str().unwrap());
        let second = call(boss, "GET", &next, Value::Null).await.1;
        assert_eq!(second["items"].as_array().unwrap().len(), 1);
        assert_eq!(
            (&second["next"], &second["items"][0]["kind"]),
            (&Value::Null, &json!("test"))
        );
        assert_eq!(call(boss, "GET", "/api/messages?after=x", Value::Null).await.0, 400);
        // Each administrator has their own marks.
        let path = format!("/api/messages/{}", first["items"][0]["id"].as_str().unwrap());
        let mark = |read: bool| json!({"read": read});
        assert_eq!(call(boss, "PATCH", &path, mark(true)).await.0, 204);
        let super_role = json!({"kind": "super"});
        assert_eq!(
            call(api, "PUT", "/api/members/lead@d.test/role", super_role).await.0,
            200
        );
        let lead = &as_member(&router, &state, "lead@d.test").await;
        for (reader, expect) in [(boss, json!(true)), (lead, json!(false)), (api, Value::Null)] {
            let seen = call(reader, "GET", "/api/messages", Value::Null).await.1;
            let items = seen["items"].as_array().unwrap();
            assert_eq!(
                (items.len(), &items[0]["read"]),
                (3, &expect),
                "they stay after they were read"
            );
        }
        assert_eq!(call(boss, "PATCH", &path, mark(false)).await.0, 204);
        assert_eq!(
            call(boss, "GET", "/api/messages", Value::Null).await.1["items"][0]["read"],
            false
        );
        assert_eq!(call(boss, "PATCH", "/api/messages/1-00", mark(true)).await.0, 404);
        assert_eq!(
            call(api, "PATCH", &path, mark(true)).await.0,
            400,
            "operators read none"
        );
        let plain = &as_member(&router, &state, "zs@d.test").await;
        assert_eq!(call(plain, "GET", "/api/messages", Value::Null).await.0, 403);
    });
}
