//! Sets who of a tenant sees whom.

use hongyan_audit::{Chain, Event};
use hongyan_kv::Transaction;
use hongyan_types::TenantId;

use super::{need_department, need_tag, read_tenant};
use crate::record::change::Touched;
use crate::record::feed::Subject;
use crate::record::visibility;
use crate::{Change, Error, Etag, Result, Visibility, etag, key};

/// Most departments and tags of one list, and most who are confined.
const NAMED_MAX: usize = 200;

pub(crate) async fn read(transaction: &mut Transaction, id: TenantId) -> Result<Visibility> {
    let stored = transaction.get_snapshot(&key::visibility(id)).await?;
    let visibility = stored.map(|stored| visibility::decode(&stored)).transpose()?;
    Ok(visibility.unwrap_or_default())
}

pub(crate) async fn run(
    transaction: &mut Change,
    id: TenantId,
    wanted: &Visibility,
    expect: Option<Etag>,
) -> Result<Visibility> {
    let tenant = read_tenant(transaction, id).await?;
    let stored = transaction.get(&key::visibility(id)).await?;
    let before = stored.map(|stored| visibility::decode(&stored)).transpose()?;
    let before = before.unwrap_or_default();
    etag::check(expect, before.etag(), "visibility", &tenant.name)?;
    check(transaction, id, wanted).await?;
    transaction.set(key::visibility(id), visibility::encode(wanted));
    // Whoever remembers what members see forgets it.
    transaction.touch(Touched::TenantCounts(id));
    transaction.tell(id, Subject::Tenant);
    let event = Event::new("organisation.visibility", &tenant.name)
        .id(id.0)
        .changed(
            "hidden_departments",
            &before.hidden_departments,
            &wanted.hidden_departments,
        )
        .changed("hidden_tags", &before.hidden_tags, &wanted.hidden_tags)
        .changed("confined", &before.confined, &wanted.confined)
        .changed("show_department", &before.show_department, &wanted.show_department)
        .changed("show_title", &before.show_title, &wanted.show_title)
        .changed("show_phones", &before.show_phones, &wanted.show_phones);
    transaction.record(Chain::Tenant(id), event);
    Ok(wanted.clone())
}

async fn check(transaction: &mut Change, tenant: TenantId, wanted: &Visibility) -> Result<()> {
    let mut departments = wanted.hidden_departments.clone();
    let mut tags = wanted.hidden_tags.clone();
    for confined in &wanted.confined {
        departments.extend(confined.departments.iter().chain(&confined.see));
        tags.extend(&confined.tags);
    }
    if departments.len().max(tags.len()).max(wanted.confined.len()) > NAMED_MAX {
        return Err(Error::Limit {
            setting: "visibility_names_max",
            max: NAMED_MAX as u64,
            used: departments.len().max(tags.len()) as u64,
        });
    }
    for id in departments {
        need_department(transaction, tenant, id).await?;
    }
    for id in tags {
        need_tag(transaction, tenant, id).await?;
    }
    Ok(())
}
