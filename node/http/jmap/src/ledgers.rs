//! What is the same for all kinds of records that are kept in a ledger: identities, submissions, places to push to.
//! Their states are those of their ledgers.

use hongyan_jmap::method::{Changes as Arguments, ChangesReply, Get, GetReply};
use hongyan_jmap::object::{Properties, Record, View};
use hongyan_jmap::{Id, MethodError, MethodErrorType};
use hongyan_ledger::{Changes, Fate};

use crate::call::Call;
use crate::error::Outcome;

/// How often a transaction is tried.
const ATTEMPTS_MAX: usize = 100;

/// Counts the tries of a transaction.
#[derive(Default)]
pub(crate) struct Attempts(usize);

impl Attempts {
    /// Whether the transaction is to be tried again.
    ///
    /// # Errors
    /// When it failed for good.
    pub(crate) fn again<T>(&mut self, committed: hongyan_kv::Result<T>) -> Outcome<bool> {
        self.0 += 1;
        match committed {
            Ok(_) => Ok(false),
            Err(error) if error.is_retryable() && self.0 < ATTEMPTS_MAX => Ok(true),
            Err(error) => Err(error.into()),
        }
    }
}

/// Reads a state; one that was never given is one whose changes cannot be known.
pub(crate) fn read_state(text: &str) -> Result<u64, MethodError> {
    let state = text.parse::<u64>().ok().filter(|state| state.to_string() == text);
    state.ok_or_else(|| MethodErrorType::CannotCalculateChanges.into())
}

/// How many records a client takes at once.
pub(crate) fn changes_max(call: &Call<'_>, wanted: Option<u64>) -> Result<usize, MethodError> {
    let server_max = call.jmap.settings.changes_max;
    let max = wanted.unwrap_or(server_max);
    if max == 0 {
        return Err(MethodError::arguments("maxChanges is above 0"));
    }
    Ok(usize::try_from(max.min(server_max)).unwrap_or(usize::MAX))
}

/// Answers a `/changes` with what a ledger tells.
pub(crate) fn answer_changes(
    call: &mut Call<'_>,
    arguments: Arguments,
    changes: Option<Changes>,
    id: impl Fn(u64) -> Id,
) -> Outcome<()> {
    let changes = changes.ok_or(MethodErrorType::CannotCalculateChanges)?;
    let of = |fate: Fate| {
        let fates = changes.fates.iter().filter(|(_, other)| **other == fate);
        fates.map(|(number, _)| id(*number)).collect::<Vec<_>>()
    };
    let reply = ChangesReply {
        account_id: &call.account.id.clone(),
        old_state: arguments.since_state,
        new_state: changes.state.to_string(),
        has_more_changes: changes.has_more,
        created: of(Fate::Created),
        updated: of(Fate::Updated),
        destroyed: of(Fate::Destroyed),
        updated_properties: None,
    };
    call.answer(&reply)
}

/// Answers a `/get` of a kind of which an account has few.
pub(crate) fn answer_get<R: Record>(
    call: &mut Call<'_>,
    arguments: Get,
    state: String,
    records: Vec<(Id, R)>,
) -> Outcome<()> {
    let properties: Properties<R::Property> = Properties::read(arguments.properties.as_deref())?;
    let max = usize::try_from(call.jmap.settings.core.get_objects_max).unwrap_or(usize::MAX);
    let account_id = call.account.id.clone();
    let mut reply = GetReply {
        account_id: &account_id,
        state,
        list: Vec::new(),
        not_found: Vec::new(),
    };
    let mut records: Vec<(Id, Option<R>)> = records.into_iter().map(|(id, record)| (id, Some(record))).collect();
    let view = |record| View {
        record,
        properties: &properties,
    };
    let asked = arguments.ids.as_ref().map_or(records.len(), Vec::len);
    if asked > max {
        return Err(MethodError::too_large("maxObjectsInGet").into());
    }
    match arguments.ids {
        None => reply
            .list
            .extend(records.into_iter().filter_map(|(_, record)| record).map(view)),
        Some(mut ids) => {
            // RFC 8620 §5.1: an id given twice is answered once.
            let mut seen = std::collections::BTreeSet::new();
            ids.retain(|id| seen.insert(id.clone()));
            for id in ids {
                match records.iter_mut().find(|(known, _)| *known == id) {
                    Some((_, record)) => reply.list.extend(record.take().map(view)),
                    None => reply.not_found.push(id),
                }
            }
        }
    }
    call.answer(&reply)
}
