//! A provider that can be told to lie.

use std::sync::Arc;

use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::Mutex;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};

/// What it says.
pub struct Mind {
    pub issuer: String,
    pub key: EcdsaKeyPair,
    pub key_name: String,
    /// Laid over what it says of itself; null removes.
    pub metadata: Value,
    /// Laid over the claims of id tokens; null removes.
    pub claims: Value,
    pub header: Value,
    pub user_info: Value,
    /// What the token end point answers instead.
    pub token_answer: Option<(u16, String)>,
    /// Whether the signature is another's.
    pub forges: bool,
    /// Nonce and challenge of whoever is on the way.
    pub nonce: String,
    /// What it was asked for a code.
    pub asked: Vec<(String, String)>,
    pub authorization: String,
    pub keys_shown: usize,
}

#[derive(Clone)]
pub struct Provider(pub Arc<Mutex<Mind>>);

pub fn key() -> EcdsaKeyPair {
    let random = SystemRandom::new();
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).unwrap()
}

pub fn now_secs() -> i64 {
    hongyan_env::Env::real().wall_millis() / 1_000
}

fn lay(over: &Value, on: &mut Value) {
    for (name, value) in over.as_object().unwrap() {
        match value {
            Value::Null => drop(on.as_object_mut().unwrap().remove(name)),
            value => on[name] = value.clone(),
        }
    }
}

impl Mind {
    /// Signs a token.
    pub fn sign(&self, claims: &Value) -> String {
        let mut head = json!({"alg": "ES256", "kid": self.key_name});
        lay(&self.header, &mut head);
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&head), part(claims));
        let other = key();
        let key = if self.forges { &other } else { &self.key };
        let signature = key.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn id_token(&self) -> String {
        let mut claims = json!({
            "iss": self.issuer, "sub": "anna-at-provider", "aud": "mail", "exp": now_secs() + 300, "iat": now_secs(),
            "nonce": self.nonce, "email": "anna@example.test", "email_verified": true, "name": "Anna",
            "sid": "session-1", "auth_time": now_secs(),
        });
        lay(&self.claims, &mut claims);
        self.sign(&claims)
    }
}

impl Provider {
    /// Starts one on this machine.
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let provider = Self(Arc::new(Mutex::new(Mind {
            issuer: format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port()),
            key: key(),
            key_name: "one".to_owned(),
            metadata: json!({}),
            claims: json!({}),
            header: json!({}),
            user_info: json!({"sub": "anna-at-provider"}),
            token_answer: None,
            forges: false,
            nonce: String::new(),
            asked: Vec::new(),
            authorization: String::new(),
            keys_shown: 0,
        })));
        let routes = Router::new()
            .route("/.well-known/openid-configuration", get(describe))
            .route("/keys", get(keys))
            .route("/token", post(token))
            .route("/user", get(user))
            .route(
                "/elsewhere",
                get(async || (StatusCode::FOUND, [(header::LOCATION, "http://127.0.0.1/")])),
            )
            .route("/huge", get(async || "x".repeat(1_000_000)))
            .with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        provider
    }
}

async fn describe(State(provider): State<Provider>) -> Json<Value> {
    let mind = provider.0.lock();
    let at = &mind.issuer;
    let mut told = json!({
        "issuer": at, "authorization_endpoint": format!("{at}/authorize"), "token_endpoint": format!("{at}/token"),
        "jwks_uri": format!("{at}/keys"), "userinfo_endpoint": format!("{at}/user"),
        "end_session_endpoint": format!("{at}/end"),
    });
    lay(&mind.metadata, &mut told);
    Json(told)
}

async fn keys(State(provider): State<Provider>) -> Json<Value> {
    let mut mind = provider.0.lock();
    mind.keys_shown += 1;
    let point = mind.key.public_key().as_ref();
    let (x, y) = (
        URL_SAFE_NO_PAD.encode(&point[1..33]),
        URL_SAFE_NO_PAD.encode(&point[33..]),
    );
    Json(json!({"keys": [
        {"kty": "oct", "kid": mind.key_name, "k": "AAAA"},
        {"kty": "EC", "crv": "P-256", "kid": mind.key_name, "use": "sig", "x": x, "y": y},
    ]}))
}

async fn token(
    State(provider): State<Provider>,
    headers: HeaderMap,
    Form(asked): Form<Vec<(String, String)>>,
) -> Response {
    let mut mind = provider.0.lock();
    mind.asked = asked;
    let shown = headers
        .get(header::AUTHORIZATION)
        .map_or("", |value| value.to_str().unwrap());
    mind.authorization = shown.to_owned();
    if let Some((status, text)) = &mind.token_answer {
        return (StatusCode::from_u16(*status).unwrap(), text.clone()).into_response();
    }
    let given = json!({"access_token": "at", "token_type": "Bearer", "id_token": mind.id_token()});
    Json(given).into_response()
}

async fn user(State(provider): State<Provider>) -> Json<Value> {
    Json(provider.0.lock().user_info.clone())
}
