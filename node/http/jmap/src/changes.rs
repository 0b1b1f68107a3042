//! `/changes` (RFC 8620 §5.2) from the mailbox's log, for whichever kind of record.

use std::collections::BTreeMap;

use hongyan_jmap::method::{Changes as Arguments, ChangesReply};
use hongyan_jmap::{Id, MethodError, MethodErrorType};
use hongyan_mailbox::{Changes, ChangesSpan, EmailId, ThreadId, read_changes};
use hongyan_types::ModSeq;

use crate::account::Account;
use crate::call::Call;
use crate::error::Outcome;
use crate::snapshot::Snapshot;
use crate::state::ClientState;

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Created,
    Updated,
    Destroyed,
}

/// A client's question.
pub(crate) struct Question {
    pub(crate) state: ClientState,
    max: usize,
}

/// As many records as a client takes at once.
pub(crate) struct Page {
    pub(crate) records: Vec<(u64, Fate)>,
    pub(crate) new_state: ClientState,
    pub(crate) has_more: bool,
}

impl Question {
    pub(crate) fn read(call: &Call<'_>, arguments: &Arguments) -> Result<Self, MethodError> {
        call.account.check(&arguments.account_id)?;
        let server_max = call.jmap.settings.changes_max;
        let max = arguments.max_changes.unwrap_or(server_max);
        if max == 0 {
            return Err(MethodError::arguments("maxChanges is above 0"));
        }
        Ok(Self {
            state: call.account.read_state(&arguments.since_state)?,
            max: usize::try_from(max.min(server_max)).unwrap_or(usize::MAX),
        })
    }
    /// The stretch of the log that is to be told.
    pub(crate) async fn changes(&self, call: &Call<'_>, snapshot: &Snapshot) -> Outcome<Changes> {
        let until = match self.state {
            ClientState::At(_) => snapshot.modseq,
            ClientState::Between { until, .. } => until,
        };
        let objects_max = match self.state {
            ClientState::At(_) => u64::try_from(self.max).unwrap_or(u64::MAX),
            // The same stretch as before, whatever its size.
            ClientState::Between { .. } => u64::MAX,
        };
        changes_between(call, self.state.since(), until.min(snapshot.modseq), objects_max).await
    }
    /// The part of `fates` that is told now.
    pub(crate) fn page(&self, fates: BTreeMap<u64, Fate>, changes: &Changes, snapshot: &Snapshot) -> Page {
        let mut records: Vec<(u64, Fate)> = match self.state {
            ClientState::At(_) => fates.into_iter().collect(),
            ClientState::Between { last, .. } => fates.into_iter().filter(|(id, _)| *id > last).collect(),
        };
        let is_cut = records.len() > self.max;
        records.truncate(self.max);
        let new_state = match records.last() {
            Some((last, _)) if is_cut => ClientState::Between {
                since: self.state.since(),
                until: changes.until,
                last: *last,
            },
            _ => ClientState::At(changes.until),
        };
        Page {
            has_more: is_cut || changes.until < snapshot.modseq,
            records,
            new_state,
        }
    }
}

impl Page {
    /// The answer to whoever has `old_state`; records are named by `id`.
    pub(crate) fn reply<'a>(
        &self,
        account: &'a Account,
        old_state: String,
        id: impl Fn(u64) -> Id,
    ) -> ChangesReply<'a> {
        let of = |fate| {
            let records = self.records.iter().filter(|(_, other)| *other == fate);
            records.map(|(record, _)| id(*record)).collect()
        };
        ChangesReply {
            account_id: &account.id,
            old_state,
            new_state: account.marked(self.new_state),
            has_more_changes: self.has_more,
            created: of(Fate::Created),
            updated: of(Fate::Updated),
            destroyed: of(Fate::Destroyed),
            updated_properties: None,
        }
    }
}

/// What changed between two states of the mailbox.
pub(crate) async fn changes_between(
    call: &Call<'_>,
    since: ModSeq,
    until: ModSeq,
    objects_max: u64,
) -> Outcome<Changes> {
    let span = ChangesSpan {
        since,
        until,
        objects_max,
    };
    let changes = read_changes(
        &call.jmap.services.database,
        call.account.mailbox,
        span,
        call.account.permit(),
    )
    .await?;
    changes.ok_or_else(|| MethodErrorType::CannotCalculateChanges.into())
}

/// Emails that changed, each with its thread and whether it may not have been visible all the time.
pub(crate) fn touched(changes: &Changes, snapshot: &Snapshot) -> BTreeMap<EmailId, (ThreadId, bool)> {
    let moved = changes.moved.iter();
    let mut touched: BTreeMap<EmailId, (ThreadId, bool)> =
        moved.map(|(email, thread)| (*email, (*thread, false))).collect();
    let sets = [(&changes.flagged, false), (&changes.deleted, true)];
    for (sets, is_deleted) in sets {
        for (folder, uids) in sets {
            let entries = snapshot.view(*folder).into_iter().flat_map(|view| view.select(uids));
            for entry in entries {
                touched.entry(entry.email).or_insert((entry.thread, false)).1 |= is_deleted;
            }
        }
    }
    touched
}

/// What became of an email.
pub(crate) fn email_fate(
    email: EmailId,
    may_have_hidden: bool,
    changes: &Changes,
    snapshot: &Snapshot,
) -> Option<Fate> {
    let existed = email < changes.email_next_before;
    match (existed, !snapshot.places(email).is_empty()) {
        (false, true) => Some(Fate::Created),
        // A client does not know what had `\Deleted`; telling it anew does no harm to one that does.
        (true, true) if may_have_hidden => Some(Fate::Created),
        (true, true) => Some(Fate::Updated),
        (true, false) => Some(Fate::Destroyed),
        (false, false) => None,
    }
}
