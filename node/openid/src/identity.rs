//! Whom a provider names, and what has to hold of that (OpenID Connect Core 1.0 §3.1.3.7).

use serde::Deserialize;
use serde_json::Value;

use crate::Fault;

/// Longest name of somebody at a provider (Core §2).
const SUBJECT_CHARACTERS_MAX: usize = 255;

/// For whom a token is: one, or several.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(crate) enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Audience {
    pub(crate) fn has(&self, client: &str) -> bool {
        match self {
            Self::One(only) => only == client,
            Self::Several(all) => all.iter().any(|one| one == client),
        }
    }
    fn is_shared(&self) -> bool {
        matches!(self, Self::Several(all) if all.len() > 1)
    }
}

/// What an id token claims.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Claims {
    pub(crate) iss: Option<String>,
    pub(crate) sub: Option<String>,
    pub(crate) aud: Option<Audience>,
    azp: Option<String>,
    exp: Option<f64>,
    iat: Option<f64>,
    nbf: Option<f64>,
    auth_time: Option<f64>,
    nonce: Option<String>,
    pub(crate) sid: Option<String>,
    #[serde(flatten)]
    person: Person,
}

/// What is said of a person, in a token or by the user info end point (Core §5.1).
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Person {
    #[serde(default)]
    pub(crate) email: Option<String>,
    #[serde(default)]
    email_verified: Option<Value>,
    #[serde(default)]
    pub(crate) name: Option<String>,
}

impl Person {
    /// The address, if the provider has made sure that it is theirs. Some write the truth as a text.
    pub(crate) fn verified_mail(&self) -> Option<&str> {
        let is_true = |value: &Value| *value == Value::Bool(true) || *value == Value::String("true".to_owned());
        let is_verified = self.email_verified.as_ref().is_some_and(is_true);
        self.email.as_deref().filter(|_| is_verified)
    }
}

/// What a token is held against.
pub(crate) struct Expected<'e> {
    pub(crate) issuer: &'e str,
    pub(crate) client: &'e str,
    pub(crate) now_secs: i64,
    pub(crate) tolerance_secs: u32,
}

/// Somebody whom a provider names.
#[derive(Debug, Clone)]
pub struct Identity {
    pub(crate) issuer: String,
    pub(crate) subject: String,
    /// The provider's session, if it tells.
    pub(crate) session: Option<String>,
    pub(crate) person: Person,
}

/// What a provider that does not speak OpenID Connect has vouched for.
#[derive(Debug, Clone, Default)]
pub struct Vouched {
    /// The provider.
    pub issuer: String,
    /// Who it is there: 1 to 255 characters.
    pub subject: String,
    /// The provider's session, if it tells.
    pub session: Option<String>,
    /// The mail address, which the provider has made sure is theirs.
    pub mail: Option<String>,
    /// What they are called.
    pub name: Option<String>,
}

impl From<Vouched> for Identity {
    fn from(vouched: Vouched) -> Self {
        Self {
            issuer: vouched.issuer,
            subject: vouched.subject,
            session: vouched.session,
            person: Person {
                email_verified: vouched.mail.is_some().then_some(Value::Bool(true)),
                email: vouched.mail,
                name: vouched.name,
            },
        }
    }
}

fn seconds(time: Option<f64>, claim: &'static str) -> Result<i64, Fault> {
    let time = time.filter(|time| time.is_finite() && (0.0..1e12).contains(time));
    #[allow(clippy::cast_possible_truncation, reason = "the range was looked at")]
    time.map(|time| time as i64).ok_or(Fault::Claim(claim))
}

impl Claims {
    /// Who issued it, for whom, and when.
    pub(crate) fn check(&self, expected: &Expected<'_>) -> Result<(), Fault> {
        if self.iss.as_deref() != Some(expected.issuer) {
            return Err(Fault::Claim("iss"));
        }
        let audience = self.aud.as_ref().filter(|audience| audience.has(expected.client));
        let audience = audience.ok_or(Fault::Claim("aud"))?;
        let party = self.azp.as_deref();
        if party.is_some_and(|party| party != expected.client) || (audience.is_shared() && party.is_none()) {
            return Err(Fault::Claim("azp"));
        }
        let (now, tolerance) = (expected.now_secs, i64::from(expected.tolerance_secs));
        if seconds(self.exp, "exp")? <= now - tolerance {
            return Err(Fault::Time("it has expired"));
        }
        if seconds(self.iat, "iat")? > now + tolerance {
            return Err(Fault::Time("it comes from the future"));
        }
        if self.nbf.is_some() && seconds(self.nbf, "nbf")? > now + tolerance {
            return Err(Fault::Time("its time has not come"));
        }
        Ok(())
    }

    /// Whom it names, for the browser that `nonce` was made for. Where they had to prove who they are, since when.
    pub(crate) fn identity(
        self,
        expected: &Expected<'_>,
        nonce: &str,
        proved_since_secs: Option<i64>,
    ) -> Result<Identity, Fault> {
        self.check(expected)?;
        if self.nonce.as_deref() != Some(nonce) {
            return Err(Fault::Claim("nonce"));
        }
        if let Some(since) = proved_since_secs
            && seconds(self.auth_time, "auth_time")? < since - i64::from(expected.tolerance_secs)
        {
            return Err(Fault::Claim("auth_time"));
        }
        let subject = self
            .sub
            .filter(|sub| !sub.is_empty() && sub.chars().count() <= SUBJECT_CHARACTERS_MAX);
        Ok(Identity {
            issuer: expected.issuer.to_owned(),
            subject: subject.ok_or(Fault::Claim("sub"))?,
            session: self.sid,
            person: self.person,
        })
    }

    /// When it was issued.
    pub(crate) fn issued_secs(&self) -> Result<i64, Fault> {
        seconds(self.iat, "iat")
    }
    pub(crate) fn has_nonce(&self) -> bool {
        self.nonce.is_some()
    }
}
