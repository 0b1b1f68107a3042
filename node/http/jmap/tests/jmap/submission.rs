//! Mails that leave later, what becomes of mails that left, and answers while somebody is away: what takes more than one
//! node's requests to see. Here the test is the relay.

use crate::support::Client;
use hongyan_delivery::{Answer, DeliveryEnvelope, DeliveryId, DeliveryRecipient, SentCopy, Target, Vacation};
use hongyan_directory::{AccountChange, AccountState, Field, Resolution};
use hongyan_http_jmap::JmapSettings;
use hongyan_miniature::{USER, WITHIN};
use hongyan_queue::{
    Attempt, Destination, Due, DueEntry, EntryId, Holder, LocalDelivery, Outcome, PutOff, QueueId, RecipientState,
    Reported, Retry, Work,
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
        let settings = JmapSettings {
            scheduled_full_tracking: true,
            ..JmapSettings::default()
        };
        let mut place = Client::start_with(settings).await;
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
fn mem_15_what_a_disabled_member_scheduled_waits_until_that_ends() {
    hongyan_actor::run(1, async {
        let mut place = Client::start().await;
        let mail = draft(&mut place, &["x@b.test"]).await;
        let id = submit(&mut place, &mail, json!({"HOLDFOR": "3600"}), &["x@b.test"]).await;
        let other = draft(&mut place, &["y@b.test"]).await;
        submit(&mut place, &other, Value::Null, &["y@b.test"]).await;
        let entries = due(&place).await;
        assert_eq!(entries.len(), 1, "what leaves at once");
        let at_once = &entries[0].entry;
        let scheduled = waiting(&place)
            .await
            .into_iter()
            .find(|entry| entry != at_once)
            .unwrap();
        let switch = async |place: &Client, state: AccountState| {
            let change = AccountChange {
                state: Field::Set(state),
                ..AccountChange::default()
            };
            let account = place.node.mailbox.account;
            place.node.directory.change_account(account, &change).await.unwrap();
        };
        assert_eq!(place.delivery.held(&scheduled).await, None);
        switch(&place, AccountState::Disabled).await;
        assert_eq!(place.delivery.held(at_once).await, None, "it was sent before");
        let reason = place.delivery.held(&scheduled).await.unwrap();
        assert_eq!((reason.code, reason.status.as_str()), (451, "4.2.1"));
        let entry = listed(&place)
            .await
            .into_iter()
            .find(|(_, entry)| *entry == scheduled)
            .unwrap()
            .0;
        let due_millis = scheduled.due_millis + 60_000;
        let put_off = PutOff {
            number: entry.number,
            due_millis,
            reason,
        };
        place
            .node
            .router
            .ask(&entry.queue, put_off, WITHIN)
            .await
            .unwrap()
            .unwrap();
        let held = waiting(&place)
            .await
            .into_iter()
            .find(|entry| entry.recipients[0].last.is_some())
            .unwrap();
        assert_eq!(
            (held.due_millis, held.accepted_millis, held.attempts),
            (due_millis, due_millis, 0)
        );

        switch(&place, AccountState::Active).await;
        assert_eq!(place.delivery.held(&held).await, None);
        let shown = get(&mut place, &id).await;
        let status = &shown["deliveryStatus"]["x@b.test"];
        assert_eq!(status["delivered"], "queued", "{shown}");
        assert!(status["smtpReply"].as_str().unwrap().contains("disabled"), "{status}");
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

/// All that waits in the queue.
async fn waiting(place: &Client) -> Vec<hongyan_queue::Entry> {
    listed(place).await.into_iter().map(|(_, entry)| entry).collect()
}

async fn listed(place: &Client) -> Vec<(EntryId, hongyan_queue::Entry)> {
    let mut entries = Vec::new();
    for queue in QueueId::all() {
        let list = hongyan_queue::List { after: 0, limit: 10 };
        let listed = place.node.router.ask(&queue, list, WITHIN).await.unwrap().unwrap();
        entries.extend(listed.entries);
    }
    entries
}

#[test]
fn mode_2_a_scheduled_mail_leaves_at_another_time_or_now() {
    hongyan_actor::run(1, async {
        let mut place = Client::start().await;
        let mail = draft(&mut place, &[USER]).await;
        let id = submit(&mut place, &mail, json!({"HOLDFOR": "3600"}), &[USER, "x@b.test"]).await;
        let set = |at: &str| json!([["EmailSubmission/set", {"accountId": "$account", "update": {&id: {"sendAt": at}}}, "0"]]);
        let answer = place.call(&set("2027-10-01T00:00:00Z").to_string()).await;
        assert_eq!(answer[0][1]["updated"], json!({&id: null}), "{answer:#}");
        let shown = get(&mut place, &id).await;
        assert_eq!(
            (&shown["sendAt"], &shown["undoStatus"]),
            (&json!("2027-10-01T00:00:00Z"), &json!("pending"))
        );
        assert_eq!(shown["deliveryStatus"], Value::Null, "MODE-3");
        let entries = waiting(&place).await;
        let until = 1_822_348_800_000;
        assert!(entries.len() == 2 && entries.iter().all(|entry| entry.due_millis == until));
        let answer = place.call(&set("2100-01-01T00:00:00Z").to_string()).await;
        assert_eq!(answer[0][1]["notUpdated"][&id]["properties"], json!(["sendAt"]));
        assert!(due(&place).await.is_empty());
        let answer = place.call(&set("2020-01-01T00:00:00Z").to_string()).await;
        assert_eq!(answer[0][1]["updated"], json!({&id: null}));
        assert_eq!(due(&place).await.len(), 2, "it leaves now");
        let answer = place.call(&set("2027-10-01T00:00:00Z").to_string()).await;
        assert_eq!(answer[0][1]["notUpdated"][&id]["type"], "cannotUnsend");
        place.stop().await;
    });
}

/// Sends a draft with a copy for each; the submission's id.
async fn submit_separately(place: &mut Client, parameters: Value, to: &[&str]) -> String {
    let (identity, email) = draft(place, to).await;
    let to: Vec<Value> = to.iter().map(|email| json!({"email": email})).collect();
    let envelope = json!({"mailFrom": {"email": USER, "parameters": parameters}, "rcptTo": to});
    let create = json!({"s": {"identityId": identity, "emailId": email, "envelope": envelope, "separately": true}});
    let calls = json!([["EmailSubmission/set", {"accountId": "$account", "create": create}, "0"]]);
    let answer = place.call(&calls.to_string()).await;
    let id = &answer[0][1]["created"]["s"]["id"];
    id.as_str().unwrap_or_else(|| panic!("{answer:#}")).to_owned()
}

async fn text(place: &Client, entry: &hongyan_queue::Entry) -> String {
    let mut reader = place
        .node
        .blobs
        .open_blob(entry.tenant, &entry.blob_address())
        .await
        .unwrap();
    String::from_utf8(reader.read(0, 10_000).await.unwrap().to_vec()).unwrap()
}

#[test]
fn mode_4_each_recipient_gets_a_copy_that_names_nobody_else() {
    hongyan_actor::run(1, async {
        let mut place = Client::start().await;
        let to = [USER, "x@b.test", "y@b.test"];
        let id = submit_separately(&mut place, Value::Null, &to).await;
        let entries = waiting(&place).await;
        assert_eq!(entries.len(), 2);
        for entry in &entries {
            let text = text(&place, entry).await;
            let (own, other) = match entry.recipients[0].address.as_str() {
                "x@b.test" => ("x@b.test", "y@b.test"),
                _ => ("y@b.test", "x@b.test"),
            };
            assert!(
                text.contains(&format!("To: <{own}>\r\n")) && !text.contains(other),
                "{text}"
            );
        }
        assert_eq!(inbox(&mut place).await, 2, "the draft and the copy");
        let status = get(&mut place, &id).await["deliveryStatus"].clone();
        assert_eq!(status.as_object().unwrap().len(), 3, "one entry has all of them");
        assert_eq!(status[USER]["delivered"], "yes");
        assert_eq!(status["x@b.test"]["delivered"], "queued");
        place.stop().await;
    });
}

#[test]
fn mode_4_copies_that_leave_later_are_taken_back_together() {
    hongyan_actor::run(1, async {
        let mut place = Client::start().await;
        let id = submit_separately(&mut place, json!({"HOLDFOR": "3600"}), &[USER, "x@b.test", "y@c.test"]).await;
        assert_eq!(waiting(&place).await.len(), 3);
        assert_eq!(cancel(&mut place, &id).await["updated"], json!({&id: null}));
        assert!(waiting(&place).await.is_empty());
        place.stop().await;
    });
}

async fn recall(place: &mut Client, id: &str) -> Value {
    let calls = json!([["EmailSubmission/recall", {"accountId": "$account", "ids": [id]}, "0"]]);
    place.call(&calls.to_string()).await[0][1].clone()
}

#[test]
fn trk_5_a_mail_is_taken_back_where_it_was_not_read() {
    hongyan_actor::run(1, async {
        let mut place = Client::start().await;
        let mail = draft(&mut place, &[USER, "x@b.test"]).await;
        let id = submit(&mut place, &mail, Value::Null, &[USER, "x@b.test"]).await;
        let calls = json!([["Mailbox/query", {"accountId": "$account", "filter": {"role": "sent"}}, "0"]]);
        let sent = place.call(&calls.to_string()).await[0][1]["ids"][0]
            .as_str()
            .unwrap()
            .to_owned();
        let calls =
            json!([["Email/set", {"accountId": "$account", "update": {&mail.1: {"mailboxIds": {&sent: true}}}}, "0"]]);
        place.call(&calls.to_string()).await;
        let entries = due(&place).await;
        let taken = Outcome::Delivered(said(250, "2.0.0", "ok"));
        report(&place, &entries[0], vec![(0, taken)]).await;
        let answer = recall(&mut place, &id).await;
        let expect = json!({USER: "recalled", "x@b.test": "outside"});
        assert_eq!(answer["recalled"][&id], expect, "{answer:#}");
        assert_ne!(answer["oldState"], answer["newState"]);
        let calls = json!([["Email/query", {"accountId": "$account"}, "0"],
            ["Email/get", {"accountId": "$account", "properties": ["subject", "keywords"],
                "#ids": {"resultOf": "0", "name": "Email/query", "path": "/ids"}}, "1"]]);
        let left = place.call(&calls.to_string()).await[1][1]["list"].clone();
        let mut subjects: Vec<&str> = left
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|mail| mail["subject"].as_str())
            .collect();
        subjects.sort_unstable();
        assert_eq!(
            subjects,
            ["Recalled: later", "later"],
            "what the sender keeps, and the notice"
        );
        let status = get(&mut place, &id).await["deliveryStatus"].clone();
        assert_eq!(status[USER]["smtpReply"], "550 5.3.0 Recalled by its sender");
        assert_eq!(
            recall(&mut place, &id).await["recalled"][&id][USER],
            "recalled",
            "one recall, one result"
        );
        let answer = recall(&mut place, "S000000000099").await;
        assert_eq!(answer["notRecalled"]["S000000000099"]["type"], "notFound");
        place.stop().await;
    });
}

#[test]
fn trk_5_what_waits_in_the_queue_does_not_leave() {
    hongyan_actor::run(1, async {
        let mut place = Client::start().await;
        let to = ["x@b.test", "y@b.test", "z@c.test"];
        let mail = draft(&mut place, &to).await;
        let id = submit(&mut place, &mail, Value::Null, &to).await;
        let entries = due(&place).await;
        let at = |host: &str| {
            let is_there = |due: &&hongyan_queue::DueEntry| due.entry.recipients[0].address.ends_with(host);
            entries.iter().find(is_there).unwrap().clone()
        };
        // One has it, one was told to come again; the other host has it all.
        let outcomes = vec![
            (0, Outcome::Delivered(said(250, "2.0.0", "ok"))),
            (1, Outcome::Deferred(said(450, "4.2.1", "later"))),
        ];
        report(&place, &at("b.test"), outcomes).await;
        let taken = Outcome::Delivered(said(250, "2.0.0", "ok"));
        report(&place, &at("c.test"), vec![(0, taken)]).await;
        let answer = recall(&mut place, &id).await;
        let expect = json!({"x@b.test": "outside", "y@b.test": "recalled", "z@c.test": "outside"});
        assert_eq!(answer["recalled"][&id], expect, "{answer:#}");
        let status = get(&mut place, &id).await["deliveryStatus"].clone();
        assert_eq!(status["y@b.test"]["smtpReply"], "550 5.3.0 Recalled by its sender");
        assert_eq!(status["y@b.test"]["delivered"], "no");
        assert_eq!(status["x@b.test"]["delivered"], "unknown");
        assert_eq!(due(&place).await.len(), 0);
        assert_eq!(recall(&mut place, &id).await["recalled"][&id], expect);
        place.stop().await;
    });
}

#[test]
fn trk_5_not_what_was_scheduled_or_sent_too_long_ago() {
    hongyan_actor::run(1, async {
        let settings = JmapSettings {
            recall_standard: std::time::Duration::ZERO,
            recall_advanced: std::time::Duration::ZERO,
            ..JmapSettings::default()
        };
        let mut place = Client::start_with(settings).await;
        let mail = draft(&mut place, &[USER]).await;
        let later = submit(&mut place, &mail, json!({"HOLDFOR": "3600"}), &[USER]).await;
        let answer = recall(&mut place, &later).await;
        assert_eq!(answer["notRecalled"][&later]["type"], "cannotUnsend", "{answer:#}");
        let id = submit(&mut place, &mail, Value::Null, &[USER]).await;
        // A millisecond is enough to be too late.
        let mut answer = recall(&mut place, &id).await;
        while answer["notRecalled"][&id].is_null() {
            answer = recall(&mut place, &id).await;
        }
        assert_eq!(answer["notRecalled"][&id]["type"], "cannotUnsend", "{answer:#}");
        place.stop().await;
    });
}

#[test]
fn rfc_8621_7_reports_and_receipts_are_told_with_the_submission() {
    hongyan_actor::run(1, async {
        let mut place = Client::start().await;
        let to = ["x@b.test", "y@b.test"];
        let mail = draft(&mut place, &to).await;
        let id = submit(&mut place, &mail, Value::Null, &to).await;
        let entries = due(&place).await;
        let sent = text(&place, &entries[0].entry).await;
        let message_id = sent
            .lines()
            .find_map(|line| line.strip_prefix("Message-ID: "))
            .unwrap()
            .to_owned();
        let taken = || Outcome::Delivered(said(250, "2.0.0", "ok"));
        report(&place, &entries[0], vec![(0, taken()), (1, taken())]).await;
        let part = |kind: &str, text: &str| format!("--b\r\nContent-Type: {kind}\r\n\r\n{text}\r\n");
        let whole = |kind: &str, parts: &[String]| {
            format!(
                "From: mx@b.test\r\nSubject: report\r\nContent-Type: multipart/report; report-type={kind}; boundary=b\r\n\r\n{}--b--\r\n",
                parts.concat()
            )
        };
        let bounced = whole(
            "delivery-status",
            &[
                part("text/plain", "sorry"),
                part(
                    "message/delivery-status",
                    "Reporting-MTA: dns; b.test\r\n\r\nFinal-Recipient: rfc822; x@b.test\r\nAction: failed\r\nStatus: 5.1.1\r\n",
                ),
                part("text/rfc822-headers", &format!("Message-ID: {message_id}\r\n")),
            ],
        );
        receive(&place, "mx@b.test", &bounced).await;
        let read = whole(
            "disposition-notification",
            &[
                part("text/plain", "read"),
                part(
                    "message/disposition-notification",
                    &format!(
                        "Final-Recipient: rfc822;y@b.test\r\nOriginal-Message-ID: {message_id}\r\nDisposition: manual-action/MDN-sent-manually; displayed\r\n"
                    ),
                ),
            ],
        );
        receive(&place, "y@b.test", &read).await;
        let shown = get(&mut place, &id).await;
        assert_eq!(shown["dsnBlobIds"].as_array().unwrap().len(), 1, "{shown:#}");
        assert_eq!(shown["mdnBlobIds"].as_array().unwrap().len(), 1);
        let status = &shown["deliveryStatus"];
        assert_eq!(
            (&status["x@b.test"]["delivered"], &status["x@b.test"]["smtpReply"]),
            (&json!("no"), &json!("550 5.1.1"))
        );
        assert_eq!(
            (&status["y@b.test"]["delivered"], &status["y@b.test"]["displayed"]),
            (&json!("unknown"), &json!("yes"))
        );
        let calls = json!([["MDN/parse", {"accountId": "$account", "blobIds": shown["mdnBlobIds"]}, "0"]]);
        let parsed = place.call(&calls.to_string()).await;
        assert_eq!(parsed[0][1]["parsed"].as_object().unwrap().len(), 1, "{parsed:#}");
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
        sent_copy: SentCopy::AsSet,
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

#[test]
fn trk_2_what_a_mail_client_sent_is_a_submission_too() {
    hongyan_actor::run(1, async {
        let mut place = Client::start().await;
        let address = Address::try_from(USER).unwrap();
        let Ok(Resolution::Account(target)) = place.node.directory.resolve(&address).await else {
            panic!("the account");
        };
        let submitter = target.account.clone();
        let recipients = vec![DeliveryRecipient {
            address: address.clone(),
            target: Target::Account(target),
            original: None,
            notify: None,
        }];
        let mut sink = place.delivery.sink(&recipients, Some(submitter.tenant));
        let mail = format!("From: <{USER}>\r\nTo: <{USER}>\r\nSubject: by client\r\nMessage-ID: <c@x>\r\n\r\ntext");
        sink.push(mail.as_bytes()).await.unwrap();
        let envelope = DeliveryEnvelope {
            id: DeliveryId::random(&place.node.env),
            sender: Some(address),
            tenant: Some(submitter.tenant),
            submitter: Some(submitter),
            smtputf8: false,
            binary: false,
            ret: None,
            envid: None,
            arrived: hongyan_types::Timestamp {
                millis: place.node.env.wall_millis(),
            },
            recipients,
            sent_copy: SentCopy::AsSet,
            submission: None,
        };
        let sent = place
            .delivery
            .deliver(&envelope, sink, hongyan_delivery::Answer::Whole)
            .await;
        assert!(sent.unwrap()[0].is_accepted());
        let calls = json!([["EmailSubmission/query", {"accountId": "$account"}, "0"],
            ["EmailSubmission/get", {"accountId": "$account",
                "#ids": {"resultOf": "0", "name": "EmailSubmission/query", "path": "/ids"}}, "1"],
            ["Email/get", {"accountId": "$account", "properties": ["subject", "mailboxIds", "threadId"],
                "#ids": {"resultOf": "1", "name": "EmailSubmission/get", "path": "/list/*/emailId"}}, "2"],
            ["Identity/get", {"accountId": "$account",
                "#ids": {"resultOf": "1", "name": "EmailSubmission/get", "path": "/list/*/identityId"}}, "3"]]);
        let answer = place.call(&calls.to_string()).await;
        let shown = &answer[1][1]["list"][0];
        assert_eq!(shown["deliveryStatus"][USER]["delivered"], "yes", "{answer:#}");
        assert_eq!(shown["undoStatus"], "final");
        let copy = &answer[2][1]["list"][0];
        assert_eq!(
            (&copy["subject"], &copy["threadId"]),
            (&json!("by client"), &shown["threadId"])
        );
        assert_eq!(answer[3][1]["list"][0]["email"], USER);
        let id = shown["id"].as_str().unwrap().to_owned();
        assert_eq!(recall(&mut place, &id).await["recalled"][&id][USER], "recalled");
        place.stop().await;
    });
}
