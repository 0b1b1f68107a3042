//! How members sign in: app passwords.

use axum::Extension;
use hongyan_access::permission::Actor;
use hongyan_access::{Protocol, Visit};
use hongyan_sasl::Secret;
use hongyan_types::Address;
use serde_json::{Value, json};

use crate::{call, call_with, open_api_at};

const PEER: [u8; 4] = [192, 0, 2, 1];

/// Two members and the API for the operator and for each of them.
pub(crate) struct World {
    pub(crate) state: hongyan_http_admin::AdminState,
    pub(crate) operator: axum::Router,
    pub(crate) anna: axum::Router,
    pub(crate) ben: axum::Router,
    router: axum::Router,
    clock: hongyan_env::ManualClock,
}

pub(crate) async fn world() -> World {
    let (router, state, clock) = open_api_at(hongyan_upkeep::Lists::default()).await;
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
        router,
        clock,
    }
}

impl World {
    /// The API for whoever signs in to the web client now.
    pub(crate) async fn signed_in(&self, name: &str) -> axum::Router {
        let visit = Visit {
            peer: PEER.into(),
            client: "Browser",
            device: None,
        };
        let access = &self.state.access;
        let begun = access
            .web_sign_in(name, &Secret::new("Correct-horse7"), visit)
            .await
            .unwrap();
        let identity = access.web_identity(begun.token.reveal(), PEER.into()).await.unwrap();
        let actor = Actor::member(&identity.account, Some(PEER.into()), None);
        self.router.clone().layer(Extension(actor)).layer(Extension(identity))
    }
}

#[test]
fn adm_7_a_session_without_a_fresh_proof_neither_offers_nor_takes_the_creators_role() {
    hongyan_actor::run(0, async {
        let world = world().await;
        let (path, accept) = ("/api/hand-over", "/api/hand-over/accept");
        let offer = json!({"member": "anna@d.test"});
        let stale = (
            world.signed_in("boss@d.test").await,
            world.signed_in("anna@d.test").await,
        );
        world.clock.advance(std::time::Duration::from_secs(3_600));
        let refused = call(&stale.0, "POST", path, offer.clone()).await;
        assert_eq!(
            (refused.0, &refused.1["type"]),
            (403, &json!("proof-needed")),
            "{refused:?}"
        );
        let fresh = world.signed_in("boss@d.test").await;
        assert_eq!(
            call(&fresh, "GET", path, Value::Null).await.0,
            404,
            "nothing was offered"
        );
        assert_eq!(call(&fresh, "POST", path, offer).await.0, 201);
        let refused = call(&stale.1, "POST", accept, Value::Null).await;
        assert_eq!(
            (refused.0, &refused.1["type"]),
            (403, &json!("proof-needed")),
            "{refused:?}"
        );
        assert_eq!(call(&stale.1, "GET", path, Value::Null).await.0, 200, "it still stands");
        let fresh = world.signed_in("anna@d.test").await;
        let taken = call(&fresh, "POST", accept, Value::Null).await;
        assert_eq!(
            (taken.0, &taken.1["role"]["kind"]),
            (200, &json!("creator")),
            "{taken:?}"
        );
    });
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

#[test]
fn lgn_11_whose_clients_would_stop_is_told_before_secure_login_is_demanded() {
    hongyan_actor::run(0, async {
        let world = world().await;
        let path = "/api/organisations/Acme/sign-in-policy/secure-login-effect";
        assert_eq!(call(&world.anna, "GET", path, Value::Null).await.0, 403);
        let before = call(&world.operator, "GET", path, Value::Null).await.1;
        let members = before["members"].as_u64().unwrap();
        assert_eq!(
            (&before["without"], &before["stopped"]),
            (&json!(members), &json!(members))
        );
        let new = json!({"name": "Phone", "protocols": ["imap"]});
        let made = call(&world.anna, "POST", "/api/members/me/app-passwords", new).await;
        assert_eq!(made.0, 201, "{}", made.1);
        let on = json!({"secure_login_forced": true});
        call(&world.operator, "PATCH", "/api/members/ben@d.test/sign-in", on).await;
        let after = call(&world.operator, "GET", path, Value::Null).await.1;
        assert_eq!(
            (&after["without"], &after["stopped"]),
            (&json!(members - 1), &json!(members - 2)),
            "{after}"
        );
        let named = after["stopped_members"].as_array().unwrap();
        assert!(!named.contains(&json!("anna@d.test")), "{after}");
        let page = json!({"exit_page": "https://www.d.test/bye"});
        let policy = "/api/organisations/Acme/sign-in-policy";
        let set = call(&world.operator, "PATCH", policy, page).await;
        assert_eq!((set.0, &set.1["exit_page"]), (200, &json!("https://www.d.test/bye")));
        let foreign = json!({"exit_page": "https://evil.test/"});
        assert_eq!(call(&world.operator, "PATCH", policy, foreign).await.0, 400);
    });
}

#[test]
fn auth_21_an_app_password_does_not_open_the_console() {
    hongyan_actor::run(0, async {
        let world = world().await;
        let mine = "/api/members/me/app-passwords";
        let made = call(&world.anna, "POST", mine, json!({"name": "Phone"})).await.1;
        let with = async |password: &str| {
            let password = Secret::new(password);
            let access = &world.state.access;
            let identity = access.verify_password(Protocol::Http, "anna@d.test", &password, PEER.into());
            let identity = identity.await.unwrap();
            world.anna.clone().layer(Extension(identity))
        };
        let app = with(made["password"].as_str().unwrap()).await;
        let refused = call(&app, "GET", mine, Value::Null).await;
        assert_eq!((refused.0, &refused.1["type"]), (403, &json!("app-password")));
        let own = with("Correct-horse7").await;
        assert_eq!(call(&own, "GET", mine, Value::Null).await.0, 200);
        assert_eq!(call(&own, "POST", mine, json!({"name": "x"})).await.0, 201);
    });
}

#[test]
fn log_1_sign_ins_are_told_to_their_owner_and_the_administrators() {
    hongyan_actor::run(0, async {
        let world = world().await;
        let access = &world.state.access;
        for (name, password) in [
            ("anna@d.test", "wrong"),
            ("anna@d.test", "Correct-horse7"),
            ("ben@d.test", "wrong"),
        ] {
            let password = Secret::new(password);
            let _ = access
                .verify_password(Protocol::Imap, name, &password, PEER.into())
                .await;
        }
        access.write_logins().await;
        let mine = call(&world.anna, "GET", "/api/members/me/logins", Value::Null).await.1;
        let items = mine["items"].as_array().unwrap();
        assert_eq!(items.len(), 2, "{mine}");
        let results: std::collections::BTreeSet<_> =
            items.iter().map(|item| item["result"].as_str().unwrap()).collect();
        assert_eq!(results, ["bad-credentials", "ok"].into());
        let first = &items[0];
        assert_eq!(
            (&first["account"], &first["protocol"], &first["peer"], &first["place"]),
            (
                &json!("anna@d.test"),
                &json!("imap"),
                &json!("192.0.2.1"),
                &json!("unknown")
            )
        );
        assert_eq!(
            call(&world.ben, "GET", "/api/members/anna@d.test/logins", Value::Null)
                .await
                .0,
            403
        );
        assert_eq!(call(&world.ben, "GET", "/api/logins", Value::Null).await.0, 403);
        let all = call(&world.operator, "GET", "/api/logins?limit=2", Value::Null).await.1;
        assert_eq!(all["items"].as_array().unwrap().len(), 2);
        let next = all["next"].as_str().unwrap();
        let rest = call(
            &world.operator,
            "GET",
            &format!("/api/logins?after={next}"),
            Value::Null,
        )
        .await
        .1;
        assert_eq!(rest["items"].as_array().unwrap().len(), 1);
        let failed = call(&world.operator, "GET", "/api/logins?failed=true", Value::Null)
            .await
            .1;
        assert_eq!(failed["items"].as_array().unwrap().len(), 2);
        assert_eq!(
            call(&world.operator, "GET", "/api/logins?after=x", Value::Null).await.0,
            400
        );
    });
}

#[test]
fn auth_an_administrator_resets_a_lost_second_factor() {
    hongyan_actor::run(0, async {
        let world = world().await;
        let path = "/api/members/anna@d.test/second-factor";
        assert_eq!(call(&world.ben, "DELETE", path, Value::Null).await.0, 403);
        assert_eq!(
            call(&world.anna, "DELETE", path, Value::Null).await.0,
            403,
            "not at oneself"
        );
        assert_eq!(call(&world.operator, "DELETE", path, Value::Null).await.0, 204);
        let must = json!({"must_change_password": true});
        let own = "/api/members/me/sign-in";
        assert_eq!(call(&world.anna, "PATCH", own, must.clone()).await.0, 403);
        let changed = call(&world.operator, "PATCH", "/api/members/anna@d.test/sign-in", must).await;
        assert_eq!((changed.0, &changed.1["must_change_password"]), (200, &json!(true)));
        let set = json!({"password": "Correct-horse8", "must_change": false});
        assert_eq!(
            call(&world.operator, "PUT", "/api/members/anna@d.test/password", set)
                .await
                .0,
            204
        );
        assert_eq!(
            call(&world.anna, "GET", own, Value::Null).await.1["must_change_password"],
            false
        );
        let devices = call(&world.anna, "GET", "/api/members/me/devices", Value::Null).await;
        assert_eq!(devices, (200, json!({"items": []})));
        assert_eq!(
            call(&world.anna, "DELETE", "/api/members/me/devices/x", Value::Null)
                .await
                .0,
            400
        );
        let nobody = call(
            &world.anna,
            "POST",
            "/api/session",
            json!({"login": "a", "password": "b"}),
        )
        .await;
        assert_eq!((nobody.0, &nobody.1["type"]), (401, &json!("unauthenticated")));
    });
}

#[test]
fn lgn_8_administrators_say_how_all_sign_in() {
    hongyan_actor::run(0, async {
        let world = world().await;
        let path = "/api/organisations/Acme/sign-in-policy";
        assert_eq!(call(&world.ben, "GET", path, Value::Null).await.0, 403);
        assert_eq!(
            call(&world.ben, "PATCH", path, json!({"closed": ["pop3"]})).await.0,
            403
        );
        let (_, before, etag) = call_with(&world.operator, "GET", path, Value::Null, &[]).await;
        assert_eq!(before["networks"], json!([]));
        let change = json!({
            "closed": ["pop3"],
            "networks": ["192.0.2.9-192.0.2.0", "2001:db8::/32"],
            "exempt_members": ["ben@d.test"],
            "second_factor": {"of": "administrators"},
        });
        let etag = format!("\"{}\"", etag.trim_matches('"'));
        let (status, set, _) = call_with(
            &world.operator,
            "PATCH",
            path,
            change.clone(),
            &[("if-match", etag.as_str())],
        )
        .await;
        assert_eq!(status, 200, "{set}");
        assert_eq!(set["networks"], json!(["192.0.2.0-192.0.2.9", "2001:db8::/32"]));
        assert_eq!(set["notices"].as_array().unwrap().len(), 1);
        assert_eq!(set["exempt_members"], json!(["ben@d.test"]));
        assert_eq!(set["second_factor"]["grace_days"], 7);
        let late = call_with(&world.operator, "PATCH", path, change, &[("if-match", etag.as_str())]).await;
        assert_eq!(
            (late.0, &late.1["present"]["closed"]),
            (409, &json!(["pop3"])),
            "{}",
            late.1
        );
        for (wrong, expect) in [
            (json!({"networks": ["ten"]}), "ten: neither"),
            (json!({"closed": ["ftp"]}), "ftp"),
            (json!({"exempt_members": ["nobody@d.test"]}), "nobody@d.test"),
            (
                json!({"second_factor": {"of": "everyone", "grace_days": 400}}),
                "365 days",
            ),
        ] {
            let (status, problem) = call(&world.operator, "PATCH", path, wrong).await;
            assert!(matches!(status, 400 | 404), "{problem}");
            assert!(problem["detail"].as_str().unwrap().contains(expect), "{problem}");
        }
        let log = call(
            &world.operator,
            "GET",
            "/api/audit?action=organisation.sign-in",
            Value::Null,
        )
        .await;
        assert_eq!(log.1["items"].as_array().unwrap().len(), 1, "{}", log.1);
    });
}

#[test]
fn lgn_1_what_administrators_decide_of_a_member_the_member_does_not_change() {
    hongyan_actor::run(0, async {
        let world = world().await;
        let mine = "/api/members/me/sign-in";
        let path = "/api/members/anna@d.test/sign-in";
        let change = json!({"closed": ["imap"], "networks": ["10.0.0.0/8"], "secure_login_forced": true});
        let (status, set) = call(&world.operator, "PATCH", path, change).await;
        assert_eq!(status, 200, "{set}");
        for change in [
            json!({"closed": []}),
            json!({"networks": []}),
            json!({"secure_login_forced": false}),
        ] {
            assert_eq!(call(&world.anna, "PATCH", mine, change).await.0, 403);
        }
        let shown = call(&world.anna, "GET", mine, Value::Null).await.1;
        assert_eq!(
            (&shown["closed"], &shown["networks"], &shown["secure_login_forced"]),
            (&json!(["imap"]), &json!(["10.0.0.0/8"]), &json!(true))
        );
        let made = call(
            &world.anna,
            "POST",
            "/api/members/me/app-passwords",
            json!({"name": "x", "protocols": ["web"]}),
        )
        .await;
        assert_eq!(made.0, 400, "{}", made.1);
    });
}

#[test]
fn oauth_operators_register_clients_and_members_take_grants_back() {
    hongyan_actor::run(0, async {
        let world = world().await;
        let path = "/api/oauth-clients/reader";
        let client = json!({"name": "Reader", "redirects": ["http://127.0.0.1/"], "scope": "imap read-only"});
        assert_eq!(call(&world.anna, "PUT", path, client.clone()).await.0, 403);
        let (status, set) = call(&world.operator, "PUT", path, client).await;
        assert_eq!((status, &set["scope"]), (200, &json!("imap read-only")), "{set}");
        for (wrong, expect) in [
            (
                json!({"name": "x", "redirects": ["http://evil.test/"]}),
                "http://evil.test/",
            ),
            (json!({"name": "x", "scope": "everything"}), "offline_access"),
            (json!({"name": ""}), "1 to 64"),
        ] {
            let (status, problem) = call(&world.operator, "PUT", path, wrong).await;
            assert!(status == 400 && problem.to_string().contains(expect), "{problem}");
        }
        let list = call(&world.operator, "GET", "/api/oauth-clients", Value::Null).await.1;
        assert_eq!(list["items"][0]["id"], "reader");
        let mine = "/api/members/me/oauth-grants";
        let grants = call(&world.anna, "GET", mine, Value::Null).await;
        assert_eq!((grants.0, &grants.1["items"]), (200, &json!([])));
        let hers = "/api/members/anna@d.test/oauth-grants";
        assert_eq!(call(&world.ben, "GET", hers, Value::Null).await.0, 403);
        for id in ["00000000000000aa", "x"] {
            let gone = call(&world.anna, "DELETE", &format!("{mine}/{id}"), Value::Null).await;
            assert_eq!(gone.0, 404, "{}", gone.1);
        }
        assert_eq!(call(&world.operator, "DELETE", path, Value::Null).await.0, 204);
        assert_eq!(call(&world.operator, "DELETE", path, Value::Null).await.0, 404);
    });
}
