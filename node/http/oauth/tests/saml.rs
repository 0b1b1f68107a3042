//! The way to a SAML provider and back, as a browser goes it.

#[path = "../../../saml/tests/single_sign_on/provider.rs"]
#[allow(dead_code, reason = "the lies are told in the tests of its own crate")]
mod provider;

use std::net::{IpAddr, Ipv4Addr};

use axum::body::Body;
use axum::http::{Request, header};
use axum::{Extension, Router};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hongyan_access::{Access, AccessOptions, Guest};
use hongyan_directory::{AccountChange, AccountState, Directory, DirectoryOptions, Field, NewAccount, NewTenant};
use hongyan_env::Env;
use hongyan_fetch::{FetchOptions, Fetcher};
use hongyan_http_oauth::{OauthParts, routes};
use hongyan_kv::Database;
use hongyan_memory::MemoryStore;
use hongyan_openid::{Admission, OpenId, OpenIdOptions, form};
use hongyan_saml::{Certificate, Described, ProviderChange, ProviderSettings, Saml, SamlOptions};
use hongyan_types::{AccountId, Address, TenantId};
use http_body_util::BodyExt;
use provider::{ENTITY, Key, SIGN_IN, Words};
use tower::ServiceExt;

const ANNA: &str = "anna@example.test";

struct World {
    pages: Router,
    directory: Directory,
    saml: Saml,
    tenant: TenantId,
    anna: AccountId,
    key: Key,
}

/// What came, with the cookies that it sets.
struct Answer {
    status: u16,
    location: String,
    cookies: Vec<String>,
    kind: String,
    text: String,
}

impl World {
    async fn new() -> Self {
        let env = Env::real();
        let database = Database::new(MemoryStore::default());
        let directory = Directory::new(database.clone(), env.clone(), DirectoryOptions::default());
        directory.sealer().make_key();
        let cheap = AccessOptions {
            argon2_memory_kib: 8,
            argon2_passes: 1,
            ..AccessOptions::default()
        };
        let access = Access::open(directory.clone(), &database, env.clone(), cheap)
            .await
            .unwrap();
        let tenant = directory.create_tenant(&NewTenant::named("Acme")).await.unwrap().id;
        let address = Address::try_from(ANNA).unwrap();
        directory.create_domain(tenant, &address.domain).await.unwrap();
        let anna = directory.create_account(&NewAccount::at(address)).await.unwrap().id;
        let fetcher = Fetcher::new(env.clone(), FetchOptions::default()).unwrap();
        let options = OpenIdOptions::default();
        let openid = OpenId::new(
            env.clone(),
            database.clone(),
            directory.clone(),
            access.clone(),
            fetcher,
            options,
        );
        let options = SamlOptions::default();
        let saml = Saml::new(env, database, directory.clone(), openid.clone(), options);
        let key = Key::make();
        let change = ProviderChange {
            settings: ProviderSettings {
                provider: Described {
                    entity_id: ENTITY.to_owned(),
                    sign_in_address: SIGN_IN.to_owned(),
                    certificates: vec![Certificate::read(&key.pem).unwrap()],
                    sign_out: None,
                },
                label: "Acme login".to_owned(),
                mail_attribute: None,
                name_attribute: None,
                admission: Admission {
                    link_by_mail: true,
                    create_members: false,
                    vouches_second_factor: false,
                },
            },
            expect: None,
        };
        saml.set_provider(&directory, tenant, &change).await.unwrap();
        let guest = Guest {
            peer: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
            client: "Browser".to_owned(),
            token: None,
            device: None,
        };
        let parts = OauthParts {
            access,
            directory: directory.clone(),
            single_sign_on: Some(openid),
            saml: Some(saml.clone()),
            issuer: "https://localhost".to_owned(),
        };
        Self {
            pages: routes(parts).layer(Extension(guest)),
            directory,
            saml,
            tenant,
            anna,
            key,
        }
    }

    async fn call(&self, request: Request<Body>) -> Answer {
        let response = self.pages.clone().oneshot(request).await.unwrap();
        let field = |name| {
            let value = response.headers().get(name);
            value.map_or("", |value| value.to_str().unwrap()).to_owned()
        };
        let set = response.headers().get_all(header::SET_COOKIE).iter();
        Answer {
            status: response.status().as_u16(),
            location: field(header::LOCATION),
            kind: field(header::CONTENT_TYPE),
            cookies: set.map(|value| value.to_str().unwrap().to_owned()).collect(),
            text: String::from_utf8_lossy(&response.into_body().collect().await.unwrap().to_bytes()).into_owned(),
        }
    }

    async fn get(&self, path: &str, cookie: &str) -> Answer {
        let request = Request::get(path).header(header::COOKIE, cookie);
        self.call(request.body(Body::empty()).unwrap()).await
    }

    async fn post(&self, path: &str, body: String) -> Answer {
        let request = Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.call(request.body(Body::from(body)).unwrap()).await
    }

    /// Begins; gives the request's name and the cookie that the browser keeps.
    async fn start(&self) -> (String, String) {
        let page = self.get("/sso/start?organisation=Acme&return=/mail", "").await;
        assert_eq!(page.status, 200, "{}", page.text);
        assert!(page.text.contains("Acme login"), "{}", page.text);
        let place = SIGN_IN.replace('&', "&amp;");
        assert!(
            page.text.contains(&format!("{place}&amp;SAMLRequest=")),
            "{}",
            page.text
        );
        let cookie = page.cookies[0].split(';').next().unwrap().to_owned();
        let state = cookie
            .split_once('=')
            .unwrap()
            .0
            .rsplit_once("sso-")
            .unwrap()
            .1
            .to_owned();
        (format!("_{state}"), cookie)
    }

    fn consumer(&self) -> String {
        format!("/sso/saml/{}/acs", self.tenant.0)
    }

    async fn answer(&self, request: &str) -> Answer {
        let own = self.saml.registration(self.tenant);
        let words = Words::about(request, &own.consumer_address, &own.entity_id);
        let response = STANDARD.encode(words.response(&self.key));
        let body = form(&[("SAMLResponse", &response), ("RelayState", "whatever")]);
        self.post(&self.consumer(), body).await
    }
}

#[tokio::test]
async fn api_2_a_browser_goes_to_the_saml_provider_and_back() {
    let world = World::new().await;
    let (request, cookie) = world.start().await;
    let taken = world.answer(&request).await;
    assert_eq!(taken.status, 303, "{}", taken.text);
    assert!(
        taken.location.starts_with("/sso/saml/arrive?state="),
        "{}",
        taken.location
    );
    assert!(taken.cookies.is_empty());
    // Another browser has nothing of it.
    let elsewhere = world.get(&taken.location, "").await;
    assert_eq!((elsewhere.status, elsewhere.cookies.len()), (403, 0));
    let arrived = world.get(&taken.location, &cookie).await;
    assert_eq!(
        (arrived.status, arrived.location.as_str()),
        (303, "/mail"),
        "{}",
        arrived.text
    );
    let has = |begin: &str| arrived.cookies.iter().any(|cookie| cookie.starts_with(begin));
    assert!(has("__Host-hongyan-session=hyw_") && has(&format!("{}=;", cookie.split('=').next().unwrap())));
    // What is wrong is said on a page of ours.
    let (request, cookie) = world.start().await;
    let own = world.saml.registration(world.tenant);
    let words = Words::about(&request, &own.consumer_address, &own.entity_id);
    let forged = STANDARD.encode(words.response(&Key::make()));
    let refused = world.post(&world.consumer(), form(&[("SAMLResponse", &forged)])).await;
    assert!(
        refused.status == 403 && refused.text.contains("signature"),
        "{}",
        refused.text
    );
    for body in [
        String::new(),
        "SAMLResponse=".to_owned(),
        format!("SAMLResponse={}", "A".repeat(600_000)),
    ] {
        let refused = world.post(&world.consumer(), body).await;
        assert!(
            refused.status == 403 && refused.kind.starts_with("text/html"),
            "{}",
            refused.text
        );
    }
    // A disabled member is told so.
    let change = AccountChange {
        state: Field::Set(AccountState::Disabled),
        ..AccountChange::default()
    };
    world.directory.change_account(world.anna, &change).await.unwrap();
    let taken = world.answer(&request).await;
    let refused = world.get(&taken.location, &cookie).await;
    assert!(
        refused.status == 403 && refused.kind.starts_with("text/html"),
        "{}",
        refused.text
    );
    assert!(!refused.cookies.iter().any(|cookie| cookie.contains("hyw_")));
    let metadata = world.get(&format!("/sso/saml/{}/metadata", world.tenant.0), "").await;
    assert_eq!(
        (metadata.status, metadata.kind.as_str()),
        (200, "application/samlmetadata+xml")
    );
    assert!(metadata.text.contains(&world.consumer()));
    for path in ["/sso/saml/999/metadata", "/sso/saml/x/metadata"] {
        assert_eq!(world.get(path, "").await.status, 404);
    }
    for path in ["/sso/saml/999/acs", "/sso/saml/x/acs"] {
        assert_eq!(world.post(path, "SAMLResponse=AA".to_owned()).await.status, 403);
    }
}
