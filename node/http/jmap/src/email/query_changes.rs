//! Email/queryChanges (RFC 8621 §4.5): from the mailbox's log, without knowing what the client was told.

use std::collections::BTreeSet;
use std::sync::Arc;

use hongyan_jmap::MethodErrorType;
use hongyan_jmap::method::{AddedItem, QueryChangesReply, filter_conditions};
use hongyan_jmap::object::{EmailCondition, EmailQueryChanges, EmailSort};
use hongyan_mailbox::{Changes, EmailId};

use super::query::Asked;
use crate::call::Call;
use crate::changes::{changes_between, touched};
use crate::error::Outcome;
use crate::ids;
use crate::snapshot::Snapshot;
use crate::state::ClientState;

/// What an email's place in the results depends on beside its mailboxes.
struct Looks {
    at_keywords: bool,
    at_thread: bool,
}

pub(crate) async fn query_changes(call: &mut Call<'_>) -> Outcome<()> {
    let arguments: EmailQueryChanges = call.arguments()?;
    call.account.check(&arguments.account_id)?;
    let asked = Asked::new(
        arguments.filter.as_ref(),
        arguments.sort.as_deref(),
        arguments.collapse_threads,
    )?;
    let ClientState::At(since) = call.account.read_state(&arguments.since_query_state)? else {
        return Err(MethodErrorType::CannotCalculateChanges.into());
    };
    let kept = call.jmap.kept(call.account).await?;
    let snapshot = &kept.snapshot;
    let changes = changes_between(call, since, snapshot.modseq, u64::MAX).await?;
    let looks = Looks::of(&arguments, asked.sorts());
    let moved = emails(&changes, snapshot, &looks);
    let needs_results = !moved.is_empty() || arguments.calculate_total;
    let found = if needs_results {
        asked.find(call, &kept).await?
    } else {
        Arc::default()
    };
    // What lies behind the last email that the client has is of no interest, where nothing can jump over it.
    let up_to = arguments.up_to_id.as_ref().filter(|_| !looks.at_keywords);
    let up_to = up_to.and_then(ids::read_email);
    let end = up_to.and_then(|email| found.iter().position(|other| *other == email));
    let wanted = &found[..end.map_or(found.len(), |end| end + 1)];
    let reply = QueryChangesReply {
        account_id: &call.account.id,
        old_query_state: arguments.since_query_state,
        new_query_state: call.account.state(snapshot.modseq),
        total: arguments.calculate_total.then_some(found.len() as u64),
        removed: {
            let known = moved.iter().filter(|email| **email < changes.email_next_before);
            known.map(|email| ids::email(*email)).collect()
        },
        added: {
            let added = wanted.iter().zip(0..).filter(|(email, _)| moved.contains(email));
            added
                .map(|(email, index)| AddedItem {
                    id: ids::email(*email),
                    index,
                })
                .collect()
        },
    };
    reply.check(arguments.max_changes)?;
    call.answer(&reply)
}

impl Looks {
    fn of(arguments: &EmailQueryChanges, sorts: &[(EmailSort, bool)]) -> Self {
        let mut looks = Self {
            at_keywords: sorts.iter().any(|(sort, _)| sort.looks_at_keywords()),
            at_thread: arguments.collapse_threads || sorts.iter().any(|(sort, _)| sort.looks_at_thread()),
        };
        if let Some(filter) = &arguments.filter {
            filter_conditions(filter, &mut |condition: &EmailCondition| {
                looks.at_keywords |= condition.looks_at_keywords();
                looks.at_thread |= condition.looks_at_thread();
            });
        }
        looks
    }
}

/// Emails that may be in the results now and were not, or were and are not, or may have another place.
fn emails(changes: &Changes, snapshot: &Snapshot, looks: &Looks) -> BTreeSet<EmailId> {
    let mut emails = BTreeSet::new();
    for (email, (thread, may_have_hidden)) in touched(changes, snapshot) {
        let has_moved = may_have_hidden || changes.moved.contains_key(&email);
        if !(has_moved || looks.at_keywords) {
            continue;
        }
        emails.insert(email);
        if looks.at_thread {
            emails.extend(snapshot.thread(thread).iter().map(|(_, email, ..)| *email));
        }
    }
    emails
}
