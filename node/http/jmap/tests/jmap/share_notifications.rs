//! RFC 9670 §5: members are told of what others open to them.

use std::time::Duration;

use hongyan_directory::{DepartmentId, GrantRights, Grantee, NewAccount, NewDepartment, NewGrant, Visibility};
use hongyan_mailbox::{CreateFolder, FolderId, FolderPath, MailboxId};
use hongyan_miniature::WITHIN;
use hongyan_types::{AccountId, Address};
use http_body_util::BodyExt;
use serde_json::{Value, json};

use crate::folder_shares::share;
use crate::support::Client;

const JSON: &str = "application/json";
const INBOX: &str = "F00000001";

fn run(test: impl AsyncFnOnce(&mut Client)) {
    hongyan_actor::run(1, async {
        let mut place = Client::start().await;
        test(&mut place).await;
        place.stop().await;
    });
}

async fn ask(place: &mut Client, method: &str, mut arguments: Value) -> Value {
    let account = arguments.as_object_mut().unwrap();
    account.entry("accountId").or_insert(json!("$account"));
    let calls = json!([[method, arguments, "0"]]);
    place.call(&calls.to_string()).await[0][1].clone()
}

fn account(id: AccountId) -> String {
    format!("A{:08x}", id.0)
}

/// Ben, of whom there is a folder to share.
async fn ben(place: &Client) -> (AccountId, FolderId) {
    let new = NewAccount {
        display_name: "Ben Ng".to_owned(),
        ..NewAccount::at(Address::try_from("ben@example.test").unwrap())
    };
    let ben = place.node.directory.create_account(&new).await.unwrap().id;
    let mailbox = MailboxId {
        account: ben,
        ..place.node.mailbox
    };
    let request = CreateFolder {
        path: FolderPath::try_from("Work/Plans").unwrap(),
        special_use: None,
    };
    let made = place.node.router.ask(&mailbox, request, WITHIN).await.unwrap().unwrap();
    (ben, made.folder.id)
}

fn has(rights: &Value) -> Vec<&str> {
    let rights = rights.as_object().into_iter().flatten();
    let has = rights.filter(|(_, has)| **has == json!(true));
    has.map(|(right, _)| right.as_str()).collect()
}

#[test]
fn rfc_9670_members_are_told_of_folders_that_are_shared_with_them() {
    run(async |place| {
        let (ben, plans) = ben(place).await;
        let before = ask(place, "ShareNotification/get", json!({})).await;
        assert_eq!((&before["state"], &before["list"]), (&json!("0"), &json!([])));
        share(place, ben, plans, "lr").await;
        let told = ask(place, "ShareNotification/get", json!({})).await;
        let notice = &told["list"][0];
        assert_eq!(notice["changedBy"]["name"], "Ben Ng", "{told:#}");
        assert_eq!(notice["changedBy"]["email"], "ben@example.test");
        assert_eq!(notice["changedBy"]["principalId"], format!("P{:012x}", ben.0));
        assert_eq!(
            (&notice["objectType"], &notice["name"]),
            (&json!("Mailbox"), &json!("Plans"))
        );
        assert_eq!(
            (&notice["oldRights"], has(&notice["newRights"])),
            (&Value::Null, vec!["mayReadItems"])
        );
        assert!(notice["created"].as_str().unwrap().ends_with('Z'));
        // What it names is there.
        let named = json!({"accountId": notice["objectAccountId"], "ids": [notice["objectId"]]});
        let folders = ask(place, "Mailbox/get", named).await;
        assert_eq!(folders["list"][0]["name"], "Plans", "{folders:#}");
        assert_eq!(folders["list"][0]["myRights"], notice["newRights"]);

        share(place, ben, plans, "lri").await;
        share(place, ben, plans, "").await;
        let told = ask(
            place,
            "ShareNotification/get",
            json!({"properties": ["oldRights", "newRights"]}),
        )
        .await;
        let rights = told["list"].as_array().unwrap().iter();
        let rights: Vec<_> = rights
            .map(|notice| (has(&notice["oldRights"]), has(&notice["newRights"])))
            .collect();
        assert_eq!(
            rights[1..],
            [
                (vec!["mayReadItems"], vec!["mayAddItems", "mayReadItems"]),
                (vec!["mayAddItems", "mayReadItems"], vec![])
            ]
        );
        assert_eq!(told["list"][2]["newRights"], Value::Null);
        let changes = ask(place, "ShareNotification/changes", json!({"sinceState": "1"})).await;
        let ids = [&told["list"][1]["id"], &told["list"][2]["id"]];
        assert_eq!(changes["created"], json!(ids), "{changes:#}");
        assert_eq!(changes["newState"], told["state"]);
        let changes = ask(
            place,
            "ShareNotification/changes",
            json!({"sinceState": "0", "maxChanges": 1}),
        )
        .await;
        assert_eq!(
            (&changes["hasMoreChanges"], &changes["newState"]),
            (&json!(true), &json!("1"))
        );
        for state in ["99", "x", "01"] {
            let changes = ask(place, "ShareNotification/changes", json!({"sinceState": state})).await;
            assert_eq!(changes["type"], "cannotCalculateChanges", "{state}");
        }
        let wrong = ask(place, "ShareNotification/get", json!({"properties": ["subject"]})).await;
        assert_eq!(wrong["type"], "invalidArguments", "{wrong:#}");
        // They are the person's alone: what others have is not asked for.
        share(place, ben, plans, "lr").await;
        let other = ask(place, "ShareNotification/get", json!({"accountId": account(ben)})).await;
        assert_eq!(other["type"], "accountNotSupportedByMethod", "{other:#}");
    });
}

#[test]
fn rfc_9670_notifications_go_and_do_not_change() {
    run(async |place| {
        let (ben, plans) = ben(place).await;
        share(place, ben, plans, "lr").await;
        share(place, ben, plans, "lrs").await;
        let query = json!({"sort": [{"property": "created", "isAscending": true}]});
        let found = ask(place, "ShareNotification/query", query.clone()).await;
        let ids: Vec<String> = serde_json::from_value(found["ids"].clone()).unwrap_or_else(|_| panic!("{found:#}"));
        let calls = json!({"create": {"a": {"name": "x"}}, "update": {&ids[0]: {"name": "y"}},
            "destroy": [ids[0], ids[0], "N000000000099", "x"]});
        let old = json!({"ifInState": "1", "destroy": [ids[1]]});
        let refused = ask(place, "ShareNotification/set", old).await;
        assert_eq!(refused["type"], "stateMismatch", "{refused:#}");
        let answer = ask(place, "ShareNotification/set", calls).await;
        assert_eq!(answer["notCreated"]["a"]["type"], "forbidden", "{answer:#}");
        assert_eq!(answer["notUpdated"][&ids[0]]["type"], "forbidden");
        assert_eq!(answer["destroyed"], json!([ids[0]]));
        for id in ["N000000000099", "x"] {
            assert_eq!(answer["notDestroyed"][id]["type"], "notFound", "{answer:#}");
        }
        assert_eq!((&answer["oldState"], &answer["newState"]), (&json!("2"), &json!("3")));
        let since = json!({"sinceQueryState": found["queryState"], "calculateTotal": true});
        let changes = ask(place, "ShareNotification/queryChanges", since).await;
        assert_eq!(
            (&changes["removed"], &changes["added"], &changes["total"]),
            (&json!([ids[0]]), &json!([]), &json!(1)),
            "{changes:#}"
        );
        let changes = ask(place, "ShareNotification/changes", json!({"sinceState": "2"})).await;
        assert_eq!(changes["destroyed"], json!([ids[0]]));
        let left = ask(place, "ShareNotification/get", json!({"ids": ids})).await;
        assert_eq!(
            (&left["list"][0]["id"], &left["notFound"]),
            (&json!(ids[1]), &json!([ids[0]]))
        );
        let folders = ask(place, "Mailbox/get", json!({"accountId": account(ben)})).await;
        assert_eq!(folders["list"][0]["name"], "Plans", "what was shared stays so");
    });
}

#[test]
fn rfc_9670_notifications_are_found_by_when_and_whose() {
    run(async |place| {
        let (ben, plans) = ben(place).await;
        share(place, ben, plans, "lr").await;
        share(place, ben, plans, "").await;
        let count = async |place: &mut Client, filter: Value| -> Value {
            let found = ask(
                place,
                "ShareNotification/query",
                json!({"filter": filter, "calculateTotal": true}),
            )
            .await;
            match found.get("total") {
                Some(total) => total.clone(),
                None => found["type"].clone(),
            }
        };
        let of_ben = json!({"objectAccountId": account(ben)});
        for (filter, expect) in [
            (json!({}), json!(2)),
            (of_ben.clone(), json!(2)),
            (json!({"objectAccountId": "A00000099"}), json!(0)),
            (json!({"objectType": "Mailbox"}), json!(2)),
            (json!({"objectType": "Calendar"}), json!(0)),
            (json!({"after": "2000-01-01T00:00:00Z"}), json!(2)),
            (json!({"before": "2000-01-01T00:00:00Z"}), json!(0)),
            (json!({"operator": "NOT", "conditions": [of_ben]}), json!(0)),
            (json!({"name": "Plans"}), json!("invalidArguments")),
        ] {
            assert_eq!(count(place, filter.clone()).await, expect, "{filter}");
        }
        let sorted = json!({"sort": [{"property": "created", "isAscending": false}], "limit": 1});
        let found = ask(place, "ShareNotification/query", sorted).await;
        assert_eq!(found["ids"].as_array().unwrap().len(), 1);
        let wrong = json!({"sort": [{"property": "name"}]});
        let found = ask(place, "ShareNotification/query", wrong).await;
        assert_eq!(found["type"], "unsupportedSort");
    });
}

#[test]
fn rfc_9670_members_are_told_of_whole_mailboxes_and_of_no_one_hidden() {
    run(async |place| {
        let (ben, _) = ben(place).await;
        let directory = place.node.directory.clone();
        let to = Grantee::Account(place.node.mailbox.account);
        let grant = NewGrant {
            account: ben,
            to,
            rights: GrantRights::FULL,
            until: None,
        };
        directory.grant(&grant).await.unwrap();
        let told = ask(place, "ShareNotification/get", json!({})).await;
        let notice = &told["list"][0];
        assert_eq!(
            (&notice["name"], &notice["objectId"]),
            (&json!("Ben Ng"), &json!(INBOX)),
            "{told:#}"
        );
        assert_eq!(
            notice["changedBy"],
            json!({"name": "system", "email": null, "principalId": null})
        );
        let folders = ask(place, "Mailbox/get", json!({"accountId": account(ben), "ids": [INBOX]})).await;
        assert_eq!(folders["list"][0]["myRights"], notice["newRights"]);
        directory.withdraw(ben, to).await.unwrap();
        let told = ask(place, "ShareNotification/get", json!({})).await;
        assert_eq!(told["list"][1]["oldRights"], notice["newRights"]);
        assert_eq!(told["list"][1]["newRights"], Value::Null);

        // Who shared something and is hidden since has a name and is no principal.
        let tenant = place.node.mailbox.tenant;
        let board = NewDepartment {
            name: "Board".to_owned(),
            parent: DepartmentId::ROOT,
            rank: 0,
        };
        let board = directory.create_department(tenant, &board).await.unwrap().id;
        let dora = NewAccount {
            departments: vec![board],
            ..NewAccount::at(Address::try_from("dora@example.test").unwrap())
        };
        let dora = directory.create_account(&dora).await.unwrap().id;
        share(place, dora, FolderId::INBOX, "lr").await;
        let rules = Visibility {
            hidden_departments: vec![board],
            ..directory.visibility(tenant).await.unwrap()
        };
        directory.set_visibility(tenant, &rules, None).await.unwrap();
        let told = ask(place, "ShareNotification/get", json!({})).await;
        let by = json!({"name": "dora@example.test", "email": "dora@example.test", "principalId": null});
        assert_eq!(told["list"][2]["changedBy"], by);
    });
}

#[test]
fn rfc_9670_who_listens_is_told_of_notifications_at_once() {
    run(async |place| {
        let (ben, plans) = ben(place).await;
        let path = "/jmap/events?types=ShareNotification&closeafter=no&ping=0";
        let mut response = place.send(Client::request("GET", path, JSON, "")).await;
        let mut next = async |place: &Client| -> Value {
            let frame = response.body_mut().frame();
            let frame = place.node.env.timeout(Duration::from_secs(10), frame).await;
            let event = frame.expect("it is told").unwrap().unwrap().into_data().unwrap();
            let event = String::from_utf8(event.to_vec()).unwrap();
            let data: Value = serde_json::from_str(event.split("data: ").nth(1).unwrap()).unwrap();
            data["changed"][place.account()].clone()
        };
        share(place, ben, plans, "lr").await;
        assert_eq!(next(place).await, json!({"ShareNotification": "1"}));
        let told = ask(place, "ShareNotification/get", json!({})).await;
        let destroy = json!({"destroy": [told["list"][0]["id"]]});
        ask(place, "ShareNotification/set", destroy).await;
        assert_eq!(next(place).await, json!({"ShareNotification": "2"}));
        // Who comes back is told what they missed, and nothing that they know.
        let path = "/jmap/events?types=ShareNotification&closeafter=state&ping=0";
        let mut request = Client::request("GET", path, JSON, "");
        request.headers_mut().insert("last-event-id", "9,s=1".parse().unwrap());
        let response = place.send(request).await;
        let text = response.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8(text.to_vec()).unwrap();
        assert!(text.contains(r#"{"ShareNotification":"2"}"#), "{text}");
        assert!(text.contains(",s=2\n"), "{text}");
    });
}
