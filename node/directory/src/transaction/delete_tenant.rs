//! Removes a tenant that owns nothing any more.

use hongyan_types::TenantId;

use super::read_tenant;
use crate::record::change::Touched;
use crate::{Change, Error, Result, TenantCounts, key};

pub(crate) async fn run(transaction: &mut Change, id: TenantId) -> Result<()> {
    let tenant = read_tenant(transaction, id).await?;
    if tenant.counts != TenantCounts::default() {
        let TenantCounts {
            accounts,
            domains,
            groups,
        } = tenant.counts;
        return Err(Error::InUse {
            what: "tenant",
            name: tenant.name,
            by: format!("{accounts} accounts, {groups} groups, {domains} domains"),
        });
    }
    transaction.clear(&key::tenant(id));
    transaction.clear(&key::tenant_name(&tenant.name));
    transaction.touch(Touched::Tenant(id));
    Ok(())
}
