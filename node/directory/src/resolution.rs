//! What a look-up answers.

use std::sync::Arc;

use hongyan_types::{AccountId, Address, TenantId};

use crate::{AccountRecord, Credential, Factors, GroupId};

/// Where mail for an address goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution {
    /// To one mailbox.
    Account(Recipient),
    /// To everyone in a group.
    Group(Arc<GroupTargets>),
    /// The group has more recipients than `group_expansion_max`, once expanded.
    GroupTooLarge(GroupId),
    /// The domain is not one of ours.
    NotLocal,
    /// The domain is ours, and nobody has the address.
    NoSuchUser,
    /// The account or its tenant is suspended.
    Suspended,
}

/// How an address led to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// By its main address.
    Address,
    /// By an alias.
    Alias,
    /// Nobody else has the address.
    CatchAll,
    /// `postmaster@` (RFC 5321 §4.5.1).
    Postmaster,
}

/// One mailbox that mail goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// Whose mailbox.
    pub account: Arc<AccountRecord>,
    /// What followed the `+` (RFC 5233 §1).
    pub detail: Option<String>,
    /// How the address led here.
    pub via: Via,
}

/// A group expanded, nested groups and all; everyone is in it once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupTargets {
    /// Which group.
    pub id: GroupId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Its address.
    pub address: Address,
    /// Members with a mailbox here; suspended ones are left out.
    pub accounts: Vec<Arc<AccountRecord>>,
    /// Members elsewhere.
    pub remote: Vec<Address>,
}

/// What is needed to sign someone in.
#[derive(Debug, Clone)]
pub struct Login {
    /// The account.
    pub account: Arc<AccountRecord>,
    /// Its password's hashes, unless it has none yet.
    pub credential: Option<Arc<Credential>>,
    /// What proves it beside its password.
    pub factors: Arc<Factors>,
    /// Whether account and tenant are active.
    pub active: bool,
}

impl Login {
    /// The account's identifier.
    #[must_use]
    pub fn id(&self) -> AccountId {
        self.account.id
    }
}
