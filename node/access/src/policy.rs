//! May this account come in this way, from there, now? The one place that every protocol's sign-in passes, and that every
//! running session is held to again when something changes (ACC-15, LGN-1, LGN-8, LGN-9).
//!
//! It is asked after the credentials were found right: whoever has none learns nothing of an organisation's rules.

use std::net::IpAddr;

use hongyan_directory::{Directory, Error, Etag, Login, Role, SignInPolicy, SignInRule};
use hongyan_types::{AccountId, TenantId, Timestamp};

use crate::permission::Actor;
use crate::{Access, AccessError, Protocol, Revocation};

/// By which protocol, and from where.
pub(crate) type WayIn = (Protocol, IpAddr);

/// Why an account may not come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    Suspended,
    NotFromThere,
    Closed,
    SecondFactorRequired,
}

impl Refused {
    pub(crate) fn error(self, protocol: Protocol) -> AccessError {
        match self {
            Self::Suspended => AccessError::Suspended,
            Self::NotFromThere => AccessError::AddressNotAllowed,
            Self::Closed => AccessError::ProtocolClosed(protocol),
            Self::SecondFactorRequired => AccessError::SecondFactorRequired,
        }
    }
    pub(crate) fn revocation(self) -> Revocation {
        match self {
            Self::Suspended => Revocation::Suspended,
            Self::NotFromThere => Revocation::NotFromThere,
            Self::Closed => Revocation::ProtocolClosed,
            Self::SecondFactorRequired => Revocation::SecondFactorRequired,
        }
    }
}

/// Why the account may not come in, if it may not.
pub(crate) fn verdict(login: &Login, (protocol, peer): WayIn, now: Timestamp) -> Option<Refused> {
    if !login.active {
        return Some(Refused::Suspended);
    }
    if !login.is_let_in_from(peer) {
        return Some(Refused::NotFromThere);
    }
    if !login.is_open(protocol) {
        return Some(Refused::Closed);
    }
    // A second factor is set up in the web client, which therefore opens as far as that.
    let is_due = protocol != Protocol::Web && login.second_factor_due().is_some_and(|due| due <= now);
    is_due.then_some(Refused::SecondFactorRequired)
}

impl Access {
    /// May the account use the web client, from there?
    pub(crate) fn check_web(&self, login: &Login, peer: IpAddr) -> Result<(), AccessError> {
        match verdict(login, (Protocol::Web, peer), self.now()) {
            Some(refused) => Err(refused.error(Protocol::Web)),
            None => Ok(()),
        }
    }

    /// Sets how a tenant's accounts sign in; sessions that it does not allow end on all nodes.
    ///
    /// # Errors
    /// `Directory`: `Refused` when it would keep out who sets it and no administrator is exempt (LGN, bad input); `Limit`,
    /// `NotFound`, `Changed`.
    pub async fn set_sign_in_policy(
        &self,
        directory: &Directory,
        actor: &Actor,
        tenant: TenantId,
        policy: &SignInPolicy,
        expect: Option<Etag>,
    ) -> Result<SignInPolicy, AccessError> {
        if let Actor::Person(person) = actor
            && let Some(peer) = person.from
        {
            self.check_stays_in(policy, person.account, peer).await?;
        }
        let policy = directory.set_sign_in_policy(tenant, policy, expect).await?;
        self.tenant_changed(tenant).await?;
        Ok(policy)
    }

    /// Operators come through the node's own socket and are never kept out; an administrator must not lock the door from
    /// outside.
    async fn check_stays_in(&self, policy: &SignInPolicy, own: AccountId, peer: IpAddr) -> Result<(), AccessError> {
        let directory = &self.0.directory;
        let Some(login) = directory.login_under(own, policy).await? else {
            return Ok(());
        };
        if login.is_let_in_from(peer) {
            return Ok(());
        }
        let is_administrators = !policy.administrator_networks.is_empty();
        for account in &policy.exempt_accounts {
            // Networks of administrators hold for the exempt, too.
            if is_administrators {
                break;
            }
            let account = directory.login_of(*account).await?;
            let has_power = |login: &Login| matches!(login.account.role, Some(Role::Creator | Role::Super));
            if account.is_some_and(|login| login.active && has_power(&login)) {
                return Ok(());
            }
        }
        Err(Error::Refused(format!(
            "you sign in from {peer}, which these networks do not have: name it, or exempt an administrator"
        ))
        .into())
    }

    /// Sets what holds for one account's sign-in; sessions that it does not allow end on all nodes.
    ///
    /// # Errors
    /// `Directory`: `NotFound`, `Limit`.
    pub async fn set_sign_in_rule(
        &self,
        directory: &Directory,
        account: AccountId,
        rule: &SignInRule,
    ) -> Result<(), AccessError> {
        let set = hongyan_directory::FactorsChange::Rule(rule.clone());
        directory.change_factors(account, &set).await?;
        self.account_changed(account).await?;
        Ok(())
    }
}

#[cfg(test)]
#[path = "policy_test.rs"]
mod tests;
