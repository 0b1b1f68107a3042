//! Calls with their returns, as checkers want them.

use std::collections::BTreeMap;

use crate::{
    Audit, CallId, Event, FolderName, History, Look, MailId, MailboxName, Operation, Outcome, Place, Reply, SessionId,
};

/// One call with what came of it.
pub(crate) struct Call<'h> {
    pub(crate) session: SessionId,
    pub(crate) operation: &'h Operation,
    /// Position of the call.
    pub(crate) called: usize,
    /// Position of its return; none when none came.
    pub(crate) returned: Option<usize>,
    pub(crate) outcome: &'h Outcome,
}

impl<'h> Call<'h> {
    /// Its reply, when it happened.
    pub(crate) fn reply(&self) -> Option<&'h Reply> {
        match self.outcome {
            Outcome::Done(reply) => Some(reply),
            _ => None,
        }
    }
    pub(crate) fn is_done(&self) -> bool {
        self.reply().is_some()
    }
    /// Whether it happened, or may have, or may yet.
    pub(crate) fn may_happen(&self) -> bool {
        *self.outcome != Outcome::Refused
    }
    /// Where it surely had happened.
    pub(crate) fn done_at(&self) -> Option<usize> {
        self.returned.filter(|_| self.is_done())
    }
}

/// All calls, in the order they were made.
pub(crate) fn calls(history: &History) -> Vec<Call<'_>> {
    let mut calls: Vec<Call<'_>> = Vec::new();
    let mut open: BTreeMap<CallId, usize> = BTreeMap::new();
    for (position, event) in history.events.iter().enumerate() {
        match event {
            Event::Call {
                call,
                session,
                operation,
                ..
            } => {
                open.insert(*call, calls.len());
                calls.push(Call {
                    session: *session,
                    operation,
                    called: position,
                    returned: None,
                    outcome: &Outcome::Unknown,
                });
            }
            Event::Return { call, outcome } => {
                if let Some(call) = open.get(call).and_then(|at| calls.get_mut(*at)) {
                    call.returned = Some(position);
                    call.outcome = outcome;
                }
            }
            _ => {}
        }
    }
    calls
}

/// A folder as somebody saw it, with when.
pub(crate) struct Sight<'h> {
    pub(crate) place: Place,
    pub(crate) look: &'h Look,
    pub(crate) session: SessionId,
    pub(crate) called: usize,
    pub(crate) returned: usize,
    pub(crate) is_fresh: bool,
}

/// All looks at folders, those of audits too, in the order they were asked for.
pub(crate) fn sights<'h>(calls: &[Call<'h>]) -> Vec<Sight<'h>> {
    let mut sights = Vec::new();
    for call in calls {
        let (Some(reply), Some(returned)) = (call.reply(), call.returned) else {
            continue;
        };
        let mut see = |place: Place, look: &'h Look, is_fresh: bool| {
            sights.push(Sight {
                place,
                look,
                session: call.session,
                called: call.called,
                returned,
                is_fresh,
            });
        };
        match (call.operation, reply) {
            (Operation::Look { place, is_fresh }, Reply::Look(look)) => see(place.clone(), look, *is_fresh),
            (Operation::Audit { mailbox }, Reply::Audit(audit)) => {
                for (folder, look) in &audit.folders {
                    see(place_of(mailbox, folder), look, true);
                }
            }
            _ => {}
        }
    }
    sights
}

/// The last audit of each mailbox.
pub(crate) fn audits<'h>(calls: &[Call<'h>]) -> BTreeMap<&'h MailboxName, (usize, &'h Audit)> {
    let mut audits = BTreeMap::new();
    for call in calls {
        if let (Operation::Audit { mailbox }, Some(Reply::Audit(audit)), Some(returned)) =
            (call.operation, call.reply(), call.returned)
        {
            audits.insert(mailbox, (returned, audit));
        }
    }
    audits
}

pub(crate) fn place_of(mailbox: &MailboxName, folder: &FolderName) -> Place {
    Place {
        mailbox: mailbox.clone(),
        folder: folder.clone(),
    }
}

/// The mail that a call puts into a mailbox, and the folder.
pub(crate) fn placement(operation: &Operation) -> Option<(MailId, Place)> {
    match operation {
        Operation::Deliver { mail, mailbox } => Some((*mail, place_of(mailbox, &FolderName::inbox()))),
        Operation::Append { mail, place } => Some((*mail, place.clone())),
        _ => None,
    }
}
