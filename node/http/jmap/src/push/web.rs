//! Posting to places on the web (RFC 8030): over TLS to public addresses only, encrypted for those that gave keys, signed
//! with the key of this installation (RFC 8292), which lies at ("jmap-vapid").

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use hongyan_env::{BoxFuture, Env};
use hongyan_kv::{Database, Tuple};
use http_body_util::Full;
use hyper::{Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use rustls::{ClientConfig, RootCertStore};
use tokio::sync::OnceCell;
use tokio_rustls::TlsConnector;

use super::door::{Letter, PushDoor, PushError, Url};
use super::encryption::encrypt;

/// How long a place may take.
const WITHIN: Duration = Duration::from_secs(15);
/// How long a push service keeps what it cannot hand on (RFC 8030 §5.2).
const TTL_SECS: u32 = 24 * 3_600;
/// How long a signature is good (RFC 8292 §2: at most 24 hours).
const SIGNED_SECS: i64 = 12 * 3_600;

/// The web, as this node reaches it.
pub struct WebPush {
    env: Env,
    database: Database,
    tls: TlsConnector,
    /// Whom a push service may write to.
    contact: String,
    key: OnceCell<EcdsaKeyPair>,
}

impl WebPush {
    /// Certificates have to be those of the hosts; `contact` is a URL of ours, `mailto:` mostly.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(env: Env, database: Database, contact: String) -> Result<Self, rustls::Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let roots = RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        };
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            env,
            database,
            tls: TlsConnector::from(Arc::new(config)),
            contact,
            key: OnceCell::new(),
        })
    }

    async fn key(&self) -> Result<&EcdsaKeyPair, String> {
        let load = || async {
            let key = Tuple::new().string("jmap-vapid").pack();
            let random = SystemRandom::new();
            let fresh = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random);
            let fresh = fresh.map_err(|_| "no key can be made".to_owned())?;
            loop {
                let mut transaction = self.database.begin();
                let stored = transaction.get(&key).await.map_err(|error| error.to_string())?;
                let is_new = stored.is_none();
                let document = stored.unwrap_or_else(|| Bytes::copy_from_slice(fresh.as_ref()));
                if is_new {
                    transaction.set(key.clone(), document.clone());
                    match transaction.commit().await {
                        Ok(_) => {}
                        Err(error) if error.is_retryable() || error == hongyan_kv::Error::CommitUnknown => continue,
                        Err(error) => return Err(error.to_string()),
                    }
                }
                return EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &document, &random)
                    .map_err(|error| error.to_string());
            }
        };
        self.key.get_or_try_init(load).await
    }

    /// RFC 8292 §3: who posts, proven to the service at `origin`.
    async fn signature(&self, origin: &str) -> Result<String, String> {
        let key = self.key().await?;
        let now_secs = self.env.wall_millis().div_euclid(1_000);
        sign(key, origin, now_secs.saturating_add(SIGNED_SECS), &self.contact)
    }

    async fn request(&self, letter: Letter, url: &Url<'_>) -> Result<Request<Full<Bytes>>, String> {
        let origin = match url.port {
            443 => format!("https://{}", url.host),
            port => format!("https://{}:{port}", url.host),
        };
        let path = if url.path.starts_with('/') {
            url.path.to_owned()
        } else {
            format!("/{}", url.path)
        };
        let request = Request::post(path)
            .header(header::HOST, origin.trim_start_matches("https://"))
            .header("ttl", TTL_SECS)
            .header(header::AUTHORIZATION, self.signature(&origin).await?);
        let (request, body) = match &letter.keys {
            None => (request.header(header::CONTENT_TYPE, "application/json"), letter.body),
            Some(keys) => {
                let mut salt = [0; 16];
                self.env.fill_random(&mut salt);
                let body = encrypt(&letter.body, keys, salt).map_err(|_| "the keys cannot be used".to_owned())?;
                let request = request.header(header::CONTENT_ENCODING, "aes128gcm");
                (request.header(header::CONTENT_TYPE, "application/octet-stream"), body)
            }
        };
        request.body(Full::new(body.into())).map_err(|error| error.to_string())
    }

    async fn address(&self, host: &str) -> Result<IpAddr, String> {
        if let Ok(address) = host.parse::<IpAddr>() {
            return is_public(address).then_some(address).ok_or_else(no_public);
        }
        let dns = self.env.dns();
        let four = dns.a(host).await.map(|answer| answer.records).unwrap_or_default();
        let mut addresses: Vec<IpAddr> = four.into_iter().map(IpAddr::V4).collect();
        if addresses.is_empty() {
            let six = dns.aaaa(host).await.map_err(|error| error.to_string())?;
            addresses.extend(six.records.into_iter().map(IpAddr::V6));
        }
        // Nobody has this node look around in its own network.
        addresses
            .into_iter()
            .find(|address| is_public(*address))
            .ok_or_else(no_public)
    }

    async fn send(&self, letter: Letter) -> Result<StatusCode, String> {
        let target = letter.url.clone();
        let url = Url::read(&target).ok_or("no URL of https")?;
        let request = self.request(letter, &url).await?;
        let address = self.address(url.host).await?;
        let name = rustls::pki_types::ServerName::try_from(url.host.to_owned()).map_err(|error| error.to_string())?;
        let stream = self.env.connect((address, url.port).into()).await;
        let stream = stream.map_err(|error| error.to_string())?;
        let stream = self
            .tls
            .connect(name, stream)
            .await
            .map_err(|error| error.to_string())?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| error.to_string())?;
        let connection = tokio::spawn(connection);
        let answered = sender.send_request(request).await;
        connection.abort();
        Ok(answered.map_err(|error| error.to_string())?.status())
    }
}

fn no_public() -> String {
    "the host has no public address".to_owned()
}

fn sign(key: &EcdsaKeyPair, origin: &str, until_secs: i64, contact: &str) -> Result<String, String> {
    let part = |json: serde_json::Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let head = part(serde_json::json!({"typ": "JWT", "alg": "ES256"}));
    let claims = part(serde_json::json!({"aud": origin, "exp": until_secs, "sub": contact}));
    let signed = format!("{head}.{claims}");
    let signature = key.sign(&SystemRandom::new(), signed.as_bytes());
    let signature = signature.map_err(|_| "it cannot be signed".to_owned())?;
    let signature = URL_SAFE_NO_PAD.encode(signature);
    let public = URL_SAFE_NO_PAD.encode(key.public_key());
    Ok(format!("vapid t={signed}.{signature}, k={public}"))
}

/// Whether an address is one of the public network.
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [first, second, ..] = address.octets();
            let is_shared = first == 100 && (64..128).contains(&second);
            let is_benchmark = first == 198 && (18..20).contains(&second);
            !(address.is_private()
                || address.is_loopback()
                || address.is_link_local()
                || address.is_multicast()
                || address.is_broadcast()
                || address.is_documentation()
                || first == 0
                || first >= 240
                || is_shared
                || is_benchmark)
        }
        IpAddr::V6(address) => {
            // 2000::/3 is what is given out; of it, 2001:db8::/32 is for documents.
            let [first, second, ..] = address.segments();
            first & 0xe000 == 0x2000 && (first, second) != (0x2001, 0x0db8)
        }
    }
}

impl PushDoor for WebPush {
    fn post(&self, letter: Letter) -> BoxFuture<'_, Result<(), PushError>> {
        Box::pin(async move {
            match self.env.timeout(WITHIN, self.send(letter)).await {
                None => Err(PushError::Failed("no answer".to_owned())),
                Some(Err(error)) => Err(PushError::Failed(error)),
                Some(Ok(status)) if status.is_success() => Ok(()),
                // RFC 8030 §7.3: the subscription has come to its end.
                Some(Ok(StatusCode::NOT_FOUND | StatusCode::GONE)) => Err(PushError::Gone),
                Some(Ok(status)) => Err(PushError::Failed(format!("answered {status}"))),
            }
        })
    }
    fn public_key(&self) -> BoxFuture<'_, Option<String>> {
        Box::pin(async move {
            let key = self.key().await;
            let key = key.inspect_err(|error| tracing::warn!(event = "push_key_failed", %error));
            Some(URL_SAFE_NO_PAD.encode(key.ok()?.public_key()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};

    #[test]
    fn signatures_are_proven_by_the_key_beside_them() {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random).unwrap();
        let field = sign(
            &key,
            "https://push.example.net",
            1_453_523_768,
            "mailto:push@example.com",
        )
        .unwrap();
        let (token, public) = field.strip_prefix("vapid t=").unwrap().split_once(", k=").unwrap();
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let public = URL_SAFE_NO_PAD.decode(public).unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let proof = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, public);
        proof.verify(signed.as_bytes(), &signature).unwrap();
        let claims = URL_SAFE_NO_PAD.decode(signed.split_once('.').unwrap().1).unwrap();
        let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
        assert_eq!(claims["aud"], "https://push.example.net");
        assert_eq!(claims["exp"], 1_453_523_768);
    }

    #[test]
    fn only_public_addresses() {
        for (address, expect) in [
            ("93.184.216.34", true),
            ("2606:2800:220:1::1", true),
            ("127.0.0.1", false),
            ("10.1.2.3", false),
            ("169.254.169.254", false),
            ("100.64.0.1", false),
            ("0.0.0.0", false),
            ("::1", false),
            ("::ffff:10.0.0.1", false),
            ("fd00::1", false),
            ("fe80::1", false),
        ] {
            assert_eq!(is_public(address.parse().unwrap()), expect, "{address}");
        }
    }
}
