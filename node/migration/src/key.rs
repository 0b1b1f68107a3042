//! The keys of migrations. Layout, each a tuple:
//!
//! ("migration", "next")                               the last identifier given out
//! ("migration", "task", migration)                    record/migration.rs
//! ("migration", "of", tenant, migration)              empty
//! ("migration", "open", migration)                    empty, until it has ended
//! ("migration", "account", migration, account)        record/moving.rs
//! ("migration", "ready", migration, millis, account)  empty: from when on the account can be worked on
//! ("migration", "count", migration, state)            how many accounts are in that state
//! ("migration", "mine", account, migration)           empty
//! ("migration", "secret", migration, account)         a sealed password; account 0 is the source's administrator
//! ("migration", "folder", migration, account, hash)   record/position.rs
//! ("migration", "seen", migration, account, hash)     empty: a message of a POP3 source that is done with
//! ("migration", "trouble", migration, account, n)     record/trouble.rs

use bytes::Bytes;
use hongyan_kv::tuple::Tuple;
use hongyan_types::{AccountId, TenantId};

use crate::MigrationId;

fn kind(kind: &str) -> Tuple {
    Tuple::new().string("migration").string(kind)
}
pub(crate) fn next() -> Bytes {
    kind("next").pack()
}
pub(crate) fn task(id: MigrationId) -> Bytes {
    kind("task").int(id.0).pack()
}
pub(crate) fn of(tenant: TenantId) -> Tuple {
    kind("of").int(tenant.0)
}
pub(crate) fn open() -> Tuple {
    kind("open")
}
pub(crate) fn accounts(id: MigrationId) -> Tuple {
    kind("account").int(id.0)
}
pub(crate) fn ready(id: MigrationId) -> Tuple {
    kind("ready").int(id.0)
}
pub(crate) fn count(id: MigrationId, state: u8) -> Bytes {
    kind("count").int(id.0).int(u64::from(state)).pack()
}
pub(crate) fn mine(account: AccountId) -> Tuple {
    kind("mine").int(account.0)
}
pub(crate) fn all_secrets() -> Tuple {
    kind("secret")
}
pub(crate) fn secrets(id: MigrationId) -> Tuple {
    all_secrets().int(id.0)
}
fn of_account(name: &str, id: MigrationId, account: AccountId) -> Tuple {
    kind(name).int(id.0).int(account.0)
}
pub(crate) fn folder(id: MigrationId, account: AccountId, hash: &[u8]) -> Bytes {
    of_account("folder", id, account).bytes(hash).pack()
}
pub(crate) fn seen(id: MigrationId, account: AccountId) -> Tuple {
    of_account("seen", id, account)
}
pub(crate) fn troubles(id: MigrationId, account: AccountId) -> Tuple {
    of_account("trouble", id, account)
}
