//! Organisations whose mail goes elsewhere: counted, told, suspended, and removed where the operator has switched that on
//! (ORG-15). Time counts while looks at their DNS records find it so, a day at most between two: neither a look without an answer, nor
//! one that nobody took, nor a clock that is set brings the end nearer.

use std::time::Duration;

use hongyan_audit::{Chain, Event};
use hongyan_kv::{RangeQuery, Transaction};
use hongyan_types::{TenantId, Timestamp};

use super::{days_due, list, read_domain, read_tenant, service, write_tenant};
use crate::mx_news::MxNews;
use crate::record::domain_check;
use crate::record::mx_elsewhere::{self, MxCount};
use crate::{Change, DirectoryOptions, MxElsewhere, Result, TenantRecord, TenantState, key};

const DAY_MILLIS: i64 = 24 * 3600 * 1000;
/// Longest time between two looks that counts.
const GAP_MILLIS_MAX: i64 = DAY_MILLIS;
/// Days before the end at which administrators are told, beside the beginning.
const DAYS: [u32; 2] = [7, 1];

/// What the last looks at an organisation's own domains found.
enum Seen {
    /// Mail for one of them comes here.
    Here,
    /// Mail for all of them goes elsewhere, by looks that were taken then.
    Elsewhere(Timestamp),
    /// Name servers did not tell of all of them, then.
    Silence(Timestamp),
    /// It has none, or nobody has looked yet.
    Nothing,
}

async fn seen(transaction: &mut Transaction, tenant: TenantId) -> Result<Seen> {
    let prefix = key::tenant_domains(tenant);
    let pairs = transaction.get_range_all(RangeQuery::all(prefix.range())).await?;
    let (mut earliest, mut latest, mut silent) = (None::<Timestamp>, None::<Timestamp>, false);
    for pair in &pairs {
        let name = list::domain_of_key(&prefix, &pair.key)?;
        let record = read_domain(transaction, &name).await?;
        // One that is lent leads here whatever its tenant does.
        if record.trial || record.removal.is_some() {
            continue;
        }
        let Some(stored) = transaction.get(&key::domain_check(&name)).await? else {
            silent = true;
            continue;
        };
        let check = domain_check::decode(&stored)?;
        if check.answered && check.receives {
            return Ok(Seen::Here);
        }
        silent |= !check.answered;
        earliest = Some(earliest.map_or(check.at, |at| at.min(check.at)));
        latest = Some(latest.map_or(check.at, |at| at.max(check.at)));
    }
    Ok(match (earliest, latest) {
        (Some(at), _) if !silent => Seen::Elsewhere(at),
        (_, Some(at)) => Seen::Silence(at),
        _ => Seen::Nothing,
    })
}

/// What was counted of an organisation.
pub(crate) async fn read(transaction: &mut Transaction, tenant: TenantId) -> Result<Option<MxCount>> {
    let stored = transaction.get(&key::mx_elsewhere(tenant)).await?;
    Ok(stored.map(|stored| mx_elsewhere::decode(&stored)).transpose()?)
}

/// Forgets what was counted; whoever was suspended for it goes on.
pub(super) async fn forget(transaction: &mut Change, tenant: &mut TenantRecord) -> Result<()> {
    let count = read(transaction, tenant.id).await?;
    transaction.clear(&key::mx_elsewhere(tenant.id));
    if count.is_some_and(|count| count.ended.is_some() && count.ended == tenant.ended) {
        service::go_on(transaction, tenant).await?;
    }
    Ok(())
}

/// Counts on, and does what is due.
pub(crate) async fn look(
    transaction: &mut Change,
    id: TenantId,
    options: &DirectoryOptions,
    now: Timestamp,
) -> Result<()> {
    let mut owner = read_tenant(transaction, id).await?;
    if owner.mx_elsewhere == MxElsewhere::Off {
        return Ok(());
    }
    let mut before = read(transaction, id).await?;
    if owner.ended.is_none() && before.is_some_and(|count| count.ended.is_some()) {
        // Somebody has let it go on: counted anew.
        before = None;
    }
    let ended_for_it = owner.ended.is_some() && before.is_some_and(|count| count.ended == owner.ended);
    if owner.state == TenantState::Suspended && !ended_for_it {
        return Ok(());
    }
    let count = match (seen(transaction, id).await?, before) {
        (Seen::Here, None) | (Seen::Silence(_) | Seen::Nothing, None) => return Ok(()),
        (Seen::Here, Some(_)) => {
            forget(transaction, &mut owner).await?;
            if ended_for_it {
                write_tenant(transaction, &owner);
                note(transaction, &owner, "organisation.resumed");
                if owner.state == TenantState::Active {
                    tell(transaction, &owner, &MxNews::Back);
                }
            }
            return Ok(());
        }
        (Seen::Elsewhere(at), None) => MxCount {
            counted_millis: 0,
            until: at,
            told_days: None,
            ended: None,
        },
        (Seen::Elsewhere(at), Some(count)) => {
            let passed = at.millis.saturating_sub(count.until.millis).clamp(0, GAP_MILLIS_MAX);
            MxCount {
                counted_millis: count.counted_millis.saturating_add(passed),
                until: count.until.max(at),
                ..count
            }
        }
        (Seen::Silence(at), Some(count)) => MxCount {
            until: count.until.max(at),
            ..count
        },
        (Seen::Nothing, Some(count)) => count,
    };
    let count = due(transaction, &mut owner, count, options, now).await?;
    if before != Some(count) {
        transaction.set(key::mx_elsewhere(id), mx_elsewhere::encode(&count));
    }
    Ok(())
}

/// What comes next of what is counted: a mail, the end, the removal.
async fn due(
    transaction: &mut Change,
    owner: &mut TenantRecord,
    count: MxCount,
    options: &DirectoryOptions,
    now: Timestamp,
) -> Result<MxCount> {
    let left = millis(options.mx_elsewhere).saturating_sub(count.counted_millis);
    if count.ended.is_some() {
        let purges = owner.mx_elsewhere == MxElsewhere::Purge;
        if purges && left.saturating_add(millis(options.mx_elsewhere_purge)) <= 0 {
            service::purge(transaction, owner, now).await?;
        }
        return Ok(count);
    }
    if left <= 0 {
        owner.ended = Some(now);
        owner.state = TenantState::Suspended;
        write_tenant(transaction, owner);
        note(transaction, owner, "organisation.ended");
        tell(transaction, owner, &MxNews::Ended);
        return Ok(MxCount {
            ended: Some(now),
            told_days: Some(0),
            ..count
        });
    }
    let days = u32::try_from((left + DAY_MILLIS - 1) / DAY_MILLIS).unwrap_or(u32::MAX);
    let begins = count.told_days.is_none();
    let told_days = days_due(&DAYS, left, count.told_days).or(begins.then_some(days));
    // One look is no trend.
    if told_days.is_none() || count.counted_millis == 0 {
        return Ok(count);
    }
    tell(transaction, owner, &MxNews::Elsewhere(days));
    Ok(MxCount { told_days, ..count })
}

fn tell(transaction: &mut Change, owner: &TenantRecord, news: &MxNews) {
    let (kind, english, chinese) = news.words();
    transaction.tell_administrators(owner.id, kind, english, chinese);
}

fn note(transaction: &mut Change, owner: &TenantRecord, action: &'static str) {
    let event = Event::new(action, &owner.name).id(owner.id.0).with("of", "MX records");
    transaction.record(Chain::Tenant(owner.id), event.clone());
    transaction.record(Chain::Installation, event);
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}
