//! Members who act for one another.

use super::organisation::{acme, as_actor, as_member};
use super::*;

#[test]
fn dlg_2_to_5_members_settle_it_among_themselves() {
    hongyan_actor::run(0, async {
        let (api, state) = open_api().await;
        acme(&as_actor(&api, Actor::socket())).await;
        let anna = as_member(&api, &state, "anna@d.test").await;
        let zs = as_member(&api, &state, "zs@d.test").await;
        let path = "/api/me/delegations";
        let new = json!({"member": "zs@d.test", "level": "full", "period": "week"});
        let (status, given) = call(&anna, "POST", path, new.clone()).await;
        assert_eq!((status, &given["state"]), (200, &json!("active")), "{given}");
        let week = given["until_millis"].as_i64().unwrap() - given["from_millis"].as_i64().unwrap();
        assert_eq!(week, 7 * 86_400_000);
        let seen = call(&zs, "GET", path, Value::Null).await.1;
        assert_eq!(
            (&seen["by_me"][0]["member"], &seen["by_me"][0]["level"]),
            (&json!("anna@d.test"), &json!("full"))
        );
        let shorter = json!({"member": "zs@d.test", "level": "send-on-behalf", "period": "day"});
        assert_eq!(call(&anna, "POST", path, shorter).await.0, 200);
        let mine = call(&anna, "GET", path, Value::Null).await.1;
        assert_eq!(
            mine["for_me"].as_array().unwrap().len(),
            1,
            "a second entry takes the place of the first"
        );
        assert_eq!(mine["for_me"][0]["level"], "send-on-behalf");
        let entry = "/api/me/delegations/zs@d.test";
        assert_eq!(call(&anna, "PATCH", entry, json!({"stopped": true})).await.0, 204);
        assert_eq!(
            call(&anna, "GET", path, Value::Null).await.1["for_me"][0]["state"],
            "stopped"
        );
        assert_eq!(call(&anna, "DELETE", entry, Value::Null).await.0, 204);
        assert_eq!(call(&anna, "DELETE", entry, Value::Null).await.0, 404);
        for wrong in ["anna@d.test", "nobody@d.test"] {
            let new = json!({"member": wrong, "level": "full", "period": "week"});
            assert!(call(&anna, "POST", path, new).await.0 >= 400, "{wrong}");
        }
        let operator = as_actor(&api, Actor::socket());
        assert_eq!(call(&operator, "POST", path, new).await.0, 400);
    });
}

#[test]
fn dlg_3_who_asks_gets_an_answer() {
    hongyan_actor::run(0, async {
        let (api, state) = open_api().await;
        acme(&as_actor(&api, Actor::socket())).await;
        let anna = as_member(&api, &state, "anna@d.test").await;
        let zs = as_member(&api, &state, "zs@d.test").await;
        let ask = json!({"member": "anna@d.test", "level": "send-as", "period": "month"});
        let requests = "/api/me/delegations/requests";
        assert_eq!(call(&zs, "POST", requests, ask.clone()).await.0, 202);
        let asked = call(&anna, "GET", "/api/me/delegations", Value::Null).await.1;
        assert_eq!(
            (&asked["asked_of_me"][0]["member"], &asked["asked_of_me"][0]["days"]),
            (&json!("zs@d.test"), &json!(30))
        );
        let accept = format!("{requests}/zs@d.test/accept");
        assert_eq!(call(&anna, "POST", &accept, Value::Null).await.1["level"], "send-as");
        assert_eq!(call(&anna, "POST", &accept, Value::Null).await.0, 404);
        assert_eq!(call(&zs, "POST", requests, ask.clone()).await.0, 202);
        assert_eq!(
            call(&anna, "DELETE", &format!("{requests}/zs@d.test"), Value::Null)
                .await
                .0,
            204
        );
        assert_eq!(call(&zs, "POST", requests, ask).await.0, 202);
        assert_eq!(
            call(&zs, "DELETE", &format!("{requests}/anna@d.test"), Value::Null)
                .await
                .0,
            204,
            "taken back"
        );
        assert_eq!(
            call(&zs, "DELETE", "/api/me/delegations/anna@d.test", Value::Null)
                .await
                .0,
            204,
            "given up"
        );
    });
}
