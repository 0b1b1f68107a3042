//! What something is done to.

use hongyan_directory::{DepartmentId, Role};
use hongyan_types::{AccountId, TenantId};

/// What an action is about.
#[derive(Debug, Clone, Copy)]
pub struct Object<'o> {
    /// Whose it is; `None` is the installation's.
    pub(super) tenant: Option<TenantId>,
    /// The departments it belongs to, with all above them.
    pub(super) places: &'o [DepartmentId],
    /// Whether it is one thing that has a place, as against the organisation's list of such things.
    pub(super) is_one: bool,
    /// What it may do itself, if it is a member.
    pub(super) role: Option<&'o Role>,
    /// Which account it is, if it is one.
    pub(super) account: Option<AccountId>,
}

impl<'o> Object<'o> {
    /// The installation.
    #[must_use]
    pub fn installation() -> Self {
        Self {
            tenant: None,
            places: &[],
            is_one: false,
            role: None,
            account: None,
        }
    }
    /// An organisation, or a list of what it has: the answer says how much of it may be seen.
    #[must_use]
    pub fn organisation(tenant: TenantId) -> Self {
        Self {
            tenant: Some(tenant),
            ..Self::installation()
        }
    }
    /// One thing of an organisation that belongs to departments; `places` are those with all above them.
    #[must_use]
    pub fn one(tenant: TenantId, places: &'o [DepartmentId]) -> Self {
        Self {
            tenant: Some(tenant),
            places,
            is_one: true,
            role: None,
            account: None,
        }
    }
    /// That account.
    #[must_use]
    pub fn of(self, account: AccountId) -> Self {
        Self {
            account: Some(account),
            ..self
        }
    }
    /// A member who has, or has not, a role.
    #[must_use]
    pub fn with_role(self, role: Option<&'o Role>) -> Self {
        Self { role, ..self }
    }
}
