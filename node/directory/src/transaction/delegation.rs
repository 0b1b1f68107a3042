//! Members who act for one another: asked for, granted, and told of a day before it ends (DLG-2 to DLG-5).

use hongyan_audit::Event;
use hongyan_kv::{RangeQuery, Transaction};
use hongyan_notice::Notice;
use hongyan_types::{AccountId, Timestamp};

use super::{check_limit, corrupt, grant, last_int, need_account, read_account, record_account, touch_account};
use crate::record::{delegation_request, grant as grant_record};
use crate::{
    AccountKind, AccountRecord, AccountState, Change, DelegationRequest, Error, GrantRecord, Grantee, NewGrant, Result,
    key,
};

/// Most who ask one member at a time.
const REQUESTS_MAX: u64 = 100;

/// Lets a member act for another, who told of it.
pub(crate) async fn appoint(
    transaction: &mut Change,
    new: &NewGrant,
    notice: Option<&Notice>,
    now: Timestamp,
) -> Result<GrantRecord> {
    let Grantee::Account(to) = new.to else {
        return Err(Error::Invalid("a member acts for a member".to_owned()));
    };
    check_people(transaction, new.account, to).await?;
    forget(transaction, new.account, to);
    let granted = grant::set(transaction, new, now).await?;
    if let Some(notice) = notice {
        transaction.send(notice);
    }
    Ok(granted)
}

async fn check_people(transaction: &mut Change, principal: AccountId, to: AccountId) -> Result<()> {
    let (principal, to) = (
        need_account(transaction, principal).await?,
        need_account(transaction, to).await?,
    );
    if principal.tenant != to.tenant {
        return Err(Error::not_found("account", &to.address));
    }
    for account in [&principal, &to] {
        if account.kind == AccountKind::Shared {
            return Err(Error::Invalid(format!("{} is no person", account.address)));
        }
        if account.state != AccountState::Active {
            return Err(Error::Refused(format!("{} is not active", account.address)));
        }
    }
    Ok(())
}

/// Stops all that others may do for a member now; it is still to be seen.
pub(super) async fn stop_all(transaction: &mut Change, principal: &AccountRecord, now: Timestamp) -> Result<()> {
    if principal.kind == AccountKind::Shared {
        return Ok(());
    }
    for granted in grant::of(transaction, principal.id).await? {
        if granted.holds(now) {
            grant::stop(transaction, principal.id, granted.to).await?;
        }
    }
    Ok(())
}

fn forget(transaction: &mut Change, principal: AccountId, asker: AccountId) {
    transaction.clear(&key::asked(principal).int(asker.0).pack());
    transaction.clear(&key::asks(asker).int(principal.0).pack());
}

/// Takes back all that an account that goes asks, or is asked.
pub(super) async fn forget_account(transaction: &mut Change, account: AccountId) -> Result<()> {
    for request in requests_to(transaction, account).await? {
        forget(transaction, account, request.by);
    }
    for request in requests_by(transaction, account).await? {
        forget(transaction, request.account, account);
    }
    Ok(())
}

/// Asks a member to be allowed to act for them.
pub(crate) async fn ask(transaction: &mut Change, request: &DelegationRequest, notice: &Notice) -> Result<()> {
    if request.account == request.by {
        return Err(Error::Invalid("nobody acts for themselves".to_owned()));
    }
    check_people(transaction, request.account, request.by).await?;
    let present = requests_to(transaction, request.account).await?;
    if !present.iter().any(|other| other.by == request.by) {
        check_limit("delegation_requests_max", REQUESTS_MAX, present.len() as u64)?;
    }
    let key = key::asked(request.account).int(request.by.0).pack();
    transaction.set(key, delegation_request::encode(request));
    transaction.set(key::asks(request.by).int(request.account.0).pack(), Vec::new());
    let account = need_account(transaction, request.account).await?;
    let by = need_account(transaction, request.by).await?;
    touch_account(transaction, &account);
    let event = Event::new("mailbox.ask", &account.address)
        .with("by", &by.address)
        .changed("rights", &None, &Some(request.rights));
    record_account(transaction, &account, event);
    transaction.send(notice);
    Ok(())
}

/// Turns down, or takes back, what was asked.
pub(crate) async fn turn_down(
    transaction: &mut Change,
    principal: AccountId,
    asker: AccountId,
    notice: Option<&Notice>,
) -> Result<()> {
    if transaction
        .get(&key::asked(principal).int(asker.0).pack())
        .await?
        .is_none()
    {
        return Err(Error::not_found("request", ""));
    }
    forget(transaction, principal, asker);
    let account = need_account(transaction, principal).await?;
    touch_account(transaction, &account);
    if let Some(by) = read_account(transaction, asker).await? {
        let event = Event::new("mailbox.turn-down", &account.address).with("by", &by.address);
        record_account(transaction, &account, event);
    }
    if let Some(notice) = notice {
        transaction.send(notice);
    }
    Ok(())
}

pub(crate) async fn requests_to(transaction: &mut Transaction, principal: AccountId) -> Result<Vec<DelegationRequest>> {
    let prefix = key::asked(principal);
    let mut requests = Vec::new();
    for pair in transaction.get_range_all(RangeQuery::all(prefix.range())).await? {
        let by = AccountId(last_int(&prefix, &pair.key)?);
        requests.push(delegation_request::decode(principal, by, &pair.value)?);
    }
    Ok(requests)
}

pub(crate) async fn requests_by(transaction: &mut Transaction, asker: AccountId) -> Result<Vec<DelegationRequest>> {
    let prefix = key::asks(asker);
    let mut requests = Vec::new();
    for pair in transaction.get_range_all(RangeQuery::all(prefix.range())).await? {
        let principal = AccountId(last_int(&prefix, &pair.key)?);
        let stored = transaction.get(&key::asked(principal).int(asker.0).pack()).await?;
        if let Some(stored) = stored {
            requests.push(delegation_request::decode(principal, asker, &stored)?);
        }
    }
    Ok(requests)
}

/// What there is to tell of grants that end.
#[derive(Default)]
pub(crate) struct Ending {
    /// Those that end in a day.
    pub(crate) soon: Vec<GrantRecord>,
    /// How many are over.
    pub(crate) over: usize,
}

/// Takes those that are to be told of off the list; what was changed since is left out. Who has something by one that is
/// over is told here.
pub(crate) async fn take_ending(transaction: &mut Change, now: Timestamp, limit: usize) -> Result<Ending> {
    let prefix = key::grant_ends();
    let mut range = prefix.range();
    range.end = prefix.clone().int(now.millis.saturating_add(1)).pack();
    let query = RangeQuery {
        limit,
        ..RangeQuery::all(range)
    };
    let mut ending = Ending::default();
    for pair in transaction.get_range_all(query).await? {
        let wrong = || corrupt("key of a grant that ends");
        let mut reader = prefix.reader(&pair.key).map_err(|_| wrong())?;
        let mut next = || reader.int::<u64>().map_err(|_| wrong());
        let (_, account, kind, id) = (next()?, AccountId(next()?), next()?, next()?);
        let to = Grantee::from_code(kind, id).ok_or_else(wrong)?;
        transaction.clear(&pair.key);
        let Some(stored) = transaction.get(&key::grant(account, to)).await? else {
            continue;
        };
        let grant = grant_record::decode(account, to, &stored)?;
        let Some(until) = grant.until else { continue };
        if key::grant_over_at(&grant, until) == pair.key && !grant.stopped {
            grant::tell_of_over(transaction, &grant).await?;
            ending.over += 1;
        } else if key::grant_ends_at(&grant, until) == pair.key && grant.holds(now) {
            ending.soon.push(grant);
        }
    }
    Ok(ending)
}
