//! curl: submission after STARTTLS; IMAP and POP3 over TLS, POP3 after STLS; JMAP over HTTPS. One run carries all messages of
//! a way.

use std::fs;

use anyhow::{Context, Result, ensure};
use hongyan_conformance::node::PASSWORD;
use serde_json::{Map, Value, json};

use crate::MESSAGES;
use crate::maildir::files;
use crate::place::{Client, FROM, Place};

const CURL: Client = Client {
    commands: &["curl"],
    adds: &[],
};

#[test]
fn curl_submits_and_fetches() -> Result<()> {
    CURL.test(|place| {
        submit(place)?;
        place.check_folder("INBOX")?;
        let imap = format!("imaps://127.0.0.1:{}/INBOX;MAILINDEX=[1-{MESSAGES}]", place.port(993));
        fetch(place, "imap", &imap)?;
        fetch(
            place,
            "pop3",
            &format!("pop3s://127.0.0.1:{}/[1-{MESSAGES}]", place.port(995)),
        )?;
        fetch(
            place,
            "stls",
            &format!("pop3://127.0.0.1:{}/[1-{MESSAGES}]", place.port(110)),
        )
    })
}

#[test]
fn curl_reads_and_moves_by_jmap() -> Result<()> {
    CURL.test(|place| {
        place.fill_inbox()?;
        let user = format!("{}:{PASSWORD}", place.account());
        let base = format!("https://localhost:{}", place.port(444));
        let session: Value = serde_json::from_slice(&curl(place, &user, &["--location", &format!("{base}/.well-known/jmap")])?)?;
        let account = session["primaryAccounts"]["urn:ietf:params:jmap:mail"].as_str().context("find the account")?;
        let api = session["apiUrl"].as_str().context("find the API")?.to_owned();
        let ask = |calls: Value| -> Result<Value> {
            let request = json!({
                "using": ["urn:ietf:params:jmap:core", "urn:ietf:params:jmap:mail"],
                "methodCalls": calls,
            });
            let arguments = ["--header", "content-type: application/json", "--data", &request.to_string(), &api];
            Ok(serde_json::from_slice::<Value>(&curl(place, &user, &arguments)?)?["methodResponses"].take())
        };
        // All mails of the inbox with one request: their ids, then what a list shows.
        let ids = json!({"resultOf": "q", "name": "Email/query", "path": "/ids"});
        let found = ask(json!([
            ["Mailbox/query", {"accountId": account, "filter": {"role": "inbox"}}, "m"],
            ["Email/query", {"accountId": account, "calculateTotal": true}, "q"],
            ["Email/get", {"accountId": account, "#ids": ids, "properties": ["blobId", "subject", "mailboxIds"]}, "g"],
            ["Mailbox/query", {"accountId": account, "filter": {"role": "archive"}}, "a"],
        ]))?;
        let emails = found[2][1]["list"].as_array().context("find the emails")?.clone();
        ensure!(emails.len() == usize::try_from(MESSAGES)? && found[1][1]["total"] == MESSAGES, "{found}");
        let blobs: Vec<&str> = emails.iter().filter_map(|email| email["blobId"].as_str()).collect();
        let url = format!("{base}/jmap/download/{account}/{{{}}}/mail.eml", blobs.join(","));
        curl(place, &user, &["--create-dirs", "--output", "jmap/#1.eml", &url])?;
        place.check(&files(&place.path("jmap"))?)?;
        // Moved to the archive, where IMAP finds them.
        let (inbox, archive) = (&found[0][1]["ids"][0], found[3][1]["ids"][0].as_str().context("find the archive")?);
        let patch = json!({format!("mailboxIds/{}", inbox.as_str().unwrap_or_default()): null, format!("mailboxIds/{archive}"): true});
        let update: Map<String, Value> = emails.iter().filter_map(|email| Some((email["id"].as_str()?.to_owned(), patch.clone()))).collect();
        let moved = ask(json!([["Email/set", {"accountId": account, "update": update}, "0"]]))?;
        ensure!(moved[0][1]["notUpdated"] == json!({}), "{moved}");
        ensure!(place.stored("INBOX")?.is_empty(), "the inbox is empty");
        place.check_folder("Archive")
    })
}

fn submit(place: &Place) -> Result<()> {
    fs::create_dir(place.path("out"))?;
    for number in 0..MESSAGES {
        fs::write(place.path(&format!("out/{number}.eml")), place.mail(number))?;
    }
    let (user, files) = (format!("{FROM}:{PASSWORD}"), format!("out/[0-{}].eml", MESSAGES - 1));
    let (url, to) = (format!("smtp://127.0.0.1:{}", place.port(587)), place.account());
    let to_whom = ["--mail-from", FROM, "--mail-rcpt", to, "--upload-file", &files];
    curl(place, &user, &[to_whom.as_slice(), &[&url]].concat()).map(|_| ())
}

fn fetch(place: &Place, folder: &str, url: &str) -> Result<()> {
    let (user, output) = (format!("{}:{PASSWORD}", place.account()), format!("{folder}/#1.eml"));
    curl(place, &user, &["--create-dirs", "--output", &output, url])?;
    place.check(&files(&place.path(folder))?).context(url.to_owned())
}

fn curl(place: &Place, user: &str, arguments: &[&str]) -> Result<Vec<u8>> {
    let always = ["--silent", "--show-error", "--insecure", "--ssl-reqd", "--user", user];
    place.run("curl", &[always.as_slice(), arguments].concat(), b"")
}
