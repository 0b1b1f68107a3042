//! Signing in with a browser: password, second factor, cookies, and what other sites' pages cannot do with them.

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use bytes::Bytes;
use hongyan_access::{SessionFilter, TextError, TextGateway, TextMessage, Visit};
use hongyan_directory::{FactorsChange, SmsScope};
use hongyan_env::BoxFuture;
use hongyan_http_admin::AdminState;
use hongyan_http_front::{Caller, Front, FrontParts, FrontSettings, administered};
use hongyan_listener::{Listener, TlsMode};
use hongyan_miniature::{Miniature, Options, PASSWORD, USER};
use hongyan_sasl::Secret;
use hongyan_upkeep::{Tasks, UpkeepOptions};
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};

async fn name(caller: Caller) -> String {
    caller.identity().account.address.to_string()
}

/// A browser: it keeps cookies and sends them along with everything.
struct Browser {
    node: Arc<Miniature>,
    listener: Arc<Listener>,
    cookies: Vec<(String, String)>,
    /// What it says of the page that asks.
    site: &'static str,
    /// What a program shows instead of cookies.
    bearer: Option<String>,
}

struct Answer {
    status: u16,
    body: Value,
    set: Vec<String>,
}

impl Browser {
    async fn call(&mut self, method: &str, path: &str, body: Value) -> Answer {
        let stream = self.node.env.connect(self.listener.local_address()).await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "localhost")
            .header("user-agent", "Browser 1")
            .header("content-type", "application/json");
        if let Some(bearer) = &self.bearer {
            request = request.header("authorization", format!("Bearer {bearer}"));
        } else {
            let cookies: Vec<_> = self
                .cookies
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            request = request
                .header("cookie", cookies.join("; "))
                .header("sec-fetch-site", self.site);
        }
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let response = sender
            .send_request(request.body(Full::<Bytes>::from(body)).unwrap())
            .await
            .unwrap();
        let status = response.status().as_u16();
        let set = response.headers().get_all("set-cookie").into_iter();
        let set: Vec<String> = set.map(|value| value.to_str().unwrap().to_owned()).collect();
        for cookie in &set {
            let (name, rest) = cookie.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            self.cookies.retain(|(known, _)| known != name);
            if !value.is_empty() {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&bytes)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned()));
        Answer { status, body, set }
    }
    async fn sign_in(&mut self) -> Answer {
        let asked = json!({"login": USER, "password": PASSWORD});
        self.call("POST", "/api/session", asked).await
    }
    /// Status of something that only whoever is signed in gets, and what it says.
    async fn name(&mut self) -> (u16, Value) {
        let answer = self.call("GET", "/name", Value::Null).await;
        (answer.status, answer.body)
    }
    fn forget(&mut self, name: &str) {
        self.cookies.retain(|(known, _)| known != name);
    }
}

fn with_browser<F: Future<Output = ()>>(test: impl FnOnce(Browser) -> F) {
    hongyan_actor::run(1, async {
        let node = Arc::new(Miniature::start(&Options::default()).await);
        let admin = hongyan_http_admin::router(AdminState {
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
            routes: Router::new()
                .route("/name", get(name).post(name))
                .route("/open", get(async || "open"))
                .merge(administered(admin, node.access.clone())),
            settings: FrontSettings {
                clear_passwords: true,
                ..FrontSettings::default()
            },
        });
        let listener = Arc::new(node.listen(front, TlsMode::Never).await);
        let browser = Browser {
            node: Arc::clone(&node),
            listener: Arc::clone(&listener),
            cookies: Vec::new(),
            site: "same-origin",
            bearer: None,
        };
        test(browser).await;
        drop(listener);
        Arc::into_inner(node).expect("the test has ended").stop().await;
    });
}

/// What an authenticator app shows (RFC 6238) that was given this secret in base32.
fn code(secret: &str, period_secs: i64, wall_millis: i64) -> String {
    let mut octets = Vec::new();
    let (mut buffer, mut bits) = (0_u32, 0);
    for letter in secret.bytes() {
        let value = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
            .iter()
            .position(|known| *known == letter);
        buffer = buffer << 5 | u32::try_from(value.unwrap()).unwrap();
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            octets.push(u8::try_from(buffer >> bits & 0xFF).unwrap());
        }
    }
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &octets);
    let tag = ring::hmac::sign(&key, &(wall_millis / 1_000 / period_secs).to_be_bytes());
    let offset = usize::from(tag.as_ref()[19] & 15);
    let part: [u8; 4] = tag.as_ref()[offset..offset + 4].try_into().unwrap();
    format!("{:06}", (u32::from_be_bytes(part) & 0x7FFF_FFFF) % 1_000_000)
}

#[test]
fn auth_1_a_browser_signs_in_and_out() {
    with_browser(|mut browser| async move {
        let nobody = browser.call("GET", "/api/session", Value::Null).await;
        assert_eq!(nobody.status, 401);
        let wrong = json!({"login": USER, "password": "wrong"});
        assert_eq!(browser.call("POST", "/api/session", wrong).await.status, 401);
        let unknown = json!({"login": USER, "password": PASSWORD, "remember": true});
        assert_eq!(browser.call("POST", "/api/session", unknown).await.status, 400);
        let begun = browser.sign_in().await;
        assert_eq!(
            (begun.status, &begun.body["stage"]),
            (201, &json!("signed-in")),
            "{}",
            begun.body
        );
        assert!(begun.body["token"].is_null());
        let cookie = &begun.set[0];
        for part in [
            "__Host-hongyan-session=hyw_",
            "; Secure",
            "; HttpOnly",
            "; SameSite=Lax",
            "; Path=/",
        ] {
            assert!(cookie.contains(part), "{cookie}");
        }
        assert_eq!(browser.name().await, (200, json!(USER)));
        let listed = browser
            .node
            .access
            .sessions_everywhere(SessionFilter::All, None, 9)
            .await
            .found;
        assert_eq!((listed.len(), listed[0].client.as_str()), (1, "Browser 1"));
        assert_eq!(browser.call("DELETE", "/api/session", Value::Null).await.status, 204);
        assert_eq!(browser.cookies, []);
        browser.sign_in().await;
        browser
            .node
            .access
            .revoke_everywhere(SessionFilter::One(listed[0].id))
            .await
            .unwrap();
        assert_eq!(browser.name().await.0, 200, "another session");
        let all = SessionFilter::Account(browser.node.mailbox.account);
        browser.node.access.revoke_everywhere(all).await.unwrap();
        assert_eq!(browser.name().await.0, 401);
        // What needs nobody is not refused for a cookie that is good no more.
        assert_eq!(browser.call("GET", "/open", Value::Null).await.status, 200);
    });
}

#[test]
fn auth_26_pages_of_other_sites_cannot_use_the_cookie() {
    with_browser(|mut browser| async move {
        browser.sign_in().await;
        browser.site = "cross-site";
        assert_eq!(browser.name().await.0, 200, "looking changes nothing");
        for (method, path) in [("POST", "/name"), ("DELETE", "/api/session"), ("POST", "/api/session")] {
            let answer = browser.call(method, path, Value::Null).await;
            assert_eq!(
                (answer.status, &answer.body["type"]),
                (403, &json!("cross-site")),
                "{method} {path}"
            );
        }
        browser.site = "same-origin";
        assert_eq!(browser.call("POST", "/name", Value::Null).await.status, 200);
    });
}

#[test]
fn auth_18_a_sign_in_is_confirmed_where_somebody_is_signed_in() {
    with_browser(|mut browser| async move {
        browser.sign_in().await;
        let offer = browser
            .call("POST", "/api/session/totp", json!({"period_secs": 30}))
            .await;
        let secret = offer.body["secret"].as_str().unwrap().to_owned();
        let shown = json!({"code": code(&secret, 30, browser.node.env.wall_millis())});
        browser.call("PUT", "/api/session/totp", shown).await;
        let signed_in = std::mem::take(&mut browser.cookies);

        browser.sign_in().await;
        let asked = browser.call("POST", "/api/session/approval", Value::Null).await;
        assert_eq!(asked.status, 201, "{}", asked.body);
        let early = browser.call("GET", "/api/session/approvals", Value::Null).await;
        assert_eq!((early.status, &early.body["type"]), (403, &json!("second-factor")));
        let waiting = std::mem::replace(&mut browser.cookies, signed_in);

        let listed = browser.call("GET", "/api/session/approvals", Value::Null).await;
        let item = &listed.body["items"][0];
        assert_eq!((listed.status, &item["client"]), (200, &json!("Browser 1")));
        assert!(item.get("number").is_none(), "who confirms has to read it elsewhere");
        let path = format!("/api/session/approvals/{}", item["id"].as_str().unwrap());
        let wrong = browser.call("POST", &path, json!({"number": 1})).await;
        assert_eq!((wrong.status, &wrong.body["type"]), (403, &json!("wrong-code")));
        let number = json!({"number": asked.body["number"]});
        assert_eq!(browser.call("POST", &path, number).await.status, 204);
        assert_eq!(browser.call("DELETE", &path, Value::Null).await.status, 404);

        browser.cookies = waiting;
        assert_eq!(browser.name().await, (200, json!(USER)));
    });
}

/// A gateway that remembers the last code.
#[derive(Default)]
struct Gateway(std::sync::Mutex<String>);

impl TextGateway for Gateway {
    fn send(&self, message: TextMessage) -> BoxFuture<'_, Result<(), TextError>> {
        message.code.reveal().clone_into(&mut self.0.lock().unwrap());
        Box::pin(std::future::ready(Ok(())))
    }
}

impl Gateway {
    /// The code, once it has come.
    async fn code(&self) -> String {
        loop {
            let code = std::mem::take(&mut *self.0.lock().unwrap());
            if !code.is_empty() {
                return code;
            }
            tokio::task::yield_now().await;
        }
    }
}

#[test]
fn auth_18_a_session_hears_of_sign_ins_that_wait() {
    with_browser(|mut browser| async move {
        let access = browser.node.access.clone();
        let gateway = Arc::new(Gateway::default());
        access.set_text_gateway(Arc::clone(&gateway) as Arc<dyn TextGateway>);
        let protect = [
            FactorsChange::Phone(Some("+8613800138000".to_owned())),
            FactorsChange::Sms {
                scopes: [SmsScope::SignIn].into(),
                recovery_codes: Vec::new(),
            },
        ];
        for change in &protect {
            let account = browser.node.mailbox.account;
            browser.node.directory.change_factors(account, change).await.unwrap();
        }
        browser.sign_in().await;
        browser.call("POST", "/api/session/sms-code", Value::Null).await;
        let shown = json!({"kind": "sms", "code": gateway.code().await});
        browser.call("POST", "/api/session/second-factor", shown).await;
        let stream = browser
            .node
            .env
            .connect(browser.listener.local_address())
            .await
            .unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let cookie = browser.cookies.iter().map(|(name, value)| format!("{name}={value}"));
        let request = Request::get("/api/session/events")
            .header("host", "mail.example.test")
            .header("cookie", cookie.collect::<Vec<_>>().join("; "));
        let response = sender
            .send_request(request.body(Full::<Bytes>::default()).unwrap())
            .await
            .unwrap();
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let mut body = response.into_body();
        let mut event = async || {
            let frame = body.frame().await.unwrap().unwrap();
            String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap()
        };
        assert_eq!(event().await, "event: approvals\ndata: {\"items\":[]}\n\n");
        let peer = std::net::IpAddr::from([127, 0, 0, 1]);
        let visit = Visit {
            peer,
            client: "Laptop",
            device: None,
        };
        let laptop = access.web_sign_in(USER, &Secret::new(PASSWORD), visit).await.unwrap();
        access.web_ask_approval(laptop.token.reveal(), peer).await.unwrap();
        let told = event().await;
        assert!(
            told.contains("\"client\":\"Laptop\"") && told.contains("\"what\":\"sign-in\""),
            "{told}"
        );
        access.end_web_session(laptop.token.reveal()).await.unwrap();
    });
}

#[test]
fn auth_22_codes_to_the_phone_over_the_api() {
    with_browser(|mut browser| async move {
        browser.sign_in().await;
        let refused = browser
            .call("PUT", "/api/session/phone", json!({"number": "13800138000"}))
            .await;
        assert_eq!((refused.status, &refused.body["type"]), (409, &json!("no-sms-gateway")));
        let gateway = Arc::new(Gateway::default());
        let access = browser.node.access.clone();
        access.set_text_gateway(Arc::clone(&gateway) as Arc<dyn TextGateway>);
        let number = json!({"number": "138 0013 8000"});
        assert_eq!(browser.call("PUT", "/api/session/phone", number).await.status, 202);
        let code = json!({"code": gateway.code().await});
        assert_eq!(browser.call("POST", "/api/session/phone", code).await.status, 204);
        let sms = async |browser: &mut Browser| {
            assert_eq!(
                browser.call("POST", "/api/session/sms-code", Value::Null).await.status,
                202
            );
            gateway.code().await
        };
        let code = sms(&mut browser).await;
        let protect = json!({"protects": ["sign-in", "app-passwords"], "code": code});
        let protected = browser.call("PUT", "/api/session/sms", protect).await;
        let codes = protected.body["recovery_codes"].as_array().unwrap().len();
        assert_eq!((protected.status, codes), (200, 10), "{}", protected.body);
        let reach = browser.call("GET", "/api/session/reach", Value::Null).await.body;
        assert_eq!(reach["phone"], "+8613800138000");
        assert_eq!(reach["sms_protects"], json!(["sign-in", "app-passwords"]));

        browser.cookies.clear();
        let begun = browser.sign_in().await.body;
        assert_eq!(begun["factors"], json!(["sms", "recovery-code"]));
        let code = sms(&mut browser).await;
        let shown = json!({"kind": "sms", "code": code});
        let passed = browser.call("POST", "/api/session/second-factor", shown).await;
        assert_eq!(passed.body["stage"], "signed-in", "{}", passed.body);
        let made = browser
            .call("POST", "/api/members/me/app-passwords", json!({"name": "Phone"}))
            .await;
        assert_eq!(made.status, 201, "the code was shown a moment ago: {}", made.body);
    });
}

#[test]
fn auth_11_a_forgotten_password_over_the_api() {
    with_browser(|mut browser| async move {
        let ways = browser.call("GET", "/api/session/recovery", Value::Null).await.body;
        assert_eq!(
            ways,
            json!({"ways": ["mailbox", "totp", "recovery-code"], "phone_sign_in": false})
        );
        for login in [USER, "nobody@example.test"] {
            let asked = json!({"login": login, "way": "mailbox"});
            assert_eq!(browser.call("POST", "/api/session/recovery", asked).await.status, 202);
            let shown = json!({"login": login, "way": "mailbox", "code": "123456", "password": "Battery-staple8"});
            let wrong = browser.call("PUT", "/api/session/recovery", shown).await;
            assert_eq!((wrong.status, &wrong.body["type"]), (403, &json!("wrong-code")));
        }
        let by_phone = json!({"login": USER, "way": "phone"});
        assert_eq!(
            browser.call("POST", "/api/session/recovery", by_phone).await.status,
            409
        );
        // A page of another site sets nothing off.
        browser.site = "cross-site";
        let asked = json!({"login": USER, "way": "mailbox"});
        assert_eq!(browser.call("POST", "/api/session/recovery", asked).await.status, 403);
    });
}

#[test]
fn auth_29_terms_over_the_api_and_app_passwords_go_on() {
    with_browser(|mut browser| async move {
        browser.sign_in().await;
        let made = browser
            .call("POST", "/api/members/me/app-passwords", json!({"name": "Phone"}))
            .await;
        let app = Secret::new(made.body["password"].as_str().unwrap());
        let directory = &browser.node.directory.clone();
        directory.set_terms(None, "Be kind.", "").await.unwrap();
        let refused = browser.name().await;
        assert_eq!((refused.0, &refused.1["type"]), (403, &json!("accept-terms")));
        let peer = std::net::IpAddr::from([192, 0, 2, 1]);
        let access = browser.node.access.clone();
        let client = access
            .verify_password(hongyan_access::Protocol::Imap, USER, &app, peer)
            .await;
        client.unwrap();
        let items = browser.call("GET", "/api/session/terms", Value::Null).await.body["items"].take();
        assert_eq!(
            items,
            json!([{"of": "installation", "version": 1, "english": "Be kind.", "chinese": "", "accepted_millis": null}])
        );
        let stale = json!({"items": [{"of": "installation", "version": 2}]});
        assert_eq!(browser.call("POST", "/api/session/terms", stale).await.status, 409);
        let accept = json!({"items": [{"of": "installation", "version": 1}]});
        let accepted = browser.call("POST", "/api/session/terms", accept).await;
        assert_eq!((accepted.status, &accepted.body["stage"]), (200, &json!("signed-in")));
        assert_eq!(browser.name().await, (200, json!(USER)));
    });
}

#[test]
fn auth_15_to_19_second_factor_recovery_and_trusted_device() {
    with_browser(|mut browser| async move {
        browser.sign_in().await;
        let offer = browser
            .call("POST", "/api/session/totp", json!({"period_secs": 30}))
            .await;
        assert_eq!(offer.status, 201, "{}", offer.body);
        let secret = offer.body["secret"].as_str().unwrap().to_owned();
        let now = browser.node.env.wall_millis();
        let shown = json!({"code": code(&secret, 30, now)});
        let confirmed = browser.call("PUT", "/api/session/totp", shown.clone()).await;
        let codes = confirmed.body["recovery_codes"].as_array().unwrap().clone();
        assert_eq!((confirmed.status, codes.len()), (200, 10));
        assert_eq!(browser.name().await.0, 200, "this session has shown it");

        browser.forget("__Host-hongyan-session");
        let begun = browser.sign_in().await;
        assert_eq!(begun.body["stage"], "second-factor");
        assert_eq!(begun.body["factors"], json!(["totp", "recovery-code"]));
        assert_eq!(browser.name().await.0, 403, "the password alone opens nothing");
        for path in ["/api/session/totp", "/api/session/recovery-codes"] {
            let early = browser.call("POST", path, json!({})).await;
            assert_eq!(
                (early.status, &early.body["type"]),
                (403, &json!("second-factor")),
                "{path}"
            );
        }
        // The code that enrolled is used up.
        let replayed = browser.call("POST", "/api/session/second-factor", shown).await;
        assert_eq!((replayed.status, &replayed.body["type"]), (403, &json!("wrong-code")));
        assert!(replayed.body["detail"].as_str().unwrap().contains("clock"));
        let recovery = json!({"kind": "recovery-code", "code": codes[0], "trust": true, "device_name": "Desk"});
        let passed = browser
            .call("POST", "/api/session/second-factor", recovery.clone())
            .await;
        assert_eq!(
            (passed.status, &passed.body["stage"]),
            (200, &json!("signed-in")),
            "{}",
            passed.body
        );
        assert_eq!(browser.name().await, (200, json!(USER)));

        // The device needs no code; another does.
        browser.forget("__Host-hongyan-session");
        assert_eq!(browser.sign_in().await.body["stage"], "signed-in");
        browser.cookies.clear();
        assert_eq!(browser.sign_in().await.body["stage"], "second-factor");
        let again = browser.call("POST", "/api/session/second-factor", recovery).await;
        assert_eq!(again.status, 403, "a recovery code is good once");
        for n in 0..5 {
            let wrong = browser
                .call("POST", "/api/session/second-factor", json!({"code": "000"}))
                .await;
            assert_eq!(wrong.status, if n < 4 { 403 } else { 401 }, "{n}: {}", wrong.body);
        }
    });
}

#[test]
fn auth_8_the_password_is_changed_by_its_owner() {
    with_browser(|mut browser| async move {
        let account = browser.node.mailbox.account;
        let must = browser
            .node
            .access
            .set_must_change(&browser.node.directory, account, true);
        must.await.unwrap();
        assert_eq!(browser.sign_in().await.body["stage"], "change-password");
        let weak = json!({"old": PASSWORD, "new": "short"});
        assert_eq!(browser.call("PUT", "/api/session/password", weak).await.status, 400);
        let wrong = json!({"old": "wrong", "new": "Battery-staple8"});
        assert_eq!(browser.call("PUT", "/api/session/password", wrong).await.status, 401);
        let change = json!({"old": PASSWORD, "new": "Battery-staple8"});
        let changed = browser.call("PUT", "/api/session/password", change).await;
        assert_eq!(
            (changed.status, &changed.body["stage"]),
            (200, &json!("signed-in")),
            "{}",
            changed.body
        );
        assert_eq!(browser.name().await.0, 200);
        assert_eq!(browser.sign_in().await.status, 401, "the old one");
    });
}

#[test]
fn api_a_program_shows_its_token_itself() {
    with_browser(|mut browser| async move {
        let asked = json!({"login": USER, "password": PASSWORD, "bearer": true});
        let begun = browser.call("POST", "/api/session", asked).await;
        assert_eq!((begun.status, begun.set.len()), (201, 0));
        browser.bearer = begun.body["token"].as_str().map(str::to_owned);
        assert_eq!(browser.name().await, (200, json!(USER)));
        assert_eq!(browser.call("POST", "/name", Value::Null).await.status, 200);
        let proved = browser
            .call("POST", "/api/session/proof", json!({"password": PASSWORD}))
            .await;
        assert_eq!(proved.status, 200, "{}", proved.body);
        let both = json!({"password": PASSWORD, "code": "1"});
        assert_eq!(browser.call("POST", "/api/session/proof", both).await.status, 400);
        assert_eq!(browser.call("DELETE", "/api/session", Value::Null).await.status, 204);
        assert_eq!(browser.name().await.0, 401);
    });
}
