//! IMAP and JMAP show the same mailbox alike: ids (RFC 8474), flags and keywords, sizes, dates, threads, counts, after changes
//! made on either side.

use std::collections::{BTreeMap, BTreeSet};

use hongyan_listener::{Listener, TlsMode};
use hongyan_miniature::{PASSWORD, USER};
use hongyan_session_imap::{ImapService, ImapServices, ImapSettings, LoginWithoutTls};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

use crate::support::Client;

/// An email as either side shows it: thread, size, received, keywords, mailboxes.
type Shown = (String, u64, i64, BTreeSet<String>, BTreeSet<String>);

/// A client that says a command and gets the lines up to the tagged one.
pub struct Imap(BufReader<hongyan_env::Stream>);

/// A port for IMAP beside a client's JMAP.
pub async fn imap_port(place: &Client) -> Listener {
    let services = ImapServices {
        directory: place.node.directory.clone(),
        env: place.node.env.clone(),
        database: place.node.database.clone(),
        blobs: place.node.blobs.clone(),
        router: place.node.router.clone(),
        access: place.node.access.clone(),
    };
    let settings = ImapSettings {
        login_without_tls: LoginWithoutTls::Always,
        ..ImapSettings::default()
    };
    let service = ImapService::new(services, settings);
    place.node.listen(service, TlsMode::Never).await
}

impl Imap {
    pub async fn connect(place: &Client, port: &Listener) -> Self {
        let stream = place.node.env.connect(port.local_address()).await.unwrap();
        let mut imap = Self(BufReader::new(stream));
        imap.0.read_line(&mut String::new()).await.unwrap();
        imap
    }
    pub async fn say(&mut self, command: &str) -> Vec<String> {
        let (lines, done) = self.told(command).await;
        assert!(done.starts_with("OK"), "{command}: {done}");
        lines
    }
    pub async fn told(&mut self, command: &str) -> (Vec<String>, String) {
        let stream = self.0.get_mut();
        stream.write_all(format!("t {command}\r\n").as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).await.unwrap();
            assert!(!line.is_empty(), "{command}: the connection ended");
            if let Some(done) = line.strip_prefix("t ") {
                return (lines, done.to_owned());
            }
            lines.push(line.trim_end().to_owned());
        }
    }
}

/// What stands in parentheses behind a name.
pub fn listed<'a>(line: &'a str, name: &str) -> &'a str {
    let (_, rest) = line
        .split_once(&format!("{name} ("))
        .unwrap_or_else(|| panic!("{name} in {line}"));
    rest.split_once(')').unwrap().0
}

/// A keyword as JMAP names it.
pub fn keyword(flag: &str) -> String {
    flag.replace('\\', "$").to_lowercase()
}

/// What IMAP shows: emails by id, and messages by mailbox.
async fn by_imap(imap: &mut Imap) -> (BTreeMap<String, Shown>, BTreeMap<String, u64>) {
    let (mut emails, mut counts) = (BTreeMap::new(), BTreeMap::new());
    let list = imap.say("LIST \"\" \"*\"").await;
    let list = list.iter().filter(|line| line.starts_with("* LIST"));
    for name in list.filter_map(|line| line.rsplit(' ').next()) {
        let status = imap.say(&format!("STATUS {name} (MAILBOXID MESSAGES)")).await;
        let status = status.iter().find(|line| line.starts_with("* STATUS")).unwrap();
        let id = listed(status, "MAILBOXID").to_owned();
        let messages = status.split("MESSAGES ").nth(1).unwrap();
        let messages: String = messages.chars().take_while(char::is_ascii_digit).collect();
        counts.insert(id.clone(), messages.parse().unwrap());
        imap.say(&format!("EXAMINE {name}")).await;
        let fetched = imap
            .say("UID FETCH 1:* (EMAILID THREADID FLAGS RFC822.SIZE INTERNALDATE)")
            .await;
        for line in fetched.iter().filter(|line| line.contains("EMAILID")) {
            let flags: BTreeSet<String> = listed(line, "FLAGS").split_whitespace().map(keyword).collect();
            let size = line.split("RFC822.SIZE ").nth(1).unwrap();
            let size: String = size.chars().take_while(char::is_ascii_digit).collect();
            let date = line.split("INTERNALDATE \"").nth(1).unwrap().split('"').next().unwrap();
            let date = hongyan_message::date::parse(&date.replace('-', " "))
                .unwrap()
                .timestamp
                .secs();
            let email = listed(line, "EMAILID").to_owned();
            let shown: &mut Shown = emails.entry(email).or_insert_with(|| {
                let thread = listed(line, "THREADID").to_owned();
                (thread, size.parse().unwrap(), date, BTreeSet::new(), BTreeSet::new())
            });
            shown.3.extend(flags.into_iter().filter(|flag| flag != "$recent"));
            shown.4.insert(id.clone());
        }
    }
    (emails, counts)
}

fn keys(value: &Value) -> BTreeSet<String> {
    value.as_object().unwrap().keys().cloned().collect()
}

/// The same by JMAP.
async fn by_jmap(place: &mut Client) -> (BTreeMap<String, Shown>, BTreeMap<String, u64>) {
    let calls = json!([["Mailbox/get", {"accountId": "$account"}, "0"],
        ["Email/get", {"accountId": "$account", "ids": null,
            "properties": ["threadId", "mailboxIds", "keywords", "size", "receivedAt"]}, "1"]]);
    let answer = place.call(&calls.to_string()).await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let counts = answer[0][1]["list"].as_array().unwrap().iter();
    let counts = counts.map(|mailbox| (text(&mailbox["id"]), mailbox["totalEmails"].as_u64().unwrap()));
    let counts = counts.collect();
    let emails = answer[1][1]["list"].as_array().unwrap().iter().map(|email| {
        let received: hongyan_jmap::UtcDate = serde_json::from_value(email["receivedAt"].clone()).unwrap();
        let shown = (
            text(&email["threadId"]),
            email["size"].as_u64().unwrap(),
            received.0.secs(),
            keys(&email["keywords"]),
            keys(&email["mailboxIds"]),
        );
        (text(&email["id"]), shown)
    });
    (emails.collect(), counts)
}

#[test]
fn imap_and_jmap_show_the_same() {
    hongyan_actor::run(1, async {
        let mut place = Client::start().await;
        let listener = imap_port(&place).await;
        let mut imap = Imap::connect(&place, &listener).await;
        imap.say(&format!("LOGIN {USER} {PASSWORD}")).await;

        let mail = |id: u32, before: &str| {
            format!(
                "Message-ID: <{id}@a>\r\n{before}Subject: a{id}\r\n\r\n{}\r\n",
                "x".repeat(id as usize)
            )
        };
        place.append("INBOX", 9, &mail(1, "")).await;
        place
            .append("INBOX", 7, &mail(2, "In-Reply-To: <1@a>\r\nReferences: <1@a>\r\n"))
            .await;
        place.append("INBOX", 5, &mail(3, "")).await;
        place.append("Archive", 3, &mail(4, "References: <2@a>\r\n")).await;
        // What IMAP changes.
        imap.say("SELECT INBOX").await;
        imap.say("UID STORE 1 +FLAGS (\\Seen \\Flagged Work)").await;
        imap.say("CREATE Projects/Inner").await;
        imap.say("UID COPY 2 Projects/Inner").await;
        imap.say("UID MOVE 3 Archive").await;
        let (shown, counts) = by_imap(&mut imap).await;
        assert_eq!(shown.len(), 4);
        assert_eq!(by_jmap(&mut place).await, (shown, counts));
        // What JMAP changes.
        let calls = json!([["Email/set", {"accountId": "$account", "update": {
            "M000000000002": {"keywords": {"$answered": true, "$seen": true, "other": true}},
            "M000000000003": {"mailboxIds": {"F00000001": true}}}, "destroy": ["M000000000001"]}, "0"],
            ["Mailbox/set", {"accountId": "$account", "create": {"a": {"name": "Made", "isSubscribed": true}}}, "1"]]);
        let answer = place.call(&calls.to_string()).await;
        assert_eq!(answer[0][1]["destroyed"], json!(["M000000000001"]), "{answer:#}");
        let (shown, counts) = by_imap(&mut imap).await;
        assert_eq!(shown.len(), 3);
        assert_eq!(by_jmap(&mut place).await, (shown, counts));
        drop(imap);
        drop(listener);
        place.stop().await;
    });
}
