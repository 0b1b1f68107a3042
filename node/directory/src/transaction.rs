//! Changes of the directory, one file a transaction; reads that several of them share are here.

pub(crate) mod add_alias;
pub(crate) mod add_member;
pub(crate) mod assign_plan;
pub(crate) mod change_account;
pub(crate) mod change_address;
pub(crate) mod change_department;
pub(crate) mod change_factors;
pub(crate) mod change_group;
pub(crate) mod change_tag;
pub(crate) mod change_tenant;
pub(crate) mod claim_domain;
pub(crate) mod create_account;
pub(crate) mod create_department;
pub(crate) mod create_domain;
pub(crate) mod create_group;
pub(crate) mod create_tag;
pub(crate) mod create_tenant;
pub(crate) mod create_token;
pub(crate) mod delegation;
pub(crate) mod delete_account;
pub(crate) mod delete_department;
pub(crate) mod delete_domain;
pub(crate) mod delete_group;
pub(crate) mod delete_tag;
pub(crate) mod delete_tenant;
pub(crate) mod delete_token;
pub(crate) mod domain_name;
pub(crate) mod faults;
pub(crate) mod folder_share;
pub(crate) mod grant;
pub(crate) mod group_names;
pub(crate) mod group_rules;
pub(crate) mod hand_over;
pub(crate) mod invitation;
pub(crate) mod list;
pub(crate) mod member_uses;
pub(crate) mod membership;
pub(crate) mod move_domain;
pub(crate) mod mx_elsewhere;
pub(crate) mod operator_request;
pub(crate) mod plan;
pub(crate) mod purge;
pub(crate) mod quota_due;
pub(crate) mod recycle;
pub(crate) mod remove_alias;
pub(crate) mod remove_domain;
pub(crate) mod remove_member;
pub(crate) mod restore;
pub(crate) mod role;
pub(crate) mod rotate_token;
pub(crate) mod sanction;
pub(crate) mod service;
pub(crate) mod set_credential;
pub(crate) mod set_domain;
pub(crate) mod set_page;
pub(crate) mod set_sign_in_policy;
pub(crate) mod set_terms;
pub(crate) mod set_visibility;
pub(crate) mod share_notice;
pub(crate) mod trial_domain;
pub(crate) mod verification;
pub(crate) mod welcome;

use hongyan_kv::tuple::Tuple;
use hongyan_kv::{KeyValue, RangeQuery, ReadMode, Transaction};
use hongyan_types::{AccountId, Address, Domain, TenantId, Timestamp};
use unicode_normalization::UnicodeNormalization;

use crate::change::Change;
use hongyan_audit::{Chain, Event};

use crate::record::change::Touched;
use crate::record::feed::Subject;
use crate::record::target::Target;
use crate::record::{account, department, domain, group, tag, target, tenant, token};
use crate::{
    AccountKind, AccountRecord, DepartmentId, DepartmentRecord, DomainRecord, Error, GroupId, GroupRecord, Result,
    Seat, TagId, TagRecord, TenantRecord, TokenId, TokenRecord, key,
};

/// Part of a list: what follows `after`, at most `limit`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Page<K> {
    pub(crate) after: Option<K>,
    pub(crate) limit: usize,
}

pub(crate) fn corrupt(what: &str) -> Error {
    Error::Storage(hongyan_kv::Error::Corrupt(what.to_owned()))
}

pub(crate) fn read_int(stored: &[u8]) -> hongyan_kv::Result<u64> {
    let octets = stored.try_into();
    let octets = octets.map_err(|_| hongyan_kv::Error::Corrupt("number is not 8 octets".to_owned()))?;
    Ok(u64::from_le_bytes(octets))
}

/// The integer that ends `key`, which continues `prefix`.
pub(crate) fn last_int(prefix: &Tuple, key: &[u8]) -> Result<u64> {
    let mut reader = prefix.reader(key).map_err(|_| corrupt("key of another kind"))?;
    reader
        .int::<u64>()
        .map_err(|_| corrupt("key does not end in an identifier"))
}

/// The mailboxes at (.., millis, tenant, account) behind `prefix` that are due, the longest due first, at most `limit`.
async fn due_mailboxes(
    transaction: &mut Transaction,
    prefix: &Tuple,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<(TenantId, AccountId, KeyValue)>> {
    let mut query = RangeQuery {
        limit,
        mode: ReadMode::Snapshot,
        ..RangeQuery::all(prefix.range())
    };
    query.range.end = prefix.clone().int(now.millis).int(u64::MAX).pack();
    let wrong = |_| corrupt("key of a mailbox that is due");
    let read = |pair: KeyValue| {
        let mut reader = prefix.reader(&pair.key).map_err(wrong)?;
        reader.int::<i64>().map_err(wrong)?;
        let tenant = TenantId(reader.int().map_err(wrong)?);
        Ok((tenant, AccountId(reader.int().map_err(wrong)?), pair))
    };
    transaction.get_range_all(query).await?.into_iter().map(read).collect()
}

/// The next identifier of a kind.
async fn take_id(transaction: &mut Change, kind: &str) -> Result<u64> {
    transaction.take_number(key::next(kind)).await
}

/// The next identifier of a kind in a tenant.
async fn take_small_id(transaction: &mut Change, tenant: TenantId, kind: &str) -> Result<u32> {
    let number = transaction.take_number(key::next_of(tenant, kind)).await?;
    u32::try_from(number).map_err(|_| Error::Limit {
        setting: "identifiers",
        max: u64::from(u32::MAX),
        used: number - 1,
    })
}

/// The word of the audit log for an account.
fn word(account: &AccountRecord) -> &'static str {
    match account.kind {
        AccountKind::Member => "member",
        AccountKind::Shared => "shared-mailbox",
    }
}

/// Tells the audit log what was done to an account.
fn record_account(transaction: &mut Change, account: &AccountRecord, event: Event) {
    let event = event.id(account.id.0).with("kind", word(account));
    transaction.record(Chain::Tenant(account.tenant), event);
}

async fn read_tenant(transaction: &mut Transaction, id: TenantId) -> Result<TenantRecord> {
    let stored = transaction.get(&key::tenant(id)).await?;
    let stored = stored.ok_or_else(|| Error::not_found("organisation", id.0))?;
    Ok(tenant::decode(id, &stored)?)
}

fn write_tenant(transaction: &mut Change, tenant: &TenantRecord) {
    transaction.set(key::tenant(tenant.id), tenant::encode(tenant));
    transaction.touch(Touched::Tenant(tenant.id));
    transaction.tell(tenant.id, Subject::Tenant);
}

/// Writes a tenant of which only the numbers of what it owns changed: no session needs to look at it again.
fn write_counts(transaction: &mut Change, tenant: &TenantRecord) {
    transaction.set(key::tenant(tenant.id), tenant::encode(tenant));
    transaction.touch(Touched::TenantCounts(tenant.id));
}

pub(crate) async fn read_tenant_named(transaction: &mut Transaction, name: &str) -> Result<TenantRecord> {
    match transaction.get(&key::tenant_name(name)).await? {
        Some(stored) => read_tenant(transaction, TenantId(read_int(&stored)?)).await,
        None => Err(Error::not_found("organisation", name)),
    }
}

async fn read_domain(transaction: &mut Transaction, name: &Domain) -> Result<DomainRecord> {
    let stored = transaction.get(&key::domain(name)).await?;
    let stored = stored.ok_or_else(|| Error::not_found("domain", name))?;
    Ok(domain::decode(name.clone(), &stored)?)
}

pub(crate) async fn domain_of(transaction: &mut Transaction, address: &Address) -> Result<DomainRecord> {
    read_domain(transaction, &address.domain).await
}

pub(crate) async fn read_account(transaction: &mut Transaction, id: AccountId) -> Result<Option<AccountRecord>> {
    let Some(stored) = transaction.get(&key::account_tenant(id)).await? else {
        return Ok(None);
    };
    let tenant = TenantId(read_int(&stored)?);
    let stored = transaction.get(&key::account(tenant, id)).await?;
    Ok(stored.map(|stored| account::decode(tenant, id, &stored)).transpose()?)
}

async fn need_account(transaction: &mut Transaction, id: AccountId) -> Result<AccountRecord> {
    read_account(transaction, id)
        .await?
        .ok_or_else(|| Error::not_found("account", id.0))
}

fn write_account(transaction: &mut Change, account: &AccountRecord) {
    transaction.set(key::account(account.tenant, account.id), account::encode(account));
    touch_account(transaction, account);
}

/// Notes an account where advanced seats and shared mailboxes are counted; `before` is what it was.
fn count_account(transaction: &mut Change, before: Option<&AccountRecord>, after: Option<&AccountRecord>) {
    let seat = |account: &AccountRecord| account.seat == Seat::Advanced;
    let shared = |account: &AccountRecord| account.kind == AccountKind::Shared;
    let Some(account) = before.or(after) else { return };
    let (tenant, id) = (account.tenant, account.id.0);
    for (had, has, key) in [
        (before.is_some_and(seat), after.is_some_and(seat), key::seats(tenant)),
        (
            before.is_some_and(shared),
            after.is_some_and(shared),
            key::shared_mailboxes(tenant),
        ),
    ] {
        let key = key.int(id).pack();
        match (had, has) {
            (false, true) => transaction.set(key, Vec::new()),
            (true, false) => transaction.clear(&key),
            _ => {}
        }
    }
}

fn touch_account(transaction: &mut Change, account: &AccountRecord) {
    transaction.touch(Touched::Account {
        tenant: account.tenant,
        account: account.id,
    });
    transaction.tell(account.tenant, Subject::Account(account.id));
}

fn touch_address(transaction: &mut Change, address: &Address) {
    transaction.touch(Touched::Address(address.key()));
}

/// A domain in which addresses can be made.
pub(crate) async fn home_of(transaction: &mut Transaction, domain: &Domain) -> Result<DomainRecord> {
    let record = read_domain(transaction, domain).await?;
    let name = &record.domain;
    let why = match &record {
        DomainRecord { removal: Some(_), .. } => format!("the domain {name} is being removed"),
        DomainRecord {
            alias_of: Some(main), ..
        } => format!("{name} is another name of {main}: make the address there"),
        DomainRecord {
            moving_from: Some(from),
            ..
        } => format!("the addresses of {from} are moving to {name}: try again when they have"),
        _ => return Ok(record),
    };
    Err(Error::Refused(why))
}

fn write_domain(transaction: &mut Change, domain: &DomainRecord) {
    transaction.set(key::domain(&domain.domain), domain::encode(domain));
    let special = key::special_domains(domain.tenant)
        .string(domain.domain.as_str())
        .pack();
    match domain.is_special() {
        true => transaction.set(special, Vec::new()),
        false => transaction.clear(&special),
    }
    touch_domain(transaction, domain);
}

fn touch_domain(transaction: &mut Change, domain: &DomainRecord) {
    transaction.touch(Touched::Domain(domain.domain.clone()));
    transaction.tell(domain.tenant, Subject::Domain(domain.domain.clone()));
}

pub(crate) async fn read_group_at(transaction: &mut Transaction, address: &Address) -> Result<GroupRecord> {
    let missing = || Error::not_found("group", address);
    let Some(Target::Group { tenant, group: id }) = target_at(transaction, address).await? else {
        return Err(missing());
    };
    let stored = transaction.get(&key::group(tenant, id)).await?.ok_or_else(missing)?;
    Ok(group::decode(tenant, id, &stored)?)
}

pub(crate) async fn read_group(
    transaction: &mut Transaction,
    tenant: TenantId,
    id: GroupId,
) -> Result<Option<GroupRecord>> {
    let stored = transaction.get(&key::group(tenant, id)).await?;
    Ok(stored.map(|stored| group::decode(tenant, id, &stored)).transpose()?)
}

/// What exactly an address leads to, by any name of its domain.
pub(crate) async fn target_at(transaction: &mut Transaction, address: &Address) -> Result<Option<Target>> {
    let mut stored = transaction.get(&key::address(address)).await?;
    if stored.is_none()
        && let Some(domain) = transaction.get(&key::domain(&address.domain)).await?
        && let Some(other) = domain::decode(address.domain.clone(), &domain)?.elsewhere()
    {
        let other = Address::new(address.local.clone(), other.clone());
        stored = transaction.get(&key::address(&other)).await?;
    }
    Ok(stored.map(|stored| target::decode(&stored)).transpose()?)
}

fn write_group(transaction: &mut Change, group: &GroupRecord) {
    transaction.set(key::group(group.tenant, group.id), group::encode(group));
    touch_group(transaction, group);
}

fn touch_group(transaction: &mut Change, group: &GroupRecord) {
    transaction.touch(Touched::Group);
    transaction.tell(group.tenant, Subject::Group(group.id));
}

async fn need_department(
    transaction: &mut Transaction,
    tenant: TenantId,
    id: DepartmentId,
) -> Result<DepartmentRecord> {
    let stored = transaction.get(&key::department(tenant, id)).await?;
    let stored = stored.ok_or_else(|| Error::not_found("department", id))?;
    Ok(department::decode(tenant, id, &stored)?)
}

fn write_department(transaction: &mut Change, department: &DepartmentRecord) {
    let key = key::department(department.tenant, department.id);
    transaction.set(key, department::encode(department));
    touch_department(transaction, department);
}

fn touch_department(transaction: &mut Change, department: &DepartmentRecord) {
    transaction.touch(Touched::Department {
        tenant: department.tenant,
        department: department.id,
    });
    transaction.tell(department.tenant, Subject::Department(department.id));
}

async fn need_tag(transaction: &mut Transaction, tenant: TenantId, id: TagId) -> Result<TagRecord> {
    let stored = transaction.get(&key::tag(tenant, id)).await?;
    let stored = stored.ok_or_else(|| Error::not_found("tag", id))?;
    Ok(tag::decode(tenant, id, &stored)?)
}

fn write_tag(transaction: &mut Change, tag: &TagRecord) {
    transaction.set(key::tag(tag.tenant, tag.id), tag::encode(tag));
    touch_tag(transaction, tag);
}

fn touch_tag(transaction: &mut Change, tag: &TagRecord) {
    transaction.touch(Touched::Tag {
        tenant: tag.tenant,
        tag: tag.id,
    });
    transaction.tell(tag.tenant, Subject::Tag(tag.id));
}

pub(crate) async fn need_token(transaction: &mut Transaction, id: TokenId) -> Result<TokenRecord> {
    let stored = transaction.get(&key::token(id)).await?;
    let stored = stored.ok_or_else(|| Error::not_found("token", id))?;
    Ok(token::decode(id, &stored)?)
}

fn write_token(transaction: &mut Change, token: &TokenRecord) {
    transaction.set(key::token(token.id), token::encode(token));
    transaction.set(key::token_hash(&token.hash), token.id.0.to_le_bytes().to_vec());
    touch_token(transaction, token);
}

/// What was shown for a token up to now is good no more.
fn clear_token_hash(transaction: &mut Change, token: &TokenRecord) {
    transaction.clear(&key::token_hash(&token.hash));
    touch_token(transaction, token);
}

fn touch_token(transaction: &mut Change, token: &TokenRecord) {
    transaction.touch(Touched::Token(token.hash));
    if let Some(tenant) = token.owner.tenant() {
        transaction.tell(tenant, Subject::Token(token.id));
    }
}

/// Where the audit log tells of a token.
fn token_chain(token: &TokenRecord) -> Chain {
    token.owner.tenant().map_or(Chain::Installation, Chain::Tenant)
}

/// Refuses an address that is taken, and says by what.
async fn check_free(transaction: &mut Transaction, address: &Address) -> Result<()> {
    let what = match target_at(transaction, address).await? {
        None => return Ok(()),
        Some(Target::Group { .. }) => "group",
        Some(Target::Account { account, alias, .. }) => match read_account(transaction, account).await? {
            None => "mailbox in the recycle bin:",
            Some(_) if alias => "alias",
            Some(account) if account.kind == AccountKind::Shared => "shared mailbox",
            Some(_) => "member",
        },
    };
    Err(Error::exists(what, address))
}

/// Claims an address that nobody has.
async fn claim(transaction: &mut Change, address: &Address, target: Target) -> Result<()> {
    check_free(transaction, address).await?;
    transaction.set(key::address(address), target::encode(target));
    touch_address(transaction, address);
    Ok(())
}

/// Refuses one more of what a setting limits.
fn check_limit(setting: &'static str, max: u64, used: u64) -> Result<()> {
    if used >= max {
        return Err(Error::Limit { setting, max, used });
    }
    Ok(())
}

/// Refuses names that would break a header or a terminal.
pub(crate) fn check_name(name: &str, characters_max: usize) -> Result<()> {
    if name.chars().count() > characters_max {
        return Err(Error::Invalid(format!(
            "a name has at most {characters_max} characters"
        )));
    }
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if name
        .chars()
        .any(|c| c.is_control() || turns(c) || matches!(c, '<' | '>'))
    {
        return Err(Error::Invalid(
            "a name has no control characters, line breaks, changes of direction or angle brackets".to_owned(),
        ));
    }
    Ok(())
}

/// The fewest of `days` before an end that are reached, where nothing was told of so few yet.
fn days_due(days: &[u32], left_millis: i64, told: Option<u32>) -> Option<u32> {
    let is_reached = |days: &u32| left_millis <= i64::from(*days) * 24 * 3600 * 1000;
    let reached = days.iter().copied().filter(is_reached).min();
    reached.filter(|days| told.is_none_or(|told| *days < told))
}

/// A name that something is found by: trimmed, composed, not empty.
fn clean_name(name: &str, characters_max: usize) -> Result<String> {
    let name = clean(name);
    if name.is_empty() {
        return Err(Error::Invalid("a name is needed".to_owned()));
    }
    check_name(&name, characters_max)?;
    Ok(name)
}

/// Text as it is kept: trimmed and composed (NFC).
pub(crate) fn clean(text: &str) -> String {
    text.trim().nfc().collect()
}

/// What the name of a department or tag is found by, however it is written.
pub(crate) fn folded_name(name: &str) -> String {
    folded(&clean(name))
}

/// What names are compared by.
fn folded(name: &str) -> String {
    name.to_lowercase()
}
