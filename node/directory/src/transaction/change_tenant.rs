//! Changes fields of a tenant.

use hongyan_types::TenantId;

use super::{need_account, read_tenant, write_tenant};
use crate::{Change, Error, Field, Result, TenantChange, TenantRecord};

pub(crate) async fn run(transaction: &mut Change, id: TenantId, change: &TenantChange) -> Result<TenantRecord> {
    let mut tenant = read_tenant(transaction, id).await?;
    if let Field::Set(Some(account)) = change.postmaster
        && need_account(transaction, account).await?.tenant != id
    {
        return Err(Error::Invalid(
            "the postmaster must be an account of the tenant".to_owned(),
        ));
    }
    change.state.apply(&mut tenant.state);
    change.postmaster.apply(&mut tenant.postmaster);
    change.accounts_max.apply(&mut tenant.accounts_max);
    change
        .aliases_per_account_max
        .apply(&mut tenant.aliases_per_account_max);
    change.account_settings.apply(&mut tenant.account_settings);
    change.language.apply(&mut tenant.language);
    write_tenant(transaction, &tenant);
    Ok(tenant)
}
