//! Removes an account at once: its addresses become free, and what pointed at it no longer does.

use hongyan_audit::Event;
use hongyan_types::{AccountId, Timestamp};

use super::{need_account, record_account, recycle};
use crate::{AccountRecord, Change, DirectoryOptions, Result, key};

pub(crate) async fn run(
    transaction: &mut Change,
    id: AccountId,
    options: &DirectoryOptions,
    now: Timestamp,
) -> Result<AccountRecord> {
    let account = need_account(transaction, id).await?;
    recycle::leave(transaction, &account, "deleted", true, now).await?;
    for address in account.addresses() {
        transaction.clear(&key::address(address));
    }
    recycle::forget_person(transaction, &account, options);
    record_account(transaction, &account, Event::new("member.delete", &account.address));
    Ok(account)
}
