//! Calls with their returns, as checkers want them.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Audit, CallId, DropSeen, Event, FolderName, History, Look, MailId, MailboxName, Operation, Outcome, Place, Reply,
    SessionId,
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
            (Operation::Resync { place }, Reply::Resync(resync)) => see(place.clone(), &resync.truth, true),
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

/// The folders of a history, by all the names that they had or may have had.
pub(crate) struct Lineage<'h> {
    /// The name that a name came from.
    before: BTreeMap<(&'h MailboxName, &'h FolderName), &'h FolderName>,
    /// First names of the folders that somebody tried to delete.
    deleted: BTreeSet<(&'h MailboxName, &'h FolderName)>,
}

/// Who was renamed from whom, and what may be gone.
pub(crate) fn lineage<'h>(calls: &[Call<'h>]) -> Lineage<'h> {
    let mut lineage = Lineage {
        before: BTreeMap::new(),
        deleted: BTreeSet::new(),
    };
    for call in calls.iter().filter(|call| call.may_happen()) {
        if let Operation::RenameFolder { place, to } = call.operation {
            lineage.before.insert((&place.mailbox, to), &place.folder);
        }
    }
    for call in calls.iter().filter(|call| call.may_happen()) {
        if let Operation::DeleteFolder { place } = call.operation {
            let first = lineage.first(&place.mailbox, &place.folder);
            lineage.deleted.insert((&place.mailbox, first));
        }
    }
    lineage
}

impl<'h> Lineage<'h> {
    /// The first name of the folder that has, or had, this one.
    pub(crate) fn first(&self, mailbox: &'h MailboxName, folder: &'h FolderName) -> &'h FolderName {
        let mut first = folder;
        while let Some(before) = self.before.get(&(mailbox, first)) {
            first = before;
        }
        first
    }
    /// Whether the folder may have been deleted with all that was in it.
    pub(crate) fn may_be_gone(&self, mailbox: &'h MailboxName, folder: &'h FolderName) -> bool {
        self.deleted.contains(&(mailbox, self.first(mailbox, folder)))
    }
}

pub(crate) fn place_of(mailbox: &MailboxName, folder: &FolderName) -> Place {
    Place {
        mailbox: mailbox.clone(),
        folder: folder.clone(),
    }
}

/// INBOX as somebody saw it by POP3: mails, from the call to its return.
pub(crate) struct DropSight<'h> {
    pub(crate) mailbox: &'h MailboxName,
    pub(crate) seen: &'h [DropSeen],
    pub(crate) called: usize,
    pub(crate) returned: usize,
}

/// All looks by POP3.
pub(crate) fn drops<'h>(calls: &[Call<'h>]) -> Vec<DropSight<'h>> {
    let drop = |call: &Call<'h>| match (call.operation, call.reply(), call.returned) {
        (Operation::ReadMaildrop { mailbox }, Some(Reply::Maildrop(seen)), Some(returned)) => Some(DropSight {
            mailbox,
            seen,
            called: call.called,
            returned,
        }),
        _ => None,
    };
    calls.iter().filter_map(drop).collect()
}

/// The mail that a call puts into a mailbox, and the folder.
pub(crate) fn placement(operation: &Operation) -> Option<(MailId, Place)> {
    match operation {
        Operation::Deliver { mail, mailbox } => Some((*mail, place_of(mailbox, &FolderName::inbox()))),
        Operation::Append { mail, place } => Some((*mail, place.clone())),
        _ => None,
    }
}
