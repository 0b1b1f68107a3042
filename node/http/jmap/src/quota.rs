//! Quota (RFC 9425): the limits of the mailbox, as far as there are any. States are made of what is used and allowed, so
//! changes are told by saying which quotas are not as in the state that the client has.

use hongyan_jmap::method::{
    AddedItem, Changes as Arguments, ChangesReply, Comparator, Filter, Get, Query, QueryChanges, QueryChangesReply,
};
use hongyan_jmap::object::{Quota, QuotaCondition, QuotaResource};
use hongyan_jmap::{Id, MethodError, MethodErrorType};
use hongyan_mailbox::GetQuota;

use crate::call::Call;
use crate::error::Outcome;
use crate::ledgers::answer_get;
use crate::results::Results;

/// Used and allowed of octets and of messages.
type Figures = [u64; 4];

async fn read(call: &Call<'_>) -> Outcome<(Figures, Vec<(Id, Quota)>)> {
    let quota = call.jmap.ask(call.account.mailbox, GetQuota).await??.quota;
    let limits = quota.limits;
    let figures = [quota.octets, limits.octets_max, quota.messages, limits.messages_max];
    let warn = |max: u64| {
        let warn = u128::from(max) * u128::from(limits.warning_percent) / 100;
        u64::try_from(warn).ok().filter(|_| limits.warning_percent > 0)
    };
    let octets = (ids()[0].clone(), QuotaResource::Octets, "Mailbox size");
    let count = (ids()[1].clone(), QuotaResource::Count, "Messages");
    let all = [
        (octets, quota.octets, limits.octets_max),
        (count, quota.messages, limits.messages_max),
    ];
    let there = all.into_iter().filter(|(_, _, max)| *max > 0);
    let quotas = there.map(|((id, resource, name), used, hard_limit)| {
        let quota = Quota {
            id: id.clone(),
            resource,
            used,
            hard_limit,
            warn_limit: warn(hard_limit),
            name,
        };
        (id, quota)
    });
    Ok((figures, quotas.collect()))
}

fn ids() -> [Id; 2] {
    ["octets", "messages"].map(|id| Id::try_from(id).expect("it is an id"))
}

fn state(figures: Figures) -> String {
    figures.map(|figure| figure.to_string()).join("-")
}

fn read_state(text: &str) -> Result<Figures, MethodError> {
    let figures: Vec<u64> = text.split('-').filter_map(|figure| figure.parse().ok()).collect();
    let figures = Figures::try_from(figures)
        .ok()
        .filter(|figures| state(*figures) == text);
    figures.ok_or_else(|| MethodErrorType::CannotCalculateChanges.into())
}

pub(crate) async fn get(call: &mut Call<'_>) -> Outcome<()> {
    let arguments: Get = call.arguments()?;
    call.account.check(&arguments.account_id)?;
    let (figures, quotas) = read(call).await?;
    answer_get(call, arguments, state(figures), quotas)
}

pub(crate) async fn changes(call: &mut Call<'_>) -> Outcome<()> {
    let arguments: Arguments = call.arguments()?;
    call.account.check(&arguments.account_id)?;
    let before = read_state(&arguments.since_state)?;
    let (now, _) = read(call).await?;
    let mut reply = ChangesReply {
        account_id: &call.account.id.clone(),
        old_state: arguments.since_state,
        new_state: state(now),
        has_more_changes: false,
        created: Vec::new(),
        updated: Vec::new(),
        destroyed: Vec::new(),
        updated_properties: None,
    };
    let mut only_use = true;
    for (at, id) in ids().into_iter().enumerate() {
        let ([used_before, max_before], [used, max]) =
            ([before[2 * at], before[2 * at + 1]], [now[2 * at], now[2 * at + 1]]);
        match (max_before, max) {
            (0, 0) => {}
            (0, _) => reply.created.push(id),
            (_, 0) => reply.destroyed.push(id),
            (_, _) if (used_before, max_before) != (used, max) => {
                only_use &= max_before == max;
                reply.updated.push(id);
            }
            _ => {}
        }
    }
    // RFC 9425 §4.3: mostly it is the use that changes.
    reply.updated_properties = Some((only_use && !reply.updated.is_empty()).then_some(&["used"][..]));
    call.answer(&reply)
}

pub(crate) async fn query(call: &mut Call<'_>) -> Outcome<()> {
    let arguments: Query<QuotaCondition> = call.arguments()?;
    call.account.check(&arguments.account_id)?;
    let (figures, quotas) = read(call).await?;
    let found = find(&quotas, arguments.filter.as_ref(), arguments.sort.as_deref())?;
    let results = Results {
        found: &found,
        state: state(figures),
        window: arguments.window(),
        calculate_total: arguments.calculate_total,
    };
    results.answer(call, Id::clone, |anchor| Some(anchor.clone()))
}

pub(crate) async fn query_changes(call: &mut Call<'_>) -> Outcome<()> {
    let arguments: QueryChanges<QuotaCondition> = call.arguments()?;
    call.account.check(&arguments.account_id)?;
    let before = read_state(&arguments.since_query_state)?;
    let (figures, quotas) = read(call).await?;
    let found = find(&quotas, arguments.filter.as_ref(), arguments.sort.as_deref())?;
    let has_changed = before != figures;
    let mut reply = QueryChangesReply {
        account_id: &call.account.id.clone(),
        old_query_state: arguments.since_query_state,
        new_query_state: state(figures),
        total: arguments.calculate_total.then_some(found.len() as u64),
        removed: Vec::new(),
        added: Vec::new(),
    };
    if has_changed {
        reply.removed = ids().to_vec();
        let added = found.into_iter().zip(0..);
        reply.added = added.map(|(id, index)| AddedItem { id, index }).collect();
    }
    reply.check(arguments.max_changes)?;
    call.answer(&reply)
}

fn find(
    quotas: &[(Id, Quota)],
    filter: Option<&Filter<QuotaCondition>>,
    sort: Option<&[Comparator]>,
) -> Result<Vec<Id>, MethodError> {
    let mut found: Vec<&(Id, Quota)> = quotas
        .iter()
        .filter(|(_, quota)| filter.is_none_or(|filter| filter.holds(&|condition| holds(condition, quota))))
        .collect();
    for comparator in sort.unwrap_or_default().iter().rev() {
        match comparator.property.as_str() {
            "name" => found.sort_by_key(|(_, quota)| quota.name),
            "used" => found.sort_by_key(|(_, quota)| quota.used),
            other => {
                let words = format!("no sort by {other}");
                return Err(MethodError::with(MethodErrorType::UnsupportedSort, words));
            }
        }
        if !comparator.is_ascending {
            found.reverse();
        }
    }
    Ok(found.into_iter().map(|(id, _)| id.clone()).collect())
}

fn holds(condition: &QuotaCondition, quota: &Quota) -> bool {
    let is = |wanted: &Option<String>, value: &str| wanted.as_ref().is_none_or(|wanted| wanted == value);
    condition
        .name
        .as_ref()
        .is_none_or(|name| quota.name.contains(name.as_str()))
        && is(&condition.scope, "account")
        && is(&condition.kind, "Email")
        && condition
            .resource_type
            .is_none_or(|resource| resource == quota.resource)
}
