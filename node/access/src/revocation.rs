//! When a session may no longer go on: what the directory says now, against what it said at sign-in.
//!
//! Whoever changes an account tells it here, after the commit; sessions whose right is gone are told to end and verified
//! passwords are forgotten. Nothing is lost to a race: a session registers before it looks at the directory a last time.

use std::net::IpAddr;

use hongyan_directory::Login;
use hongyan_types::{AccountId, TenantId, Timestamp};

use crate::app_password;
use crate::identity::{Proof, standing_of};
use crate::sessions::Standing;
use crate::{Access, AccessError, Identity, Revocation, SessionFilter, SessionId, SessionInfo, policy};

/// Why a session of that standing must end, as the directory says.
fn verdict(login: Option<&Login>, standing: &Standing, now_millis: i64) -> Option<Revocation> {
    let Some(login) = login else {
        return Some(Revocation::Deleted);
    };
    // Who may not come in at all is told that, whatever was shown.
    if !login.active {
        return Some(Revocation::Suspended);
    }
    let lost = match standing.proof {
        Proof::Password(proved) | Proof::Web { credential: proved, .. } | Proof::Grant { credential: proved, .. } => {
            (standing_of(login) != proved).then_some(Revocation::PasswordChanged)
        }
        Proof::AppPassword { id, .. } => match login.factors.app_password(id) {
            None => Some(Revocation::Withdrawn),
            Some(app) => app_password::is_over(app, now_millis).then_some(Revocation::Expired),
        },
    };
    if lost.is_some() {
        return lost;
    }
    let now = Timestamp { millis: now_millis };
    policy::verdict(login, (standing.protocol, standing.peer), now).map(policy::Refused::revocation)
}

impl Access {
    pub(crate) async fn check_standing(&self, identity: &Identity, peer: IpAddr) -> Result<(), AccessError> {
        let login = self.0.directory.login_of(identity.account.id).await?;
        let standing = Standing {
            protocol: identity.protocol,
            peer,
            proof: identity.proof,
            version: 0,
        };
        match verdict(login.as_ref(), &standing, self.0.env.wall_millis()) {
            None => Ok(()),
            Some(Revocation::Suspended) => Err(AccessError::Suspended),
            Some(Revocation::Expired) => Err(AccessError::Expired),
            Some(Revocation::NotFromThere) => Err(AccessError::AddressNotAllowed),
            Some(Revocation::SecondFactorRequired) => Err(AccessError::SecondFactorRequired),
            Some(Revocation::ProtocolClosed) => Err(AccessError::ProtocolClosed(identity.protocol)),
            Some(_) => Err(AccessError::BadCredentials),
        }
    }

    /// The account's record, state or password has changed: ends its sessions that may not go on, on all nodes, and gives
    /// the number of those that had not noticed yet. A node that cannot be called notices by itself.
    ///
    /// # Errors
    /// `Directory`; then nothing is known and the call is to be repeated.
    pub async fn account_changed(&self, account: AccountId) -> Result<usize, AccessError> {
        let here = self.account_changed_here(account).await?;
        Ok(here + self.look_elsewhere().await)
    }

    pub(crate) async fn account_changed_here(&self, account: AccountId) -> Result<usize, AccessError> {
        self.0.remembered.forget(account);
        // Whoever registers after this looks at the directory afterwards.
        if !self.0.sessions.has(account) {
            return Ok(0);
        }
        self.judge(account).await
    }

    /// Ends the sessions of this node whose right ended with time alone. Those that fail to be judged are judged next time.
    pub(crate) async fn judge_all(&self) {
        for account in self.0.sessions.accounts() {
            if let Err(error) = self.judge(account).await {
                tracing::warn!(%error, "sessions are not judged; it is tried again");
                return;
            }
        }
    }

    async fn judge(&self, account: AccountId) -> Result<usize, AccessError> {
        let login = self.0.directory.login_of(account).await?;
        let now = self.0.env.wall_millis();
        let ended = self.0.sessions.revoke(SessionFilter::Account(account), |standing| {
            verdict(login.as_ref(), standing, now)
        });
        if ended > 0 {
            tracing::info!(event = "sessions_revoked", account = account.0, ended);
        }
        Ok(ended)
    }

    /// As [`Access::account_changed`], for each account of a tenant that has sessions.
    ///
    /// # Errors
    /// `Directory`; then the call is to be repeated.
    pub async fn tenant_changed(&self, tenant: TenantId) -> Result<usize, AccessError> {
        let mut ended = 0;
        for account in self.0.sessions.accounts_of(tenant) {
            ended += self.account_changed_here(account).await?;
        }
        Ok(ended + self.look_elsewhere().await)
    }

    /// Ends sessions of this node at an operator's wish and gives their number. The account may sign in again.
    pub fn revoke_sessions(&self, filter: SessionFilter) -> usize {
        if let SessionFilter::Account(account) = filter {
            self.0.remembered.forget(account);
        }
        let ended = self.0.sessions.revoke(filter, |_| Some(Revocation::Operator));
        tracing::info!(event = "sessions_revoked", ?filter, ended);
        ended
    }

    /// Sessions of this node by name, after `after`, at most `limit`.
    #[must_use]
    pub fn sessions(&self, filter: SessionFilter, after: Option<SessionId>, limit: usize) -> Vec<SessionInfo> {
        let mut sessions = self.0.sessions.list(filter, after, limit);
        if let Some(elsewhere) = self.0.elsewhere.get() {
            for session in &mut sessions {
                session.node = Some(elsewhere.node());
            }
        }
        sessions
    }
}
