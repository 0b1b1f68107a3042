//! The way to a provider and back: what the browser keeps meanwhile, sealed, so that nothing is kept here and any node may be the
//! one that it comes back to. Its name is the state; without it in the same browser the way back is refused.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hongyan_types::{AccountId, TenantId};
use minicbor::{Decode, Encode};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::digest::{SHA256, digest};

use crate::provider::form;
use crate::{OpenId, OpenIdError};

/// How the browser names what it keeps; the state follows. Its prefix makes browsers refuse to take it from anybody else.
const COOKIE: &str = "__Host-hongyan-sso-";
const STATE_OCTETS: usize = 16;
const SECRET_OCTETS: usize = 32;
/// Longest place to go back to.
const BACK_OCTETS_MAX: usize = 2_048;

/// What somebody wants of a provider.
#[derive(Debug, Clone)]
pub struct Wish<'w> {
    /// Where to go here afterwards: a path of ours.
    pub back: &'w str,
    /// Whose account is to be linked; without it, they sign in.
    pub link: Option<AccountId>,
    /// Whether they have to prove anew who they are.
    pub prove: bool,
    /// What they called themselves, for the provider to fill in.
    pub login: Option<&'w str>,
}

/// Somebody who is sent to a provider.
#[derive(Debug, Clone)]
pub struct Departure {
    /// Where to.
    pub location: String,
    /// What members call the provider.
    pub label: String,
    /// What the browser keeps: name, value and for how many seconds.
    pub cookie: (String, String, u64),
}

/// What the browser keeps.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Attempt {
    #[n(0)]
    pub(crate) tenant: u64,
    #[n(1)]
    pub(crate) issuer: String,
    #[n(2)]
    pub(crate) nonce: String,
    #[n(3)]
    pub(crate) verifier: String,
    #[n(4)]
    pub(crate) back: String,
    #[n(5)]
    pub(crate) end_millis: i64,
    #[n(6)]
    pub(crate) link: Option<u64>,
    /// Since when the provider must have asked them who they are.
    #[n(7)]
    pub(crate) prove_secs: Option<i64>,
}

impl Attempt {
    /// Whose provider it leads to.
    #[must_use]
    pub fn tenant(&self) -> TenantId {
        TenantId(self.tenant)
    }
    /// Who that provider is.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }
    /// Since when the provider must have asked them who they are, in seconds of Unix time; `None` where it need not.
    #[must_use]
    pub fn prove_secs(&self) -> Option<i64> {
        self.prove_secs
    }
}

/// Somebody who is on the way, as far as it is the same for all kinds of providers.
#[derive(Debug, Clone)]
pub struct Underway {
    /// Names the way there and back.
    pub state: String,
    /// What the browser keeps: name, value and for how many seconds.
    pub cookie: (String, String, u64),
}

/// A path of ours that a browser may be sent to; the beginning for whatever else.
fn own_path(back: &str) -> &str {
    let is_path = back.starts_with('/') && !back.starts_with("//") && !back.starts_with("/\\");
    let is_clean =
        back.len() <= BACK_OCTETS_MAX && back.bytes().all(|octet| octet.is_ascii_graphic() && octet != b'\\');
    if is_path && is_clean { back } else { "/" }
}

impl OpenId {
    /// The name under which the browser keeps what belongs to a state.
    #[must_use]
    pub fn cookie_name(state: &str) -> String {
        format!("{COOKIE}{state}")
    }

    fn random(&self, octets: usize) -> String {
        let mut random = vec![0; octets];
        self.0.env.fill_random(&mut random);
        URL_SAFE_NO_PAD.encode(random)
    }

    fn cipher(&self) -> Result<LessSafeKey, OpenIdError> {
        let key = UnboundKey::new(&CHACHA20_POLY1305, &self.0.key);
        key.map(LessSafeKey::new).map_err(|_| OpenIdError::Attempt)
    }

    /// Seals what a browser carries; `name` is what it is good for.
    ///
    /// # Errors
    /// `Attempt`.
    pub fn seal<T: Encode<()>>(&self, name: &str, value: &T) -> Result<String, OpenIdError> {
        let mut octets = minicbor::to_vec(value).map_err(|_| OpenIdError::Attempt)?;
        let mut nonce = [0; NONCE_LEN];
        self.0.env.fill_random(&mut nonce);
        let sealed = self.cipher()?.seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(name.as_bytes()),
            &mut octets,
        );
        sealed.map_err(|_| OpenIdError::Attempt)?;
        Ok(URL_SAFE_NO_PAD.encode([&nonce[..], &octets].concat()))
    }

    /// Opens what was sealed under that name.
    ///
    /// # Errors
    /// `Attempt`.
    pub fn unseal<T: for<'b> Decode<'b, ()>>(&self, name: &str, sealed: &str) -> Result<T, OpenIdError> {
        let wrong = || OpenIdError::Attempt;
        let octets = URL_SAFE_NO_PAD.decode(sealed).map_err(|_| wrong())?;
        let (nonce, rest) = octets.split_first_chunk::<NONCE_LEN>().ok_or_else(wrong)?;
        let mut rest = rest.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = self
            .cipher()?
            .open_in_place(nonce, Aad::from(name.as_bytes()), &mut rest);
        minicbor::decode(opened.map_err(|_| wrong())?).map_err(|_| wrong())
    }

    /// What the browser kept for a way there and back that is not over.
    ///
    /// # Errors
    /// `Attempt`.
    pub fn kept(&self, state: &str, sealed: &str) -> Result<Attempt, OpenIdError> {
        let attempt: Attempt = self.unseal(state, sealed)?;
        if attempt.end_millis <= self.0.env.wall_millis() {
            return Err(OpenIdError::Attempt);
        }
        Ok(attempt)
    }

    fn attempt(&self, tenant: TenantId, issuer: &str, wish: &Wish<'_>) -> Attempt {
        let now = self.0.env.wall_millis();
        let secs = self.0.options.attempt_secs;
        let lasts = i64::try_from(secs).unwrap_or(i64::MAX / 1_000).saturating_mul(1_000);
        Attempt {
            tenant: tenant.0,
            issuer: issuer.to_owned(),
            nonce: String::new(),
            verifier: String::new(),
            back: own_path(wish.back).to_owned(),
            end_millis: now.saturating_add(lasts),
            link: wish.link.map(|account| account.0),
            prove_secs: wish.prove.then_some(now / 1_000),
        }
    }

    fn begun(&self, state: String, attempt: &Attempt) -> Result<Underway, OpenIdError> {
        let sealed = self.seal(&state, attempt)?;
        Ok(Underway {
            cookie: (Self::cookie_name(&state), sealed, self.0.options.attempt_secs),
            state,
        })
    }

    /// Begins the way to a provider that does not speak OpenID Connect, and back.
    ///
    /// # Errors
    /// `Attempt`.
    pub fn begin(&self, tenant: TenantId, issuer: &str, wish: &Wish<'_>) -> Result<Underway, OpenIdError> {
        let attempt = self.attempt(tenant, issuer, wish);
        self.begun(self.random(STATE_OCTETS), &attempt)
    }

    /// Sends somebody to the provider of an organisation (Core §3.1.2.1, with PKCE).
    ///
    /// # Errors
    /// `NoProvider`, `Provider`, `Overloaded`, `Access`.
    pub async fn depart(&self, tenant: TenantId, wish: Wish<'_>) -> Result<Departure, OpenIdError> {
        let known = self.known(tenant).await?;
        let attempt = Attempt {
            nonce: self.random(STATE_OCTETS),
            verifier: self.random(SECRET_OCTETS),
            ..self.attempt(tenant, &known.settings.issuer, &wish)
        };
        let state = self.random(STATE_OCTETS);
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, attempt.verifier.as_bytes()));
        let callback = self.callback();
        let mut fields = vec![
            ("response_type", "code"),
            ("client_id", &known.settings.client_id),
            ("redirect_uri", &callback),
            ("scope", "openid email profile"),
            ("state", &state),
            ("nonce", &attempt.nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        if wish.prove {
            fields.extend([("prompt", "login"), ("max_age", "0")]);
        }
        if let Some(login) = wish.login {
            fields.push(("login_hint", login));
        }
        let end_point = known.authorization_endpoint()?;
        let sign = if end_point.contains('?') { '&' } else { '?' };
        let location = format!("{end_point}{sign}{}", form(&fields));
        Ok(Departure {
            location,
            label: known.settings.label.clone(),
            cookie: self.begun(state, &attempt)?.cookie,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn api_2_nobody_is_sent_to_other_sites_afterwards() {
        for path in ["/", "/oauth/authorize?x=1&y=2", "/mail/"] {
            assert_eq!(own_path(path), path);
        }
        for other in [
            "",
            "//evil.test",
            "/\\evil.test",
            "https://evil.test",
            "mail",
            "/a\r\nb",
            "/\\/evil",
        ] {
            assert_eq!(own_path(other), "/", "{other}");
        }
    }
}
