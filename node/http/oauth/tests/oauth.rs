//! The pages as a browser sees them, and the end points as a client does.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, Response, header};
use axum::{Extension, Router};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hongyan_access::{
    Access, AccessOptions, Guest, NewOauthClient, Party, Protocol, SESSION_COOKIE, Scope, TextError, TextGateway,
    TextMessage,
};
use hongyan_directory::{
    Directory, DirectoryOptions, FactorsChange, NewAccount, NewTenant, NewToken, SmsScope, TokenOwner,
};
use hongyan_env::{BoxFuture, Env, ManualClock};
use hongyan_http_oauth::{Fields, OauthParts, routes};
use hongyan_kv::Database;
use hongyan_memory::MemoryStore;
use hongyan_profile::{BadgeLook, Profiles, SignInLayout, SignInPage, SignInPicture};
use hongyan_sasl::Secret;
use hongyan_types::{AccountId, Address, Domain};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
const ANNA: &str = "anna@example.test";
const BACK: &str = "http://127.0.0.1:4711/back";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

struct World {
    routes: Router,
    access: Access,
    directory: Directory,
    anna: AccountId,
    clock: ManualClock,
}

/// A browser with what it keeps.
struct Browser<'w> {
    world: &'w World,
    token: Option<Secret>,
    language: &'static str,
}

struct Page {
    status: u16,
    location: String,
    policy: String,
    html: String,
}

impl World {
    async fn new() -> Self {
        let (env, clock) = Env::manual(1);
        let database = Database::new(MemoryStore::default());
        let directory = Directory::new(database.clone(), env.clone(), DirectoryOptions::default());
        directory.sealer().make_key();
        let tenant = directory.create_tenant(&NewTenant::named("Acme")).await.unwrap().id;
        let domain = Domain::try_from("example.test").unwrap();
        directory.create_domain(tenant, &domain).await.unwrap();
        let options = AccessOptions {
            argon2_memory_kib: 8,
            argon2_passes: 1,
            scram_iterations: 4096,
            ..AccessOptions::default()
        };
        let access = Access::open(directory.clone(), &database, env, options).await.unwrap();
        let credential = access.hash_password(&Secret::new("pass")).await.unwrap();
        let new = NewAccount {
            credential: Some(credential),
            ..NewAccount::at(Address::try_from(ANNA).unwrap())
        };
        let anna = directory.create_account(&new).await.unwrap().id;
        let client = NewOauthClient {
            id: "reader".to_owned(),
            name: "Reader <b>".to_owned(),
            redirects: vec!["http://127.0.0.1/back".to_owned()],
            scope: Scope::all(),
            party: Party::default(),
        };
        access.set_oauth_client(&directory, &client).await.unwrap();
        let routes = routes(OauthParts {
            access: access.clone(),
            directory: directory.clone(),
            single_sign_on: None,
            saml: None,
            issuer: "https://mail.example.test".to_owned(),
        });
        Self {
            routes,
            access,
            directory,
            anna,
            clock,
        }
    }

    fn browser(&self) -> Browser<'_> {
        Browser {
            world: self,
            token: None,
            language: "en",
        }
    }

    async fn send(&self, token: Option<Secret>, request: Request<Body>) -> Response<Body> {
        let guest = Guest {
            peer: PEER,
            client: "Browser".to_owned(),
            token,
            device: None,
        };
        let routes = self.routes.clone().layer(Extension(guest));
        routes.oneshot(request).await.unwrap()
    }

    /// A client's question to an end point.
    async fn call_with(&self, path: &str, fields: &[(&str, &str)], shown: Option<&str>) -> (u16, Value) {
        let mut request = Request::post(path).header("content-type", "application/x-www-form-urlencoded");
        if let Some(shown) = shown {
            request = request.header("authorization", format!("Bearer {shown}"));
        }
        let request = request.body(Body::from(form(fields))).unwrap();
        let response = self.send(None, request).await;
        assert_eq!(response.headers()["cache-control"], "no-store");
        let status = response.status().as_u16();
        let octets = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&octets).unwrap())
    }

    async fn call(&self, path: &str, fields: &[(&str, &str)]) -> (u16, Value) {
        self.call_with(path, fields, None).await
    }

    async fn redeem(&self, code: &str) -> (u16, Value) {
        let fields = [
            ("grant_type", "authorization_code"),
            ("client_id", "reader"),
            ("code", code),
            ("redirect_uri", BACK),
            ("code_verifier", VERIFIER),
        ];
        self.call("/oauth/token", &fields).await
    }
}

fn form(fields: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{name}={}", escape(value)))
        .collect();
    pairs.join("&")
}

fn escape(text: &str) -> String {
    let escaped = text.bytes().map(|octet| match octet {
        octet if octet.is_ascii_alphanumeric() => char::from(octet).to_string(),
        octet => format!("%{octet:02X}"),
    });
    escaped.collect()
}

fn wish<'w>(change: &[(&'w str, &'w str)]) -> Vec<(&'w str, &'w str)> {
    let mut fields = vec![
        ("response_type", "code"),
        ("client_id", "reader"),
        ("redirect_uri", BACK),
        ("scope", "imap submission"),
        ("state", "a&b"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    for (name, value) in change {
        match fields.iter_mut().find(|(known, _)| known == name) {
            Some(known) => known.1 = value,
            None => fields.push((name, value)),
        }
    }
    fields
}

impl Browser<'_> {
    async fn go(&mut self, request: Request<Body>) -> Page {
        let response = self.world.send(self.token.clone(), request).await;
        let headers = response.headers();
        let text = |name: &str| headers.get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
        for kept in headers.get_all(header::SET_COOKIE) {
            let kept = kept.to_str().unwrap();
            assert!(kept.contains("; Secure; HttpOnly; SameSite=Lax"), "{kept}");
            let value = kept.strip_prefix(&format!("{SESSION_COOKIE}=")).unwrap();
            let value = value.split(';').next().unwrap();
            self.token = Some(value).filter(|value| !value.is_empty()).map(Secret::new);
        }
        let (status, location, policy) = (
            response.status().as_u16(),
            text("location"),
            text("content-security-policy"),
        );
        let octets = response.into_body().collect().await.unwrap().to_bytes();
        Page {
            status,
            location,
            policy,
            html: String::from_utf8(octets.to_vec()).unwrap(),
        }
    }
    async fn get(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let request = Request::get(format!("{path}?{}", form(fields))).header("accept-language", self.language);
        self.go(request.body(Body::empty()).unwrap()).await
    }
    async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let request = Request::post(path)
            .header("accept-language", self.language)
            .header("content-type", "application/x-www-form-urlencoded");
        self.go(request.body(Body::from(form(fields))).unwrap()).await
    }
    async fn sign_in(&mut self) -> Page {
        let fields = wish(&[("step", "sign-in"), ("login", ANNA), ("password", "pass")]);
        self.post("/oauth/authorize", &fields).await
    }
    async fn code(&mut self) -> String {
        self.sign_in().await;
        let back = self.post("/oauth/authorize", &wish(&[("step", "allow")])).await;
        let fields = Fields::read(back.location.strip_prefix(&format!("{BACK}?")).unwrap()).unwrap();
        fields.value("code").unwrap().to_owned()
    }
}

#[tokio::test]
async fn oauth_a_member_lets_a_client_in_and_it_gets_its_tokens() {
    let world = World::new().await;
    let mut browser = world.browser();
    let page = browser.get("/oauth/authorize", &wish(&[])).await;
    assert!(
        page.status == 200 && page.html.contains("name=\"password\""),
        "{}",
        page.html
    );
    let wrong = wish(&[("step", "sign-in"), ("login", ANNA), ("password", "wrong")]);
    let page = browser.post("/oauth/authorize", &wrong).await;
    assert!(
        page.status == 403 && page.html.contains("Address or password is wrong"),
        "{}",
        page.html
    );
    let page = browser.sign_in().await;
    assert_eq!(page.status, 303);
    assert!(
        page.location
            .starts_with("/oauth/authorize?response_type=code&client_id=reader")
    );
    let page = browser.get("/oauth/authorize", &wish(&[])).await;
    for expect in [
        "Reader &lt;b&gt; wants access",
        ANNA,
        "Send mail in your name",
        "value=\"a&amp;b\"",
    ] {
        assert!(page.html.contains(expect), "{expect}: {}", page.html);
    }
    assert!(!page.html.contains("<b>") && !page.html.contains("<script"));
    assert!(
        page.policy.starts_with("default-src 'none'; style-src 'sha256-"),
        "{}",
        page.policy
    );
    assert!(
        page.policy.contains("form-action 'self' http://127.0.0.1:4711;"),
        "{}",
        page.policy
    );
    let back = browser.post("/oauth/authorize", &wish(&[("step", "allow")])).await;
    assert_eq!(back.status, 303);
    let fields = Fields::read(back.location.strip_prefix(&format!("{BACK}?")).unwrap()).unwrap();
    assert_eq!(fields.value("state"), Some("a&b"));
    assert_eq!(fields.value("iss"), Some("https://mail.example.test"));
    let (status, tokens) = world.redeem(fields.value("code").unwrap()).await;
    assert_eq!(status, 200, "{tokens}");
    assert_eq!(
        (&tokens["token_type"], &tokens["expires_in"], &tokens["scope"]),
        (&json!("Bearer"), &json!(3600), &json!("imap submission"))
    );
    let token = tokens["access_token"].as_str().unwrap();
    let identity = world.access.verify_token(Protocol::Imap, token, Some(ANNA), PEER).await;
    assert_eq!(identity.unwrap().account.id, world.anna);
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let fields = [
        ("grant_type", "refresh_token"),
        ("client_id", "reader"),
        ("refresh_token", refresh),
    ];
    assert_eq!(world.call("/oauth/token", &fields).await.0, 200);
    let (status, problem) = world.call("/oauth/token", &fields).await;
    assert_eq!((status, &problem["error"]), (400, &json!("invalid_grant")));
}

#[tokio::test]
async fn oauth_nobody_is_sent_where_the_client_is_not_registered() {
    let world = World::new().await;
    let mut browser = world.browser();
    for change in [
        ("client_id", "nobody"),
        ("redirect_uri", "https://evil.test/"),
        ("redirect_uri", "http://127.0.0.1:80@evil.test/back"),
        ("redirect_uri", ""),
    ] {
        for page in [
            browser.get("/oauth/authorize", &wish(&[change])).await,
            browser
                .post("/oauth/authorize", &wish(&[change, ("step", "deny")]))
                .await,
        ] {
            assert_eq!((page.status, page.location.as_str()), (400, ""), "{change:?}");
        }
    }
    for (change, error) in [
        (("response_type", "token"), "unsupported_response_type"),
        (("code_challenge", "x"), "invalid_request"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("scope", "everything"), "invalid_scope"),
        (("step", "deny"), "access_denied"),
    ] {
        let page = browser.post("/oauth/authorize", &wish(&[change])).await;
        let expect = format!("{BACK}?error={error}");
        assert!(
            page.status == 303 && page.location.starts_with(&expect),
            "{change:?} {}",
            page.location
        );
        assert!(page.location.contains("state=a%26b"), "{}", page.location);
    }
    let twice = Request::get("/oauth/authorize?client_id=reader&client_id=reader");
    let page = browser.go(twice.body(Body::empty()).unwrap()).await;
    assert_eq!(page.status, 400);
}

#[tokio::test]
async fn oauth_letting_in_needs_a_fresh_proof_and_the_second_factor() {
    let world = World::new().await;
    let mut browser = world.browser();
    browser.language = "zh-CN,zh;q=0.9";
    browser.sign_in().await;
    world.clock.advance(Duration::from_secs(601));
    let page = browser.post("/oauth/authorize", &wish(&[("step", "allow")])).await;
    assert!(
        page.status == 403 && page.html.contains("请再次验证身份后继续"),
        "{}",
        page.html
    );
    let wrong = wish(&[("step", "prove"), ("password", "wrong")]);
    assert_eq!(browser.post("/oauth/authorize", &wrong).await.status, 403);
    let prove = wish(&[("step", "prove"), ("password", "pass")]);
    assert_eq!(browser.post("/oauth/authorize", &prove).await.status, 303);
    let page = browser.get("/oauth/authorize", &wish(&[])).await;
    assert!(page.html.contains("请求访问您的邮件"), "{}", page.html);
    let page = browser.post("/oauth/authorize", &wish(&[("step", "switch")])).await;
    assert!(page.status == 303 && browser.token.is_none());
    // With a second factor the password leads no further than to the code.
    world.access.begin_totp(&world.directory, world.anna, 60).await.unwrap();
    let pending = world
        .directory
        .factors(world.anna)
        .await
        .unwrap()
        .pending_totp
        .clone()
        .unwrap();
    let confirm = hongyan_directory::FactorsChange::ConfirmTotp {
        offered: pending,
        since: world.access.now(),
        recovery_codes: Vec::new(),
    };
    world.directory.change_factors(world.anna, &confirm).await.unwrap();
    browser.sign_in().await;
    let page = browser.get("/oauth/authorize", &wish(&[])).await;
    assert!(
        page.html.contains("两步验证") && page.html.contains("name=\"code\""),
        "{}",
        page.html
    );
    let page = browser.post("/oauth/authorize", &wish(&[("step", "allow")])).await;
    assert!(
        page.location.is_empty() && page.html.contains("name=\"code\""),
        "{}",
        page.html
    );
    let page = browser
        .post("/oauth/authorize", &wish(&[("step", "code"), ("code", "000000")]))
        .await;
    assert!(page.status == 403 && page.html.contains("验证码错误"), "{}", page.html);
}

#[tokio::test]
async fn acc_17_a_device_shows_a_code_and_its_owner_types_it() {
    let world = World::new().await;
    let begin = [("client_id", "reader"), ("scope", "imap")];
    let (status, offer) = world.call("/oauth/device_authorization", &begin).await;
    assert_eq!(status, 200, "{offer}");
    let user_code = offer["user_code"].as_str().unwrap();
    assert_eq!(offer["verification_uri"], "https://mail.example.test/oauth/device");
    let device_code = offer["device_code"].as_str().unwrap();
    let poll = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("client_id", "reader"),
        ("device_code", device_code),
    ];
    assert_eq!(
        world.call("/oauth/token", &poll).await.1["error"],
        "authorization_pending"
    );
    assert_eq!(world.call("/oauth/token", &poll).await.1["error"], "slow_down");
    let mut browser = world.browser();
    let page = browser.get("/oauth/device", &[("user_code", user_code)]).await;
    assert!(
        page.html.contains("name=\"password\"") && page.html.contains(user_code),
        "{}",
        page.html
    );
    let sign_in = [
        ("user_code", user_code),
        ("step", "sign-in"),
        ("login", ANNA),
        ("password", "pass"),
    ];
    assert_eq!(
        browser.post("/oauth/device", &sign_in).await.location,
        format!("/oauth/device?user_code={user_code}")
    );
    let page = browser.get("/oauth/device", &[]).await;
    assert!(page.html.contains("Code of the device"), "{}", page.html);
    let page = browser
        .post("/oauth/device", &[("user_code", "BBBB-BBBB"), ("step", "type")])
        .await;
    assert!(
        page.status == 400 && page.html.contains("No device waits"),
        "{}",
        page.html
    );
    let page = browser
        .post("/oauth/device", &[("user_code", user_code), ("step", "type")])
        .await;
    assert!(
        page.html.contains("192.0.2.1") && page.html.contains("on your own device"),
        "{}",
        page.html
    );
    let page = browser
        .post("/oauth/device", &[("user_code", user_code), ("step", "allow")])
        .await;
    assert!(page.html.contains("The device is let in"), "{}", page.html);
    world.clock.advance(Duration::from_secs(5));
    let (status, tokens) = world.call("/oauth/token", &poll).await;
    assert_eq!((status, &tokens["scope"]), (200, &json!("imap")), "{tokens}");
}

#[tokio::test]
async fn oauth_tokens_are_given_back_and_looked_at_by_who_may() {
    let world = World::new().await;
    let code = world.browser().code().await;
    let tokens = world.redeem(&code).await.1;
    let token = tokens["access_token"].as_str().unwrap();
    let text = world.access.new_token_text();
    let new = NewToken {
        scopes: std::collections::BTreeSet::from(["oauth-tokens:read".to_owned()]),
        owner: TokenOwner::Operator,
        name: "relay".to_owned(),
        networks: Vec::new(),
        expires: None,
        hash: text.hash,
    };
    world.directory.create_token(&new).await.unwrap();
    let program = Some(text.text.reveal());
    let look = async |program| world.call_with("/oauth/introspect", &[("token", token)], program).await;
    assert_eq!(look(None).await.0, 401);
    assert_eq!(look(Some("hyt_none")).await.0, 401);
    assert_eq!(look(Some(token)).await.0, 401);
    let (_, view) = look(program).await;
    assert_eq!(
        (&view["active"], &view["username"], &view["client_id"]),
        (&json!(true), &json!(ANNA), &json!("reader"))
    );
    for (fields, expect) in [
        (vec![("token", token)], (401, Some("invalid_client"))),
        (vec![("client_id", "reader")], (400, Some("invalid_request"))),
        (vec![("client_id", "reader"), ("token", "hya_none")], (200, None)),
        (vec![("client_id", "reader"), ("token", token)], (200, None)),
        (vec![("client_id", "reader"), ("token", token)], (200, None)),
    ] {
        let (status, answer) = world.call("/oauth/revoke", &fields).await;
        assert_eq!((status, answer["error"].as_str()), expect, "{fields:?}");
    }
    assert_eq!(look(program).await.1, json!({"active": false}));
    assert!(world.access.oauth_grants(world.anna).await.unwrap().is_empty());
}

#[tokio::test]
async fn oauth_what_clients_get_wrong_is_named() {
    let world = World::new().await;
    for (path, fields, expect) in [
        ("/oauth/token", vec![("client_id", "reader")], (400, "invalid_request")),
        (
            "/oauth/token",
            vec![("grant_type", "password"), ("client_id", "reader")],
            (400, "unsupported_grant_type"),
        ),
        (
            "/oauth/token",
            vec![("grant_type", "refresh_token")],
            (401, "invalid_client"),
        ),
        (
            "/oauth/token",
            vec![("grant_type", "refresh_token"), ("client_id", "reader")],
            (400, "invalid_request"),
        ),
        (
            "/oauth/device_authorization",
            vec![("client_id", "nobody")],
            (401, "invalid_client"),
        ),
        (
            "/oauth/device_authorization",
            vec![("client_id", "reader"), ("scope", "x")],
            (400, "invalid_scope"),
        ),
    ] {
        let (status, problem) = world.call(path, &fields).await;
        assert_eq!(
            (status, problem["error"].as_str().unwrap()),
            expect,
            "{path} {fields:?}"
        );
    }
    let json = Request::post("/oauth/token").header("content-type", "application/json");
    let response = world.send(None, json.body(Body::from("{}")).unwrap()).await;
    assert_eq!(response.status(), 400);
    let request = Request::get("/.well-known/oauth-authorization-server")
        .body(Body::empty())
        .unwrap();
    let octets = world
        .send(None, request)
        .await
        .into_body()
        .collect()
        .await
        .unwrap()
        .to_bytes();
    let metadata: Value = serde_json::from_slice(&octets).unwrap();
    assert_eq!(metadata["issuer"], "https://mail.example.test");
    assert_eq!(metadata["token_endpoint"], "https://mail.example.test/oauth/token");
    assert_eq!(metadata["code_challenge_methods_supported"], json!(["S256"]));
}

#[tokio::test]
async fn auth_4_the_page_asks_for_a_passkey_by_its_own_script_alone() {
    let world = World::new().await;
    let page = world.browser().get("/oauth/authorize", &wish(&[])).await;
    assert!(
        page.html.contains("data-step=\"passkey\"") && page.html.contains("&quot;rpId&quot;:&quot;localhost&quot;")
    );
    let script = page
        .html
        .split("<script>")
        .nth(1)
        .and_then(|rest| rest.split("</script>").next());
    let hash = ring::digest::digest(&ring::digest::SHA256, script.unwrap().as_bytes());
    let source = format!("script-src 'sha256-{}';", STANDARD.encode(hash));
    assert!(page.policy.contains(&source), "{}", page.policy);
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
    /// The code, once it has come: it is sent after the answer.
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

impl World {
    async fn with_phone() -> (Self, std::sync::Arc<Gateway>) {
        let world = Self::new().await;
        let gateway = std::sync::Arc::new(Gateway::default());
        world
            .access
            .set_text_gateway(std::sync::Arc::clone(&gateway) as std::sync::Arc<dyn TextGateway>);
        let bind = FactorsChange::Phone(Some("+8613800138000".to_owned()));
        world.directory.change_factors(world.anna, &bind).await.unwrap();
        (world, gateway)
    }
}

#[tokio::test]
async fn auth_11_a_forgotten_password_is_set_anew_from_the_sign_in_page() {
    let (world, gateway) = World::with_phone().await;
    let mut browser = world.browser();
    let page = browser.get("/oauth/authorize", &wish(&[])).await;
    assert!(page.html.contains("Forgot the password?"), "{}", page.html);
    let page = browser.post("/oauth/authorize", &wish(&[("step", "forgot")])).await;
    assert_eq!(page.location, "/oauth/recover");
    let page = browser.get("/oauth/recover", &[]).await;
    assert!(page.html.contains("ask your administrator") && page.html.contains("Code to my phone"));
    // Whether the account is there does not show.
    let mut shown = Vec::new();
    for login in ["nobody@example.test", ANNA] {
        let page = browser
            .post("/oauth/recover", &[("step", "phone"), ("login", login)])
            .await;
        shown.push((page.status, page.html.replace(login, "")));
    }
    assert_eq!(shown[0], shown[1]);
    let code = gateway.code().await;
    let set = async |browser: &mut Browser<'_>, code: &str, password: &str| {
        let fields = [
            ("step", "set"),
            ("login", ANNA),
            ("way", "phone"),
            ("code", code),
            ("password", password),
        ];
        browser.post("/oauth/recover", &fields).await
    };
    let page = set(&mut browser, "x", "Battery-staple8").await;
    assert!(
        page.status == 403 && page.html.contains("no longer good"),
        "{}",
        page.html
    );
    browser.language = "zh-CN";
    let page = set(&mut browser, &code, "short").await;
    assert!(
        page.status == 403 && page.html.contains("密码强度不足"),
        "{}",
        page.html
    );
    let page = set(&mut browser, &code, "Battery-staple8").await;
    assert!(
        page.status == 200 && page.html.contains("新密码已设置"),
        "{}",
        page.html
    );
    assert_eq!(browser.sign_in().await.status, 403, "the old one");
}

#[tokio::test]
async fn auth_5_the_page_signs_in_with_a_code_to_the_phone() {
    let (world, gateway) = World::with_phone().await;
    let mut browser = world.browser();
    let page = browser.post("/oauth/authorize", &wish(&[("step", "phone")])).await;
    assert!(page.html.contains("name=\"phone\""), "{}", page.html);
    let send = wish(&[("step", "phone-send"), ("phone", "138 0013 8000")]);
    let page = browser.post("/oauth/authorize", &send).await;
    assert!(page.html.contains("value=\"138 0013 8000\""), "{}", page.html);
    let code = gateway.code().await;
    let show = |code| wish(&[("step", "phone-code"), ("phone", "138 0013 8000"), ("code", code)]);
    assert_eq!(browser.post("/oauth/authorize", &show("x")).await.status, 403);
    assert_eq!(browser.post("/oauth/authorize", &show(&code)).await.status, 303);
    let page = browser.get("/oauth/authorize", &wish(&[])).await;
    assert!(page.html.contains("wants access to your mail"), "{}", page.html);
}

#[tokio::test]
async fn auth_22_the_page_asks_for_a_code_by_sms_as_the_second_factor() {
    let (world, gateway) = World::with_phone().await;
    let protect = FactorsChange::Sms {
        scopes: [SmsScope::SignIn].into(),
        recovery_codes: Vec::new(),
    };
    world.directory.change_factors(world.anna, &protect).await.unwrap();
    let mut browser = world.browser();
    browser.sign_in().await;
    let page = browser.get("/oauth/authorize", &wish(&[])).await;
    assert!(page.html.contains("Code to my phone"), "{}", page.html);
    let page = browser.post("/oauth/authorize", &wish(&[("step", "send-sms")])).await;
    assert!(page.html.contains("value=\"sms\""), "{}", page.html);
    let code = gateway.code().await;
    let show = wish(&[("step", "sms"), ("code", &code)]);
    assert_eq!(browser.post("/oauth/authorize", &show).await.status, 303);
    let page = browser.get("/oauth/authorize", &wish(&[])).await;
    assert!(page.html.contains("wants access to your mail"), "{}", page.html);
}

#[tokio::test]
async fn auth_18_the_page_shows_the_number_that_another_device_confirms() {
    let (world, gateway) = World::with_phone().await;
    let protect = FactorsChange::Sms {
        scopes: [SmsScope::SignIn].into(),
        recovery_codes: Vec::new(),
    };
    world.directory.change_factors(world.anna, &protect).await.unwrap();
    let mut browser = world.browser();
    browser.sign_in().await;
    let alone = browser.post("/oauth/authorize", &wish(&[("step", "approval")])).await;
    assert!(alone.html.contains("No other device is signed in"), "{}", alone.html);
    let mut phone = world.browser();
    phone.sign_in().await;
    phone.post("/oauth/authorize", &wish(&[("step", "send-sms")])).await;
    let code = gateway.code().await;
    let show = wish(&[("step", "sms"), ("code", &code)]);
    assert_eq!(phone.post("/oauth/authorize", &show).await.status, 303);
    let page = browser.post("/oauth/authorize", &wish(&[("step", "approval")])).await;
    let number = page
        .html
        .split("<p class=\"number\">")
        .nth(1)
        .unwrap()
        .split('<')
        .next()
        .unwrap();
    let token = phone.token.clone().unwrap();
    let waiting = world.access.web_approvals(token.reveal(), PEER).await.unwrap();
    let approve = world
        .access
        .web_approve(token.reveal(), waiting[0].id, number.parse().unwrap(), PEER);
    approve.await.unwrap();
    assert_eq!(
        browser
            .post("/oauth/authorize", &wish(&[("step", "other-way")]))
            .await
            .status,
        303
    );
    let page = browser.get("/oauth/authorize", &wish(&[])).await;
    assert!(page.html.contains("wants access to your mail"), "{}", page.html);
}

#[tokio::test]
async fn auth_29_the_page_shows_terms_before_anything_is_allowed() {
    let world = World::new().await;
    let mut browser = world.browser();
    browser.language = "zh-CN";
    world.directory.set_terms(None, "Be <kind>.", "").await.unwrap();
    browser.sign_in().await;
    let page = browser.post("/oauth/authorize", &wish(&[("step", "allow")])).await;
    let shows = |page: &Page| page.html.contains("Be &lt;kind&gt;.") && page.html.contains("我接受");
    assert!(page.location.is_empty(), "nothing is allowed");
    let page = browser.get("/oauth/authorize", &wish(&[])).await;
    assert!(shows(&page) && page.html.contains("value=\"0.1\""), "{}", page.html);
    let stale = wish(&[("step", "terms"), ("terms", "0.7")]);
    browser.post("/oauth/authorize", &stale).await;
    assert!(shows(&browser.get("/oauth/authorize", &wish(&[])).await));
    let accept = wish(&[("step", "terms"), ("terms", "0.1")]);
    assert_eq!(browser.post("/oauth/authorize", &accept).await.status, 303);
    let page = browser.get("/oauth/authorize", &wish(&[])).await;
    assert!(page.html.contains("请求访问您的邮件"), "{}", page.html);
}

#[tokio::test]
async fn set_7_whoever_has_the_address_of_a_badge_sees_it() {
    let world = World::new().await;
    let anna = world.directory.account(world.anna).await.unwrap().unwrap();
    let profiles = Profiles::new(&world.directory);
    let badge = profiles.set_badge(&anna, BadgeLook::default()).await.unwrap();
    let show = async |name: &str| {
        let request = Request::get(format!("/badge/{name}")).body(Body::empty()).unwrap();
        let response = world.send(None, request).await;
        let (parts, body) = response.into_parts();
        let octets = body.collect().await.unwrap().to_bytes();
        (parts.status.as_u16(), parts.headers, octets)
    };
    let (status, headers, svg) = show(&badge.name).await;
    assert_eq!((status, svg.as_ref()), (200, badge.svg().as_bytes()));
    for (name, value) in [
        ("content-type", "image/svg+xml; charset=utf-8"),
        ("cache-control", "public, max-age=3600"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "default-src 'none'; sandbox"),
        ("cross-origin-resource-policy", "cross-origin"),
    ] {
        assert_eq!(headers[name], value, "{name}");
    }
    // Switched off it looks as if there had never been one.
    let other = format!("{:016x}{}", world.anna.0, "0".repeat(32));
    let never = show(&other).await;
    assert_eq!(never.0, 404);
    profiles.remove_badge(&anna).await.unwrap();
    assert_eq!(show(&badge.name).await, never);
    assert_eq!(show("x").await, never);
}

#[tokio::test]
async fn lgn_2_lgn_5_the_page_to_sign_in_looks_as_the_organisation_wants_it() {
    let world = World::new().await;
    let anna = world.directory.account(world.anna).await.unwrap().unwrap();
    let profiles = Profiles::new(&world.directory);
    let page = SignInPage {
        title: "<b>Acme</b>".to_owned(),
        title_zh_cn: "甲公司".to_owned(),
        colour: Some("#0a5c36".to_owned()),
        layout: SignInLayout::Left,
    };
    profiles.set_sign_in_page(anna.tenant, None, &page).await.unwrap();
    let mut browser = world.browser();
    let plain = browser.get("/oauth/sign-in", &[]).await;
    assert!(plain.html.contains("<div class=\"k\">Hongyan</div>"), "{}", plain.html);
    assert!(!plain.policy.contains("img-src"), "{}", plain.policy);
    let fields = [("local", "anna"), ("domain", "example.test"), ("password", "typed")];
    let shown = browser.get("/oauth/sign-in", &fields).await;
    assert_eq!(shown.status, 200);
    assert!(
        shown.html.contains("&lt;b&gt;Acme&lt;/b&gt;") && !shown.html.contains("<b>Acme"),
        "{}",
        shown.html
    );
    assert!(shown.html.contains("value=\"anna@example.test\"") && !shown.html.contains("typed"));
    assert!(shown.html.contains("<body class=\"left\">") && shown.html.contains("body{background:#0a5c36}"));
    assert!(!shown.html.contains("<img"), "{}", shown.html);
    profiles
        .set_sign_in_picture(anna.tenant, None, SignInPicture::Logo, Some(b"png"))
        .await
        .unwrap();
    // Who types a wrong password sees the same page again.
    let wrong = [
        ("step", "sign-in"),
        ("login", "anna@example.test"),
        ("password", "wrong"),
        ("login_hint", "anna@example.test"),
    ];
    browser.language = "zh-CN";
    let again = browser.post("/oauth/sign-in", &wrong).await;
    assert_eq!(again.status, 403);
    assert!(
        again.html.contains("甲公司") && again.policy.contains("; img-src 'self';"),
        "{}",
        again.policy
    );
    let logo = "/oauth/sign-in-page/example.test/logo";
    assert!(again.html.contains(&format!("src=\"{logo}\"")), "{}", again.html);
    let picture = world.send(None, Request::get(logo).body(Body::empty()).unwrap()).await;
    assert_eq!(picture.status().as_u16(), 200);
    assert_eq!(picture.headers()["content-type"], "image/png");
    assert_eq!(picture.headers()["x-content-type-options"], "nosniff");
    let none = "/oauth/sign-in-page/example.test/picture";
    let none = world.send(None, Request::get(none).body(Body::empty()).unwrap()).await;
    assert_eq!(none.status().as_u16(), 404);
    let right = [
        ("step", "sign-in"),
        ("login", "anna@example.test"),
        ("password", "pass"),
        ("login_hint", "anna@example.test"),
    ];
    let on = browser.post("/oauth/sign-in", &right).await;
    assert_eq!(
        (on.status, on.location.as_str()),
        (303, "/oauth/sign-in?login_hint=anna%40example.test")
    );
    let there = browser.get("/oauth/sign-in", &[]).await;
    assert_eq!((there.status, there.location.as_str()), (303, "/"));
    // By the host, and in a mail client's request.
    let by_host = Request::get("/oauth/device").header("host", "mail.example.test");
    let by_host = world.send(None, by_host.body(Body::empty()).unwrap()).await;
    let html = by_host.into_body().collect().await.unwrap().to_bytes();
    assert!(String::from_utf8_lossy(&html).contains("Acme"));
    let mut other = world.browser();
    let asked = other
        .get("/oauth/authorize", &wish(&[("domain_hint", "example.test")]))
        .await;
    assert!(asked.html.contains("Acme"), "{}", asked.html);
}

#[tokio::test]
async fn lgn_2_auth_11_the_pages_to_set_a_password_anew_look_as_the_organisation_wants_them() {
    let (world, _gateway) = World::with_phone().await;
    let anna = world.directory.account(world.anna).await.unwrap().unwrap();
    let page = SignInPage {
        title: "Acme Mail".to_owned(),
        title_zh_cn: "甲公司".to_owned(),
        colour: None,
        layout: SignInLayout::Right,
    };
    let profiles = Profiles::new(&world.directory);
    profiles.set_sign_in_page(anna.tenant, None, &page).await.unwrap();
    let mut browser = world.browser();
    let plain = browser.get("/oauth/recover", &[]).await;
    assert!(!plain.html.contains("Acme Mail"));
    // Whoever has typed an address, or came with a domain, keeps both.
    let forgot = [("step", "forgot"), ("login", ANNA), ("password", "typed")];
    let led = browser.post("/oauth/sign-in", &forgot).await;
    assert_eq!(led.location, "/oauth/recover?login_hint=anna%40example.test");
    let led = browser
        .post("/oauth/sign-in", &[("step", "forgot"), ("domain_hint", "example.test")])
        .await;
    assert_eq!(led.location, "/oauth/recover?domain_hint=example.test");
    let asked = browser.get("/oauth/recover", &[("login_hint", ANNA)]).await;
    assert!(asked.html.contains("Acme Mail") && asked.html.contains("<body class=\"right\">"));
    assert!(asked.html.contains(&format!("value=\"{ANNA}\"")), "{}", asked.html);
    let code = [("step", "own"), ("login", ANNA), ("domain_hint", "example.test")];
    let code = browser.post("/oauth/recover", &code).await;
    assert!(code.html.contains("Acme Mail") && code.html.contains("name=\"domain_hint\" value=\"example.test\""));
    let wrong = [
        ("step", "set"),
        ("login", ANNA),
        ("way", "own"),
        ("code", "000000"),
        ("password", "Battery-staple8"),
    ];
    browser.language = "zh-CN";
    let wrong = browser.post("/oauth/recover", &wrong).await;
    assert!(wrong.status == 403 && wrong.html.contains("甲公司"), "{}", wrong.html);
    browser.language = "en";
    let unknown = [("client_id", "nobody"), ("domain_hint", "example.test")];
    let unknown = browser.get("/oauth/authorize", &unknown).await;
    assert!(
        unknown.status == 400 && unknown.html.contains("Acme Mail"),
        "{}",
        unknown.html
    );
}
