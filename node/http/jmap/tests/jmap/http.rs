//! What is not a method: sign-in, the session object, blobs, events, limits.

use std::time::Duration;

use crate::support::Client;
use bytes::Bytes;
use hongyan_access::SessionFilter;
use hongyan_http_jmap::JmapSettings;
use http_body_util::BodyExt;
use hyper::Request;
use serde_json::{Value, json};

const JSON: &str = "application/json";

fn run<F: Future<Output = ()>>(test: F) {
    hongyan_actor::run(1, test);
}

#[test]
fn the_session_object_is_for_those_who_sign_in() {
    run(async {
        let place = Client::start().await;
        let nobody = Request::get("/.well-known/jmap").header("host", "localhost");
        let refused = place.send(nobody.body(Bytes::new().into()).unwrap()).await;
        assert_eq!(refused.status(), 401);
        assert!(refused.headers().contains_key("www-authenticate"));
        let (status, text) = place.ask("GET", "/.well-known/jmap", JSON, "").await;
        assert_eq!(status, 200);
        let session: Value = serde_json::from_slice(&text).unwrap();
        let account = place.account();
        assert_eq!(session["username"], hongyan_miniature::USER);
        assert_eq!(
            session["primaryAccounts"]["urn:ietf:params:jmap:mail"],
            account.as_str()
        );
        assert_eq!(session["accounts"][&account]["isPersonal"], true);
        let core = &session["capabilities"]["urn:ietf:params:jmap:core"];
        assert_eq!(core["maxCallsInRequest"], 64);
        for word in ["{accountId}", "{blobId}", "{name}", "{type}"] {
            assert!(
                session["downloadUrl"].as_str().unwrap().contains(word),
                "RFC 8620 §2: {word}"
            );
        }
        place.stop().await;
    });
}

#[test]
fn wrong_requests_are_refused_as_a_whole() {
    run(async {
        let mut settings = JmapSettings::default();
        settings.core.request_octets_max = 1_000;
        let place = Client::start_with(settings).await;
        let check = async |kind: &str, body: String, expect: &str| {
            let (status, text) = place.ask("POST", "/jmap/api", kind, body).await;
            let problem: Value = serde_json::from_slice(&text).unwrap();
            assert_eq!((status, problem["type"].as_str()), (400, Some(expect)));
        };
        check("text/plain", "{}".to_owned(), "urn:ietf:params:jmap:error:notJSON").await;
        check(JSON, "{".to_owned(), "urn:ietf:params:jmap:error:notJSON").await;
        check(JSON, "{}".to_owned(), "urn:ietf:params:jmap:error:notRequest").await;
        let unknown = json!({"using": ["urn:x"], "methodCalls": []}).to_string();
        check(JSON, unknown, "urn:ietf:params:jmap:error:unknownCapability").await;
        check(JSON, " ".repeat(2_000), "urn:ietf:params:jmap:error:limit").await;
        let many = json!({"using": [], "methodCalls": vec![json!(["a", {}, "0"]); 65]}).to_string();
        check(JSON, many, "urn:ietf:params:jmap:error:limit").await;
        let (status, _) = place.ask("GET", "/nothing", JSON, "").await;
        assert_eq!(status, 404);
        place.stop().await;
    });
}

#[test]
fn what_was_brought_is_found_imported_and_fetched_again() {
    run(async {
        let mut place = Client::start().await;
        let account = place.account();
        let mail = "Subject: plan\r\nContent-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n";
        let (status, text) = place
            .ask("POST", &format!("/jmap/upload/{account}"), "message/rfc822", mail)
            .await;
        assert_eq!(status, 201);
        let uploaded: Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(
            (&uploaded["size"], &uploaded["type"]),
            (&json!(mail.len()), &json!("message/rfc822"))
        );
        let blob = uploaded["blobId"].as_str().unwrap().to_owned();
        let call = format!(
            r#"[["Email/import", {{"accountId": "$account", "emails": {{"a": {{"blobId": "{blob}", "mailboxIds": {{"F00000001": true}},
                "receivedAt": "2020-01-02T03:04:05Z", "keywords": {{"$seen": true}}}}, "b": {{"blobId": "Bx", "mailboxIds": {{"F00000001": true}}}}}}}}, "0"]]"#
        );
        let answer = place.call(&call).await;
        let created = &answer[0][1]["created"]["a"];
        assert_eq!(created["size"], mail.len());
        assert_eq!(answer[0][1]["notCreated"]["b"]["type"], "invalidProperties");
        let whole = created["blobId"].as_str().unwrap();
        let fetch = async |account: &str, blob: &str| {
            let path = format!("/jmap/download/{account}/{blob}/a%20b.eml?accept=text/plain");
            let response = place.send(Client::request("GET", &path, JSON, "")).await;
            let headers = response.headers().clone();
            let status = response.status().as_u16();
            (
                status,
                headers,
                response.into_body().collect().await.unwrap().to_bytes(),
            )
        };
        for id in [&blob, whole] {
            let (status, headers, bytes) = fetch(&account, id).await;
            assert_eq!((status, bytes), (200, Bytes::from(mail)));
            assert_eq!(headers["content-type"], "text/plain");
            assert_eq!(headers["content-disposition"], "attachment; filename*=UTF-8''a%20b.eml");
            assert!(headers["cache-control"].to_str().unwrap().contains("immutable"));
        }
        for id in [format!("{blob}_1"), format!("{whole}_1")] {
            let (status, _, bytes) = fetch(&account, &id).await;
            assert_eq!((status, bytes), (200, Bytes::from("hello")), "decoded");
        }
        for (account, id) in [
            ("A0", whole),
            (&*account, "B0000000000ff"),
            (&*account, "x"),
            (&*account, "B000000000001_9"),
        ] {
            assert_eq!(fetch(account, id).await.0, 404, "{account} {id}");
        }
        let unknown = format!("U{}", "A".repeat(43));
        assert_eq!(fetch(&account, &unknown).await.0, 404, "what others may have brought");
        place.stop().await;
    });
}

#[test]
fn an_upload_has_a_limit() {
    run(async {
        let mut settings = JmapSettings::default();
        settings.core.upload_octets_max = 10;
        let place = Client::start_with(settings).await;
        let path = format!("/jmap/upload/{}", place.account());
        let (status, text) = place.ask("POST", &path, "text/plain", "x".repeat(11)).await;
        let problem: Value = serde_json::from_slice(&text).unwrap();
        assert_eq!((status, &problem["limit"]), (413, &json!("maxSizeUpload")));
        assert_eq!(place.ask("POST", "/jmap/upload/A0", "text/plain", "x").await.0, 404);
        place.stop().await;
    });
}

#[test]
fn events_tell_of_new_states_until_the_session_is_ended() {
    run(async {
        let place = Client::start().await;
        let path = "/jmap/events?types=*&closeafter=no&ping=0";
        let mut response = place.send(Client::request("GET", path, JSON, "")).await;
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        place.append("INBOX", 0, "Subject: a\r\n\r\nb\r\n").await;
        let event = response.body_mut().frame().await.unwrap().unwrap().into_data().unwrap();
        let event = String::from_utf8(event.to_vec()).unwrap();
        assert!(event.starts_with("event: state\nid: "), "{event}");
        let data: Value = serde_json::from_str(event.split("data: ").nth(1).unwrap()).unwrap();
        let states = &data["changed"][place.account()];
        assert!(states["Email"].is_string() && states["Mailbox"].is_string() && states["Thread"].is_string());
        let revoked = place
            .node
            .access
            .revoke_sessions(SessionFilter::Account(place.node.mailbox.account));
        assert_eq!(revoked, 1);
        let end = place
            .node
            .env
            .timeout(Duration::from_secs(10), response.body_mut().frame())
            .await;
        assert!(!matches!(end, None | Some(Some(Ok(_)))), "the stream is cut off");
        place.stop().await;
    });
}

#[test]
fn a_client_that_comes_back_is_told_what_it_missed() {
    run(async {
        let place = Client::start().await;
        place.append("INBOX", 0, "Subject: a\r\n\r\nb\r\n").await;
        let mut request = Client::request("GET", "/jmap/events?types=Email&closeafter=state&ping=0", JSON, "");
        request.headers_mut().insert("last-event-id", "0".parse().unwrap());
        let response = place.send(request).await;
        let text = response.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8(text.to_vec()).unwrap();
        assert!(text.contains("\"Email\"") && !text.contains("\"Mailbox\""), "{text}");
        place.stop().await;
    });
}

#[test]
fn rfc_8621_1_5_of_deliveries_only_new_mail_is_told() {
    run(async {
        let mut place = Client::start().await;
        place.append("INBOX", 0, "Subject: a\r\n\r\nb\r\n").await;
        let state = json!([["Email/get", {"accountId": "$account", "ids": []}, "0"]]).to_string();
        let before = place.call(&state).await[0][1]["state"].as_str().unwrap().to_owned();
        let flag = json!([["Email/set", {"accountId": "$account", "update": {"M000000000001": {"keywords/$seen": true}}}, "0"]]);
        place.call(&flag.to_string()).await;
        let path = "/jmap/events?types=EmailDelivery&closeafter=state&ping=0";
        let mut request = Client::request("GET", path, JSON, "");
        request.headers_mut().insert("last-event-id", before.parse().unwrap());
        let response = place.send(request).await;
        place.append("INBOX", 0, "Subject: c\r\n\r\nd\r\n").await;
        let text = response.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8(text.to_vec()).unwrap();
        let data: Value = serde_json::from_str(text.split("data: ").nth(1).unwrap()).unwrap();
        let now = place.call(&state).await[0][1]["state"].clone();
        assert_eq!(
            data["changed"][place.account()],
            json!({"EmailDelivery": now}),
            "{text}"
        );
        place.stop().await;
    });
}
