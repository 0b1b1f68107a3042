//! Certificates from an authority in the test, ordered by one node and shown by another.

mod authority;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use authority::{Authority, Check, Mood};
use axum::body::{Body, to_bytes};
use axum::http::Request;
use hongyan_acme::{Acme, AcmeParts, AcmeSettings, Challenge, routes};
use hongyan_env::{Env, ZoneDns};
use hongyan_http_discovery::{Door, Offer, Service as Offered, StsMode, StsPolicy};
use hongyan_listener::{CertificatePem, Connection, Refusal, Service, TlsConfig, TlsMode, self_signed};
use hongyan_miniature::{Miniature, Options};
use hongyan_types::Domain;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::TlsConnector;
use tower::ServiceExt;
use x509_parser::prelude::{FromDer, X509Certificate};

const HOST: &str = "mx.host.test";
/// For what must happen: only a broken program takes so long.
const AT_LAST: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(10);

/// Completes handshakes and says nothing.
struct Silent;

impl Service for Silent {
    fn name(&self) -> &'static str {
        "silent"
    }
    fn refusal(&self, _: Refusal) -> &'static [u8] {
        b""
    }
    async fn serve(self: Arc<Self>, _: Connection) {}
}

fn name(text: &str) -> Domain {
    Domain::try_from(text).unwrap()
}

fn offer() -> Offer {
    Offer {
        doors: vec![Door {
            service: Offered::Https,
            host: name(HOST),
            port: 443,
        }],
        regional_hosts: Vec::new(),
        mail_hosts: vec![name(HOST)],
        spf_include: None,
        sts: StsPolicy {
            mode: StsMode::None,
            age_secs_max: 86_400,
        },
    }
}

fn tls() -> TlsConfig {
    TlsConfig::from_pem(&[self_signed(&["unknown.test".to_owned()]).unwrap()]).unwrap()
}

/// Takes whatever certificate comes, to look at it.
#[derive(Debug)]
struct Anything;

impl ServerCertVerifier for Anything {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }
    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }
    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        rustls::crypto::ring::default_provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}

fn client() -> rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
}

async fn handshake(env: &Env, config: ClientConfig, at: SocketAddr, server: &str) -> std::io::Result<Vec<u8>> {
    let stream = env.connect(at).await?;
    let server = ServerName::try_from(server.to_owned()).unwrap();
    let stream = TlsConnector::from(Arc::new(config)).connect(server, stream).await?;
    Ok(stream.get_ref().1.peer_certificates().unwrap()[0].to_vec())
}

/// Whether a node shows a certificate of this authority for `server`.
async fn is_shown(env: &Env, root: CertificateDer<'static>, at: SocketAddr, server: &str) -> bool {
    let mut roots = RootCertStore::empty();
    roots.add(root).unwrap();
    let config = client().with_root_certificates(roots).with_no_client_auth();
    handshake(env, config, at, server).await.is_ok()
}

async fn until(env: &Env, mut is_so: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !is_so().await {
            env.sleep(POLL).await;
        }
    };
    env.timeout(AT_LAST, wait).await.expect("it happens at last");
}

/// RFC 8737 §3: what an authority is shown; an error when there is no answer.
async fn shown_by_tls(env: &Env, at: SocketAddr, server: &str) -> std::io::Result<Vec<u8>> {
    let mut config = client()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anything))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"acme-tls/1".to_vec()];
    handshake(env, config, at, server).await
}

/// RFC 8737 §3: what it must be.
fn check_shown(shown: &[u8], server: &str, authorization: &str) {
    let (_, certificate) = X509Certificate::from_der(shown).unwrap();
    let names = certificate.subject_alternative_name().unwrap().unwrap();
    assert_eq!(names.value.general_names.len(), 1);
    assert_eq!(names.value.general_names[0].to_string(), format!("DNSName({server})"));
    let mut extensions = certificate.extensions().iter();
    let identifier = extensions
        .find(|extension| extension.oid.to_id_string() == "1.3.6.1.5.5.7.1.31")
        .expect("there is an acmeIdentifier");
    assert!(identifier.critical);
    let hash = ring::digest::digest(&ring::digest::SHA256, authorization.as_bytes());
    assert_eq!(identifier.value[..2], [4, 32]);
    assert_eq!(&identifier.value[2..], hash.as_ref());
}

/// Two nodes over one store, and the address of the second one.
struct Place {
    node: Miniature,
    env: Env,
    dns: ZoneDns,
}

impl Place {
    async fn new() -> Self {
        let node = Miniature::start(&Options::default()).await;
        let dns = ZoneDns::default();
        for host in [HOST, "autoconfig.example.test"] {
            dns.add_address(host, [192, 0, 2, 1].into());
        }
        let env = Env::real_with_dns(Arc::new(dns.clone()));
        Self { node, env, dns }
    }

    fn acme(&self, authority: &Authority, challenge: Challenge, tls: TlsConfig) -> Acme {
        let settings = AcmeSettings {
            contacts: vec!["root@host.test".to_owned()],
            challenge,
            own_names: vec![name(HOST)],
            roots: vec![authority.tls_root()],
            settle: Duration::ZERO,
            names_every: Duration::ZERO,
            ..AcmeSettings::new(authority.directory())
        };
        Acme::new(AcmeParts {
            env: self.env.clone(),
            database: self.node.database.clone(),
            directory: self.node.directory.clone(),
            offer: Arc::new(offer()),
            tls,
            is_mine: Arc::new(|| true),
            settings,
        })
        .unwrap()
    }
}

fn run<F: Future<Output = Place>>(test: impl FnOnce(Place) -> F) {
    hongyan_actor::run(1, async {
        let place = test(Place::new().await).await;
        place.node.stop().await;
    });
}

fn believing() -> Check {
    Arc::new(|_, _, _| Box::pin(async { Ok(()) }))
}

#[test]
fn a_node_orders_and_another_answers_and_shows_what_came() {
    run(|place| async move {
        let shown_by = tls();
        let other = place.node.listen(Silent, TlsMode::Implicit(shown_by.for_http())).await;
        let (at, env) = (other.local_address(), place.env.clone());
        // An authority has patience, and so the test needs no luck: the other node looks when it has time.
        let check: Check = Arc::new(move |name, _, authorization| {
            let env = env.clone();
            Box::pin(async move {
                loop {
                    if let Ok(shown) = shown_by_tls(&env, at, &name).await {
                        check_shown(&shown, &name, &authorization);
                        return Ok(());
                    }
                    env.sleep(POLL).await;
                }
            })
        });
        let authority = Authority::open(&place.env, "tls-alpn-01", check).await;
        authority.set_mood(Mood {
            bad_nonce: true,
            ..Mood::default()
        });
        let orders = place.acme(&authority, Challenge::TlsAlpn01, tls());
        let follows = place.acme(&authority, Challenge::TlsAlpn01, shown_by);
        let following = tokio::spawn(follows.follow());
        assert_eq!(orders.round().await.unwrap(), 2);
        assert_eq!(authority.orders(), [[HOST], ["autoconfig.example.test"]]);
        assert_eq!(authority.contacts(), serde_json::json!(["mailto:root@host.test"]));
        for server in [HOST, "autoconfig.example.test"] {
            until(&place.env, async || {
                is_shown(&place.env, authority.root(), at, server).await
            })
            .await;
        }
        // The answers are taken down, and then whoever asks gets none.
        until(&place.env, async || shown_by_tls(&place.env, at, HOST).await.is_err()).await;
        // All is well: nothing more is ordered, by neither.
        assert_eq!(orders.round().await.unwrap(), 0);
        assert_eq!(authority.orders().len(), 2);
        let status = orders.status().await.unwrap();
        let status: Vec<_> = status
            .iter()
            .map(|one| (one.subject.as_str(), one.failures, &one.error))
            .collect();
        assert_eq!(status, [("", 0, &None), ("example.test", 0, &None)]);
        following.abort();
        drop(other);
        place
    });
}

#[test]
fn a_file_is_answered_by_any_node() {
    run(|place| async move {
        let (sender, receiver) = tokio::sync::watch::channel(None::<axum::Router>);
        let check: Check = Arc::new(move |_, token, authorization| {
            let receiver = receiver.clone();
            Box::pin(async move {
                let router = receiver.borrow().clone().unwrap();
                let ask = |token: &str| {
                    let path = format!("/.well-known/acme-challenge/{token}");
                    router.clone().oneshot(Request::get(path).body(Body::empty()).unwrap())
                };
                assert_eq!(ask("another").await.unwrap().status(), 404);
                let body = to_bytes(ask(&token).await.unwrap().into_body(), 1 << 10).await.unwrap();
                assert_eq!(body, authorization.as_bytes());
                Ok(())
            })
        });
        let authority = Authority::open(&place.env, "http-01", check).await;
        let orders = place.acme(&authority, Challenge::Http01, tls());
        let other = place.acme(&authority, Challenge::Http01, tls());
        sender.send(Some(routes(other))).unwrap();
        assert_eq!(orders.round().await.unwrap(), 2);
        place
    });
}

#[test]
fn a_failure_is_told_waits_and_stops_nobody_else() {
    run(|place| async move {
        let check: Check = Arc::new(|name, _, _| {
            let refused = name == HOST;
            Box::pin(async move {
                if refused {
                    Err("no such host".to_owned())
                } else {
                    Ok(())
                }
            })
        });
        let authority = Authority::open(&place.env, "http-01", check).await;
        let acme = place.acme(&authority, Challenge::Http01, tls());
        assert_eq!(acme.round().await.unwrap(), 1);
        let status = acme.status().await.unwrap();
        assert_eq!(status[0].failures, 1);
        assert_eq!(
            status[0].error.as_deref(),
            Some("mx.host.test is not proven: no such host")
        );
        assert!(status[0].next_millis.unwrap() >= place.env.wall_millis());
        assert_eq!(status[1].names, ["autoconfig.example.test"]);
        // Nor is it asked again before the pause is over.
        assert_eq!(acme.round().await.unwrap(), 0);
        assert_eq!(authority.orders().len(), 2);
        place
    });
}

#[test]
fn a_certificate_that_ends_is_ordered_again_with_the_names_of_that_day() {
    run(|place| async move {
        let authority = Authority::open(&place.env, "http-01", believing()).await;
        authority.set_mood(Mood {
            ended: true,
            ..Mood::default()
        });
        let acme = place.acme(&authority, Challenge::Http01, tls());
        assert_eq!(acme.round().await.unwrap(), 2);
        authority.set_mood(Mood::default());
        place.dns.add_address("mta-sts.example.test", [192, 0, 2, 1].into());
        place
            .dns
            .add_address("autodiscover.example.test", [192, 0, 2, 1].into());
        place
            .dns
            .add_address("autodiscover.example.test", [192, 0, 2, 9].into());
        assert_eq!(acme.round().await.unwrap(), 2);
        // There is no policy, so `mta-sts` is no name of ours; `autodiscover` leads elsewhere too.
        assert_eq!(authority.orders()[3], ["autoconfig.example.test"]);
        assert_eq!(acme.round().await.unwrap(), 0);
        place
    });
}

#[test]
fn a_domain_that_is_gone_takes_its_certificate_along() {
    run(|place| async move {
        let authority = Authority::open(&place.env, "http-01", believing()).await;
        let (gone, directory) = (name("gone.test"), &place.node.directory);
        directory.create_domain(place.node.mailbox.tenant, &gone).await.unwrap();
        place.dns.add_address("autoconfig.gone.test", [192, 0, 2, 1].into());
        let acme = place.acme(&authority, Challenge::Http01, tls());
        assert_eq!(acme.round().await.unwrap(), 3);
        directory.delete_domain(&gone).await.unwrap();
        assert_eq!(acme.round().await.unwrap(), 0);
        let status = acme.status().await.unwrap();
        let subjects: Vec<_> = status.iter().map(|one| one.subject.as_str()).collect();
        assert_eq!(subjects, ["", "example.test"]);
        place
    });
}

#[test]
fn lgn_7_an_own_certificate_is_shown_by_all_nodes_at_once_and_nothing_is_ordered_for_its_names() {
    run(|place| async move {
        let shown_by = tls();
        let other = place.node.listen(Silent, TlsMode::Implicit(shown_by.for_http())).await;
        let at = other.local_address();
        let authority = Authority::open(&place.env, "http-01", believing()).await;
        let own = Authority::open(&place.env, "http-01", believing()).await;
        let orders = place.acme(&authority, Challenge::Http01, tls());
        let follows = place.acme(&authority, Challenge::Http01, shown_by);
        let following = tokio::spawn(follows.follow());
        let (domain, tenant) = (name("example.test"), place.node.mailbox.tenant);
        let pem = own.issue(&["autoconfig.example.test", "*.example.test"]);
        orders.set_own(tenant, &domain, &pem).await.unwrap();
        for server in ["autoconfig.example.test", "any.example.test"] {
            until(&place.env, async || is_shown(&place.env, own.root(), at, server).await).await;
        }
        assert_eq!(orders.round().await.unwrap(), 1, "for the operator's own names");
        assert_eq!(authority.orders(), [[HOST]]);
        // What cannot be used changes nothing.
        let broken = CertificatePem {
            key: own.issue(&["example.test"]).key,
            ..pem.clone()
        };
        let refused = orders.set_own(tenant, &domain, &broken).await.unwrap_err();
        assert!(refused.to_string().contains("does not belong"), "{refused}");
        assert!(is_shown(&place.env, own.root(), at, "any.example.test").await);
        // Without it the authority is asked for the name.
        assert!(orders.remove_own(&domain).await.unwrap());
        assert_eq!(orders.round().await.unwrap(), 1);
        until(&place.env, async || {
            is_shown(&place.env, authority.root(), at, "autoconfig.example.test").await
        })
        .await;
        following.abort();
        drop(other);
        place
    });
}

#[test]
fn lgn_7_the_authority_is_asked_for_no_name_of_a_domain_that_is_not_proven() {
    run(|place| async move {
        let authority = Authority::open(&place.env, "http-01", believing()).await;
        let (claimed, directory) = (name("claimed.test"), &place.node.directory);
        directory
            .claim_domain(place.node.mailbox.tenant, &claimed)
            .await
            .unwrap();
        place.dns.add_address("autoconfig.claimed.test", [192, 0, 2, 1].into());
        let acme = place.acme(&authority, Challenge::Http01, tls());
        assert_eq!(acme.round().await.unwrap(), 2);
        assert!(!authority.orders().iter().flatten().any(|name| name.contains("claimed")));
        place
    });
}

#[test]
fn lgn_7_administrators_are_told_before_an_own_certificate_ends() {
    run(|place| async move {
        let authority = Authority::open(&place.env, "http-01", believing()).await;
        let acme = place.acme(&authority, Challenge::Http01, tls());
        let (domain, tenant) = (name("example.test"), place.node.mailbox.tenant);
        let pem = authority.issue_for(&["example.test"], 10);
        acme.set_own(tenant, &domain, &pem).await.unwrap();
        let told = async || {
            let mut transaction = place.node.database.begin();
            let due = hongyan_notice::due(&mut transaction, place.node.directory.now(), 10)
                .await
                .unwrap();
            due.into_iter().map(|due| due.notice.kind).collect::<Vec<_>>()
        };
        for _ in 0..2 {
            acme.round().await.unwrap();
            assert_eq!(told().await, ["certificate.ends"], "once");
        }
        place
    });
}

/// What the operator is told when nothing comes of an order with this authority.
fn check_failure(kind: &'static str, mood: Mood, expect: &'static str) {
    run(|place| async move {
        let authority = Authority::open(&place.env, kind, believing()).await;
        authority.set_mood(mood);
        let acme = place.acme(&authority, Challenge::Http01, tls());
        assert_eq!(acme.round().await.unwrap(), 0);
        let status = acme.status().await.unwrap();
        assert_eq!(status[0].error.as_deref(), Some(expect));
        place
    });
}

#[test]
fn a_certificate_for_other_names_is_not_taken() {
    let mood = Mood {
        other_name: true,
        ..Mood::default()
    };
    let expect = "the certificate that came cannot be used: mx.host.test is not in it";
    check_failure("http-01", mood, expect);
}

#[test]
fn an_authority_that_wants_another_proof_is_a_failure_like_others() {
    let expect = "the certificate authority offers no http-01 for mx.host.test";
    check_failure("dns-01", Mood::default(), expect);
}
