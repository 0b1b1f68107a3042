//! RFC 9670: single folders that members share with one another, given over JMAP and used over JMAP.

use hongyan_directory::{FolderNumber, NewAccount, NewFolderShares};
use hongyan_mailbox::{
    Append, AppendMessage, CreateFolder, FolderId, FolderPath, MailboxId, MessageWriter, RenameFolder,
};
use hongyan_miniature::WITHIN;
use hongyan_types::{AccountId, Address, Domain, FolderRights};
use serde_json::{Value, json};

use crate::support::Client;

const INBOX: &str = "F00000001";

fn run(test: impl AsyncFnOnce(&mut Client)) {
    hongyan_actor::run(1, async {
        let mut place = Client::start().await;
        test(&mut place).await;
        place.stop().await;
    });
}

async fn ask(place: &mut Client, method: &str, arguments: Value) -> Value {
    let calls = json!([[method, arguments, "0"]]);
    place.call(&calls.to_string()).await[0][1].clone()
}

async fn member(place: &Client, address: &str) -> AccountId {
    let new = NewAccount::at(Address::try_from(address).unwrap());
    place.node.directory.create_account(&new).await.unwrap().id
}

fn mailbox(place: &Client, account: AccountId) -> MailboxId {
    MailboxId {
        account,
        ..place.node.mailbox
    }
}

/// Two folders of somebody's, each with a mail; the ids of folders and mails.
async fn two_folders(place: &Client, account: AccountId) -> [(FolderId, String); 2] {
    let (router, mailbox) = (&place.node.router, mailbox(place, account));
    let mut made = Vec::new();
    for name in ["Work/Plans", "Secret"] {
        let request = CreateFolder {
            path: FolderPath::try_from(name).unwrap(),
            special_use: None,
        };
        let folder = router.ask(&mailbox, request, WITHIN).await.unwrap().unwrap().folder.id;
        let mut writer = MessageWriter::new(&place.node.blobs, mailbox.tenant);
        let mail = format!("Subject: of {name}\r\nFrom: a@b.test\r\n\r\ntext\r\n");
        writer.push(mail.as_bytes()).await.unwrap();
        let request = Append {
            folder: folder.into(),
            messages: vec![AppendMessage {
                message: writer.finish().await.unwrap(),
                flags: Vec::new(),
                internal_date: None,
            }],
        };
        let appended = router.ask(&mailbox, request, WITHIN).await.unwrap().unwrap();
        made.push((folder, format!("M{:012x}", appended.emails[0].0)));
    }
    made.try_into().unwrap()
}

/// Has `owner` share a folder with anna, whose client this is.
pub(crate) async fn share(place: &Client, owner: AccountId, folder: FolderId, letters: &str) {
    let directory = &place.node.directory;
    let new = NewFolderShares {
        account: owner,
        folder: FolderNumber(folder.0),
        path: "Work/Plans".to_owned(),
        rights: vec![(place.node.mailbox.account.into(), FolderRights::read(letters).unwrap())],
    };
    let owner = directory.account(owner).await.unwrap().unwrap();
    directory.share_folder(&owner, &new).await.unwrap();
}

fn shown(account: AccountId) -> String {
    format!("A{:08x}", account.0)
}

async fn accounts(place: &Client) -> serde_json::Map<String, Value> {
    let (status, text) = place.ask("GET", "/jmap/session", "application/json", "").await;
    assert_eq!(status, 200);
    let session: Value = serde_json::from_slice(&text).unwrap();
    session["accounts"].as_object().unwrap().clone()
}

#[test]
fn rfc_9670_of_a_shared_folder_there_is_the_folder_and_what_is_in_it() {
    run(async |place| {
        let ben = member(place, "ben@example.test").await;
        let [(plans, mail), (_, secret)] = two_folders(place, ben).await;
        let theirs = shown(ben);
        assert!(!accounts(place).await.contains_key(&theirs));
        let refused = ask(place, "Mailbox/get", json!({"accountId": theirs})).await;
        assert_eq!(refused["type"], "accountNotFound");

        share(place, ben, plans, "lr").await;
        let entry = accounts(place).await[&theirs].clone();
        assert_eq!(
            (&entry["isPersonal"], &entry["isReadOnly"]),
            (&json!(false), &json!(true))
        );
        let capabilities = entry["accountCapabilities"].as_object().unwrap();
        let names: Vec<&str> = capabilities.keys().map(String::as_str).collect();
        let expect = ["blob", "core", "mail", "principals:owner"].map(|name| format!("urn:ietf:params:jmap:{name}"));
        assert_eq!(names, expect);
        let makes_folders = &capabilities["urn:ietf:params:jmap:mail"]["mayCreateTopLevelMailbox"];
        assert_eq!(makes_folders, &json!(false));
        let folders = ask(place, "Mailbox/get", json!({"accountId": theirs})).await;
        assert_eq!(folders["list"].as_array().unwrap().len(), 1, "{folders:#}");
        let folder = &folders["list"][0];
        assert_eq!((&folder["name"], &folder["parentId"]), (&json!("Plans"), &json!(null)));
        assert_eq!(
            (&folder["totalEmails"], &folder["unreadEmails"]),
            (&json!(1), &json!(1))
        );
        assert_eq!(
            (&folder["isSubscribed"], &folder["shareWith"]),
            (&json!(false), &json!(null))
        );
        let rights = folder["myRights"].as_object().unwrap();
        let has: Vec<&String> = rights
            .iter()
            .filter(|(_, has)| **has == json!(true))
            .map(|(right, _)| right)
            .collect();
        assert_eq!(has, ["mayReadItems"]);

        let found = ask(place, "Email/query", json!({"accountId": theirs})).await;
        assert_eq!(found["ids"], json!([mail]));
        let got = ask(
            place,
            "Email/get",
            json!({"accountId": theirs, "ids": [mail, secret], "properties": ["subject", "blobId", "mailboxIds"]}),
        )
        .await;
        assert_eq!(got["list"][0]["subject"], "of Work/Plans");
        assert_eq!(got["notFound"], json!([secret]));
        let blob = got["list"][0]["blobId"].as_str().unwrap();
        let path = |blob: &str| format!("/jmap/download/{theirs}/{blob}/m.eml");
        assert_eq!(place.ask("GET", &path(blob), "application/json", "").await.0, 200);
        let hidden = secret.replace('M', "B");
        assert_eq!(place.ask("GET", &path(&hidden), "application/json", "").await.0, 404);
        let refused = ask(place, "Email/set", json!({"accountId": theirs, "destroy": [mail]})).await;
        assert_eq!(refused["type"], "accountReadOnly");
        let id = folder["id"].as_str().unwrap();
        let calls =
            json!({"accountId": theirs, "update": {id: {"isSubscribed": true}}, "create": {"c": {"name": "Mine"}}});
        let answer = ask(place, "Mailbox/set", calls).await;
        assert!(answer["updated"].get(id).is_some(), "{answer:#}");
        assert_eq!(answer["notCreated"]["c"]["type"], "forbidden", "{answer:#}");
        for method in ["Quota/get", "VacationResponse/get", "Identity/get", "DeletedEmail/get"] {
            let refused = ask(place, method, json!({"accountId": theirs})).await;
            assert_eq!(refused["type"], "accountNotSupportedByMethod", "{method}");
        }

        share(place, ben, plans, "").await;
        let refused = ask(place, "Mailbox/get", json!({"accountId": theirs})).await;
        assert_eq!(refused["type"], "accountNotFound");
        assert_eq!(place.ask("GET", &path(blob), "application/json", "").await.0, 404);
    });
}

#[test]
fn rfc_9670_each_right_is_what_it_says() {
    run(async |place| {
        let ben = member(place, "ben@example.test").await;
        let [(plans, mail), (secret, _)] = two_folders(place, ben).await;
        let theirs = shown(ben);
        let folder = format!("F{:08x}", plans.0);
        let update = |patch: Value| json!({"accountId": theirs, "update": {&mail: patch}});
        let outcome = async |place: &mut Client, patch: Value| -> String {
            let answer = ask(place, "Email/set", update(patch)).await;
            match answer["updated"].get(&mail) {
                Some(_) => "done".to_owned(),
                None => answer["notUpdated"][&mail]["type"].as_str().unwrap_or("?").to_owned(),
            }
        };
        let new = json!({"accountId": theirs, "create": {"n": {"mailboxIds": {&folder: true}, "subject": "new"}}});
        for (letters, seen, keyword, added) in [
            ("lrs", "done", "forbidden", "forbidden"),
            ("lrw", "forbidden", "done", "forbidden"),
            ("lri", "forbidden", "forbidden", "done"),
        ] {
            share(place, ben, plans, letters).await;
            assert_eq!(outcome(place, json!({"keywords/$seen": true})).await, seen, "{letters}");
            assert_eq!(
                outcome(place, json!({"keywords/$flagged": true})).await,
                keyword,
                "{letters}"
            );
            let answer = ask(place, "Email/set", new.clone()).await;
            match added {
                "done" => assert!(answer["created"]["n"]["id"].is_string(), "{answer:#}"),
                kind => assert_eq!(answer["notCreated"]["n"]["type"], kind, "{answer:#}"),
            }
            let destroy = json!({"accountId": theirs, "destroy": [mail]});
            let answer = ask(place, "Email/set", destroy).await;
            assert_eq!(answer["notDestroyed"][&mail]["type"], "forbidden", "{answer:#}");
        }
        // What is not seen is no place to put anything.
        let elsewhere = format!("F{:08x}", secret.0);
        let answer = outcome(place, json!({format!("mailboxIds/{elsewhere}"): true})).await;
        assert_eq!(answer, "invalidProperties");
        let calls = json!({"accountId": theirs, "create": {"c": {"name": "Mine"}},
            "update": {&folder: {"name": "Other"}}, "destroy": [folder]});
        let answer = ask(place, "Mailbox/set", calls).await;
        assert_eq!(answer["notCreated"]["c"]["type"], "forbidden", "{answer:#}");
        assert_eq!(answer["notUpdated"][&folder]["type"], "willDestroy", "{answer:#}");
        assert_eq!(answer["notDestroyed"][&folder]["type"], "forbidden", "{answer:#}");
        let calls = json!({"accountId": theirs, "update": {&folder: {"shareWith": {}}}});
        let answer = ask(place, "Mailbox/set", calls).await;
        assert_eq!(answer["notUpdated"][&folder]["type"], "forbidden", "{answer:#}");

        // Whether they want to see it is theirs to say, and nobody else's.
        let calls = json!({"accountId": theirs, "update": {&folder: {"isSubscribed": true}}});
        let answer = ask(place, "Mailbox/set", calls).await;
        assert!(answer["updated"].get(&folder).is_some(), "{answer:#}");
        let folders = ask(place, "Mailbox/get", json!({"accountId": theirs})).await;
        assert_eq!(folders["list"][0]["isSubscribed"], true);

        share(place, ben, plans, "lrte").await;
        let answer = ask(place, "Email/set", json!({"accountId": theirs, "destroy": [mail]})).await;
        assert_eq!(answer["destroyed"], json!([mail]), "{answer:#}");
        let acts = hongyan_mailbox::read_acts(
            &place.node.database,
            mailbox(place, ben),
            hongyan_types::Timestamp { millis: 0 },
            None,
            10,
        );
        let acts = acts.await.unwrap();
        assert_eq!(acts[0].person, place.node.mailbox.account, "it is noted who did it");
        assert_eq!(
            (acts[0].kind, acts[0].path.as_str()),
            (hongyan_mailbox::ActKind::Deleted, "Work/Plans")
        );
    });
}

#[test]
fn rfc_9670_states_are_those_of_what_is_seen() {
    run(async |place| {
        let ben = member(place, "ben@example.test").await;
        let [(plans, mail), (secret, hidden)] = two_folders(place, ben).await;
        let theirs = shown(ben);
        share(place, ben, plans, "lrswite").await;
        let state = ask(place, "Email/get", json!({"accountId": theirs, "ids": []})).await["state"].clone();
        // What happens elsewhere in the mailbox is not told.
        let owner = hongyan_mailbox::StoreFlags {
            folder: secret,
            uids: hongyan_types::UidSet::from_range(
                hongyan_types::Uid::new(1).unwrap(),
                hongyan_types::Uid::new(9).unwrap(),
            ),
            action: hongyan_mailbox::FlagAction::Add,
            flags: vec![hongyan_types::Flag::try_from("\\Flagged").unwrap()],
            unchanged_since: None,
        };
        let expunge = hongyan_mailbox::Expunge {
            folder: secret,
            uids: None,
            deleted_only: false,
        };
        let (router, box_of_ben) = (place.node.router.clone(), mailbox(place, ben));
        router.ask(&box_of_ben, owner, WITHIN).await.unwrap().unwrap();
        router.ask(&box_of_ben, expunge, WITHIN).await.unwrap().unwrap();
        ask(
            place,
            "Email/set",
            json!({"accountId": theirs, "update": {&mail: {"keywords/$flagged": true}}}),
        )
        .await;
        let changes = ask(
            place,
            "Email/changes",
            json!({"accountId": theirs, "sinceState": state}),
        )
        .await;
        assert_eq!(changes["updated"], json!([mail]), "{changes:#}");
        assert_eq!(
            (&changes["created"], &changes["destroyed"]),
            (&json!([]), &json!([])),
            "{hidden}"
        );
        let changes = ask(
            place,
            "Mailbox/changes",
            json!({"accountId": theirs, "sinceState": state}),
        )
        .await;
        assert_eq!(changes["updated"], json!([format!("F{:08x}", plans.0)]), "{changes:#}");
        // Other folders are other states.
        share(place, ben, plans, "lr").await;
        let changes = ask(
            place,
            "Email/changes",
            json!({"accountId": theirs, "sinceState": state}),
        )
        .await;
        assert_eq!(changes["type"], "cannotCalculateChanges");
    });
}

#[test]
fn rfc_9670_owners_say_with_whom_a_folder_is_shared() {
    run(async |place| {
        let ben = member(place, "ben@example.test").await;
        let carl = member(place, "carl@example.test").await;
        let directory = place.node.directory.clone();
        let other = directory
            .create_tenant(&hongyan_directory::NewTenant::named("Other"))
            .await
            .unwrap();
        directory
            .create_domain(other.id, &Domain::try_from("other.test").unwrap())
            .await
            .unwrap();
        let stranger = member(place, "eve@other.test").await;
        let principal = |account: AccountId| format!("P{:012x}", account.0);
        let own = place.account();
        let set = async |place: &mut Client, patch: Value| -> Value {
            ask(
                place,
                "Mailbox/set",
                json!({"accountId": own, "update": {INBOX: patch}}),
            )
            .await
        };
        let shares = async |place: &mut Client| -> Value {
            let got = ask(
                place,
                "Mailbox/get",
                json!({"accountId": own, "ids": [INBOX], "properties": ["shareWith"]}),
            )
            .await;
            let with = got["list"][0]["shareWith"].as_object().unwrap().clone();
            let letters = with.into_iter().map(|(id, rights)| {
                let rights = rights.as_object().unwrap();
                let has = rights.iter().filter(|(_, has)| **has == json!(true));
                (id, has.map(|(right, _)| json!(right)).collect())
            });
            Value::Object(letters.collect())
        };
        let state = ask(place, "Mailbox/get", json!({"accountId": own, "ids": []})).await["state"].clone();
        let answer = set(
            place,
            json!({"shareWith": {principal(ben): {"mayReadItems": true, "maySetSeen": true}}}),
        )
        .await;
        assert!(answer["updated"].get(INBOX).is_some(), "{answer:#}");
        assert_ne!(answer["newState"], state, "whoever follows learns of it");
        assert_eq!(
            shares(place).await,
            json!({principal(ben): ["mayReadItems", "maySetSeen"]})
        );
        let answer = set(
            place,
            json!({format!("shareWith/{}", principal(carl)): {"mayAddItems": true},
            format!("shareWith/{}/maySetSeen", principal(ben)): false}),
        )
        .await;
        assert!(answer["updated"].get(INBOX).is_some(), "{answer:#}");
        assert_eq!(
            shares(place).await,
            json!({principal(ben): ["mayReadItems"], principal(carl): ["mayAddItems"]})
        );
        let entries = directory.folder_shares_of(place.node.mailbox.account).await.unwrap();
        assert_eq!(entries.len(), 2);

        // Those of other organisations are nobody, and nothing is half done.
        for (patch, words) in [
            (
                json!({principal(stranger): {"mayReadItems": true}}),
                "no such principal",
            ),
            (json!({"P0000000fffff": {"mayReadItems": true}}), "no such principal"),
            (
                json!({principal(place.node.mailbox.account): {"mayReadItems": true}}),
                "nobody shares",
            ),
            (json!({"G000000000001": {"mayReadItems": true}}), "no such principal"),
            (json!({"F00000001": {"mayReadItems": true}}), "no principal"),
            (json!({principal(ben): {"maySubmit": true}}), "not given"),
            (json!({principal(ben): {"mayFly": true}}), "no right"),
        ] {
            let answer = set(place, json!({"shareWith": patch, "name": "INBOX"})).await;
            let error = &answer["notUpdated"][INBOX];
            assert_eq!(error["type"], "invalidProperties", "{answer:#}");
            assert_eq!(error["properties"], json!(["shareWith"]));
            assert!(error["description"].as_str().unwrap().contains(words), "{answer:#}");
        }
        assert_eq!(
            directory.folder_shares_of(place.node.mailbox.account).await.unwrap(),
            entries
        );
        let answer = set(place, json!({"shareWith": null})).await;
        assert!(answer["updated"].get(INBOX).is_some(), "{answer:#}");
        assert_eq!(shares(place).await, json!({}));

        // One that is made shared, and one that goes with all that it is shared with.
        let new = json!({"name": "Plans", "shareWith": {principal(ben): {"mayReadItems": true}}});
        let answer = ask(place, "Mailbox/set", json!({"accountId": own, "create": {"p": new}})).await;
        let made = answer["created"]["p"]["id"]
            .as_str()
            .unwrap_or_else(|| panic!("{answer:#}"))
            .to_owned();
        let ben_record = directory.account(ben).await.unwrap().unwrap();
        assert_eq!(directory.folders_open_to(&ben_record, &[]).await.unwrap().len(), 1);
        let new = json!({"name": "Never", "shareWith": {principal(stranger): {"mayReadItems": true}}});
        let answer = ask(place, "Mailbox/set", json!({"accountId": own, "create": {"n": new}})).await;
        assert_eq!(answer["notCreated"]["n"]["type"], "invalidProperties", "{answer:#}");
        let found = ask(
            place,
            "Mailbox/query",
            json!({"accountId": own, "filter": {"name": "Never"}}),
        )
        .await;
        assert_eq!(found["ids"], json!([]), "it was not made");
        ask(place, "Mailbox/set", json!({"accountId": own, "destroy": [made]})).await;
        assert_eq!(directory.folders_open_to(&ben_record, &[]).await.unwrap(), []);
    });
}

#[test]
fn rfc_9670_a_folder_keeps_its_shares_whatever_it_is_called() {
    run(async |place| {
        let ben = member(place, "ben@example.test").await;
        let [(plans, mail), _] = two_folders(place, ben).await;
        let theirs = shown(ben);
        share(place, ben, plans, "lr").await;
        for to in ["Work/Later", "Elsewhere/Deep/Later"] {
            let from = if to == "Work/Later" { "Work/Plans" } else { "Work/Later" };
            let [from, to] = [from, to].map(|path| FolderPath::try_from(path).unwrap());
            let (router, box_of_ben) = (place.node.router.clone(), mailbox(place, ben));
            router
                .ask(&box_of_ben, RenameFolder { from, to }, WITHIN)
                .await
                .unwrap()
                .unwrap();
            let folders = ask(place, "Mailbox/get", json!({"accountId": theirs})).await;
            let folder = &folders["list"][0];
            assert_eq!(
                (
                    &folder["name"],
                    &folder["id"],
                    folders["list"].as_array().unwrap().len()
                ),
                (&json!("Later"), &json!(format!("F{:08x}", plans.0)), 1)
            );
            let got = ask(place, "Email/get", json!({"accountId": theirs, "ids": [mail]})).await;
            assert_eq!(got["list"].as_array().unwrap().len(), 1, "{got:#}");
        }
    });
}
