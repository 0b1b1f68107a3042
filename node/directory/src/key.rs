//! The keys of the directory. Layout, each a tuple:
//!
//! ("dir", "version")                        the count of changes; watched by every node
//! ("dir", "change", version)                record/change.rs, the latest only
//! ("dir", "next", kind)                     last identifier given out: kinds tenant, account, group
//! ("dir", "tenant", tenant)                 record/tenant.rs
//! ("dir", "tenant-name", name)              tenant
//! ("dir", "domain", domain)                 record/domain.rs
//! ("dir", "tenant-domain", tenant, domain)  empty
//! ("dir", "account", tenant, account)       record/account.rs
//! ("dir", "account-tenant", account)        tenant
//! ("dir", "credential", account)            record/credential.rs
//! ("dir", "address", domain, local key)     record/target.rs
//! ("dir", "group", tenant, group)           record/group.rs
//! ("dir", "member", group, address key)     the member's address as written

use bytes::Bytes;
use hongyan_kv::tuple::Tuple;
use hongyan_types::{AccountId, Address, Domain, TenantId};

use crate::GroupId;

fn dir(kind: &str) -> Tuple {
    Tuple::new().string("dir").string(kind)
}
pub(crate) fn version() -> Bytes {
    dir("version").pack()
}
pub(crate) fn changes() -> Tuple {
    dir("change")
}
pub(crate) fn change(version: u64) -> Bytes {
    changes().int(version).pack()
}
pub(crate) fn next(kind: &str) -> Bytes {
    dir("next").string(kind).pack()
}
pub(crate) fn tenants() -> Tuple {
    dir("tenant")
}
pub(crate) fn tenant(tenant: TenantId) -> Bytes {
    tenants().int(tenant.0).pack()
}
pub(crate) fn tenant_name(name: &str) -> Bytes {
    dir("tenant-name").string(&name.to_lowercase()).pack()
}
pub(crate) fn domain(domain: &Domain) -> Bytes {
    dir("domain").string(domain.as_str()).pack()
}
pub(crate) fn tenant_domains(tenant: TenantId) -> Tuple {
    dir("tenant-domain").int(tenant.0)
}
pub(crate) fn accounts(tenant: TenantId) -> Tuple {
    dir("account").int(tenant.0)
}
pub(crate) fn account(tenant: TenantId, account: AccountId) -> Bytes {
    accounts(tenant).int(account.0).pack()
}
pub(crate) fn account_tenant(account: AccountId) -> Bytes {
    dir("account-tenant").int(account.0).pack()
}
pub(crate) fn credential(account: AccountId) -> Bytes {
    dir("credential").int(account.0).pack()
}
pub(crate) fn addresses(domain: &Domain) -> Tuple {
    dir("address").string(domain.as_str())
}
pub(crate) fn address(address: &Address) -> Bytes {
    addresses(&address.domain).string(&address.local.key()).pack()
}
pub(crate) fn groups(tenant: TenantId) -> Tuple {
    dir("group").int(tenant.0)
}
pub(crate) fn group(tenant: TenantId, group: GroupId) -> Bytes {
    groups(tenant).int(group.0).pack()
}
pub(crate) fn members(group: GroupId) -> Tuple {
    dir("member").int(group.0)
}
pub(crate) fn member(group: GroupId, address: &Address) -> Bytes {
    members(group).string(&address.key()).pack()
}
