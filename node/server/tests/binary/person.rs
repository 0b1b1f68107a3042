//! What is left of a person when another gets the mailbox (MEM-13), as the next one finds it over the protocols: whatever part of the
//! node keeps something of a person has to be among those that forget.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use serde_json::{Value, json};

use super::{dev, hongyan, imap, ports, smtp, text};

const ADDRESS: &str = "user2@example.test";
const NEXT_PASSWORD: &str = "Correct-horse7";
const USING: [&str; 4] = [
    "urn:ietf:params:jmap:core",
    "urn:ietf:params:jmap:mail",
    "urn:ietf:params:jmap:submission",
    "urn:ietf:params:jmap:vacationresponse",
];

/// Somebody who is signed in over HTTPS.
struct Person {
    tls: Arc<ClientConfig>,
    port: u16,
    token: Option<String>,
}

impl Person {
    fn sign_in(data: &Path, port: u16, password: &str) -> Self {
        let mut roots = RootCertStore::empty();
        let certificate = CertificateDer::from_pem_file(data.join("tls/certificate.pem"));
        roots.add(certificate.unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let guest = Self {
            tls: Arc::new(tls),
            port,
            token: None,
        };
        let asked = json!({"login": ADDRESS, "password": password, "bearer": true});
        let begun = guest.ask("POST", "/api/session", &asked.to_string());
        Self {
            token: Some(begun["token"].as_str().unwrap().to_owned()),
            ..guest
        }
    }
    fn ask(&self, method: &str, path: &str, body: &str) -> Value {
        let server = ServerName::try_from("localhost").unwrap();
        let connection = ClientConnection::new(Arc::clone(&self.tls), server).unwrap();
        let socket = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let mut stream = StreamOwned::new(connection, socket);
        let token = self.token.as_ref();
        let proof = token.map_or_else(String::new, |token| format!("Authorization: Bearer {token}\r\n"));
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-Hongyan-Request: 1\r\n{proof}\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut answer = Vec::new();
        // However the connection ends: a body that was cut is no JSON.
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 2"), "{method} {path}: {answer}");
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"))
    }
    /// What each call is answered; `$account` stands for the mailbox.
    fn call(&self, calls: &Value) -> Vec<Value> {
        let session = self.ask("GET", "/jmap/session", "");
        let account = session["primaryAccounts"][USING[1]].as_str().unwrap();
        let asked = json!({"using": USING, "methodCalls": calls}).to_string();
        let mut answer = self.ask("POST", "/jmap/api", &asked.replace("$account", account));
        let answers = answer["methodResponses"].as_array_mut().unwrap();
        answers.iter_mut().map(|answer| answer[1].take()).collect()
    }
    /// Says that they are away, goes by a name of their own, signs, and is told of news.
    fn settle(&self) {
        let answers = self.call(&json!([
            ["VacationResponse/set", {"accountId": "$account",
                "update": {"singleton": {"isEnabled": true, "textBody": "At sea"}}}, "0"],
            ["PushSubscription/set", {"create": {"a": {"deviceClientId": "d", "url": "https://push.example.test/1"}}}, "1"],
            ["Identity/get", {"accountId": "$account", "ids": null}, "2"],
        ]));
        let identity = answers[2]["list"][0]["id"].as_str().unwrap();
        self.call(&json!([["Identity/set", {"accountId": "$account",
            "update": {identity: {"name": "A. Berg", "textSignature": "Yours, Anna"}}}, "0"]]));
    }
    /// Whether they are away, how they sign, and how many places are told of news.
    fn found(&self) -> Value {
        let answers = self.call(&json!([
            ["VacationResponse/get", {"accountId": "$account", "ids": null}, "0"],
            ["Identity/get", {"accountId": "$account", "ids": null}, "1"],
            ["PushSubscription/get", {"ids": null}, "2"],
        ]));
        let identities = answers[1]["list"].as_array().unwrap().iter();
        let identities = identities.map(|identity| json!([identity["name"], identity["textSignature"]]));
        json!({
            "away": answers[0]["list"][0]["isEnabled"],
            "identities": identities.collect::<Vec<_>>(),
            "told": answers[2]["list"].as_array().unwrap().len(),
        })
    }
    /// Whether they have signed in over IMAP, as their own log says.
    fn has_used_imap(&self) -> bool {
        let log = self.ask("GET", "/api/members/me/logins", "");
        let mut logins = log["items"].as_array().unwrap().iter();
        logins.any(|login| login["protocol"] == "imap")
    }
}

#[test]
fn mem_13_the_next_person_finds_the_mail_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let (data, ports) = (folder.path().join("data"), ports());
    let (base, shown) = (ports.base(), data.display().to_string());
    let node = dev(&data, base);
    smtp(
        base + 25,
        &[
            "EHLO client.example",
            "MAIL FROM:<a@client.example>",
            "RCPT TO:<user2@example.test>",
            "DATA",
            "Subject: a\r\n\r\nfor whoever has the mailbox\r\n.",
            "QUIT",
        ],
    );
    assert!(imap(base + 143, &["LOGIN user2@example.test pass"]).contains("a0 OK"));
    let first = Person::sign_in(&data, base + 444, "pass");
    first.settle();
    let expect = json!({"away": true, "identities": [["A. Berg", "Yours, Anna"]], "told": 1});
    assert_eq!(first.found(), expect);
    // Sign-ins are written together, a little later.
    for _ in 0..200 {
        if first.has_used_imap() {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(first.has_used_imap());

    let unbound = hongyan(&["--data", &shown, "member", "unbind", ADDRESS, "--confirm-uses"], "");
    assert!(unbound.status.success(), "{}", text(&unbound));
    let restore = ["--data", &shown, "recycle-bin", "restore", ADDRESS, "--name", "Ben"];
    let restored = hongyan(&restore, &format!("{NEXT_PASSWORD}\n"));
    assert!(restored.status.success(), "{}", text(&restored));

    let next = Person::sign_in(&data, base + 444, NEXT_PASSWORD);
    assert_eq!(
        next.found(),
        json!({"away": false, "identities": [["Ben", ""]], "told": 0})
    );
    assert!(!next.has_used_imap());
    let login = format!("LOGIN {ADDRESS} {NEXT_PASSWORD}");
    let mail = imap(base + 143, &[&login, "SELECT INBOX", "FETCH 1 BODY[TEXT]"]);
    assert!(mail.contains("for whoever has the mailbox"), "{mail}");
    node.terminate();
}
