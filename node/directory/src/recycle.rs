//! The recycle bin: in, out again, and gone for good (MEM-13 to MEM-17).

use hongyan_notice::Notice;
use hongyan_types::{AccountId, Address, TenantId, Timestamp};

use crate::record::target::Target;
use crate::transaction::{self as tx, Page};
use crate::{AccountRecord, Credential, Directory, Error, Etag, Grantee, Profile, RecycledRecord, Result};

/// How a mailbox goes into the recycle bin.
#[derive(Debug, Clone, Default)]
pub struct Recycle {
    /// Its person leaves it and stays a person, as against leaving altogether.
    pub unbind: bool,
    /// Even when others count on it.
    pub confirmed: bool,
    /// What the account was when the wish was thought of; `None` for whatever it is.
    pub expect: Option<Etag>,
    /// Its person wants it so (MEM-19): who is told of that.
    pub leaving: Option<Notice>,
}

/// What a mailbox becomes when it leaves the recycle bin.
#[derive(Debug, Clone)]
pub enum Restore {
    /// A member's.
    Member {
        /// The person's name; the one it had when left out.
        name: Option<String>,
        /// The person's data, likewise.
        profile: Option<Box<Profile>>,
        /// The password's hashes; without them nobody can sign in yet.
        credential: Option<Box<Credential>>,
        /// Its person is still to come.
        invited: bool,
        /// It goes to another person than the one before, of whom nothing but the mail is left then. One that was taken from its person
        /// ([`crate::RecycleKind::Unbound`]) has nothing left of them anyway.
        another: bool,
    },
    /// A shared mailbox.
    Shared {
        /// Its name; the one it had when left out.
        name: Option<String>,
        /// Who may use it.
        users: Vec<Grantee>,
    },
}

/// All fail with the store's errors beside those named.
#[allow(clippy::missing_errors_doc, reason = "said once, above")]
impl Directory {
    /// Puts an account into the recycle bin. `NotFound`, `Changed`, `Refused` for the creator, `MemberUsed` for one that others
    /// count on.
    pub async fn recycle(&self, id: AccountId, asked: &Recycle) -> Result<RecycledRecord> {
        let (asked, this, now) = (asked.clone(), self.clone(), self.now());
        self.change(async move |t| tx::recycle::run(t, id, &asked, this.options(), now).await)
            .await
    }
    /// What is in a tenant's recycle bin, by identifier, after `after`, at most `limit`.
    pub async fn recycled(
        &self,
        tenant: TenantId,
        after: Option<AccountId>,
        limit: usize,
    ) -> Result<Vec<RecycledRecord>> {
        let page = Page { after, limit };
        self.read(async move |t| tx::recycle::list(t, tenant, page).await).await
    }
    /// What of it has that address. `NotFound`.
    pub async fn recycled_at(&self, address: &Address) -> Result<RecycledRecord> {
        let missing = || Error::not_found("recycled mailbox", address);
        let Some(Target::Account { tenant, account, .. }) = self.lookup().target(address).await? else {
            return Err(missing());
        };
        self.recycled_one(tenant, account).await?.ok_or_else(missing)
    }
    /// What of it was that account; none when it is not there, or no longer.
    pub async fn recycled_one(&self, tenant: TenantId, account: AccountId) -> Result<Option<RecycledRecord>> {
        let before = account.0.checked_sub(1).map(AccountId);
        let found = self.recycled(tenant, before, 1).await?.into_iter().next();
        Ok(found.filter(|recycled| recycled.account.id == account))
    }
    /// Has a mailbox stay in the recycle bin until `until` at least. `NotFound`, `Refused` when it is going.
    pub async fn hold_recycled(&self, tenant: TenantId, id: AccountId, until: Timestamp) -> Result<RecycledRecord> {
        let now = self.now();
        self.change(async move |t| tx::recycle::hold(t, (tenant, id), (until, now)).await)
            .await
    }
    /// Takes a mailbox out of the recycle bin. `NotFound`, `Limit`, `Exists` for an employee id or phone, `Refused` when it
    /// is going.
    pub async fn restore(&self, tenant: TenantId, id: AccountId, asked: &Restore) -> Result<AccountRecord> {
        let (asked, this, now) = (asked.clone(), self.clone(), self.now());
        self.change(async move |t| tx::restore::run(t, (tenant, id), &asked, this.options(), now).await)
            .await
    }
    /// Has a mailbox in the recycle bin go now. `NotFound`.
    pub async fn purge(&self, tenant: TenantId, id: AccountId) -> Result<()> {
        let now = self.now();
        self.change(async move |t| tx::purge::ask(t, tenant, id, now).await)
            .await
    }
    /// Mailboxes of all tenants that are to go, the longest due first.
    pub async fn due_for_purge(&self, limit: usize) -> Result<Vec<(TenantId, AccountId)>> {
        let now = self.now();
        self.read(async move |t| tx::purge::due(t, now, limit).await).await
    }
    /// Whether a mailbox is to go; from then on it cannot be restored.
    pub async fn begin_purge(&self, tenant: TenantId, id: AccountId) -> Result<bool> {
        let now = self.now();
        self.change(async move |t| tx::purge::begin(t, tenant, id, now).await)
            .await
    }
    /// Its mail is gone: frees its addresses. `Refused` when that was not begun.
    pub async fn end_purge(&self, tenant: TenantId, id: AccountId) -> Result<()> {
        let this = self.clone();
        self.change(async move |t| tx::purge::end(t, tenant, id, this.options()).await)
            .await
    }
}

#[cfg(test)]
#[path = "recycle_test.rs"]
mod tests;
