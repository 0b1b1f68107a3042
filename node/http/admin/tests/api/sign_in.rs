//! How members sign in: app passwords.

use axum::Extension;
use hongyan_access::Protocol;
use hongyan_access::permission::Actor;
use hongyan_sasl::Secret;
use hongyan_types::Address;
use serde_json::{Value, json};

use crate::{call, call_with, open_api};

const PEER: [u8; 4] = [192, 0, 2, 1];

/// Two members and the API for the operator and for each of them.
struct World {
    state: hongyan_http_admin::AdminState,
    operator: axum::Router,
    anna: axum::Router,
    ben: axum::Router,
}

async fn world() -> World {
    let (router, state) = open_api().await;
    let operator = router.clone().layer(Extension(Actor::socket()));
    call(&operator, "POST", "/api/organisations", json!({"name": "Acme"})).await;
    call(&operator, "POST", "/api/domains", json!({"domain": "d.test"})).await;
    for name in ["boss", "anna", "ben"] {
        let new = json!({
            "address": format!("{name}@d.test"),
            "password": "Correct-horse7",
            "administrator": name == "boss",
        });
        assert_eq!(call(&operator, "POST", "/api/members", new).await.0, 201);
    }
    let member = async |name: &str| {
        let address = Address::try_from(name).unwrap();
        let account = state.directory.account_at(&address).await.unwrap();
        let actor = Actor::member(&account, Some(PEER.into()), None);
        router.clone().layer(Extension(actor))
    };
    World {
        anna: member("anna@d.test").await,
        ben: member("ben@d.test").await,
        operator,
        state,
    }
}

#[test]
fn auth_21_a_member_makes_uses_and_removes_an_app_password() {
    hongyan_actor::run(0, async {
        let world = world().await;
        let mine = "/api/members/me/app-passwords";
        let new = json!({"name": "Phone", "protocols": ["imap", "submission"], "days": 30});
        let (status, made) = call(&world.anna, "POST", mine, new).await;
        assert_eq!((status, &made["id"]), (201, &json!(1)), "{made}");
        let password = Secret::new(made["password"].as_str().unwrap());
        let signed_in = world
            .state
            .access
            .verify_password(Protocol::Imap, "anna@d.test", &password, PEER.into());
        assert!(signed_in.await.is_ok());
        let (_, list) = call(&world.anna, "GET", mine, Value::Null).await;
        let shown = &list["items"][0];
        assert_eq!(
            (&shown["name"], &shown["protocols"], &shown["last_used_protocol"]),
            (&json!("Phone"), &json!(["imap", "submission"]), &json!("imap"))
        );
        assert!(shown["password"].is_null() && shown["expires_millis"].is_i64());
        // Others neither see nor make them; the operator may do both.
        let hers = "/api/members/anna@d.test/app-passwords";
        assert_eq!(call(&world.ben, "GET", hers, Value::Null).await.0, 403);
        assert_eq!(call(&world.ben, "POST", hers, json!({"name": "x"})).await.0, 403);
        assert_eq!(
            call(&world.operator, "GET", hers, Value::Null).await.1["items"][0]["id"],
            1
        );
        assert_eq!(call(&world.operator, "GET", mine, Value::Null).await.0, 400);
        assert_eq!(
            call(&world.anna, "DELETE", &format!("{mine}/1"), Value::Null).await.0,
            204
        );
        assert_eq!(
            call(&world.anna, "DELETE", &format!("{mine}/1"), Value::Null).await.0,
            404
        );
        assert_eq!(
            call(&world.anna, "DELETE", &format!("{mine}/x"), Value::Null).await.0,
            400
        );
        let log = call(&world.operator, "GET", "/api/audit?action=member.", Value::Null)
            .await
            .1;
        let actions: Vec<_> = log["items"].as_array().unwrap().iter().take(2).collect();
        assert_eq!(actions[0]["action"], "member.remove-app-password");
        assert_eq!(actions[1]["action"], "member.add-app-password");
        assert!(!log.to_string().contains(password.reveal()));
    });
}

#[test]
fn auth_21_what_an_app_password_may_not_be_is_named() {
    hongyan_actor::run(0, async {
        let world = world().await;
        let mine = "/api/members/me/app-passwords";
        for (new, expect) in [
            (json!({"name": ""}), "1 to 64 characters"),
            (json!({"name": "x", "protocols": ["ftp"]}), "ftp"),
            (
                json!({"name": "x", "protocols": ["submission"], "read_only": true}),
                "cannot send",
            ),
            (json!({"name": "x", "days": 0}), "at least a day"),
            (json!({"name": "x", "forever": true}), "forever"),
        ] {
            let (status, problem) = call(&world.anna, "POST", mine, new).await;
            assert_eq!(status, 400, "{problem}");
            assert!(problem["detail"].as_str().unwrap().contains(expect), "{problem}");
        }
        for _ in 0..20 {
            assert_eq!(call(&world.anna, "POST", mine, json!({"name": "x"})).await.0, 201);
        }
        let (status, problem) = call(&world.anna, "POST", mine, json!({"name": "x"})).await;
        assert_eq!(
            (status, &problem["limit"], &problem["used"]),
            (409, &json!("app_passwords_per_account_max"), &json!(20))
        );
    });
}

#[test]
fn api_a_secret_is_not_kept_for_a_repeat() {
    hongyan_actor::run(0, async {
        let world = world().await;
        let mine = "/api/members/me/app-passwords";
        let key = [("idempotency-key", "k1")];
        let new = json!({"name": "Phone"});
        let first = call_with(&world.anna, "POST", mine, new.clone(), &key).await;
        assert_eq!(first.0, 201);
        let second = call_with(&world.anna, "POST", mine, new, &key).await;
        assert_eq!((second.0, &second.1["type"]), (409, &json!("repeated")));
        let list = call(&world.anna, "GET", mine, Value::Null).await.1;
        assert_eq!(list["items"].as_array().unwrap().len(), 1);
    });
}

#[test]
fn auth_24_secure_login_is_switched_and_told() {
    hongyan_actor::run(0, async {
        let world = world().await;
        let mine = "/api/members/me/sign-in";
        let on = json!({"secure_login": true});
        let (status, changed) = call(&world.anna, "PATCH", mine, on.clone()).await;
        assert_eq!((status, &changed["secure_login"]), (200, &json!(true)), "{changed}");
        assert_eq!(
            call(&world.ben, "PATCH", "/api/members/anna@d.test/sign-in", on)
                .await
                .0,
            403
        );
        let shown = call(&world.operator, "GET", "/api/members/anna@d.test/sign-in", Value::Null).await;
        assert_eq!(shown.1["secure_login"], true);
    });
}
