//! Removes a domain that has no addresses any more.

use hongyan_audit::{Chain, Event};
use hongyan_kv::RangeQuery;
use hongyan_types::Domain;

use super::{read_domain, read_tenant, remove_domain, set_domain, touch_domain, write_counts};
use crate::{Change, Error, Result, key};

pub(crate) async fn run(transaction: &mut Change, name: &Domain) -> Result<()> {
    let mut record = read_domain(transaction, name).await?;
    let mut query = RangeQuery::all(key::addresses(name).range());
    query.limit = 1;
    if !transaction.get_range(query).await?.pairs.is_empty() {
        return Err(Error::InUse {
            what: "domain",
            name: name.to_string(),
            by: "accounts, aliases or groups have addresses in it".to_owned(),
        });
    }
    if let Some(other) = set_domain::names_of(transaction, &record).await?.first() {
        return Err(set_domain::in_use(name, format!("{other} is another name of it")));
    }
    remove_domain::cut_loose(transaction, &mut record).await?;
    transaction.clear(&key::domain(name));
    transaction.clear(&key::domain_check(name));
    transaction.clear(&key::special_domains(record.tenant).string(name.as_str()).pack());
    touch_domain(transaction, &record);
    transaction.clear(&key::tenant_domains(record.tenant).string(name.as_str()).pack());
    let mut owner = read_tenant(transaction, record.tenant).await?;
    owner.counts.domains -= 1;
    if owner.default_domain.as_ref() == Some(name) {
        owner.default_domain = None;
    }
    write_counts(transaction, &owner);
    transaction.record(Chain::Tenant(owner.id), Event::new("domain.delete", name));
    Ok(())
}
