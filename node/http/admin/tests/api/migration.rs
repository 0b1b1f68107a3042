//! Migrations: who may begin them, see them and give passwords, and what is refused.

use super::organisation::{acme, as_actor, as_member};
use super::*;

fn asked() -> Value {
    json!({
        "source": {"protocol": "imap", "host": "192.0.2.1"},
        "source_domain": "old.test",
        "target_domain": "d.test",
    })
}

#[test]
fn mig_9_10_a_migration_is_begun_shown_and_ended() {
    hongyan_actor::run(0, async {
        let (router, state) = open_api().await;
        let api = &as_actor(&router, Actor::socket());
        acme(api).await;
        let (status, providers) = call(api, "GET", "/api/migration-providers", Value::Null).await;
        assert_eq!(status, 200);
        assert!(providers["items"].as_array().unwrap().len() >= 12);
        let (status, made) = call(api, "POST", "/api/migrations", asked()).await;
        assert_eq!(status, 201, "{made}");
        assert_eq!((&made["state"], &made["port"]), (&json!("moving"), &json!(993)));
        let (status, again) = call(api, "POST", "/api/migrations", asked()).await;
        assert_eq!((status, &again["type"]), (409, &json!("exists")));
        let mut clear = asked();
        clear["source"]["tls"] = json!("none");
        let (status, refused) = call(api, "POST", "/api/migrations", clear).await;
        assert_eq!(status, 400);
        assert!(
            refused["detail"].as_str().unwrap().contains("clear_allowed"),
            "{refused}"
        );
        let path = format!("/api/migrations/{}", made["id"]);
        for state in ["paused", "moving", "ended"] {
            let (status, now) = call(api, "PATCH", &path, json!({"state": state})).await;
            assert_eq!((status, &now["state"]), (200, &json!(state)), "{now}");
        }
        let (status, over) = call(api, "PATCH", &path, json!({"state": "moving"})).await;
        assert_eq!((status, &over["type"]), (409, &json!("refused")));
        let list = call(api, "GET", "/api/migrations", Value::Null).await.1;
        assert_eq!(list["items"][0]["id"], made["id"]);
        let nobody = as_member(&router, &state, "zs@d.test").await;
        let (status, _) = call(&nobody, "POST", "/api/migrations", asked()).await;
        assert_eq!(status, 403, "members begin none");
        let (status, own) = call(&nobody, "GET", "/api/members/me/migrations", Value::Null).await;
        assert_eq!((status, own["items"].as_array().map(Vec::len)), (200, Some(0)), "{own}");
    });
}
