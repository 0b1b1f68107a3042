//! Mails that leave later, what becomes of mails that left, and answers while somebody is away: what takes more than one
//! node's requests to see. Here the test is the relay.

use crate::support::Client;
use hongyan_delivery::{Answer, DeliveryEnvelope, DeliveryId, DeliveryRecipient, Target, Vacation};
use hongyan_directory::Resolution;
use hongyan_miniature::{USER, WITHIN};
use hongyan_queue::{
    Attempt, Destination, Due, DueEntry, Holder, LocalDelivery, Outcome, QueueId, RecipientState, Reported, Retry, Work,
};
use hongyan_types::{Address, Timestamp};
use serde_json::{Value, json};

/// The queue's runner, as far as a test needs one.
async fn due(place: &Client) -> Vec<DueEntry> {
    let mut entries = Vec::new();
    for queue in QueueId::all() {
        let holder = Holder { node: 0, life: 1 };
        let request = Due { limit: 100, holder };
        let reply = place.node.router.ask(&queue, request, WITHIN).await.unwrap().unwrap();
        entries.extend(reply.entries);
    }
    entries
}

async fn report(place: &Client, entry: &DueEntry, outcomes: Vec<(usize, Outcome)>) {
    assert_eq!(entry.work, Work::Deliver);
    let number = entry.id.number;
    let request = Reported { number, outcomes };
    let reported = place.node.router.ask(&entry.id.queue, request, WITHIN).await;
    reported.unwrap().unwrap();
}

fn said(code: u16, status: &str, text: &str) -> Attempt {
    Attempt {
        code,
        status: status.to_owned(),
        text: text.to_owned(),
        ..Attempt::default()
    }
}

/// The identity and a draft to these.
async fn draft(place: &mut Client, to: &[&str]) -> (String, String) {
    let to: Vec<Value> = to.iter().map(|email| json!({"email": email})).collect();
    let create = json!({"m": {"mailboxIds": {"F00000001": true}, "from": [{"email": USER}], "to": to, "subject": "later",
        "textBody": [{"partId": "1"}], "bodyValues": {"1": {"value": "text"}}}});
    let calls = json!([["Identity/get", {"accountId": "$account"}, "0"],
        ["Email/set", {"accountId": "$account", "create": create}, "1"]]);
    let answer = place.call(&calls.to_string()).await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (
        text(&answer[0][1]["list"][0]["id"]),
        text(&answer[1][1]["created"]["m"]["id"]),
    )
}

/// Sends a draft; the submission's id.
async fn submit(place: &mut Client, (identity, email): &(String, String), parameters: Value, to: &[&str]) -> String {
    let to: Vec<Value> = to.iter().map(|email| json!({"email": email})).collect();
    let envelope = json!({"mailFrom": {"email": USER, "parameters": parameters}, "rcptTo": to});
    let create = json!({"s": {"identityId": identity, "emailId": email, "envelope": envelope}});
    let calls = json!([["EmailSubmission/set", {"accountId": "$account", "create": create}, "0"]]);
    let answer = place.call(&calls.to_string()).await;
    let id = &answer[0][1]["created"]["s"]["id"];
    id.as_str().unwrap_or_else(|| panic!("{answer:#}")).to_owned()
}

async fn get(place: &mut Client, id: &str) -> Value {
    let calls = json!([["EmailSubmission/get", {"accountId": "$account", "ids": [id]}, "0"]]);
    place.call(&calls.to_string()).await[0][1]["list"][0].clone()
}

async fn changed(place: &mut Client, since: &str) -> Value {
    let calls = json!([["EmailSubmission/changes", {"accountId": "$account", "sinceState": since}, "0"]]);
    place.call(&calls.to_string()).await[0][1].clone()
}

async fn cancel(place: &mut Client, id: &str) -> Value {
    let calls =
        json!([["EmailSubmission/set", {"accountId": "$account", "update": {id: {"undoStatus": "canceled"}}}, "0"]]);
    place.call(&calls.to_string()).await[0][1].clone()
}

async fn inbox(place: &mut Client) -> usize {
    let calls = json!([["Email/query", {"accountId": "$account", "filter": {"inMailbox": "F00000001"}}, "0"]]);
    place.call(&calls.to_string()).await[0][1]["ids"]
        .as_array()
        .unwrap()
        .len()
}

#[test]
fn trk_2_delivery_status_follows_the_queue() {
    hongyan_actor::run(1, async {
        let mut place = Client::start().await;
        let to = ["x@b.test", "Y@b.test", "z@c.test"];
        let mail = draft(&mut place, &to).await;
        let id = submit(&mut place, &mail, Value::Null, &to).await;
        let before = changed(&mut place, "0").await["newState"].as_str().unwrap().to_owned();
        let entries = due(&place).await;
        assert_eq!(entries.len(), 2, "one for each domain");
        for entry in &entries {
            let is_b = entry.entry.destination == Destination::Domain("b.test".to_owned());
            let outcomes = if is_b {
                vec![
                    (0, Outcome::Delivered(said(250, "2.0.0", "ok"))),
                    (1, Outcome::Bounced(said(550, "5.1.1", "nobody"))),
                ]
            } else {
                vec![(0, Outcome::Deferred(said(450, "4.2.0", "later")))]
            };
            report(&place, entry, outcomes).await;
        }
        let status = get(&mut place, &id).await["deliveryStatus"].clone();
        let one = |address: &str| {
            (
                status[address]["delivered"].clone(),
                status[address]["smtpReply"].clone(),
            )
        };
        assert_eq!(one("x@b.test"), (json!("unknown"), json!("250 2.0.0 ok")));
        assert_eq!(one("Y@b.test"), (json!("no"), json!("550 5.1.1 nobody")));
        assert_eq!(one("z@c.test"), (json!("queued"), json!("450 4.2.0 later")));
        assert_eq!(changed(&mut place, &before).await["updated"], json!([id]));
        place.stop().await;
    });
}

#[test]
fn mode_1_a_scheduled_mail_leaves_when_its_time_has_come() {
    hongyan_actor::run(1, async {
        let mut place = Client::start().await;
        let mail = draft(&mut place, &[USER]).await;
        let id = submit(&mut place, &mail, json!({"HOLDFOR": "3600"}), &[USER, "x@b.test"]).await;
        assert_eq!(get(&mut place, &id).await["undoStatus"], "pending");
        assert!(due(&place).await.is_empty(), "nothing leaves before");
        assert_eq!(inbox(&mut place).await, 1, "the draft");
        // An operator is impatient.
        let mut local = None;
        for queue in QueueId::all() {
            let list = hongyan_queue::List { after: 0, limit: 10 };
            let listed = place.node.router.ask(&queue, list, WITHIN).await.unwrap().unwrap();
            for (entry, stored) in listed.entries {
                assert!(stored.due_millis > place.node.env.wall_millis() + 3_000_000);
                assert_eq!(
                    stored.accepted_millis, stored.due_millis,
                    "it is as old as if it had come then"
                );
                if stored.destination == Destination::Local {
                    local = Some(entry);
                }
            }
        }
        let local = local.unwrap();
        let retry = Retry { number: local.number };
        place
            .node
            .router
            .ask(&local.queue, retry, WITHIN)
            .await
            .unwrap()
            .unwrap();
        let entries = due(&place).await;
        assert_eq!(entries.len(), 1);
        let outcomes = LocalDelivery::deliver(&place.delivery, entries[0].id, &entries[0].entry).await;
        report(&place, &entries[0], outcomes).await;
        assert_eq!(inbox(&mut place).await, 2);
        assert_eq!(get(&mut place, &id).await["deliveryStatus"][USER]["delivered"], "yes");
        assert_eq!(
            cancel(&mut place, &id).await["notUpdated"][&id]["type"],
            "cannotUnsend",
            "some of it has left"
        );
        place.stop().await;
    });
}

#[test]
fn mode_2_a_scheduled_mail_is_taken_back_whole() {
    hongyan_actor::run(1, async {
        let mut place = Client::start().await;
        let mail = draft(&mut place, &[USER]).await;
        let until = json!({"HOLDUNTIL": "2027-10-01T00:00:00Z"});
        let id = submit(&mut place, &mail, until, &[USER, "x@b.test", "y@c.test"]).await;
        assert_eq!(get(&mut place, &id).await["sendAt"], "2027-10-01T00:00:00Z");
        assert_eq!(cancel(&mut place, &id).await["updated"], json!({&id: null}));
        assert_eq!(get(&mut place, &id).await["undoStatus"], "canceled");
        assert_eq!(
            cancel(&mut place, &id).await["updated"],
            json!({&id: null}),
            "twice is once"
        );
        for queue in QueueId::all() {
            let list = hongyan_queue::List { after: 0, limit: 10 };
            let listed = place.node.router.ask(&queue, list, WITHIN).await.unwrap().unwrap();
            assert!(listed.entries.is_empty());
        }
        place.stop().await;
    });
}

/// A mail comes in for the account.
async fn receive(place: &Client, from: &str, mail: &str) {
    let address = Address::try_from(USER).unwrap();
    let Ok(Resolution::Account(target)) = place.node.directory.resolve(&address).await else {
        panic!("the account");
    };
    let recipients = vec![DeliveryRecipient {
        address,
        target: Target::Account(target),
        original: None,
        notify: None,
    }];
    let mut sink = place.delivery.sink(&recipients, None);
    sink.push(mail.as_bytes()).await.unwrap();
    let envelope = DeliveryEnvelope {
        id: DeliveryId::random(&place.node.env),
        sender: Address::try_from(from).ok(),
        tenant: None,
        submitter: None,
        smtputf8: false,
        binary: false,
        ret: None,
        envid: None,
        arrived: Timestamp {
            millis: place.node.env.wall_millis(),
        },
        recipients,
        submission: None,
    };
    let outcomes = place.delivery.deliver(&envelope, sink, Answer::Whole).await.unwrap();
    assert!(outcomes.iter().all(hongyan_delivery::Outcome::is_accepted));
}

/// To whom the queue has answers, and their text.
async fn answers(place: &Client) -> Vec<(String, String)> {
    let mut answers = Vec::new();
    for entry in due(place).await {
        assert_eq!(entry.entry.sender, None, "nobody answers an answer");
        let blob = entry.entry.blob_address();
        let mut reader = place.node.blobs.open_blob(entry.entry.tenant, &blob).await.unwrap();
        let text = reader.read(0, 100_000).await.unwrap();
        for recipient in &entry.entry.recipients {
            assert_eq!(recipient.state, RecipientState::Pending);
            let text = String::from_utf8(text.to_vec()).unwrap();
            answers.push((recipient.address.clone(), text));
        }
        let taken = (0..entry.entry.recipients.len()).map(|at| (at, Outcome::Delivered(said(250, "2.0.0", "ok"))));
        report(place, &entry, taken.collect()).await;
    }
    answers
}

#[test]
fn rule_10_people_who_write_are_told_once_a_day() {
    hongyan_actor::run(1, async {
        let place = Client::start().await;
        let vacation = Vacation {
            is_enabled: true,
            text: Some("Back on Monday.".to_owned()),
            ..Vacation::default()
        };
        let mail = "From: bob@b.test\r\nTo: anna@example.test\r\nSubject: =?utf-8?q?gr=C3=BC=C3=9Fe?=\r\nMessage-ID: <1@b.test>\r\n\r\nhi\r\n";
        receive(&place, "bob@b.test", mail).await;
        assert!(answers(&place).await.is_empty(), "nobody is away");
        let set = place.delivery.set_vacation(place.node.mailbox, vacation.clone()).await;
        let set = set.unwrap().unwrap();
        assert_eq!(
            place.delivery.set_vacation(place.node.mailbox, vacation).await,
            Ok(None),
            "not what it was"
        );
        receive(&place, "bob@b.test", mail).await;
        receive(&place, "bob@b.test", mail).await;
        let told = answers(&place).await;
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0].0, "bob@b.test");
        let structure = hongyan_message::parse(told[0].1.as_bytes());
        assert!(
            told[0].1.contains("\r\nAuto-Submitted: auto-replied\r\n"),
            "{}",
            told[0].1
        );
        assert!(told[0].1.contains("\r\nIn-Reply-To: <1@b.test>\r\n"), "{}", told[0].1);
        assert_eq!(structure.preview, "Back on Monday.");
        let subject = structure.envelope.subject.unwrap();
        assert_eq!(hongyan_message::words::decode(&subject), "Automatic reply: grüße");
        for (from, mail) in [
            ("", "From: x@b.test\r\nTo: anna@example.test\r\n\r\n"),
            ("MAILER-DAEMON@b.test", "To: anna@example.test\r\n\r\n"),
            ("carl@b.test", "From: carl@b.test\r\nTo: list@b.test\r\n\r\n"),
            (
                "carl@b.test",
                "To: anna@example.test\r\nAuto-Submitted: auto-generated\r\n\r\n",
            ),
            ("carl@b.test", "To: anna@example.test\r\nPrecedence: bulk\r\n\r\n"),
            ("carl@b.test", "To: anna@example.test\r\nList-Id: <l.b.test>\r\n\r\n"),
            ("anna+x@example.test", "To: anna@example.test\r\n\r\n"),
        ] {
            receive(&place, from, mail).await;
            assert!(answers(&place).await.is_empty(), "{mail}");
        }
        let changed = Vacation {
            text: Some("Back on Tuesday.".to_owned()),
            ..set
        };
        place
            .delivery
            .set_vacation(place.node.mailbox, changed)
            .await
            .unwrap()
            .unwrap();
        receive(&place, "bob@b.test", mail).await;
        assert_eq!(answers(&place).await.len(), 1, "what changed is told again");
        place.stop().await;
    });
}
