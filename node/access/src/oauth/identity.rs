//! Vouching for members (OpenID Connect Core 1.0): the ID token that goes with an access token, what the bearer of that hears of
//! the member, and ID tokens that come back as hints.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hongyan_directory::AccountRecord;
use hongyan_sasl::Secret;
use hongyan_types::{AccountId, TenantId, Timestamp};
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

use super::{Claim, Decider, OauthError, Scope, SignIn, Tokens};
use crate::{Access, AccessError, WebSession};

/// How long an ID token is good: for taking it, not for a session.
const ID_TOKEN_SECS: i64 = 600;

/// A member, to a client that they have let in.
#[derive(Debug, Clone)]
pub struct Person {
    /// Who it is, for ever.
    pub subject: String,
    /// Whose organisation.
    pub tenant: TenantId,
    /// Their name.
    pub name: String,
    /// Their address.
    pub address: String,
    /// What the client may hear.
    pub scope: Scope,
}

/// A member who is signed in, nothing lacking, and how they came to be.
#[derive(Debug, Clone)]
pub struct Present {
    /// Their session.
    pub session: WebSession,
    /// When and by how much they have proved who they are.
    pub sign_in: SignIn,
    /// Whether that was with the account's password.
    pub by_password: bool,
}

/// Whom an ID token of ours names, however old it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// The member.
    pub account: AccountId,
    /// For whom it was made.
    pub client: String,
}

/// RFC 7518 §3.4 with OpenID Connect Core §3.1.3.6: the left half of the hash.
fn half_hash(text: &str) -> String {
    let hash = digest(&SHA256, text.as_bytes());
    URL_SAFE_NO_PAD.encode(hash.as_ref().get(..16).unwrap_or_default())
}

impl Access {
    /// The ID token that goes with tokens for `client`; nothing where it did not ask who it is.
    ///
    /// # Errors
    /// `Sealed`; the store's.
    pub async fn oauth_id_token(
        &self,
        issuer: &str,
        client: &str,
        tokens: &Tokens,
    ) -> Result<Option<Secret>, OauthError> {
        if !tokens.scope.has(Claim::OpenId) {
            return Ok(None);
        }
        let Some(member) = self.0.directory.account(tokens.account).await? else {
            return Ok(None);
        };
        let now = self.now().millis.div_euclid(1_000);
        let mut claims = json!({
            "iss": issuer,
            "sub": member.subject(),
            "aud": client,
            "iat": now,
            "exp": now.saturating_add(ID_TOKEN_SECS),
            "at_hash": half_hash(tokens.access.reveal()),
        });
        if let Some(nonce) = &tokens.nonce {
            claims["nonce"] = json!(nonce);
        }
        if let Some(sign_in) = &tokens.sign_in {
            claims["auth_time"] = json!(sign_in.proved.millis.div_euclid(1_000));
            claims["acr"] = json!(if sign_in.by_two { "2" } else { "1" });
            if sign_in.by_two {
                // RFC 8176 §2.
                claims["amr"] = json!(["mfa"]);
            }
        }
        Ok(Some(self.sign_claims(&claims).await?))
    }

    /// Who is signed in, and how they came to be, for whoever vouches for them.
    ///
    /// # Errors
    /// `NotSignedIn`, `Unfinished`; the store's.
    pub async fn present(&self, decider: Decider<'_>) -> Result<Present, AccessError> {
        let found = self.looker(decider).await?;
        let sign_in = found.sign_in();
        Ok(Present {
            sign_in: SignIn {
                proved: Timestamp {
                    millis: sign_in.proved_millis,
                },
                by_two: sign_in.by_two,
            },
            by_password: found.record.by_password == Some(true),
            session: found.view(self.now()),
        })
    }

    /// What the bearer of an access token hears of the member.
    ///
    /// # Errors
    /// `BadCredentials`, `Expired`, `Suspended`; `NotInScope` for a token that is not about who it is; the store's.
    pub async fn oauth_person(&self, shown: &str) -> Result<Person, AccessError> {
        let (login, _, _, access) = self.token_login(shown, None).await?;
        if access.end_millis <= self.now().millis {
            return Err(AccessError::Expired);
        }
        if !login.active {
            return Err(AccessError::Suspended);
        }
        let scope = Scope::read(&access.scope).ok_or(AccessError::BadCredentials)?;
        if !scope.has(Claim::OpenId) {
            return Err(AccessError::NotInScope(crate::Protocol::Web));
        }
        Ok(Person {
            subject: login.account.subject(),
            tenant: login.account.tenant,
            name: login.account.display_name.clone(),
            address: login.account.address.to_string(),
            scope,
        })
    }

    /// Whom an ID token names that was made here as `issuer`, however old; nothing for one that was not.
    ///
    /// # Errors
    /// The store's.
    pub async fn oauth_hint(&self, issuer: &str, shown: &str) -> Result<Option<Hint>, OauthError> {
        let Some(claims) = self.signed_claims(shown).await? else {
            return Ok(None);
        };
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let (Some(subject), Some(client)) = (text("sub"), text("aud")) else {
            return Ok(None);
        };
        let Some(account) = AccountRecord::named_by(subject).filter(|_| text("iss") == Some(issuer)) else {
            return Ok(None);
        };
        // Whoever had the mailbox before is nobody here any more.
        let member = self.0.directory.account(account).await?;
        Ok(member.filter(|member| member.subject() == subject).map(|_| Hint {
            account,
            client: client.to_owned(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_hash_of_a_token_is_the_one_of_the_standard() {
        // OpenID Connect Core 1.0, appendix A.3.
        assert_eq!(
            half_hash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"),
            "77QmUPtjPfzWtF2AnpK9RQ"
        );
    }
}
