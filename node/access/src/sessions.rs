//! Who is signed in now: every session of this node with its account, and the way to end it.
//!
//! A session registers when it has signed in and holds a [`SessionPermit`]; dropping it strikes the session off. It also
//! holds a [`SessionWatch`], which tells it that it must end. Counting an account's sessions, listing them and revoking
//! them are views of this one table, so a session that is not in it does not serve mail.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hongyan_env::Env;
use hongyan_telemetry::{CounterVec, GaugeVec, Histogram, counter_vec, gauge_vec, histogram};
use hongyan_transport::NodeId;
use hongyan_types::{AccountId, TenantId};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::identity::Proof;
use crate::{Identity, Protocol};

/// Time a revoked session has to come to a point at which its protocol lets it say goodbye; then it is cut off.
pub const REVOKED_GRACE: Duration = Duration::from_millis(500);
/// What is kept of a client's own name.
const CLIENT_CHARACTERS_MAX: usize = 100;

/// Names a session: random, so it means the same on every node and says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u64);

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// The text is not a session's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a session is named by 16 hexadecimal digits")]
pub struct NotASessionId;

impl FromStr for SessionId {
    type Err = NotASessionId;
    fn from_str(text: &str) -> Result<Self, NotASessionId> {
        if text.len() != 16 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(NotASessionId);
        }
        u64::from_str_radix(text, 16).map(Self).map_err(|_| NotASessionId)
    }
}

/// Why a session must end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revocation {
    /// The account or its tenant is suspended.
    Suspended,
    /// The account is gone.
    Deleted,
    /// The password it signed in with is no longer the account's.
    PasswordChanged,
    /// The account may no longer use this protocol (ACC-15).
    ProtocolClosed,
    /// It comes from where one may not sign in any more (LGN-8).
    NotFromThere,
    /// A second factor is demanded, and the time to set one up is over.
    SecondFactorRequired,
    /// The app password or token that it signed in with was taken back.
    Withdrawn,
    /// The time of what it signed in with is over.
    Expired,
    /// Its web session was ended.
    SignedOut,
    /// An operator ended it; the account may sign in again.
    Operator,
}

impl Revocation {
    /// What the client may read.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Suspended => "The account is suspended",
            Self::Deleted => "The account no longer exists",
            Self::PasswordChanged => "The password was changed, sign in again",
            Self::ProtocolClosed => "Access in this way was switched off for the account",
            Self::NotFromThere => "Signing in from this address was switched off",
            Self::SecondFactorRequired => "A second factor is required now",
            Self::Withdrawn => "The app password or token was taken back",
            Self::Expired => "The time of the session is over, sign in again",
            Self::SignedOut => "The session was ended, sign in again",
            Self::Operator => "The session was ended by an administrator",
        }
    }
    /// Whether the same sign-in would be refused now.
    #[must_use]
    pub fn is_lasting(self) -> bool {
        self != Self::Operator
    }
    fn label(self) -> &'static str {
        match self {
            Self::Suspended => "suspended",
            Self::Deleted => "deleted",
            Self::PasswordChanged => "password-changed",
            Self::ProtocolClosed => "protocol-closed",
            Self::NotFromThere => "not-from-there",
            Self::SecondFactorRequired => "second-factor-required",
            Self::Withdrawn => "withdrawn",
            Self::Expired => "expired",
            Self::SignedOut => "signed-out",
            Self::Operator => "operator",
        }
    }
}

/// One session, as an operator sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionInfo {
    /// Its name.
    pub id: SessionId,
    /// The node it is on; `None` where there is only one.
    pub node: Option<NodeId>,
    /// Whose account's tenant.
    pub tenant: TenantId,
    /// Whose.
    pub account: AccountId,
    /// By which protocol.
    pub protocol: Protocol,
    /// From where.
    pub peer: SocketAddr,
    /// What the client calls itself; empty when it has not said.
    pub client: String,
    /// When it signed in, in milliseconds since the Unix epoch.
    pub since_millis: i64,
}

impl SessionInfo {
    /// A web session, whether or not it is in use at this moment. Its address has no port.
    pub(crate) fn of_web(session: &crate::WebSession) -> Self {
        let address = session.peer.parse().unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        Self {
            id: session.id,
            node: None,
            tenant: session.account.tenant,
            account: session.account.id,
            protocol: Protocol::Web,
            peer: SocketAddr::new(address, 0),
            client: session.client.clone(),
            since_millis: session.created.millis,
        }
    }
}

/// Which sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionFilter {
    /// All.
    All,
    /// Those of a tenant's accounts.
    Tenant(TenantId),
    /// Those of an account.
    Account(AccountId),
    /// That one.
    One(SessionId),
}

struct Entry {
    id: SessionId,
    tenant: TenantId,
    account: AccountId,
    protocol: Protocol,
    peer: SocketAddr,
    since_millis: i64,
    /// What it signed in with.
    proof: Proof,
    /// The last change of the directory that its node knew of when it registered.
    version: u64,
    client: Mutex<Box<str>>,
    revoked: OnceLock<(Revocation, u64)>,
    woken: Notify,
}

impl Entry {
    fn info(&self) -> SessionInfo {
        SessionInfo {
            id: self.id,
            node: None,
            tenant: self.tenant,
            account: self.account,
            protocol: self.protocol,
            peer: self.peer,
            client: self.client.lock().to_string(),
            since_millis: self.since_millis,
        }
    }
    fn is_meant(&self, filter: SessionFilter) -> bool {
        match filter {
            SessionFilter::All => true,
            SessionFilter::Tenant(tenant) => self.tenant == tenant,
            SessionFilter::Account(account) => self.account == account,
            SessionFilter::One(id) => self.id == id || self.web() == Some(id),
        }
    }
    /// The web session that it is part of, if it is.
    fn web(&self) -> Option<SessionId> {
        match self.proof {
            Proof::Web { id, .. } => Some(SessionId(id)),
            _ => None,
        }
    }
}

/// In order, so that a simulation of the same seed ends sessions in the same order.
type Table = BTreeMap<AccountId, BTreeMap<SessionId, Arc<Entry>>>;

struct Registry {
    env: Env,
    table: Mutex<Table>,
    /// Sessions that end at a set time.
    ending: AtomicUsize,
    open: GaugeVec,
    revoked: CounterVec,
    seconds: Histogram,
}

/// The sessions of this node; clones share them.
#[derive(Clone)]
pub(crate) struct Sessions(Arc<Registry>);

/// What a session signed in as: enough to tell later whether it still may.
pub(crate) struct Standing {
    pub(crate) protocol: Protocol,
    pub(crate) peer: IpAddr,
    pub(crate) proof: Proof,
    pub(crate) version: u64,
}

impl Sessions {
    pub(crate) fn new(env: Env) -> Self {
        Self(Arc::new(Registry {
            env,
            table: Mutex::default(),
            ending: AtomicUsize::new(0),
            open: gauge_vec(
                "hongyan_access_sessions",
                "Signed-in sessions by protocol.",
                &["protocol"],
            ),
            revoked: counter_vec(
                "hongyan_access_revoked_sessions_total",
                "Sessions told to end, by protocol and reason.",
                &["protocol", "reason"],
            ),
            seconds: histogram(
                "hongyan_access_revocation_seconds",
                "Time from telling a session to end to its end.",
            ),
        }))
    }

    /// Registers a session, unless the account has `sessions_max` already.
    pub(crate) fn open(
        &self,
        identity: &Identity,
        peer: SocketAddr,
        sessions_max: u32,
        version: u64,
    ) -> Option<SessionPermit> {
        let registry = &self.0;
        let account = &identity.account;
        let mut table = registry.table.lock();
        let sessions = table.entry(account.id).or_default();
        if sessions.len() >= usize::try_from(sessions_max).unwrap_or(usize::MAX) {
            return None;
        }
        let id = loop {
            let id = SessionId(registry.env.random_u64());
            if !sessions.contains_key(&id) {
                break id;
            }
        };
        let entry = Arc::new(Entry {
            id,
            tenant: account.tenant,
            account: account.id,
            protocol: identity.protocol,
            peer,
            since_millis: registry.env.wall_millis(),
            proof: identity.proof,
            version,
            client: Mutex::default(),
            revoked: OnceLock::new(),
            woken: Notify::new(),
        });
        sessions.insert(id, Arc::clone(&entry));
        drop(table);
        if entry.proof.until_millis().is_some() {
            registry.ending.fetch_add(1, Ordering::Relaxed);
        }
        registry.open.with_label_values(&[entry.protocol.label()]).inc();
        Some(SessionPermit(SessionWatch {
            registry: Arc::clone(registry),
            entry,
        }))
    }

    /// The sessions of `filter`, by name, after `after`, at most `limit`.
    pub(crate) fn list(&self, filter: SessionFilter, after: Option<SessionId>, limit: usize) -> Vec<SessionInfo> {
        let mut meant = self.meant(filter);
        // A web session is listed as one, whatever number of connections it has at this moment.
        meant.retain(|entry| entry.web().is_none() && after.is_none_or(|after| entry.id > after));
        meant.sort_unstable_by_key(|entry| entry.id);
        meant.iter().take(limit).map(|entry| entry.info()).collect()
    }

    fn meant(&self, filter: SessionFilter) -> Vec<Arc<Entry>> {
        let table = self.0.table.lock();
        let entries: &mut dyn Iterator<Item = &Arc<Entry>> = match filter {
            SessionFilter::Account(account) => &mut table.get(&account).into_iter().flat_map(BTreeMap::values),
            _ => &mut table.values().flat_map(BTreeMap::values),
        };
        entries.filter(|entry| entry.is_meant(filter)).cloned().collect()
    }

    /// Tells the sessions of `filter` to end for which `verdict` has a reason; gives their number. One that was told
    /// before is not counted again.
    pub(crate) fn revoke(&self, filter: SessionFilter, verdict: impl Fn(&Standing) -> Option<Revocation>) -> usize {
        let mut count = 0;
        for entry in self.meant(filter) {
            let standing = Standing {
                protocol: entry.protocol,
                peer: entry.peer.ip(),
                proof: entry.proof,
                version: entry.version,
            };
            let Some(reason) = verdict(&standing) else { continue };
            if entry.revoked.set((reason, self.0.env.now_micros())).is_err() {
                continue;
            }
            entry.woken.notify_waiters();
            let labels = [entry.protocol.label(), reason.label()];
            self.0.revoked.with_label_values(&labels).inc();
            // A web session is counted where its record is removed.
            count += usize::from(entry.web().is_none());
        }
        count
    }

    /// Ends the sessions of which the time is over. Costs nothing while none has an end.
    pub(crate) fn end_expired(&self, now_millis: i64) {
        if self.0.ending.load(Ordering::Relaxed) == 0 {
            return;
        }
        let ended = self.revoke(SessionFilter::All, |standing| {
            let is_over = standing.proof.until_millis().is_some_and(|until| until <= now_millis);
            is_over.then_some(Revocation::Expired)
        });
        if ended > 0 {
            tracing::info!(event = "sessions_expired", ended);
        }
    }

    /// The grants by which sessions came, each with whose it is.
    pub(crate) fn grants(&self) -> std::collections::BTreeSet<(AccountId, u64)> {
        let table = self.0.table.lock();
        let entries = table.values().flat_map(BTreeMap::values);
        let grant = |entry: &Arc<Entry>| match entry.proof {
            Proof::Grant { id, .. } => Some((entry.account, id)),
            _ => None,
        };
        entries.filter_map(grant).collect()
    }

    /// Accounts with sessions.
    pub(crate) fn accounts(&self) -> Vec<AccountId> {
        self.0.table.lock().keys().copied().collect()
    }

    pub(crate) fn has(&self, account: AccountId) -> bool {
        self.0.table.lock().contains_key(&account)
    }

    /// Accounts with sessions, of one tenant.
    pub(crate) fn accounts_of(&self, tenant: TenantId) -> Vec<AccountId> {
        let table = self.0.table.lock();
        let of_tenant = |sessions: &BTreeMap<SessionId, Arc<Entry>>| {
            let first = sessions.values().next();
            first.is_some_and(|entry| entry.tenant == tenant)
        };
        let accounts = table.iter().filter(|(_, sessions)| of_tenant(sessions));
        accounts.map(|(account, _)| *account).collect()
    }
}

/// One session's place; dropping it strikes the session off.
pub struct SessionPermit(SessionWatch);

impl SessionPermit {
    /// Its name.
    #[must_use]
    pub fn id(&self) -> SessionId {
        self.0.entry.id
    }
    /// Notes what the client calls itself, for operators.
    pub fn set_client(&self, name: &str) {
        let shown: String = name
            .chars()
            .filter(|c| !c.is_control())
            .take(CLIENT_CHARACTERS_MAX)
            .collect();
        *self.0.entry.client.lock() = shown.into();
    }
    /// Tells when the session must end.
    #[must_use]
    pub fn watch(&self) -> &SessionWatch {
        &self.0
    }
}

impl Drop for SessionPermit {
    fn drop(&mut self) {
        let SessionWatch { registry, entry } = &self.0;
        let mut table = registry.table.lock();
        if let Some(sessions) = table.get_mut(&entry.account) {
            sessions.remove(&entry.id);
            if sessions.is_empty() {
                table.remove(&entry.account);
            }
        }
        drop(table);
        if entry.proof.until_millis().is_some() {
            registry.ending.fetch_sub(1, Ordering::Relaxed);
        }
        registry.open.with_label_values(&[entry.protocol.label()]).dec();
        if let Some((_, at)) = entry.revoked.get() {
            let micros = registry.env.now_micros().saturating_sub(*at);
            registry.seconds.observe(Duration::from_micros(micros).as_secs_f64());
        }
    }
}

/// Tells a session that it must end.
#[derive(Clone)]
pub struct SessionWatch {
    registry: Arc<Registry>,
    entry: Arc<Entry>,
}

impl SessionWatch {
    /// Why the session must end, if it must.
    #[must_use]
    pub fn revocation(&self) -> Option<Revocation> {
        self.entry.revoked.get().map(|(reason, _)| *reason)
    }
    /// Waits until the session must end; can be cancelled.
    pub async fn revoked(&self) -> Revocation {
        loop {
            let woken = self.entry.woken.notified();
            if let Some(reason) = self.revocation() {
                return reason;
            }
            woken.await;
        }
    }
    /// Waits until the session must not go on for even one more step: it was told [`REVOKED_GRACE`] ago.
    pub async fn overdue(&self) {
        self.revoked().await;
        let told = self.entry.revoked.get().map_or(0, |(_, at)| *at);
        let gone = Duration::from_micros(self.registry.env.now_micros().saturating_sub(told));
        self.registry.env.sleep(REVOKED_GRACE.saturating_sub(gone)).await;
    }
    /// As [`SessionWatch::revoked`], for a connection that may not have signed in: that one waits for ever.
    pub async fn revoked_if_any(watch: Option<&Self>) -> Revocation {
        match watch {
            Some(watch) => watch.revoked().await,
            None => std::future::pending().await,
        }
    }
    /// Does `work` unless and until the session is overdue; without a session, to its end.
    pub async fn work<T>(watch: Option<&Self>, work: impl Future<Output = T>) -> Option<T> {
        let Some(watch) = watch else {
            return Some(work.await);
        };
        if watch.is_overdue() {
            return None;
        }
        tokio::select! {
            biased;
            done = work => Some(done),
            () = watch.overdue() => None,
        }
    }
    /// Whether [`SessionWatch::overdue`] is over.
    #[must_use]
    pub fn is_overdue(&self) -> bool {
        self.entry.revoked.get().is_some_and(|(_, at)| {
            let gone = self.registry.env.now_micros().saturating_sub(*at);
            Duration::from_micros(gone) >= REVOKED_GRACE
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        let id = SessionId(0xab_cdef);
        assert_eq!(id.to_string(), "0000000000abcdef");
        assert_eq!(id.to_string().parse(), Ok(id));
        for wrong in ["", "abc", "00000000000000000", "+000000000abcdef", "g000000000abcdef"] {
            assert_eq!(wrong.parse::<SessionId>(), Err(NotASessionId), "{wrong}");
        }
    }
}
