//! Signing in with a code that is sent to the phone (AUTH-5): it stands for the password. An account whose second factor is that
//! very phone is not signed in so: one thing would open it.
//!
//! Whoever has not signed in hears nothing of whether a phone is bound: the answer comes before anybody looks.

use std::net::IpAddr;
use std::sync::Arc;

use hongyan_directory::{AccountRecord, Error, Login};

use super::{Begun, Visit};
use crate::login_log::{Attempt, Way};
use crate::sent_code::{Holder, Purpose};
use crate::texting::number;
use crate::{Access, AccessError, Protocol};

/// Codes that may be asked for in an hour from one address, for phones and forgotten passwords together.
const HOUR_MICROS: u64 = 3_600_000_000;

impl Access {
    /// Whether one more code may be asked for from there.
    pub(super) fn admit_asker(&self, peer: IpAddr) -> Result<(), AccessError> {
        let inner = &self.0;
        let (now, max) = (inner.env.now_micros(), inner.options.guest_codes_per_address_max);
        if let Some(retry_secs) = inner.guard.address_locked_secs(peer, now) {
            return Err(AccessError::LockedOut { retry_secs });
        }
        if !inner.askers.admit(peer, now, HOUR_MICROS, max) {
            return Err(AccessError::LockedOut { retry_secs: 3_600 });
        }
        Ok(())
    }

    /// Has a code sent to a phone, if it belongs to somebody. That it was asked for is all that is answered.
    ///
    /// # Errors
    /// `NoTextGateway`, `LockedOut`; `Directory`: `Invalid` when it is no number.
    pub fn web_ask_phone(&self, typed: &str, peer: IpAddr) -> Result<(), AccessError> {
        self.need_gateway()?;
        let invalid = || Error::Invalid("a phone number has its country, such as +86 138 0013 8000".to_owned());
        let number = number(typed).ok_or_else(invalid)?;
        self.admit_asker(peer)?;
        let access = self.clone();
        hongyan_env::spawn(async move {
            if let Err(error) = access.text_sign_in(&number).await {
                tracing::debug!(%error, "no code to sign in with is sent");
            }
        });
        Ok(())
    }

    pub(crate) async fn text_sign_in(&self, number: &str) -> Result<(), AccessError> {
        if self.accounts_by_phone(number).await?.is_empty() {
            return Ok(());
        }
        self.text_code(&Holder::phone(number), Purpose::SignIn, number, true)
            .await
    }

    /// The accounts that a phone signs in, of whatever organisation.
    async fn accounts_by_phone(&self, number: &str) -> Result<Vec<Login>, AccessError> {
        let mut found = Vec::new();
        for account in self.0.directory.accounts_of_phone(number).await? {
            let login = self.0.directory.login_of(account.id).await?;
            found.extend(login.filter(|login| login.active && !login.factors.is_sms_factor()));
        }
        Ok(found)
    }

    /// Begins a session with a code that was sent to a phone. Whoever has accounts in several organisations says which one
    /// (AUTH-6).
    ///
    /// # Errors
    /// `WrongCode`, whatever is wrong; `ChooseAccount` names the accounts, and the code stays good; each way of not being let in.
    pub async fn web_sign_in_by_phone(
        &self,
        typed: &str,
        code: &str,
        chosen: Option<&str>,
        visit: Visit<'_>,
    ) -> Result<Begun, AccessError> {
        self.need_gateway()?;
        let number = number(typed).ok_or(AccessError::WrongCode)?;
        self.check_lock(&number, visit.peer)?;
        let outcome = self.begin_by_phone(&number, code, chosen, visit).await;
        let known: Option<Arc<AccountRecord>> = match &outcome {
            Ok(begun) => Some(Arc::clone(&begun.session.account)),
            Err(_) => None,
        };
        if let Some(account) = &known {
            let attempt = Attempt {
                account,
                name: &account.address.to_string(),
                protocol: Protocol::Web,
                way: Way::PhoneCode,
                peer: visit.peer,
                client: visit.client,
            };
            self.log_login(&attempt, None);
        }
        if matches!(outcome, Err(AccessError::WrongCode)) {
            self.count_failure(&number, visit.peer).await;
        }
        self.count_outcome(Protocol::Web, outcome.as_ref().err());
        outcome
    }

    async fn begin_by_phone(
        &self,
        number: &str,
        code: &str,
        chosen: Option<&str>,
        visit: Visit<'_>,
    ) -> Result<Begun, AccessError> {
        let holder = Holder::phone(number);
        self.check_sent_code(&holder, Purpose::SignIn, code, false).await?;
        let mut found = self.accounts_by_phone(number).await?;
        if let Some(chosen) = chosen {
            let chosen = chosen.to_lowercase();
            found.retain(|login| login.account.address.to_string().to_lowercase() == chosen);
        } else if found.len() > 1 {
            let addresses = found.iter().map(|login| login.account.address.to_string());
            return Err(AccessError::ChooseAccount(addresses.collect()));
        }
        let login = found.pop().ok_or(AccessError::WrongCode)?;
        self.check_sent_code(&holder, Purpose::SignIn, code, true).await?;
        let name = login.account.address.to_string();
        self.forgive(&name).await;
        self.let_in(&name, login, visit, false).await
    }
}
