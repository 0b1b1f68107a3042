//! Where what a group names leads back to the group, so that whoever goes is missed nowhere.
//!
//! ("dir", "member-of", address key, group)          tenant: the address is one of the group's members
//! ("dir", "group-names", tenant, kind, id, group)   empty: the group's record names that department, tag or account

use hongyan_kv::tuple::Tuple;
use hongyan_types::{Address, TenantId};

use crate::GroupId;

/// How a group's record names something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Naming {
    /// A department, as its members' or posters'.
    Department(u32),
    /// A tag likewise.
    Tag(u32),
    /// An account that may send in its name.
    Representative(u64),
    /// The account that gets what comes back.
    Owner(u64),
}

impl Naming {
    fn code(self) -> (u64, u64) {
        match self {
            Self::Department(id) => (0, u64::from(id)),
            Self::Tag(id) => (1, u64::from(id)),
            Self::Representative(id) => (2, id),
            Self::Owner(id) => (3, id),
        }
    }
    /// The groups of a tenant whose records name it so.
    pub(crate) fn groups(self, tenant: TenantId) -> Tuple {
        let (kind, id) = self.code();
        let prefix = Tuple::new().string("dir").string("group-names");
        prefix.int(tenant.0).int(kind).int(id)
    }
    /// One of them.
    pub(crate) fn group(self, tenant: TenantId, group: GroupId) -> bytes::Bytes {
        self.groups(tenant).int(group.0).pack()
    }
}

/// The groups that have an address as a member.
pub(crate) fn groups_of(address: &Address) -> Tuple {
    Tuple::new().string("dir").string("member-of").string(&address.key())
}

/// One of them.
pub(crate) fn group_of(address: &Address, group: GroupId) -> bytes::Bytes {
    groups_of(address).int(group.0).pack()
}
