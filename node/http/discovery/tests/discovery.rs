//! The documents as clients get them: transcripts, and a profile whose signature is good.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, header};
use hongyan_directory::{Protocol, SignInPolicy};
use hongyan_http_discovery::{DiscoveryServices, Door, Offer, Service, StsMode, StsPolicy, routes};
use hongyan_listener::{TlsConfig, self_signed};
use hongyan_miniature::{Miniature, Options};
use hongyan_types::Domain;
use tower::ServiceExt;

const HOST: &str = "mx.host.test";

fn name(text: &str) -> Domain {
    Domain::try_from(text).unwrap()
}

fn offer(services: &[(Service, u16)]) -> Offer {
    Offer {
        doors: services
            .iter()
            .map(|(service, port)| Door {
                service: *service,
                host: name(HOST),
                port: *port,
            })
            .collect(),
        regional_hosts: Vec::new(),
        mail_hosts: vec![name(HOST), name("mx2.host.test")],
        spf_include: None,
        sts: StsPolicy {
            mode: StsMode::Enforce,
            age_secs_max: 604_800,
        },
    }
}

fn all() -> Offer {
    offer(&[
        (Service::Imap, 143),
        (Service::Imaps, 993),
        (Service::Pop3s, 995),
        (Service::Submission, 587),
        (Service::Submissions, 465),
        (Service::Https, 443),
    ])
}

/// Runs a test against the routes of a node that serves `example.test`.
fn with_routes<F: Future<Output = ()>>(offer: Offer, test: impl FnOnce(Router) -> F) {
    with_policy(offer, &SignInPolicy::default(), test);
}

fn with_policy<F: Future<Output = ()>>(offer: Offer, policy: &SignInPolicy, test: impl FnOnce(Router) -> F) {
    hongyan_actor::run(1, async {
        let node = Miniature::start(&Options::default()).await;
        let tenant = node.mailbox.tenant;
        node.directory.set_sign_in_policy(tenant, policy, None).await.unwrap();
        let pem = self_signed(&[HOST.to_owned()]).unwrap();
        let router = routes(DiscoveryServices {
            env: node.env.clone(),
            directory: node.directory.clone(),
            offer: Arc::new(offer),
            tls: TlsConfig::from_pem(&[pem]).unwrap(),
        });
        test(router).await;
        node.stop().await;
    });
}

async fn ask(router: &Router, request: Request<Body>) -> (u16, String, Vec<u8>) {
    let response = router.clone().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let kind = response.headers().get(header::CONTENT_TYPE);
    let kind = kind.map_or_else(String::new, |kind| kind.to_str().unwrap().to_owned());
    let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, kind, body.to_vec())
}

/// One exchange: a request and what it is answered.
struct Exchange<'t> {
    request: &'t str,
    body: &'t str,
    status: &'t str,
    answer: &'t str,
}

/// `C: METHOD url` with the body below it, `S: status type` with the answer below it, up to a line of `---`.
fn exchanges(text: &str) -> impl Iterator<Item = Exchange<'_>> {
    text.split("---\n").map(|exchange| {
        let exchange = exchange.strip_prefix("C: ").unwrap();
        let (client, server) = exchange.split_once("S: ").unwrap();
        let (request, body) = client.split_once('\n').unwrap();
        let (status, answer) = server.split_once('\n').unwrap();
        Exchange {
            request,
            body,
            status,
            answer,
        }
    })
}

fn run(name: &str, offer: Offer, text: &str) {
    run_with(name, offer, &SignInPolicy::default(), text);
}

fn run_with(name: &str, offer: Offer, policy: &SignInPolicy, text: &str) {
    with_policy(offer, policy, |router| async move {
        for exchange in exchanges(text) {
            let (method, uri) = exchange.request.split_once(' ').unwrap();
            let request = Request::builder().method(method).uri(uri);
            let (status, kind, body) = ask(&router, request.body(Body::from(exchange.body.to_owned())).unwrap()).await;
            let body = String::from_utf8(body).unwrap().replace('\r', "");
            let got = format!("{status} {kind}\n{}\n", body.trim_end());
            let expect = format!("{}\n{}\n", exchange.status, exchange.answer.trim_end());
            let got = match got.split_once("Time=\"") {
                Some((start, rest)) => format!("{start}Time=\"{}", &rest["00:00:00.0000000".len()..]),
                None => got,
            };
            assert_eq!(got, expect, "{name}: {}", exchange.request);
        }
    });
}

#[test]
fn acc_9_transcripts() {
    run("autoconfig", all(), include_str!("transcript/autoconfig.txt"));
    run("autodiscover", all(), include_str!("transcript/autodiscover.txt"));
    run("mta_sts", all(), include_str!("transcript/mta_sts.txt"));
}

#[test]
fn acc_4_phones_are_told_of_active_sync_where_it_is_open() {
    let policy = SignInPolicy {
        opened: [Protocol::ActiveSync].into(),
        ..SignInPolicy::default()
    };
    let text = include_str!("transcript/active_sync.txt");
    run_with("active_sync", all(), &policy, text);
}

#[test]
fn acc_9_what_is_closed_is_not_told_of() {
    let few = offer(&[
        (Service::Pop3, 1110),
        (Service::Submission, 1587),
        (Service::Https, 8443),
    ]);
    run("few", few, include_str!("transcript/few.txt"));
}

fn get(uri: &str) -> Request<Body> {
    Request::get(uri).body(Body::empty()).unwrap()
}

#[test]
fn accounts_are_not_told_apart_from_what_is_none() {
    with_routes(all(), |router| async move {
        let paths = [
            "/mail/config-v1.1.xml?emailaddress=",
            "/profile.mobileconfig?email=",
            "/autodiscover/autodiscover.json?Protocol=AutodiscoverV1&Email=",
        ];
        for path in paths {
            let mut answers = Vec::new();
            for local in ["user", "nobody"] {
                let (status, kind, body) =
                    ask(&router, get(&format!("https://{HOST}{path}{local}@example.test"))).await;
                answers.push((status, kind, body.is_empty()));
            }
            assert_eq!(answers[0], answers[1], "{path}");
            assert_eq!(answers[0].0, 200, "{path}");
        }
    });
}

#[test]
fn hosts_are_read_from_both_versions_of_http() {
    with_routes(all(), |router| async move {
        for (host, expect) in [
            ("mta-sts.example.test", 200),
            ("MTA-STS.Example.Test:443", 200),
            ("example.test", 404),
            ("mta-sts.other.test", 404),
            ("mta-sts.", 404),
            ("", 404),
        ] {
            let request = Request::get("/.well-known/mta-sts.txt").header(header::HOST, host);
            let (status, ..) = ask(&router, request.body(Body::empty()).unwrap()).await;
            assert_eq!(status, expect, "{host:?}");
        }
    });
}

#[test]
fn a_long_request_is_refused() {
    with_routes(all(), |router| async move {
        let request = Request::post("/autodiscover/autodiscover.xml").body(Body::from(vec![b'<'; 20_000]));
        let (status, ..) = ask(&router, request.unwrap()).await;
        assert_eq!(status, 413);
    });
}

/// What a signed document holds, checked with another reader of DER than the writer.
#[test]
fn acc_9_a_profile_is_signed_by_the_certificate_of_the_server() {
    use x509_parser::der_parser::ber::{BerObject, BerObjectContent};
    use x509_parser::der_parser::parse_der;
    use x509_parser::prelude::{FromDer, X509Certificate};

    fn children<'a>(object: &'a BerObject<'a>) -> Vec<BerObject<'a>> {
        match &object.content {
            BerObjectContent::Sequence(list) | BerObjectContent::Set(list) => list.clone(),
            BerObjectContent::Unknown(any) => {
                let (mut rest, mut list) = (any.data, Vec::new());
                while !rest.is_empty() {
                    let (after, child) = parse_der(rest).unwrap();
                    list.push(child);
                    rest = after;
                }
                list
            }
            other => panic!("{other:?}"),
        }
    }

    with_routes(all(), |router| async move {
        let uri = format!("https://{HOST}/profile.mobileconfig?email=b%C3%BCro%40example.test");
        let (status, kind, der) = ask(&router, get(&uri)).await;
        assert_eq!((status, kind.as_str()), (200, "application/x-apple-aspen-config"));
        let (rest, outer) = parse_der(&der).unwrap();
        assert!(rest.is_empty());
        let outer = children(&outer);
        let wrapped = children(&outer[1]);
        let signed_data = children(&wrapped[0]);
        let encapsulated = children(&signed_data[2]);
        let content = children(&encapsulated[1]);
        let profile = content[0].as_slice().unwrap();
        let BerObjectContent::Unknown(certificates) = &signed_data[3].content else {
            panic!()
        };
        let (_, certificate) = X509Certificate::from_der(certificates.data).unwrap();
        let signers = children(&signed_data[4]);
        let signer = children(&signers[0]);
        let BerObjectContent::Unknown(attributes) = &signer[3].content else {
            panic!()
        };
        // RFC 5652 §5.4: the signature is over the attributes as a SET OF.
        let mut signed = vec![0x31];
        assert!(attributes.data.len() < 128);
        signed.push(u8::try_from(attributes.data.len()).unwrap());
        signed.extend_from_slice(attributes.data);
        let key = certificate.public_key().subject_public_key.data.to_vec();
        ring::signature::UnparsedPublicKey::new(&ring::signature::ECDSA_P256_SHA256_ASN1, key)
            .verify(&signed, signer[5].as_slice().unwrap())
            .unwrap();
        let hash = ring::digest::digest(&ring::digest::SHA256, profile);
        let is_within = attributes.data.windows(32).any(|window| window == hash.as_ref());
        assert!(is_within, "the hash of the content is signed");
        let profile = std::str::from_utf8(profile).unwrap();
        let expect = include_str!("transcript/profile.plist");
        assert_eq!(profile, expect);
    });
}
