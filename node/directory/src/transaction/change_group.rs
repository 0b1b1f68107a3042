//! Changes a group: who may write to it, who speaks for it, whose members are its members.

use hongyan_audit::{Chain, Event};
use hongyan_types::Address;

use super::{check_name, claim, clean, group_names, group_rules, home_of, read_group_at, touch_address, write_group};
use crate::record::target::Target;
use crate::{Change, DirectoryOptions, Error, Field, GroupChange, GroupRecord, Result, etag, key};

pub(crate) async fn run(
    transaction: &mut Change,
    address: &Address,
    change: &GroupChange,
    options: &DirectoryOptions,
) -> Result<GroupRecord> {
    let before = read_group_at(transaction, address).await?;
    etag::check(change.expect, before.etag(), "group", &before.address)?;
    let mut group = before.clone();
    if let Field::Set(name) = &change.display_name {
        check_name(name, 128)?;
        group.display_name = clean(name);
    }
    if group.department.is_some() && group.display_name != before.display_name {
        return Err(Error::Refused(
            "the group of a department is called as the department is".to_owned(),
        ));
    }
    change.posting.apply(&mut group.posting);
    // Other posters than those of a custom set mean nothing.
    if group.posting != before.posting {
        group.posters = crate::Parties::default();
    }
    change.posters.clone().apply(&mut group.posters);
    change.representatives.clone().apply(&mut group.representatives);
    change.owner.apply(&mut group.owner);
    change.member_departments.clone().apply(&mut group.member_departments);
    change.member_tags.clone().apply(&mut group.member_tags);
    if let Field::Set(id) = &change.external_id {
        group.external_id = clean(id);
        group_rules::check_external_id(transaction, &group).await?;
    }
    if let Field::Set(address) = &change.address {
        move_to(transaction, &mut group, address).await?;
    }
    group_rules::clean(transaction, &mut group).await?;
    group_names::replace(transaction, Some(&before), &group);
    write_group(transaction, &group);
    let grows = (&before.member_departments, &before.member_tags) != (&group.member_departments, &group.member_tags);
    if grows {
        group_rules::check_reach(transaction, &group, options).await?;
    }
    transaction.record(Chain::Tenant(group.tenant), told(&before, &group));
    Ok(group)
}

/// GRP-2, GRP-5: an address stays, but one that was made up may be changed once.
async fn move_to(transaction: &mut Change, group: &mut GroupRecord, address: &Address) -> Result<()> {
    if address.key() == group.address.key() {
        return Ok(());
    }
    if group.address_fixed {
        return Err(Error::Refused("the address of a group cannot be changed".to_owned()));
    }
    if home_of(transaction, &address.domain).await?.tenant != group.tenant {
        return Err(Error::not_found("domain", &address.domain));
    }
    let target = Target::Group {
        tenant: group.tenant,
        group: group.id,
    };
    claim(transaction, address, target).await?;
    transaction.clear(&key::address(&group.address));
    touch_address(transaction, &group.address);
    group.address = address.clone();
    group.address_fixed = true;
    Ok(())
}

fn told(before: &GroupRecord, after: &GroupRecord) -> Event {
    Event::new("group.change", &after.address)
        .id(after.id.0)
        .changed("name", &before.display_name, &after.display_name)
        .changed("address", &before.address.to_string(), &after.address.to_string())
        .changed("posting", &before.posting, &after.posting)
        .changed("posters", &before.posters, &after.posters)
        .changed("representatives", &before.representatives, &after.representatives)
        .changed("owner", &before.owner, &after.owner)
        .changed("departments", &before.member_departments, &after.member_departments)
        .changed("tags", &before.member_tags, &after.member_tags)
        .changed("external_id", &before.external_id, &after.external_id)
}
