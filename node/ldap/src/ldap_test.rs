//! A whole synchronisation, and sign-in by bind, with a small LDAP server of the test's own over TLS.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Mutex;

use hongyan_access::{AccessError, Protocol};
use hongyan_directory::{AccountState, NewAccount};
use hongyan_fetch::FetchOptions;
use hongyan_miniature::Organisation;
use hongyan_types::{Address, AddressRanges};
use rustls_pki_types::PrivatePkcs8KeyDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::person::tests::settings;
use crate::{LdapChange, Master};

const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    let mut whole = vec![tag, 0x82];
    whole.extend(u16::try_from(body.len()).unwrap().to_be_bytes());
    whole.extend(body);
    whole
}

/// A person of the server: name, identifier, address, display name, password.
#[derive(Clone)]
struct Entry(&'static str, &'static str, &'static str, &'static str, &'static str);

impl Entry {
    fn octets(&self) -> Vec<u8> {
        let attribute = |name: &str, value: &str| {
            let value = element(4, &[value.as_bytes()]);
            element(0x30, &[&element(4, &[name.as_bytes()]), &element(0x31, &[&value])])
        };
        let attributes = [
            attribute("entryUUID", self.1),
            attribute("mail", self.2),
            attribute("displayName", self.3),
        ];
        let attributes: Vec<&[u8]> = attributes.iter().map(Vec::as_slice).collect();
        element(0x64, &[&element(4, &[self.0.as_bytes()]), &element(0x30, &attributes)])
    }
}

#[derive(Clone, Default)]
struct People(Arc<Mutex<Vec<Entry>>>);

impl People {
    /// The answers to a request.
    fn answer(&self, request: &[u8]) -> Vec<u8> {
        let head = if request[1] < 0x80 {
            2
        } else {
            2 + usize::from(request[1] & 0x7f)
        };
        let (id, operation) = (request[head + 2], &request[head + 3..]);
        let people = self.0.lock().unwrap().clone();
        let message = |body: &[u8]| element(0x30, &[&[2, 1, id], body]);
        let outcome = |tag: u8, code: u8| message(&element(tag, &[&[0x0a, 1, code, 4, 0, 4, 0]]));
        let has = |text: &str| operation.windows(text.len()).any(|part| part == text.as_bytes());
        match operation[0] {
            0x60 => {
                let is_right = |one: &Entry| has(one.0) && has(one.4);
                let code = if people.iter().any(is_right) || has("reader-secret") {
                    0
                } else {
                    49
                };
                outcome(0x61, code)
            }
            0x63 => {
                let mut all: Vec<u8> = people.iter().flat_map(|one| message(&one.octets())).collect();
                all.extend(outcome(0x65, 0));
                all
            }
            _ => Vec::new(),
        }
    }

    /// Serves on a port, with a certificate that it gives.
    async fn serve(&self, env: &Env) -> (u16, rustls_pki_types::CertificateDer<'static>) {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let certificate = made.cert.der().clone();
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key.into())
            .unwrap();
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        let listener = env.listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let port = listener.local_address().unwrap().port();
        let people = self.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, people) = (acceptor.clone(), people.clone());
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else {
                        return;
                    };
                    let mut request = vec![0; 16_384];
                    while let Ok(count) = stream.read(&mut request).await {
                        if count == 0 || stream.write_all(&people.answer(&request[..count])).await.is_err() {
                            return;
                        }
                        let _ = stream.flush().await;
                    }
                });
            }
        });
        (port, certificate)
    }
}

struct Place {
    people: People,
    ldap: Ldap,
    directory: Directory,
    access: Access,
    tenant: TenantId,
}

fn person(number: usize) -> Entry {
    let all = [
        Entry(
            "cn=a,ou=HQ,dc=example,dc=test",
            "u-a",
            "anna@example.test",
            "Anna",
            "anna-secret",
        ),
        Entry(
            "cn=b,dc=example,dc=test",
            "u-b",
            "bob@example.test",
            "Bob",
            "bob-secret",
        ),
    ];
    all[number].clone()
}

impl Place {
    async fn new(change: impl FnOnce(&mut LdapSettings)) -> Self {
        let env = Env::real();
        let people = People::default();
        let (port, root) = people.serve(&env).await;
        let Organisation {
            database,
            directory,
            access,
            tenant,
        } = Organisation::new(&env, "example.test").await;
        let fetching = FetchOptions {
            networks: AddressRanges::read(&["127.0.0.1"]).unwrap().0,
            roots: vec![root],
            ..FetchOptions::default()
        };
        let fetcher = Fetcher::new(env.clone(), fetching).unwrap();
        let options = LdapOptions::default();
        let ldap = Ldap::new(env, database, directory.clone(), access.clone(), fetcher, options);
        access.prove_outside(Arc::new(ldap.clone()));
        let mut settings = LdapSettings {
            url: format!("ldaps://127.0.0.1:{port}"),
            bind_name: "cn=reader,dc=example,dc=test".to_owned(),
            password: Some(Secret::new("reader-secret")),
            disable_percent_max: 50,
            ..settings()
        };
        change(&mut settings);
        let change = LdapChange {
            settings,
            keep_password: false,
        };
        ldap.set_settings(&directory, tenant, &change).await.unwrap();
        Self {
            people,
            ldap,
            directory,
            access,
            tenant,
        }
    }

    fn has(&self, numbers: &[usize]) {
        *self.people.0.lock().unwrap() = numbers.iter().map(|number| person(*number)).collect();
    }

    /// Synchronises; gives what was done to whom, and what was wrong with it.
    async fn sync(&self, dry: bool) -> Vec<String> {
        let plan = self.ldap.plan(self.tenant).await.unwrap();
        let applying = self.ldap.applying(&self.directory, self.tenant, dry).await.unwrap();
        let mut done = Vec::new();
        for planned in &plan.entries {
            let kept = Planned::from_cells(&planned.to_cells()).unwrap();
            let problems = applying.apply(&kept).await.unwrap();
            done.push(format!("{} {} {problems:?}", planned.action.label(), planned.address));
        }
        done
    }

    async fn account(&self, text: &str) -> Option<Arc<AccountRecord>> {
        let login = self.directory.login(text).await.unwrap();
        login.map(|login| login.account)
    }

    async fn sign_in(&self, name: &str, password: &str) -> Result<(), AccessError> {
        let password = Secret::new(password);
        let signed = self.access.verify_password(Protocol::Imap, name, &password, PEER).await;
        signed.map(drop)
    }
}

#[tokio::test]
async fn org_14_people_come_go_and_come_back() {
    let place = Place::new(|_| {}).await;
    place.has(&[0, 1]);
    assert_eq!(
        place.sync(true).await,
        ["create anna@example.test []", "create bob@example.test []"]
    );
    assert!(place.account("anna@example.test").await.is_none(), "it was tried only");
    place.sync(false).await;
    let anna = place.account("anna@example.test").await.unwrap();
    assert_eq!((anna.display_name.as_str(), anna.departments.len()), ("Anna", 1));
    assert_eq!(anna.profile.external_id, "ldap:u-a");
    assert_eq!(
        place.sync(false).await,
        ["keep anna@example.test []", "keep bob@example.test []"]
    );
    place.has(&[0]);
    let plan = place.ldap.plan(place.tenant).await.unwrap();
    assert_eq!((plan.linked, plan.gone, plan.refusal()), (2, 1, None));
    assert_eq!(
        place.sync(false).await,
        ["keep anna@example.test []", "disable bob@example.test []"]
    );
    let bob = place.account("bob@example.test").await.unwrap();
    assert_eq!(bob.state, AccountState::Disabled);
    // Whoever is disabled counts no more, and comes back.
    place.has(&[0, 1]);
    assert_eq!(
        place.sync(false).await,
        ["keep anna@example.test []", "change bob@example.test []"]
    );
    let bob = place.account("bob@example.test").await.unwrap();
    assert_eq!(bob.state, AccountState::Active);
    place.has(&[]);
    let refusal = place.ldap.plan(place.tenant).await.unwrap().refusal();
    let expect = "disable_percent_max is 50, and 2 of 2 members would be disabled";
    assert_eq!(refusal.as_deref(), Some(expect));
}

#[tokio::test]
async fn org_14_what_is_done_twice_is_done_once() {
    let place = Place::new(|_| {}).await;
    place.has(&[0]);
    let plan = place.ldap.plan(place.tenant).await.unwrap();
    let applying = place
        .ldap
        .applying(&place.directory, place.tenant, false)
        .await
        .unwrap();
    for _ in 0..2 {
        assert_eq!(applying.apply(&plan.entries[0]).await.unwrap(), []);
    }
    assert!(place.account("anna@example.test").await.is_some());
}

#[tokio::test]
async fn org_14_what_is_wrong_with_the_place_is_said() {
    let place = Place::new(|settings| settings.password = Some(Secret::new("another"))).await;
    let error = place.ldap.check(place.tenant).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the LDAP directory refuses the bind: invalid credentials (49) "
    );
    let elsewhere = LdapChange {
        settings: LdapSettings {
            url: "ldaps://10.0.0.1".to_owned(),
            ..place.ldap.settings(place.tenant).await.unwrap().unwrap()
        },
        keep_password: true,
    };
    let refused = place
        .ldap
        .set_settings(&place.directory, place.tenant, &elsewhere)
        .await;
    assert!(refused.unwrap_err().to_string().contains("ldap.networks"));
    // A password is shown to no other server.
    let moved = LdapChange {
        settings: LdapSettings {
            url: "ldaps://127.0.0.1:1".to_owned(),
            ..elsewhere.settings
        },
        keep_password: true,
    };
    let refused = place.ldap.set_settings(&place.directory, place.tenant, &moved).await;
    assert!(refused.unwrap_err().to_string().contains("password"));
}

#[tokio::test]
async fn org_14_passwords_are_proved_by_a_bind() {
    let place = Place::new(|settings| {
        settings.bind_sign_in = true;
        settings.department_master = Master::Hongyan;
    })
    .await;
    place.has(&[0, 1]);
    place.sync(false).await;
    let ours = NewAccount {
        credential: Some(place.access.hash_password(&Secret::new("ours-secret")).await.unwrap()),
        ..NewAccount::at(Address::try_from("ours@example.test").unwrap())
    };
    place.directory.create_account(&ours).await.unwrap();
    place.sign_in("anna@example.test", "anna-secret").await.unwrap();
    place.sign_in("ours@example.test", "ours-secret").await.unwrap();
    for (name, password) in [
        ("anna@example.test", "bob-secret"),
        ("anna@example.test", ""),
        ("ours@example.test", "anna-secret"),
        ("nobody@example.test", "anna-secret"),
        ("nobody@other.test", "anna-secret"),
    ] {
        let refused = place.sign_in(name, password).await;
        assert!(
            matches!(refused, Err(AccessError::BadCredentials)),
            "{name}: {refused:?}"
        );
    }
    // Proved lately, it is remembered, also while the server knows nobody.
    place.has(&[1]);
    place.sign_in("anna@example.test", "anna-secret").await.unwrap();
    place.sync(false).await;
    let gone = place.sign_in("anna@example.test", "anna-secret").await;
    assert!(gone.is_err(), "whoever is gone is not let in");
}
