//! Removes a tag; whoever bore it no longer does.

use hongyan_audit::{Chain, Event};
use hongyan_kv::RangeQuery;
use hongyan_types::{AccountId, TenantId};

use super::membership::check_count;
use super::{folded, last_int, need_account, need_tag, read_tenant, touch_tag, write_account, write_counts};
use crate::{Change, DirectoryOptions, Etag, Result, TagId, etag, key};

pub(crate) async fn run(
    transaction: &mut Change,
    tenant: TenantId,
    id: TagId,
    expect: Option<Etag>,
    options: &DirectoryOptions,
) -> Result<()> {
    let tag = need_tag(transaction, tenant, id).await?;
    etag::check(expect, tag.etag(), "tag", &tag.name)?;
    let members = key::tag_members(tenant, id);
    let mut query = RangeQuery::all(members.range());
    query.limit = options.members_moved_at_once_max + 1;
    let pairs = transaction.get_range_all(query).await?;
    check_count(
        "members_moved_at_once_max",
        options.members_moved_at_once_max,
        pairs.len(),
    )?;
    for pair in &pairs {
        let mut account = need_account(transaction, AccountId(last_int(&members, &pair.key)?)).await?;
        account.tags.retain(|tag| *tag != id);
        write_account(transaction, &account);
    }
    transaction.clear_range(members.range());
    transaction.clear(&key::tag(tenant, id));
    transaction.clear(&key::tag_name(tenant, &folded(&tag.name)));
    touch_tag(transaction, &tag);
    super::group_names::forget(transaction, tenant, crate::naming::Naming::Tag(id.0)).await?;
    let mut owner = read_tenant(transaction, tenant).await?;
    owner.counts.tags = owner.counts.tags.saturating_sub(1);
    write_counts(transaction, &owner);
    let event = Event::new("tag.delete", &tag.name)
        .id(u64::from(id.0))
        .with("members", pairs.len());
    transaction.record(Chain::Tenant(tenant), event);
    Ok(())
}
