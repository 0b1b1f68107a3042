//! The keys of what is counted. Layout, each a tuple; numbers are little-endian 64-bit integers that are added to:
//!
//! ("statistics", "all", tenant, day, kind)             of all members
//! ("statistics", "member", tenant, day, kind, account)  of one
//! ("statistics", "members", tenant, day)               how many accounts there were, mailboxes of several people too
//! ("statistics", "name", tenant, account)              the address by which they were known last
//! ("statistics", "settings", tenant)                   settings.rs
//! ("statistics", "mail", tenant, millis, random)       mail_entry.rs
//! ("statistics", "mail-of", account, millis, random)   the same, by account
//! ("statistics", "mail-reported", account, millis, random)  empty: the account has told its administrators of it

use bytes::Bytes;
use hongyan_kv::{KeyRange, Tuple};
use hongyan_types::{AccountId, TenantId};

use crate::{Day, Kind};

fn statistics(kind: &str, tenant: TenantId) -> Tuple {
    Tuple::new().string("statistics").string(kind).int(tenant.0)
}
/// All days from `from` on, before `until`.
fn days(prefix: Tuple, from: Day, until: Day) -> KeyRange {
    KeyRange {
        begin: prefix.clone().int(from.0).pack(),
        end: prefix.int(until.0).pack(),
    }
}
pub(crate) fn all_of(tenant: TenantId) -> Tuple {
    statistics("all", tenant)
}
pub(crate) fn all(tenant: TenantId, day: Day, kind: Kind) -> Bytes {
    all_of(tenant).int(day.0).int(kind.number()).pack()
}
pub(crate) fn all_days(tenant: TenantId, from: Day, until: Day) -> KeyRange {
    days(all_of(tenant), from, until)
}
pub(crate) fn members_of(tenant: TenantId) -> Tuple {
    statistics("member", tenant)
}
pub(crate) fn member(tenant: TenantId, day: Day, kind: Kind, account: AccountId) -> Bytes {
    members_of(tenant).int(day.0).int(kind.number()).int(account.0).pack()
}
pub(crate) fn member_days(tenant: TenantId, from: Day, until: Day) -> KeyRange {
    days(members_of(tenant), from, until)
}
pub(crate) fn accounts_of(tenant: TenantId) -> Tuple {
    statistics("members", tenant)
}
pub(crate) fn accounts(tenant: TenantId, day: Day) -> Bytes {
    accounts_of(tenant).int(day.0).pack()
}
pub(crate) fn account_days(tenant: TenantId, from: Day, until: Day) -> KeyRange {
    days(accounts_of(tenant), from, until)
}
pub(crate) fn name(tenant: TenantId, account: AccountId) -> Bytes {
    statistics("name", tenant).int(account.0).pack()
}
pub(crate) fn mail(tenant: TenantId) -> Tuple {
    statistics("mail", tenant)
}
pub(crate) fn mail_of(account: AccountId) -> Tuple {
    Tuple::new().string("statistics").string("mail-of").int(account.0)
}
pub(crate) fn mail_reported(account: AccountId) -> Tuple {
    Tuple::new().string("statistics").string("mail-reported").int(account.0)
}
pub(crate) fn settings(tenant: TenantId) -> Bytes {
    statistics("settings", tenant).pack()
}
