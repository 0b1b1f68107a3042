//! A forgotten password (AUTH-11): set anew by whoever shows a code sent to the recovery mailbox or the phone, a code of the
//! authenticator app, or a recovery code. Whoever has none of these asks their administrator.
//!
//! Answers, and the time they take, are the same whether the account is there or not: a code is sent after the answer, and whatever
//! is not right is a wrong code.

use std::net::IpAddr;

use hongyan_audit::{Chain, Event};
use hongyan_directory::{Change, FactorsChange, Login, SmsScope};
use hongyan_sasl::Secret;
use hongyan_types::{AccountId, Address};

use crate::letter::CodeFor;
use crate::login_log::{Attempt, Way};
use crate::permission::Actor;
use crate::sent_code::{Holder, Purpose};
use crate::{Access, AccessError, PasswordOwner, Protocol, SecondProof, SessionFilter};

/// What is shown in place of the password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecoveryWay {
    /// A code sent to the recovery mailbox.
    Mailbox,
    /// A code sent to the phone.
    Phone,
    /// A code of the authenticator app.
    Totp,
    /// A recovery code.
    RecoveryCode,
}

impl RecoveryWay {
    /// A stable word.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Mailbox => "mailbox",
            Self::Phone => "phone",
            Self::Totp => "totp",
            Self::RecoveryCode => "recovery-code",
        }
    }
}

/// A password to be set anew.
#[derive(Debug, Clone, Copy)]
pub struct Recovery<'r> {
    /// One of the account's addresses.
    pub login: &'r str,
    /// What is shown.
    pub way: RecoveryWay,
    /// The code.
    pub code: &'r str,
    /// The new password.
    pub password: &'r Secret,
}

impl Access {
    /// The ways that there are here, whoever asks.
    #[must_use]
    pub fn recovery_ways(&self) -> Vec<RecoveryWay> {
        let all = [
            RecoveryWay::Mailbox,
            RecoveryWay::Phone,
            RecoveryWay::Totp,
            RecoveryWay::RecoveryCode,
        ];
        let is_here = |way: &RecoveryWay| *way != RecoveryWay::Phone || self.has_text_gateway();
        all.into_iter().filter(is_here).collect()
    }

    /// Has a code sent to the recovery mailbox or the phone of an account, if there are both. That it was asked for is all that
    /// is answered.
    ///
    /// # Errors
    /// `NoTextGateway`, `LockedOut`.
    pub fn ask_recovery(&self, login: &str, way: RecoveryWay, peer: IpAddr) -> Result<(), AccessError> {
        if way == RecoveryWay::Phone {
            self.need_gateway()?;
        }
        self.admit_asker(peer)?;
        let (access, login) = (self.clone(), login.to_owned());
        hongyan_env::spawn(async move {
            if let Err(error) = access.send_recovery(&login, way).await {
                tracing::debug!(%error, "no code for a forgotten password is sent");
            }
        });
        Ok(())
    }

    pub(crate) async fn send_recovery(&self, name: &str, way: RecoveryWay) -> Result<(), AccessError> {
        let Some(login) = self.0.directory.login(name).await? else {
            return Ok(());
        };
        if !login.active || login.credential.is_none() {
            return Ok(());
        }
        let (account, factors) = (&login.account, &login.factors);
        match way {
            RecoveryWay::Mailbox => match &factors.recovery_mailbox {
                Some(mailbox) => {
                    let what = (Purpose::RecoveryMail, CodeFor::Recovery);
                    self.mail_code(account, mailbox, what, true).await
                }
                None => Ok(()),
            },
            RecoveryWay::Phone => match &factors.phone {
                Some(number) => {
                    let holder = Holder::account(account.id);
                    self.text_code(&holder, Purpose::RecoveryText, number, true).await
                }
                None => Ok(()),
            },
            RecoveryWay::Totp | RecoveryWay::RecoveryCode => Ok(()),
        }
    }

    /// Sets a forgotten password anew. All sessions end, and the trust in devices; app passwords stay.
    ///
    /// # Errors
    /// `WrongCode`, whatever is wrong; `BadPassword`; `LockedOut`; `Directory`.
    pub async fn recover_password(&self, asked: Recovery<'_>, peer: IpAddr, client: &str) -> Result<(), AccessError> {
        self.check_lock(asked.login, peer)?;
        // What is wrong with a password whosever it is shows before anybody is looked up.
        self.check_password_for(asked.login, asked.password)?;
        let login = self.0.directory.login(asked.login).await?;
        let login = login.filter(|login| login.active && login.credential.is_some());
        let shown = match &login {
            Some(login) => self.check_recovery(login, &asked, peer).await,
            // One look as for those who are there.
            None => {
                let nobody = Holder::account(AccountId(0));
                let checked = self.check_sent_code(&nobody, Purpose::RecoveryMail, asked.code, false);
                checked.await.map(drop).and(Err(AccessError::WrongCode))
            }
        };
        let outcome = match (shown, &login) {
            (Ok(()), Some(login)) => self.set_recovered(login, &asked, peer).await,
            (Ok(()), None) => Err(AccessError::WrongCode),
            (Err(error), _) => Err(error),
        };
        if let Some(login) = &login {
            let attempt = Attempt {
                account: &login.account,
                name: asked.login,
                protocol: Protocol::Web,
                way: Way::Recovery,
                peer,
                client,
            };
            self.log_login(&attempt, outcome.as_ref().err());
        }
        if matches!(outcome, Err(AccessError::WrongCode)) {
            self.count_failure(asked.login, peer).await;
        }
        self.count_outcome(Protocol::Web, outcome.as_ref().err());
        outcome
    }

    /// Whether a password is good enough for whoever is called `login`, as far as that name tells.
    fn check_password_for(&self, login: &str, password: &Secret) -> Result<(), AccessError> {
        let address = Address::try_from(login).or_else(|_| Address::try_from("nobody@localhost.invalid"));
        let address = address.map_err(|_| AccessError::WrongCode)?;
        let owner = PasswordOwner {
            address: &address,
            aliases: &[],
            display_name: "",
        };
        self.check_password(&owner, password)
    }

    /// Codes that were sent stay good until the password is set.
    async fn check_recovery(&self, login: &Login, asked: &Recovery<'_>, peer: IpAddr) -> Result<(), AccessError> {
        let factors = &login.factors;
        if factors.sms.contains(&SmsScope::RecoverPassword)
            && asked.way != RecoveryWay::Phone
            && let Some(number) = &factors.phone
        {
            // What the phone protects needs it, or another factor while it cannot be reached.
            let is_factor = matches!(asked.way, RecoveryWay::Totp | RecoveryWay::RecoveryCode);
            if !is_factor || !self.is_texting_down(number).await? {
                return Err(AccessError::WrongCode);
            }
        }
        let code = asked.code;
        match asked.way {
            RecoveryWay::Totp => {
                let proof = SecondProof::Totp(code.to_owned());
                self.check_second(login, &proof, peer).await
            }
            RecoveryWay::RecoveryCode => {
                let proof = SecondProof::RecoveryCode(code.to_owned());
                self.check_second(login, &proof, peer).await
            }
            way => {
                let to = self.check_sent(login, way, code, false).await?;
                // One sent to where they are reached no more is good no more.
                let is_there = match way {
                    RecoveryWay::Phone => factors.phone.as_deref() == Some(to.as_str()),
                    _ => factors
                        .recovery_mailbox
                        .as_ref()
                        .is_some_and(|mailbox| mailbox.to_string() == to),
                };
                is_there.then_some(()).ok_or(AccessError::WrongCode)
            }
        }
    }

    async fn check_sent(
        &self,
        login: &Login,
        way: RecoveryWay,
        code: &str,
        uses_up: bool,
    ) -> Result<String, AccessError> {
        let purpose = match way {
            RecoveryWay::Phone => Purpose::RecoveryText,
            _ => Purpose::RecoveryMail,
        };
        let holder = Holder::account(login.id());
        self.check_sent_code(&holder, purpose, code, uses_up).await
    }

    async fn set_recovered(&self, login: &Login, asked: &Recovery<'_>, peer: IpAddr) -> Result<(), AccessError> {
        let account = &login.account;
        let owner = PasswordOwner {
            address: &account.address,
            aliases: &account.aliases,
            display_name: &account.display_name,
        };
        self.check_password(&owner, asked.password)?;
        if matches!(asked.way, RecoveryWay::Mailbox | RecoveryWay::Phone) {
            // Of two who come at once one is first.
            self.check_sent(login, asked.way, asked.code, true).await?;
        }
        let credential = self.hash_password_of(account.id, asked.password).await?;
        let author = Actor::member(account, Some(peer), None).author();
        let directory = self.0.directory.acting(author, None);
        directory.set_credential(account.id, &credential).await?;
        if login.factors.must_change {
            directory
                .change_factors(account.id, &FactorsChange::MustChange(false))
                .await?;
        }
        let letters = self.password_letters(account, &login.factors, &peer.to_canonical().to_string(), true);
        let event = Event::new("member.recover-password", &account.address)
            .id(account.id.0)
            .with("way", asked.way.label());
        let chain = Chain::Tenant(account.tenant);
        let tell = async move |change: &mut Change| {
            for letter in &letters {
                hongyan_notice::write(change, letter);
            }
            change.record(chain, event.clone());
            Ok(())
        };
        directory.announce(tell).await?;
        self.end_web_sessions(SessionFilter::Account(account.id)).await?;
        self.account_changed(account.id).await?;
        self.forgive(asked.login).await;
        Ok(())
    }
}
