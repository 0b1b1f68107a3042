//! The admin API over HTTPS: members with their password, programs with their token.

use std::sync::Arc;

use bytes::Bytes;
use hongyan_directory::{AccountChange, AccountState, Field, NewAccount, NewTenant, Role};
use hongyan_http_admin::AdminState;
use hongyan_http_front::{Front, FrontParts, FrontSettings, administered};
use hongyan_listener::{Listener, TlsConfig, TlsMode, self_signed};
use hongyan_mailbox::{Expunge, FolderId, FolderRef};
use hongyan_miniature::{Miniature, Options, PASSWORD, USER};
use hongyan_types::{Address, Domain};
use hongyan_upkeep::{Tasks, UpkeepOptions};
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::RootCertStore;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use serde_json::{Value, json};

/// A connection to the API with what it shows.
struct Client {
    sender: SendRequest<Full<Bytes>>,
    shown: Option<String>,
}

/// Status and body.
type Answer = (u16, Value);

impl Client {
    async fn call(&mut self, method: &str, path: &str, body: Value) -> Answer {
        self.call_with(method, path, body, &[]).await
    }

    async fn call_with(&mut self, method: &str, path: &str, body: Value, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header("host", "localhost");
        if let Some(shown) = &self.shown {
            request = request.header("authorization", shown);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let request = request
            .header("content-type", "application/json")
            .body(Full::from(body))
            .unwrap();
        self.sender.ready().await.unwrap();
        let response = self.sender.send_request(request).await.unwrap();
        let status = response.status().as_u16();
        if status >= 400 {
            assert_eq!(response.headers()["content-type"], "application/problem+json", "{path}");
        }
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let body = if bytes.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&bytes).unwrap()
        };
        (status, body)
    }

    /// The body of what does not end by itself.
    async fn listen(&mut self, path: &str) -> hyper::body::Incoming {
        let request = Request::builder().uri(path).header("host", "localhost");
        let request = request.header("authorization", self.shown.as_ref().unwrap());
        self.sender.ready().await.unwrap();
        let response = self
            .sender
            .send_request(request.body(Full::default()).unwrap())
            .await
            .unwrap();
        assert_eq!(response.status(), 200);
        response.into_body()
    }

    async fn get(&mut self, path: &str) -> Answer {
        self.call("GET", path, Value::Null).await
    }
}

/// A node whose port serves the admin API over TLS.
struct Served {
    node: Miniature,
    listener: Listener,
    roots: RootCertStore,
}

impl Served {
    async fn start() -> Self {
        let node = Miniature::start(&Options::default()).await;
        let api = hongyan_http_admin::router(AdminState {
            single_sign_on: None,
            saml: None,
            ldap: None,
            certificates: None,
            deleted_mail_kept: std::time::Duration::from_secs(14 * 86_400),
            recalls: hongyan_http_admin::Recalling::default(),
            directory: node.directory.clone(),
            access: node.access.clone(),
            router: node.router.clone(),
            migrations: hongyan_migration::Migrations::with_defaults(
                node.env.clone(),
                node.directory.clone(),
                node.router.clone(),
            )
            .unwrap(),
            tasks: Tasks::new(
                node.env.clone(),
                node.directory.clone(),
                node.router.clone(),
                UpkeepOptions::default(),
            ),
            webhooks: hongyan_webhook::Webhooks::closed(node.directory.clone()),
            counts: hongyan_statistics::Counts::new(
                node.directory.clone(),
                node.database.clone(),
                hongyan_statistics::StatisticsOptions::default(),
            ),
            publishing: None,
            cluster: None,
            secrets: None,
        });
        let front = Front::new(FrontParts {
            env: node.env.clone(),
            access: node.access.clone(),
            routes: administered(api, node.access.clone()),
            settings: FrontSettings::default(),
        });
        let pem = self_signed(&["localhost".to_owned()]).unwrap();
        let tls = TlsConfig::from_pem(std::slice::from_ref(&pem)).unwrap();
        let listener = node.listen(front, TlsMode::Implicit(tls.for_http())).await;
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_slice(pem.certificate.as_bytes()).unwrap())
            .unwrap();
        Self { node, listener, roots }
    }

    async fn connect(&self, shown: Option<String>) -> Client {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(self.roots.clone())
            .with_no_client_auth();
        let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
        let stream = self.node.env.connect(self.listener.local_address()).await.unwrap();
        let server = ServerName::try_from("localhost").unwrap();
        let stream = connector.connect(server, stream).await.unwrap();
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Client { sender, shown }
    }

    async fn member(&self, name: &str, password: &str) -> Client {
        use base64::Engine;
        let proof = base64::engine::general_purpose::STANDARD.encode(format!("{name}:{password}"));
        self.connect(Some(format!("Basic {proof}"))).await
    }

    async fn program(&self, token: &str) -> Client {
        self.connect(Some(format!("Bearer {token}"))).await
    }

    async fn change_user(&self, change: AccountChange) {
        let account = self.node.mailbox.account;
        self.node.directory.change_account(account, &change).await.unwrap();
        self.node.access.account_changed(account).await.unwrap();
    }

    async fn set_role(&self, role: Option<Role>) {
        let role = Field::Set(role);
        self.change_user(AccountChange {
            role,
            ..AccountChange::default()
        })
        .await;
    }

    async fn stop(self) {
        drop(self.listener);
        self.node.stop().await;
    }
}

fn on_node<F: Future<Output = Served>>(test: impl FnOnce(Served) -> F) {
    hongyan_actor::run(1, async {
        let served = Served::start().await;
        test(served).await.stop().await;
    });
}

fn kind(answer: &Answer) -> (u16, &str) {
    (answer.0, answer.1["type"].as_str().unwrap_or("-"))
}

#[test]
fn adm_who_asks_is_held_to_what_their_account_is_now() {
    on_node(|served| async move {
        let mut nobody = served.connect(None).await;
        assert_eq!(kind(&nobody.get("/api/members").await), (401, "unauthorized"));
        assert_eq!(
            nobody.get("/api/openapi.json").await.0,
            200,
            "the document is for everyone"
        );
        let mut wrong = served.member(USER, "wrong").await;
        assert_eq!(kind(&wrong.get("/api/members").await), (401, "unauthorized"));

        let mut anna = served.member(USER, PASSWORD).await;
        let refused = anna.get("/api/members").await;
        assert_eq!(kind(&refused), (403, "forbidden"));
        let detail = refused.1["detail"].as_str().unwrap();
        assert!(
            detail.contains("an administrator with the function members"),
            "{detail}"
        );
        assert_eq!(anna.get("/api/whoami").await.1["role"], Value::Null);
        served.set_role(Some(Role::Creator)).await;
        let listed = anna.get("/api/members").await;
        assert_eq!((listed.0, &listed.1["items"][0]["address"]), (200, &json!(USER)));
        assert_eq!(anna.get("/api/whoami").await.1["role"]["kind"], "creator");
        assert_eq!(
            kind(&anna.get("/api/queue").await),
            (403, "forbidden"),
            "that is the operator's"
        );
        assert_eq!(kind(&anna.get("/api/nothing").await), (404, "not-found"));
        let site = [("sec-fetch-site", "cross-site")];
        let forged = anna.call_with("POST", "/api/tags", json!({"name": "T"}), &site).await;
        assert_eq!(kind(&forged), (403, "cross-site"));
        let made = anna.call("POST", "/api/tags", json!({"name": "T"})).await;
        assert_eq!(made.0, 201);
        let log = anna.get("/api/audit?action=tag.").await.1;
        let entry = &log["items"][0];
        assert_eq!(
            (&entry["author_kind"], &entry["author"], &entry["from"]),
            (&json!("member"), &json!(USER), &json!("127.0.0.1"))
        );
        served
    });
}

#[test]
fn api_what_others_have_looks_missing() {
    on_node(|served| async move {
        let directory = &served.node.directory;
        let other = directory.create_tenant(&NewTenant::named("Other")).await.unwrap().id;
        let domain = Domain::try_from("other.test").unwrap();
        directory.create_domain(other, &domain).await.unwrap();
        let address = Address::try_from("boss@other.test").unwrap();
        directory.create_account(&NewAccount::at(address)).await.unwrap();
        served.set_role(Some(Role::Creator)).await;
        let mut anna = served.member(USER, PASSWORD).await;
        let theirs = anna.get("/api/members/boss@other.test").await;
        let none = anna.get("/api/members/none@other.test").await;
        assert_eq!(kind(&theirs), (404, "not-found"));
        assert_eq!(
            theirs.1["detail"].as_str().unwrap().replace("boss", "none"),
            none.1["detail"].as_str().unwrap(),
            "nothing tells the one from the other"
        );
        for path in [
            "/api/domains/other.test",
            "/api/organisations/Other",
            "/api/departments?organisation=Other",
            "/api/members?organisation=Other",
            "/api/audit?organisation=Other",
        ] {
            assert_eq!(kind(&anna.get(path).await), (404, "not-found"), "{path}");
        }
        let taken = anna
            .call("POST", "/api/members", json!({"address": "x@other.test"}))
            .await;
        assert_eq!(kind(&taken), (404, "not-found"));
        served
    });
}

#[test]
fn api_a_program_shows_a_token_that_can_be_taken_back() {
    on_node(|served| async move {
        served.set_role(Some(Role::Creator)).await;
        let mut anna = served.member(USER, PASSWORD).await;
        let new = json!({"name": "sync", "scopes": ["members:read", "tokens:write"], "networks": ["127.0.0.0/8"]});
        let key = [("idempotency-key", "1")];
        let (status, made) = anna.call_with("POST", "/api/tokens", new.clone(), &key).await;
        assert_eq!((status, &made["account"]), (201, &json!(USER)));
        let repeated = anna.call_with("POST", "/api/tokens", new, &key).await;
        assert_eq!(kind(&repeated), (409, "repeated"), "the text is shown once");
        let (id, secret) = (made["id"].as_u64().unwrap(), made["secret"].as_str().unwrap());
        let mut program = served.program(secret).await;
        assert_eq!(program.get("/api/members").await.0, 200);
        assert_eq!(kind(&program.get("/api/audit").await), (403, "forbidden"));
        let wider = json!({"name": "more", "scopes": ["audit:read"]});
        assert_eq!(
            kind(&program.call("POST", "/api/tokens", wider).await),
            (400, "invalid")
        );
        let unknown = json!({"name": "x", "scopes": ["all"]});
        assert_eq!(kind(&anna.call("POST", "/api/tokens", unknown).await), (400, "invalid"));
        let listed = anna.get("/api/tokens").await.1;
        assert_eq!(listed["items"][0]["used_from"], "127.0.0.1");
        assert_eq!(listed["items"][0]["secret"], Value::Null);

        let rotated = anna
            .call("POST", &format!("/api/tokens/{id}/rotate"), json!({}))
            .await
            .1;
        assert_eq!(kind(&program.get("/api/members").await), (401, "unauthorized"));
        let mut program = served.program(rotated["secret"].as_str().unwrap()).await;
        assert_eq!(program.get("/api/members").await.0, 200);
        let path = format!("/api/tokens/{id}");
        assert_eq!(anna.call("DELETE", &path, Value::Null).await.0, 204);
        assert_eq!(kind(&program.get("/api/members").await), (401, "unauthorized"));
        assert_eq!(kind(&anna.call("DELETE", &path, Value::Null).await), (404, "not-found"));

        let far = json!({"name": "far", "scopes": ["members:read"], "networks": ["192.0.2.0/24"]});
        let far = anna.call("POST", "/api/tokens", far).await.1;
        let mut program = served.program(far["secret"].as_str().unwrap()).await;
        assert_eq!(kind(&program.get("/api/members").await), (403, "network"));
        let near = json!({"name": "near", "scopes": ["members:read"]});
        let near = anna.call("POST", "/api/tokens", near).await.1;
        let mut program = served.program(near["secret"].as_str().unwrap()).await;
        assert_eq!(program.get("/api/members").await.0, 200);
        let ben = NewAccount::at(Address::try_from("ben@example.test").unwrap());
        let ben = served.node.directory.create_account(&ben).await.unwrap().id;
        let creator = AccountChange {
            role: Field::Set(Some(Role::Creator)),
            ..AccountChange::default()
        };
        served.node.directory.change_account(ben, &creator).await.unwrap();
        served
            .change_user(AccountChange {
                state: Field::Set(AccountState::Disabled),
                ..AccountChange::default()
            })
            .await;
        assert_eq!(kind(&program.get("/api/members").await), (403, "suspended"));
        served
    });
}

/// The next of a stream's events that says something; nothing at its end.
async fn next_event(body: &mut hyper::body::Incoming) -> Option<String> {
    loop {
        let frame = body.frame().await?.ok()?;
        let text = String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap();
        if text.starts_with("event: ") {
            return Some(text["event: ".len()..text.find('\n').unwrap()].to_owned());
        }
    }
}

#[test]
fn api_4_whose_token_or_session_is_taken_back_hears_no_more() {
    on_node(|served| async move {
        served.set_role(Some(Role::Creator)).await;
        let mut anna = served.member(USER, PASSWORD).await;
        let new = json!({"name": "listener", "scopes": ["tags:write", "departments:read"]});
        let made = anna.call("POST", "/api/tokens", new).await.1;
        let mut program = served.program(made["secret"].as_str().unwrap()).await;
        let mut told = program.listen("/api/events").await;
        let mut own = served.member(USER, PASSWORD).await.listen("/api/events").await;
        assert_eq!(next_event(&mut told).await.as_deref(), Some("ready"));
        assert_eq!(next_event(&mut own).await.as_deref(), Some("ready"));
        assert_eq!(anna.call("POST", "/api/tags", json!({"name": "T"})).await.0, 201);
        assert_eq!(next_event(&mut told).await.as_deref(), Some("change"));
        let path = format!("/api/tokens/{}", made["id"]);
        assert_eq!(anna.call("DELETE", &path, Value::Null).await.0, 204);
        while let Some(event) = next_event(&mut told).await {
            assert_eq!(event, "end");
        }
        served
            .change_user(AccountChange {
                state: Field::Set(AccountState::Disabled),
                ..AccountChange::default()
            })
            .await;
        while let Some(event) = next_event(&mut own).await {
            assert!(["change", "end"].contains(&event.as_str()), "{event}");
        }
        served
    });
}

#[test]
fn rs_11_old_large_and_named_mails_are_shown_and_the_chosen_go() {
    on_node(|served| async move {
        served.set_role(Some(Role::Creator)).await;
        let mail = |subject: &str, octets: usize| {
            format!(
                "From: a@far.test\r\nSubject: {subject}\r\n\r\n{}\r\n",
                "x".repeat(octets)
            )
        };
        let mails = [
            mail("=?utf-8?q?Gr=C3=BC=C3=9Fe?= one", 10),
            mail("two", 5_000),
            mail("three", 10),
        ];
        for mail in &mails {
            served.node.append(FolderRef::INBOX, mail.as_bytes(), 1).await;
        }
        let mut anna = served.member(USER, PASSWORD).await;
        let path = "/api/members/me/clean-up";
        let scan = format!("{path}/scan");
        let found = anna.call("POST", &scan, json!({"subject": " GRÜ"})).await.1;
        assert_eq!(found["items"].as_array().unwrap().len(), 1, "{found}");
        assert_eq!(
            (&found["items"][0]["subject"], &found["items"][0]["folder"]),
            (&json!("Grüße one"), &json!("INBOX"))
        );
        let large = anna.call("POST", &scan, json!({"larger_than_octets": 1_000})).await.1;
        assert_eq!(large["items"][0]["subject"], "two", "{large}");
        assert_eq!(large["items"].as_array().unwrap().len(), 1);
        let recent = anna.call("POST", &scan, json!({"older_than_days": 2})).await.1;
        assert_eq!(recent["items"].as_array().unwrap().len(), 0, "{recent}");
        let mut wanted = json!({"until_millis": i64::MAX, "folders": ["INBOX"], "limit": 2});
        let first = anna.call("POST", &scan, wanted.clone()).await.1;
        assert_eq!(first["items"].as_array().unwrap().len(), 2, "{first}");
        wanted["after"] = first["next"].clone();
        let second = anna.call("POST", &scan, wanted).await.1;
        assert_eq!(second["items"][0]["subject"], "three", "{second}");
        for (wrong, status) in [
            (json!({}), 400),
            (json!({"subject": "x", "older_than_days": 1}), 400),
            (json!({"subject": "x", "after": "1"}), 400),
            (json!({"subject": "x", "folders": ["None"]}), 404),
        ] {
            assert_eq!(anna.call("POST", &scan, wrong.clone()).await.0, status, "{wrong}");
        }
        let id = &large["items"][0]["id"];
        let cleaned = anna.call("POST", path, json!({"ids": [id, "ffff-1-1"]})).await.1;
        assert_eq!(cleaned, json!({"cleaned": 1, "missing": ["ffff-1-1"]}));
        let again = anna.call("POST", path, json!({"ids": [id]})).await.1;
        assert_eq!(again["cleaned"], 0, "{again}");
        assert_eq!(anna.call("POST", path, json!({"ids": ["x"]})).await.0, 400);
        let many: Vec<String> = (1..202).map(|number| format!("1-1-{number:x}")).collect();
        let refused = anna.call("POST", path, json!({"ids": many})).await;
        assert_eq!((refused.0, &refused.1["limit"]), (413, &json!("ids")));
        let back = anna.get(&format!("/api/members/{USER}/deleted-mails")).await.1;
        assert_eq!(back["items"][0]["subject"], "two", "{back}");
        let gone = anna.get("/api/me/deletions").await.1;
        assert_eq!(gone["items"][0]["client"], "jmap", "{gone}");
        served
    });
}

#[test]
fn rs_12_an_administrator_gives_back_what_was_deleted_for_good() {
    on_node(|served| async move {
        served.set_role(Some(Role::Creator)).await;
        let mail = b"From: a@far.test\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\nHello\r\n";
        served.node.append(FolderRef::INBOX, mail, 1).await;
        let expunge = Expunge {
            folder: FolderId::INBOX,
            uids: None,
            deleted_only: false,
        };
        let within = std::time::Duration::from_secs(60);
        let mailbox = served.node.mailbox;
        served
            .node
            .router
            .ask(&mailbox, expunge, within)
            .await
            .unwrap()
            .unwrap();
        let path = format!("/api/members/{USER}/deleted-mails");
        let mut anna = served.member(USER, PASSWORD).await;
        let listed = anna.get(&path).await;
        assert_eq!(listed.0, 200, "{}", listed.1);
        let mail = &listed.1["items"][0];
        assert_eq!(
            (&mail["subject"], &mail["from"]),
            (&json!("Grüße"), &json!(["a@far.test"]))
        );
        let wanted = json!({"ids": [mail["id"], "1-1", "x"]});
        let restored = anna.call("POST", &format!("{path}/restore"), wanted).await.1;
        let outcomes: Vec<_> = restored["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["restored"].clone())
            .collect();
        assert_eq!(outcomes, [json!(true), json!(false), json!(false)], "{restored}");
        assert_eq!(anna.get(&path).await.1["items"], json!([]));
        let log = anna.get("/api/audit?action=member.restore-mails").await.1;
        assert_eq!(log["items"][0]["object"], USER);
        let many: Vec<String> = (0..201).map(|number| format!("1-{number:x}")).collect();
        let refused = anna
            .call("POST", &format!("{path}/restore"), json!({"ids": many}))
            .await;
        assert_eq!((refused.0, &refused.1["limit"]), (413, &json!("ids")));
        served
    });
}
