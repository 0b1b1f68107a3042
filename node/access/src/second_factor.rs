//! Second factors: an authenticator app, and recovery codes for the day its phone is lost (AUTH-15 to AUTH-17).
//!
//! A code is taken once, on whatever node: the step it belongs to is written in the transaction that takes it, at
//! ("acc", "totp", account), and none at or before that step is taken again. Wrong codes are counted there too: who knows the
//! password may not go on guessing for ever. Recovery codes have 80 random bits and are kept as keyed hashes.

use std::net::IpAddr;

use bytes::Bytes;
use hongyan_directory::{Directory, Error, FactorsChange, Login, TotpKey, totp_place};
use hongyan_kv::record::{self, Schema};
use hongyan_kv::{Transaction, Tuple};
use hongyan_sasl::Secret;
use hongyan_types::AccountId;
use minicbor::{Decode, Encode};

use crate::permission::Actor;
use crate::secret_text;
use crate::totp::{self, Totp};
use crate::{Access, AccessError};

/// How long a new authenticator app has for its first code.
const PENDING_MILLIS: i64 = 15 * 60 * 1_000;
/// Recovery codes made at once (AUTH, bad input: ten single-use codes).
const RECOVERY_CODES: usize = 10;
const V1: Schema = Schema(1);

/// What an authenticator app is to be told.
#[derive(Debug, Clone)]
pub struct TotpOffer {
    /// The secret in base32, for typing.
    pub secret: Secret,
    /// The same with all else that the app must know, for a QR code.
    pub uri: Secret,
}

/// What is shown as the second factor.
#[derive(Debug, Clone)]
pub enum SecondProof {
    /// A code of the authenticator app.
    Totp(String),
    /// One of the recovery codes.
    RecoveryCode(String),
    /// What a browser answers that was asked for a passkey, as JSON.
    Passkey(String),
    /// A code that was sent to the phone.
    Text(String),
}

/// What was taken of an account's codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode)]
struct Taken {
    /// The last step of which a code was taken.
    #[n(0)]
    step: i64,
    /// Wrong codes in the window.
    #[n(1)]
    failures: u32,
    #[n(2)]
    window_start_millis: i64,
}

/// What became of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Taken,
    Wrong,
    Locked { until_millis: i64 },
}

pub(crate) fn taken_key(account: AccountId) -> Bytes {
    Tuple::new().string("acc").string("totp").int(account.0).pack()
}

impl Access {
    /// Offers an account a new authenticator app. It counts once it has shown its first code.
    ///
    /// # Errors
    /// `Directory`: `Invalid`, `NotFound`.
    pub async fn begin_totp(
        &self,
        directory: &Directory,
        account: AccountId,
        period_secs: u32,
    ) -> Result<TotpOffer, AccessError> {
        if !matches!(period_secs, 30 | 60) {
            let text = "an authenticator app shows a new code every 30 or every 60 seconds".to_owned();
            return Err(Error::Invalid(text).into());
        }
        let mut secret = vec![0; totp::SECRET_OCTETS];
        self.0.env.fill_random(&mut secret);
        let key = TotpKey {
            secret: directory.sealer().keep(&totp_place(account), &secret)?,
            period_secs,
            since: self.now(),
        };
        directory
            .change_factors(account, &FactorsChange::OfferTotp(key))
            .await?;
        let missing = || Error::NotFound {
            what: "account",
            name: account.0.to_string(),
        };
        let owner = directory.account(account).await?.ok_or_else(missing)?;
        let issuer = directory.tenant(owner.tenant).await?;
        let totp = Totp {
            secret: &secret,
            period_secs,
        };
        let uri = totp::uri(&issuer.name, &owner.address.to_string(), &totp);
        Ok(TotpOffer {
            secret: Secret::new(totp::base32(&secret)),
            uri: Secret::new(uri),
        })
    }

    /// The new authenticator app shows its first code: from now on it is the second factor. Gives recovery codes, which
    /// nobody can show again; earlier ones are good no more.
    ///
    /// # Errors
    /// `WrongCode`, `LockedOut`; `Directory`: `Refused` when nothing was offered lately.
    pub async fn confirm_totp(
        &self,
        directory: &Directory,
        account: AccountId,
        code: &str,
    ) -> Result<Vec<Secret>, AccessError> {
        let pending = directory.factors(account).await?.pending_totp.clone();
        let now = self.now();
        let is_late = |key: &TotpKey| now.millis.saturating_sub(key.since.millis) > PENDING_MILLIS;
        let nothing =
            || Error::Refused("no authenticator app was offered in the last 15 minutes: begin anew".to_owned());
        let pending = pending.filter(|key| !is_late(key)).ok_or_else(nothing)?;
        self.take_code(account, &pending, code).await?;
        let (codes, hashes) = self.make_recovery_codes(account);
        let confirm = FactorsChange::ConfirmTotp {
            offered: pending,
            since: now,
            recovery_codes: hashes,
        };
        directory.change_factors(account, &confirm).await?;
        self.account_changed(account).await?;
        Ok(codes)
    }

    /// Makes new recovery codes; earlier ones are good no more.
    ///
    /// # Errors
    /// `Directory`: `Refused` without a second factor.
    pub async fn renew_recovery_codes(
        &self,
        directory: &Directory,
        account: AccountId,
    ) -> Result<Vec<Secret>, AccessError> {
        let (codes, hashes) = self.make_recovery_codes(account);
        directory
            .change_factors(account, &FactorsChange::RenewRecoveryCodes(hashes))
            .await?;
        Ok(codes)
    }

    /// Removes the authenticator app, with the recovery codes unless there are passkeys.
    ///
    /// # Errors
    /// `Directory`: `NotFound`.
    pub async fn remove_totp(&self, directory: &Directory, account: AccountId) -> Result<(), AccessError> {
        directory.change_factors(account, &FactorsChange::RemoveTotp).await?;
        self.account_changed(account).await?;
        Ok(())
    }

    /// As [`Access::remove_second_factor`], by an administrator for whoever has lost it: its owner is told.
    ///
    /// # Errors
    /// `Directory`: `NotFound`.
    pub async fn reset_second_factor(&self, directory: &Directory, account: AccountId) -> Result<(), AccessError> {
        let before = directory.factors(account).await?;
        self.remove_second_factor(directory, account).await?;
        self.tell_of_reset(account, &before).await
    }

    /// Removes the second factor: authenticator app, passkeys and recovery codes.
    ///
    /// # Errors
    /// `Directory`: `NotFound`.
    pub async fn remove_second_factor(&self, directory: &Directory, account: AccountId) -> Result<(), AccessError> {
        directory
            .change_factors(account, &FactorsChange::RemoveSecondFactor)
            .await?;
        let key = taken_key(account);
        let forget = async move |transaction: &mut Transaction| {
            // What was taken stays taken; what was guessed wrong is forgiven.
            if let Some(stored) = transaction.get(&key).await? {
                let mut taken: Taken = record::decode(V1, &stored)?;
                taken.failures = 0;
                transaction.set(key.clone(), record::encode(V1, &taken));
            }
            Ok::<_, hongyan_kv::Error>(())
        };
        self.0.database.run(forget).await.map_err(Error::from)?;
        self.account_changed(account).await?;
        Ok(())
    }

    /// Whether `shown` is right for whoever signs in; a code that is right is used up by it. A passkey belongs to a session
    /// ([`Access::check_passkey`]) and is wrong here.
    ///
    /// # Errors
    /// `WrongCode`, `LockedOut`, `Directory`.
    pub(crate) async fn check_second(
        &self,
        login: &Login,
        shown: &SecondProof,
        peer: IpAddr,
    ) -> Result<(), AccessError> {
        match shown {
            SecondProof::Totp(code) => match &login.factors.totp {
                Some(key) => self.take_code(login.id(), key, code).await,
                None => Err(AccessError::WrongCode),
            },
            SecondProof::RecoveryCode(code) => self.take_recovery_code(login, code, peer).await,
            SecondProof::Passkey(_) | SecondProof::Text(_) => Err(AccessError::WrongCode),
        }
    }

    /// Takes a code of an authenticator app, if it is right and none as late was taken before.
    async fn take_code(&self, account: AccountId, key: &TotpKey, typed: &str) -> Result<(), AccessError> {
        let inner = &self.0;
        let now = inner.env.wall_millis();
        let drift = i64::from(inner.options.totp_drift_secs).saturating_mul(1_000);
        let secret = inner.directory.sealer().reveal(&totp_place(account), &key.secret)?;
        let totp = Totp {
            secret: &secret,
            period_secs: key.period_secs,
        };
        let steps = totp::read(typed).map(|code| totp.steps_of(code, now, drift));
        let steps = steps.unwrap_or_default();
        let window = i64::try_from(inner.options.code_failure_window_secs).unwrap_or(i64::MAX / 1_000);
        let rule = (inner.options.code_failures_max, window.saturating_mul(1_000));
        let take = async move |transaction: &mut Transaction| {
            let key = taken_key(account);
            let stored = transaction.get(&key).await?;
            let taken = stored.map(|stored| record::decode::<Taken>(V1, &stored)).transpose()?;
            let (after, verdict) = judge(taken.unwrap_or_default(), &steps, rule, now);
            if let Some(after) = after {
                transaction.set(key, record::encode(V1, &after));
            }
            Ok::<_, hongyan_kv::Error>(verdict)
        };
        match inner.database.run(take).await.map_err(Error::from)? {
            Verdict::Taken => Ok(()),
            Verdict::Wrong => Err(AccessError::WrongCode),
            Verdict::Locked { until_millis } => {
                let left = u64::try_from(until_millis.saturating_sub(now)).unwrap_or(0);
                Err(AccessError::LockedOut {
                    retry_secs: left.div_ceil(1_000).max(1),
                })
            }
        }
    }

    async fn take_recovery_code(&self, login: &Login, typed: &str, peer: IpAddr) -> Result<(), AccessError> {
        let account = login.id();
        let hash = secret_text::hash(&self.0.secret, "recovery code", account, typed);
        let author = Actor::member(&login.account, Some(peer), None).author();
        let directory = self.0.directory.acting(author, None);
        let used = FactorsChange::UseRecoveryCode(*hash.as_bytes());
        match directory.change_factors(account, &used).await {
            Ok(_) => Ok(()),
            Err(Error::NotFound {
                what: "recovery code", ..
            }) => Err(AccessError::WrongCode),
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) fn make_recovery_codes(&self, account: AccountId) -> (Vec<Secret>, Vec<[u8; 32]>) {
        let codes: Vec<Secret> = (0..RECOVERY_CODES)
            .map(|_| secret_text::make(&self.0.env, 4, 4))
            .collect();
        let hash =
            |code: &Secret| *secret_text::hash(&self.0.secret, "recovery code", account, code.reveal()).as_bytes();
        let hashes = codes.iter().map(hash).collect();
        (codes, hashes)
    }
}

/// What becomes of a code that belongs to one of `steps`, and what is kept of that. The rule says how many wrong ones may
/// come in how many milliseconds.
fn judge(taken: Taken, steps: &[i64], rule: (u32, i64), now: i64) -> (Option<Taken>, Verdict) {
    let (failures_max, window_millis) = rule;
    let until_millis = taken.window_start_millis.saturating_add(window_millis);
    // A clock that was set back must not make a window last.
    let counts = now < until_millis && now >= taken.window_start_millis;
    if counts && taken.failures >= failures_max {
        return (None, Verdict::Locked { until_millis });
    }
    if let Some(step) = steps.iter().find(|step| **step > taken.step) {
        let after = Taken {
            step: *step,
            ..Taken::default()
        };
        return (Some(after), Verdict::Taken);
    }
    let after = Taken {
        failures: if counts { taken.failures + 1 } else { 1 },
        window_start_millis: if counts { taken.window_start_millis } else { now },
        ..taken
    };
    (Some(after), Verdict::Wrong)
}

#[cfg(test)]
#[path = "second_factor_test.rs"]
mod tests;
