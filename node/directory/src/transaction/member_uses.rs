//! Finds what others count on an account for, and refuses what would let them down unasked.

use hongyan_kv::RangeQuery;
use hongyan_types::{AccountId, TenantId, Timestamp};

use super::{grant, group_names, list, need_account, read_account, read_domain, read_tenant};
use crate::naming::Naming;
use crate::{
    AccountKind, AccountRecord, Change, DomainRecord, Error, Grantee, MemberUse, Result, TenantRecord, UseKind, key,
};

pub(crate) async fn of(transaction: &mut Change, id: AccountId, now: Timestamp) -> Result<Vec<MemberUse>> {
    let account = need_account(transaction, id).await?;
    let owner = read_tenant(transaction, account.tenant).await?;
    let caught = caught(transaction, account.tenant, id).await?;
    all(transaction, &account, &owner, &caught, now).await
}

/// The domains whose unknown addresses lead to an account.
pub(super) async fn caught(transaction: &mut Change, tenant: TenantId, id: AccountId) -> Result<Vec<DomainRecord>> {
    let prefix = key::tenant_domains(tenant);
    let mut caught = Vec::new();
    for pair in transaction.get_range_all(RangeQuery::all(prefix.range())).await? {
        let domain = read_domain(transaction, &list::domain_of_key(&prefix, &pair.key)?).await?;
        caught.extend(Some(domain).filter(|domain| domain.catch_all == Some(id)));
    }
    Ok(caught)
}

async fn all(
    transaction: &mut Change,
    account: &AccountRecord,
    owner: &TenantRecord,
    caught: &[DomainRecord],
    now: Timestamp,
) -> Result<Vec<MemberUse>> {
    let mut uses = Vec::new();
    for (naming, kind) in [
        (Naming::Representative(account.id.0), UseKind::Representative),
        (Naming::Owner(account.id.0), UseKind::GroupOwner),
    ] {
        for group in group_names::groups_naming(transaction, account.tenant, naming).await? {
            let of = group.address.to_string();
            uses.push(MemberUse { kind, of });
        }
    }
    uses.extend(caught.iter().map(|domain| MemberUse {
        kind: UseKind::CatchAll,
        of: domain.domain.to_string(),
    }));
    if owner.postmaster == Some(account.id) {
        uses.push(MemberUse {
            kind: UseKind::Postmaster,
            of: String::new(),
        });
    }
    for grant in grant::to(transaction, account.tenant, Grantee::Account(account.id)).await? {
        let granter = read_account(transaction, grant.account).await?;
        if let Some(granter) = granter.filter(|_| grant.holds(now)) {
            uses.push(MemberUse {
                kind: match granter.kind {
                    AccountKind::Member => UseKind::Secretary,
                    AccountKind::Shared => UseKind::SharedMailbox,
                },
                of: granter.address.to_string(),
            });
        }
    }
    Ok(uses)
}

/// Refuses while others count on the account, and says what for.
pub(super) async fn check(
    transaction: &mut Change,
    account: &AccountRecord,
    owner: &TenantRecord,
    caught: &[DomainRecord],
    now: Timestamp,
) -> Result<()> {
    let uses = all(transaction, account, owner, caught, now).await?;
    if uses.is_empty() {
        return Ok(());
    }
    Err(Error::MemberUsed {
        what: super::word(account),
        name: account.address.to_string(),
        uses,
    })
}
