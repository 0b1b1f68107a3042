//! Mailboxes of others over JMAP: seen, worked in, sent from and lost by those who may use them.

use hongyan_directory::{
    AccountChange, AccountKind, AccountSettings, DisplayNames, DomainChange, Field, GrantRights, Grantee, NewAccount,
    NewGrant, NewGroup, OrganisationPage, Posting, Profile, Sending,
};
use hongyan_miniature::USER;
use hongyan_profile::Profiles;
use hongyan_types::{AccountId, Address, Domain};
use http_body_util::BodyExt;
use serde_json::{Value, json};

use crate::support::Client;

const JSON: &str = "application/json";
const INBOX: &str = "F00000001";
const READ: GrantRights = GrantRights {
    read: true,
    write: false,
    send: Sending::No,
};

pub(super) fn at(local: &str) -> Address {
    Address::try_from(format!("{local}@example.test").as_str()).unwrap()
}

pub(super) fn run(test: impl AsyncFnOnce(&mut Client)) {
    hongyan_actor::run(1, async {
        let mut place = Client::start().await;
        test(&mut place).await;
        place.stop().await;
    });
}

/// Another account, open to anna with these rights, which replace those she had.
pub(super) async fn open(place: &Client, local: &str, kind: AccountKind, rights: GrantRights) -> AccountId {
    let directory = &place.node.directory;
    let account = match directory.account_at(&at(local)).await {
        Ok(account) => account.id,
        Err(_) => {
            let new = NewAccount {
                kind,
                ..NewAccount::at(at(local))
            };
            directory.create_account(&new).await.unwrap().id
        }
    };
    let grant = NewGrant {
        account,
        to: Grantee::Account(place.node.mailbox.account),
        rights,
        until: None,
    };
    directory.grant(&grant).await.unwrap();
    account
}

async fn withdraw(place: &Client, account: AccountId) {
    let to = Grantee::Account(place.node.mailbox.account);
    place.node.directory.withdraw(account, to).await.unwrap();
}

pub(super) fn shown(account: AccountId) -> String {
    format!("A{:08x}", account.0)
}

pub(super) async fn ask(place: &mut Client, method: &str, arguments: Value) -> Value {
    let calls = json!([[method, arguments, "0"]]);
    place.call(&calls.to_string()).await[0][1].clone()
}

pub(super) async fn session(place: &Client) -> Value {
    let (status, text) = place.ask("GET", "/jmap/session", JSON, "").await;
    assert_eq!(status, 200);
    serde_json::from_slice(&text).unwrap()
}

/// A draft in an account's inbox; its id.
async fn draft(place: &mut Client, account: &str, from: &str) -> String {
    let mail = json!({"mailboxIds": {INBOX: true}, "from": [{"email": from}], "to": [{"email": USER}], "subject": "hello",
        "textBody": [{"partId": "1"}], "bodyValues": {"1": {"value": "text"}}});
    let made = ask(place, "Email/set", json!({"accountId": account, "create": {"m": mail}})).await;
    let id = made["created"]["m"]["id"].as_str();
    id.unwrap_or_else(|| panic!("{made:#}")).to_owned()
}

async fn identities(place: &mut Client, account: &str) -> Vec<(String, String)> {
    let listed = ask(place, "Identity/get", json!({"accountId": account})).await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let listed = listed["list"].as_array().unwrap_or_else(|| panic!("{listed:#}"));
    listed
        .iter()
        .map(|identity| (text(&identity["email"]), text(&identity["id"])))
        .collect()
}

#[test]
fn sbx_9_a_shared_mailbox_is_an_account_of_the_session() {
    run(async |place| {
        let own = place.account();
        let alone = session(place).await;
        let info = open(place, "info", AccountKind::Shared, GrantRights::FULL).await;
        let ben = open(place, "ben", AccountKind::Member, READ).await;
        let new = NewAccount::at(at("eve"));
        let eve = place.node.directory.create_account(&new).await.unwrap().id;
        let both = session(place).await;
        assert_ne!(alone["state"], both["state"], "the object is another");
        let accounts = both["accounts"].as_object().unwrap();
        assert_eq!(accounts.len(), 3);
        let entry = &accounts[&shown(info)];
        assert_eq!(entry["name"], "info@example.test");
        assert_eq!(
            (&entry["isPersonal"], &entry["isReadOnly"]),
            (&json!(false), &json!(false))
        );
        let submission = "urn:ietf:params:jmap:submission";
        assert!(entry["accountCapabilities"].get(submission).is_some());
        let entry = &accounts[&shown(ben)];
        assert_eq!(entry["isReadOnly"], true);
        assert!(entry["accountCapabilities"].get(submission).is_none());
        assert_eq!(both["primaryAccounts"][submission], own);

        let folders = ask(place, "Mailbox/get", json!({"accountId": shown(info), "ids": [INBOX]})).await;
        assert_eq!(folders["accountId"], shown(info));
        assert_eq!(folders["list"][0]["myRights"]["maySubmit"], true);
        let refused = ask(place, "Mailbox/get", json!({"accountId": shown(eve)})).await;
        assert_eq!(refused["type"], "accountNotFound");
        withdraw(place, info).await;
        let refused = ask(place, "Mailbox/get", json!({"accountId": shown(info)})).await;
        assert_eq!(refused["type"], "accountNotFound");
        assert_eq!(session(place).await["accounts"].as_object().unwrap().len(), 2);
    });
}

#[test]
fn sbx_4_who_may_only_read_changes_nothing() {
    run(async |place| {
        let info = open(place, "info", AccountKind::Shared, GrantRights::FULL).await;
        let (own, theirs) = (place.account(), shown(info));
        let mail = draft(place, &theirs, "info@example.test").await;
        open(place, "info", AccountKind::Shared, READ).await;
        let folders = ask(place, "Mailbox/get", json!({"accountId": theirs, "ids": [INBOX]})).await;
        let rights = &folders["list"][0]["myRights"];
        for (right, expect) in [
            ("mayReadItems", true),
            ("mayAddItems", false),
            ("mayRemoveItems", false),
            ("maySetSeen", false),
            ("maySetKeywords", false),
            ("mayCreateChild", false),
            ("maySubmit", false),
        ] {
            assert_eq!(rights[right], expect, "{right}");
        }
        for (method, arguments) in [
            ("Email/set", json!({"accountId": theirs, "destroy": [mail]})),
            ("Mailbox/set", json!({"accountId": theirs, "destroy": [INBOX]})),
            ("Blob/upload", json!({"accountId": theirs, "create": {}})),
        ] {
            assert_eq!(
                ask(place, method, arguments).await["type"],
                "accountReadOnly",
                "{method}"
            );
        }
        let refused = ask(place, "Identity/get", json!({"accountId": theirs})).await;
        assert_eq!(refused["type"], "accountNotSupportedByMethod");
        let path = format!("/jmap/upload/{theirs}");
        assert_eq!(place.ask("POST", &path, "text/plain", "x").await.0, 403);
        // What may be read may be taken along; the original stays.
        let copy = json!({"fromAccountId": theirs, "accountId": own, "onSuccessDestroyOriginal": true,
            "create": {"c": {"id": mail, "mailboxIds": {INBOX: true}}}});
        let calls = json!([["Email/copy", copy, "0"]]);
        let answer = place.call(&calls.to_string()).await;
        assert!(answer[0][1]["created"]["c"]["id"].is_string(), "{answer:#}");
        assert_eq!(answer[1][1]["type"], "accountReadOnly");
        let found = ask(place, "Email/get", json!({"accountId": theirs, "ids": [mail]})).await;
        let blob = found["list"][0]["blobId"].as_str().unwrap();
        let path = format!("/jmap/download/{theirs}/{blob}/m.eml");
        assert_eq!(place.ask("GET", &path, JSON, "").await.0, 200);
        withdraw(place, info).await;
        assert_eq!(place.ask("GET", &path, JSON, "").await.0, 404);
    });
}

#[test]
fn sbx_4_events_tell_of_a_mailbox_while_it_is_open() {
    run(async |place| {
        let info = open(place, "info", AccountKind::Shared, GrantRights::FULL).await;
        let (own, theirs) = (place.account(), shown(info));
        let path = "/jmap/events?types=Email&closeafter=no&ping=0";
        let mut events = place.send(Client::request("GET", path, JSON, "")).await;
        draft(place, &theirs, "info@example.test").await;
        let event = async |events: &mut hyper::Response<hyper::body::Incoming>| {
            let data = events.body_mut().frame().await.unwrap().unwrap().into_data().unwrap();
            String::from_utf8(data.to_vec()).unwrap()
        };
        let told = event(&mut events).await;
        assert!(told.contains(&theirs) && !told.contains(&own), "{told}");
        let id = told
            .lines()
            .find_map(|line| line.strip_prefix("id: "))
            .unwrap()
            .to_owned();
        withdraw(place, info).await;
        let request = hongyan_mailbox::CreateFolder {
            path: hongyan_mailbox::FolderPath::try_from("Unseen").unwrap(),
            special_use: None,
        };
        let mailbox = hongyan_mailbox::MailboxId {
            account: info,
            ..place.node.mailbox
        };
        let within = hongyan_miniature::WITHIN;
        place.node.router.ask(&mailbox, request, within).await.unwrap().unwrap();
        place.append("INBOX", 0, "Subject: a\r\n\r\nb\r\n").await;
        let told = event(&mut events).await;
        assert!(told.contains(&own) && !told.contains(&theirs), "{told}");
        drop(events);
        // Open again: whoever comes back is told what came meanwhile.
        open(place, "info", AccountKind::Shared, READ).await;
        let path = "/jmap/events?types=Email&closeafter=state&ping=0";
        let mut request = Client::request("GET", path, JSON, "");
        request.headers_mut().insert("last-event-id", id.parse().unwrap());
        let text = place
            .send(request)
            .await
            .into_body()
            .collect()
            .await
            .unwrap()
            .to_bytes();
        let text = String::from_utf8(text.to_vec()).unwrap();
        assert!(text.contains(&theirs) && text.contains(&own), "{text}");
    });
}

#[test]
fn sbx_4_places_on_the_web_are_told_of_a_mailbox_while_it_is_open() {
    run(async |place| {
        let info = open(place, "info", AccountKind::Shared, GrantRights::FULL).await;
        let (own, theirs) = (place.account(), shown(info));
        let new = json!({"deviceClientId": "d", "url": "https://push.test/1", "types": ["Email"]});
        let made = ask(place, "PushSubscription/set", json!({"create": {"a": new}})).await;
        let id = made["created"]["a"]["id"].as_str().unwrap().to_owned();
        let posted = async |place: &mut Client| -> Value {
            let letter = place
                .node
                .env
                .timeout(hongyan_miniature::WITHIN, place.web.recv())
                .await;
            let letter = letter.expect("something is posted").unwrap();
            serde_json::from_slice(&letter.body).unwrap()
        };
        let code = posted(place).await["verificationCode"].clone();
        let shown = json!({"update": {&id: {"verificationCode": code}}});
        ask(place, "PushSubscription/set", shown).await;
        // Whoever follows may have begun only now: until it tells, more comes.
        loop {
            draft(place, &theirs, "info@example.test").await;
            let letter = place
                .node
                .env
                .timeout(std::time::Duration::from_secs(2), place.web.recv())
                .await;
            let Some(letter) = letter else { continue };
            let change: Value = serde_json::from_slice(&letter.unwrap().body).unwrap();
            assert!(change["changed"][&theirs]["Email"].is_string(), "{change}");
            break;
        }
        withdraw(place, info).await;
        place.append("INBOX", 0, "Subject: a\r\n\r\nb\r\n").await;
        loop {
            let change = posted(place).await;
            if change["changed"].get(&own).is_some() {
                assert!(change["changed"].get(&theirs).is_none(), "{change}");
                break;
            }
        }
    });
}

#[test]
fn grp_6_dlg_1_one_sends_as_whom_one_may() {
    run(async |place| {
        let own = place.account();
        let behalf = GrantRights {
            read: false,
            write: false,
            send: Sending::OnBehalf,
        };
        open(place, "ben", AccountKind::Member, behalf).await;
        let info = open(place, "info", AccountKind::Shared, GrantRights::FULL).await;
        let group = NewGroup {
            posting: Posting::Anyone,
            representatives: vec![place.node.mailbox.account],
            ..NewGroup::at(at("team"))
        };
        place.node.directory.create_group(&group).await.unwrap();

        let listed = identities(place, &own).await;
        let addresses: Vec<&str> = listed.iter().map(|(email, _)| email.as_str()).collect();
        let expect = [USER, "team@example.test", "ben@example.test", "info@example.test"];
        assert_eq!(addresses, expect);
        let of = |email: &str| listed.iter().find(|(known, _)| known == email).unwrap().1.clone();
        let sent = async |place: &mut Client, account: &str, identity: &str, from: &str| -> Value {
            let email = draft(place, account, from).await;
            let new = json!({"identityId": identity, "emailId": email});
            let calls = json!([["EmailSubmission/set", {"accountId": account, "create": {"s": new}}, "0"],
                ["Email/query", {"accountId": own, "limit": 1, "sort": [{"property": "receivedAt", "isAscending": false}]}, "1"],
                ["Email/get", {"accountId": own, "properties": ["from", "sender", "header:Return-Path"],
                    "#ids": {"resultOf": "1", "name": "Email/query", "path": "/ids"}}, "2"]]);
            let answer = place.call(&calls.to_string()).await;
            match answer[0][1]["created"]["s"]["id"].is_string() {
                true => answer[2][1]["list"][0].clone(),
                false => answer[0][1]["notCreated"]["s"].clone(),
            }
        };
        let mail = sent(place, &own, &of("team@example.test"), "team@example.test").await;
        assert_eq!(mail["from"][0]["email"], "team@example.test", "{mail:#}");
        assert_eq!(mail["sender"], Value::Null);
        let mail = sent(place, &own, &of("ben@example.test"), "ben@example.test").await;
        assert_eq!(mail["from"][0]["email"], "ben@example.test", "{mail:#}");
        assert_eq!(mail["sender"][0]["email"], USER, "DLG-1: recipients see who wrote");
        let refused = sent(place, &own, &of(USER), "eve@example.test").await;
        assert_eq!(refused["type"], "forbiddenFrom", "{refused:#}");

        let theirs = shown(info);
        let shared = identities(place, &theirs).await;
        assert_eq!(shared.len(), 1, "a shared mailbox sends as itself");
        let mail = sent(place, &theirs, &shared[0].1, "info@example.test").await;
        assert_eq!(mail["from"][0]["email"], "info@example.test", "{mail:#}");
        assert_eq!(mail["sender"], Value::Null);
        let refused = sent(place, &theirs, &of("ben@example.test"), "info@example.test").await;
        assert_eq!(refused["properties"], json!(["identityId"]));
        let known = ask(place, "EmailSubmission/get", json!({"accountId": theirs})).await;
        assert_eq!(known["list"].as_array().unwrap().len(), 1, "it is the shared mailbox's");

        withdraw(place, info).await;
        let gone: Vec<String> = identities(place, &own)
            .await
            .into_iter()
            .map(|(email, _)| email)
            .collect();
        assert!(
            !gone.contains(&"info@example.test".to_owned()),
            "the right to send is gone"
        );
    });
}

#[test]
fn org_8_the_sender_name_is_the_directorys_until_somebody_names_the_identity() {
    run(async |place| {
        let own = place.account();
        let name = async |place: &mut Client| {
            let listed = ask(place, "Identity/get", json!({"accountId": own})).await;
            (
                listed["list"][0]["name"].clone(),
                listed["state"].clone(),
                listed["list"][0]["id"].clone(),
            )
        };
        let anna = place.node.mailbox;
        let (directory, tenant) = (place.node.directory.clone(), anna.tenant);
        let change = AccountChange {
            display_name: Field::Set("Anna Li".to_owned()),
            profile: Field::Set(Profile {
                nickname: "Annie".to_owned(),
                ..Profile::default()
            }),
            ..AccountChange::default()
        };
        let account = directory.change_account(anna.account, &change).await.unwrap();
        let (first, state, id) = name(place).await;
        assert_eq!(first, "Anna Li");
        let page = OrganisationPage {
            display_names: DisplayNames::NameAlias,
            own_sender_names: true,
            ..OrganisationPage::default()
        };
        directory.set_page(tenant, &page, None).await.unwrap();
        let (second, new_state, _) = name(place).await;
        assert_eq!(second, "Anna Li (Annie)");
        assert_ne!(state, new_state, "clients are told");
        let Value::Object(chosen) = json!({"sender_name": "Sales Anna"}) else {
            unreachable!()
        };
        Profiles::new(&directory)
            .change_preferences(&account, &chosen)
            .await
            .unwrap();
        assert_eq!(name(place).await.0, "Sales Anna", "ORG-9");
        let update = json!({"accountId": own, "update": {id.as_str().unwrap(): {"name": "A. Li"}}});
        ask(place, "Identity/set", update).await;
        directory
            .set_page(tenant, &OrganisationPage::default(), None)
            .await
            .unwrap();
        assert_eq!(name(place).await.0, "A. Li", "what a person named keeps its name");
    });
}

#[test]
fn org_9_a_name_of_ones_own_needs_the_organisations_leave() {
    run(async |place| {
        let own = place.account();
        let listed = ask(place, "Identity/get", json!({"accountId": own})).await;
        let (id, name) = (listed["list"][0]["id"].clone(), listed["list"][0]["name"].clone());
        let id = id.as_str().unwrap();
        let rename = |name: &str| json!({"accountId": own, "update": {id: {"name": name}}});
        let made = |name: &str| json!({"accountId": own, "create": {"a": {"name": name, "email": USER}}});
        for (arguments, answer, of) in [
            (rename("The Boss"), "notUpdated", id),
            (made("The Boss"), "notCreated", "a"),
        ] {
            let refused = ask(place, "Identity/set", arguments).await;
            let error = &refused[answer][of];
            assert_eq!(error["type"], "forbidden", "{refused}");
            let words = error["description"].as_str().unwrap();
            assert!(words.contains("own_sender_names"), "{words}");
        }
        let same = ask(place, "Identity/set", rename(name.as_str().unwrap())).await;
        assert!(
            same["updated"].get(id).is_some(),
            "what does not change is fine: {same}"
        );
        let created = ask(place, "Identity/set", made("")).await;
        assert!(created["created"]["a"]["id"].is_string(), "{created}");

        let (directory, tenant) = (place.node.directory.clone(), place.node.mailbox.tenant);
        let page = OrganisationPage {
            own_sender_names: true,
            ..OrganisationPage::default()
        };
        directory.set_page(tenant, &page, None).await.unwrap();
        let renamed = ask(place, "Identity/set", rename("Annie")).await;
        assert!(renamed["updated"].get(id).is_some(), "{renamed}");
        let refused = ask(place, "Identity/set", rename("Postmaster")).await;
        assert_eq!(refused["notUpdated"][id]["properties"], json!(["name"]), "{refused}");
        let listed = ask(place, "Identity/get", json!({"accountId": own, "ids": [id]})).await;
        assert_eq!(listed["list"][0]["name"], "Annie");
        let account = directory.account(place.node.mailbox.account).await.unwrap().unwrap();
        assert_eq!(json!(account.display_name), name, "the directory keeps its own");
    });
}

#[test]
fn mem_21_who_may_not_recover_deleted_mail_does_not_find_it() {
    run(async |place| {
        let deleted = "urn:x-hongyan:jmap:deleted";
        let own = place.account();
        let found = ask(place, "DeletedEmail/get", json!({"accountId": own})).await;
        assert_eq!(found["list"], json!([]));
        let change = AccountChange {
            settings: Field::Set(AccountSettings {
                recover_deleted: false,
                ..AccountSettings::default()
            }),
            ..AccountChange::default()
        };
        let account = place.node.mailbox.account;
        place.node.directory.change_account(account, &change).await.unwrap();
        let refused = ask(place, "DeletedEmail/get", json!({"accountId": own})).await;
        assert_eq!(refused["type"], "accountNotSupportedByMethod");
        let session = session(place).await;
        let capabilities = &session["accounts"][&own]["accountCapabilities"];
        assert!(capabilities.get(deleted).is_none(), "{capabilities}");
        assert!(session["primaryAccounts"].get(deleted).is_none(), "{session}");
    });
}

#[test]
fn sbx_what_is_done_in_a_shared_mailbox_is_noted_with_who_did_it() {
    run(async |place| {
        let info = open(place, "info", AccountKind::Shared, GrantRights::FULL).await;
        let account = shown(info);
        let made = draft(place, &account, "info@example.test").await;
        let gone = ask(place, "Email/set", json!({"accountId": account, "destroy": [made]})).await;
        assert_eq!(gone["destroyed"], json!([made]));
        let own = place.account();
        draft(place, &own, USER).await;
        let mailbox = hongyan_mailbox::MailboxId {
            account: info,
            ..place.node.mailbox
        };
        let since = hongyan_types::Timestamp { millis: 0 };
        let database = place.node.directory.database().clone();
        let acts = hongyan_mailbox::read_acts(&database, mailbox, since, None, 9)
            .await
            .unwrap();
        let told: Vec<_> = acts
            .iter()
            .map(|act| (act.kind.label(), act.path.as_str(), act.messages))
            .collect();
        assert_eq!(told, [("deleted", "INBOX", 1), ("added", "INBOX", 1)]);
        let anna = place.node.mailbox.account;
        assert!(acts.iter().all(|act| act.person == anna));
        let mine = hongyan_mailbox::read_acts(&database, place.node.mailbox, since, None, 9).await;
        assert!(mine.unwrap().is_empty(), "in one's own nothing is noted");
    });
}

#[test]
fn dom_9_whoever_has_an_address_has_it_at_the_other_names_of_its_domain() {
    run(async |place| {
        let directory = place.node.directory.clone();
        let info = open(place, "info", AccountKind::Shared, GrantRights::FULL).await;
        let other = Domain::try_from("other.test").unwrap();
        directory
            .create_domain(place.node.mailbox.tenant, &other)
            .await
            .unwrap();
        let another_name = |of: Option<Domain>| DomainChange {
            alias_of: Field::Set(of),
            ..DomainChange::default()
        };
        let main = Domain::try_from("example.test").unwrap();
        directory
            .change_domain(&other, &another_name(Some(main)))
            .await
            .unwrap();

        let own = place.account();
        let emails = |all: Vec<(String, String)>| all.into_iter().map(|(email, _)| email).collect::<Vec<_>>();
        let own_emails = emails(identities(place, &own).await);
        let user = USER.replace("example.test", "other.test");
        for email in [USER, user.as_str(), "info@example.test", "info@other.test"] {
            assert!(own_emails.iter().any(|own| own == email), "{email} in {own_emails:?}");
        }
        let shared = emails(identities(place, &shown(info)).await);
        assert_eq!(shared, ["info@example.test", "info@other.test"]);

        directory.change_domain(&other, &another_name(None)).await.unwrap();
        let shared = emails(identities(place, &shown(info)).await);
        assert_eq!(
            shared,
            ["info@example.test"],
            "what is no address any more is no identity"
        );
    });
}
