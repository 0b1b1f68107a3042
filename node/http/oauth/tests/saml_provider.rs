//! Applications of an organisation at our own SAML provider, as a browser goes there: our own client among them.

#[path = "../../../saml/tests/single_sign_on/provider.rs"]
#[allow(dead_code, reason = "its keys sign requests here")]
mod provider;

#[path = "saml_provider/logout.rs"]
mod logout;

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr};

use axum::body::Body;
use axum::http::{Request, header};
use axum::{Extension, Router};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hongyan_access::{Access, AccessOptions, Guest, Visit};
use hongyan_directory::{
    AccountChange, AccountState, Directory, DirectoryOptions, FactorsChange, Field, NewAccount, NewTenant,
};
use hongyan_env::Env;
use hongyan_fetch::{FetchOptions, Fetcher};
use hongyan_http_oauth::{OauthParts, routes};
use hongyan_kv::Database;
use hongyan_memory::MemoryStore;
use hongyan_openid::{Admission, OpenId, OpenIdOptions, form};
use hongyan_saml::{
    Application, ApplicationChange, Certificate, Consumer, Expected, Fact, Fault, NameId, ProviderChange,
    ProviderSettings, Said, Saml, SamlError, SamlOptions, Told, read_response,
};
use hongyan_sasl::Secret;
use hongyan_types::{AccountId, Address, TenantId, Timestamp};
use http_body_util::BodyExt;
use provider::{CANONICAL, Key, Words, moment, now_secs};
use tower::ServiceExt;

const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
const APP: &str = "https://app.test/saml";
const CONSUMER: &str = "https://app.test/acs?x=1&y=2";
const MFA: &str = "https://refeds.org/profile/mfa";
const BY_PASSWORD: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";

struct World {
    pages: Router,
    access: Access,
    directory: Directory,
    saml: Saml,
    acme: TenantId,
    other: TenantId,
    anna: AccountId,
}

struct Answer {
    status: u16,
    location: String,
    cookies: Vec<String>,
    text: String,
}

/// A value in a page.
fn plain(text: &str) -> String {
    let text = text.replace("&quot;", "\"").replace("&#39;", "'");
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

fn between(text: &str, begin: &str, end: &str) -> Option<String> {
    let (_, rest) = text.split_once(begin)?;
    Some(plain(rest.split_once(end)?.0))
}

impl Answer {
    /// Where the page posts to, and the response that it posts.
    fn post(&self) -> Option<(String, String)> {
        let place = between(&self.text, "<form method=\"post\" action=\"", "\"")?;
        let response = between(&self.text, "name=\"SAMLResponse\" value=\"", "\"")?;
        Some((place, response))
    }
    fn text_of(&self) -> String {
        let (_, response) = self.post().unwrap_or_else(|| panic!("{} {}", self.status, self.text));
        String::from_utf8(STANDARD.decode(response).unwrap()).unwrap()
    }
    fn token(&self) -> Secret {
        let mut cookies = self.cookies.iter();
        let value = cookies.find_map(|cookie| between(cookie, "__Host-hongyan-session=", ";"));
        Secret::new(value.unwrap())
    }
}

fn application(id: &str, entity_id: &str) -> Application {
    Application {
        id: id.to_owned(),
        name: "App".to_owned(),
        entity_id: entity_id.to_owned(),
        consumers: vec![
            Consumer {
                location: CONSUMER.to_owned(),
                index: 1,
            },
            Consumer {
                location: "https://app.test/second".to_owned(),
                index: 7,
            },
        ],
        name_id: NameId::Persistent,
        told: vec![
            Told {
                fact: Fact::Mail,
                name: "mail".to_owned(),
            },
            Told {
                fact: Fact::Name,
                name: "displayName".to_owned(),
            },
        ],
        needs_signature: false,
        certificates: Vec::new(),
        sign_out: None,
        is_on: true,
        created: Timestamp { millis: 0 },
    }
}

/// What an application asks.
#[derive(Clone)]
struct Ask {
    id: String,
    issuer: String,
    at: i64,
    attributes: String,
    within: String,
}

impl Ask {
    fn new(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            issuer: APP.to_owned(),
            at: now_secs(),
            attributes: String::new(),
            within: String::new(),
        }
    }
    fn with(id: &str, attributes: &str, within: &str) -> Self {
        Self {
            attributes: attributes.to_owned(),
            within: within.to_owned(),
            ..Self::new(id)
        }
    }
    /// In canonical form, but for attributes that a test sets.
    fn write(&self, signature: &str) -> String {
        let attributes = match self.attributes.as_str() {
            "" => String::new(),
            some => format!(" {some}"),
        };
        format!(
            "<samlp:AuthnRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\"{attributes} ID=\"{}\" IssueInstant=\"{}\" Version=\"2.0\">\
             <saml:Issuer xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">{}</saml:Issuer>{signature}{}</samlp:AuthnRequest>",
            self.id,
            moment(self.at),
            self.issuer,
            self.within
        )
    }
    fn query(&self) -> String {
        form(&[
            ("SAMLRequest", &packed(&self.write(""))),
            ("RelayState", "state & more"),
        ])
    }
}

fn packed(text: &str) -> String {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    STANDARD.encode(encoder.finish().unwrap())
}

impl World {
    async fn new() -> Self {
        Self::with(SamlOptions::default()).await
    }

    async fn with(options: SamlOptions) -> Self {
        let env = Env::real();
        let database = Database::new(MemoryStore::default());
        let directory = Directory::new(database.clone(), env.clone(), DirectoryOptions::default());
        directory.sealer().make_key();
        let cheap = AccessOptions {
            argon2_memory_kib: 8,
            argon2_passes: 1,
            ..AccessOptions::default()
        };
        let access = Access::open(directory.clone(), &database, env.clone(), cheap);
        let access = access.await.unwrap();
        let (acme, anna) = member(&access, &directory, "Acme", "anna@example.test").await;
        let (other, _) = member(&access, &directory, "Other", "otto@other.test").await;
        let fetcher = Fetcher::new(env.clone(), FetchOptions::default()).unwrap();
        let openid = OpenId::new(
            env.clone(),
            database.clone(),
            directory.clone(),
            access.clone(),
            fetcher,
            OpenIdOptions::default(),
        );
        let saml = Saml::new(env, database, directory.clone(), openid.clone(), options);
        let parts = OauthParts {
            access: access.clone(),
            directory: directory.clone(),
            single_sign_on: Some(openid),
            saml: Some(saml.clone()),
            issuer: "https://localhost".to_owned(),
        };
        let world = Self {
            pages: routes(parts),
            access,
            directory,
            saml,
            acme,
            other,
            anna,
        };
        world.connect(application("app", APP)).await;
        world
    }

    async fn connect(&self, application: Application) {
        let change = ApplicationChange {
            application,
            expect: None,
        };
        let set = self.saml.set_application(&self.directory, self.acme, &change);
        set.await.unwrap();
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

    async fn call(&self, token: Option<&Secret>, request: Request<Body>) -> Answer {
        let guest = Guest {
            peer: PEER,
            client: "Browser".to_owned(),
            token: token.cloned(),
            device: None,
        };
        let pages = self.pages.clone().layer(Extension(guest));
        let response = pages.oneshot(request).await.unwrap();
        let location = response.headers().get(header::LOCATION);
        let location = location.map_or("", |value| value.to_str().unwrap()).to_owned();
        let set = response.headers().get_all(header::SET_COOKIE).iter();
        Answer {
            status: response.status().as_u16(),
            location,
            cookies: set.map(|value| value.to_str().unwrap().to_owned()).collect(),
            text: String::from_utf8_lossy(&response.into_body().collect().await.unwrap().to_bytes()).into_owned(),
        }
    }

    async fn get(&self, token: Option<&Secret>, place: &str, cookie: &str) -> Answer {
        let path = place.strip_prefix("https://localhost").unwrap_or(place);
        let request = Request::get(path).header(header::COOKIE, cookie);
        self.call(token, request.body(Body::empty()).unwrap()).await
    }

    async fn send(&self, token: Option<&Secret>, place: &str, fields: &[(&str, &str)]) -> Answer {
        let path = place.strip_prefix("https://localhost").unwrap_or(place);
        let request = Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.call(token, request.body(Body::from(form(fields))).unwrap()).await
    }

    fn place(&self) -> String {
        self.saml.provider_places(self.acme).1
    }

    /// Brings a request, and goes on while it leads on here.
    async fn bring(&self, token: Option<&Secret>, query: &str) -> Answer {
        let taken = self.get(token, &format!("{}?{query}", self.place()), "").await;
        match taken.status {
            303 => self.get(token, &taken.location, "").await,
            _ => taken,
        }
    }

    async fn certificates(&self) -> Vec<Certificate> {
        let keys = self.saml.keys(self.acme).await.unwrap();
        keys.into_iter().map(|key| key.certificate).collect()
    }

    /// What an application believes of an answer.
    async fn believed(&self, answer: &Answer, entity_id: &str) -> Result<Said, Fault> {
        let expected = Expected {
            provider: &self.saml.provider_places(self.acme).0,
            certificates: &self.certificates().await,
            audience: entity_id,
            recipient: CONSUMER,
            mail_attribute: Some("mail"),
            name_attribute: Some("displayName"),
            now_secs: now_secs(),
            tolerance_secs: 0,
            octets_max: 65_536,
        };
        read_response(&answer.text_of(), &expected)
    }
}

async fn member(access: &Access, directory: &Directory, organisation: &str, address: &str) -> (TenantId, AccountId) {
    let tenant = directory.create_tenant(&NewTenant::named(organisation)).await;
    let tenant = tenant.unwrap().id;
    let address = Address::try_from(address).unwrap();
    directory.create_domain(tenant, &address.domain).await.unwrap();
    let new = NewAccount {
        credential: Some(access.hash_password(&Secret::new("pass")).await.unwrap()),
        display_name: "Anna 安娜 & \"Co\"".to_owned(),
        ..NewAccount::at(address)
    };
    (tenant, directory.create_account(&new).await.unwrap().id)
}

#[tokio::test]
async fn api_2_our_own_client_signs_in_at_our_own_provider() {
    let world = World::new().await;
    // Each is set up from the metadata of the other.
    let ours = world.saml.metadata(world.other).await.unwrap();
    let described = world.saml.read_application(&ours).unwrap();
    world
        .connect(Application {
            consumers: described.consumers,
            ..application("mail", &described.entity_id)
        })
        .await;
    let place = world.saml.provider_places(world.acme).0;
    let theirs = world.get(None, &place, "").await;
    assert_eq!(theirs.status, 200);
    let provider = world.saml.read_metadata(&theirs.text).unwrap();
    assert_eq!(
        (provider.entity_id.as_str(), provider.certificates.len()),
        (place.as_str(), 1)
    );
    let change = ProviderChange {
        settings: ProviderSettings {
            provider,
            label: "Acme".to_owned(),
            mail_attribute: Some("mail".to_owned()),
            name_attribute: None,
            admission: Admission {
                link_by_mail: false,
                create_members: false,
                vouches_second_factor: false,
            },
        },
        expect: None,
    };
    let set = world.saml.set_provider(&world.directory, world.other, &change);
    set.await.unwrap();
    // Otto links his account with whom Acme signs in, who shows the password on the way.
    let otto = world.sign_in("otto@other.test").await;
    let lead = world.send(Some(&otto), "/sso/start", &[("return", "/linked")]).await;
    let kept = lead.cookies[0].split(';').next().unwrap().to_owned();
    let to = between(&lead.text, "<a href=\"", "\"").unwrap();
    assert!(to.starts_with(&world.place()), "{to}");
    let taken = world.get(None, &to, "").await;
    assert_eq!(taken.status, 303, "{}", taken.text);
    let asked = world.get(None, &taken.location, "").await;
    assert!(
        asked.status == 200 && asked.text.contains("name=\"password\""),
        "{}",
        asked.text
    );
    let errand = between(&asked.text, "name=\"errand\" value=\"", "\"").unwrap();
    let fields = [
        ("errand", errand.as_str()),
        ("step", "sign-in"),
        ("login", "anna@example.test"),
        ("password", "pass"),
    ];
    let signed_in = world.send(None, "/sso/saml/continue", &fields).await;
    let anna = signed_in.token();
    let answered = world.get(Some(&anna), &signed_in.location, "").await;
    let (place, response) = answered.post().unwrap();
    assert_eq!(place, world.saml.registration(world.other).consumer_address);
    let taken = world.send(None, &place, &[("SAMLResponse", &response)]).await;
    assert_eq!(taken.status, 303, "{}", taken.text);
    let linked = world.get(Some(&otto), &taken.location, &kept).await;
    assert_eq!(
        (linked.status, linked.location.as_str()),
        (303, "/linked"),
        "{}",
        linked.text
    );
    // From then on Anna, who is signed in there, is asked nothing.
    let lead = world.get(None, "/sso/start?organisation=Other&return=/mail", "").await;
    let kept = lead.cookies[0].split(';').next().unwrap().to_owned();
    let to = between(&lead.text, "<a href=\"", "\"").unwrap();
    let taken = world.get(Some(&anna), &to, "").await;
    let answered = world.get(Some(&anna), &taken.location, "").await;
    let (place, response) = answered.post().unwrap();
    let taken = world.send(None, &place, &[("SAMLResponse", &response)]).await;
    let arrived = world.get(None, &taken.location, &kept).await;
    assert_eq!(
        (arrived.status, arrived.location.as_str()),
        (303, "/mail"),
        "{}",
        arrived.text
    );
    let session = world.access.web_session(arrived.token().reveal(), PEER).await.unwrap();
    assert_eq!(session.account.address.to_string(), "otto@other.test");
}

#[tokio::test]
async fn api_2_an_application_hears_who_the_member_is() {
    let world = World::new().await;
    let anna = world.sign_in("anna@example.test").await;
    let answer = world.bring(Some(&anna), &Ask::new("_1").query()).await;
    assert_eq!(answer.post().unwrap().0, CONSUMER);
    assert!(answer.text.contains("name=\"RelayState\" value=\"state &amp; more\""));
    let said = world.believed(&answer, APP).await.unwrap();
    assert_eq!(
        (said.request.as_str(), said.mail.as_deref()),
        ("_1", Some("anna@example.test"))
    );
    assert_eq!(said.name.as_deref(), Some("Anna 安娜 & \"Co\""));
    assert!(answer.text_of().contains(BY_PASSWORD) && said.session.is_some());
    // The same name each time, another one for another application, and that of nobody else.
    let again = world.bring(Some(&anna), &Ask::new("_2").query()).await;
    let again = world.believed(&again, APP).await.unwrap();
    assert_eq!((&again.subject, &again.session), (&said.subject, &said.session));
    assert_ne!(again.id, said.id);
    world.connect(application("second", "https://second.test")).await;
    let ask = Ask {
        issuer: "https://second.test".to_owned(),
        ..Ask::new("_1")
    };
    let second = world.bring(Some(&anna), &ask.query()).await;
    let second = world.believed(&second, "https://second.test").await.unwrap();
    assert_ne!(second.subject, said.subject);
    assert_ne!(second.session, said.session);
    for (kind, expect) in [(NameId::Email, true), (NameId::Transient, false)] {
        let changed = Application {
            name_id: kind,
            ..application("app", APP)
        };
        world.connect(changed).await;
        let answer = world.bring(Some(&anna), &Ask::new(kind.word()).query()).await;
        let text = answer.text_of();
        assert!(
            text.contains(&format!("<saml:NameID Format=\"{}\"", kind.format())),
            "{text}"
        );
        assert_eq!(text.contains(">anna@example.test</saml:NameID>"), expect);
        assert!(!text.contains(&said.subject));
    }
    // By the number of a place, and from a portal, which nobody has asked.
    world.connect(application("app", APP)).await;
    let ask = Ask::with("_7", "AssertionConsumerServiceIndex=\"7\"", "");
    let answer = world.bring(Some(&anna), &ask.query()).await;
    assert_eq!(answer.post().unwrap().0, "https://app.test/second");
    let start = world.saml.start_place(world.acme, "app");
    let started = world.get(Some(&anna), &format!("{start}?RelayState=deep"), "").await;
    let answer = world.get(Some(&anna), &started.location, "").await;
    assert!(!answer.text_of().contains("InResponseTo") && answer.text.contains("value=\"deep\""));
    assert_eq!(world.believed(&answer, APP).await, Err(Fault::Wrong("InResponseTo")));
    // Another organisation's member is told, and the application hears of nobody.
    let otto = world.sign_in("otto@other.test").await;
    let foreign = world.bring(Some(&otto), &Ask::new("_8").query()).await;
    assert!(foreign.status == 403 && foreign.post().is_none(), "{}", foreign.text);
    // So is a disabled one.
    let change = AccountChange {
        state: Field::Set(AccountState::Disabled),
        ..AccountChange::default()
    };
    world.directory.change_account(world.anna, &change).await.unwrap();
    let refused = world.bring(Some(&anna), &Ask::new("_9").query()).await;
    assert!(refused.post().is_none(), "{}", refused.text);
    let errand = between(&refused.text, "name=\"errand\" value=\"", "\"").unwrap();
    let fields = [
        ("errand", errand.as_str()),
        ("step", "sign-in"),
        ("login", "anna@example.test"),
        ("password", "pass"),
    ];
    let refused = world.send(None, "/sso/saml/continue", &fields).await;
    assert!(refused.status == 403 && refused.cookies.is_empty(), "{}", refused.text);
}

/// How somebody is to have signed in.
fn context(comparison: &str, class: &str) -> String {
    format!(
        "<samlp:RequestedAuthnContext Comparison=\"{comparison}\"><saml:AuthnContextClassRef xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">\
         {class}</saml:AuthnContextClassRef></samlp:RequestedAuthnContext>"
    )
}

#[tokio::test]
async fn api_2_what_is_asked_is_done_or_refused_by_name() {
    let world = World::new().await;
    let anna = world.sign_in("anna@example.test").await;
    let policy = |format: &str| format!("<samlp:NameIDPolicy Format=\"{format}\"/>");
    let answered = async |ask: Ask| {
        let answer = world.bring(Some(&anna), &ask.query()).await;
        world.believed(&answer, APP).await.map(|_| answer.text_of())
    };
    for (at, (attributes, within, expect)) in [
        ("", context("exact", BY_PASSWORD), None),
        ("", context("exact", MFA), Some("NoAuthnContext")),
        ("", context("minimum", MFA), Some("NoAuthnContext")),
        ("", context("maximum", MFA), None),
        ("", context("better", BY_PASSWORD), Some("NoAuthnContext")),
        ("", context("exact", "urn:x"), Some("NoAuthnContext")),
        ("", policy(NameId::Persistent.format()), None),
        (
            "",
            policy("urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"),
            None,
        ),
        ("", policy(NameId::Email.format()), Some("InvalidNameIDPolicy")),
        (
            "",
            "<samlp:NameIDPolicy SPNameQualifier=\"https://x.test\"/>".to_owned(),
            Some("InvalidNameIDPolicy"),
        ),
        (
            "",
            "<saml:Subject xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"/>".to_owned(),
            Some("RequestUnsupported"),
        ),
        (
            "ProtocolBinding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact\"",
            String::new(),
            Some("UnsupportedBinding"),
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let found = answered(Ask::with(&format!("_{at}"), attributes, &within)).await;
        match expect {
            None => assert!(found.is_ok(), "{attributes}{within}: {found:?}"),
            Some(status) => assert_eq!(found, Err(Fault::Status(status.to_owned())), "{attributes}{within}"),
        }
    }
    // Nothing is shown to whom nothing may be shown.
    let passive = world
        .bring(None, &Ask::with("_p", "IsPassive=\"true\"", "").query())
        .await;
    let status = |name: &str| Err(Fault::Status(name.to_owned()));
    assert_eq!(world.believed(&passive, APP).await, status("NoPassive"));
    assert!(answered(Ask::with("_q", "IsPassive=\"true\"", "")).await.is_ok());
    let both = Ask::with("_r", "ForceAuthn=\"true\" IsPassive=\"true\"", "");
    assert_eq!(answered(both).await, Err(Fault::Status("NoPassive".to_owned())));
    // Whoever is signed in proves it again.
    let forced = world
        .bring(Some(&anna), &Ask::with("_f", "ForceAuthn=\"true\"", "").query())
        .await;
    let asks = forced.text.contains("name=\"password\"");
    assert!(asks && forced.post().is_none(), "{}", forced.text);
    let errand = between(&forced.text, "name=\"errand\" value=\"", "\"").unwrap();
    let fields = [("errand", errand.as_str()), ("step", "prove"), ("password", "pass")];
    let proved = world.send(Some(&anna), "/sso/saml/continue", &fields).await;
    assert_eq!(proved.status, 303, "{}", proved.text);
    let answer = world.get(Some(&anna), &proved.location, "").await;
    assert_eq!(world.believed(&answer, APP).await.unwrap().request, "_f");
    // An errand is good for nothing else, and nothing else for an errand.
    for errand in ["", "x", "AAAA"] {
        let path = format!("/sso/saml/continue?{}", form(&[("errand", errand)]));
        assert_eq!(world.get(Some(&anna), &path, "").await.status, 403, "{errand}");
    }
}

#[tokio::test]
async fn api_2_two_factors_that_are_asked_for_are_shown_on_the_way() {
    let world = World::new().await;
    let anna = world.sign_in("anna@example.test").await;
    let status = |name: &str| Err(Fault::Status(name.to_owned()));
    let asked = |id: &str, attributes: &str| Ask::with(id, attributes, &context("exact", MFA)).query();
    // She has none: nothing can be shown.
    let refused = world.bring(Some(&anna), &asked("_1", "")).await;
    assert_eq!(world.believed(&refused, APP).await, status("NoAuthnContext"));
    world.access.begin_totp(&world.directory, world.anna, 60).await.unwrap();
    let factors = world.directory.factors(world.anna).await.unwrap();
    let confirm = FactorsChange::ConfirmTotp {
        offered: factors.pending_totp.clone().unwrap(),
        since: world.access.now(),
        recovery_codes: Vec::new(),
    };
    world.directory.change_factors(world.anna, &confirm).await.unwrap();
    let codes = world.access.renew_recovery_codes(&world.directory, world.anna).await;
    let codes = codes.unwrap();
    // The session that had one is asked for the other; nothing is shown where nothing may be.
    let passive = world.bring(Some(&anna), &asked("_2", "IsPassive=\"true\"")).await;
    assert_eq!(world.believed(&passive, APP).await, status("NoPassive"));
    let page = world.bring(Some(&anna), &asked("_3", "")).await;
    assert!(
        page.text.contains("name=\"code\"") && page.post().is_none(),
        "{}",
        page.text
    );
    let errand = between(&page.text, "name=\"errand\" value=\"", "\"").unwrap();
    let show = async |code: &str| {
        let fields = [("errand", errand.as_str()), ("step", "code"), ("code", code)];
        world.send(Some(&anna), "/sso/saml/continue", &fields).await
    };
    let wrong = show("000000").await;
    assert!(wrong.status == 403 && wrong.post().is_none(), "{}", wrong.text);
    let shown = show(codes[0].reveal()).await;
    assert_eq!(shown.status, 303, "{}", shown.text);
    let answer = world.get(Some(&anna), &shown.location, "").await;
    assert_eq!(world.believed(&answer, APP).await.unwrap().request, "_3");
    assert!(answer.text_of().contains(MFA), "{}", answer.text_of());
}

#[tokio::test]
async fn api_2_requests_that_lie_are_answered_nowhere() {
    let world = World::new().await;
    let anna = world.sign_in("anna@example.test").await;
    let refused = async |query: &str, why: &str| {
        let answer = world.bring(Some(&anna), query).await;
        assert_eq!(answer.status, 400, "{why}: {}", answer.text);
        assert!(
            answer.post().is_none() && plain(&answer.text).contains(why),
            "{why}: {}",
            answer.text
        );
    };
    let far = 900 + 180 + 10;
    for (ask, why) in [
        (
            Ask {
                issuer: "https://x.test".to_owned(),
                ..Ask::new("_1")
            },
            "is not registered",
        ),
        (
            Ask {
                at: now_secs() - far,
                ..Ask::new("_1")
            },
            "it is over",
        ),
        (
            Ask {
                at: now_secs() + 200,
                ..Ask::new("_1")
            },
            "it has not come",
        ),
        (Ask::with("_1", "Destination=\"https://x.test/\"", ""), "Destination"),
        (
            Ask::with("_1", "AssertionConsumerServiceURL=\"https://evil.test/\"", ""),
            "AssertionConsumerServiceURL",
        ),
        (
            Ask::with("_1", "AssertionConsumerServiceIndex=\"3\"", ""),
            "AssertionConsumerServiceIndex",
        ),
        (Ask::with("_1", "ForceAuthn=\"maybe\"", ""), "ForceAuthn"),
        (Ask::new(""), "ID"),
    ] {
        refused(&ask.query(), why).await;
    }
    refused("", "SAMLRequest").await;
    refused("SAMLRequest=AAAA", "DEFLATE").await;
    let long = format!("<a>{}</a>", " ".repeat(300_000));
    refused(&form(&[("SAMLRequest", &packed(&long))]), "more than 262144").await;
    let typed = format!("<!DOCTYPE a []>{}", Ask::new("_1").write(""));
    refused(&form(&[("SAMLRequest", &packed(&typed))]), "document type").await;
    // Once.
    let once = Ask::new("_once").query();
    assert!(world.bring(Some(&anna), &once).await.post().is_some());
    refused(&once, "shown before").await;
    // What is of one organisation is not there in another.
    let elsewhere = world.saml.provider_places(world.other).1;
    let answer = world
        .get(None, &format!("{elsewhere}?{}", Ask::new("_o").query()), "")
        .await;
    assert!(answer.status == 400 && answer.post().is_none());
    let start = world.saml.start_place(world.other, "app");
    assert_eq!(world.get(None, &start, "").await.status, 400);
    for path in ["/sso/saml/999/provider", "/sso/saml/x/provider"] {
        assert_eq!(world.get(None, path, "").await.status, 404);
    }
    // Nor is what is switched off, also for whoever is on the way.
    let taken = world
        .get(
            Some(&anna),
            &format!("{}?{}", world.place(), Ask::new("_w").query()),
            "",
        )
        .await;
    world
        .connect(Application {
            is_on: false,
            ..application("app", APP)
        })
        .await;
    assert_eq!(world.get(Some(&anna), &taken.location, "").await.status, 400);
    refused(&Ask::new("_off").query(), "is not registered").await;
}

#[tokio::test]
async fn api_2_signed_requests_are_verified() {
    let world = World::new().await;
    let anna = world.sign_in("anna@example.test").await;
    let (key, other) = (Key::make(), Key::make());
    let signing = Application {
        needs_signature: true,
        certificates: vec![Certificate::read(&key.pem).unwrap()],
        ..application("app", APP)
    };
    world.connect(signing.clone()).await;
    let destination = format!("Destination=\"{}\"", world.place());
    let query = |id: &str, key: &Key, attributes: &str| {
        let request = packed(&Ask::with(id, attributes, "").write(""));
        let algorithm = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";
        let signed = form(&[("SAMLRequest", &request), ("RelayState", "s"), ("SigAlg", algorithm)]);
        let value = STANDARD.encode(key.sign(signed.as_bytes()));
        format!("{signed}&{}", form(&[("Signature", &value)]))
    };
    let good = query("_1", &key, &destination);
    assert!(world.bring(Some(&anna), &good).await.post().is_some());
    let refused = async |query: String, why: &str| {
        let answer = world.bring(Some(&anna), &query).await;
        assert!(
            answer.post().is_none() && plain(&answer.text).contains(why),
            "{why}: {}",
            answer.text
        );
    };
    refused(Ask::new("_2").query(), "is not signed").await;
    refused(query("_2", &other, &destination), "signature is wrong").await;
    refused(query("_2", &key, ""), "Destination").await;
    let changed = query("_2", &key, &destination).replace("RelayState=s", "RelayState=t");
    refused(changed, "signature is wrong").await;
    let weak = query("_2", &key, &destination).replace("ecdsa-sha256", "ecdsa-sha1");
    refused(weak, "not taken").await;
    // In a form of the application's.
    let mut words = Words::about("_x", "x", "x");
    words.transforms = format!(
        "<ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"></ds:Transform>{CANONICAL}"
    );
    let posted = async |id: &str, key: &Key, change: fn(String) -> String| {
        let ask = Ask::with(id, &destination, "");
        let signature = words.sign(key, &ask.write(""), id);
        let message = STANDARD.encode(change(ask.write(&signature)));
        let taken = world
            .send(None, &world.place(), &[("SAMLRequest", &message), ("RelayState", "s")])
            .await;
        match taken.status {
            303 => world.get(Some(&anna), &taken.location, "").await,
            _ => taken,
        }
    };
    assert!(posted("_3", &key, |text| text).await.post().is_some());
    let changed = posted("_4", &key, |text| {
        text.replace("https://app.test/saml", "https://app.test/saml ")
    })
    .await;
    assert!(
        changed.post().is_none() && plain(&changed.text).contains("changed"),
        "{}",
        changed.text
    );
    assert!(posted("_5", &other, |text| text).await.post().is_none());
    let bare = STANDARD.encode(Ask::with("_6", &destination, "").write(""));
    let bare = world.send(None, &world.place(), &[("SAMLRequest", &bare)]).await;
    assert!(
        bare.status == 400 && bare.text.contains("is not signed"),
        "{}",
        bare.text
    );
    for body in ["", "A", "PGEv"] {
        assert_eq!(
            world.send(None, &world.place(), &[("SAMLRequest", body)]).await.status,
            400
        );
    }
}

#[tokio::test]
async fn api_2_keys_follow_one_another_while_both_are_shown() {
    let world = World::new().await;
    let anna = world.sign_in("anna@example.test").await;
    let before = world.certificates().await;
    let id = world.saml.make_key(&world.directory, world.acme).await.unwrap();
    let both = world.certificates().await;
    assert_eq!((both.len(), &both[0]), (2, &before[0]));
    let place = world.saml.provider_places(world.acme).0;
    let shown = world.get(None, &place, "").await;
    assert_eq!(world.saml.read_metadata(&shown.text).unwrap().certificates, both);
    let signed_by = async |ask: &str| {
        let answer = world.bring(Some(&anna), &Ask::new(ask).query()).await;
        assert!(world.believed(&answer, APP).await.is_ok());
        let text = answer.text_of();
        let shown = between(&text, "<ds:X509Certificate>", "<").unwrap();
        Certificate::read(&shown).unwrap()
    };
    assert_eq!(signed_by("_1").await, both[0]);
    world.saml.sign_with(&world.directory, world.acme, id).await.unwrap();
    assert_eq!(signed_by("_2").await, both[1]);
    let refused = world.saml.remove_key(&world.directory, world.acme, id).await;
    assert!(matches!(refused, Err(SamlError::SignIn(_))), "{refused:?}");
    let old = world.saml.keys(world.acme).await.unwrap()[1].id;
    // Those of another organisation are its own.
    assert!(world.saml.remove_key(&world.directory, world.other, old).await.is_err());
    world.saml.remove_key(&world.directory, world.acme, old).await.unwrap();
    assert_eq!(world.certificates().await, both[1..]);
    assert!(world.saml.sign_with(&world.directory, world.acme, old).await.is_err());
    for _ in 0..2 {
        world.saml.make_key(&world.directory, world.acme).await.unwrap();
    }
    assert!(world.saml.make_key(&world.directory, world.acme).await.is_err());
}
