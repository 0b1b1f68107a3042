//! What a member may do for the organisation (ADM-7 to ADM-9); kept in its account's record.

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::DepartmentId;

/// Part of the console that can be given to a delegated administrator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Function {
    /// Announcements to the organisation.
    Announcements,
    /// Members, departments and tags.
    Members,
    /// Mail groups and shared mailboxes.
    Groups,
    /// Who may send outside, and how much.
    OutsideSending,
    /// Statistics and logs.
    Logs,
}

impl Function {
    /// All there are.
    pub const ALL: [Self; 5] = [
        Self::Announcements,
        Self::Members,
        Self::Groups,
        Self::OutsideSending,
        Self::Logs,
    ];
    fn code(self) -> u8 {
        match self {
            Self::Announcements => 0,
            Self::Members => 1,
            Self::Groups => 2,
            Self::OutsideSending => 3,
            Self::Logs => 4,
        }
    }
}

/// A member's role in the organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Role {
    /// The one who has every right and may hand this role over.
    Creator,
    /// Everything but handing over the creator's role.
    Super,
    /// Some functions, for some departments.
    Delegated {
        /// Which functions.
        functions: Vec<Function>,
        /// Which departments, with all below them; empty is the whole organisation.
        #[serde(default)]
        departments: Vec<DepartmentId>,
    },
}

impl Role {
    /// Its name.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Creator => "creator",
            Self::Super => "super",
            Self::Delegated { .. } => "delegated",
        }
    }
}

#[derive(Encode, Decode)]
pub(crate) struct RoleV1 {
    #[n(0)]
    kind: u8,
    #[n(1)]
    functions: Vec<u8>,
    #[n(2)]
    departments: Vec<u32>,
}

impl From<&Role> for RoleV1 {
    fn from(role: &Role) -> Self {
        let (kind, functions, departments) = match role {
            Role::Creator => (0, Vec::new(), Vec::new()),
            Role::Super => (1, Vec::new(), Vec::new()),
            Role::Delegated { functions, departments } => (
                2,
                functions.iter().map(|function| function.code()).collect(),
                departments.iter().map(|department| department.0).collect(),
            ),
        };
        Self {
            kind,
            functions,
            departments,
        }
    }
}

impl From<RoleV1> for Role {
    fn from(stored: RoleV1) -> Self {
        match stored.kind {
            0 => Self::Creator,
            1 => Self::Super,
            // A function that a later release knew gives no right here.
            _ => Self::Delegated {
                functions: Function::ALL
                    .into_iter()
                    .filter(|function| stored.functions.contains(&function.code()))
                    .collect(),
                departments: stored.departments.into_iter().map(DepartmentId).collect(),
            },
        }
    }
}
