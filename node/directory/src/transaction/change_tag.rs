//! Changes a tag.

use hongyan_audit::{Chain, Event};
use hongyan_types::TenantId;

use super::create_tag::{NAME_CHARACTERS_MAX, claim_name, clean_departments};
use super::{clean_name, folded, need_tag, write_tag};
use crate::{Change, DirectoryOptions, Field, Result, TagChange, TagId, TagRecord, etag, key};

pub(crate) async fn run(
    transaction: &mut Change,
    tenant: TenantId,
    id: TagId,
    change: &TagChange,
    options: &DirectoryOptions,
) -> Result<TagRecord> {
    let before = need_tag(transaction, tenant, id).await?;
    etag::check(change.expect, before.etag(), "tag", &before.name)?;
    let mut tag = before.clone();
    if let Field::Set(name) = &change.name {
        tag.name = clean_name(name, NAME_CHARACTERS_MAX)?;
        let (old, new) = (folded(&before.name), folded(&tag.name));
        if old != new {
            transaction.clear(&key::tag_name(tenant, &old));
            claim_name(transaction, tenant, &tag.name, id).await?;
        }
    }
    if let Field::Set(departments) = &change.departments {
        tag.departments = clean_departments(transaction, tenant, departments, options).await?;
    }
    write_tag(transaction, &tag);
    let event = Event::new("tag.change", &tag.name)
        .id(u64::from(id.0))
        .changed("name", &before.name, &tag.name)
        .changed("departments", &before.departments, &tag.departments);
    transaction.record(Chain::Tenant(tenant), event);
    Ok(tag)
}
