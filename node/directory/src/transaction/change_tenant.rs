//! Changes fields of a tenant.

use hongyan_audit::{Chain, Event};
use hongyan_types::{TenantId, Timestamp};

use super::{mx_elsewhere, need_account, read_domain, read_tenant, service, write_tenant};
use crate::{Change, Error, Field, MxElsewhere, Result, TenantChange, TenantRecord, etag};

pub(crate) async fn run(
    transaction: &mut Change,
    id: TenantId,
    change: &TenantChange,
    now: Timestamp,
) -> Result<TenantRecord> {
    let mut tenant = read_tenant(transaction, id).await?;
    etag::check(change.expect, tenant.etag(), "organisation", &tenant.name)?;
    let before = tenant.clone();
    if let Field::Set(Some(account)) = change.postmaster
        && need_account(transaction, account).await?.tenant != id
    {
        return Err(Error::Invalid(
            "the postmaster must be an account of the tenant".to_owned(),
        ));
    }
    if let Field::Set(Some(name)) = &change.default_domain {
        let domain = read_domain(transaction, name).await?;
        if domain.tenant != id {
            return Err(Error::not_found("domain", name));
        }
        if !domain.is_home() {
            return Err(Error::Refused(format!("no addresses are made in {name}")));
        }
    }
    change.default_domain.clone().apply(&mut tenant.default_domain);
    change.mx_elsewhere.apply(&mut tenant.mx_elsewhere);
    // Who says that it works or does not, says so whatever was counted.
    if matches!(change.state, Field::Set(_)) || tenant.mx_elsewhere == MxElsewhere::Off {
        mx_elsewhere::forget(transaction, &mut tenant).await?;
    }
    change.state.apply(&mut tenant.state);
    change.postmaster.apply(&mut tenant.postmaster);
    change.accounts_max.apply(&mut tenant.accounts_max);
    change
        .aliases_per_account_max
        .apply(&mut tenant.aliases_per_account_max);
    change.account_settings.apply(&mut tenant.account_settings);
    change.language.apply(&mut tenant.language);
    if let Field::Set(until) = change.service_until {
        tenant.service_until = until;
        service::note(transaction, &mut tenant, now).await?;
    }
    write_tenant(transaction, &tenant);
    let event = Event::new("organisation.change", &tenant.name)
        .id(id.0)
        .changed("state", &before.state, &tenant.state)
        .changed("postmaster", &before.postmaster, &tenant.postmaster)
        .changed("accounts_max", &before.accounts_max, &tenant.accounts_max)
        .changed(
            "aliases_per_account_max",
            &before.aliases_per_account_max,
            &tenant.aliases_per_account_max,
        )
        .changed("account_settings", &before.account_settings, &tenant.account_settings)
        .changed("service_until", &before.service_until, &tenant.service_until)
        .changed("mx_elsewhere", &before.mx_elsewhere, &tenant.mx_elsewhere)
        .changed("language", &before.language, &tenant.language)
        .changed("default_domain", &before.default_domain, &tenant.default_domain);
    transaction.record(Chain::Tenant(id), event);
    Ok(tenant)
}
