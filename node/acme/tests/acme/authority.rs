//! A certificate authority in a test: RFC 8555 as far as a client needs it, over TLS, and strict about what it is sent.
//!
//! It checks signatures, nonces and URLs, checks names as it is told to, and signs with a key of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, head, post};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hongyan_env::{BoxFuture, Env};
use hongyan_listener::{CertificatePem, self_signed};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use rcgen::{BasicConstraints, CertificateParams, CertificateSigningRequestParams, IsCa, Issuer, KeyPair};
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, CertificateSigningRequestDer, PrivateKeyDer};
use serde_json::{Value, json};

/// What it finds out about a name: the name, the token, what it must be answered.
pub type Check = Arc<dyn Fn(String, String, String) -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// What it does otherwise than it should.
#[derive(Debug, Default, Clone)]
pub struct Mood {
    /// The next signed request is refused for its nonce.
    pub bad_nonce: bool,
    /// Certificates have ended before they come.
    pub ended: bool,
    /// Certificates are for another name.
    pub other_name: bool,
}

struct Order {
    names: Vec<String>,
    valid: BTreeSet<String>,
    failed: BTreeMap<String, String>,
    certificate: Option<String>,
}

#[derive(Default)]
struct Records {
    nonces: BTreeSet<String>,
    next_nonce: u64,
    account: Option<Value>,
    contacts: Value,
    orders: Vec<Order>,
    mood: Mood,
}

pub struct Authority {
    url: String,
    check: Check,
    kind: &'static str,
    records: Mutex<Records>,
    issuer: Issuer<'static, KeyPair>,
    root: CertificateDer<'static>,
    root_pem: String,
    tls_root: CertificateDer<'static>,
}

fn decode(text: &Value) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text.as_str().unwrap()).unwrap()
}

fn problem(kind: &str, detail: &str) -> Response {
    let body = json!({"type": format!("urn:ietf:params:acme:error:{kind}"), "detail": detail, "status": 400});
    let kind = [("content-type", "application/problem+json")];
    (StatusCode::BAD_REQUEST, kind, body.to_string()).into_response()
}

impl Authority {
    /// Opens one at a port of this machine.
    pub async fn open(env: &Env, kind: &'static str, check: Check) -> Arc<Self> {
        let pem = self_signed(&["127.0.0.1".to_owned()]).unwrap();
        let chain = CertificateDer::from_pem_slice(pem.certificate.as_bytes()).unwrap();
        let key = PrivateKeyDer::from_pem_slice(pem.key.as_bytes()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![chain.clone()], key)
            .unwrap();
        let tls = tokio_rustls::TlsAcceptor::from(Arc::new(tls));
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let root = params.self_signed(&key).unwrap();
        let listener = env.listen(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let authority = Arc::new(Self {
            url: format!("https://{}", listener.local_address().unwrap()),
            check,
            kind,
            records: Mutex::default(),
            root: root.der().clone(),
            root_pem: root.pem(),
            issuer: Issuer::new(params, key),
            tls_root: chain,
        });
        let router = routes(Arc::clone(&authority));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (tls, router) = (tls.clone(), router.clone());
                tokio::spawn(async move {
                    let stream = tls.accept(stream).await.unwrap();
                    let service = TowerToHyperService::new(router);
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        authority
    }

    /// A certificate with its chain, as somebody gets it who orders it elsewhere.
    pub fn issue(&self, names: &[&str]) -> CertificatePem {
        self.issue_for(names, 365)
    }
    /// One that ends in so many days.
    pub fn issue_for(&self, names: &[&str], days: i64) -> CertificatePem {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).unwrap();
        let key = KeyPair::generate().unwrap();
        let end = x509_parser::time::ASN1Time::now().timestamp() + days * 86_400;
        params.not_after = x509_parser::time::ASN1Time::from_timestamp(end).unwrap().to_datetime();
        let own = params.signed_by(&key, &self.issuer).unwrap();
        CertificatePem {
            certificate: format!("{}{}", own.pem(), self.root_pem),
            key: key.serialize_pem(),
        }
    }
    pub fn directory(&self) -> String {
        format!("{}/directory", self.url)
    }
    /// What its own server is trusted by.
    pub fn tls_root(&self) -> CertificateDer<'static> {
        self.tls_root.clone()
    }
    /// What its certificates are trusted by.
    pub fn root(&self) -> CertificateDer<'static> {
        self.root.clone()
    }
    pub fn set_mood(&self, mood: Mood) {
        self.records.lock().unwrap().mood = mood;
    }
    /// The names of all orders so far.
    pub fn orders(&self) -> Vec<Vec<String>> {
        let records = self.records.lock().unwrap();
        records.orders.iter().map(|order| order.names.clone()).collect()
    }
    /// Whom it may write to.
    pub fn contacts(&self) -> Value {
        self.records.lock().unwrap().contacts.clone()
    }

    fn nonce(&self) -> String {
        let mut records = self.records.lock().unwrap();
        records.next_nonce += 1;
        let nonce = format!("nonce-{}", records.next_nonce);
        records.nonces.insert(nonce.clone());
        nonce
    }

    /// RFC 8555 §6: what every request must have; its payload, or nothing when the nonce is none of ours.
    fn open_signed(&self, path: &str, headers: &HeaderMap, body: &[u8]) -> Option<Value> {
        assert_eq!(headers["content-type"], "application/jose+json", "RFC 8555 §6.2");
        let body: Value = serde_json::from_slice(body).unwrap();
        let protected: Value = serde_json::from_slice(&decode(&body["protected"])).unwrap();
        assert_eq!(protected["alg"], "ES256");
        assert_eq!(protected["url"], format!("{}{path}", self.url), "RFC 8555 §6.4");
        let mut records = self.records.lock().unwrap();
        let is_known = records.nonces.remove(protected["nonce"].as_str().unwrap());
        if !is_known || std::mem::take(&mut records.mood.bad_nonce) {
            return None;
        }
        let key = match path {
            "/new-account" => {
                assert!(protected.get("kid").is_none(), "RFC 8555 §6.2: a key or its id");
                records.account = Some(protected["jwk"].clone());
                protected["jwk"].clone()
            }
            _ => {
                assert!(protected.get("jwk").is_none(), "RFC 8555 §6.2: a key or its id");
                assert_eq!(protected["kid"], format!("{}/account/1", self.url));
                records.account.clone().expect("there is an account")
            }
        };
        let point = [vec![4], decode(&key["x"]), decode(&key["y"])].concat();
        let signed = format!(
            "{}.{}",
            body["protected"].as_str().unwrap(),
            body["payload"].as_str().unwrap()
        );
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
            .verify(signed.as_bytes(), &decode(&body["signature"]))
            .expect("the signature is good");
        let payload = decode(&body["payload"]);
        Some(serde_json::from_slice(&payload).unwrap_or(Value::Null))
    }

    /// RFC 7638 §3, as part of RFC 8555 §8.1.
    fn key_authorization(&self, token: &str) -> String {
        let records = self.records.lock().unwrap();
        let key = records.account.as_ref().unwrap();
        let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":{},"y":{}}}"#, key["x"], key["y"]);
        let hash = ring::digest::digest(&ring::digest::SHA256, canonical.as_bytes());
        format!("{token}.{}", URL_SAFE_NO_PAD.encode(hash))
    }

    fn order_view(&self, number: usize) -> Value {
        let records = self.records.lock().unwrap();
        let order = &records.orders[number];
        let status = if order.certificate.is_some() {
            "valid"
        } else if !order.failed.is_empty() {
            "invalid"
        } else if order.valid.len() == order.names.len() {
            "ready"
        } else {
            "pending"
        };
        let names = order.names.iter().map(|name| json!({"type": "dns", "value": name}));
        let authorizations = (0..order.names.len()).map(|name| format!("{}/authorization/{number}/{name}", self.url));
        let mut view = json!({
            "status": status,
            "identifiers": names.collect::<Vec<_>>(),
            "authorizations": authorizations.collect::<Vec<_>>(),
            "finalize": format!("{}/finalize/{number}", self.url),
        });
        if order.certificate.is_some() {
            view["certificate"] = format!("{}/certificate/{number}", self.url).into();
        }
        view
    }

    fn authorization_view(&self, number: usize, at: usize) -> Value {
        let records = self.records.lock().unwrap();
        let order = &records.orders[number];
        let name = &order.names[at];
        let error = order.failed.get(name);
        let status = match (order.valid.contains(name), error) {
            (true, _) => "valid",
            (false, Some(_)) => "invalid",
            (false, None) => "pending",
        };
        let mut challenge = json!({
            "type": self.kind, "token": format!("token-{number}-{at}"), "status": status,
            "url": format!("{}/challenge/{number}/{at}", self.url),
        });
        if let Some(error) = error {
            challenge["error"] = json!({"type": "urn:ietf:params:acme:error:unauthorized", "detail": error});
        }
        json!({"status": status, "identifier": {"type": "dns", "value": name}, "challenges": [challenge]})
    }

    fn sign(&self, csr: Vec<u8>, names: &[String]) -> String {
        let mut request = CertificateSigningRequestParams::from_der(&CertificateSigningRequestDer::from(csr)).unwrap();
        let mut asked: Vec<_> = CertificateParams::new(names.to_vec()).unwrap().subject_alt_names;
        let mut found = request.params.subject_alt_names.clone();
        asked.sort_by_key(|name| format!("{name:?}"));
        found.sort_by_key(|name| format!("{name:?}"));
        assert_eq!(found, asked, "the request is for the names of the order");
        let mood = self.records.lock().unwrap().mood.clone();
        if mood.ended {
            request.params.not_before = rcgen::date_time_ymd(2000, 1, 1);
            request.params.not_after = rcgen::date_time_ymd(2001, 1, 1);
        }
        if mood.other_name {
            request.params.subject_alt_names = CertificateParams::new(vec!["other.test".to_owned()])
                .unwrap()
                .subject_alt_names;
        }
        request.signed_by(&self.issuer).unwrap().pem()
    }
}

type Shared = State<Arc<Authority>>;

fn routes(authority: Arc<Authority>) -> Router {
    let with_nonce = Arc::clone(&authority);
    Router::new()
        .route("/directory", get(directory))
        .route("/new-nonce", head(async || StatusCode::OK))
        .fallback(post(signed))
        .layer(axum::middleware::map_response(move |mut response: Response| {
            let nonce = with_nonce.nonce().parse().unwrap();
            response.headers_mut().insert("replay-nonce", nonce);
            async move { response }
        }))
        .with_state(authority)
}

async fn directory(State(authority): Shared) -> Response {
    let url = |path: &str| format!("{}/{path}", authority.url);
    axum::Json(json!({
        "newNonce": url("new-nonce"), "newAccount": url("new-account"), "newOrder": url("new-order"),
    }))
    .into_response()
}

/// All requests but the first two.
async fn signed(State(authority): Shared, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let Some(payload) = authority.open_signed(uri.path(), &headers, &body) else {
        return problem("badNonce", "another nonce, please");
    };
    let at = |number: &str| number.parse::<usize>().unwrap();
    match uri.path().split('/').skip(1).collect::<Vec<_>>()[..] {
        ["new-account"] => authority.new_account(&payload),
        ["new-order"] => authority.new_order(&payload),
        ["order", number] => axum::Json(authority.order_view(at(number))).into_response(),
        ["authorization", number, name] => {
            axum::Json(authority.authorization_view(at(number), at(name))).into_response()
        }
        ["challenge", number, name] => authority.challenge(at(number), at(name)).await,
        ["finalize", number] => authority.finalize(at(number), &payload),
        ["certificate", number] => {
            let certificate = authority.records.lock().unwrap().orders[at(number)].certificate.clone();
            (
                [("content-type", "application/pem-certificate-chain")],
                certificate.unwrap(),
            )
                .into_response()
        }
        _ => panic!("there is no {uri}"),
    }
}

impl Authority {
    fn created(&self, place: &str, body: &Value) -> Response {
        let location = [("location", format!("{}/{place}", self.url))];
        (StatusCode::CREATED, location, axum::Json(body.clone())).into_response()
    }

    fn new_account(&self, payload: &Value) -> Response {
        assert_eq!(payload["termsOfServiceAgreed"], true);
        self.records.lock().unwrap().contacts = payload["contact"].clone();
        self.created("account/1", &json!({"status": "valid"}))
    }

    fn new_order(&self, payload: &Value) -> Response {
        let names = payload["identifiers"].as_array().unwrap().iter();
        let order = Order {
            names: names.map(|name| name["value"].as_str().unwrap().to_owned()).collect(),
            valid: BTreeSet::new(),
            failed: BTreeMap::new(),
            certificate: None,
        };
        let number = {
            let mut records = self.records.lock().unwrap();
            records.orders.push(order);
            records.orders.len() - 1
        };
        self.created(&format!("order/{number}"), &self.order_view(number))
    }

    async fn challenge(&self, number: usize, at: usize) -> Response {
        let token = format!("token-{number}-{at}");
        let name = self.records.lock().unwrap().orders[number].names[at].clone();
        let checked = (self.check)(name.clone(), token.clone(), self.key_authorization(&token)).await;
        {
            let mut records = self.records.lock().unwrap();
            let order = &mut records.orders[number];
            match checked {
                Ok(()) => drop(order.valid.insert(name)),
                Err(why) => drop(order.failed.insert(name, why)),
            }
        }
        let mut view = self.authorization_view(number, at)["challenges"][0].clone();
        // A client learns from the authorization what came of it.
        view.as_object_mut().unwrap().remove("error");
        view["status"] = "processing".into();
        axum::Json(view).into_response()
    }

    fn finalize(&self, number: usize, payload: &Value) -> Response {
        assert_eq!(self.order_view(number)["status"], "ready");
        let names = self.records.lock().unwrap().orders[number].names.clone();
        let certificate = self.sign(decode(&payload["csr"]), &names);
        self.records.lock().unwrap().orders[number].certificate = Some(certificate);
        axum::Json(self.order_view(number)).into_response()
    }
}
