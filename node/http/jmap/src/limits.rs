//! The limits of the account at hand (GEN-5), where JMAP's own settings would let more through.

use hongyan_directory::{AccountLimits, AccountRecord, InForce, Limit, Restrictions};

use crate::account::directory_failed;
use crate::error::Outcome;
use crate::jmap::Jmap;

impl Jmap {
    /// All that holds for an account.
    pub(crate) async fn limits(&self, account: &AccountRecord) -> Outcome<AccountLimits> {
        let limits = self.services.directory.limits_of(account).await;
        limits.map_err(|error| directory_failed(&error))
    }
    /// What the operator has stopped of an account (ORG-16).
    pub(crate) async fn restrictions(&self, account: &AccountRecord) -> Outcome<Restrictions> {
        let restrictions = self.services.directory.restrictions_of(account).await;
        restrictions.map_err(|error| directory_failed(&error))
    }
    /// What holds for an account.
    pub(crate) async fn limit(&self, account: &AccountRecord, limit: Limit) -> Outcome<InForce> {
        Ok(self.limits(account).await?.of(limit))
    }
    /// Octets of one upload: the account's limit of messages, and no more than the server takes at all.
    pub(crate) async fn upload_limit(&self, account: &AccountRecord) -> Outcome<InForce> {
        let in_force = self.limit(account, Limit::MessageOctetsMax).await?;
        let max = in_force.value().min(self.settings.core.upload_octets_max);
        Ok(InForce {
            max: Some(max),
            ..in_force
        })
    }
}
