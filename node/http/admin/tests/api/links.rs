//! Links to other systems, and badges for pages elsewhere.

use super::domain_records::api_and_zone;
use super::organisation::{acme, as_actor, as_member};
use super::*;

#[test]
fn api_6_members_see_the_links_of_their_organisation() {
    hongyan_actor::run(0, async {
        let (router, state, _) = api_and_zone().await;
        let operator = &as_actor(&router, Actor::socket());
        acme(operator).await;
        let boss = &as_member(&router, &state, "boss@d.test").await;
        let (anna, zs) = (
            &as_member(&router, &state, "anna@d.test").await,
            &as_member(&router, &state, "zs@d.test").await,
        );
        let (status, none, etag) = call_with(boss, "GET", "/api/links", Value::Null, &[]).await;
        assert_eq!((status, &none), (200, &json!({"items": []})));
        let portal = json!({"name": "Portal", "redirects": ["https://portal.test/back"]});
        let connected = "/api/organisations/Acme/connected-applications/portal";
        assert_eq!(call(operator, "PUT", connected, portal).await.0, 200);
        let links = json!({"items": [
            {"name": "Portal", "name_zh_cn": "门户", "url": "https://portal.test/home?a=1", "application": "portal",
                "login_url": "https://portal.test/login?kind=mail#top"},
            {"name": "Wiki", "url": "https://wiki.test/", "icon": "https://wiki.test/i.png", "departments": [1]},
        ]});
        let quoted = [("if-match", etag.as_str())];
        assert_eq!(
            call_with(boss, "PUT", "/api/links", links.clone(), &quoted).await.0,
            200
        );
        let (status, late, _) = call_with(boss, "PUT", "/api/links", json!({"items": []}), &quoted).await;
        assert_eq!((status, &late["type"]), (409, &json!("changed")));
        assert_eq!(late["present"]["items"][1]["name"], "Wiki", "{late}");
        let seen = async |member: &axum::Router| {
            let (status, seen) = call(member, "GET", "/api/me/links", Value::Null).await;
            assert_eq!(status, 200, "{seen}");
            seen["items"].clone()
        };
        let way = |address: &str| {
            let target = "target_link_uri=https%3A%2F%2Fportal.test%2Fhome%3Fa%3D1";
            let hint = format!("login_hint={address}%40d.test");
            json!({
                "name": "Portal", "name_zh_cn": "门户", "icon": null, "signs_in": true,
                "url": format!("https://portal.test/login?kind=mail&iss=https%3A%2F%2Fmx.host.test&{hint}&{target}#top"),
            })
        };
        let wiki = json!({
            "name": "Wiki", "name_zh_cn": "Wiki", "icon": "https://wiki.test/i.png", "signs_in": false, "url": "https://wiki.test/",
        });
        assert_eq!(seen(zs).await, json!([way("zs"), wiki]), "zs is below department 1");
        assert_eq!(seen(anna).await, json!([way("anna")]));
        // Without the application the link leads there all the same.
        assert_eq!(call(operator, "DELETE", connected, Value::Null).await.0, 204);
        let plain = &seen(anna).await[0];
        assert_eq!(
            (&plain["url"], &plain["signs_in"]),
            (&json!("https://portal.test/home?a=1"), &json!(false))
        );
        for (wrong, status) in [
            (links, 404),
            (json!({"items": [{"name": "x", "url": "http://x.test/"}]}), 400),
            (
                json!({"items": [{"name": "x", "url": "https://x.test/", "departments": [99]}]}),
                404,
            ),
            (
                json!({"items": [{"name": "x", "url": "https://x.test/", "tags": [99]}]}),
                404,
            ),
            (
                json!({"items": [{"name": "x", "url": "https://x.test/", "colour": "red"}]}),
                400,
            ),
            (json!({"items": "x"}), 400),
        ] {
            let refused = call(boss, "PUT", "/api/links", wrong.clone()).await;
            assert_eq!(refused.0, status, "{wrong}: {}", refused.1);
        }
        let link = json!({"name": "x", "url": "https://x.test/"});
        let many = json!({"items": vec![link; 51]});
        let (status, problem) = call(boss, "PUT", "/api/links", many).await;
        assert_eq!(
            (&problem["limit"], &problem["max"], &problem["used"]),
            (&json!("links_per_tenant_max"), &json!(50), &json!(51)),
            "{status} {problem}"
        );
        for (method, body) in [("GET", Value::Null), ("PUT", json!({"items": []}))] {
            assert_eq!(
                call(anna, method, "/api/links", body).await.0,
                403,
                "members see their own alone"
            );
        }
        assert_eq!(call(operator, "GET", "/api/me/links", Value::Null).await.0, 400);
        let audit = call(boss, "GET", "/api/audit?action=organisation.links", Value::Null)
            .await
            .1;
        assert_eq!(audit["items"].as_array().unwrap().len(), 1, "{audit}");
    });
}

#[test]
fn set_7_a_member_switches_the_badge_on_and_off() {
    hongyan_actor::run(0, async {
        let (router, state, _) = api_and_zone().await;
        acme(&as_actor(&router, Actor::socket())).await;
        let boss = &as_member(&router, &state, "boss@d.test").await;
        let anna = &as_member(&router, &state, "anna@d.test").await;
        let own = "/api/members/me/badge";
        assert_eq!(call(anna, "GET", own, Value::Null).await.0, 404, "off by itself");
        let (status, plain) = call(anna, "PUT", own, json!({})).await;
        assert_eq!((status, &plain["language"]), (200, &json!("en")), "{plain}");
        let image = plain["image"].as_str().unwrap();
        assert!(image.starts_with("https://mx.host.test/badge/"), "{image}");
        assert_eq!(plain["link"], "mailto:anna@d.test");
        let html = format!("<a href=\"mailto:anna@d.test\"><img src=\"{image}\" alt=\"Mail me\" height=\"32\"></a>\n");
        assert_eq!(plain["html"], html);
        let look = json!({"language": "zh-CN", "shows_name": true});
        let named = call(anna, "PUT", own, look).await.1;
        assert_eq!(named["image"], image, "pages that have it need no other code");
        assert!(named["html"].as_str().unwrap().contains("alt=\"给"), "{named}");
        assert_eq!(call(anna, "GET", own, Value::Null).await.1, named);
        for wrong in [
            json!({"language": "fr"}),
            json!({"colour": 1}),
            json!({"shows_name": "yes"}),
        ] {
            assert_eq!(call(anna, "PUT", own, wrong).await.0, 400);
        }
        // It is theirs alone.
        let hers = "/api/members/anna@d.test/badge";
        for (method, body) in [("GET", Value::Null), ("PUT", json!({})), ("DELETE", Value::Null)] {
            let (status, problem) = call(boss, method, hers, body).await;
            assert_eq!(status, 403, "{method}: {problem}");
        }
        assert_eq!(call(anna, "DELETE", own, Value::Null).await.0, 204);
        assert_eq!(call(anna, "GET", own, Value::Null).await.0, 404);
        assert_ne!(call(anna, "PUT", own, json!({})).await.1["image"], image);
        let audit = call(boss, "GET", "/api/audit?action=member.badge", Value::Null).await.1;
        assert_eq!(audit["items"].as_array().unwrap().len(), 4, "{audit}");
    });
}
