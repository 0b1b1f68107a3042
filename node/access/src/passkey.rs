//! Passkeys (WebAuthn level 3): a member signs in with a key that never leaves their device, alone or beside the password.
//!
//! What is asked of the browser, and what it answers, is the JSON that browsers write and read themselves. Keys are part of
//! [`hongyan_directory::Factors`]; what changes with each use, the sign counter among it, is at ("acc", "passkey-use",
//! account, number). A passkey is a second factor: where there is one, the password alone does not sign in. One whose
//! authenticator has asked for a PIN, a finger or a face needs no password beside it.

mod answer;
mod challenge;
mod cose;

use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use hongyan_audit::{Chain, Event};
use hongyan_directory::{AccountRecord, Directory, Error, Factors, FactorsChange, Login, Passkey};
use hongyan_kv::record::{self, Schema};
use hongyan_kv::{Transaction, Tuple};
use hongyan_sasl::Secret;
use hongyan_types::{AccountId, Timestamp};
use minicbor::{Decode, Encode};
use serde_json::{Value, json};

pub(crate) use answer::RelyingParty;
use answer::{NewPasskey, UsedPasskey};
use challenge::Challenge;
pub(crate) use challenge::Purpose;

use crate::web::TokenHash;
use crate::{Access, AccessError};

const V1: Schema = Schema(1);
/// Longest name of a passkey.
const NAME_CHARACTERS_MAX: usize = 64;

/// Why a passkey does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasskeyError {
    /// The answer, or this part of it, is not what browsers send.
    #[error("the passkey's {0} cannot be read")]
    Unreadable(&'static str),
    /// It was made or used for something else.
    #[error("the passkey was asked for something else")]
    Purpose,
    /// It was made or used on a page of another site.
    #[error("the passkey was used on a page of another site")]
    Origin,
    /// What it signs was not asked here, not lately, or was shown before.
    #[error("the passkey took too long, or its answer was used before: try again")]
    Challenge,
    /// Nobody touched the authenticator.
    #[error("nobody was present when the passkey was used")]
    NotPresent,
    /// The authenticator did not ask for a PIN, a finger or a face.
    #[error("this passkey does not verify who uses it: sign in with the password first")]
    NotVerified,
    /// Nobody here has it.
    #[error("this passkey is not known here")]
    Unknown,
    /// The signature is another's.
    #[error("the passkey's signature is wrong")]
    Signature,
    /// The sign counter went back: there may be a copy of the authenticator.
    #[error("the passkey's counter went back: there may be a copy of it, so it is not taken")]
    Counter,
    /// Its kind of key is not taken.
    #[error("the passkey's kind of key is not taken: ES256, EdDSA and RS256 are")]
    Algorithm,
}

/// A passkey, as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasskeyView {
    /// The passkey.
    pub passkey: Passkey,
    /// When it was used last.
    pub used: Option<Timestamp>,
    /// From where.
    pub peer: String,
}

/// A passkey that was added.
#[derive(Debug, Clone)]
pub struct AddedPasskey {
    /// The passkey.
    pub passkey: Passkey,
    /// Recovery codes, where it is the first second factor: nobody can show them again.
    pub recovery_codes: Vec<Secret>,
}

/// What is known of a passkey's uses.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
struct Use {
    #[n(0)]
    counter: u32,
    #[n(1)]
    used_millis: Option<i64>,
    #[n(2)]
    peer: String,
}

pub(crate) fn uses(account: AccountId) -> Tuple {
    Tuple::new().string("acc").string("passkey-use").int(account.0)
}

fn use_key(account: AccountId, id: u32) -> Bytes {
    uses(account).int(id).pack()
}

fn name_of(asked: &str) -> Result<String, AccessError> {
    let name = asked.trim();
    let count = name.chars().count();
    if count == 0 || count > NAME_CHARACTERS_MAX || name.chars().any(char::is_control) {
        let text = format!("a passkey's name has 1 to {NAME_CHARACTERS_MAX} characters");
        return Err(Error::Invalid(text).into());
    }
    Ok(name.to_owned())
}

fn encoded(octets: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(octets)
}

/// How browsers are told of passkeys that are there (WebAuthn §5.8.3).
fn described(passkeys: &[Passkey]) -> Vec<Value> {
    let describe = |passkey: &Passkey| {
        json!({
            "type": "public-key",
            "id": encoded(&passkey.credential),
            "transports": passkey.transports,
        })
    };
    passkeys.iter().map(describe).collect()
}

impl Access {
    fn party(&self) -> RelyingParty {
        RelyingParty {
            origin: self.0.options.web_origin.clone(),
        }
    }

    /// What a browser is told that shall make a passkey (WebAuthn §5.4).
    pub(crate) fn passkey_offer(&self, account: &AccountRecord, factors: &Factors, session: &TokenHash) -> Value {
        let party = self.party();
        let challenge = self.new_challenge(Purpose::Register(session));
        let algorithms = cose::ALGORITHMS.map(|algorithm| json!({"type": "public-key", "alg": algorithm}));
        let name = match account.display_name.as_str() {
            "" => account.address.to_string(),
            name => name.to_owned(),
        };
        json!({
            "rp": {"id": party.id(), "name": party.id()},
            "user": {
                "id": encoded(&account.id.0.to_be_bytes()),
                "name": account.address.to_string(),
                "displayName": name,
            },
            "challenge": encoded(&challenge),
            "pubKeyCredParams": algorithms,
            "timeout": self.0.options.passkey_challenge_secs.saturating_mul(1_000),
            "excludeCredentials": described(&factors.passkeys),
            "authenticatorSelection": {"residentKey": "preferred", "userVerification": "preferred"},
            "attestation": "none",
        })
    }

    /// What a browser is told that shall use a passkey: any of this site's, or one of an account's (WebAuthn §5.5).
    pub(crate) fn passkey_request(&self, purpose: Purpose<'_>, factors: Option<&Factors>) -> Value {
        let challenge = self.new_challenge(purpose);
        let verification = match purpose {
            Purpose::SignIn => "required",
            Purpose::Prove(_) | Purpose::Register(_) => "preferred",
        };
        json!({
            "rpId": self.party().id(),
            "challenge": encoded(&challenge),
            "timeout": self.0.options.passkey_challenge_secs.saturating_mul(1_000),
            "userVerification": verification,
            "allowCredentials": factors.map_or_else(Vec::new, |factors| described(&factors.passkeys)),
        })
    }

    /// What a browser is told that shall sign in with a passkey and nothing else.
    #[must_use]
    pub fn passkey_sign_in_request(&self) -> Value {
        self.passkey_request(Purpose::SignIn, None)
    }

    /// Adds what a browser made to an account.
    ///
    /// # Errors
    /// `Passkey`; `Directory`: `Invalid`, `Limit`, `Refused`, `NotFound`.
    pub(crate) async fn add_passkey(
        &self,
        directory: &Directory,
        account: AccountId,
        session: &TokenHash,
        name: &str,
        answer: &str,
    ) -> Result<AddedPasskey, AccessError> {
        let name = name_of(name)?;
        let made = NewPasskey::read(answer, &self.party())?;
        let challenge = self.check_challenge(&made.challenge, Purpose::Register(session))?;
        let take = async move |transaction: &mut Transaction| challenge.take(transaction).await;
        self.0.database.run(take).await.map_err(Error::from)??;
        let (codes, hashes) = self.make_recovery_codes(account);
        let add = FactorsChange::AddPasskey {
            passkey: Box::new(Passkey {
                id: 0,
                name,
                credential: made.credential,
                public_key: made.public_key,
                transports: made.transports,
                is_verifying: made.is_verifying,
                is_synced: made.is_synced,
                created: self.now(),
            }),
            max: u64::try_from(self.0.options.passkeys_per_account_max).unwrap_or(u64::MAX),
            recovery_codes: hashes.clone(),
        };
        let factors = directory.change_factors(account, &add).await?;
        let added = factors.passkeys.last().cloned().ok_or(PasskeyError::Unknown)?;
        let began = Use {
            counter: made.counter,
            ..Use::default()
        };
        let key = use_key(account, added.id);
        let note = async move |transaction: &mut Transaction| {
            transaction.set(key.clone(), record::encode(V1, &began));
            Ok::<_, hongyan_kv::Error>(())
        };
        self.0.database.run(note).await.map_err(Error::from)?;
        self.account_changed(account).await?;
        let is_first = factors.recovery_codes == hashes;
        Ok(AddedPasskey {
            passkey: added,
            recovery_codes: if is_first { codes } else { Vec::new() },
        })
    }

    /// Calls a passkey something else.
    ///
    /// # Errors
    /// `Directory`: `Invalid`, `NotFound`.
    pub async fn rename_passkey(
        &self,
        directory: &Directory,
        account: AccountId,
        id: u32,
        name: &str,
    ) -> Result<(), AccessError> {
        let name = name_of(name)?;
        let rename = FactorsChange::RenamePasskey { id, name };
        directory.change_factors(account, &rename).await?;
        Ok(())
    }

    /// Takes a passkey back. Sessions that run stay.
    ///
    /// # Errors
    /// `Directory`: `NotFound`.
    pub async fn remove_passkey(&self, directory: &Directory, account: AccountId, id: u32) -> Result<(), AccessError> {
        directory
            .change_factors(account, &FactorsChange::RemovePasskey(id))
            .await?;
        self.account_changed(account).await?;
        Ok(())
    }

    /// An account's passkeys, the oldest first.
    ///
    /// # Errors
    /// `Directory`.
    pub async fn passkeys(&self, account: AccountId) -> Result<Vec<PasskeyView>, AccessError> {
        let factors = self.0.directory.factors(account).await?;
        let passkeys = factors.passkeys.clone();
        let read = async move |transaction: &mut Transaction| {
            let mut views = Vec::new();
            for passkey in &passkeys {
                let stored = transaction.get_snapshot(&use_key(account, passkey.id)).await?;
                let found = stored.map(|stored| record::decode::<Use>(V1, &stored)).transpose()?;
                let Use { used_millis, peer, .. } = found.unwrap_or_default();
                views.push(PasskeyView {
                    passkey: passkey.clone(),
                    used: used_millis.map(|millis| Timestamp { millis }),
                    peer,
                });
            }
            Ok::<_, hongyan_kv::Error>(views)
        };
        Ok(self.0.database.run(read).await.map_err(Error::from)?)
    }

    /// Whose passkey an answer to [`Access::passkey_sign_in_request`] shows, once it was found good: it stands for password and
    /// second factor, so its authenticator must have verified who used it.
    pub(crate) async fn check_passkey_alone(&self, answer: &str, peer: IpAddr) -> Result<Login, AccessError> {
        let used = UsedPasskey::read(answer, &self.party())?;
        let challenge = self.check_challenge(&used.challenge, Purpose::SignIn)?;
        let user = used.user.as_deref().and_then(|user| user.try_into().ok());
        let account = user.map(u64::from_be_bytes).ok_or(PasskeyError::Unknown)?;
        let login = self.0.directory.login_of(AccountId(account)).await?;
        let login = login.ok_or(PasskeyError::Unknown)?;
        if !used.is_verified {
            return Err(PasskeyError::NotVerified.into());
        }
        self.take_passkey(&login, &used, challenge, peer).await?;
        Ok(login)
    }

    /// Whether an answer shows one of the account's passkeys, for this session.
    pub(crate) async fn check_passkey(
        &self,
        login: &Login,
        answer: &str,
        session: &TokenHash,
        peer: IpAddr,
    ) -> Result<(), AccessError> {
        let used = UsedPasskey::read(answer, &self.party())?;
        let challenge = self.check_challenge(&used.challenge, Purpose::Prove(session))?;
        self.take_passkey(login, &used, challenge, peer).await
    }

    /// Verifies the signature, then uses up the challenge and advances the counter, together.
    async fn take_passkey(
        &self,
        login: &Login,
        used: &UsedPasskey,
        challenge: Challenge,
        peer: IpAddr,
    ) -> Result<(), AccessError> {
        // An account's own passkeys are looked through, so one that somebody else registered under the same name (WebAuthn
        // §7.1, the last steps) is of no use for it.
        let mut passkeys = login.factors.passkeys.iter();
        let passkey = passkeys.find(|passkey| passkey.credential == used.credential);
        let passkey = passkey.ok_or(PasskeyError::Unknown)?;
        used.is_by(&passkey.public_key)?;
        let (account, id, shown) = (login.id(), passkey.id, used.counter);
        let now = self.0.env.wall_millis();
        let peer = peer.to_canonical().to_string();
        let take = async move |transaction: &mut Transaction| {
            if let Err(error) = challenge.take(transaction).await? {
                return Ok(Err(error));
            }
            let key = use_key(account, id);
            let stored = transaction.get(&key).await?;
            let before = stored.map(|stored| record::decode::<Use>(V1, &stored)).transpose()?;
            let before = before.unwrap_or_default();
            // WebAuthn §7.2: authenticators that do not count say 0 for ever.
            let counts = before.counter != 0 || shown != 0;
            if counts && shown <= before.counter {
                return Ok(Err(PasskeyError::Counter));
            }
            let after = Use {
                counter: shown,
                used_millis: Some(now),
                peer: peer.clone(),
            };
            transaction.set(key, record::encode(V1, &after));
            Ok::<_, hongyan_kv::Error>(Ok(()))
        };
        let taken = self.0.database.run(take).await.map_err(Error::from)?;
        if taken == Err(PasskeyError::Counter) {
            let event = Event::new("member.passkey-counter", login.account.address.to_string()).id(account.0);
            let event = event.with("number", id.to_string());
            let chain = Chain::Tenant(login.account.tenant);
            self.0.directory.record(chain, event).await?;
        }
        Ok(taken?)
    }
}

#[cfg(test)]
#[path = "passkey_test.rs"]
mod tests;
