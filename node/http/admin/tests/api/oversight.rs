//! The operator's hand on organisations: sanctions, and when a service ends.

use super::organisation::{acme, as_actor, as_member};
use super::*;

#[test]
fn org_16_the_operator_imposes_and_lifts_and_administrators_see_why() {
    hongyan_actor::run(0, async {
        let (router, state) = open_api().await;
        let operator = &as_actor(&router, Actor::socket());
        acme(operator).await;
        let boss = &as_member(&router, &state, "boss@d.test").await;
        let path = "/api/organisations/Acme/sanctions";
        let new =
            json!({"kind": "limit", "stops": {"sending_outside": true}, "reason": "spam", "member": "boss@d.test"});
        assert_eq!(call(boss, "POST", path, new.clone()).await.0, 403);
        let made = call(operator, "POST", path, new).await;
        assert_eq!((made.0, &made.1["member"]), (201, &json!("boss@d.test")), "{made:?}");
        let unclear = json!({"kind": "limit", "reason": "spam"});
        assert_eq!(call(operator, "POST", path, unclear).await.0, 400);
        let silent = json!({"kind": "warning", "reason": ""});
        assert_eq!(call(operator, "POST", path, silent).await.0, 400);
        let listed = call(boss, "GET", path, Value::Null).await.1;
        assert_eq!(listed["items"][0]["reason"], json!("spam"), "{listed}");
        let lifted = call(
            operator,
            "POST",
            &format!("{path}/1/lifting"),
            json!({"reason": "mended"}),
        )
        .await;
        assert_eq!((lifted.0, &lifted.1["lifted_reason"]), (200, &json!("mended")));
        let missing = call(
            operator,
            "POST",
            &format!("{path}/x/lifting"),
            json!({"reason": "mended"}),
        )
        .await;
        assert_eq!(missing.0, 404);
        let suspension = json!({"kind": "suspension", "reason": "malware"});
        assert_eq!(call(operator, "POST", path, suspension).await.0, 201);
        let shown = call(operator, "GET", "/api/organisations/Acme", Value::Null).await.1;
        assert_eq!(shown["state"], json!("suspended"));
    });
}

#[test]
fn org_15_the_operator_says_when_a_service_ends() {
    hongyan_actor::run(0, async {
        let (router, state) = open_api().await;
        let operator = &as_actor(&router, Actor::socket());
        acme(operator).await;
        let boss = &as_member(&router, &state, "boss@d.test").await;
        let path = "/api/organisations/Acme";
        let ends = |at: Value| json!({"service_until_millis": at});
        assert_eq!(call(boss, "PATCH", path, ends(json!(1))).await.0, 403);
        let until = state.directory.now().millis + 1_000_000;
        let changed = call(operator, "PATCH", path, ends(json!(until))).await;
        assert_eq!((changed.0, &changed.1["service_until_millis"]), (200, &json!(until)));
        assert_eq!(changed.1["verified"], json!(true), "the only one");
        let changed = call(operator, "PATCH", path, ends(Value::Null)).await;
        assert_eq!(changed.1["service_until_millis"], Value::Null);
    });
}

#[test]
fn org_15_the_operator_says_what_follows_when_mail_goes_elsewhere() {
    hongyan_actor::run(0, async {
        let (router, state) = open_api().await;
        let operator = &as_actor(&router, Actor::socket());
        acme(operator).await;
        let boss = &as_member(&router, &state, "boss@d.test").await;
        let path = "/api/organisations/Acme";
        let shown = call(boss, "GET", path, Value::Null).await.1;
        assert_eq!(
            (&shown["mx_elsewhere"], &shown["mx_elsewhere_millis"]),
            (&json!("off"), &Value::Null)
        );
        let follows = |word: &str| json!({"mx_elsewhere": word});
        assert_eq!(call(boss, "PATCH", path, follows("suspend")).await.0, 403);
        assert_eq!(call(operator, "PATCH", path, follows("delete")).await.0, 400);
        let changed = call(operator, "PATCH", path, follows("purge")).await;
        assert_eq!((changed.0, &changed.1["mx_elsewhere"]), (200, &json!("purge")));
        let check = hongyan_directory::DomainCheck {
            at: state.directory.now(),
            receives: false,
            answered: true,
            lost: None,
            told: None,
            wrong: Vec::new(),
            registration: Default::default(),
        };
        let domain = hongyan_types::Domain::try_from("d.test").unwrap();
        state.directory.keep_domain_check(&domain, &check, None).await.unwrap();
        let acme = state.directory.tenant_named("Acme").await.unwrap().id;
        state.directory.look_at_mx(acme).await.unwrap();
        let shown = call(boss, "GET", path, Value::Null).await.1;
        assert_eq!(shown["mx_elsewhere_millis"], json!(0), "it is counted");
        let log = call(operator, "GET", "/api/audit?action=organisation.change", Value::Null).await;
        assert!(log.1.to_string().contains("mx_elsewhere"), "{log:?}");
    });
}

/// What comes back for a file that is sent: the status and the body.
async fn send(api: &axum::Router, method: &str, path: &str, file: &[u8]) -> (u16, Vec<u8>) {
    let request = Request::builder().method(method).uri(path);
    let response = api
        .clone()
        .oneshot(request.body(Body::from(file.to_vec())).unwrap())
        .await
        .unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, body.to_vec())
}

#[test]
fn org_4_org_5_an_administrator_asks_and_the_operator_answers() {
    hongyan_actor::run(0, async {
        let (router, state) = open_api().await;
        let operator = &as_actor(&router, Actor::socket());
        acme(operator).await;
        let boss = &as_member(&router, &state, "boss@d.test").await;
        let anna = &as_member(&router, &state, "anna@d.test").await;
        let png = b"\x89PNG\r\n\x1a\n........".as_slice();
        let verification = "/api/requests?kind=verification&text=a%20club";
        assert_eq!(send(boss, "POST", verification, png).await.0, 409, "the only one");
        call(operator, "POST", "/api/organisations", json!({"name": "Other"})).await;
        assert_eq!(send(anna, "POST", verification, png).await.0, 403);
        assert_eq!(send(boss, "POST", verification, b"<svg>").await.0, 400);
        let (status, made) = send(boss, "POST", verification, png).await;
        let made: Value = serde_json::from_slice(&made).unwrap();
        assert_eq!(
            (status, &made["state"], &made["by"]),
            (201, &json!("waiting"), &json!("boss@d.test"))
        );
        let path = format!("/api/requests/{}", made["id"]);
        let file = format!("{path}/documents/1");
        assert_eq!(send(operator, "GET", &file, b"").await, (200, png.to_vec()));
        assert_eq!(send(boss, "GET", &file, b"").await, (200, png.to_vec()));
        assert_eq!(send(anna, "GET", &file, b"").await.0, 403);
        assert_eq!(send(boss, "GET", &format!("{path}/documents/2"), b"").await.0, 404);
        // The wrong paper: taken back, and asked anew.
        let withdrawal = format!("{path}/withdrawal");
        assert_eq!(call(anna, "POST", &withdrawal, json!({})).await.0, 403);
        let back = call(boss, "POST", &withdrawal, json!({})).await;
        assert_eq!((back.0, &back.1["state"]), (200, &json!("withdrawn")));
        assert_eq!(call(boss, "POST", &withdrawal, json!({})).await.0, 409);
        let listed = call(boss, "GET", "/api/requests?state=withdrawn", Value::Null).await.1;
        assert_eq!(listed["items"][0]["id"], made["id"]);
        let (_, made) = send(boss, "POST", verification, png).await;
        let made: Value = serde_json::from_slice(&made).unwrap();
        let path = format!("/api/requests/{}", made["id"]);
        let approval = format!("{path}/approval");
        assert_eq!(call(boss, "POST", &approval, json!({})).await.0, 403);
        let approved = call(operator, "POST", &approval, json!({"days": 30})).await;
        assert_eq!((approved.0, &approved.1["state"]), (200, &json!("approved")));
        let shown = call(boss, "GET", "/api/organisations/Acme", Value::Null).await.1;
        assert_eq!(shown["verified"], json!(true));
        assert_eq!(
            call(boss, "GET", "/api/messages", Value::Null).await.1["items"][0]["kind"],
            json!("request.approved")
        );
        let more = "/api/requests?kind=member-limit&wanted=2000000";
        let made: Value = serde_json::from_slice(&send(boss, "POST", more, png).await.1).unwrap();
        let refusal = format!("/api/requests/{}/refusal", made["id"]);
        let refused = call(operator, "POST", &refusal, json!({"reason": "not signed"})).await;
        assert_eq!((refused.0, &refused.1["reason"]), (200, &json!("not signed")));
        let listed = call(operator, "GET", "/api/requests?state=refused", Value::Null)
            .await
            .1;
        assert_eq!(listed["items"][0]["organisation"], json!("Acme"), "{listed}");
        assert_eq!(call(anna, "GET", "/api/requests", Value::Null).await.0, 403);
        assert_eq!(call(boss, "GET", "/api/requests/x", Value::Null).await.0, 404);
    });
}
