//! How somebody is reached outside: the recovery mailbox (AUTH-12), the phone (AUTH-13), and what codes sent to the phone protect
//! (AUTH-22, AUTH-23).

use std::collections::BTreeSet;
use std::net::IpAddr;

use hongyan_directory::{Error, Factors, FactorsChange, Resolution, SmsScope};
use hongyan_sasl::Secret;
use hongyan_types::{AccountId, Address};

use super::Stage;
use super::session::{Found, SessionChange};
use crate::identity::Proof;
use crate::letter::CodeFor;
use crate::sent_code::{Holder, Purpose};
use crate::texting::number;
use crate::{Access, AccessError, Identity};

/// How somebody is reached outside, as they see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// Where codes and notices go.
    pub recovery_mailbox: Option<Address>,
    /// The phone that was proved.
    pub phone: Option<String>,
    /// What codes sent to it protect.
    pub protects: BTreeSet<SmsScope>,
    /// Whether codes can be sent to phones at all.
    pub is_texting_offered: bool,
}

fn refused(text: &str) -> AccessError {
    Error::Refused(text.to_owned()).into()
}

impl Access {
    /// How whoever uses `token` is reached outside.
    ///
    /// # Errors
    /// `NotSignedIn`, `Unfinished`, `Directory`.
    pub async fn web_reach(&self, token: &str, peer: IpAddr) -> Result<Reach, AccessError> {
        let found = self.find_session(token, peer).await?;
        match found.view(self.now()).stage {
            Stage::SignedIn | Stage::SetUpSecondFactor => {}
            stage => return Err(AccessError::Unfinished(stage)),
        }
        let factors = &found.login.factors;
        Ok(Reach {
            recovery_mailbox: factors.recovery_mailbox.clone(),
            phone: factors.phone.clone(),
            protects: factors.sms.clone(),
            is_texting_offered: self.has_text_gateway(),
        })
    }

    /// Has a code sent to a mailbox outside, which becomes the recovery mailbox when the code is shown.
    ///
    /// # Errors
    /// `NotSignedIn`, `Unfinished`, `ProofNeeded`, `CodesUsedUp`; `Directory`: `Invalid` for a mailbox of this server.
    pub async fn web_offer_mailbox(&self, token: &str, mailbox: &str, peer: IpAddr) -> Result<(), AccessError> {
        let (found, _) = self.proved_session(token, peer).await?;
        let invalid = |text: String| AccessError::from(Error::Invalid(text));
        let address = Address::try_from(mailbox.trim()).map_err(|error| invalid(format!("{mailbox}: {error}")))?;
        if self.0.directory.resolve(&address).await? != Resolution::NotLocal {
            let text = "a recovery mailbox is one of another mail server: one here is lost with its password";
            return Err(invalid(text.to_owned()));
        }
        let account = &found.login.account;
        self.mail_code(account, &address, (Purpose::Mailbox, CodeFor::Mailbox), false)
            .await
    }

    /// Makes a code and has it mailed.
    pub(super) async fn mail_code(
        &self,
        account: &hongyan_directory::AccountRecord,
        to: &Address,
        (purpose, what): (Purpose, CodeFor),
        for_guest: bool,
    ) -> Result<(), AccessError> {
        let holder = Holder::account(account.id);
        self.count_sent(&holder, for_guest).await?;
        let code = self.make_code(&holder, purpose, &to.to_string()).await?;
        let letter = self.code_letter(account, to, &code, what);
        let write = async move |transaction: &mut hongyan_kv::Transaction| {
            hongyan_notice::write(transaction, &letter);
            Ok::<_, hongyan_kv::Error>(())
        };
        Ok(self.0.database.run(write).await.map_err(Error::from)?)
    }

    /// The code that was mailed is shown: the mailbox is the recovery mailbox from now on.
    ///
    /// # Errors
    /// `WrongCode`, `NotSignedIn`, `Unfinished`, `ProofNeeded`, `Directory`.
    pub async fn web_confirm_mailbox(&self, token: &str, code: &str, peer: IpAddr) -> Result<(), AccessError> {
        let (found, directory) = self.proved_session(token, peer).await?;
        let account = found.login.id();
        let holder = Holder::account(account);
        let mailbox = self.check_sent_code(&holder, Purpose::Mailbox, code, true).await?;
        let mailbox = Address::try_from(mailbox.as_str()).map_err(|_| AccessError::WrongCode)?;
        let set = FactorsChange::RecoveryMailbox(Some(mailbox));
        directory.change_factors(account, &set).await?;
        Ok(())
    }

    /// No recovery mailbox any more.
    ///
    /// # Errors
    /// `NotSignedIn`, `Unfinished`, `ProofNeeded`, `Directory`.
    pub async fn web_remove_mailbox(&self, token: &str, peer: IpAddr) -> Result<(), AccessError> {
        let (found, directory) = self.proved_session(token, peer).await?;
        let remove = FactorsChange::RecoveryMailbox(None);
        directory.change_factors(found.login.id(), &remove).await?;
        Ok(())
    }

    /// Has a code sent to a new phone, which is bound when the code is shown.
    ///
    /// # Errors
    /// `NoTextGateway`, `TextGatewayFailed`, `CodesUsedUp`, `TextCodeNeeded` while the old phone protects something,
    /// `NotSignedIn`, `Unfinished`, `ProofNeeded`; `Directory`: `Invalid`.
    pub async fn web_offer_phone(&self, token: &str, typed: &str, peer: IpAddr) -> Result<(), AccessError> {
        let (found, _) = self.proved_session(token, peer).await?;
        self.need_gateway()?;
        let invalid = || Error::Invalid("a phone number has its country, such as +86 138 0013 8000".to_owned());
        let number = number(typed).ok_or_else(invalid)?;
        if !found.login.factors.sms.is_empty() {
            self.need_text(&found).await?;
        }
        let account = found.login.id();
        self.count_sent(&Holder::binding(account), false).await?;
        self.text_code(&Holder::account(account), Purpose::Phone, &number, false)
            .await
    }

    /// The code that was sent to the new phone is shown: it is bound.
    ///
    /// # Errors
    /// `WrongCode`, `NotSignedIn`, `Unfinished`, `ProofNeeded`; `Directory`: `Refused` when it is bound in this organisation.
    pub async fn web_confirm_phone(&self, token: &str, code: &str, peer: IpAddr) -> Result<(), AccessError> {
        let (found, directory) = self.proved_session(token, peer).await?;
        let account = found.login.id();
        let holder = Holder::account(account);
        let number = self.check_sent_code(&holder, Purpose::Phone, code, true).await?;
        directory
            .change_factors(account, &FactorsChange::Phone(Some(number)))
            .await?;
        Ok(())
    }

    /// No phone any more, and nothing is protected by it.
    ///
    /// # Errors
    /// `TextCodeNeeded` while it protects something, `NotSignedIn`, `Unfinished`, `ProofNeeded`, `Directory`.
    pub async fn web_remove_phone(&self, token: &str, peer: IpAddr) -> Result<(), AccessError> {
        let (found, directory) = self.proved_session(token, peer).await?;
        if !found.login.factors.sms.is_empty() {
            self.need_text(&found).await?;
        }
        let account = found.login.id();
        directory.change_factors(account, &FactorsChange::Phone(None)).await?;
        self.account_changed(account).await?;
        Ok(())
    }

    /// Unbinds a member's phone and recovery mailbox: for whoever has lost them (MEM-13).
    ///
    /// # Errors
    /// `Directory`: `NotFound`.
    pub async fn unbind_reach(
        &self,
        directory: &hongyan_directory::Directory,
        account: AccountId,
    ) -> Result<(), AccessError> {
        let before = directory.factors(account).await?;
        directory.change_factors(account, &FactorsChange::Phone(None)).await?;
        let mailbox = FactorsChange::RecoveryMailbox(None);
        directory.change_factors(account, &mailbox).await?;
        self.account_changed(account).await?;
        self.tell_of_reset(account, &before).await
    }

    /// Has a code sent to the phone that is bound: for the second factor, or for what it protects.
    ///
    /// # Errors
    /// `NoTextGateway`, `TextGatewayFailed`, `CodesUsedUp`, `NotSignedIn`; `Directory`: `Refused` without a phone, or when its code is not
    /// asked for at sign-in.
    pub async fn web_send_text(&self, token: &str, peer: IpAddr) -> Result<(), AccessError> {
        let found = self.find_session(token, peer).await?;
        self.need_gateway()?;
        let factors = &found.login.factors;
        let Some(number) = &factors.phone else {
            return Err(refused("no phone is bound to this account"));
        };
        if found.view(self.now()).stage == Stage::SecondFactor && !factors.is_sms_factor() {
            return Err(refused("codes by SMS are not the second factor of this account"));
        }
        let holder = Holder::account(found.login.id());
        self.text_code(&holder, Purpose::Text, number, false).await
    }

    /// Whether a code sent to the phone is a second factor of whoever uses `token`, and one can be sent.
    pub async fn web_has_sms_factor(&self, token: &str, peer: IpAddr) -> bool {
        let found = self.find_session(token, peer).await;
        self.has_text_gateway() && found.is_ok_and(|found| found.login.factors.is_sms_factor())
    }

    /// Sets what codes sent to the phone protect; nothing switches them off. A code is shown with it, or, where the phone cannot be
    /// reached and less is to be protected, another second factor was shown just before. Gives recovery codes where there was no second factor
    /// before.
    ///
    /// # Errors
    /// `WrongCode`, `TextCodeNeeded`, `NotSignedIn`, `Unfinished`, `ProofNeeded`; `Directory`: `Refused` without a phone.
    pub async fn web_protect_by_text(
        &self,
        token: &str,
        scopes: BTreeSet<SmsScope>,
        code: Option<&str>,
        peer: IpAddr,
    ) -> Result<Vec<Secret>, AccessError> {
        let (found, directory) = self.proved_session(token, peer).await?;
        let (account, before) = (found.login.id(), &found.login.factors);
        if before.phone.is_none() {
            return Err(refused("bind a phone first"));
        }
        match code {
            Some(code) => {
                let holder = Holder::account(account);
                self.check_sent_code(&holder, Purpose::Text, code, true).await?;
            }
            None if scopes.is_subset(&before.sms) => self.need_text(&found).await?,
            None => return Err(AccessError::TextCodeNeeded),
        }
        let had = before.has_second_factor();
        let (codes, hashes) = self.make_recovery_codes(account);
        let change = FactorsChange::Sms {
            scopes,
            recovery_codes: hashes,
        };
        let after = directory.change_factors(account, &change).await?;
        if code.is_some() {
            let at_millis = self.now().millis;
            self.change_session(&found.hash, &SessionChange::Passed { at_millis })
                .await?;
            self.change_session(&found.hash, &SessionChange::Texted { at_millis })
                .await?;
        }
        self.account_changed(account).await?;
        let is_new = !had && after.has_second_factor();
        Ok(if is_new { codes } else { Vec::new() })
    }

    /// Whether a code sent to the phone was shown lately in this session; or, while the phone cannot be reached, another second
    /// factor.
    pub(super) async fn need_text(&self, found: &Found) -> Result<(), AccessError> {
        let record = &found.record;
        self.need_text_of(&found.login.factors, record.texted_millis, record.proved_millis)
            .await
    }

    async fn need_text_of(&self, factors: &Factors, texted: Option<i64>, proved: i64) -> Result<(), AccessError> {
        if texted.is_some_and(|at| self.check_fresh(at).is_ok()) {
            return Ok(());
        }
        let Some(number) = &factors.phone else {
            return Ok(());
        };
        // The proof of whoever has a second factor is a second factor; it was not this one.
        let has_other = factors.has_second_factor();
        if has_other && self.is_texting_down(number).await? && self.check_fresh(proved).is_ok() {
            return Ok(());
        }
        Err(AccessError::TextCodeNeeded)
    }

    /// Whether what `scope` names may be done in this session, as far as codes sent to the phone protect it.
    pub(super) async fn check_protected(&self, found: &Found, scope: SmsScope) -> Result<(), AccessError> {
        match found.login.factors.sms.contains(&scope) {
            true => self.need_text(found).await,
            false => Ok(()),
        }
    }

    /// As [`Self::check_protected`], for whoever signed in as `identity`; without a session nobody shows a code.
    ///
    /// # Errors
    /// `TextCodeNeeded`, `Directory`.
    pub async fn check_protected_of(&self, identity: &Identity, scope: SmsScope) -> Result<(), AccessError> {
        let factors = self.0.directory.factors(identity.account.id).await?;
        match identity.proof {
            _ if !factors.sms.contains(&scope) => Ok(()),
            Proof::Web {
                proved_millis,
                texted_millis,
                ..
            } => self.need_text_of(&factors, texted_millis, proved_millis).await,
            _ => Err(AccessError::TextCodeNeeded),
        }
    }

    /// A code sent to the phone, as a second factor or as a proof.
    pub(super) async fn check_text(&self, found: &Found, code: &str) -> Result<(), AccessError> {
        let factors = &found.login.factors;
        let is_sign_in = found.view(self.now()).stage == Stage::SecondFactor;
        let counts = match is_sign_in {
            true => factors.is_sms_factor(),
            false => factors.phone.is_some() && !factors.sms.is_empty(),
        };
        if !counts {
            return Err(AccessError::WrongCode);
        }
        let holder = Holder::account(found.login.id());
        self.check_sent_code(&holder, Purpose::Text, code, true).await?;
        let at_millis = self.now().millis;
        self.change_session(&found.hash, &SessionChange::Texted { at_millis })
            .await?;
        Ok(())
    }
}

#[cfg(test)]
#[path = "reach_test.rs"]
mod tests;
