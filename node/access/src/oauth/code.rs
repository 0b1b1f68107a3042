//! The authorisation code: the browser carries it from the member's consent to the client, which alone can prove with PKCE
//! that it asked for it (RFC 6749 §4.1, RFC 7636). It is good once, for a minute.

use hongyan_directory::Error;
use hongyan_kv::Transaction;
use hongyan_sasl::Secret;
use ring::digest;
use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hongyan_types::AccountId;

use super::record::{self, CodeRecord, Giver, Hash, SignInRecord};
use super::{Decider, GrantKey, OauthError, Scope, Tokens, token};
use crate::{Access, AccessError};

/// What a client asks a member for.
#[derive(Debug, Clone)]
pub struct AuthorizationRequest {
    /// The client.
    pub client: String,
    /// Where it is sent back to; found to be one of its places.
    pub redirect: String,
    /// What for.
    pub scope: Scope,
    /// The hash of what it will prove itself with.
    pub challenge: String,
    /// What it will know the answer by (OpenID Connect Core 1.0 §3.1.2.1).
    pub nonce: Option<String>,
}

/// What a client shows for its tokens.
#[derive(Debug, Clone, Copy)]
pub struct CodeShown<'c> {
    /// Who it is.
    pub client: &'c str,
    /// The code.
    pub code: &'c str,
    /// Where it was sent back to.
    pub redirect: &'c str,
    /// What its challenge was the hash of.
    pub verifier: &'c str,
}

/// Whether a text can be the hash of a verifier with S256: 32 octets in base64url (RFC 7636 §4.2).
pub(super) fn is_challenge(text: &str) -> bool {
    text.len() == 43 && URL_SAFE_NO_PAD.decode(text).is_ok_and(|hash| hash.len() == 32)
}

/// RFC 7636 §4.1, §4.6.
fn is_proved(challenge: &str, verifier: &str) -> bool {
    let is_verifier = |octet: u8| octet.is_ascii_alphanumeric() || b"-._~".contains(&octet);
    if !(43..=128).contains(&verifier.len()) || !verifier.bytes().all(is_verifier) {
        return false;
    }
    let hash = digest::digest(&digest::SHA256, verifier.as_bytes());
    URL_SAFE_NO_PAD.encode(hash.as_ref()) == challenge
}

impl crate::web::Found {
    /// How whoever has the session has signed in.
    pub(super) fn sign_in(&self) -> SignInRecord {
        let by_two = self.record.second_done && self.login.factors.has_second_factor();
        SignInRecord {
            proved_millis: self.record.proved_millis,
            by_two: by_two || self.record.vouched == Some(true),
        }
    }
}

enum Redeemed {
    Good(Box<CodeRecord>),
    Bad,
    /// It was used before: by whom, nobody knows.
    Again(GrantKey),
}

impl Access {
    /// A member lets a client in: the code that the browser carries to it.
    ///
    /// # Errors
    /// `NotSignedIn`, `Unfinished`; `ProofNeeded` where it is about mail; `AccessDenied` for a client of another organisation;
    /// `InvalidRequest` for a challenge that is none; the store's.
    pub async fn oauth_code(&self, decider: Decider<'_>, asked: &AuthorizationRequest) -> Result<Secret, OauthError> {
        if !is_challenge(&asked.challenge) {
            return Err(OauthError::InvalidRequest("code_challenge is not a hash with S256"));
        }
        // Who they are they tell to whom they like; letting somebody at their mail takes a fresh proof.
        let found = match asked.scope.is_identity() {
            true => self.looker(decider).await?,
            false => self.decider(decider).await?,
        };
        let client = self.oauth_client(&asked.client).await?;
        if !client.is_for(found.login.account.tenant) {
            return Err(OauthError::AccessDenied);
        }
        let sign_in = found.sign_in();
        let now = self.now().millis;
        let (text, hash) = token::plain(self, "code");
        let record = CodeRecord {
            client: asked.client.clone(),
            redirect: asked.redirect.clone(),
            scope: asked.scope.to_string(),
            challenge: asked.challenge.clone(),
            giver: Giver {
                tenant: found.record.tenant,
                account: found.record.account,
                credential: found.record.credential,
            },
            end_millis: now.saturating_add(token::millis(self.0.options.oauth_code_secs)),
            grant: None,
            nonce: asked.nonce.clone(),
            sign_in: Some(sign_in),
        };
        let write = async move |transaction: &mut Transaction| {
            transaction.set(record::code_key(&hash), record::encode(&record));
            transaction.set(record::code_end_key(&hash, record.end_millis), Vec::new());
            Ok::<_, hongyan_kv::Error>(())
        };
        match self.0.database.run(write).await {
            Ok(()) | Err(hongyan_kv::Error::CommitUnknown) => Ok(text),
            Err(error) => Err(error.into()),
        }
    }

    /// A client shows its code for its tokens.
    ///
    /// # Errors
    /// `InvalidGrant`, also when it was shown before: then what came of it ends; the store's.
    pub async fn oauth_redeem(&self, shown: CodeShown<'_>, peer: IpAddr) -> Result<Tokens, OauthError> {
        let client = self.oauth_client(shown.client).await?;
        let hash = token::hash(self, "code", shown.code);
        let grant = self.0.env.random_u64();
        let code = match self.take_code_record(hash, shown, grant).await? {
            Redeemed::Good(code) => code,
            Redeemed::Bad => return Err(OauthError::InvalidGrant),
            Redeemed::Again(grant) => {
                self.end_replayed(grant, "code").await?;
                return Err(OauthError::InvalidGrant);
            }
        };
        let scope = Scope::read(&code.scope).ok_or(OauthError::InvalidScope)?;
        let begun = super::grant::Begin {
            id: grant,
            giver: &code.giver,
            scope,
            sign_in: code.sign_in.clone(),
        };
        let mut tokens = self.new_grant(begun, &client, peer).await?;
        tokens.nonce = code.nonce;
        Ok(tokens)
    }

    /// Looks at a code and marks it as used in one transaction, so that it is good once on whatever nodes it is shown.
    async fn take_code_record(&self, hash: Hash, shown: CodeShown<'_>, grant: u64) -> Result<Redeemed, AccessError> {
        let now = self.now().millis;
        let (client, redirect) = (shown.client.to_owned(), shown.redirect.to_owned());
        let verifier = shown.verifier.to_owned();
        let take = async move |transaction: &mut Transaction| {
            let key = record::code_key(&hash);
            let Some(stored) = transaction.get(&key).await? else {
                return Ok(Redeemed::Bad);
            };
            let mut code: CodeRecord = record::decode(&stored)?;
            // Whoever lacks the verifier has stolen no more than the code: it harms nobody.
            if code.client != client || code.redirect != redirect || !is_proved(&code.challenge, &verifier) {
                return Ok(Redeemed::Bad);
            }
            if let Some(id) = code.grant {
                let account = AccountId(code.giver.account);
                return Ok(Redeemed::Again(GrantKey { account, id }));
            }
            if code.end_millis <= now {
                return Ok(Redeemed::Bad);
            }
            code.grant = Some(grant);
            transaction.set(key, record::encode(&code));
            Ok::<_, hongyan_kv::Error>(Redeemed::Good(Box::new(code)))
        };
        Ok(self.0.database.run(take).await.map_err(Error::from)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verifier_of_rfc_7636_proves_its_challenge() {
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        assert!(is_challenge(challenge));
        assert!(is_proved(challenge, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"));
        assert!(!is_proved(challenge, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXl"));
        for wrong in ["", "x", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM", &"x".repeat(44)] {
            assert!(!is_challenge(wrong), "{wrong}");
            assert!(!is_proved(challenge, wrong));
        }
    }
}
