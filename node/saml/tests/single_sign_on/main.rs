//! Single sign-on by SAML against a provider that can be told to lie.

mod provider;

use std::net::{IpAddr, Ipv4Addr};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hongyan_access::{Access, AccessError, AccessOptions, Begun, Stage, Visit};
use hongyan_directory::{AccountChange, AccountState, Directory, DirectoryOptions, Field, NewAccount, NewTenant};
use hongyan_env::Env;
use hongyan_fetch::{FetchOptions, Fetcher};
use hongyan_kv::Database;
use hongyan_memory::MemoryStore;
use hongyan_openid::{Admission, Arrived, Comer, Departure, OpenId, OpenIdError, OpenIdOptions, Wish};
use hongyan_saml::{
    Certificate, Described, Expected, Fault, ProviderChange, ProviderSettings, Received, Saml, SamlError, SamlOptions,
    SignOutPlace,
};
use hongyan_types::{AccountId, Address, Domain, TenantId};
use provider::{CANONICAL, ENTITY, Key, SIGN_IN, Words, attribute, now_secs};

const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
const ANNA: &str = "anna@example.test";

struct World {
    key: Key,
    saml: Saml,
    openid: OpenId,
    access: Access,
    directory: Directory,
    database: Database,
    tenant: TenantId,
    anna: AccountId,
}

fn comer(session: Option<&str>) -> Comer<'_> {
    let visit = Visit {
        peer: PEER,
        client: "Browser",
        device: None,
    };
    Comer { visit, session }
}

fn settings(key: &Key) -> ProviderSettings {
    ProviderSettings {
        provider: Described {
            entity_id: ENTITY.to_owned(),
            sign_in_address: SIGN_IN.to_owned(),
            certificates: vec![Certificate::read(&key.pem).unwrap()],
            sign_out: None,
        },
        label: "Acme".to_owned(),
        mail_attribute: None,
        name_attribute: Some("displayName".to_owned()),
        admission: Admission {
            link_by_mail: true,
            create_members: true,
            vouches_second_factor: false,
        },
    }
}

/// A node over a store.
async fn node(database: &Database, options: &SamlOptions) -> (Directory, Access, OpenId, Saml) {
    let env = Env::real();
    let directory = Directory::new(database.clone(), env.clone(), DirectoryOptions::default());
    directory.sealer().make_key();
    let cheap = AccessOptions {
        argon2_memory_kib: 8,
        argon2_passes: 1,
        ..AccessOptions::default()
    };
    let access = Access::open(directory.clone(), database, env.clone(), cheap)
        .await
        .unwrap();
    let fetcher = Fetcher::new(env.clone(), FetchOptions::default()).unwrap();
    let sso = OpenIdOptions {
        attempt_secs: options.attempt_secs,
        ..OpenIdOptions::default()
    };
    let openid = OpenId::new(
        env.clone(),
        database.clone(),
        directory.clone(),
        access.clone(),
        fetcher,
        sso,
    );
    let saml = Saml::new(
        env,
        database.clone(),
        directory.clone(),
        openid.clone(),
        options.clone(),
    );
    (directory, access, openid, saml)
}

async fn organisation(directory: &Directory, name: &str, address: &str) -> (TenantId, AccountId) {
    let tenant = directory.create_tenant(&NewTenant::named(name)).await.unwrap().id;
    let address = Address::try_from(address).unwrap();
    let domain = Domain::try_from(address.domain.to_string().as_str()).unwrap();
    directory.create_domain(tenant, &domain).await.unwrap();
    let account = directory.create_account(&NewAccount::at(address)).await.unwrap();
    (tenant, account.id)
}

impl World {
    async fn new() -> Self {
        Self::with(SamlOptions::default()).await
    }

    async fn with(options: SamlOptions) -> Self {
        let database = Database::new(MemoryStore::default());
        let (directory, access, openid, saml) = node(&database, &options).await;
        let (tenant, anna) = organisation(&directory, "Acme", ANNA).await;
        let world = Self {
            key: Key::make(),
            saml,
            openid,
            access,
            directory,
            database,
            tenant,
            anna,
        };
        world.set(settings(&world.key)).await.unwrap();
        world
    }

    async fn set(&self, settings: ProviderSettings) -> Result<(), SamlError> {
        let change = ProviderChange { settings, expect: None };
        self.saml.set_provider(&self.directory, self.tenant, &change).await
    }

    async fn depart(&self) -> Departure {
        self.depart_with(None, false).await
    }

    async fn depart_with(&self, link: Option<AccountId>, prove: bool) -> Departure {
        let wish = Wish {
            back: "/mail",
            link,
            prove,
            login: Some(ANNA),
        };
        self.saml.depart(self.tenant, wish).await.unwrap()
    }

    /// The truth about whoever is on the way.
    fn words(&self, departure: &Departure) -> Words {
        let own = self.saml.registration(self.tenant);
        Words::about(&request_of(departure), &own.consumer_address, &own.entity_id)
    }

    async fn receive(&self, response: &str) -> Result<Received, SamlError> {
        self.saml.receive(self.tenant, &STANDARD.encode(response)).await
    }

    async fn arrive(&self, received: &Received, departure: &Departure) -> Result<Begun, SamlError> {
        match self.saml.arrive(received, &departure.cookie.1, comer(None)).await? {
            Arrived::SignedIn { begun, back } => {
                assert_eq!(back, "/mail");
                Ok(*begun)
            }
            Arrived::Linked { .. } => panic!("linked"),
        }
    }

    /// Signs in with what `say` makes of the truth.
    async fn sign_in(&self, say: impl FnOnce(&mut Words)) -> Result<Begun, SamlError> {
        let departure = self.depart().await;
        let mut words = self.words(&departure);
        say(&mut words);
        let received = self.receive(&words.response(&self.key)).await?;
        self.arrive(&received, &departure).await
    }

    async fn fault(&self, say: impl FnOnce(&mut Words)) -> Fault {
        match self.sign_in(say).await {
            Err(SamlError::Provider(fault)) => fault,
            other => panic!("{other:?}"),
        }
    }

    /// What a response is refused for.
    async fn refused(&self, response: &str) -> Fault {
        match self.receive(response).await {
            Err(SamlError::Provider(fault)) => fault,
            other => panic!("{other:?}"),
        }
    }
}

/// A signed assertion in its canonical form: within a signature nothing is named again.
fn canonical(signed: &str) -> String {
    let named = " xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"";
    signed.replace(&format!("<ds:SignedInfo{named}>"), "<ds:SignedInfo>")
}

/// The request that a browser carries.
fn carried(departure: &Departure) -> String {
    let query = departure.location.split_once("SAMLRequest=").unwrap().1;
    let packed = query.replace("%2B", "+").replace("%2F", "/").replace("%3D", "=");
    let mut text = Vec::with_capacity(10_000);
    flate2::Decompress::new(false)
        .decompress_vec(
            &STANDARD.decode(packed).unwrap(),
            &mut text,
            flate2::FlushDecompress::Finish,
        )
        .unwrap();
    String::from_utf8(text).unwrap()
}

fn request_of(departure: &Departure) -> String {
    let text = carried(departure);
    let rest = text.split_once(" ID=\"").unwrap().1;
    rest.split_once('"').unwrap().0.to_owned()
}

#[tokio::test]
async fn api_2_a_member_signs_in_by_saml() {
    let world = World::new().await;
    let departure = world.depart().await;
    assert!(
        departure.location.starts_with(&format!("{SIGN_IN}&SAMLRequest=")),
        "{}",
        departure.location
    );
    let request = carried(&departure);
    let place = format!("https://localhost/sso/saml/{}", world.tenant.0);
    for part in [
        format!("Destination=\"{SIGN_IN}\""),
        format!("AssertionConsumerServiceURL=\"{place}/acs\""),
        format!("<saml:Issuer>{place}/metadata</saml:Issuer>"),
    ] {
        assert!(request.contains(&part), "{request}");
    }
    assert!(!request.contains("ForceAuthn"));
    let words = world.words(&departure);
    let received = world.receive(&words.response(&world.key)).await.unwrap();
    let begun = world.arrive(&received, &departure).await.unwrap();
    assert_eq!(
        (begun.session.account.id, begun.session.stage),
        (world.anna, Stage::SignedIn)
    );
    let links = world.openid.links(world.anna).await.unwrap();
    assert_eq!(
        (links.len(), links[0].issuer.as_str(), links[0].subject.as_str()),
        (1, ENTITY, ANNA)
    );
    // Signed around it, in place of within or as well.
    let departure = world.depart().await;
    let words = world.words(&departure);
    let received = world.receive(&words.signed_response(&world.key)).await.unwrap();
    assert!(world.arrive(&received, &departure).await.is_ok());
    let departure = world.depart().await;
    let words = world.words(&departure);
    let within = words.signed_assertion(&world.key);
    let signature = words.sign(&world.key, &words.around("", &canonical(&within)), "_r1");
    let received = world.receive(&words.around(&signature, &within)).await.unwrap();
    assert!(world.arrive(&received, &departure).await.is_ok());
    let metadata = world.saml.metadata(world.tenant).await.unwrap();
    assert!(metadata.contains(&format!("entityID=\"{place}/metadata\"")) && metadata.contains(&format!("{place}/acs")));
    assert!(world.saml.metadata(TenantId(999)).await.is_err());
}

#[tokio::test]
async fn api_2_a_response_that_lies_is_refused_by_name() {
    type Lie = fn(&mut Words);
    let world = World::new().await;
    let over = Fault::Time("it is over");
    let early = Fault::Time("it has not come");
    let lies: Vec<(Lie, Fault)> = vec![
        (
            |words| words.issuer = "https://other.test".to_owned(),
            Fault::Wrong("Issuer"),
        ),
        (
            |words| words.around_issuer = "https://other.test".to_owned(),
            Fault::Wrong("Issuer"),
        ),
        (
            |words| words.audience = "https://other.test".to_owned(),
            Fault::Wrong("Audience"),
        ),
        (
            |words| {
                words.conditions =
                    "<saml:AudienceRestriction><saml:Audience>x</saml:Audience></saml:AudienceRestriction>".to_owned()
            },
            Fault::Wrong("Audience"),
        ),
        (
            |words| words.conditions = "<saml:Condition></saml:Condition>".to_owned(),
            Fault::Wrong("Conditions"),
        ),
        (
            |words| words.recipient = "https://other.test/acs".to_owned(),
            Fault::Wrong("Recipient"),
        ),
        (
            |words| words.destination = "https://other.test/acs".to_owned(),
            Fault::Wrong("Destination"),
        ),
        (
            |words| words.method = "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches".to_owned(),
            Fault::Wrong("SubjectConfirmation"),
        ),
        (|words| words.request = String::new(), Fault::Wrong("InResponseTo")),
        (|words| words.request = "id-1".to_owned(), Fault::Wrong("InResponseTo")),
        (
            |words| words.around_request = "_other".to_owned(),
            Fault::Wrong("InResponseTo"),
        ),
        (|words| words.confirmed_until = now_secs() - 200, over.clone()),
        (|words| words.not_after = now_secs() - 200, over.clone()),
        (|words| words.not_before = now_secs() + 300, early),
        (
            |words| words.statement = " SessionNotOnOrAfter=\"2020-01-01T00:00:00Z\"".to_owned(),
            over,
        ),
        (|words| words.name_id = String::new(), Fault::Wrong("NameID")),
        (|words| words.name_id = "x".repeat(256), Fault::Wrong("NameID")),
        (
            |words| words.name_id = "<saml:x></saml:x>".to_owned(),
            Fault::Unreadable("there are elements where a text is due"),
        ),
        (|words| words.version = "1.1".to_owned(), Fault::Wrong("Version")),
        (
            |words| words.status = "Responder".to_owned(),
            Fault::Status("Responder".to_owned()),
        ),
        (|words| words.refers_to = Some("_other".to_owned()), Fault::Reference),
        // The whole document, which has other parts.
        (|words| words.refers_to = Some(String::new()), Fault::Reference),
        (
            |words| words.transforms = CANONICAL.to_owned(),
            Fault::Algorithm("othertransformsthanenveloped-signatureandxml-exc-c14n".to_owned()),
        ),
    ];
    for (at, (lie, expect)) in lies.into_iter().enumerate() {
        assert_eq!(world.fault(lie).await, expect, "lie {at}");
    }
    // Clocks that are off by two minutes are put up with.
    let say = |words: &mut Words| {
        words.confirmed_until = now_secs() - 120;
        words.not_after = now_secs() - 120;
        words.not_before = now_secs() + 120;
    };
    assert!(world.sign_in(say).await.is_ok());
}

#[tokio::test]
async fn api_2_what_is_not_signed_as_it_has_to_be_is_refused() {
    let world = World::new().await;
    let departure = world.depart().await;
    let words = world.words(&departure);
    let other = Key::make();
    assert_eq!(world.refused(&words.response(&other)).await, Fault::Signature);
    assert_eq!(world.refused(&words.signed_response(&other)).await, Fault::Signature);
    assert_eq!(
        world.refused(&words.around("", &words.assertion(""))).await,
        Fault::Unsigned
    );
    // Of both, each has to be right.
    let within = words.signed_assertion(&other);
    let signature = words.sign(&world.key, &words.around("", &canonical(&within)), "_r1");
    assert_eq!(
        world.refused(&words.around(&signature, &within)).await,
        Fault::Signature
    );
    let genuine = words.response(&world.key);
    let changed = genuine.replace(ANNA, "bea@example.test");
    assert_eq!(world.refused(&changed).await, Fault::Digest);
    // SHA-1, MACs, and what nobody knows, in the signature and in the digest.
    for method in [
        "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha1",
        "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
        "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
        "",
    ] {
        let mut weak = words.clone();
        weak.signature_method = method.to_owned();
        assert_eq!(
            world.refused(&weak.response(&world.key)).await,
            Fault::Algorithm(method.to_owned())
        );
    }
    let mut weak = words.clone();
    weak.digest_method = "http://www.w3.org/2000/09/xmldsig#sha1".to_owned();
    assert_eq!(
        world.refused(&weak.response(&world.key)).await,
        Fault::Algorithm(weak.digest_method)
    );
    // The key is P-256.
    let mut weak = words.clone();
    weak.signature_method = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256".to_owned();
    assert_eq!(world.refused(&weak.response(&world.key)).await, Fault::Signature);
    let mut inclusive = words.clone();
    inclusive.transforms = inclusive
        .transforms
        .replace("2001/10/xml-exc-c14n#", "TR/2001/REC-xml-c14n-20010315");
    assert!(matches!(
        world.refused(&inclusive.response(&world.key)).await,
        Fault::Algorithm(_)
    ));
    let mut nowhere = words.clone();
    nowhere.destination = String::new();
    assert_eq!(
        world.refused(&nowhere.signed_response(&world.key)).await,
        Fault::Wrong("Destination")
    );
    let encrypted = "<saml:EncryptedAssertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"/>";
    assert_eq!(world.refused(&words.around("", encrypted)).await, Fault::Encrypted);
    // All the time the genuine one is good.
    let received = world.receive(&genuine).await.unwrap();
    assert!(world.arrive(&received, &departure).await.is_ok());
}

#[tokio::test]
async fn api_2_what_is_wrapped_around_something_signed_is_not_read() {
    let world = World::new().await;
    let departure = world.depart().await;
    let words = world.words(&departure);
    let genuine = words.signed_assertion(&world.key);
    let mut lie = words.clone();
    lie.name_id = "bea@example.test".to_owned();
    let unsigned = lie.assertion("");
    let signature = words.sign(&world.key, &words.assertion(""), &words.assertion_id);
    let object = |within: &str| {
        signature.replace(
            "</ds:Signature>",
            &format!("<ds:Object>{within}</ds:Object></ds:Signature>"),
        )
    };
    let bare = words.assertion("");
    let extensions = |within: &str| format!("<samlp:Extensions>{within}</samlp:Extensions>");
    let mut renamed = lie.clone();
    renamed.assertion_id = "_evil".to_owned();
    let response_signature = words.sign(&world.key, &words.around("", &bare), "_r1");
    let genuine_response = words.signed_response(&world.key);
    for (wrapped, expect) in [
        // Two, in either order.
        (
            words.around("", &format!("{unsigned}{genuine}")),
            Fault::Wrong("Assertion"),
        ),
        (
            words.around("", &format!("{genuine}{unsigned}")),
            Fault::Wrong("Assertion"),
        ),
        // The genuine one where nobody looks.
        (
            words.around("", &format!("{}{unsigned}", extensions(&genuine))),
            Fault::Unsigned,
        ),
        (
            words.around(
                "",
                &unsigned.replace("</saml:Assertion>", &format!("{genuine}</saml:Assertion>")),
            ),
            Fault::Unsigned,
        ),
        // The genuine signature in the lie, with what it is over within, beside, and around it.
        (words.around("", &renamed.assertion(&object(&bare))), Fault::Reference),
        (words.around("", &lie.assertion(&object(&bare))), Fault::Digest),
        (
            words.around("", &format!("{}{}", extensions(&bare), lie.assertion(&signature))),
            Fault::Digest,
        ),
        // Two signatures: which one counts?
        (
            words.around("", &lie.assertion(&format!("{signature}{signature}"))),
            Fault::Reference,
        ),
        // A signature of the response around another response.
        (lie.around(&response_signature, &unsigned), Fault::Digest),
        (
            lie.around(
                &response_signature.replace(
                    "</ds:Signature>",
                    &format!("<ds:Object>{genuine_response}</ds:Object></ds:Signature>"),
                ),
                &unsigned,
            ),
            Fault::Digest,
        ),
        (
            lie.around("", &format!("{}{unsigned}", extensions(&genuine_response))),
            Fault::Unsigned,
        ),
        // A signature of the assertion, moved up.
        (lie.around(&signature, &unsigned), Fault::Reference),
        (
            format!("<x>{}</x>", words.around("", &genuine)),
            Fault::Unreadable("it is no response"),
        ),
    ] {
        assert_eq!(world.refused(&wrapped).await, expect, "{wrapped}");
    }
    // A comment is not part of what was signed, so it may be put in; the text around it is one.
    let split = genuine.replace(ANNA, "anna@example.test<!-- x -->.evil.test");
    assert_eq!(world.refused(&words.around("", &split)).await, Fault::Digest);
    let mut longer = words.clone();
    longer.name_id = "anna@example.test.evil.test".to_owned();
    let split = longer
        .response(&world.key)
        .replace("example.test.evil", "example.test<!-- x -->.evil");
    let received = world.receive(&split).await.unwrap();
    let error = world.arrive(&received, &departure).await.unwrap_err();
    let SamlError::SignIn(OpenIdError::Nobody(who)) = error else {
        panic!("{error}")
    };
    assert_eq!(who, "anna@example.test.evil.test");
    // Nor is one within a digest.
    let genuine = words.signed_response(&world.key);
    let wrong = genuine.replace("<ds:DigestValue>", "<ds:DigestValue><!--AAAA-->AAAA");
    assert_eq!(world.refused(&wrong).await, Fault::Signature);
}

#[tokio::test]
async fn api_2_documents_that_would_hurt_are_not_read() {
    let world = World::with(SamlOptions {
        answer_octets_max: 16_384,
        ..SamlOptions::default()
    })
    .await;
    let words = world.words(&world.depart().await);
    let genuine = words.response(&world.key);
    let entity = format!(
        "<!DOCTYPE x [<!ENTITY e \"anna\">]>{}",
        genuine.replace(">anna@", ">&e;@")
    );
    assert_eq!(world.refused(&entity).await, Fault::DocumentType);
    assert_eq!(world.refused(&" ".repeat(16_385)).await, Fault::TooLong(16_384));
    assert_eq!(world.refused(&" ".repeat(100_000)).await, Fault::TooLong(16_384));
    // A long namespace that each of many elements would have to name.
    let elements = "<p:a/>".repeat(300);
    let blown = format!(
        "<samlp:Response xmlns:samlp='urn:oasis:names:tc:SAML:2.0:protocol' xmlns:p='{}'><ds:Signature xmlns:ds='http://www.w3.org/2000/09/xmldsig#'><ds:SignedInfo>\
         <ds:CanonicalizationMethod Algorithm='http://www.w3.org/2001/10/xml-exc-c14n#'/>{elements}</ds:SignedInfo></ds:Signature></samlp:Response>",
        "u".repeat(10_000)
    );
    assert_eq!(world.refused(&blown).await, Fault::TooLong(65_536));
    assert_eq!(world.refused("").await, Fault::Unreadable("it is no XML"));
    let receive = async |encoded: &str| match world.saml.receive(world.tenant, encoded).await {
        Err(SamlError::Provider(fault)) => fault,
        other => panic!("{other:?}"),
    };
    assert_eq!(receive("?").await, Fault::Unreadable("it is not base64"));
    assert_eq!(receive("/w==").await, Fault::Unreadable("it is not UTF-8"));
    let lines = STANDARD
        .encode(&genuine)
        .as_bytes()
        .chunks(76)
        .map(String::from_utf8_lossy)
        .collect::<Vec<_>>()
        .join("\r\n");
    assert!(world.saml.receive(world.tenant, &lines).await.is_ok());
}

#[tokio::test]
async fn api_2_an_assertion_is_good_once_and_in_the_browser_that_was_sent() {
    let options = SamlOptions::default();
    let world = World::with(options.clone()).await;
    let departure = world.depart().await;
    let response = world.words(&departure).response(&world.key);
    let received = world.receive(&response).await.unwrap();
    assert_eq!(world.refused(&response).await, Fault::Replayed);
    // On another node, too; and there the browser may go on.
    let (_, _, _, other) = node(&world.database, &options).await;
    let again = other.receive(world.tenant, &STANDARD.encode(&response)).await;
    assert!(matches!(again, Err(SamlError::Provider(Fault::Replayed))), "{again:?}");
    assert!(other.arrive(&received, &departure.cookie.1, comer(None)).await.is_ok());
    // Another browser, or one that was sent elsewhere.
    let is_attempt =
        |outcome: Result<Begun, SamlError>| matches!(outcome, Err(SamlError::SignIn(OpenIdError::Attempt)));
    let theirs = world.depart().await;
    assert!(is_attempt(world.arrive(&received, &theirs).await));
    let nothing = Departure {
        cookie: (String::new(), String::new(), 0),
        ..theirs.clone()
    };
    assert!(is_attempt(world.arrive(&received, &nothing).await));
    // The state of one way with the note of another.
    let response = world.words(&theirs).response(&world.key);
    let mixed = Received {
        note: received.note.clone(),
        ..world.receive(&response).await.unwrap()
    };
    assert!(is_attempt(world.arrive(&mixed, &theirs).await));
    // A request that nobody made.
    let say = |words: &mut Words| {
        words.request = "_AAAAAAAAAAAAAAAAAAAAAA".to_owned();
        words.around_request = words.request.clone();
    };
    assert!(is_attempt(world.sign_in(say).await));
    // The provider was changed meanwhile.
    let departure = world.depart().await;
    let received = world
        .receive(&world.words(&departure).response(&world.key))
        .await
        .unwrap();
    let mut moved = settings(&world.key);
    moved.provider.entity_id = "https://login.other.test".to_owned();
    world.set(moved).await.unwrap();
    assert!(is_attempt(world.arrive(&received, &departure).await));
}

#[tokio::test]
async fn api_2_a_way_back_that_takes_too_long_is_over() {
    let is_attempt =
        |outcome: Result<Begun, SamlError>| matches!(outcome, Err(SamlError::SignIn(OpenIdError::Attempt)));
    for options in [
        SamlOptions {
            arrive_secs: 0,
            ..SamlOptions::default()
        },
        SamlOptions {
            attempt_secs: 0,
            ..SamlOptions::default()
        },
    ] {
        let world = World::with(options).await;
        assert!(is_attempt(world.sign_in(|_| {}).await));
    }
}

#[tokio::test]
async fn api_2_who_comes_in_is_decided_as_with_openid_connect() {
    let world = World::new().await;
    let (other, eva) = organisation(&world.directory, "Other", "eva@other.test").await;
    let nobody = |outcome: Result<Begun, SamlError>| matches!(outcome, Err(SamlError::SignIn(OpenIdError::Nobody(_))));
    // Another organisation's member, and its domain.
    assert!(nobody(
        world.sign_in(|words| words.name_id = "eva@other.test".to_owned()).await
    ));
    assert!(nobody(
        world.sign_in(|words| words.name_id = "new@other.test".to_owned()).await
    ));
    assert!(world.openid.links(eva).await.unwrap().is_empty());
    // A response for one organisation is none for another.
    let departure = world.depart().await;
    let response = world.words(&departure).response(&world.key);
    let encoded = STANDARD.encode(&response);
    assert!(matches!(
        world.saml.receive(other, &encoded).await,
        Err(SamlError::SignIn(OpenIdError::NoProvider))
    ));
    let change = ProviderChange {
        settings: settings(&world.key),
        expect: None,
    };
    world.saml.set_provider(&world.directory, other, &change).await.unwrap();
    let crossed = world.saml.receive(other, &encoded).await;
    assert!(
        matches!(crossed, Err(SamlError::Provider(Fault::Wrong("Destination")))),
        "{crossed:?}"
    );
    // Whoever is new is made; the name is said by an attribute.
    let begun = world
        .sign_in(|words| {
            words.name_id = "ben@example.test".to_owned();
            words.attributes = attribute("displayName", "Ben Bo");
        })
        .await
        .unwrap();
    assert_eq!(begun.session.account.display_name, "Ben Bo");
    // The address in an attribute: who it is does not change with it.
    let mut by_attribute = settings(&world.key);
    by_attribute.mail_attribute = Some("mail".to_owned());
    by_attribute.admission.create_members = false;
    world.set(by_attribute).await.unwrap();
    let say = |words: &mut Words| {
        words.name_id = "a1b2".to_owned();
        words.attributes = attribute("mail", ANNA);
    };
    assert_eq!(world.sign_in(say).await.unwrap().session.account.id, world.anna);
    let begun = world.sign_in(|words| words.name_id = "a1b2".to_owned()).await.unwrap();
    assert_eq!(begun.session.account.id, world.anna);
    assert!(nobody(
        world
            .sign_in(|words| words.name_id = "new@example.test".to_owned())
            .await
    ));
    // A name that is another one each time is none.
    let transient = |words: &mut Words| {
        words.format = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient".to_owned();
        words.name_id = format!("_{}", now_secs());
    };
    assert_eq!(world.fault(transient).await, Fault::Wrong("NameID"));
    let begun = world
        .sign_in(|words| {
            transient(words);
            words.attributes = attribute("mail", ANNA);
        })
        .await
        .unwrap();
    assert_eq!(begun.session.account.id, world.anna);
}

#[tokio::test]
async fn api_2_a_disabled_member_is_refused() {
    let world = World::new().await;
    assert!(world.sign_in(|_| {}).await.is_ok());
    let change = AccountChange {
        state: Field::Set(AccountState::Disabled),
        ..AccountChange::default()
    };
    world.directory.change_account(world.anna, &change).await.unwrap();
    let outcome = world.sign_in(|_| {}).await;
    let Err(SamlError::SignIn(OpenIdError::Access(error))) = outcome else {
        panic!("{outcome:?}")
    };
    assert!(matches!(error, AccessError::Suspended), "{error:?}");
}

#[tokio::test]
async fn api_2_a_fresh_proof_is_asked_of_the_provider_and_identities_are_linked() {
    let world = World::new().await;
    let departure = world.depart_with(None, true).await;
    assert!(carried(&departure).contains(" ForceAuthn=\"true\""));
    let mut words = world.words(&departure);
    words.proved = now_secs() - 1_000;
    let received = world.receive(&words.response(&world.key)).await.unwrap();
    let old = world.arrive(&received, &departure).await;
    assert!(
        matches!(old, Err(SamlError::Provider(Fault::Wrong("AuthnInstant")))),
        "{old:?}"
    );
    let received = world
        .receive(&world.words(&departure).response(&world.key))
        .await
        .unwrap();
    let begun = world.arrive(&received, &departure).await.unwrap();
    // By hand: whoever is signed in here.
    let departure = world.depart_with(Some(world.anna), false).await;
    let mut words = world.words(&departure);
    words.name_id = "another-name".to_owned();
    let received = world.receive(&words.response(&world.key)).await.unwrap();
    let kept = &departure.cookie.1;
    assert!(world.saml.arrive(&received, kept, comer(None)).await.is_err());
    let linked = world
        .saml
        .arrive(&received, kept, comer(Some(begun.token.reveal())))
        .await
        .unwrap();
    assert!(matches!(linked, Arrived::Linked { .. }));
    assert_eq!(world.openid.links(world.anna).await.unwrap().len(), 2);
    assert!(
        world
            .openid
            .leave(begun.token.reveal(), &begun.session)
            .await
            .unwrap()
            .is_none()
    );
    assert!(world.access.web_session(begun.token.reveal(), PEER).await.is_err());
}

#[tokio::test]
async fn api_2_settings_that_cannot_work_are_refused() {
    let world = World::new().await;
    let bad: [fn(&mut ProviderSettings); 11] = [
        |settings| settings.provider.entity_id.clear(),
        |settings| settings.provider.entity_id = "a b".to_owned(),
        |settings| settings.provider.entity_id = "x".repeat(1_025),
        |settings| settings.provider.sign_in_address = "http://login.acme.test/".to_owned(),
        |settings| settings.provider.sign_in_address = "javascript:alert(1)".to_owned(),
        |settings| settings.provider.sign_in_address = format!("https://login.acme.test/{}", "x".repeat(2_048)),
        |settings| settings.provider.certificates.clear(),
        |settings| settings.provider.certificates = vec![settings.provider.certificates[0].clone(); 6],
        |settings| settings.label = "x".repeat(65),
        |settings| settings.mail_attribute = Some(String::new()),
        |settings| {
            settings.provider.sign_out = Some(SignOutPlace {
                location: "http://login.acme.test/slo".to_owned(),
                response_location: None,
                by_post: false,
            });
        },
    ];
    for (at, spoil) in bad.into_iter().enumerate() {
        let mut wrong = settings(&world.key);
        spoil(&mut wrong);
        let outcome = world.set(wrong).await;
        let Err(SamlError::SignIn(OpenIdError::Access(error))) = outcome else {
            panic!("{at}: {outcome:?}")
        };
        assert!(
            matches!(error, AccessError::Directory(hongyan_directory::Error::Invalid(_))),
            "{at}: {error:?}"
        );
    }
    assert_eq!(
        world.saml.provider(world.tenant).await.unwrap().unwrap().settings,
        settings(&world.key)
    );
    for text in [
        "",
        "x",
        "AAAA",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
    ] {
        assert!(Certificate::read(text).is_err(), "{text}");
    }
    let certificate = Certificate::read(&world.key.pem).unwrap();
    assert_eq!(Certificate::read(&certificate.pem()), Ok(certificate.clone()));
    let packed: String = world.key.pem.lines().filter(|line| !line.starts_with('-')).collect();
    let metadata = format!(
        "\u{feff}<?xml version='1.0'?><!-- c --><m:EntityDescriptor xmlns:m='urn:oasis:names:tc:SAML:2.0:metadata' entityID='{ENTITY}'><m:IDPSSODescriptor>\
         <m:KeyDescriptor use='encryption'><x/></m:KeyDescriptor><m:KeyDescriptor use='signing'><d:KeyInfo xmlns:d='http://www.w3.org/2000/09/xmldsig#'><d:X509Data>\
         <d:X509Certificate>\n{packed}\n</d:X509Certificate></d:X509Data></d:KeyInfo></m:KeyDescriptor>\
         <m:SingleSignOnService Binding='urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST' Location='https://x.test/'/>\
         <m:SingleSignOnService Binding='urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect' Location='{SIGN_IN}'/></m:IDPSSODescriptor></m:EntityDescriptor>"
    );
    assert_eq!(
        world.saml.read_metadata(&metadata).unwrap(),
        settings(&world.key).provider
    );
    for (from, to) in [
        ("EntityDescriptor", "EntitiesDescriptor"),
        ("IDPSSODescriptor", "SPSSODescriptor"),
        ("HTTP-Redirect", "HTTP-Artifact"),
        (packed.as_str(), "AAAA"),
        ("<!-- c -->", "<!DOCTYPE x>"),
    ] {
        let wrong = metadata.replace(from, to);
        assert!(
            matches!(world.saml.read_metadata(&wrong), Err(SamlError::Provider(_))),
            "{from}"
        );
    }
    world
        .saml
        .remove_provider(&world.directory, world.tenant)
        .await
        .unwrap();
    let gone = world.saml.remove_provider(&world.directory, world.tenant).await;
    assert!(matches!(gone, Err(SamlError::SignIn(OpenIdError::NoProvider))));
}

/// What two other implementations have signed with a key of RSA: one the assertion, the other that and the response around it.
#[test]
fn api_2_responses_of_other_implementations_are_read() {
    let certificate = Certificate::read(include_str!("other/certificate.pem")).unwrap();
    let expected = Expected {
        provider: "https://idp.example.test",
        certificates: &[certificate],
        audience: "https://localhost/sso/saml/1/metadata",
        recipient: "https://localhost/sso/saml/1/acs",
        mail_attribute: Some("mail"),
        name_attribute: Some("displayName"),
        now_secs: 1_800_000_000,
        tolerance_secs: 0,
        octets_max: 65_536,
    };
    for text in [
        include_str!("other/response.xml"),
        include_str!("other/response_signed_twice.xml"),
    ] {
        let said = hongyan_saml::read_response(text, &expected).unwrap();
        assert_eq!(
            (said.subject.as_str(), said.mail.as_deref()),
            ("anna-at-idp", Some("anna@acme.test"))
        );
        assert_eq!(said.name.as_deref(), Some("Anna & 安娜"));
        assert_eq!(
            (said.request.as_str(), said.session.as_deref()),
            ("_request", Some("session-1"))
        );
        let spoilt = text.replace("anna@acme.test", "bea@acme.test");
        assert_eq!(hongyan_saml::read_response(&spoilt, &expected), Err(Fault::Digest));
    }
}
