//! What a provider says of itself, its keys, and what it gives for a code. What was heard is remembered for a while; a key that is
//! not known has the keys asked for again, not more often than a setting says.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hongyan_fetch::{Answer, Ask, Url};
use hongyan_sasl::Secret;
use hongyan_types::TenantId;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::identity::Person;
use crate::jwt::Token;
use crate::keys::Keys;
use crate::{Fault, OpenId, OpenIdError, ProviderSettings};

const DISCOVERY: &str = "/.well-known/openid-configuration";
/// Organisations whose providers are remembered.
const KNOWN_MAX: usize = 10_000;

/// OpenID Connect Discovery 1.0 §3, as far as it is of use here.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Metadata {
    issuer: String,
    authorization_endpoint: Option<String>,
    token_endpoint: Option<String>,
    jwks_uri: Option<String>,
    userinfo_endpoint: Option<String>,
    end_session_endpoint: Option<String>,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
}

/// A provider, as it was heard.
pub(crate) struct Known {
    pub(crate) settings: ProviderSettings,
    metadata: Metadata,
    heard_micros: u64,
    keys: Keys,
    keys_micros: u64,
}

/// What was found when a provider was looked at.
#[derive(Debug, Clone)]
pub struct Checked {
    /// Where members will be sent.
    pub authorization_endpoint: String,
    /// Whether it ends its own session at our wish.
    pub ends_sessions: bool,
}

/// RFC 6749 §5.1, with the id token.
#[derive(Deserialize)]
struct Given {
    id_token: Option<String>,
    access_token: Option<String>,
}

/// RFC 6749 §5.2.
#[derive(Deserialize)]
struct Refused {
    error: String,
}

/// What came for a code.
pub(crate) struct Tokens {
    pub(crate) id: String,
    access: Option<Secret>,
}

impl Known {
    pub(crate) fn authorization_endpoint(&self) -> Result<&str, Fault> {
        let what = "authorization_endpoint";
        let address = self
            .metadata
            .authorization_endpoint
            .as_deref()
            .ok_or(Fault::EndPoint(what))?;
        // The browser goes there: as safely as we go to the issuer.
        let (url, issuer) = (Url::read(address), Url::read(&self.settings.issuer));
        match (url, issuer) {
            (Ok(url), Ok(issuer)) if url.is_tls() || !issuer.is_tls() => Ok(address),
            _ => Err(Fault::EndPoint(what)),
        }
    }
    pub(crate) fn end_session_endpoint(&self) -> Option<&str> {
        let address = self.metadata.end_session_endpoint.as_deref()?;
        Url::read(address).ok().map(|_| address)
    }
    /// How we prove ourselves (Core §9): by the Authorization field unless it takes the form only.
    fn proves_by_form(&self) -> bool {
        let methods = &self.metadata.token_endpoint_auth_methods_supported;
        let has = |method: &str| methods.iter().any(|known| known == method);
        has("client_secret_post") && !has("client_secret_basic")
    }
}

/// RFC 6749 appendix B.
pub(crate) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for octet in text.bytes() {
        match octet {
            octet if octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) => encoded.push(char::from(octet)),
            octet => {
                use std::fmt::Write;
                let _ = write!(encoded, "%{octet:02X}");
            }
        }
    }
    encoded
}

/// Fields of a query or a form.
#[must_use]
pub fn form(fields: &[(&str, &str)]) -> String {
    let pairs = fields.iter();
    let pairs: Vec<_> = pairs
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect();
    pairs.join("&")
}

fn need(address: Option<&String>, what: &'static str) -> Result<Url, Fault> {
    let address = address.ok_or(Fault::EndPoint(what))?;
    Url::read(address).map_err(|_| Fault::EndPoint(what))
}

impl OpenId {
    async fn ask(&self, what: &'static str, ask: Ask) -> Result<Answer, OpenIdError> {
        let _place = self.0.asking.try_acquire().map_err(|_| OpenIdError::Overloaded)?;
        let answer = self.0.fetcher.ask(ask).await;
        Ok(answer.map_err(|error| Fault::Fetch(what, error))?)
    }

    async fn ask_json<T: DeserializeOwned>(&self, what: &'static str, ask: Ask) -> Result<T, OpenIdError> {
        let answer = self.ask(what, ask).await?;
        if answer.status != 200 {
            let refused = serde_json::from_slice::<Refused>(&answer.body);
            let code = refused.map(|refused| refused.error).unwrap_or_default();
            return Err(Fault::Status {
                what,
                status: answer.status,
                code: code.chars().filter(|c| c.is_ascii_graphic()).take(64).collect(),
            }
            .into());
        }
        Ok(serde_json::from_slice(&answer.body).map_err(|_| Fault::Unreadable(what))?)
    }

    async fn hear(&self, settings: &ProviderSettings) -> Result<Known, OpenIdError> {
        let place = format!("{}{DISCOVERY}", settings.issuer.trim_end_matches('/'));
        let url = Url::read(&place).map_err(|_| Fault::EndPoint("issuer"))?;
        let metadata: Metadata = self.ask_json("description", get(url, None)).await?;
        if metadata.issuer != settings.issuer {
            let shown = metadata.issuer.chars().take(200).collect();
            return Err(Fault::Issuer(shown).into());
        }
        let mut known = Known {
            settings: settings.clone(),
            metadata,
            heard_micros: self.0.env.now_micros(),
            keys: Keys::default(),
            keys_micros: 0,
        };
        known.authorization_endpoint()?;
        need(known.metadata.token_endpoint.as_ref(), "token_endpoint")?;
        known.keys = self.hear_keys(&known).await?;
        known.keys_micros = self.0.env.now_micros();
        Ok(known)
    }

    async fn hear_keys(&self, known: &Known) -> Result<Keys, OpenIdError> {
        let url = need(known.metadata.jwks_uri.as_ref(), "jwks_uri")?;
        let answer = self.ask("keys", get(url, None)).await?;
        if answer.status != 200 {
            return Err(Fault::Status {
                what: "keys",
                status: answer.status,
                code: String::new(),
            }
            .into());
        }
        Ok(Keys::read(&answer.body)?)
    }

    /// The provider of an organisation, as it was heard not too long ago.
    pub(crate) async fn known(&self, tenant: TenantId) -> Result<Arc<Known>, OpenIdError> {
        let settings = self.need_provider(tenant).await?;
        let now = self.0.env.now_micros();
        let lasts = self.0.options.metadata_secs.saturating_mul(1_000_000);
        let is_good = |known: &Arc<Known>| {
            let own = &known.settings;
            let is_same = own.issuer == settings.issuer && own.client_id == settings.client_id;
            is_same && now.saturating_sub(known.heard_micros) < lasts
        };
        let present = self.0.known.lock().get(&tenant).cloned();
        if let Some(known) = present.filter(is_good) {
            // The rest of the settings counts at once.
            return Ok(Arc::new(Known {
                settings,
                metadata: known.metadata.clone(),
                keys: known.keys.clone(),
                ..*known
            }));
        }
        let known = Arc::new(self.hear(&settings).await?);
        self.remember(tenant, &known);
        Ok(known)
    }

    fn remember(&self, tenant: TenantId, known: &Arc<Known>) {
        let mut all = self.0.known.lock();
        if all.len() >= KNOWN_MAX && !all.contains_key(&tenant) {
            all.pop_first();
        }
        all.insert(tenant, Arc::clone(known));
    }

    /// The provider with keys among which is that of `token`, if it shows one.
    pub(crate) async fn keys_for(
        &self,
        tenant: TenantId,
        known: &Arc<Known>,
        token: &Token<'_>,
    ) -> Result<Keys, OpenIdError> {
        let age = self.0.env.now_micros().saturating_sub(known.keys_micros);
        let may_ask = age >= self.0.options.keys_again_secs.saturating_mul(1_000_000);
        if token.is_known_to(&known.keys) || !may_ask {
            return Ok(known.keys.clone());
        }
        let keys = self.hear_keys(known).await?;
        let renewed = Arc::new(Known {
            settings: known.settings.clone(),
            metadata: known.metadata.clone(),
            keys: keys.clone(),
            keys_micros: self.0.env.now_micros(),
            heard_micros: known.heard_micros,
        });
        self.remember(tenant, &renewed);
        Ok(keys)
    }

    /// What the provider gives for a code (Core §3.1.3).
    pub(crate) async fn exchange(&self, known: &Known, code: &str, verifier: &str) -> Result<Tokens, OpenIdError> {
        let settings = &known.settings;
        let callback = self.callback();
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &callback),
            ("code_verifier", verifier),
        ];
        let mut header = vec![
            ("accept", "application/json".to_owned()),
            ("content-type", "application/x-www-form-urlencoded".to_owned()),
        ];
        match settings.client_secret.as_ref().map(Secret::reveal) {
            Some(secret) if known.proves_by_form() => {
                fields.extend([("client_id", settings.client_id.as_str()), ("client_secret", secret)]);
            }
            // RFC 6749 §2.3.1: both are encoded before.
            Some(secret) => {
                let pair = format!("{}:{}", encode(&settings.client_id), encode(secret));
                header.push(("authorization", format!("Basic {}", STANDARD.encode(pair))));
            }
            None => fields.push(("client_id", &settings.client_id)),
        }
        let ask = Ask {
            url: need(known.metadata.token_endpoint.as_ref(), "token_endpoint")?,
            fields: header,
            body: Some(Bytes::from(form(&fields))),
        };
        let given: Given = self.ask_json("token end point", ask).await?;
        Ok(Tokens {
            id: given.id_token.ok_or(Fault::Unreadable("token end point"))?,
            access: given.access_token.map(Secret::new),
        })
    }

    /// What the provider says of a person beside the token (Core §5.3); `None` where it says nothing.
    pub(crate) async fn person(
        &self,
        known: &Known,
        tokens: &Tokens,
        subject: &str,
    ) -> Result<Option<Person>, OpenIdError> {
        #[derive(Deserialize)]
        struct Said {
            sub: String,
            #[serde(flatten)]
            person: Person,
        }
        let (Some(address), Some(access)) = (&known.metadata.userinfo_endpoint, &tokens.access) else {
            return Ok(None);
        };
        let url = need(Some(address), "userinfo_endpoint")?;
        let said: Said = self.ask_json("user info", get(url, Some(access))).await?;
        // Core §5.3.2: it must be of the same person.
        if said.sub != subject {
            return Err(Fault::Claim("sub").into());
        }
        Ok(Some(said.person))
    }

    /// Looks at an organisation's provider anew, without anybody signing in.
    ///
    /// # Errors
    /// `NoProvider`, `Provider`, `Overloaded`, `Access`.
    pub async fn check_provider(&self, tenant: TenantId) -> Result<Checked, OpenIdError> {
        let settings = self.need_provider(tenant).await?;
        let known = Arc::new(self.hear(&settings).await?);
        self.remember(tenant, &known);
        Ok(Checked {
            authorization_endpoint: known.authorization_endpoint()?.to_owned(),
            ends_sessions: known.end_session_endpoint().is_some(),
        })
    }
}

fn get(url: Url, token: Option<&Secret>) -> Ask {
    let mut fields = vec![("accept", "application/json".to_owned())];
    if let Some(token) = token {
        fields.push(("authorization", format!("Bearer {}", token.reveal())));
    }
    Ask {
        url,
        fields,
        body: None,
    }
}
