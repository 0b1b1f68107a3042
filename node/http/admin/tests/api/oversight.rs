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
