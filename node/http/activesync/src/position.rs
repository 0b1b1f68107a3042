//! How far a client has been told of a folder, and what it is to be told next. Pure: views of the folder come in, a plan goes
//! out.
//!
//! What a client has is never listed. It is a rectangle: the messages with UIDs from `low` up to `high` that are not older
//! than `cutoff`, as they were at a modseq. A plan moves one edge after the other and stops at the window: what changed and what
//! went first, then the filter's edge, then new mail, then older mail, newest first. So a record stays small however large the
//! folder is, and from the same position over the same view comes the same plan.

use hongyan_mailbox::{FolderView, MessageEntry};
use hongyan_types::{ModSeq, Uid, UidSet};
use minicbor::{Decode, Encode};

/// Changes by the client itself that it need not be told again.
pub(crate) const OWN_MAX: usize = 512;

/// A moment and a UID: messages of one moment have an order too.
type Age = (i64, u32);

/// How far a client has been told of a folder.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Position {
    /// The lowest UID that was told.
    #[n(0)]
    low: u32,
    /// Above the highest UID that was told.
    #[n(1)]
    high: u32,
    /// Changes up to this modseq were told, and of it those up to a UID.
    #[n(2)]
    changed: u64,
    #[n(3)]
    changed_uid: u32,
    /// What went up to this modseq was told.
    #[n(4)]
    gone: u64,
    /// Of what went then and up to this modseq, UIDs up to `gone_uid` were told.
    #[n(5)]
    gone_until: u64,
    #[n(6)]
    gone_uid: u32,
    /// The oldest that was told.
    #[n(7)]
    cutoff_millis: i64,
    #[n(8)]
    cutoff_uid: u32,
    /// Modseqs of what the client itself did to messages.
    #[n(9)]
    own: Vec<Own>,
}

/// What a client did to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Own {
    #[n(0)]
    uid: u32,
    #[n(1)]
    modseq: u64,
}

/// Something to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    /// A message that the client does not have.
    Add(Uid),
    /// Other flags of one that it has.
    Change(Uid),
    /// One that is gone.
    Delete(Uid),
    /// One that is older than the client wants to have.
    SoftDelete(Uid),
}

/// What a folder is looked at with.
pub(crate) struct Look<'a> {
    pub(crate) view: &'a FolderView,
    /// What went after [`Position::gone_since`].
    pub(crate) gone: &'a UidSet,
    /// What went after [`Position::gone_until`], where that is later.
    pub(crate) gone_later: Option<&'a UidSet>,
    /// The oldest that the client wants, in milliseconds since the Unix epoch; `None` for all.
    pub(crate) oldest_millis: Option<i64>,
    /// Messages that the client has itself removed with this request.
    pub(crate) removed: &'a UidSet,
    /// How much is told at most.
    pub(crate) window: usize,
}

/// What to tell, and where the client is then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) items: Vec<Told>,
    pub(crate) next: Position,
    /// Whether there is more than the window holds.
    pub(crate) has_more: bool,
}

impl Position {
    /// Of a client that has nothing of the folder.
    pub(crate) fn begin(view: &FolderView, oldest_millis: Option<i64>) -> Self {
        let modseq = view.modseq().0;
        Self {
            low: view.uid_next(),
            high: view.uid_next(),
            changed: modseq,
            changed_uid: u32::MAX,
            gone: modseq,
            gone_until: modseq,
            gone_uid: 0,
            cutoff_millis: oldest_millis.unwrap_or(i64::MIN),
            cutoff_uid: 0,
            own: Vec::new(),
        }
    }
    /// After which modseq it must be known what went.
    pub(crate) fn gone_since(&self) -> ModSeq {
        ModSeq(self.gone)
    }
    /// Up to where what went is being told, if that is not finished.
    pub(crate) fn gone_until(&self) -> Option<ModSeq> {
        (self.gone_until > self.gone).then_some(ModSeq(self.gone_until))
    }
    fn cutoff(&self) -> Age {
        (self.cutoff_millis, self.cutoff_uid)
    }
    /// Whether the client was told of a message, if it was there.
    pub(crate) fn has(&self, entry: &MessageEntry) -> bool {
        self.has_uid(entry.uid) && age(entry) >= self.cutoff()
    }
    fn has_uid(&self, uid: Uid) -> bool {
        (self.low..self.high).contains(&uid.get())
    }
    /// Whether somebody else changed a message after the client was last told of it.
    pub(crate) fn is_behind(&self, entry: &MessageEntry) -> bool {
        let own = Own {
            uid: entry.uid.get(),
            modseq: entry.modseq.0,
        };
        (entry.modseq.0, entry.uid.get()) > (self.changed, self.changed_uid) && !self.own.contains(&own)
    }
    /// Notes what the client did to a message itself.
    pub(crate) fn did(&mut self, entry: &MessageEntry) {
        if self.own.len() >= OWN_MAX {
            self.own.remove(0);
        }
        self.own.push(Own {
            uid: entry.uid.get(),
            modseq: entry.modseq.0,
        });
    }

    /// What comes next.
    pub(crate) fn plan(&self, look: &Look<'_>) -> Plan {
        let mut step = Step {
            look,
            at: self.clone(),
            items: Vec::new(),
        };
        let is_done = step.deletes() && step.changes() && step.edge() && step.newer() && step.older();
        Plan {
            items: step.items,
            next: step.at,
            has_more: !is_done,
        }
    }
}

fn age(entry: &MessageEntry) -> Age {
    (entry.internal_date.millis, entry.uid.get())
}

/// A plan being made. Each stage says whether it came to its end.
struct Step<'a> {
    look: &'a Look<'a>,
    at: Position,
    items: Vec<Told>,
}

impl Step<'_> {
    fn room(&self) -> usize {
        self.look.window.saturating_sub(self.items.len())
    }
    /// The first of `found` for which there is room, and whether that is all of them.
    fn take<T>(&self, mut found: Vec<T>) -> (Vec<T>, bool) {
        let fits = found.len() <= self.room();
        found.truncate(self.room());
        (found, fits)
    }

    fn deletes(&mut self) -> bool {
        // Unfinished: first what went up to then, in the order of UIDs.
        if self.at.gone_until > self.at.gone {
            let later = self.look.gone_later;
            let is_early = |uid: &Uid| later.is_none_or(|later| !later.contains(*uid));
            let early: Vec<Uid> = self.look.gone.iter().filter(is_early).collect();
            if !self.tell_gone(early) {
                return false;
            }
            self.at.gone = self.at.gone_until;
            self.at.gone_uid = 0;
        }
        let gone = self.look.gone_later.unwrap_or(self.look.gone);
        self.at.gone_until = self.look.view.modseq().0.max(self.at.gone);
        if !self.tell_gone(gone.iter().collect()) {
            return false;
        }
        self.at.gone = self.at.gone_until;
        self.at.gone_uid = 0;
        true
    }

    fn tell_gone(&mut self, uids: Vec<Uid>) -> bool {
        let is_due =
            |uid: &Uid| uid.get() > self.at.gone_uid && self.at.has_uid(*uid) && !self.look.removed.contains(*uid);
        let (uids, is_all) = self.take(uids.into_iter().filter(is_due).collect());
        if let Some(last) = uids.last() {
            self.at.gone_uid = last.get();
        }
        self.items.extend(uids.into_iter().map(Told::Delete));
        is_all
    }

    fn changes(&mut self) -> bool {
        let view = self.look.view;
        if view.highest_modseq().0 >= self.at.changed {
            let entries = view
                .iter()
                .filter(|entry| self.at.has(entry) && self.at.is_behind(entry));
            let mut found: Vec<(u64, Uid)> = entries.map(|entry| (entry.modseq.0, entry.uid)).collect();
            found.sort_unstable();
            let (found, is_all) = self.take(found);
            self.items.extend(found.iter().map(|(_, uid)| Told::Change(*uid)));
            if !is_all {
                if let Some((modseq, uid)) = found.last() {
                    (self.at.changed, self.at.changed_uid) = (*modseq, uid.get());
                }
                return false;
            }
        }
        (self.at.changed, self.at.changed_uid) = (view.modseq().0.max(self.at.changed), u32::MAX);
        let changed = self.at.changed;
        self.at.own.retain(|own| own.modseq > changed);
        true
    }

    /// The filter moves on with time, and when the client wants more or less than before.
    fn edge(&mut self) -> bool {
        let wanted = (self.look.oldest_millis.unwrap_or(i64::MIN), 0);
        let present = self.at.cutoff();
        let is_between = |entry: &&MessageEntry| {
            let age = age(entry);
            self.at.has_uid(entry.uid) && age >= present.min(wanted) && age < present.max(wanted)
        };
        let mut between: Vec<(Age, Uid)> = Vec::new();
        if wanted != present {
            let entries = self.look.view.iter().filter(is_between);
            between.extend(entries.map(|entry| (age(entry), entry.uid)));
        }
        between.sort_unstable();
        let is_less = wanted > present;
        if !is_less {
            between.reverse();
        }
        let (between, is_all) = self.take(between);
        for (_, uid) in &between {
            self.items.push(if is_less {
                Told::SoftDelete(*uid)
            } else {
                Told::Add(*uid)
            });
        }
        let reached = match between.last() {
            _ if is_all => wanted,
            Some((last, _)) if is_less => (last.0, last.1.saturating_add(1)),
            Some((last, _)) => *last,
            None => present,
        };
        (self.at.cutoff_millis, self.at.cutoff_uid) = reached;
        is_all
    }

    fn newer(&mut self) -> bool {
        let view = self.look.view;
        let Some((first, last)) = Uid::new(self.at.high).zip(Uid::new(u32::MAX)) else {
            return true;
        };
        let cutoff = self.at.cutoff();
        let found = view.range(first, last).filter(|entry| age(entry) >= cutoff);
        let (found, is_all) = self.take(found.map(|entry| entry.uid).collect());
        self.at.high = match found.last() {
            _ if is_all => view.uid_next().max(self.at.high),
            Some(last) => last.get().saturating_add(1),
            None => self.at.high,
        };
        self.items.extend(found.into_iter().map(Told::Add));
        is_all
    }

    fn older(&mut self) -> bool {
        let Some((first, last)) = Uid::new(1).zip(Uid::new(self.at.low.saturating_sub(1))) else {
            return true;
        };
        let cutoff = self.at.cutoff();
        let entries = self.look.view.range(first, last);
        let mut found: Vec<Uid> = entries
            .filter(|entry| age(entry) >= cutoff)
            .map(|entry| entry.uid)
            .collect();
        found.reverse();
        let (found, is_all) = self.take(found);
        self.at.low = match found.last() {
            _ if is_all => 1,
            Some(last) => last.get(),
            None => self.at.low,
        };
        self.items.extend(found.into_iter().map(Told::Add));
        is_all
    }
}

#[cfg(test)]
#[path = "position_test.rs"]
mod tests;
