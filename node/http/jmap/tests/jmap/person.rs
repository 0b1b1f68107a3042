//! What is left of a person when another gets the mailbox (MEM-13, MEM-16).

use hongyan_directory::{OrganisationPage, Recycle, Restore};
use hongyan_http_jmap::JmapSettings;
use hongyan_miniature::{Options, PASSWORD};
use hongyan_sasl::Secret;
use serde_json::{Value, json};

use crate::support::Client;

/// What a client finds of its person: the answer while away, the identities as name and signature, places told of news, and mails.
async fn found(place: &mut Client) -> (Value, Vec<(String, String)>, usize, Value) {
    let calls = json!([
        ["VacationResponse/get", {"accountId": "$account", "ids": null}, "0"],
        ["Identity/get", {"accountId": "$account", "ids": null}, "1"],
        ["PushSubscription/get", {"ids": null}, "2"],
        ["Email/query", {"accountId": "$account", "calculateTotal": true}, "3"],
    ]);
    let answers = place.call(&calls.to_string()).await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let identities = answers[1][1]["list"].as_array().unwrap().iter();
    let identities = identities.map(|identity| (text(&identity["name"]), text(&identity["textSignature"])));
    let away = &answers[0][1]["list"][0];
    (
        json!([away["isEnabled"], away["textBody"]]),
        identities.collect(),
        answers[2][1]["list"].as_array().unwrap().len(),
        answers[3][1]["total"].clone(),
    )
}

/// Has the person say that they are away, sign, go by another name too, and be told of news.
async fn settle(place: &mut Client) {
    let calls = json!([
        ["VacationResponse/set", {"accountId": "$account",
            "update": {"singleton": {"isEnabled": true, "textBody": "At sea"}}}, "0"],
        ["Identity/get", {"accountId": "$account", "ids": null}, "1"],
        ["PushSubscription/set", {"create": {"a": {"deviceClientId": "d", "url": "https://push.test/1"}}}, "2"],
    ]);
    let answers = place.call(&calls.to_string()).await;
    let given = answers[1][1]["list"][0]["id"].as_str().unwrap();
    let calls = json!([["Identity/set", {"accountId": "$account",
        "update": {given: {"name": "A. Berg", "textSignature": "Yours, Anna"}},
        "create": {"b": {"name": "Annie", "email": "anna@example.test"}}}, "0"]]);
    let answers = place.call(&calls.to_string()).await;
    assert!(answers[0][1]["created"]["b"]["id"].is_string(), "{answers:#}");
}

async fn give(place: &Client, unbind: bool, name: Option<&str>) {
    let node = &place.node;
    let (directory, mailbox) = (&node.directory, node.mailbox);
    let asked = Recycle {
        unbind,
        confirmed: true,
        ..Recycle::default()
    };
    directory.recycle(mailbox.account, &asked).await.unwrap();
    let credential = node.access.hash_password(&Secret::new(PASSWORD)).await.unwrap();
    let restore = Restore::Member {
        name: name.map(str::to_owned),
        profile: None,
        credential: Some(Box::new(credential)),
        invited: false,
        another: name.is_some(),
    };
    let restored = directory.restore(mailbox.tenant, mailbox.account, &restore).await;
    restored.unwrap();
    node.access.account_changed(mailbox.account).await.unwrap();
}

#[test]
fn mem_13_the_mail_stays_and_nothing_else_of_who_had_it() {
    hongyan_actor::run(1, async {
        let options = Options {
            forget_person: vec![hongyan_http_jmap::forget_person, hongyan_delivery::forget_person],
            ..Options::default()
        };
        let mut place = Client::start_on(&options, JmapSettings::default()).await;
        let page = OrganisationPage {
            own_sender_names: true,
            ..OrganisationPage::default()
        };
        let set = place.node.directory.set_page(place.node.mailbox.tenant, &page, None);
        set.await.unwrap();
        place.append("INBOX", 0, "Subject: a\r\n\r\nb\r\n").await;
        settle(&mut place).await;
        let annas = [("A. Berg", "Yours, Anna"), ("Annie", "")].map(|(name, sign)| (name.to_owned(), sign.to_owned()));
        let away = json!([true, "At sea"]);
        assert_eq!(found(&mut place).await, (away.clone(), annas.to_vec(), 1, json!(1)));
        // MEM-14: deleted and back, she has all as it was.
        give(&place, false, None).await;
        assert_eq!(found(&mut place).await, (away, annas.to_vec(), 1, json!(1)));
        for unbind in [true, false] {
            give(&place, unbind, Some("Ben")).await;
            let bens = vec![("Ben".to_owned(), String::new())];
            let expect = (json!([false, null]), bens, 0, json!(1));
            assert_eq!(found(&mut place).await, expect, "unbind: {unbind}");
            settle(&mut place).await;
        }
        place.stop().await;
    });
}
