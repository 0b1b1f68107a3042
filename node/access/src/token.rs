//! Tokens of programs: their text is random, shown once, and kept as a hash; who shows it acts for its owner within its
//! scopes. No session is opened: each request is looked at anew, so a token that is removed is good for nothing at once.

use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hongyan_directory::{TokenHash, TokenOwner, TokenRecord};
use hongyan_sasl::Secret;

use crate::permission::{Actor, TokenScopes};
use crate::{Access, AccessError, Identity};

/// What the text of a token begins with: people and programs that look for leaked secrets know it by that.
const PREFIX: &str = "hyt_";
/// What the text of an invitation begins with.
const INVITATION_PREFIX: &str = "hyi_";
/// Random octets of a text.
const RANDOM_OCTETS: usize = 32;

/// The text of a new token, and what is kept of it.
#[derive(Debug)]
pub struct NewTokenText {
    /// To be shown once, to whoever asked for the token.
    pub text: Secret,
    /// What finds the token again.
    pub hash: TokenHash,
}

/// Why a token is not taken.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// Nobody has it, or no longer.
    #[error("the token is not valid")]
    Unknown,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// It may not be used from there.
    #[error("the token may not be used from this address")]
    Network,
    /// Its account or organisation is not active.
    #[error("the token's account is not active")]
    Inactive,
    /// The directory or sign-in failed.
    #[error(transparent)]
    Access(#[from] AccessError),
}

/// Whether a bearer's proof is a token of this kind.
#[must_use]
pub fn is_token(text: &str) -> bool {
    text.starts_with(PREFIX)
}

fn hash(text: &str) -> TokenHash {
    TokenHash(*blake3::hash(text.as_bytes()).as_bytes())
}

impl Access {
    /// Makes up the text of a token.
    #[must_use]
    pub fn new_token_text(&self) -> NewTokenText {
        let mut random = [0; RANDOM_OCTETS];
        self.0.env.fill_random(&mut random);
        let text = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(random));
        NewTokenText {
            hash: hash(&text),
            text: Secret::new(text),
        }
    }

    /// Makes up the text of an invitation.
    #[must_use]
    pub fn new_invitation_text(&self) -> NewTokenText {
        let mut random = [0; RANDOM_OCTETS];
        self.0.env.fill_random(&mut random);
        let text = format!("{INVITATION_PREFIX}{}", URL_SAFE_NO_PAD.encode(random));
        NewTokenText {
            hash: hash(&text),
            text: Secret::new(text),
        }
    }

    /// What an invitation that someone shows is found by.
    #[must_use]
    pub fn invitation_hash(&self, text: &str) -> TokenHash {
        hash(text)
    }

    /// Who acts that shows this token, coming from `peer`.
    ///
    /// # Errors
    /// Each way of not being let in.
    pub async fn token_actor(&self, text: &str, peer: IpAddr) -> Result<Actor, TokenError> {
        let found = self.0.directory.token_shown(hash(text)).await;
        let token = found.map_err(AccessError::from)?.ok_or(TokenError::Unknown)?;
        if token.is_expired(self.now()) {
            return Err(TokenError::Expired);
        }
        if !token.networks.is_empty() && !token.networks.iter().any(|network| network.contains(peer)) {
            return Err(TokenError::Network);
        }
        let actor = self.actor_of(&token, peer).await?;
        if let Err(error) = self.0.directory.token_used(token.id, &peer.to_string()).await {
            tracing::warn!(event = "token_use_not_noted", token = token.id.0, %error);
        }
        Ok(actor)
    }

    async fn actor_of(&self, token: &TokenRecord, peer: IpAddr) -> Result<Actor, TokenError> {
        let scopes = Some(TokenScopes {
            token: token.id.0,
            scopes: token.scopes.clone(),
        });
        match token.owner {
            TokenOwner::Operator => Ok(Actor::Operator {
                from: peer.to_string(),
                scopes,
            }),
            TokenOwner::Account { account, .. } => {
                let login = self.0.directory.login_of(account).await.map_err(AccessError::from)?;
                let login = login.filter(|login| login.active).ok_or(TokenError::Inactive)?;
                // LGN, bad input: limits of addresses hold for the API too.
                if !login.is_let_in_from(peer) {
                    return Err(TokenError::Network);
                }
                Ok(Actor::member(&login.account, Some(peer), scopes))
            }
        }
    }

    /// Someone who signed in, with what they may do now.
    ///
    /// # Errors
    /// `BadCredentials` when the account is gone; `Directory`.
    pub async fn member_actor(&self, identity: &Identity, peer: IpAddr) -> Result<Actor, AccessError> {
        let account = self.0.directory.account(identity.account.id).await?;
        let account = account.ok_or(AccessError::BadCredentials)?;
        Ok(Actor::member(&account, Some(peer), None))
    }
}

#[cfg(test)]
#[path = "token_test.rs"]
mod tests;
