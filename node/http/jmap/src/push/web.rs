//! Posting to places on the web (RFC 8030): over TLS to public addresses only, encrypted for those that gave keys, signed
//! with the key of this installation (RFC 8292), which lies sealed at ("jmap-vapid"). Earlier builds wrote it in clear: PKCS #8,
//! whose first octet no sealed key has.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use hongyan_env::{BoxFuture, Env};
use hongyan_fetch::{Ask, FetchOptions, Fetcher, Url};
use hongyan_kv::{Database, KeyRange, Tuple};
use hongyan_seal::{Holder, Kept, Place, SealError, Sealer};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use tokio::sync::OnceCell;

use super::door::{Letter, PushDoor, PushError};
use super::encryption::encrypt;

/// How long a place may take.
const WITHIN: Duration = Duration::from_secs(15);
/// How long a push service keeps what it cannot hand on (RFC 8030 §5.2).
const TTL_SECS: u32 = 24 * 3_600;
/// How long a signature is good (RFC 8292 §2: at most 24 hours).
const SIGNED_SECS: i64 = 12 * 3_600;

/// The first octet of PKCS #8: a SEQUENCE.
const CLEAR: u8 = 0x30;

/// The key that pushes are signed with, for sealing it again.
pub const PUSH_SECRETS: Holder = Holder {
    kind: "web push",
    range: || KeyRange {
        begin: vapid_key(),
        end: [&vapid_key()[..], &[0]].concat().into(),
    },
    again: |sealer, _, stored| {
        let again = sealer.again(&place(), &of_store(stored))?;
        Ok(again.as_ref().map(to_store))
    },
};

fn vapid_key() -> Bytes {
    Tuple::new().string("jmap-vapid").pack()
}

fn place() -> Place {
    Place::named("web push", b"")
}

fn of_store(stored: &[u8]) -> Kept {
    match stored.first() {
        Some(&CLEAR) => Kept::Clear(stored.to_vec()),
        _ => Kept::Sealed(stored.to_vec()),
    }
}

fn to_store(key: &Kept) -> Bytes {
    match key {
        Kept::Clear(octets) | Kept::Sealed(octets) => Bytes::copy_from_slice(octets),
    }
}

/// The web, as this node reaches it.
pub struct WebPush {
    env: Env,
    database: Database,
    sealer: Sealer,
    fetcher: Fetcher,
    /// Whom a push service may write to.
    contact: String,
    key: OnceCell<EcdsaKeyPair>,
}

impl WebPush {
    /// Certificates have to be those of the hosts; `contact` is a URL of ours, `mailto:` mostly.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(env: Env, database: Database, sealer: Sealer, contact: String) -> Result<Self, rustls::Error> {
        let options = FetchOptions {
            within: WITHIN,
            ..FetchOptions::default()
        };
        let fetcher = Fetcher::new(env.clone(), options)?;
        Ok(Self {
            env,
            database,
            sealer,
            fetcher,
            contact,
            key: OnceCell::new(),
        })
    }

    async fn key(&self) -> Result<&EcdsaKeyPair, String> {
        let load = || async {
            let key = vapid_key();
            let random = SystemRandom::new();
            let fresh = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random);
            let fresh = fresh.map_err(|_| "no key can be made".to_owned())?;
            loop {
                let mut transaction = self.database.begin();
                let stored = transaction.get(&key).await.map_err(|error| error.to_string())?;
                let is_new = stored.is_none();
                let unsealed = |error: SealError| format!("the key that pushes are signed with: {error}");
                let kept = match &stored {
                    Some(stored) => of_store(stored),
                    None => self.sealer.keep(&place(), fresh.as_ref()).map_err(unsealed)?,
                };
                let document = self.sealer.reveal(&place(), &kept).map_err(unsealed)?;
                if is_new {
                    transaction.set(key.clone(), to_store(&kept));
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

    async fn ask(&self, letter: Letter) -> Result<Ask, String> {
        let url = Url::read(&letter.url).map_err(|error| error.to_string())?;
        let origin = format!("https://{}", url.host_field());
        let mut fields = vec![
            ("ttl", TTL_SECS.to_string()),
            ("authorization", self.signature(&origin).await?),
        ];
        let body = match &letter.keys {
            None => {
                fields.push(("content-type", "application/json".to_owned()));
                letter.body
            }
            Some(keys) => {
                let mut salt = [0; 16];
                self.env.fill_random(&mut salt);
                fields.push(("content-encoding", "aes128gcm".to_owned()));
                fields.push(("content-type", "application/octet-stream".to_owned()));
                encrypt(&letter.body, keys, salt).map_err(|_| "the keys cannot be used".to_owned())?
            }
        };
        Ok(Ask {
            url,
            fields,
            body: Some(body.into()),
        })
    }

    async fn send(&self, letter: Letter) -> Result<u16, String> {
        let ask = self.ask(letter).await?;
        self.fetcher.status(ask).await.map_err(|error| error.to_string())
    }
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

impl PushDoor for WebPush {
    fn post(&self, letter: Letter) -> BoxFuture<'_, Result<(), PushError>> {
        Box::pin(async move {
            match self.send(letter).await {
                Err(error) => Err(PushError::Failed(error)),
                Ok(200..300) => Ok(()),
                // RFC 8030 §7.3: the subscription has come to its end.
                Ok(404 | 410) => Err(PushError::Gone),
                Ok(status) => Err(PushError::Failed(format!("answered {status}"))),
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
    fn a_key_in_clear_is_sealed() {
        let sealer = Sealer::with_new_key(Env::manual(1).0);
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let sealed = (PUSH_SECRETS.again)(&sealer, &vapid_key(), document.as_ref());
        let sealed = sealed.unwrap().unwrap();
        assert_ne!(sealed[0], CLEAR);
        let opened = sealer.reveal(&place(), &of_store(&sealed)).unwrap();
        assert_eq!(opened.as_slice(), document.as_ref());
        assert_eq!((PUSH_SECRETS.again)(&sealer, &vapid_key(), &sealed), Ok(None));
    }

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
}
