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

#[test]
fn dom_10_a_domain_stays_while_a_migration_brings_mail_into_it() {
    hongyan_actor::run(0, async {
        let (router, _) = open_api().await;
        let api = &as_actor(&router, Actor::socket());
        acme(api).await;
        call(api, "POST", "/api/domains", json!({"domain": "e.test"})).await;
        let (_, made) = call(api, "POST", "/api/migrations", asked()).await;
        let (path, typed) = ("/api/domains/d.test/removal", json!({"domain": "d.test"}));
        let (status, refused) = call(api, "POST", path, typed.clone()).await;
        assert_eq!((status, &refused["type"]), (409, &json!("in-use")), "{refused}");
        let other = call(api, "POST", "/api/domains/e.test/removal", json!({"domain": "e.test"})).await;
        assert_eq!(other.0, 200, "{}", other.1);
        let (status, late) = call(api, "POST", "/api/migrations", {
            let mut late = asked();
            late["source_domain"] = json!("older.test");
            late["target_domain"] = json!("e.test");
            late
        })
        .await;
        assert_eq!(status, 400, "{late}");
        call(api, "DELETE", "/api/domains/e.test/removal", Value::Null).await;
        let path_made = format!("/api/migrations/{}", made["id"]);
        call(api, "PATCH", &path_made, json!({"state": "ended"})).await;
        // Then only its members stand in the way, for whom there is another domain.
        let (status, going) = call(api, "POST", path, typed).await;
        assert_eq!(status, 200, "{going}");
        let licence = json!({"licence": "ICP 1", "licence_reminder_days": 10});
        let (status, changed) = call(api, "PATCH", "/api/domains/e.test", licence).await;
        assert_eq!((status, &changed["licence"]), (200, &json!("ICP 1")), "{changed}");
        assert!(changed["licence_reminder_millis"].is_i64(), "{changed}");
    });
}
