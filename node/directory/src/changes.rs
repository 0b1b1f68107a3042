//! What the admin API asks the directory to make or change.

use hongyan_types::{AccountId, Address};

use crate::{AccountSettings, AccountState, Credential, Language, Quota, TenantState};

/// A change of one field: leave it or set it. Distinguishes "leave" from "set to nothing".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Field<T> {
    /// Stays as it is.
    #[default]
    Keep,
    /// Becomes this.
    Set(T),
}

impl<T> Field<T> {
    pub(crate) fn apply(self, to: &mut T) {
        if let Self::Set(value) = self {
            *to = value;
        }
    }
}

impl<T> From<Option<T>> for Field<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Keep, Self::Set)
    }
}

/// A tenant to make.
#[derive(Debug, Clone)]
pub struct NewTenant {
    /// Its name, 1 to 64 characters, unique without regard to case.
    pub name: String,
    /// Own limit of accounts.
    pub accounts_max: Option<u64>,
    /// Own limit of aliases an account.
    pub aliases_per_account_max: Option<u32>,
    /// What new accounts start with.
    pub account_settings: AccountSettings,
    /// The language of what the system writes.
    pub language: Option<Language>,
}

impl NewTenant {
    /// A tenant with default limits and settings.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            accounts_max: None,
            aliases_per_account_max: None,
            account_settings: AccountSettings::default(),
            language: None,
        }
    }
}

/// Changes of a tenant.
#[derive(Debug, Clone, Default)]
pub struct TenantChange {
    /// Its state.
    pub state: Field<TenantState>,
    /// Who gets `postmaster@`.
    pub postmaster: Field<Option<AccountId>>,
    /// Own limit of accounts.
    pub accounts_max: Field<Option<u64>>,
    /// Own limit of aliases an account.
    pub aliases_per_account_max: Field<Option<u32>>,
    /// What new accounts start with.
    pub account_settings: Field<AccountSettings>,
    /// The language of what the system writes.
    pub language: Field<Option<Language>>,
}

/// An account to make. Its tenant is the one that owns the address's domain.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// Its main address.
    pub address: Address,
    /// The person's name; at most 128 characters, may be empty.
    pub display_name: String,
    /// Its password's hashes; without them nobody can sign in yet.
    pub credential: Option<Credential>,
    /// Room in its mailbox.
    pub quota: Quota,
    /// What it may do with mail clients; `None` takes the tenant's.
    pub settings: Option<AccountSettings>,
    /// Whether it may manage its tenant.
    pub administrator: bool,
    /// The language of what the system writes to it; `None` is the tenant's.
    pub language: Option<Language>,
}

impl NewAccount {
    /// An account with defaults and no password.
    #[must_use]
    pub fn at(address: Address) -> Self {
        Self {
            address,
            display_name: String::new(),
            credential: None,
            quota: Quota::default(),
            settings: None,
            administrator: false,
            language: None,
        }
    }
}

/// Changes of an account.
#[derive(Debug, Clone, Default)]
pub struct AccountChange {
    /// Its state.
    pub state: Field<AccountState>,
    /// The person's name.
    pub display_name: Field<String>,
    /// Room in its mailbox.
    pub quota: Field<Quota>,
    /// What it may do with mail clients.
    pub settings: Field<AccountSettings>,
    /// Whether it may manage its tenant.
    pub administrator: Field<bool>,
    /// The language of what the system writes to it.
    pub language: Field<Option<Language>>,
}

/// A group to make. Its tenant is the one that owns the address's domain.
#[derive(Debug, Clone)]
pub struct NewGroup {
    /// Its address.
    pub address: Address,
    /// Its name, for people.
    pub display_name: String,
    /// Its first members: accounts, other groups, addresses elsewhere.
    pub members: Vec<Address>,
}
