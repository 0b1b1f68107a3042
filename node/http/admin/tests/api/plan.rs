//! Plans, seats and limits over the API.

use super::organisation::{acme, as_actor, as_member};
use super::*;

#[test]
fn plan_1_5_6_operators_make_plans_and_give_them() {
    hongyan_actor::run(0, async {
        let (router, state) = open_api().await;
        let operator = &as_actor(&router, Actor::socket());
        acme(operator).await;
        let boss = &as_member(&router, &state, "boss@d.test").await;
        let new = json!({"name": "Basic", "without": ["api"], "limits": {"accounts_per_tenant_max": 2, "domains_per_tenant_max": 1}});
        assert_eq!(call(boss, "POST", "/api/plans", new.clone()).await.0, 403);
        let made = call(operator, "POST", "/api/plans", new.clone()).await;
        assert_eq!((made.0, &made.1["without"]), (201, &json!(["api"])));
        assert_eq!(call(operator, "POST", "/api/plans", new).await.0, 409);
        let wrong = json!({"name": "X", "limits": {"acounts": 2}});
        assert_eq!(call(operator, "POST", "/api/plans", wrong).await.0, 400);
        let path = "/api/organisations/Acme/plan";
        let shown = call(boss, "GET", path, Value::Null).await.1;
        assert_eq!(
            (&shown["plan"], &shown["features"][0]["included"]),
            (&Value::Null, &json!(true))
        );
        let asked = json!({"plan": "basic", "seats": 1});
        assert_eq!(call(boss, "PUT", path, asked.clone()).await.0, 403);
        let previewed = call(boss, "POST", &format!("{path}/preview"), asked.clone()).await.1;
        let above = json!([{"limit": "accounts_per_tenant_max", "max": 2, "used": 4}]);
        assert_eq!((&previewed["above"], &previewed["features"]), (&above, &json!(["api"])));
        let (status, problem) = call(operator, "PUT", path, asked).await;
        assert_eq!(
            (status, &problem["type"], &problem["present"]["above"]),
            (409, &json!("in-use"), &above)
        );
        let asked = json!({"plan": "basic", "seats": 1, "confirmed": true});
        let given = call(operator, "PUT", path, asked).await.1;
        assert_eq!(
            (&given["plan"], &given["seats"]),
            (&json!("Basic"), &json!({"total": 1, "used": 0, "available": 1}))
        );
        let (status, problem) = call(boss, "POST", "/api/members", json!({"address": "e@d.test"})).await;
        assert_eq!(status, 409);
        assert_eq!(
            (&problem["limit"], &problem["max"], &problem["used"], &problem["level"]),
            (&json!("accounts_per_tenant_max"), &json!(2), &json!(4), &json!("plan"))
        );
        let token = json!({"name": "sync", "account": "boss@d.test", "scopes": ["members:read"]});
        let (status, problem) = call(operator, "POST", "/api/tokens", token).await;
        assert_eq!((status, &problem["type"]), (403, &json!("not-in-plan")), "{problem}");
        assert_eq!(call(operator, "DELETE", "/api/plans/Basic", Value::Null).await.0, 409);
        call(operator, "PUT", path, json!({"plan": null})).await;
        assert_eq!(call(operator, "DELETE", "/api/plans/Basic", Value::Null).await.0, 204);
        let history = call(boss, "GET", "/api/audit?action=organisation.plan", Value::Null)
            .await
            .1;
        assert_eq!(history["items"].as_array().unwrap().len(), 2, "{history}");
    });
}

#[test]
fn plan_2_seats_are_given_and_withdrawn() {
    hongyan_actor::run(0, async {
        let (router, state) = open_api().await;
        let operator = &as_actor(&router, Actor::socket());
        acme(operator).await;
        let boss = &as_member(&router, &state, "boss@d.test").await;
        call(operator, "PUT", "/api/organisations/Acme/plan", json!({"seats": 1})).await;
        let (status, given) = call(boss, "PUT", "/api/members/zs@d.test/seat", Value::Null).await;
        assert_eq!((status, &given["seat"]), (200, &json!("advanced")), "{given}");
        let listed = call(boss, "GET", "/api/seats", Value::Null).await.1;
        assert_eq!(
            (&listed["items"][0]["address"], &listed["items"][0]["departments"]),
            (&json!("zs@d.test"), &json!([2]))
        );
        let (status, problem) = call(boss, "PATCH", "/api/members/anna@d.test", json!({"seat": "advanced"})).await;
        assert_eq!(
            (status, &problem["limit"], &problem["used"]),
            (409, &json!("seats"), &json!(1))
        );
        let (status, back) = call(boss, "DELETE", "/api/members/zs@d.test/seat", Value::Null).await;
        assert_eq!((status, &back["seat"]), (200, &json!("standard")));
        let shown = call(boss, "GET", "/api/organisations/Acme/plan", Value::Null).await.1;
        assert_eq!(shown["seats"]["available"], 1);
        let lead = &as_member(&router, &state, "lead@d.test").await;
        assert_eq!(call(lead, "GET", "/api/seats", Value::Null).await.0, 403);
    });
}

#[test]
fn gen_5_administrators_tighten_and_operators_widen() {
    hongyan_actor::run(0, async {
        let (router, state) = open_api().await;
        let operator = &as_actor(&router, Actor::socket());
        acme(operator).await;
        let boss = &as_member(&router, &state, "boss@d.test").await;
        let path = "/api/organisations/Acme/limits";
        let limits = |max: Value| json!({"limits": {"accounts_per_tenant_max": max}});
        let in_force = |shown: &Value| {
            let limits = shown["limits"].as_array().unwrap();
            let found = limits
                .iter()
                .find(|limit| limit["name"] == "accounts_per_tenant_max")
                .unwrap();
            (found["max"].clone(), found["level"].clone())
        };
        let set = call(operator, "PATCH", path, limits(json!(10))).await.1;
        assert_eq!(in_force(&set), (json!(10), json!("organisation")));
        let (status, problem) = call(boss, "PATCH", path, limits(json!(11))).await;
        assert_eq!(
            (status, &problem["max"], &problem["level"]),
            (409, &json!(10), &json!("organisation"))
        );
        let set = call(boss, "PATCH", path, limits(json!(4))).await.1;
        assert_eq!(in_force(&set).0, json!(4));
        assert_eq!(
            call(boss, "POST", "/api/members", json!({"address": "e@d.test"}))
                .await
                .0,
            409
        );
        let set = call(boss, "PATCH", path, limits(Value::Null)).await.1;
        assert_eq!(in_force(&set).0, json!(10));
        let operators = json!({"limits": {"domains_per_tenant_max": 1}});
        assert_eq!(call(boss, "PATCH", path, operators).await.0, 409);
    });
}

#[test]
fn gen_5_limits_of_one_member_are_set_and_shown_with_their_level() {
    hongyan_actor::run(0, async {
        let (router, state) = open_api().await;
        let operator = &as_actor(&router, Actor::socket());
        acme(operator).await;
        let boss = &as_member(&router, &state, "boss@d.test").await;
        let path = "/api/members/boss@d.test";
        let limits = |name: &str, value: Value| json!({"limits": {name: value}});
        let changed = call(boss, "PATCH", path, limits("message_octets_max", json!(100_000))).await;
        assert_eq!(
            (changed.0, &changed.1["limits"]),
            (200, &json!({"message_octets_max": 100_000})),
            "{changed:?}"
        );
        let (status, problem) = call(boss, "PATCH", path, limits("folders_per_account_max", json!(20))).await;
        assert_eq!(status, 409, "{problem}");
        let (status, problem) = call(boss, "PATCH", path, limits("message_octets_max", json!(1))).await;
        assert_eq!(status, 400, "{problem}");
        let shown = call(boss, "GET", &format!("{path}/limits"), Value::Null).await.1;
        let items = shown["items"].as_array().unwrap();
        let of = |name: &str| items.iter().find(|item| item["name"] == name);
        let octets = of("message_octets_max").unwrap();
        assert_eq!(
            (&octets["max"], &octets["level"], &octets["lowest_level"]),
            (&json!(100_000), &json!("member"), &json!("member"))
        );
        assert_eq!(of("log_days").unwrap()["level"], json!("installation"));
        assert_eq!(of("aliases_per_account_max").unwrap()["used"], json!(0));
        assert!(of("accounts_per_tenant_max").is_none(), "that is the organisation's");
        call(boss, "PATCH", path, limits("message_octets_max", Value::Null)).await;
        let shown = call(boss, "GET", path, Value::Null).await.1;
        assert_eq!(shown["limits"], json!({}));
    });
}
