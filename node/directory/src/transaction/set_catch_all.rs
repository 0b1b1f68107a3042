//! Sets or removes who gets mail for addresses of a domain that nobody has.

use hongyan_audit::{Chain, Event};
use hongyan_types::{AccountId, Domain};

use super::{need_account, read_domain, write_domain};
use crate::{Change, DomainRecord, Error, Result};

pub(crate) async fn run(transaction: &mut Change, name: &Domain, account: Option<AccountId>) -> Result<DomainRecord> {
    let mut record = read_domain(transaction, name).await?;
    if let Some(account) = account
        && need_account(transaction, account).await?.tenant != record.tenant
    {
        return Err(Error::Invalid(
            "the catch-all must be an account of the same tenant".to_owned(),
        ));
    }
    let event = Event::new("domain.change", name).changed("catch_all", &record.catch_all, &account);
    transaction.record(Chain::Tenant(record.tenant), event);
    record.catch_all = account;
    write_domain(transaction, &record);
    Ok(record)
}
