//! Applications hear who a member is: as a client sees it, and with our own client of another installation as the application.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, Request, Response, header};
use axum::{Extension, Router};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hongyan_access::{Access, AccessOptions, Guest, NewOauthClient, Party, Scope, Visit};
use hongyan_directory::{
    AccountChange, AccountState, Directory, DirectoryOptions, Field, NewAccount, NewTenant, SignInPolicy,
};
use hongyan_env::{Env, ManualClock};
use hongyan_fetch::{FetchOptions, Fetcher};
use hongyan_http_oauth::{Fields, OauthParts, routes};
use hongyan_kv::Database;
use hongyan_memory::MemoryStore;
use hongyan_openid::{Arrival, Arrived, Departure, OpenId, OpenIdOptions, ProviderChange, ProviderSettings, Wish};
use hongyan_profile::{Profiles, SignInLayout, SignInPage};
use hongyan_sasl::Secret;
use hongyan_types::{AccountId, Address, AddressRanges, TenantId};
use http_body_util::BodyExt;
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde_json::{Value, json};
use tower::ServiceExt;

const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
const ISSUER: &str = "https://mail.example.test";
const BACK: &str = "https://app.example.test/back";
const OUT: &str = "https://app.example.test/out";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// An installation with two organisations, a member in each, and an application of the first.
struct World {
    routes: Router,
    access: Access,
    directory: Directory,
    database: Database,
    anna: AccountId,
    secret: String,
}

async fn open(env: &Env) -> (Database, Directory, Access) {
    let database = Database::new(MemoryStore::default());
    let directory = Directory::new(database.clone(), env.clone(), DirectoryOptions::default());
    directory.sealer().make_key();
    let options = AccessOptions {
        argon2_memory_kib: 8,
        argon2_passes: 1,
        scram_iterations: 4096,
        ..AccessOptions::default()
    };
    let access = Access::open(directory.clone(), &database, env.clone(), options)
        .await
        .unwrap();
    (database, directory, access)
}

async fn member(access: &Access, directory: &Directory, organisation: &str, address: &str) -> (TenantId, AccountId) {
    let tenant = directory
        .create_tenant(&NewTenant::named(organisation))
        .await
        .unwrap()
        .id;
    let address = Address::try_from(address).unwrap();
    directory.create_domain(tenant, &address.domain).await.unwrap();
    let new = NewAccount {
        credential: Some(access.hash_password(&Secret::new("pass")).await.unwrap()),
        display_name: "Anna".to_owned(),
        ..NewAccount::at(address)
    };
    (tenant, directory.create_account(&new).await.unwrap().id)
}

fn application(tenant: Option<TenantId>, redirect: &str) -> NewOauthClient {
    NewOauthClient {
        id: "app".to_owned(),
        name: "App".to_owned(),
        redirects: vec![redirect.to_owned()],
        scope: Scope::read("openid profile email imap").unwrap(),
        party: Party {
            tenant,
            has_secret: true,
            signed_out: vec![OUT.to_owned()],
        },
    }
}

impl World {
    async fn new() -> (Self, ManualClock) {
        let (env, clock) = Env::manual(1);
        // Days after the epoch: keys have times before now.
        clock.advance(Duration::from_secs(1_000 * 86_400));
        (Self::with(&env, ISSUER, BACK).await, clock)
    }

    async fn with(env: &Env, issuer: &str, redirect: &str) -> Self {
        let (database, directory, access) = open(env).await;
        let (tenant, anna) = member(&access, &directory, "Acme", "anna@example.test").await;
        member(&access, &directory, "Other", "otto@other.test").await;
        let new = application(Some(tenant), redirect);
        let (_, secret) = access.set_oauth_application(&directory, &new, false).await.unwrap();
        let routes = routes(OauthParts {
            access: access.clone(),
            directory: directory.clone(),
            single_sign_on: None,
            saml: None,
            issuer: issuer.to_owned(),
        });
        Self {
            routes,
            access,
            directory,
            database,
            anna,
            secret: secret.unwrap().reveal().to_owned(),
        }
    }

    async fn sign_in(&self, login: &str) -> Secret {
        let visit = Visit {
            peer: PEER,
            client: "Browser",
            device: None,
        };
        let begun = self.access.web_sign_in(login, &Secret::new("pass"), visit).await;
        begun.unwrap().token
    }

    async fn send(&self, token: Option<&Secret>, request: Request<Body>) -> Response<Body> {
        let guest = Guest {
            peer: PEER,
            client: "Browser".to_owned(),
            token: token.cloned(),
            device: None,
        };
        self.routes
            .clone()
            .layer(Extension(guest))
            .oneshot(request)
            .await
            .unwrap()
    }

    /// What a browser sees: status, where it is sent, the page.
    async fn get(&self, token: Option<&Secret>, path: &str) -> (u16, String, String) {
        let response = self.send(token, Request::get(path).body(Body::empty()).unwrap()).await;
        let location = text(response.headers(), header::LOCATION);
        (response.status().as_u16(), location, body(response).await)
    }

    async fn post(&self, token: Option<&Secret>, path: &str, fields: &[(&str, &str)]) -> (u16, String, String) {
        let request = Request::post(path).header("content-type", "application/x-www-form-urlencoded");
        let request = request.body(Body::from(form(fields))).unwrap();
        let response = self.send(token, request).await;
        let location = text(response.headers(), header::LOCATION);
        (response.status().as_u16(), location, body(response).await)
    }

    /// What an application gets from an end point.
    async fn call(&self, request: axum::http::request::Builder, fields: &[(&str, &str)]) -> (u16, Value) {
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let response = self.send(None, request.body(Body::from(form(fields))).unwrap()).await;
        let status = response.status().as_u16();
        (status, serde_json::from_str(&body(response).await).unwrap())
    }

    async fn show(&self, path: &str) -> Value {
        serde_json::from_str(&self.get(None, path).await.2).unwrap()
    }

    async fn redeem(&self, code: &str, change: &[(&str, &str)]) -> (u16, Value) {
        let fields = with(
            &[
                ("grant_type", "authorization_code"),
                ("client_id", "app"),
                ("client_secret", &self.secret),
                ("code", code),
                ("redirect_uri", BACK),
                ("code_verifier", VERIFIER),
            ],
            change,
        );
        self.call(Request::post("/oauth/token"), &fields).await
    }

    async fn code(&self, token: &Secret, change: &[(&str, &str)]) -> String {
        let (status, location, page) = self.get(Some(token), &authorize(change)).await;
        assert_eq!(status, 303, "{page}");
        field(&location, "code")
    }

    async fn user_info(&self, token: &str) -> (u16, Value) {
        let request = Request::get("/oauth/userinfo").header("authorization", format!("Bearer {token}"));
        self.call(request, &[]).await
    }

    /// What an ID token claims, once its signature is verified with the keys that are shown.
    async fn claims(&self, token: &Value) -> Value {
        let (signed, signature) = token.as_str().unwrap().rsplit_once('.').unwrap();
        let (head, claims) = signed.split_once('.').unwrap();
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).unwrap();
        let head: Value = serde_json::from_slice(&decode(head)).unwrap();
        assert_eq!(head["alg"], "ES256");
        let keys = self.show("/oauth/keys").await;
        let key = keys["keys"]
            .as_array()
            .unwrap()
            .iter()
            .find(|key| key["kid"] == head["kid"]);
        let coordinate = |name: &str| decode(key.unwrap()[name].as_str().unwrap());
        let point = [vec![4], coordinate("x"), coordinate("y")].concat();
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
        public.verify(signed.as_bytes(), &decode(signature)).unwrap();
        serde_json::from_slice(&decode(claims)).unwrap()
    }
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> String {
    let value = headers.get(name).map(|value| value.to_str().unwrap());
    value.unwrap_or_default().to_owned()
}

async fn body(response: Response<Body>) -> String {
    let octets = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(octets.to_vec()).unwrap()
}

fn field(location: &str, name: &str) -> String {
    let query = location.split_once('?').map_or("", |(_, query)| query);
    Fields::read(query).unwrap().value(name).unwrap_or_default().to_owned()
}

fn form(fields: &[(&str, &str)]) -> String {
    let escape = |text: &str| {
        let escaped = text.bytes().map(|octet| match octet {
            octet if octet.is_ascii_alphanumeric() => char::from(octet).to_string(),
            octet => format!("%{octet:02X}"),
        });
        escaped.collect::<String>()
    };
    let pairs: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{name}={}", escape(value)))
        .collect();
    pairs.join("&")
}

fn with<'f>(fields: &[(&'f str, &'f str)], change: &[(&'f str, &'f str)]) -> Vec<(&'f str, &'f str)> {
    let mut fields = fields.to_vec();
    for (name, value) in change {
        fields.retain(|(known, _)| known != name);
        fields.push((name, value));
    }
    fields
}

fn authorize(change: &[(&str, &str)]) -> String {
    let asked = [
        ("response_type", "code"),
        ("client_id", "app"),
        ("redirect_uri", BACK),
        ("scope", "openid email profile"),
        ("state", "s"),
        ("nonce", "n-1"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    format!("/oauth/authorize?{}", form(&with(&asked, change)))
}

#[tokio::test]
async fn api_2_an_application_hears_who_the_member_is() {
    let (world, clock) = World::new().await;
    let document = world.show("/.well-known/openid-configuration").await;
    for (name, value) in [
        ("issuer", ISSUER.to_owned()),
        ("jwks_uri", format!("{ISSUER}/oauth/keys")),
        ("userinfo_endpoint", format!("{ISSUER}/oauth/userinfo")),
        ("end_session_endpoint", format!("{ISSUER}/oauth/logout")),
    ] {
        assert_eq!(document[name], value);
    }
    let session = world.sign_in("anna@example.test").await;
    let signed_in_secs = world.access.now().millis / 1_000;
    clock.advance(Duration::from_secs(900));
    // Its own organisation has set it up, so nobody is asked; nor for a fresh proof, as it is not about mail.
    let code = world.code(&session, &[]).await;
    let (status, tokens) = world.redeem(&code, &[]).await;
    assert_eq!(status, 200, "{tokens}");
    let claims = world.claims(&tokens["id_token"]).await;
    let now_secs = world.access.now().millis / 1_000;
    let hash = ring::digest::digest(
        &ring::digest::SHA256,
        tokens["access_token"].as_str().unwrap().as_bytes(),
    );
    let sub = world.anna.0.to_string();
    assert_eq!(
        claims,
        json!({
            "iss": ISSUER, "sub": sub, "aud": "app", "iat": now_secs, "exp": now_secs + 600, "nonce": "n-1",
            "auth_time": signed_in_secs, "acr": "1", "at_hash": URL_SAFE_NO_PAD.encode(&hash.as_ref()[..16]),
        })
    );
    let token = tokens["access_token"].as_str().unwrap();
    let (_, person) = world.user_info(token).await;
    assert_eq!(
        person,
        json!({
            "sub": sub, "name": "Anna", "preferred_username": "anna@example.test", "email": "anna@example.test",
            "email_verified": true,
        })
    );
    // It says who signed in as long as it is refreshed, and no more than it was granted.
    let refresh = [
        ("grant_type", "refresh_token"),
        ("refresh_token", tokens["refresh_token"].as_str().unwrap()),
        ("scope", "openid"),
    ];
    let basic = STANDARD.encode(format!("app:{}", world.secret));
    let asking = Request::post("/oauth/token").header("authorization", format!("Basic {basic}"));
    let (status, again) = world.call(asking, &refresh).await;
    assert_eq!(status, 200, "{again}");
    let claims = world.claims(&again["id_token"]).await;
    assert_eq!(
        (&claims["auth_time"], claims.get("nonce")),
        (&json!(signed_in_secs), None)
    );
    let narrow = again["access_token"].as_str().unwrap();
    assert_eq!(world.user_info(narrow).await.1, json!({"sub": sub}));
    // The code was shown before: what came of it ends.
    let (status, problem) = world.redeem(&code, &[]).await;
    assert_eq!((status, &problem["error"]), (400, &json!("invalid_grant")));
    assert_eq!(world.user_info(token).await.0, 401);
    assert_eq!(world.user_info("hya_none").await.0, 401);
}

#[tokio::test]
async fn api_2_what_an_application_gets_wrong_is_named() {
    let (world, _clock) = World::new().await;
    let session = world.sign_in("anna@example.test").await;
    let code = world.code(&session, &[]).await;
    for (change, expect) in [
        (("client_secret", "wrong"), (401, "invalid_client")),
        (("client_secret", ""), (401, "invalid_client")),
        (("redirect_uri", OUT), (400, "invalid_grant")),
        (("code_verifier", "x"), (400, "invalid_grant")),
    ] {
        let (status, problem) = world.redeem(&code, &[change]).await;
        assert_eq!((status, problem["error"].as_str().unwrap()), expect, "{change:?}");
    }
    assert_eq!(world.redeem(&code, &[]).await.0, 200);
    for (change, expect) in [
        (("request", "x"), "request_not_supported"),
        (("request_uri", "https://a.test"), "request_uri_not_supported"),
        (("response_mode", "fragment"), "invalid_request"),
        (("prompt", "none login"), "invalid_request"),
        (("max_age", "soon"), "invalid_request"),
        (("scope", "openid address"), "invalid_scope"),
    ] {
        let (_, location, _) = world.get(Some(&session), &authorize(&[change])).await;
        assert_eq!(field(&location, "error"), expect, "{change:?} {location}");
        assert_eq!(
            (field(&location, "state"), field(&location, "iss")),
            ("s".into(), ISSUER.into())
        );
    }
    // A token for mail alone is not about who it is.
    let imap = [("scope", "imap"), ("step", "allow")];
    let path = authorize(&imap);
    let fields = Fields::read(path.split_once('?').unwrap().1).unwrap().write();
    let request = Request::post("/oauth/authorize").header("content-type", "application/x-www-form-urlencoded");
    let response = world
        .send(Some(&session), request.body(Body::from(fields)).unwrap())
        .await;
    let code = field(&text(response.headers(), header::LOCATION), "code");
    let (_, tokens) = world.redeem(&code, &[]).await;
    assert!(tokens.get("id_token").is_none());
    let (status, problem) = world.user_info(tokens["access_token"].as_str().unwrap()).await;
    assert_eq!((status, &problem["error"]), (403, &json!("insufficient_scope")));
}

#[tokio::test]
async fn api_2_a_client_says_what_the_member_is_asked() {
    let (world, clock) = World::new().await;
    let silent = authorize(&[("prompt", "none")]);
    let (_, location, _) = world.get(None, &silent).await;
    assert_eq!(field(&location, "error"), "login_required");
    let hinted = authorize(&[("login_hint", "anna@example.test")]);
    assert!(world.get(None, &hinted).await.2.contains("value=\"anna@example.test\""));
    let session = world.sign_in("anna@example.test").await;
    let (_, location, _) = world.get(Some(&session), &silent).await;
    assert!(!field(&location, "code").is_empty(), "{location}");
    clock.advance(Duration::from_secs(100));
    for (change, expect) in [(("max_age", "99"), "login_required"), (("max_age", "101"), "")] {
        let path = authorize(&[("prompt", "none"), change]);
        let (_, location, _) = world.get(Some(&session), &path).await;
        assert_eq!(field(&location, "error"), expect, "{change:?}");
    }
    for change in [("max_age", "99"), ("prompt", "login")] {
        let path = authorize(&[change]);
        let (status, _, page) = world.get(Some(&session), &path).await;
        assert!(status == 200 && page.contains("name=\"password\""), "{change:?} {page}");
        let fields = Fields::read(path.split_once('?').unwrap().1).unwrap();
        let asked: Vec<(String, String)> = pairs(&fields);
        let mut asked: Vec<(&str, &str)> = asked.iter().map(|(name, value)| (&**name, &**value)).collect();
        // The form of the page after that one is of no use.
        asked.push(("step", "allow"));
        let (status, location, _) = world.post(Some(&session), "/oauth/authorize", &asked).await;
        assert_eq!((status, location.as_str()), (200, ""), "{change:?}");
        asked.pop();
        asked.extend([("step", "prove"), ("password", "pass")]);
        let (status, location, _) = world.post(Some(&session), "/oauth/authorize", &asked).await;
        assert!(status == 303 && !location.contains(change.0), "{location}");
        assert!(!field(&world.get(Some(&session), &location).await.1, "code").is_empty());
        clock.advance(Duration::from_secs(100));
    }
    let (status, _, page) = world.get(Some(&session), &authorize(&[("prompt", "consent")])).await;
    assert!(status == 200 && page.contains("Know your mail address"), "{page}");
    // A client of the installation asks once.
    let everybody = NewOauthClient {
        id: "open".to_owned(),
        ..application(None, BACK)
    };
    world
        .access
        .set_oauth_client(&world.directory, &everybody)
        .await
        .unwrap();
    let silent = authorize(&[("prompt", "none"), ("client_id", "open")]);
    let (_, location, _) = world.get(Some(&session), &silent).await;
    assert_eq!(field(&location, "error"), "consent_required");
}

fn pairs(fields: &Fields) -> Vec<(String, String)> {
    let names = [
        "response_type",
        "client_id",
        "redirect_uri",
        "scope",
        "state",
        "nonce",
        "code_challenge",
        "code_challenge_method",
        "prompt",
        "max_age",
    ];
    let known = names.into_iter().filter_map(|name| Some((name, fields.value(name)?)));
    known.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[tokio::test]
async fn api_2_members_of_other_organisations_and_disabled_ones_are_told_so() {
    let (world, _clock) = World::new().await;
    let otto = world.sign_in("otto@other.test").await;
    let (status, location, page) = world.get(Some(&otto), &authorize(&[])).await;
    assert_eq!((status, location.as_str()), (403, ""));
    assert!(page.contains("for members of another organisation"), "{page}");
    let (_, location, _) = world.get(Some(&otto), &authorize(&[("prompt", "none")])).await;
    assert_eq!(field(&location, "error"), "access_denied");
    let anna = world.sign_in("anna@example.test").await;
    let code = world.code(&anna, &[]).await;
    let (_, tokens) = world.redeem(&code, &[]).await;
    let late = world.code(&anna, &[]).await;
    let disabled = AccountChange {
        state: Field::Set(AccountState::Disabled),
        ..AccountChange::default()
    };
    world.directory.change_account(world.anna, &disabled).await.unwrap();
    world.access.account_changed(world.anna).await.unwrap();
    let (status, location, page) = world.get(Some(&anna), &authorize(&[])).await;
    assert!(
        location.is_empty() && (status == 403 || page.contains("name=\"password\"")),
        "{status} {page}"
    );
    let sign_in = [
        ("step", "sign-in"),
        ("login", "anna@example.test"),
        ("password", "pass"),
    ];
    let path = authorize(&[]);
    let fields = Fields::read(path.split_once('?').unwrap().1).unwrap();
    let asked = pairs(&fields);
    let mut asked: Vec<(&str, &str)> = asked.iter().map(|(name, value)| (&**name, &**value)).collect();
    asked.extend(sign_in);
    let (status, _, page) = world.post(None, "/oauth/authorize", &asked).await;
    assert!(status == 403 && page.contains("suspended"), "{status} {page}");
    assert_eq!(world.redeem(&late, &[]).await.1["error"], "invalid_grant");
    assert_eq!(world.user_info(tokens["access_token"].as_str().unwrap()).await.0, 401);
}

#[tokio::test]
async fn api_2_an_application_signs_the_member_out() {
    let (world, clock) = World::new().await;
    let session = world.sign_in("anna@example.test").await;
    let code = world.code(&session, &[]).await;
    let (_, tokens) = world.redeem(&code, &[]).await;
    let hint = tokens["id_token"].as_str().unwrap();
    let leave = |fields: &[(&str, &str)]| format!("/oauth/logout?{}", form(fields));
    for fields in [
        vec![
            ("id_token_hint", hint),
            ("post_logout_redirect_uri", "https://evil.test/"),
        ],
        vec![("post_logout_redirect_uri", OUT)],
        vec![("id_token_hint", hint), ("client_id", "other")],
    ] {
        let (status, location, _) = world.get(Some(&session), &leave(&fields)).await;
        assert_eq!((status, location.as_str()), (400, ""), "{fields:?}");
    }
    // Nobody is signed out because a link says so.
    let (status, _, page) = world.get(Some(&session), &leave(&[("client_id", "app")])).await;
    assert!(status == 200 && page.contains("value=\"sign-out\""), "{page}");
    // One in four signatures ends in an A as it is.
    let end = if hint.ends_with('A') { 'Q' } else { 'A' };
    let forged = format!("{}{end}", &hint[..hint.len() - 1]);
    let (status, _, page) = world.get(Some(&session), &leave(&[("id_token_hint", &forged)])).await;
    assert!(status == 200 && page.contains("value=\"sign-out\""), "{page}");
    assert!(world.access.web_session(session.reveal(), PEER).await.is_ok());
    // A token that is over is good for this.
    clock.advance(Duration::from_secs(3_600));
    let fields = [
        ("id_token_hint", hint),
        ("post_logout_redirect_uri", OUT),
        ("state", "a&b"),
    ];
    let (status, location, _) = world.get(Some(&session), &leave(&fields)).await;
    assert_eq!((status, location), (303, format!("{OUT}?state=a%26b")));
    assert!(world.access.web_session(session.reveal(), PEER).await.is_err());
    let (status, location, _) = world.get(Some(&session), &leave(&fields)).await;
    assert_eq!((status, location), (303, format!("{OUT}?state=a%26b")));
    let again = world.sign_in("anna@example.test").await;
    let (status, location, _) = world
        .post(
            Some(&again),
            "/oauth/logout",
            &[("client_id", "app"), ("step", "sign-out")],
        )
        .await;
    assert_eq!((status, location.as_str()), (200, ""));
    assert!(world.access.web_session(again.reveal(), PEER).await.is_err());
}

#[tokio::test]
async fn lgn_10_who_leaves_goes_to_the_place_of_the_organisation() {
    let (world, _) = World::new().await;
    let anna = world.directory.account(world.anna).await.unwrap().unwrap();
    let policy = SignInPolicy {
        exit_page: Some("https://www.example.test/bye".to_owned()),
        ..SignInPolicy::default()
    };
    let set = world.directory.set_sign_in_policy(anna.tenant, &policy, None).await;
    set.unwrap();
    name_pages(&world.directory, anna.tenant, "Acme Mail").await;
    let session = world.sign_in("anna@example.test").await;
    let (status, _, page) = world.get(Some(&session), "/oauth/logout").await;
    assert!(status == 200 && page.contains("value=\"sign-out\""), "{page}");
    assert!(page.contains("Acme Mail"), "LGN-2: {page}");
    let (_, _, page) = world
        .get(
            Some(&session),
            "/oauth/logout?client_id=nobody&post_logout_redirect_uri=x",
        )
        .await;
    assert!(page.contains("Acme Mail"), "{page}");
    let fields = [("step", "sign-out")];
    let (status, location, _) = world.post(Some(&session), "/oauth/logout", &fields).await;
    assert_eq!((status, location.as_str()), (303, "https://www.example.test/bye"));
    assert!(world.access.web_session(session.reveal(), PEER).await.is_err());
    // Who has not signed in is nobody's member.
    let (status, location, _) = world.get(None, "/oauth/logout").await;
    assert_eq!((status, location.as_str()), (200, ""));
    let otto = world.sign_in("otto@other.test").await;
    let (status, location, _) = world.post(Some(&otto), "/oauth/logout", &fields).await;
    assert_eq!((status, location.as_str()), (200, ""));
}

#[tokio::test]
async fn api_2_keys_change_and_a_lost_one_is_replaced() {
    let (world, clock) = World::new().await;
    let names = async || {
        let keys = world.show("/oauth/keys").await;
        let keys = keys["keys"].as_array().unwrap().clone();
        keys.iter()
            .map(|key| key["kid"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let first = names().await;
    assert_eq!(first.len(), 1);
    clock.advance(Duration::from_secs(89 * 86_400 + 3_600));
    let both = names().await;
    assert!(both.len() == 2 && both.contains(&first[0]), "{both:?}");
    // Shown before it signs.
    let head = async || {
        let session = world.sign_in("anna@example.test").await;
        let code = world.code(&session, &[]).await;
        let (_, tokens) = world.redeem(&code, &[]).await;
        let token = tokens["id_token"].as_str().unwrap().to_owned();
        let head = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
        serde_json::from_slice::<Value>(&head).unwrap()["kid"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(head().await, first[0]);
    clock.advance(Duration::from_secs(86_400));
    let second = head().await;
    assert!(second != first[0] && both.contains(&second));
    // A store whose keys for secrets are lost: members are vouched for with a new one.
    let (env, other_clock) = Env::manual(2);
    other_clock.advance(Duration::from_secs(2_000 * 86_400));
    let stranger = Directory::new(world.database.clone(), env.clone(), DirectoryOptions::default());
    stranger.sealer().make_key();
    let access = Access::open(stranger, &world.database, env, AccessOptions::default())
        .await
        .unwrap();
    let set = access.oauth_key_set().await.unwrap();
    assert!(!set["keys"].as_array().unwrap().is_empty());
}

/// An installation whose members sign in at the other.
struct Beta {
    sso: OpenId,
    access: Access,
    directory: Directory,
    tenant: TenantId,
    bea: AccountId,
}

async fn party(env: &Env, issuer: &str, secret: &str) -> Beta {
    let (database, directory, access) = open(env).await;
    let (tenant, bea) = member(&access, &directory, "Beta", "bea@beta.test").await;
    let fetch = FetchOptions {
        networks: AddressRanges::read(&["127.0.0.1"]).unwrap().0,
        ..FetchOptions::default()
    };
    let fetcher = Fetcher::new(env.clone(), fetch).unwrap();
    let options = OpenIdOptions::default();
    let sso = OpenId::new(
        env.clone(),
        database,
        directory.clone(),
        access.clone(),
        fetcher,
        options,
    );
    let change = ProviderChange {
        settings: ProviderSettings {
            issuer: issuer.to_owned(),
            client_id: "app".to_owned(),
            client_secret: Some(Secret::new(secret)),
            label: "Acme".to_owned(),
            link_by_mail: true,
            create_members: true,
            vouches_second_factor: false,
        },
        keep_secret: false,
        expect: None,
    };
    sso.set_provider(&directory, tenant, &change).await.unwrap();
    Beta {
        sso,
        access,
        directory,
        tenant,
        bea,
    }
}

/// Gives an organisation's pages a title.
async fn name_pages(directory: &Directory, tenant: TenantId, title: &str) {
    let page = SignInPage {
        title: title.to_owned(),
        title_zh_cn: title.to_owned(),
        colour: None,
        layout: SignInLayout::Centre,
    };
    let profiles = Profiles::new(directory);
    profiles.set_sign_in_page(tenant, None, &page).await.unwrap();
}

impl Beta {
    /// LGN-2: whoever is on the way to the provider, or back with nothing, sees the organisation's own page.
    async fn looks(&self) {
        name_pages(&self.directory, self.tenant, "Beta Mail").await;
        let guest = Guest {
            peer: PEER,
            client: String::new(),
            token: None,
            device: None,
        };
        let parts = OauthParts {
            access: self.access.clone(),
            directory: self.directory.clone(),
            single_sign_on: Some(self.sso.clone()),
            saml: None,
            issuer: "https://localhost".to_owned(),
        };
        let pages = routes(parts).layer(Extension(guest));
        let get = async |path: &str, cookie: &str| {
            let request = Request::get(path).header(header::COOKIE, cookie);
            let response = pages
                .clone()
                .oneshot(request.body(Body::empty()).unwrap())
                .await
                .unwrap();
            let status = response.status().as_u16();
            let html = response.into_body().collect().await.unwrap().to_bytes();
            (status, String::from_utf8_lossy(&html).into_owned())
        };
        let (status, page) = get("/sso/start?organisation=Beta", "").await;
        assert!(status == 200 && page.contains("Beta Mail"), "{page}");
        let departure = self.depart(None).await;
        let (name, sealed, _) = &departure.cookie;
        let state = field(&departure.location, "state");
        let back = format!("/sso/callback?state={state}&error=access_denied");
        let (status, page) = get(&back, &format!("{name}={sealed}")).await;
        assert!(status == 403 && page.contains("Beta Mail"), "{page}");
        // Without what the browser kept, nobody says whose it is.
        let (status, page) = get(&back, "").await;
        assert!(status == 403 && !page.contains("Beta Mail"), "{page}");
    }

    async fn depart(&self, link: Option<AccountId>) -> Departure {
        let wish = Wish {
            back: "/mail",
            link,
            prove: false,
            login: None,
        };
        self.sso.depart(self.tenant, wish).await.unwrap()
    }

    async fn arrive(&self, departure: &Departure, back: &str, session: Option<&str>) -> Result<Arrived, String> {
        let (code, issuer) = (field(back, "code"), field(back, "iss"));
        let arrival = Arrival {
            state: &field(&departure.location, "state"),
            sealed: &departure.cookie.1,
            code: Some(&code),
            error: None,
            issuer: Some(&issuer),
            visit: Visit {
                peer: PEER,
                client: "Browser",
                device: None,
            },
            session,
        };
        self.sso.arrive(arrival).await.map_err(|error| error.text())
    }
}

#[tokio::test]
async fn auth_14_our_own_client_signs_in_and_links_at_our_own_provider() {
    let env = Env::real();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port());
    let callback = "https://localhost/sso/callback";
    let world = World::with(&env, &issuer, callback).await;
    let guest = Guest {
        peer: PEER,
        client: String::new(),
        token: None,
        device: None,
    };
    let served = world.routes.clone().layer(Extension(guest));
    let server = tokio::spawn(async move { axum::serve(listener, served).await });
    let party = party(&env, &issuer, &world.secret).await;
    let anna = world.sign_in("anna@example.test").await;
    let go = async |departure: &Departure| {
        let path = departure.location.strip_prefix(&issuer).unwrap();
        let (status, location, page) = world.get(Some(&anna), path).await;
        assert!(
            status == 303 && location.starts_with(callback),
            "{status} {location} {page}"
        );
        location
    };
    // Nobody there is called so.
    let departure = party.depart(None).await;
    let refused = party.arrive(&departure, &go(&departure).await, None).await;
    assert!(refused.is_err(), "{refused:?}");
    let visit = Visit {
        peer: PEER,
        client: "Browser",
        device: None,
    };
    let begun = party
        .access
        .web_sign_in("bea@beta.test", &Secret::new("pass"), visit)
        .await
        .unwrap();
    let departure = party.depart(Some(party.bea)).await;
    let back = go(&departure).await;
    let linked = party
        .arrive(&departure, &back, Some(begun.token.reveal()))
        .await
        .unwrap();
    assert!(matches!(linked, Arrived::Linked { .. }));
    // The way back is good once.
    let again = party.arrive(&departure, &back, Some(begun.token.reveal())).await;
    assert!(again.is_err(), "{again:?}");
    let departure = party.depart(None).await;
    match party.arrive(&departure, &go(&departure).await, None).await.unwrap() {
        Arrived::SignedIn { begun, .. } => assert_eq!(begun.session.account.id, party.bea),
        Arrived::Linked { .. } => panic!("linked"),
    }
    party.looks().await;
    server.abort();
}
