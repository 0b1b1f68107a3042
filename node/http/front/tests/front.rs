//! The entry over real sockets: TLS and what is spoken in it, sign-in, and sessions that are ended.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use bytes::Bytes;
use futures_util::stream;
use hongyan_access::SessionFilter;
use hongyan_http_front::{Caller, Front, FrontParts, FrontSettings};
use hongyan_listener::{Listener, TlsConfig, TlsMode, self_signed};
use hongyan_miniature::{Miniature, Options, PASSWORD, USER};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::RootCertStore;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};

async fn name(caller: Caller) -> String {
    caller.identity().account.address.to_string()
}

/// A body that never ends.
async fn endless(_: Caller) -> Body {
    let first = stream::iter([Ok::<_, std::convert::Infallible>(Bytes::from("begin"))]);
    use futures_util::StreamExt;
    Body::from_stream(first.chain(stream::pending()))
}

/// A mail of text, as one that a person has written.
fn mail() -> String {
    let mut mail =
        String::from("From: Anna <anna@a.test>\r\nTo: Bert <bert@a.test>\r\nSubject: Figures of this week\r\n\r\n");
    for (day, visitors) in [
        ("Monday", 311),
        ("Tuesday", 287),
        ("Wednesday", 402),
        ("Thursday", 356),
        ("Friday", 298),
    ] {
        let line = format!(
            "On {day} {visitors} people came to see us, of whom {} had been here before. The others had heard of us from \
             friends, and most of them want to come again as soon as they can.\r\n",
            visitors / 3
        );
        mail.push_str(&line);
    }
    mail.push_str("What they liked least is the way from the station, which nobody finds in the dark. I shall ask for a sign.\r\n");
    mail.push_str("Please tell me before Friday whom you can send to help us at the desk next week.\r\n\r\nAnna\r\n");
    mail
}

async fn echo(body: String) -> String {
    body
}

fn routes() -> Router {
    Router::new()
        .route("/name", get(name))
        .route("/endless", get(endless))
        .route("/open", get(async || "open"))
        .route("/mail", get(async || ([("content-type", "message/rfc822")], mail())))
        .route("/packed", get(async || ([("content-type", "application/zip")], mail())))
        .route("/echo", post(echo).layer(DefaultBodyLimit::max(2_000)))
}

async fn listen(node: &Miniature, tls: TlsMode, clear_passwords: bool) -> Listener {
    let front = Front::new(FrontParts {
        env: node.env.clone(),
        access: node.access.clone(),
        routes: routes(),
        settings: FrontSettings {
            clear_passwords,
            ..FrontSettings::default()
        },
    });
    node.listen(front, tls).await
}

fn request(path: &str, password: Option<&str>) -> Request<Full<Bytes>> {
    use base64::Engine;
    let mut request = Request::get(format!("https://localhost{path}")).header("host", "localhost");
    if let Some(password) = password {
        let proof = base64::engine::general_purpose::STANDARD.encode(format!("{USER}:{password}"));
        request = request.header("authorization", format!("Basic {proof}"));
    }
    request.body(Full::default()).unwrap()
}

async fn plain(node: &Miniature, address: SocketAddr, request: Request<Full<Bytes>>) -> Response<Incoming> {
    let stream = node.env.connect(address).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender.send_request(request).await.unwrap()
}

async fn text(response: Response<Incoming>) -> (u16, String) {
    let status = response.status().as_u16();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(bytes.to_vec()).unwrap())
}

fn on_node<F: Future<Output = ()>>(test: impl FnOnce(Arc<Miniature>) -> F) {
    hongyan_actor::run(1, async {
        let node = Arc::new(Miniature::start(&Options::default()).await);
        test(Arc::clone(&node)).await;
        Arc::into_inner(node).expect("the test has ended").stop().await;
    });
}

#[test]
fn http_2_and_http_1_are_spoken_over_tls() {
    on_node(|node| async move {
        let pem = self_signed(&["localhost".to_owned()]).unwrap();
        let tls = TlsConfig::from_pem(std::slice::from_ref(&pem)).unwrap();
        let listener = listen(&node, TlsMode::Implicit(tls.for_http()), false).await;
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_slice(pem.certificate.as_bytes()).unwrap())
            .unwrap();
        for protocol in ["h2", "http/1.1"] {
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let mut config = rustls::ClientConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_root_certificates(roots.clone())
                .with_no_client_auth();
            config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
            let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
            let stream = node.env.connect(listener.local_address()).await.unwrap();
            let server = ServerName::try_from("localhost").unwrap();
            let stream = connector.connect(server, stream).await.unwrap();
            assert_eq!(stream.get_ref().1.alpn_protocol(), Some(protocol.as_bytes()));
            let request = request("/name", Some(PASSWORD));
            let response = if protocol == "h2" {
                let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
                    .await
                    .unwrap();
                tokio::spawn(connection);
                sender.send_request(request).await.unwrap()
            } else {
                let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
                tokio::spawn(connection);
                sender.send_request(request).await.unwrap()
            };
            assert_eq!(text(response).await, (200, USER.to_owned()), "{protocol}");
        }
        drop(listener);
    });
}

#[test]
fn acc_19_who_does_not_sign_in_is_not_served() {
    on_node(|node| async move {
        let listener = listen(&node, TlsMode::Never, true).await;
        let address = listener.local_address();
        assert_eq!(
            text(plain(&node, address, request("/open", None)).await).await,
            (200, "open".to_owned())
        );
        for password in [None, Some("wrong")] {
            let refused = plain(&node, address, request("/name", password)).await;
            assert!(
                refused.headers()["www-authenticate"]
                    .to_str()
                    .unwrap()
                    .starts_with("Basic ")
            );
            assert_eq!(refused.headers()["content-type"], "application/problem+json");
            assert_eq!(text(refused).await.0, 401);
        }
        assert_eq!(
            text(plain(&node, address, request("/none", Some(PASSWORD))).await)
                .await
                .0,
            404
        );
        drop(listener);
        let strict = listen(&node, TlsMode::Never, false).await;
        let (status, problem) =
            text(plain(&node, strict.local_address(), request("/name", Some(PASSWORD))).await).await;
        assert_eq!(status, 403);
        assert!(problem.contains("tls-required"), "{problem}");
        drop(strict);
    });
}

#[test]
fn a_connection_is_one_session_that_ends_when_it_is_revoked() {
    on_node(|node| async move {
        let listener = listen(&node, TlsMode::Never, true).await;
        let stream = node.env.connect(listener.local_address()).await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        for _ in 0..2 {
            sender.ready().await.unwrap();
            let response = sender.send_request(request("/name", Some(PASSWORD))).await.unwrap();
            assert_eq!(text(response).await.0, 200);
        }
        let sessions = node.access.sessions(SessionFilter::All, None, 10);
        assert_eq!(sessions.len(), 1, "the second request is of the same session");
        assert_eq!(sessions[0].protocol.label(), "http");
        sender.ready().await.unwrap();
        let mut response = sender.send_request(request("/endless", Some(PASSWORD))).await.unwrap();
        assert!(response.body_mut().frame().await.unwrap().is_ok());
        assert_eq!(node.access.revoke_sessions(SessionFilter::All), 1);
        let end = node
            .env
            .timeout(Duration::from_secs(10), response.body_mut().frame())
            .await;
        assert!(
            !matches!(end, None | Some(Some(Ok(_)))),
            "what is being sent is cut off"
        );
        drop((response, sender, listener));
    });
}

#[test]
fn oauth_a_mail_clients_token_is_a_bearers_and_ends_with_its_grant() {
    on_node(|node| async move {
        let listener = listen(&node, TlsMode::Never, true).await;
        let (jmap, imap) = (node.tokens("jmap").await, node.tokens("imap").await);
        let ask = async |token: &str| {
            let mut request = request("/name", None);
            let shown = format!("Bearer {token}").parse().unwrap();
            request.headers_mut().insert("authorization", shown);
            text(plain(&node, listener.local_address(), request).await).await
        };
        assert_eq!(ask(jmap.access.reveal()).await, (200, USER.to_owned()));
        let (status, problem) = ask(imap.access.reveal()).await;
        assert!(status == 403 && problem.contains("not-in-scope"), "{problem}");
        assert_eq!(ask("hya_none").await.0, 401);
        assert_eq!(ask(jmap.refresh.reveal()).await.0, 401);
        let given_back = node.access.oauth_give_back("reader", jmap.refresh.reveal());
        given_back.await.unwrap();
        assert_eq!(ask(jmap.access.reveal()).await.0, 401);
        drop(listener);
    });
}

async fn coded(node: &Miniature, address: SocketAddr, path: &str, codings: &str) -> (Response<()>, Vec<u8>) {
    let mut asked = request(path, None);
    asked
        .headers_mut()
        .insert("accept-encoding", codings.parse().expect("a field"));
    let (head, body) = plain(node, address, asked).await.into_parts();
    let body = body.collect().await.unwrap().to_bytes().to_vec();
    (Response::from_parts(head, ()), body)
}

#[test]
fn acc_5_a_mail_of_text_comes_in_half_the_octets() {
    on_node(|node| async move {
        let listener = listen(&node, TlsMode::Never, true).await;
        let address = listener.local_address();
        let mail = mail();
        for coding in ["zstd", "gzip"] {
            let (head, body) = coded(&node, address, "/mail", coding).await;
            assert_eq!(head.headers()["content-encoding"], coding);
            assert_eq!(head.headers()["vary"], "accept-encoding");
            assert!(
                body.len() * 2 <= mail.len(),
                "{coding}: {} of {}",
                body.len(),
                mail.len()
            );
            let mut read = Vec::new();
            match coding {
                "zstd" => read = zstd::decode_all(body.as_slice()).unwrap(),
                _ => drop(
                    flate2::read::GzDecoder::new(body.as_slice())
                        .read_to_end(&mut read)
                        .unwrap(),
                ),
            }
            assert_eq!(read, mail.as_bytes(), "{coding}");
        }
        let (head, _) = coded(&node, address, "/mail", "gzip, deflate, br, zstd").await;
        assert_eq!(head.headers()["content-encoding"], "zstd");
        // What would not get shorter, and for whom it must not: as it is, never 406.
        for (path, codings) in [
            ("/open", "zstd"),
            ("/packed", "zstd"),
            ("/mail", "br"),
            ("/mail", "identity;q=0, *;q=0"),
        ] {
            let (head, body) = coded(&node, address, path, codings).await;
            let coding = head.headers().get("content-encoding");
            assert_eq!((head.status().as_u16(), coding), (200, None), "{path} {codings}");
            assert_eq!(head.headers()["content-length"], body.len().to_string().as_str());
        }
    });
}

#[test]
fn rfc_9110_8_4_requests_come_coded_or_are_refused() {
    on_node(|node| async move {
        let listener = listen(&node, TlsMode::Never, true).await;
        let address = listener.local_address();
        let pack = |text: &[u8]| {
            let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            packed.write_all(text).unwrap();
            packed.finish().unwrap()
        };
        let send = async |coding: &'static str, body: Vec<u8>| {
            let request = Request::post("https://localhost/echo").header("host", "localhost");
            let request = request.header("content-encoding", coding);
            plain(&node, address, request.body(Full::from(body)).unwrap()).await
        };
        let sent = text(send("gzip", pack(b"hello")).await).await;
        assert_eq!(sent, (200, "hello".to_owned()));
        let sent = text(send("identity", b"hello".to_vec()).await).await;
        assert_eq!(sent, (200, "hello".to_owned()));
        // A limit counts what there is to read, not what came.
        let long = pack(&[b'a'; 100_000]);
        assert!(long.len() < 2_000);
        assert_eq!(send("gzip", long).await.status(), 413);
        assert_eq!(send("gzip", b"no gzip".to_vec()).await.status(), 400);
        for coding in ["br", "zstd", "gzip, gzip"] {
            let refused = send(coding, b"x".to_vec()).await;
            assert_eq!(refused.headers()["accept-encoding"], "gzip", "{coding}");
            assert_eq!(refused.headers()["content-type"], "application/problem+json");
            assert_eq!(refused.status(), 415);
        }
    });
}
