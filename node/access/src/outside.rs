//! Passwords that are proved elsewhere: at the directory that an organisation has of its own.

use std::sync::Arc;

use hongyan_directory::AccountRecord;
use hongyan_env::BoxFuture;
use hongyan_sasl::Secret;

use crate::{Access, AccessError};

/// A password that is to be proved.
#[derive(Debug, Clone)]
pub struct OutsidePassword {
    /// The login name as it was given.
    pub name: String,
    /// Whose it is; nobody's, perhaps.
    pub account: Option<Arc<AccountRecord>>,
    /// The password.
    pub password: Secret,
}

/// Proves passwords elsewhere.
pub trait OutsidePasswords: Send + Sync {
    /// Whether it is theirs. For a name that nobody has, or who is not known there, it takes as long and is not.
    fn proves(&self, asked: OutsidePassword) -> BoxFuture<'static, Result<bool, AccessError>>;
}

impl Access {
    /// From now on passwords that are not right here are proved there. The first one counts.
    pub fn prove_outside(&self, passwords: Arc<dyn OutsidePasswords>) {
        let _ = self.0.outside.set(passwords);
    }

    /// Whether it is the account's password elsewhere. What was proved lately is remembered as our own passwords are.
    pub(crate) async fn matches_outside(
        &self,
        name: &str,
        account: Option<&Arc<AccountRecord>>,
        password: &Secret,
    ) -> Result<bool, AccessError> {
        let inner = &self.0;
        let Some(outside) = inner.outside.get() else {
            return Ok(false);
        };
        let asked = OutsidePassword {
            name: name.to_owned(),
            account: account.cloned(),
            password: password.clone(),
        };
        let proved = outside.proves(asked).await?;
        if let (true, Some(account)) = (proved, account) {
            let now = inner.env.now_micros();
            let span = inner.options.remembered_secs.saturating_mul(1_000_000);
            inner
                .remembered
                .remember_outside(account.id, password.reveal(), now, span);
        }
        Ok(proved)
    }
}
