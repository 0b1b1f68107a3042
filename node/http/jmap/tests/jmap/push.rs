//! Places on the web that are told of new states (RFC 8620 §7.2); the test is the web.

use serde_json::{Value, json};

use crate::support::Client;

const URL: &str = "https://push.test/1";

/// What is posted next: where to, and what.
async fn posted(place: &mut Client) -> (String, Value) {
    let next = place.web.recv();
    let letter = place.node.env.timeout(hongyan_miniature::WITHIN, next).await;
    let letter = letter.expect("something is posted").unwrap();
    (letter.url, serde_json::from_slice(&letter.body).unwrap())
}

async fn set(place: &mut Client, arguments: Value) -> Value {
    let calls = json!([["PushSubscription/set", arguments, "0"]]);
    place.call(&calls.to_string()).await[0][1].clone()
}

#[test]
fn a_place_that_wants_to_be_told_is_told_until_it_is_gone() {
    hongyan_actor::run(1, async {
        let mut place = Client::start().await;
        let new = json!({"deviceClientId": "d", "url": URL, "types": ["Email", "Other"]});
        let created = set(&mut place, json!({"create": {"a": new}})).await["created"]["a"].clone();
        assert!(created["expires"].is_string());
        let id = created["id"].as_str().unwrap().to_owned();
        let (url, verification) = posted(&mut place).await;
        assert_eq!(
            (url.as_str(), &verification["@type"]),
            (URL, &json!("PushVerification"))
        );
        assert_eq!(verification["pushSubscriptionId"], id);
        let code = verification["verificationCode"].clone();

        let wrong = set(&mut place, json!({"update": {&id: {"verificationCode": "x"}}})).await;
        assert_eq!(wrong["notUpdated"][&id]["properties"], json!(["verificationCode"]));
        let right = set(
            &mut place,
            json!({"update": {&id: {"verificationCode": code, "expires": "2100-01-01T00:00:00Z"}}}),
        )
        .await;
        assert!(
            right["updated"][&id]["expires"].is_string(),
            "it is told for so long only"
        );

        place.append("INBOX", 0, "Subject: a\r\n\r\nb\r\n").await;
        let (url, change) = posted(&mut place).await;
        assert_eq!((url.as_str(), &change["@type"]), (URL, &json!("StateChange")));
        let states = change["changed"][place.account()].as_object().unwrap();
        assert_eq!(states.keys().collect::<Vec<_>>(), ["Email"]);

        place.is_gone.store(true, std::sync::atomic::Ordering::Relaxed);
        place.append("INBOX", 0, "Subject: c\r\n\r\nd\r\n").await;
        posted(&mut place).await;
        // Whoever asks for it again is told what is known by then: at last that it is gone.
        loop {
            let calls = json!([["PushSubscription/get", {"ids": [id]}, "0"]]);
            let known = place.call(&calls.to_string()).await;
            if known[0][1]["notFound"] == json!([id]) {
                break;
            }
            tokio::task::yield_now().await;
        }
        place.stop().await;
    });
}

#[test]
fn places_are_checked_and_kept_to_themselves() {
    hongyan_actor::run(1, async {
        let mut place = Client::start().await;
        let keys = json!({"p256dh": "AAAA", "auth": "AAAA"});
        let refused = set(
            &mut place,
            json!({"create": {"a": {"deviceClientId": "d", "url": "http://push.test/"}, "b": {"deviceClientId": "", "url": URL},
                "c": {"deviceClientId": "d", "url": URL, "keys": keys}, "d": {"url": URL}},
                "update": {"P000000009999": {}}, "destroy": ["x"]}),
        )
        .await;
        let why = |creation: &str| refused["notCreated"][creation]["properties"].clone();
        assert_eq!(
            [why("a"), why("b"), why("c")],
            [json!(["url"]), json!(["deviceClientId"]), json!(["keys"])]
        );
        assert_eq!(refused["notCreated"]["d"]["type"], "invalidProperties");
        assert_eq!(refused["notUpdated"]["P000000009999"]["type"], "notFound");
        assert_eq!(refused["notDestroyed"]["x"]["type"], "notFound");
        let made = set(
            &mut place,
            json!({"create": {"a": {"deviceClientId": "d", "url": URL}}}),
        )
        .await;
        let id = made["created"]["a"]["id"].clone();
        let calls = json!([["PushSubscription/get", {}, "0"], ["PushSubscription/get", {"properties": ["url"]}, "1"],
            ["PushSubscription/set", {"destroy": [id]}, "2"], ["PushSubscription/get", {"ids": [id]}, "3"]]);
        let answer = place.call(&calls.to_string()).await;
        assert_eq!(answer[0][1]["list"][0]["verificationCode"], Value::Null);
        assert!(answer[0][1]["list"][0].get("url").is_none());
        assert_eq!(answer[1][1]["type"], "forbidden");
        assert_eq!(answer[2][1]["destroyed"], json!([id]));
        assert_eq!(answer[3][1]["notFound"], json!([id]));
        place.stop().await;
    });
}
