//! A member sets up, renews or removes their own second factor (AUTH-16, AUTH-20), with a fresh proof of who they are.

use std::net::IpAddr;

use hongyan_directory::Directory;
use hongyan_sasl::Secret;
use serde_json::Value;

use super::Stage;
use super::session::{Found, SessionChange};
use crate::passkey::Purpose;
use crate::permission::Actor;
use crate::second_factor::TotpOffer;
use crate::{Access, AccessError, AddedPasskey, Identity, PasskeyError};

impl Access {
    /// The session of whoever is signed in and has proved lately who they are.
    pub(super) async fn proved_session(&self, token: &str, peer: IpAddr) -> Result<(Found, Directory), AccessError> {
        let found = self.find_session(token, peer).await?;
        let session = found.view(self.now());
        // Setting one up is all that is open to whoever must.
        if !matches!(session.stage, Stage::SignedIn | Stage::SetUpSecondFactor) {
            return Err(AccessError::Unfinished(session.stage));
        }
        self.check_fresh(session.proved.millis)?;
        let author = Actor::member(&found.login.account, Some(peer), None).author();
        let directory = self.0.directory.acting(author, None);
        Ok((found, directory))
    }

    pub(crate) fn check_fresh(&self, proved_millis: i64) -> Result<(), AccessError> {
        let span = i64::try_from(self.0.options.fresh_proof_secs).unwrap_or(i64::MAX / 1_000);
        let age = self.now().millis.saturating_sub(proved_millis);
        if age > span.saturating_mul(1_000) {
            return Err(AccessError::ProofNeeded);
        }
        Ok(())
    }

    /// Whether someone has proved lately enough who they are, for what is delicate (AUTH-25).
    ///
    /// # Errors
    /// `ProofNeeded`, also for whoever came with an app password.
    pub fn check_proof(&self, identity: &Identity) -> Result<(), AccessError> {
        if identity.is_app() {
            return Err(AccessError::ProofNeeded);
        }
        identity
            .proved_millis()
            .map_or(Ok(()), |proved| self.check_fresh(proved))
    }

    /// As [`Access::begin_totp`], for whoever uses `token`.
    ///
    /// # Errors
    /// As there; `NotSignedIn`, `Unfinished`, `ProofNeeded`.
    pub async fn web_begin_totp(&self, token: &str, period_secs: u32, peer: IpAddr) -> Result<TotpOffer, AccessError> {
        let (found, directory) = self.proved_session(token, peer).await?;
        self.begin_totp(&directory, found.login.id(), period_secs).await
    }

    /// As [`Access::confirm_totp`], for whoever uses `token`: this session has shown the new factor, others have to.
    ///
    /// # Errors
    /// As there; `NotSignedIn`, `Unfinished`, `ProofNeeded`.
    pub async fn web_confirm_totp(&self, token: &str, code: &str, peer: IpAddr) -> Result<Vec<Secret>, AccessError> {
        let (found, directory) = self.proved_session(token, peer).await?;
        let codes = self.confirm_totp(&directory, found.login.id(), code).await?;
        let passed = SessionChange::Passed {
            at_millis: self.now().millis,
        };
        self.change_session(&found.hash, &passed).await?;
        Ok(codes)
    }

    /// As [`Access::renew_recovery_codes`], for whoever uses `token`.
    ///
    /// # Errors
    /// As there; `NotSignedIn`, `Unfinished`, `ProofNeeded`.
    pub async fn web_renew_recovery_codes(&self, token: &str, peer: IpAddr) -> Result<Vec<Secret>, AccessError> {
        let (found, directory) = self.proved_session(token, peer).await?;
        self.renew_recovery_codes(&directory, found.login.id()).await
    }

    /// As [`Access::remove_second_factor`], for whoever uses `token`.
    ///
    /// # Errors
    /// As there; `NotSignedIn`, `Unfinished`, `ProofNeeded`.
    pub async fn web_remove_second_factor(&self, token: &str, peer: IpAddr) -> Result<(), AccessError> {
        let (found, directory) = self.proved_session(token, peer).await?;
        self.remove_second_factor(&directory, found.login.id()).await
    }

    /// As [`Access::remove_totp`], for whoever uses `token`.
    ///
    /// # Errors
    /// As there; `NotSignedIn`, `Unfinished`, `ProofNeeded`.
    pub async fn web_remove_totp(&self, token: &str, peer: IpAddr) -> Result<(), AccessError> {
        let (found, directory) = self.proved_session(token, peer).await?;
        self.remove_totp(&directory, found.login.id()).await
    }

    /// What the browser of whoever uses `token` is told that shall make a passkey.
    ///
    /// # Errors
    /// `NotSignedIn`, `Unfinished`, `ProofNeeded`, `Directory`.
    pub async fn web_offer_passkey(&self, token: &str, peer: IpAddr) -> Result<Value, AccessError> {
        let (found, _) = self.proved_session(token, peer).await?;
        Ok(self.passkey_offer(&found.login.account, &found.login.factors, &found.hash))
    }

    /// Adds the passkey that the browser of whoever uses `token` made: `answer` is its JSON. This session has shown it, others
    /// have to.
    ///
    /// # Errors
    /// `Passkey`, `NotSignedIn`, `Unfinished`, `ProofNeeded`; `Directory`: `Invalid`, `Limit`, `Refused`.
    pub async fn web_add_passkey(
        &self,
        token: &str,
        name: &str,
        answer: &str,
        peer: IpAddr,
    ) -> Result<AddedPasskey, AccessError> {
        let (found, directory) = self.proved_session(token, peer).await?;
        let added = self
            .add_passkey(&directory, found.login.id(), &found.hash, name, answer)
            .await?;
        let passed = SessionChange::Passed {
            at_millis: self.now().millis,
        };
        self.change_session(&found.hash, &passed).await?;
        Ok(added)
    }

    /// What the browser of whoever uses `token` is told that shall use a passkey, as the second factor or as a fresh proof.
    ///
    /// # Errors
    /// `NotSignedIn`, `Directory`; `Passkey` when the account has none.
    pub async fn web_passkey_request(&self, token: &str, peer: IpAddr) -> Result<Value, AccessError> {
        let found = self.find_session(token, peer).await?;
        let factors = &found.login.factors;
        if factors.passkeys.is_empty() {
            return Err(PasskeyError::Unknown.into());
        }
        Ok(self.passkey_request(Purpose::Prove(&found.hash), Some(factors)))
    }
}
