//! The selected folder as this client knows it: the view its sequence numbers count in, and what it has been told since.

use std::collections::HashMap;

use hongyan_imap::{Code, Ranges, SequenceSet, Status};
use hongyan_mailbox::{FolderId, FolderView, MessageEntry};
use hongyan_router::Subscription;
use hongyan_types::{ModSeq, SeqNum, Uid, UidSet};

use crate::number::{count, uid_set};
use crate::place::Place;
use crate::stop::Stop;

/// A selected folder.
pub(crate) struct Selected {
    /// In which mailbox.
    pub(crate) place: Place,
    pub(crate) folder: FolderId,
    pub(crate) read_only: bool,
    /// What the client knows. Advances only by notices.
    pub(crate) view: FolderView,
    /// A later view, already read, of which the client has not been told.
    pub(crate) newer: Option<FolderView>,
    /// Messages whose flags the client knows although `view` is older, with their modseq.
    pub(crate) told: HashMap<Uid, ModSeq>,
    /// Older than the account's range (ACC-10).
    pub(crate) hidden: UidSet,
    /// The result saved by SEARCH RETURN (SAVE) (RFC 5182).
    pub(crate) saved: Ranges,
    /// Number of keywords in the last FLAGS response.
    pub(crate) keywords: usize,
    pub(crate) hints: Subscription,
}

/// Messages that follow each other in the view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    /// Sequence number of the first.
    pub(crate) sequence: u32,
    pub(crate) first: Uid,
    pub(crate) last: Uid,
}

impl Selected {
    fn last_uid(&self) -> u32 {
        self.view.last().map_or(0, |entry| entry.uid.get())
    }

    /// The messages `set` names, as runs of the view.
    pub(crate) fn runs(&self, set: &SequenceSet, uid: bool) -> Result<Vec<Run>, Stop> {
        if uid || *set == SequenceSet::Saved {
            let ranges = set.resolve(self.last_uid().max(1), &self.saved);
            return Ok(self.uid_runs(&ranges));
        }
        let messages = count(self.view.len());
        let ranges = set.resolve(messages, &self.saved);
        // RFC 3501 §9, seq-number: a number beyond the last message, or "*" in an empty mailbox, is an error.
        if ranges.is_empty() || ranges.last().is_some_and(|last| last > messages) {
            return Err(Status::bad("No message of that number").into());
        }
        let runs = ranges.ranges().filter_map(|(first, last)| {
            Some(Run {
                sequence: first,
                first: self.view.at(SeqNum::new(first)?)?.uid,
                last: self.view.at(SeqNum::new(last)?)?.uid,
            })
        });
        Ok(runs.collect())
    }

    /// The messages of `uids`, as runs of the view.
    pub(crate) fn uid_runs(&self, uids: &Ranges) -> Vec<Run> {
        let last_uid = self.last_uid();
        let runs = uids.ranges().filter_map(|(first, last)| {
            let (first, last) = (Uid::new(first)?, Uid::new(last.min(last_uid))?);
            let below = count(self.view.count_below(first));
            (first <= last).then_some(Run {
                sequence: below.saturating_add(1),
                first,
                last,
            })
        });
        runs.collect()
    }

    /// The UIDs in `runs` that are messages.
    pub(crate) fn uids(&self, runs: &[Run]) -> UidSet {
        let mut uids = UidSet::new();
        for run in runs {
            for entry in self.view.range(run.first, run.last) {
                uids.insert(entry.uid);
            }
        }
        uids
    }

    /// The UIDs `set` names.
    pub(crate) fn set_uids(&self, set: &SequenceSet, uid: bool) -> Result<UidSet, Stop> {
        Ok(self.uids(&self.runs(set, uid)?))
    }

    /// Refuses a change in a folder opened by EXAMINE.
    pub(crate) fn writable(&self) -> Result<(), Stop> {
        if self.read_only {
            return Err(Status::no_with(Code::ReadOnly, "The folder is open read-only").into());
        }
        Ok(())
    }

    /// The latest this session has read of the folder.
    pub(crate) fn latest(&self) -> &FolderView {
        self.newer.as_ref().unwrap_or(&self.view)
    }

    /// The latest state of a message the client knows.
    pub(crate) fn current(&self, uid: Uid) -> Option<&MessageEntry> {
        self.latest().get(uid).or_else(|| self.view.get(uid))
    }

    /// Takes a view that this session's own change led to.
    pub(crate) fn absorb(&mut self, newer: FolderView) {
        let newer = crate::ask::without(newer, &self.hidden);
        if newer.modseq() > self.latest().modseq() {
            self.newer = Some(newer);
        }
    }

    /// Remembers that the client knows the flags of `entry`.
    pub(crate) fn tell(&mut self, uid: Uid, modseq: ModSeq) {
        if self.view.get(uid).is_some_and(|known| known.modseq < modseq) {
            self.told.insert(uid, modseq);
        }
    }

    /// Saves a search result for `$`.
    pub(crate) fn save(&mut self, uids: Ranges) {
        self.saved = uids;
    }

    /// Forgets vanished messages in the saved result (RFC 5182 §2.1).
    pub(crate) fn forget(&mut self, vanished: &UidSet) {
        if !self.saved.is_empty() && !vanished.is_empty() {
            self.saved = crate::number::ranges(&uid_set(&self.saved).difference(vanished));
        }
    }
}
