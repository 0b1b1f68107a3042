//! Removes a tenant that owns nothing any more.

use hongyan_audit::{Chain, Event};
use hongyan_types::TenantId;

use super::read_tenant;
use crate::record::change::Touched;
use crate::{Change, Error, Result, TenantCounts, key};

pub(crate) async fn run(transaction: &mut Change, id: TenantId) -> Result<()> {
    let tenant = read_tenant(transaction, id).await?;
    let TenantCounts {
        accounts,
        domains,
        groups,
        ..
    } = tenant.counts;
    if (accounts, domains, groups) != (0, 0, 0) {
        return Err(Error::InUse {
            what: "organisation",
            name: tenant.name,
            by: format!("{accounts} accounts, {groups} groups, {domains} domains"),
        });
    }
    transaction.clear(&key::tenant(id));
    transaction.clear(&key::tenant_name(&tenant.name));
    transaction.clear(&key::sign_in_policy(id));
    transaction.clear(&key::terms(Some(id)));
    transaction.clear(&key::visibility(id));
    transaction.clear(&key::page(id));
    transaction.clear(&key::service_end(id));
    transaction.clear(&key::verification_end(id));
    transaction.clear_range(key::of_tenant(id).range());
    super::operator_request::remove_all(transaction, id).await?;
    clear_structure(transaction, id);
    transaction.touch(Touched::Tenant(id));
    let event = Event::new("organisation.delete", &tenant.name).id(id.0);
    transaction.record(Chain::Installation, event.clone());
    transaction.record(Chain::Tenant(id), event);
    Ok(())
}

/// Departments and tags hold nobody any more.
fn clear_structure(transaction: &mut Change, id: TenantId) {
    for kind in [
        "department",
        "department-name",
        "department-member",
        "tag",
        "tag-name",
        "tag-member",
        "next-of",
        "role",
        "group-names",
        "granted",
        "invitation",
        "application",
        "sanction",
    ] {
        transaction.clear_range(key::all_of(kind, id).range());
    }
}
