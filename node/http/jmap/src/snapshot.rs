//! A mailbox at one moment, as JMAP sees it: emails by id, each in one or more folders.
//!
//! The folders' views are shared with the mailbox. Beside them are two sorted lists, which say where an email is and what
//! a thread has; a newer snapshot is made from the last one and what differs. Messages with `\Deleted` are not there
//! (RFC 8621 §4.1.1).

use std::collections::BTreeMap;
use std::sync::Arc;

use hongyan_mailbox::{EmailId, FolderId, FolderInfo, FolderView, MessageEntry, ThreadId};
use hongyan_types::{ModSeq, SystemFlag, Uid};

use crate::reach::Reach;

/// An email in a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Placed {
    pub(crate) email: EmailId,
    pub(crate) folder: FolderId,
    pub(crate) uid: Uid,
}

/// An email of a thread; as often as it is in folders.
pub(crate) type Threaded = (ThreadId, EmailId, FolderId, Uid);

impl From<&Threaded> for Placed {
    fn from((_, email, folder, uid): &Threaded) -> Self {
        Self {
            email: *email,
            folder: *folder,
            uid: *uid,
        }
    }
}

/// A mailbox at one moment. Cloning shares everything.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    /// All commits up to this one are in it.
    pub(crate) modseq: ModSeq,
    /// The last commit by which an email came into a folder or went from one.
    pub(crate) placed_at: ModSeq,
    pub(crate) folders: Arc<Vec<FolderInfo>>,
    /// Where folders stand of which somebody has said so; filled for those who ask for it.
    pub(crate) orders: Arc<BTreeMap<FolderId, u32>>,
    views: Arc<BTreeMap<FolderId, FolderView>>,
    placed: Arc<Vec<Placed>>,
    threaded: Arc<Vec<Threaded>>,
}

/// An email of a snapshot.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found<'s> {
    snapshot: &'s Snapshot,
    pub(crate) places: &'s [Placed],
    /// Its entry in the first of the places.
    pub(crate) first: &'s MessageEntry,
}

pub(crate) fn is_visible(entry: &MessageEntry) -> bool {
    !entry.flags.contains(SystemFlag::Deleted)
}

impl Snapshot {
    pub(crate) fn empty() -> Self {
        Self {
            modseq: ModSeq(0),
            placed_at: ModSeq(0),
            folders: Arc::default(),
            orders: Arc::default(),
            views: Arc::default(),
            placed: Arc::default(),
            threaded: Arc::default(),
        }
    }
    /// As somebody sees it to whom these folders are open.
    pub(crate) fn within(&self, reach: &Reach) -> Self {
        let reads = |folder: FolderId| reach.permit.reads(folder);
        let views = self.views.iter().filter(|(folder, _)| reads(**folder));
        let placed = self.placed.iter().filter(|place| reads(place.folder));
        let threaded = self.threaded.iter().filter(|(_, _, folder, _)| reads(*folder));
        Self {
            modseq: self.modseq,
            placed_at: self.placed_at,
            folders: Arc::new(reach.visible(&self.folders)),
            orders: Arc::clone(&self.orders),
            views: Arc::new(views.map(|(folder, view)| (*folder, view.clone())).collect()),
            placed: Arc::new(placed.copied().collect()),
            threaded: Arc::new(threaded.copied().collect()),
        }
    }
    /// Messages it holds.
    pub(crate) fn len(&self) -> usize {
        self.views.values().map(FolderView::len).sum()
    }
    pub(crate) fn view(&self, folder: FolderId) -> Option<&FolderView> {
        self.views.get(&folder)
    }
    pub(crate) fn views(&self) -> impl Iterator<Item = &FolderView> {
        self.views.values()
    }
    pub(crate) fn folder(&self, id: FolderId) -> Option<&FolderInfo> {
        self.folders.iter().find(|folder| folder.id == id)
    }
    /// The entry at a place.
    pub(crate) fn entry(&self, place: &Placed) -> Option<&MessageEntry> {
        self.views.get(&place.folder)?.get(place.uid)
    }
    /// Where an email is; nowhere when there is none.
    pub(crate) fn places(&self, email: EmailId) -> &[Placed] {
        let start = self.placed.partition_point(|place| place.email < email);
        let rest = &self.placed[start..];
        &rest[..rest.partition_point(|place| place.email == email)]
    }
    /// An email.
    pub(crate) fn find(&self, email: EmailId) -> Option<Found<'_>> {
        self.found(self.places(email))
    }
    /// All emails' places, by email.
    pub(crate) fn all_places(&self) -> impl Iterator<Item = &[Placed]> {
        self.placed.chunk_by(|a, b| a.email == b.email)
    }
    /// The email of all these places.
    pub(crate) fn found<'s>(&'s self, places: &'s [Placed]) -> Option<Found<'s>> {
        let first = self.entry(places.first()?)?;
        Some(Found {
            snapshot: self,
            places,
            first,
        })
    }
    /// All emails, by id, each once.
    pub(crate) fn emails(&self) -> impl Iterator<Item = EmailId> {
        let mut last = None;
        self.placed
            .iter()
            .map(|place| place.email)
            .filter(move |email| last.replace(*email) != Some(*email))
    }
    /// The email with the highest id.
    pub(crate) fn last_email(&self) -> Option<EmailId> {
        self.placed.last().map(|place| place.email)
    }
    /// The messages of a thread, by email.
    pub(crate) fn thread(&self, thread: ThreadId) -> &[Threaded] {
        let start = self.threaded.partition_point(|(id, ..)| *id < thread);
        let rest = &self.threaded[start..];
        &rest[..rest.partition_point(|(id, ..)| *id == thread)]
    }
    /// All threads' messages, by thread.
    pub(crate) fn threads(&self) -> impl Iterator<Item = &[Threaded]> {
        self.threaded.chunk_by(|a, b| a.0 == b.0)
    }

    /// The snapshot in which these folders are as `views` show them, where they are newer; folders not in `folders` are gone.
    pub(crate) fn next(&self, modseq: ModSeq, folders: Arc<Vec<FolderInfo>>, views: Vec<FolderView>) -> Self {
        let mut changes = Changed::default();
        let mut next = BTreeMap::clone(&self.views);
        next.retain(|id, view| {
            let stays = folders.iter().any(|folder| folder.id == *id);
            if !stays {
                view.iter().for_each(|entry| changes.remove(*id, entry));
            }
            stays
        });
        for view in views {
            let id = view.folder();
            match next.get(&id) {
                Some(old) if old.uid_validity() == view.uid_validity() => changes.compare(old, &view),
                Some(old) => {
                    old.iter().for_each(|entry| changes.remove(id, entry));
                    view.iter().for_each(|entry| changes.add(id, entry));
                }
                None => view.iter().for_each(|entry| changes.add(id, entry)),
            }
            next.insert(id, view);
        }
        let placed = merge(&self.placed, &changes.places());
        let is_as_before = Arc::ptr_eq(&placed, &self.placed);
        Self {
            modseq,
            placed_at: if is_as_before { self.placed_at } else { modseq },
            folders,
            orders: Arc::clone(&self.orders),
            views: Arc::new(next),
            placed,
            threaded: merge(&self.threaded, &changes.threads()),
        }
    }
}

/// What comes into the lists and goes from them.
#[derive(Default)]
struct Changed(Vec<(Placed, ThreadId, bool)>);

impl Changed {
    fn note(&mut self, folder: FolderId, entry: &MessageEntry, is_there: bool) {
        let place = Placed {
            email: entry.email,
            folder,
            uid: entry.uid,
        };
        self.0.push((place, entry.thread, is_there));
    }
    fn add(&mut self, folder: FolderId, entry: &MessageEntry) {
        if is_visible(entry) {
            self.note(folder, entry, true);
        }
    }
    fn remove(&mut self, folder: FolderId, entry: &MessageEntry) {
        self.note(folder, entry, false);
    }
    fn compare(&mut self, old: &FolderView, new: &FolderView) {
        let folder = new.folder();
        let difference = old.difference(new);
        old.select(&difference.vanished)
            .for_each(|entry| self.remove(folder, entry));
        for entry in &difference.changed {
            self.note(folder, entry, is_visible(entry));
        }
        difference.added.iter().for_each(|entry| self.add(folder, entry));
    }
    fn places(&self) -> Vec<(Placed, bool)> {
        sorted(self.0.iter().map(|(place, _, is_there)| (*place, *is_there)))
    }
    fn threads(&self) -> Vec<(Threaded, bool)> {
        sorted(
            self.0
                .iter()
                .map(|(place, thread, is_there)| ((*thread, place.email, place.folder, place.uid), *is_there)),
        )
    }
}

fn sorted<T: Ord>(changes: impl Iterator<Item = (T, bool)>) -> Vec<(T, bool)> {
    let mut changes: Vec<(T, bool)> = changes.collect();
    changes.sort_unstable();
    changes
}

/// `list` with what `changes` say; each item is changed at most once. One pass over the memory, or none: what changes
/// nothing leaves the same list.
fn merge<T: Ord + Copy>(list: &Arc<Vec<T>>, changes: &[(T, bool)]) -> Arc<Vec<T>> {
    if changes
        .iter()
        .all(|(item, is_there)| list.binary_search(item).is_ok() == *is_there)
    {
        return Arc::clone(list);
    }
    let mut merged = Vec::with_capacity(list.len() + changes.len());
    let mut rest: &[T] = list;
    for (item, is_there) in changes {
        let (before, after) = rest.split_at(rest.partition_point(|other| other < item));
        merged.extend_from_slice(before);
        rest = after;
        if rest.first() == Some(item) {
            rest = &rest[1..];
        }
        if *is_there {
            merged.push(*item);
        }
    }
    merged.extend_from_slice(rest);
    Arc::new(merged)
}

impl<'s> Found<'s> {
    /// Its entry in each of the places.
    pub(crate) fn entries(self) -> impl Iterator<Item = &'s MessageEntry> {
        let others = self.places.iter().skip(1);
        std::iter::once(self.first).chain(others.filter_map(move |place| self.snapshot.entry(place)))
    }
    /// Its thread.
    pub(crate) fn thread(&self) -> ThreadId {
        self.first.thread
    }
    /// Whether it has the flag: `\Seen` in all its places, any other in one (RFC 8621 §4.1.1 leaves one value for all).
    pub(crate) fn has(&self, flag: SystemFlag) -> bool {
        has_flag(self.entries(), flag)
    }
    /// When it came: the earliest of its places.
    pub(crate) fn received(&self) -> hongyan_types::Timestamp {
        let dates = self.entries().map(|entry| entry.internal_date);
        dates.min().unwrap_or_default()
    }
}

/// As [`Found::has`].
pub(crate) fn has_flag<'a>(mut entries: impl Iterator<Item = &'a MessageEntry>, flag: SystemFlag) -> bool {
    match flag {
        SystemFlag::Seen => entries.all(|entry| entry.flags.contains(flag)),
        flag => entries.any(|entry| entry.flags.contains(flag)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_merged() {
        let check = |list: &[u32], changes: &[(u32, bool)], expect: &[u32]| {
            assert_eq!(*merge(&Arc::new(list.to_vec()), changes), expect);
        };
        check(&[], &[(1, true), (2, false)], &[1]);
        check(
            &[1, 3, 5],
            &[(1, false), (2, true), (3, true), (9, true)],
            &[2, 3, 5, 9],
        );
        check(&[1, 3, 5], &[], &[1, 3, 5]);
        let list = Arc::new(vec![1, 3]);
        assert!(Arc::ptr_eq(&merge(&list, &[(1, true), (2, false)]), &list));
    }
}
