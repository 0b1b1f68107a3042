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
        // Nobody is found by what is not shown: being found would tell it.
        let profile = json!({"profile": {"mobile": "+8613800000000", "landline": "010-555", "title": "Auditor",
            "employee_id": "E4711", "nickname": "Annie"}});
        let set = call(&operator, "PATCH", "/api/members/anna@d.test", profile).await;
        assert_eq!(set.0, 200, "{}", set.1);
        let texts = ["13800000000", "010555", "auditor", "e4711", "annie"];
        let finding = async |rules: Value| {
            assert_eq!(call(&operator, "PUT", "/api/visibility", rules).await.0, 200);
            let mut by = Vec::new();
            for text in texts {
                let path = format!("/api/people?text={text}");
                let people = call(&anna, "GET", &path, Value::Null).await.1;
                by.extend((people["total"] == 1).then_some(text));
                let path = format!("/api/members?text={text}");
                let members = call(&operator, "GET", &path, Value::Null).await.1;
                assert_eq!(
                    members["items"].as_array().unwrap().len(),
                    1,
                    "administrators find by all: {text}"
                );
            }
            by
        };
        assert_eq!(finding(json!({})).await, [""; 0]);
        assert_eq!(finding(json!({"show_phones": true})).await, texts[..2]);
        assert_eq!(finding(json!({"show_title": true})).await, texts[2..3]);
        let page = json!({"display_names": "name-alias"});
        assert_eq!(
            call(&operator, "PATCH", "/api/organisations/Acme/page", page).await.0,
            200
        );
        assert_eq!(finding(json!({})).await, texts[4..]);
        assert_eq!(call(&anna, "PUT", "/api/visibility", json!({})).await.0, 403);
        assert_eq!(
            call(&operator, "PUT", "/api/visibility", json!({"hidden_tags": [9]}))
                .await
                .0,
            404
        );
    });
}

#[test]
fn org_8_people_are_in_the_order_of_what_is_shown_of_them() {
    hongyan_actor::run(0, async {
        let (api, state) = open_api().await;
        let operator = as_actor(&api, Actor::socket());
        acme(&operator).await;
        for (local, alias) in [("zs", "Ada"), ("anna", "Yves"), ("lead", "李")] {
            let path = format!("/api/members/{local}@d.test");
            let set = call(&operator, "PATCH", &path, json!({"profile": {"nickname": alias}})).await;
            assert_eq!(set.0, 200, "{}", set.1);
        }
        let anna = as_member(&api, &state, "anna@d.test").await;
        for (names, expect) in [
            ("name", ["Anna Berg", "Boss", "Lead", "张三"]),
            ("alias", ["Ada", "Boss", "李", "Yves"]),
            ("name-alias", ["Anna Berg (Yves)", "Boss", "Lead (李)", "张三 (Ada)"]),
            ("alias-name", ["Ada (张三)", "Boss", "李 (Lead)", "Yves (Anna Berg)"]),
        ] {
            let page = json!({"display_names": names});
            let set = call(&operator, "PATCH", "/api/organisations/Acme/page", page).await;
            assert_eq!(set.0, 200, "{}", set.1);
            for limit in [2, 4] {
                let path = format!("/api/people?limit={limit}");
                let people = call(&anna, "GET", &path, Value::Null).await.1;
                let shown: Vec<&str> = people["items"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|someone| someone["name"].as_str().unwrap())
                    .collect();
                assert_eq!(shown, expect[..limit], "{names}");
            }
            // Administrators' pages have the names, as ever.
            let (mut path, mut addresses) = ("/api/members?limit=1".to_owned(), Vec::new());
            loop {
                let members = call(&operator, "GET", &path, Value::Null).await.1;
                addresses.push(members["items"][0]["address"].as_str().unwrap().to_owned());
                match members["next"].as_str() {
                    Some(next) => path = format!("/api/members?limit=1&after={next}"),
                    None => break,
                }
            }
            assert_eq!(addresses, ["anna@d.test", "boss@d.test", "lead@d.test", "zs@d.test"]);
        }
    });
}
