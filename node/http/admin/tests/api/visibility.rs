//! Who sees whom.

use super::organisation::{acme, as_actor, as_member};
use super::*;

#[test]
fn org_11_and_12_members_find_whom_they_see() {
    hongyan_actor::run(0, async {
        let (api, state) = open_api().await;
        let operator = as_actor(&api, Actor::socket());
        acme(&operator).await;
        let anna = as_member(&api, &state, "anna@d.test").await;
        let found = async || {
            let people = call(&anna, "GET", "/api/people", Value::Null).await;
            assert_eq!(people.0, 200, "{}", people.1);
            people.1
        };
        assert_eq!(found().await["total"], 4);
        assert_eq!(found().await["items"][0]["department"], Value::Null);
        let (status, _, etag) = call_with(&operator, "GET", "/api/visibility", Value::Null, &[]).await;
        assert_eq!(status, 200);
        let rules = json!({"hidden_departments": [1], "show_department": true});
        let quoted = [("if-match", etag.as_str())];
        assert_eq!(
            call_with(&operator, "PUT", "/api/visibility", rules.clone(), &quoted)
                .await
                .0,
            200
        );
        assert_eq!(
            call_with(&operator, "PUT", "/api/visibility", rules, &quoted).await.0,
            409
        );
        let people = found().await;
        assert_eq!(people["total"], 2, "zs and lead are in Tech or below: {people}");
        assert_eq!(people["items"][0]["department"], "Sales");
        let search = call(&anna, "GET", "/api/people?text=zs", Value::Null).await.1;
        assert_eq!(search["total"], 0);
        let phone = json!({"profile": {"mobile": "+8613800000000"}});
        let set = call(&operator, "PATCH", "/api/members/anna@d.test", phone).await;
        assert_eq!(set.0, 200, "{}", set.1);
        let mobile = async || {
            let people = call(&anna, "GET", "/api/people?text=anna", Value::Null).await.1;
            people["items"][0]["mobile"].clone()
        };
        assert_eq!(
            mobile().await,
            Value::Null,
            "CON-7: phones are shown where the organisation wants it"
        );
        let rules = json!({"show_phones": true});
        assert_eq!(call(&operator, "PUT", "/api/visibility", rules).await.0, 200);
        assert_eq!(mobile().await, "+8613800000000");
        assert_eq!(call(&anna, "PUT", "/api/visibility", json!({})).await.0, 403);
        assert_eq!(
            call(&operator, "PUT", "/api/visibility", json!({"hidden_tags": [9]}))
                .await
                .0,
            404
        );
    });
}
