//! Requests past each limit, and accounts, blobs and mails of others: an exact error, nothing half done, nothing shown.

use hongyan_directory::{NewAccount, NewTenant};
use hongyan_http_jmap::JmapSettings;
use hongyan_sasl::Secret;
use hongyan_types::{Address, Domain};
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::Bytes;
use serde_json::{Value, json};

use crate::support::Client;

async fn error(place: &mut Client, method: &str, mut arguments: Value) -> String {
    if arguments.get("accountId").is_none() && !method.starts_with("PushSubscription") {
        arguments["accountId"] = json!("$account");
    }
    let answer = place.call(&json!([[method, arguments, "0"]]).to_string()).await;
    let error = &answer[0][1]["type"];
    assert_eq!(answer[0][0], "error", "{method}: {answer:#}");
    error.as_str().unwrap().to_owned()
}

#[test]
fn rfc_8620_3_6_2_too_many_objects_are_refused_before_anything_is_done() {
    hongyan_actor::run(1, async {
        let mut settings = JmapSettings {
            recipients_max: 2,
            ..JmapSettings::default()
        };
        settings.core.get_objects_max = 2;
        settings.core.set_objects_max = 2;
        let mut place = Client::start_with(settings).await;
        let gets = [
            ("Mailbox/get", "F00000001"),
            ("Email/get", "M000000000001"),
            ("Thread/get", "T000000000001"),
            ("Identity/get", "I000000000001"),
            ("EmailSubmission/get", "S000000000001"),
            ("Blob/get", "B000000000001"),
        ];
        for (method, id) in gets {
            let ids = vec![id; 3];
            assert_eq!(
                error(&mut place, method, json!({"ids": ids})).await,
                "requestTooLarge",
                "{method}"
            );
        }
        for method in [
            "Mailbox/set",
            "Email/set",
            "Identity/set",
            "EmailSubmission/set",
            "PushSubscription/set",
        ] {
            // What is created, changed and destroyed counts together.
            let set = json!({"create": {"a": {}}, "update": {"x": {}}, "destroy": ["y"]});
            assert_eq!(error(&mut place, method, set).await, "requestTooLarge", "{method}");
        }
        let emails = json!({"a": {}, "b": {}, "c": {}});
        for (method, property) in [("Email/import", "emails"), ("Blob/upload", "create")] {
            let found = error(&mut place, method, json!({property: emails})).await;
            assert!(
                ["requestTooLarge", "invalidArguments"].contains(&found.as_str()),
                "{method}: {found}"
            );
        }
        for changes in ["Mailbox/changes", "Email/changes", "Thread/changes"] {
            let none = json!({"sinceState": "0", "maxChanges": 0});
            assert_eq!(error(&mut place, changes, none).await, "invalidArguments", "{changes}");
            let unknown = json!({"sinceState": "99999"});
            assert_eq!(
                error(&mut place, changes, unknown).await,
                "cannotCalculateChanges",
                "{changes}"
            );
        }
        place.stop().await;
    });
}

/// A request of someone else.
fn request(login: &str, method: &str, path: &str, body: &str) -> Request<Full<Bytes>> {
    use base64::Engine;
    let proof = base64::engine::general_purpose::STANDARD.encode(format!("{login}:secret"));
    Request::builder()
        .method(method)
        .uri(path)
        .header("host", "localhost")
        .header("authorization", format!("Basic {proof}"))
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(body.to_owned())))
        .unwrap()
}

/// Someone in anna's organisation, and someone in another one, each with a mail and an upload: account, blobs.
async fn others(place: &Client) -> Vec<(String, [String; 2])> {
    let directory = &place.node.directory;
    let tenant = directory.create_tenant(&NewTenant::named("Other")).await.unwrap().id;
    let domain = Domain::try_from("other.test").unwrap();
    directory.create_domain(tenant, &domain).await.unwrap();
    let mut all = Vec::new();
    for address in ["ben@example.test", "eve@other.test"] {
        let credential = place.node.access.hash_password(&Secret::new("secret")).await.unwrap();
        let new = NewAccount {
            credential: Some(credential),
            ..NewAccount::at(Address::try_from(address).unwrap())
        };
        let account = directory.create_account(&new).await.unwrap().id;
        let account = format!("A{:08x}", account.0);
        let said = async |path: &str, body: &str| -> Value {
            let answer = place.send(request(address, "POST", path, body)).await;
            assert!(answer.status().is_success(), "{}", answer.status());
            serde_json::from_slice(&answer.into_body().collect().await.unwrap().to_bytes()).unwrap()
        };
        let uploaded = said(&format!("/jmap/upload/{account}"), "Subject: secret\r\n\r\nsecret").await;
        let blob = uploaded["blobId"].as_str().unwrap().to_owned();
        let import = json!({"using": ["urn:ietf:params:jmap:core", "urn:ietf:params:jmap:mail"], "methodCalls": [["Email/import",
            {"accountId": account, "emails": {"a": {"blobId": blob, "mailboxIds": {"F00000001": true}}}}, "0"]]});
        let imported = said("/jmap/api", &import.to_string()).await;
        let mail = &imported["methodResponses"][0][1]["created"]["a"]["blobId"];
        let mail = mail.as_str().unwrap_or_else(|| panic!("{imported:#}")).to_owned();
        all.push((account, [blob, mail]));
    }
    all
}

#[test]
fn accounts_blobs_and_mails_of_others_look_missing() {
    hongyan_actor::run(1, async {
        let mut place = Client::start().await;
        let own = place.account();
        for (account, blobs) in others(&place).await {
            let methods = [
                "Mailbox/get",
                "Mailbox/query",
                "Email/get",
                "Email/query",
                "Thread/get",
                "Identity/get",
                "EmailSubmission/get",
                "EmailSubmission/query",
                "VacationResponse/get",
                "Quota/get",
                "DeletedEmail/get",
                "Mailbox/set",
                "Email/set",
                "Identity/set",
                "EmailSubmission/set",
            ];
            for method in methods {
                let error = error(&mut place, method, json!({"accountId": account})).await;
                assert_eq!(error, "accountNotFound", "{method}");
            }
            for (method, property) in [("Email/copy", "create"), ("Blob/copy", "blobIds")] {
                let what = if property == "blobIds" { json!(blobs) } else { json!({}) };
                let arguments = json!({"fromAccountId": account, property: what});
                assert_eq!(
                    error(&mut place, method, arguments).await,
                    "fromAccountNotFound",
                    "{method}"
                );
            }
            for blob in &blobs {
                for through in [&account, &own] {
                    let path = format!("/jmap/download/{through}/{blob}/x.eml");
                    assert_eq!(place.ask("GET", &path, "text/plain", "").await.0, 404, "{path}");
                }
                let calls = json!([["Email/import", {"accountId": "$account",
                        "emails": {"a": {"blobId": blob, "mailboxIds": {"F00000001": true}}}}, "0"],
                    ["Blob/get", {"accountId": "$account", "ids": [blob]}, "1"],
                    ["Email/parse", {"accountId": "$account", "blobIds": [blob]}, "2"],
                    ["Blob/lookup", {"accountId": "$account", "ids": [blob], "typeNames": ["Email"]}, "3"]]);
                let answer = place.call(&calls.to_string()).await;
                assert_eq!(
                    answer[0][1]["notCreated"]["a"]["type"], "invalidProperties",
                    "{answer:#}"
                );
                assert_eq!(answer[1][1]["notFound"], json!([blob]), "{answer:#}");
                assert!(!answer.to_string().contains("secret"), "{answer:#}");
            }
            let path = format!("/jmap/upload/{account}");
            assert_eq!(place.ask("POST", &path, "text/plain", "x").await.0, 404);
        }
        // Nothing of all that has left anything.
        let calls = json!([["Email/query", {"accountId": "$account"}, "0"]]);
        assert_eq!(place.call(&calls.to_string()).await[0][1]["ids"], json!([]));
        place.stop().await;
    });
}
