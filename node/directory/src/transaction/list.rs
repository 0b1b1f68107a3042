//! Lists, page by page, in the order of their keys.

use hongyan_kv::tuple::Tuple;
use hongyan_kv::{KeyRange, KeyValue, RangeQuery, ReadMode, Transaction};
use hongyan_types::{AccountId, Address, Domain, TenantId};

use super::{Page, last_int, read_domain};
use crate::record::{account, group, read_address, tenant};
use crate::{AccountRecord, DomainRecord, GroupId, GroupRecord, Result, TenantRecord, key};

pub(crate) async fn page(
    transaction: &mut Transaction,
    prefix: &Tuple,
    after: Option<Tuple>,
    limit: usize,
) -> Result<Vec<KeyValue>> {
    let mut range = prefix.range();
    if let Some(after) = after {
        range.begin = KeyRange::key(after.as_bytes()).end;
    }
    let query = RangeQuery {
        limit: limit.max(1),
        mode: ReadMode::Snapshot,
        ..RangeQuery::all(range)
    };
    Ok(transaction.get_range_all(query).await?)
}

pub(crate) async fn tenants(transaction: &mut Transaction, asked: Page<TenantId>) -> Result<Vec<TenantRecord>> {
    let prefix = key::tenants();
    let after = asked.after.map(|id| prefix.clone().int(id.0));
    let pairs = page(transaction, &prefix, after, asked.limit).await?;
    let decode = |pair: &KeyValue| Ok(tenant::decode(TenantId(last_int(&prefix, &pair.key)?), &pair.value)?);
    pairs.iter().map(decode).collect()
}

/// The domain that ends `key`, which continues `prefix`.
pub(crate) fn domain_of_key(prefix: &Tuple, key: &[u8]) -> Result<Domain> {
    let corrupt = || super::corrupt("key does not end in a domain");
    let mut reader = prefix.reader(key).map_err(|_| corrupt())?;
    let name = reader.string().map_err(|_| corrupt())?;
    Ok(crate::record::read_domain(&name)?)
}

pub(crate) async fn domains(
    transaction: &mut Transaction,
    owner: TenantId,
    asked: &Page<Domain>,
) -> Result<Vec<DomainRecord>> {
    let prefix = key::tenant_domains(owner);
    let after = asked.after.as_ref().map(|name| prefix.clone().string(name.as_str()));
    let pairs = page(transaction, &prefix, after, asked.limit).await?;
    let mut domains = Vec::with_capacity(pairs.len());
    for pair in pairs {
        domains.push(read_domain(transaction, &domain_of_key(&prefix, &pair.key)?).await?);
    }
    Ok(domains)
}

pub(crate) async fn accounts(
    transaction: &mut Transaction,
    owner: TenantId,
    asked: Page<AccountId>,
) -> Result<Vec<AccountRecord>> {
    let prefix = key::accounts(owner);
    let after = asked.after.map(|id| prefix.clone().int(id.0));
    let pairs = page(transaction, &prefix, after, asked.limit).await?;
    let decode = |pair: &KeyValue| {
        let id = AccountId(last_int(&prefix, &pair.key)?);
        Ok(account::decode(owner, id, &pair.value)?)
    };
    pairs.iter().map(decode).collect()
}

pub(crate) async fn seats(
    transaction: &mut Transaction,
    owner: TenantId,
    asked: Page<AccountId>,
) -> Result<Vec<AccountRecord>> {
    let prefix = key::seats(owner);
    let after = asked.after.map(|id| prefix.clone().int(id.0));
    let mut accounts = Vec::new();
    for pair in page(transaction, &prefix, after, asked.limit).await? {
        let id = AccountId(last_int(&prefix, &pair.key)?);
        accounts.extend(super::read_account(transaction, id).await?);
    }
    Ok(accounts)
}

pub(crate) async fn groups(
    transaction: &mut Transaction,
    owner: TenantId,
    asked: Page<GroupId>,
) -> Result<Vec<GroupRecord>> {
    let prefix = key::groups(owner);
    let after = asked.after.map(|id| prefix.clone().int(id.0));
    let pairs = page(transaction, &prefix, after, asked.limit).await?;
    let decode = |pair: &KeyValue| {
        let id = GroupId(last_int(&prefix, &pair.key)?);
        Ok(group::decode(owner, id, &pair.value)?)
    };
    pairs.iter().map(decode).collect()
}

pub(crate) async fn members(
    transaction: &mut Transaction,
    group: GroupId,
    asked: &Page<Address>,
) -> Result<Vec<Address>> {
    let prefix = key::members(group);
    let after = asked
        .after
        .as_ref()
        .map(|address| prefix.clone().string(&address.key()));
    let pairs = page(transaction, &prefix, after, asked.limit).await?;
    let decode = |pair: &KeyValue| Ok(read_address(&String::from_utf8_lossy(&pair.value))?);
    pairs.iter().map(decode).collect()
}
