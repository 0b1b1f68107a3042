//! A member changes the password (AUTH-8): of their own will, or because they must (AUTH-10).

use std::net::IpAddr;

use hongyan_directory::{Error, FactorsChange, SmsScope};
use hongyan_kv::Transaction;
use hongyan_sasl::Secret;

use super::session::{Found, SessionChange};
use super::{Stage, WebSession};
use crate::identity::fingerprint;
use crate::permission::Actor;
use crate::{Access, AccessError, PasswordOwner};

impl Access {
    /// Changes the password of whoever uses `token`. All their other sessions end, and the trust in their devices; app
    /// passwords stay.
    ///
    /// # Errors
    /// `BadCredentials` when `old` is not the password, `BadPassword` when `new` is not good enough, `NotSignedIn`,
    /// `Unfinished` before the second factor, `Directory`.
    pub async fn web_change_password(
        &self,
        token: &str,
        old: &Secret,
        new: &Secret,
        peer: IpAddr,
    ) -> Result<WebSession, AccessError> {
        let found = self.find_session(token, peer).await?;
        if found.view(self.now()).stage == Stage::SecondFactor {
            return Err(AccessError::Unfinished(Stage::SecondFactor));
        }
        self.check_protected(&found, SmsScope::ChangePassword).await?;
        let account = &found.login.account;
        self.verify_own(&account.address.to_string(), old, peer).await?;
        if old == new {
            return Err(AccessError::BadPassword("the new password is the old one".to_owned()));
        }
        let owner = PasswordOwner {
            address: &account.address,
            aliases: &account.aliases,
            display_name: &account.display_name,
        };
        self.check_password(&owner, new)?;
        let credential = self.hash_password_of(account.id, new).await?;
        let author = Actor::member(account, Some(peer), None).author();
        let directory = self.0.directory.acting(author, None);
        directory.set_credential(account.id, &credential).await?;
        if found.login.factors.must_change {
            self.set_must_change(&directory, account.id, false).await?;
        }
        let kept = SessionChange::Password {
            credential: fingerprint(&credential),
            at_millis: self.now().millis,
        };
        let record = self.change_session(&found.hash, &kept).await?;
        let letters = self.password_letters(account, &found.login.factors, &peer.to_canonical().to_string(), false);
        let tell = async move |transaction: &mut Transaction| {
            for letter in &letters {
                hongyan_notice::write(transaction, letter);
            }
            Ok::<_, hongyan_kv::Error>(())
        };
        self.0.database.run(tell).await.map_err(Error::from)?;
        self.account_changed(account.id).await?;
        let login = self.0.directory.login_of(account.id).await?;
        let login = login.ok_or(AccessError::NotSignedIn)?;
        Ok(Found { record, login, ..found }.view(self.now()))
    }

    /// Whether an account must change its password when it signs in next.
    ///
    /// # Errors
    /// `Directory`: `NotFound`.
    pub async fn set_must_change(
        &self,
        directory: &hongyan_directory::Directory,
        account: hongyan_types::AccountId,
        must_change: bool,
    ) -> Result<(), AccessError> {
        directory
            .change_factors(account, &FactorsChange::MustChange(must_change))
            .await?;
        Ok(())
    }
}
