//! What organisations and members show of themselves: pages, logos, avatars, preferences.

use super::organisation::{acme, as_actor, as_member};
use super::*;

/// A PNG file of one red pixel.
const RED: &[u8] = &[
    0x89, b'P', b'N', b'G', 13, 10, 26, 10, 0, 0, 0, 13, b'I', b'H', b'D', b'R', 0, 0, 0, 1, 0, 0, 0, 1, 8, 2, 0, 0, 0,
    0x90, 0x77, 0x53, 0xde, 0, 0, 0, 12, b'I', b'D', b'A', b'T', 8, 0xd7, 0x63, 0xf8, 0xcf, 0xc0, 0, 0, 3, 1, 1, 0,
    0x18, 0xdd, 0x8d, 0xb0, 0, 0, 0, 0, b'I', b'E', b'N', b'D', 0xae, 0x42, 0x60, 0x82,
];

async fn send(api: &axum::Router, method: &str, path: &str, body: Vec<u8>, known: &str) -> (u16, String, Vec<u8>) {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", "image/png")
        .header("if-none-match", known)
        .body(Body::from(body))
        .unwrap();
    let response = api.clone().oneshot(request).await.unwrap();
    let etag = response
        .headers()
        .get("etag")
        .map(|etag| etag.to_str().unwrap().to_owned());
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, etag.unwrap_or_default(), body.to_vec())
}

#[test]
fn org_1_the_page_of_an_organisation() {
    hongyan_actor::run(0, async {
        let (router, state) = &open_api().await;
        let api = &as_actor(router, Actor::socket());
        acme(api).await;
        let path = "/api/organisations/Acme/page";
        let (status, page) = call(api, "GET", path, Value::Null).await;
        assert_eq!((status, &page["welcome"]["kind"]), (200, &json!("standard")));
        let change = json!({"short_name": "A", "time_zone": "Asia/Shanghai", "display_names": "name-alias"});
        let (status, page) = call(api, "PATCH", path, change).await;
        assert_eq!(
            (status, &page["short_name"], &page["industry"]),
            (200, &json!("A"), &json!(""))
        );
        let (status, problem) = call(api, "PATCH", path, json!({"colour": "red"})).await;
        assert_eq!(status, 400, "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains("colour"), "{problem}");
        let boss = &as_member(router, state, "boss@d.test").await;
        assert_eq!(call(boss, "PATCH", path, json!({"size": "50"})).await.0, 200);
        let anna = &as_member(router, state, "anna@d.test").await;
        assert_eq!(call(anna, "PATCH", path, json!({"size": "60"})).await.0, 403);
    });
}

#[test]
fn set_6_avatars_are_ones_own_and_org_3_logos_the_administrators() {
    hongyan_actor::run(0, async {
        let (router, state) = &open_api().await;
        let api = &as_actor(router, Actor::socket());
        acme(api).await;
        let anna = &as_member(router, state, "anna@d.test").await;
        let zs = &as_member(router, state, "zs@d.test").await;
        let boss = &as_member(router, state, "boss@d.test").await;
        let own = "/api/members/me/avatar";
        assert_eq!(send(anna, "GET", own, vec![], "").await.0, 404);
        assert_eq!(send(anna, "PUT", own, RED.to_vec(), "").await.0, 204);
        let theirs = "/api/members/anna@d.test/avatar";
        let (status, etag, file) = send(zs, "GET", theirs, vec![], "").await;
        assert_eq!(
            (status, &file[..2]),
            (200, [0xff, 0xd8].as_slice()),
            "colleagues see it, as JPEG"
        );
        assert_eq!(send(zs, "GET", theirs, vec![], &etag).await.0, 304);
        assert_ne!(send(zs, "PUT", theirs, RED.to_vec(), "").await.0, 204);
        assert_eq!(send(anna, "PUT", own, b"<svg/>".to_vec(), "").await.0, 400);
        let (status, _, problem) = send(anna, "PUT", own, vec![0; (5 << 20) + 1], "").await;
        let problem = String::from_utf8(problem).unwrap();
        assert_eq!(status, 413);
        assert!(problem.contains("avatar_octets_max"), "{problem}");
        assert_eq!(send(boss, "DELETE", theirs, vec![], "").await.0, 204);
        assert_eq!(send(zs, "GET", theirs, vec![], "").await.0, 404);

        let logo = "/api/organisations/Acme/logo";
        assert_eq!(send(anna, "PUT", logo, RED.to_vec(), "").await.0, 403);
        assert_eq!(send(boss, "PUT", logo, RED.to_vec(), "").await.0, 204);
        let (status, _, file) = send(anna, "GET", logo, vec![], "").await;
        assert_eq!((status, &file[1..4]), (200, b"PNG".as_slice()));
        call(api, "POST", "/api/organisations", json!({"name": "Other"})).await;
        assert_eq!(
            send(anna, "GET", "/api/organisations/Other/logo", vec![], "").await.0,
            404
        );
    });
}

#[test]
fn set_preferences_are_ones_own_and_last_save_wins_per_field() {
    hongyan_actor::run(0, async {
        let (router, state) = &open_api().await;
        let api = &as_actor(router, Actor::socket());
        acme(api).await;
        let anna = &as_member(router, state, "anna@d.test").await;
        let own = "/api/members/me/preferences";
        assert_eq!(call(anna, "GET", own, Value::Null).await.1["page_mails"], json!(20));
        // Two sessions save what each changed.
        assert_eq!(call(anna, "PATCH", own, json!({"page_mails": 50})).await.0, 200);
        let (_, both) = call(anna, "PATCH", own, json!({"landing": "inbox"})).await;
        assert_eq!((&both["page_mails"], &both["landing"]), (&json!(50), &json!("inbox")));
        let (status, problem) = call(anna, "PATCH", own, json!({"sender_name": "Annie"})).await;
        assert_eq!(
            status, 400,
            "ORG-9: off unless the organisation lets members: {problem}"
        );
        let page = json!({"own_sender_names": true});
        assert_eq!(call(api, "PATCH", "/api/organisations/Acme/page", page).await.0, 200);
        assert_eq!(call(anna, "PATCH", own, json!({"sender_name": "Annie"})).await.0, 200);
        let boss = &as_member(router, state, "boss@d.test").await;
        let others = "/api/members/anna@d.test/preferences";
        assert_eq!(call(boss, "PATCH", others, json!({"page_mails": 5})).await.0, 403);
    });
}

#[test]
fn lgn_4_administrators_set_how_the_page_to_sign_in_looks() {
    hongyan_actor::run(0, async {
        let (router, state) = &open_api().await;
        let operator = &as_actor(router, Actor::socket());
        acme(operator).await;
        let boss = &as_member(router, state, "boss@d.test").await;
        let anna = &as_member(router, state, "anna@d.test").await;
        let path = "/api/organisations/Acme/sign-in-page";
        assert_eq!(call(boss, "GET", path, Value::Null).await.0, 404);
        let page = json!({"title": "Acme", "title_zh_cn": "甲", "colour": "#0A5C36", "layout": "left"});
        assert_eq!(call(anna, "PUT", path, page.clone()).await.0, 403);
        let (status, set) = call(boss, "PUT", path, page.clone()).await;
        assert_eq!(
            (status, &set["colour"], &set["has_logo"]),
            (200, &json!("#0a5c36"), &json!(false)),
            "{set}"
        );
        assert_eq!(call(boss, "PUT", path, json!({"colour": "url(x)"})).await.0, 400);
        assert_eq!(call(boss, "PUT", path, json!({"html": "<b>"})).await.0, 400);
        for picture in ["logo", "picture"] {
            let path = format!("{path}/{picture}");
            assert_eq!(send(boss, "PUT", &path, b"<svg/>".to_vec(), "").await.0, 400);
            assert_eq!(send(boss, "PUT", &path, RED.to_vec(), "").await.0, 204);
        }
        assert_eq!(
            send(boss, "PUT", &format!("{path}/other"), RED.to_vec(), "").await.0,
            404
        );
        let shown = call(boss, "GET", path, Value::Null).await.1;
        assert_eq!(
            (&shown["has_logo"], &shown["has_picture"]),
            (&json!(true), &json!(true))
        );
        let own = format!("{path}?domain=d.test");
        assert_eq!(call(boss, "PUT", &own, json!({"title": "D"})).await.0, 200);
        let foreign = format!("{path}?domain=elsewhere.test");
        assert_eq!(call(boss, "PUT", &foreign, page).await.0, 404);
        assert_eq!(call(boss, "DELETE", &own, Value::Null).await.0, 204);
        assert_eq!(call(boss, "GET", &own, Value::Null).await.0, 404);
        // Nothing is offered to the world in these tests.
        let form = "/api/organisations/Acme/sign-in-form";
        assert_eq!(call(boss, "GET", form, Value::Null).await.0, 503);
        let foreign = format!("{form}?domains=d.test,elsewhere.test");
        assert_eq!(call(boss, "GET", &foreign, Value::Null).await.0, 404);
    });
}
