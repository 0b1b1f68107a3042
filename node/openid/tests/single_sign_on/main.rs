//! Single sign-on against a provider that can be told to lie.

mod provider;

use std::net::{IpAddr, Ipv4Addr};

use hongyan_access::{Access, AccessError, AccessOptions, Begun, Stage, Visit};
use hongyan_directory::{AccountChange, AccountState, Directory, DirectoryOptions, Field, NewAccount, NewTenant};
use hongyan_env::Env;
use hongyan_fetch::{FetchError, FetchOptions, Fetcher};
use hongyan_kv::Database;
use hongyan_memory::MemoryStore;
use hongyan_openid::{
    Arrival, Arrived, Departure, Fault, OpenId, OpenIdError, OpenIdOptions, ProviderChange, ProviderSettings, Wish,
};
use hongyan_sasl::Secret;
use hongyan_types::{AccountId, Address, AddressRanges, Domain, TenantId};
use provider::{Provider, key, now_secs};
use serde_json::{Value, json};

const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
const ANNA: &str = "anna@example.test";

struct World {
    provider: Provider,
    sso: OpenId,
    access: Access,
    directory: Directory,
    tenant: TenantId,
    anna: AccountId,
}

fn visit() -> Visit<'static> {
    Visit {
        peer: PEER,
        client: "Browser",
        device: None,
    }
}

fn settings(provider: &Provider) -> ProviderChange {
    ProviderChange {
        settings: ProviderSettings {
            issuer: provider.0.lock().issuer.clone(),
            client_id: "mail".to_owned(),
            client_secret: Some(Secret::new("s e:cret")),
            label: "Acme".to_owned(),
            link_by_mail: true,
            create_members: true,
            vouches_second_factor: false,
        },
        keep_secret: false,
        expect: None,
    }
}

/// Fields of an address.
fn fields(address: &str) -> Vec<(&str, &str)> {
    let query = address.split_once('?').unwrap().1;
    query.split('&').map(|pair| pair.split_once('=').unwrap()).collect()
}

fn field<'a>(address: &'a str, name: &str) -> &'a str {
    let found = fields(address).into_iter().find(|(known, _)| *known == name);
    found.map_or("", |(_, value)| value)
}

impl World {
    async fn new() -> Self {
        Self::with(OpenIdOptions::default()).await
    }

    async fn with(options: OpenIdOptions) -> Self {
        let env = Env::real();
        let database = Database::new(MemoryStore::default());
        let directory = Directory::new(database.clone(), env.clone(), DirectoryOptions::default());
        directory.sealer().make_key();
        let tenant = directory.create_tenant(&NewTenant::named("Acme")).await.unwrap().id;
        let domain = Domain::try_from("example.test").unwrap();
        directory.create_domain(tenant, &domain).await.unwrap();
        let cheap = AccessOptions {
            argon2_memory_kib: 8,
            argon2_passes: 1,
            ..AccessOptions::default()
        };
        let access = Access::open(directory.clone(), &database, env.clone(), cheap)
            .await
            .unwrap();
        let new = NewAccount::at(Address::try_from(ANNA).unwrap());
        let anna = directory.create_account(&new).await.unwrap().id;
        let fetch = FetchOptions {
            networks: AddressRanges::read(&["127.0.0.1"]).unwrap().0,
            ..FetchOptions::default()
        };
        let fetcher = Fetcher::new(env.clone(), fetch).unwrap();
        let sso = OpenId::new(env, database, directory.clone(), access.clone(), fetcher, options);
        let provider = Provider::start().await;
        sso.set_provider(&directory, tenant, &settings(&provider))
            .await
            .unwrap();
        Self {
            provider,
            sso,
            access,
            directory,
            tenant,
            anna,
        }
    }

    async fn depart(&self) -> Result<Departure, OpenIdError> {
        self.depart_with(None, false).await
    }

    async fn depart_with(&self, link: Option<AccountId>, prove: bool) -> Result<Departure, OpenIdError> {
        let wish = Wish {
            back: "/mail",
            link,
            prove,
            login: Some(ANNA),
        };
        let departure = self.sso.depart(self.tenant, wish).await?;
        self.provider.0.lock().nonce = field(&departure.location, "nonce").to_owned();
        Ok(departure)
    }

    async fn arrive(&self, departure: &Departure, session: Option<&str>) -> Result<Arrived, OpenIdError> {
        let arrival = Arrival {
            state: field(&departure.location, "state"),
            sealed: &departure.cookie.1,
            code: Some("the-code"),
            error: None,
            issuer: None,
            visit: visit(),
            session,
        };
        self.sso.arrive(arrival).await
    }

    async fn sign_in(&self) -> Result<Begun, OpenIdError> {
        let departure = self.depart().await?;
        match self.arrive(&departure, None).await? {
            Arrived::SignedIn { begun, back } => {
                assert_eq!(back, "/mail");
                Ok(*begun)
            }
            Arrived::Linked { .. } => panic!("linked"),
        }
    }

    fn claims(&self, claims: Value) {
        self.provider.0.lock().claims = claims;
    }

    async fn is_signed_in(&self, begun: &Begun) -> bool {
        self.access.web_session(begun.token.reveal(), PEER).await.is_ok()
    }

    async fn fault(&self) -> Fault {
        match self.sign_in().await {
            Err(OpenIdError::Provider(fault)) => fault,
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn api_2_a_member_signs_in_at_the_provider() {
    let world = World::new().await;
    let departure = world.depart().await.unwrap();
    let place = format!(
        "{}/authorize?response_type=code&client_id=mail",
        world.provider.0.lock().issuer
    );
    assert!(departure.location.starts_with(&place), "{}", departure.location);
    assert_eq!(
        field(&departure.location, "redirect_uri"),
        "https%3A%2F%2Flocalhost%2Fsso%2Fcallback"
    );
    assert_eq!(field(&departure.location, "login_hint"), "anna%40example.test");
    let begun = world.sign_in().await.unwrap();
    assert_eq!(
        (begun.session.account.id, begun.session.stage),
        (world.anna, Stage::SignedIn)
    );
    {
        let mind = world.provider.0.lock();
        // "s e:cret" is encoded before it is joined.
        assert_eq!(mind.authorization, "Basic bWFpbDpzJTIwZSUzQWNyZXQ=");
        let asked: Vec<&str> = mind.asked.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(asked, ["grant_type", "code", "redirect_uri", "code_verifier"]);
    }
    let links = world.sso.links(world.anna).await.unwrap();
    assert_eq!(
        (links.len(), links[0].subject.as_str(), links[0].mail.as_str()),
        (1, "anna-at-provider", ANNA)
    );
    // From now on the link counts, whatever the address is.
    world.claims(json!({"email": "else@elsewhere.test"}));
    assert_eq!(world.sign_in().await.unwrap().session.account.id, world.anna);
    let owner = world.directory.account(world.anna).await.unwrap().unwrap();
    world.sso.unlink(&world.directory, &owner, &links[0].id).await.unwrap();
    assert!(matches!(world.sign_in().await, Err(OpenIdError::Nobody(_))));
}

#[tokio::test]
async fn api_2_whoever_is_new_is_made_a_member_where_that_is_allowed() {
    let world = World::new().await;
    let new = json!({"sub": "ben", "email": "ben@example.test", "name": "Ben\nBo"});
    world.claims(new.clone());
    let begun = world.sign_in().await.unwrap();
    assert_eq!(begun.session.account.display_name, "BenBo");
    for (claims, what) in [
        (json!({"sub": "x", "email": "x@elsewhere.test"}), "another domain"),
        (
            json!({"sub": "x", "email": "x@example.test", "email_verified": false}),
            "not verified",
        ),
        (
            json!({"sub": "x", "email": "x@example.test", "email_verified": null}),
            "not verified",
        ),
        (
            json!({"sub": "x", "email": "anna", "email_verified": true}),
            "no address",
        ),
        (json!({"sub": "anna-at-provider", "email": null}), "no address"),
    ] {
        world.claims(claims);
        assert!(matches!(world.sign_in().await, Err(OpenIdError::Nobody(_))), "{what}");
    }
    // The user info end point says what the token does not; of the same person only.
    world.claims(json!({"sub": "cai", "email": null}));
    world.provider.0.lock().user_info = json!({"sub": "cai", "email": "cai@example.test", "email_verified": "true"});
    assert!(world.sign_in().await.is_ok());
    world.claims(json!({"sub": "dan", "email": null}));
    assert_eq!(world.fault().await, Fault::Claim("sub"));
    let mut closed = settings(&world.provider);
    closed.settings.create_members = false;
    closed.settings.link_by_mail = false;
    world
        .sso
        .set_provider(&world.directory, world.tenant, &closed)
        .await
        .unwrap();
    for claims in [json!({"sub": "eva", "email": "eva@example.test"}), json!({})] {
        world.claims(claims);
        assert!(matches!(world.sign_in().await, Err(OpenIdError::Nobody(_))));
    }
    world.claims(new);
    assert!(world.sign_in().await.is_ok());
}

#[tokio::test]
async fn api_2_a_token_that_lies_is_refused_by_name() {
    let world = World::new().await;
    let now = now_secs();
    for (claims, expect) in [
        (json!({"iss": "https://other.test"}), Fault::Claim("iss")),
        (json!({"iss": null}), Fault::Claim("iss")),
        (json!({"aud": "other"}), Fault::Claim("aud")),
        (json!({"aud": ["mail", "other"]}), Fault::Claim("azp")),
        (json!({"azp": "other"}), Fault::Claim("azp")),
        (json!({"nonce": "other"}), Fault::Claim("nonce")),
        (json!({"nonce": null}), Fault::Claim("nonce")),
        (json!({"sub": ""}), Fault::Claim("sub")),
        (json!({"exp": null}), Fault::Claim("exp")),
        (json!({"exp": -1}), Fault::Claim("exp")),
        (json!({"exp": now - 200}), Fault::Time("it has expired")),
        (json!({"iat": now + 300}), Fault::Time("it comes from the future")),
        (json!({"nbf": now + 300}), Fault::Time("its time has not come")),
    ] {
        world.claims(claims.clone());
        assert_eq!(world.fault().await, expect, "{claims}");
    }
    // Clocks that are off by two minutes are put up with.
    world.claims(json!({"exp": now - 120, "iat": now + 120}));
    assert!(world.sign_in().await.is_ok());
    world.claims(json!({"aud": ["mail", "other"], "azp": "mail"}));
    assert!(world.sign_in().await.is_ok());
    for algorithm in ["none", "HS256", "ES256K"] {
        world.provider.0.lock().header = json!({"alg": algorithm});
        assert_eq!(world.fault().await, Fault::Algorithm(algorithm.to_owned()));
    }
    for (header, expect) in [
        (json!({"alg": "RS256"}), Fault::Key),
        (json!({"kid": "other"}), Fault::Key),
        (json!({"crit": ["exp"]}), Fault::Unreadable("token")),
    ] {
        world.provider.0.lock().header = header;
        assert_eq!(world.fault().await, expect);
    }
    world.provider.0.lock().header = json!({});
    world.provider.0.lock().forges = true;
    assert_eq!(world.fault().await, Fault::Signature);
}

#[tokio::test]
async fn api_2_a_provider_that_lies_of_itself_is_refused_by_name() {
    let world = World::with(OpenIdOptions {
        metadata_secs: 0,
        ..OpenIdOptions::default()
    })
    .await;
    let at = world.provider.0.lock().issuer.clone();
    for (metadata, expect) in [
        (
            json!({"issuer": "https://other.test"}),
            Fault::Issuer("https://other.test".to_owned()),
        ),
        (json!({"issuer": null}), Fault::Unreadable("description")),
        (
            json!({"authorization_endpoint": null}),
            Fault::EndPoint("authorization_endpoint"),
        ),
        (
            json!({"authorization_endpoint": "javascript:1"}),
            Fault::EndPoint("authorization_endpoint"),
        ),
        (json!({"token_endpoint": "ftp://x"}), Fault::EndPoint("token_endpoint")),
        (
            json!({"jwks_uri": "http://10.0.0.1/"}),
            Fault::Fetch("keys", FetchError::NotAllowed),
        ),
        (
            json!({"jwks_uri": format!("{at}/elsewhere")}),
            Fault::Fetch("keys", FetchError::Redirect(302)),
        ),
        (
            json!({"jwks_uri": format!("{at}/huge")}),
            Fault::Fetch("keys", FetchError::TooLarge(262_144)),
        ),
        (json!({"jwks_uri": format!("{at}/user")}), Fault::Unreadable("keys")),
    ] {
        world.provider.0.lock().metadata = metadata.clone();
        assert_eq!(world.fault().await, expect, "{metadata}");
    }
    world.provider.0.lock().metadata = json!({});
    for (status, text, expect) in [
        (400, "{\"error\":\"invalid_grant\"}", Some((400, "invalid_grant"))),
        (500, "<html>", Some((500, ""))),
        (200, "<html>", None),
        (200, "{\"access_token\":\"x\"}", None),
        (200, "{\"id_token\":\"x\"}", None),
    ] {
        world.provider.0.lock().token_answer = Some((status, text.to_owned()));
        match (world.fault().await, expect) {
            (Fault::Status { status, code, .. }, Some(expect)) => assert_eq!((status, code.as_str()), expect),
            (Fault::Unreadable(_), None) => {}
            (other, _) => panic!("{text}: {other}"),
        }
    }
    // Nothing of all this has made or linked anything.
    assert!(world.sso.links(world.anna).await.unwrap().is_empty());
}

#[tokio::test]
async fn api_2_new_keys_are_asked_for_when_they_are_used() {
    let world = World::with(OpenIdOptions {
        keys_again_secs: 0,
        ..OpenIdOptions::default()
    })
    .await;
    world.sign_in().await.unwrap();
    world.sign_in().await.unwrap();
    assert_eq!(world.provider.0.lock().keys_shown, 1);
    {
        let mut mind = world.provider.0.lock();
        mind.key = key();
        mind.key_name = "two".to_owned();
    }
    world.sign_in().await.unwrap();
    assert_eq!(world.provider.0.lock().keys_shown, 2);
}

#[tokio::test]
async fn api_2_the_way_back_belongs_to_the_browser_that_went() {
    let world = World::new().await;
    let (departure, other) = (world.depart().await.unwrap(), world.depart().await.unwrap());
    let arrival = Arrival {
        state: field(&departure.location, "state"),
        sealed: &departure.cookie.1,
        code: Some("the-code"),
        error: None,
        issuer: None,
        visit: visit(),
        session: None,
    };
    for sealed in ["", "AAAA", &other.cookie.1] {
        let refused = world.sso.arrive(Arrival { sealed, ..arrival }).await;
        assert!(matches!(refused, Err(OpenIdError::Attempt)));
    }
    let without = world.sso.arrive(Arrival { code: None, ..arrival }).await;
    assert!(matches!(without, Err(OpenIdError::Attempt)));
    let another = Some("https://other.test");
    let mixed = world
        .sso
        .arrive(Arrival {
            issuer: another,
            ..arrival
        })
        .await;
    assert!(matches!(mixed, Err(OpenIdError::Provider(Fault::Issuer(_)))));
    let denied = Some("access_denied\n<b>");
    match world
        .sso
        .arrive(Arrival {
            error: denied,
            ..arrival
        })
        .await
    {
        Err(OpenIdError::Denied(code)) => assert_eq!(code, "access_denied<b>"),
        other => panic!("{other:?}"),
    }
    let slow = World::with(OpenIdOptions {
        attempt_secs: 0,
        ..OpenIdOptions::default()
    })
    .await;
    assert!(matches!(slow.sign_in().await, Err(OpenIdError::Attempt)));
}

#[tokio::test]
async fn api_2_who_may_not_come_in_here_does_not_come_in_by_a_provider() {
    let world = World::new().await;
    let change = AccountChange {
        state: Field::Set(AccountState::Disabled),
        ..AccountChange::default()
    };
    world.directory.change_account(world.anna, &change).await.unwrap();
    let refused = world.sign_in().await;
    assert!(
        matches!(refused, Err(OpenIdError::Access(AccessError::Suspended))),
        "{refused:?}"
    );
    world.sso.remove_provider(&world.directory, world.tenant).await.unwrap();
    assert!(matches!(world.sign_in().await, Err(OpenIdError::NoProvider)));
}

#[tokio::test]
async fn auth_25_a_fresh_proof_is_asked_of_the_provider() {
    let world = World::new().await;
    let departure = world.depart_with(None, true).await.unwrap();
    assert_eq!(
        (
            field(&departure.location, "prompt"),
            field(&departure.location, "max_age")
        ),
        ("login", "0")
    );
    world.claims(json!({"auth_time": now_secs() - 3_600}));
    let stale = world.arrive(&departure, None).await;
    assert!(matches!(stale, Err(OpenIdError::Provider(Fault::Claim("auth_time")))));
    world.claims(json!({}));
    assert!(world.arrive(&departure, None).await.is_ok());
}

#[tokio::test]
async fn auth_14_a_member_links_an_identity_of_another_address() {
    let world = World::new().await;
    let begun = world.sign_in().await.unwrap();
    let token = begun.token.reveal();
    world.claims(json!({"sub": "second", "email": "private@elsewhere.test"}));
    let departure = world.depart_with(Some(world.anna), false).await.unwrap();
    // Only in the session of whoever began it.
    let without = world.arrive(&departure, None).await;
    assert!(matches!(without, Err(OpenIdError::Access(AccessError::NotSignedIn))));
    assert!(matches!(
        world.arrive(&departure, Some(token)).await,
        Ok(Arrived::Linked { .. })
    ));
    assert_eq!(world.sso.links(world.anna).await.unwrap().len(), 2);
    assert_eq!(world.sign_in().await.unwrap().session.account.id, world.anna);
    // Nobody else is linked with it.
    world.claims(json!({"sub": "ben", "email": "ben@example.test"}));
    let ben = world.sign_in().await.unwrap();
    world.claims(json!({"sub": "second"}));
    let departure = world.depart_with(Some(ben.session.account.id), false).await.unwrap();
    let taken = world.arrive(&departure, Some(ben.token.reveal())).await;
    assert!(matches!(taken, Err(OpenIdError::Taken)));
}

#[tokio::test]
async fn api_2_the_provider_ends_sessions_and_is_told_of_their_end() {
    let world = World::new().await;
    let (first, second) = (world.sign_in().await.unwrap(), world.sign_in().await.unwrap());
    world.claims(json!({"sid": "session-2"}));
    let third = world.sign_in().await.unwrap();
    let told = |change: Value| {
        let mut claims = json!({
            "iss": world.provider.0.lock().issuer, "aud": "mail", "iat": now_secs(), "exp": now_secs() + 120, "jti": "1",
            "events": {"http://schemas.openid.net/event/backchannel-logout": {}}, "sid": "session-1",
        });
        for (name, value) in change.as_object().unwrap() {
            claims[name] = value.clone();
        }
        world.provider.0.lock().sign(&claims)
    };
    for (change, expect) in [
        (json!({"events": {}}), Fault::Claim("events")),
        (json!({"nonce": "x"}), Fault::Claim("nonce")),
        (json!({"jti": null}), Fault::Claim("jti")),
        (json!({"jti": "0", "sid": null}), Fault::Claim("sub")),
        (json!({"aud": "other"}), Fault::Claim("aud")),
        (json!({"iat": now_secs() - 2_000}), Fault::Time("it is too old")),
    ] {
        let refused = world.sso.back_channel_logout(world.tenant, &told(change)).await;
        assert!(
            matches!(refused, Err(OpenIdError::Provider(fault)) if fault == expect),
            "{expect}"
        );
    }
    let token = told(json!({}));
    assert_eq!(world.sso.back_channel_logout(world.tenant, &token).await.unwrap(), 2);
    assert!(!world.is_signed_in(&first).await && !world.is_signed_in(&second).await);
    assert!(world.is_signed_in(&third).await);
    let again = world.sso.back_channel_logout(world.tenant, &token).await;
    assert!(matches!(again, Err(OpenIdError::Provider(Fault::Claim("jti")))));
    let whole = told(json!({"jti": "2", "sid": null, "sub": "anna-at-provider"}));
    assert_eq!(world.sso.back_channel_logout(world.tenant, &whole).await.unwrap(), 1);
    assert!(!world.is_signed_in(&third).await);
    // And at our own wish.
    let fourth = world.sign_in().await.unwrap();
    let gone = world
        .sso
        .leave(fourth.token.reveal(), &fourth.session)
        .await
        .unwrap()
        .unwrap();
    assert!(!world.is_signed_in(&fourth).await);
    assert!(
        gone.ends_with("/end?client_id=mail&post_logout_redirect_uri=https%3A%2F%2Flocalhost%2F"),
        "{gone}"
    );
}
