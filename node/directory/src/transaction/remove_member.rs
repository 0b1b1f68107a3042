//! Removes a member from a group.

use hongyan_audit::{Chain, Event};
use hongyan_types::Address;

use super::{read_group_at, write_group};
use crate::{Change, Error, GroupRecord, Result, key};

pub(crate) async fn run(transaction: &mut Change, group: &Address, member: &Address) -> Result<GroupRecord> {
    let mut group = read_group_at(transaction, group).await?;
    let key = key::member(group.id, member);
    if transaction.get(&key).await?.is_none() {
        return Err(Error::not_found("member", member));
    }
    transaction.clear(&key);
    transaction.clear(&crate::naming::group_of(member, group.id));
    group.members -= 1;
    write_group(transaction, &group);
    let event = Event::new("group.remove-member", &group.address)
        .id(group.id.0)
        .with("member", member);
    transaction.record(Chain::Tenant(group.tenant), event);
    Ok(group)
}
