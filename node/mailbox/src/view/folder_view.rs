//! The view itself: look-up by UID and by position, and the changes the mailbox makes.

use std::sync::Arc;

use hongyan_types::{ModSeq, SeqNum, SystemFlag, Uid, UidSet, UidValidity};

use crate::{FolderId, KeywordTable, MessageEntry};

/// UIDs a chunk spans.
pub(crate) const CHUNK_UIDS: u32 = 256;
/// Chunks a group spans.
const GROUP_CHUNKS: u32 = 64;

/// The chunk that `uid` lies in.
pub(crate) fn chunk_of(uid: Uid) -> u32 {
    uid.get() / CHUNK_UIDS
}

fn group_of(uid: Uid) -> u32 {
    chunk_of(uid) / GROUP_CHUNKS
}

/// The item with this number, in a list in the order of its items' numbers, of which no two are the same. Where few numbers
/// are missing it is found at the first look.
fn numbered<T>(items: &[T], number: u32, number_of: impl Fn(&T) -> u32) -> Option<&T> {
    let ahead = number.checked_sub(number_of(items.first()?))?;
    // It cannot be further behind than if none were missing.
    let last = items.len() - 1;
    let at = usize::try_from(ahead).map_or(last, |ahead| ahead.min(last));
    if number_of(&items[at]) == number {
        return Some(&items[at]);
    }
    let found = items[..=at].binary_search_by_key(&number, number_of).ok()?;
    Some(&items[found])
}

#[derive(Debug, Clone)]
pub(crate) struct Chunk {
    pub(crate) index: u32,
    /// No commit after this one changed it.
    pub(crate) as_of: ModSeq,
    pub(crate) entries: Vec<MessageEntry>,
}

#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub(crate) index: u32,
    /// No commit after this one changed it or took a chunk from it.
    pub(crate) as_of: ModSeq,
    pub(crate) count: usize,
    pub(crate) chunks: Vec<Arc<Chunk>>,
}

/// A folder at one moment. Cloning shares everything.
#[derive(Debug, Clone)]
pub struct FolderView {
    pub(crate) folder: FolderId,
    pub(crate) uid_validity: UidValidity,
    pub(crate) uid_next: u32,
    pub(crate) modseq: ModSeq,
    pub(crate) highest_modseq: ModSeq,
    /// All commits up to this one are in it.
    pub(crate) as_of: ModSeq,
    pub(crate) count: usize,
    pub(crate) groups: Arc<Vec<Arc<Group>>>,
    pub(crate) keywords: Arc<KeywordTable>,
    /// With the messages that [`Self::without`] has taken out.
    pub(crate) whole: Option<Arc<Vec<Arc<Group>>>>,
}

impl FolderView {
    pub(crate) fn empty(folder: FolderId, uid_validity: UidValidity, keywords: Arc<KeywordTable>) -> Self {
        Self {
            folder,
            uid_validity,
            uid_next: 1,
            modseq: ModSeq(0),
            highest_modseq: ModSeq(0),
            as_of: ModSeq(0),
            count: 0,
            groups: Arc::default(),
            keywords,
            whole: None,
        }
    }
    /// Which folder.
    #[must_use]
    pub fn folder(&self) -> FolderId {
        self.folder
    }
    /// UIDVALIDITY.
    #[must_use]
    pub fn uid_validity(&self) -> UidValidity {
        self.uid_validity
    }
    /// UIDNEXT: above every UID ever given.
    #[must_use]
    pub fn uid_next(&self) -> u32 {
        self.uid_next
    }
    /// The mailbox's modseq at which this view was taken.
    #[must_use]
    pub fn modseq(&self) -> ModSeq {
        self.modseq
    }
    /// HIGHESTMODSEQ of the folder (RFC 7162 §3.1.2.1).
    #[must_use]
    pub fn highest_modseq(&self) -> ModSeq {
        self.highest_modseq
    }
    /// How many messages.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }
    /// Whether there are no messages.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
    /// The names of keywords.
    #[must_use]
    pub fn keywords(&self) -> &Arc<KeywordTable> {
        &self.keywords
    }
    /// The message `uid`.
    #[must_use]
    pub fn get(&self, uid: Uid) -> Option<&MessageEntry> {
        let group = numbered(&self.groups, group_of(uid), |group| group.index)?;
        let chunk = numbered(&group.chunks, chunk_of(uid), |chunk| chunk.index)?;
        numbered(&chunk.entries, uid.get(), |entry| entry.uid.get())
    }
    /// The message at position `seq`, from 1.
    #[must_use]
    pub fn at(&self, seq: SeqNum) -> Option<&MessageEntry> {
        let mut rest = usize::try_from(seq.get()).ok()? - 1;
        for group in self.groups.iter() {
            if rest >= group.count {
                rest -= group.count;
                continue;
            }
            for chunk in &group.chunks {
                match chunk.entries.get(rest) {
                    Some(entry) => return Some(entry),
                    None => rest -= chunk.entries.len(),
                }
            }
        }
        None
    }
    /// The position of `uid`, if it is there.
    #[must_use]
    pub fn seq_of(&self, uid: Uid) -> Option<SeqNum> {
        self.get(uid)?;
        SeqNum::new(u32::try_from(self.count_below(uid) + 1).ok()?)
    }
    /// How many messages have a UID below `uid`.
    #[must_use]
    pub fn count_below(&self, uid: Uid) -> usize {
        let mut below = 0;
        for group in self.groups.iter() {
            if group.index > group_of(uid) {
                break;
            }
            if group.index < group_of(uid) {
                below += group.count;
                continue;
            }
            for chunk in &group.chunks {
                if chunk.index > chunk_of(uid) {
                    break;
                }
                below += if chunk.index < chunk_of(uid) {
                    chunk.entries.len()
                } else {
                    chunk.entries.partition_point(|entry| entry.uid < uid)
                };
            }
        }
        below
    }
    /// All messages, by UID.
    pub fn iter(&self) -> impl Iterator<Item = &MessageEntry> + '_ {
        let chunks = self.groups.iter().flat_map(|group| &group.chunks);
        chunks.flat_map(|chunk| &chunk.entries)
    }
    /// The messages with `first <= uid <= last`, by UID.
    pub fn range(&self, first: Uid, last: Uid) -> impl Iterator<Item = &MessageEntry> + '_ {
        let groups = &self.groups[self.groups.partition_point(|group| group.index < group_of(first))..];
        let chunks = groups.iter().flat_map(|group| &group.chunks);
        let chunks = chunks.skip_while(move |chunk| chunk.index < chunk_of(first));
        let entries = chunks.flat_map(|chunk| &chunk.entries);
        entries
            .skip_while(move |entry| entry.uid < first)
            .take_while(move |entry| entry.uid <= last)
    }
    /// The messages whose UID is in `uids`, by UID.
    pub fn select<'a>(&'a self, uids: &'a UidSet) -> impl Iterator<Item = &'a MessageEntry> + 'a {
        uids.ranges().flat_map(|range| {
            let (first, last) = (Uid::new(range.first), Uid::new(range.last));
            first
                .zip(last)
                .into_iter()
                .flat_map(|(first, last)| self.range(first, last))
        })
    }
    /// The last message.
    #[must_use]
    pub fn last(&self) -> Option<&MessageEntry> {
        self.groups.last()?.chunks.last()?.entries.last()
    }
    /// All UIDs.
    #[must_use]
    pub fn uids(&self) -> UidSet {
        let mut uids = UidSet::new();
        for entry in self.iter() {
            uids.insert(entry.uid);
        }
        uids
    }
    /// The first message without `\Seen`.
    #[must_use]
    pub fn first_unseen(&self) -> Option<&MessageEntry> {
        self.iter().find(|entry| !entry.flags.contains(SystemFlag::Seen))
    }

    /// Adds `entry`, whose UID is above all others; its modseq is that of the commit that adds it, or an earlier one.
    pub(crate) fn push(&mut self, entry: MessageEntry) {
        let modseq = entry.modseq;
        let (group_index, chunk_index) = (group_of(entry.uid), chunk_of(entry.uid));
        self.uid_next = self.uid_next.max(entry.uid.get().saturating_add(1));
        let groups = Arc::make_mut(&mut self.groups);
        if groups.last().is_none_or(|group| group.index != group_index) {
            groups.push(Arc::new(Group {
                index: group_index,
                as_of: ModSeq(0),
                count: 0,
                chunks: Vec::new(),
            }));
        }
        let group = Arc::make_mut(groups.last_mut().expect("pushed above"));
        if group.chunks.last().is_none_or(|chunk| chunk.index != chunk_index) {
            group.chunks.push(Arc::new(Chunk {
                index: chunk_index,
                as_of: ModSeq(0),
                entries: Vec::with_capacity(4),
            }));
        }
        let chunk = Arc::make_mut(group.chunks.last_mut().expect("pushed above"));
        assert!(
            chunk.entries.last().is_none_or(|last| last.uid < entry.uid),
            "UIDs grow"
        );
        chunk.entries.push(entry);
        chunk.as_of = chunk.as_of.max(modseq);
        group.as_of = group.as_of.max(modseq);
        group.count += 1;
        self.count += 1;
    }
    /// This folder without the messages of `uids`, as a reader sees it from whom they are hidden.
    #[must_use]
    pub fn without(&self, uids: &UidSet) -> Self {
        let mut view = self.clone();
        view.whole.get_or_insert_with(|| Arc::clone(&self.groups));
        view.remove(uids, ModSeq(0));
        view
    }
    /// Applies `change`, made at `modseq`, to the messages of `uids` that are there.
    pub(crate) fn update(&mut self, uids: &UidSet, modseq: ModSeq, mut change: impl FnMut(&mut MessageEntry)) {
        self.chunks_mut(uids, modseq, |chunk| {
            for entry in &mut chunk.entries {
                if uids.contains(entry.uid) {
                    change(entry);
                }
            }
        });
    }
    /// Removes the messages of `uids` that are there, at `modseq`.
    pub(crate) fn remove(&mut self, uids: &UidSet, modseq: ModSeq) {
        self.chunks_mut(uids, modseq, |chunk| {
            chunk.entries.retain(|entry| !uids.contains(entry.uid))
        });
        self.count = self.groups.iter().map(|group| group.count).sum();
    }
    /// Lets `change` have each chunk that holds a message of `uids`; empty chunks go.
    fn chunks_mut(&mut self, uids: &UidSet, modseq: ModSeq, mut change: impl FnMut(&mut Chunk)) {
        let mut touched: Vec<u32> = self.select(uids).map(|entry| chunk_of(entry.uid)).collect();
        touched.dedup();
        if touched.is_empty() {
            return;
        }
        let groups = Arc::make_mut(&mut self.groups);
        for same_group in touched.chunk_by(|a, b| a / GROUP_CHUNKS == b / GROUP_CHUNKS) {
            let index = same_group[0] / GROUP_CHUNKS;
            let at = groups.partition_point(|group| group.index < index);
            let group = Arc::make_mut(&mut groups[at]);
            group.as_of = group.as_of.max(modseq);
            for index in same_group {
                let at = group.chunks.partition_point(|chunk| chunk.index < *index);
                let chunk = Arc::make_mut(&mut group.chunks[at]);
                let before = chunk.entries.len();
                change(chunk);
                chunk.as_of = chunk.as_of.max(modseq);
                group.count -= before - chunk.entries.len();
            }
            group.chunks.retain(|chunk| !chunk.entries.is_empty());
        }
        groups.retain(|group| group.count > 0);
    }
    /// Notes what is known after reading from storage: up to which commit each chunk has everything, and that what had gone
    /// by `snapshot` left no trace.
    pub(crate) fn loaded(&mut self, snapshot: ModSeq, chunk_as_of: impl Fn(u32) -> Option<ModSeq>) {
        for group in Arc::make_mut(&mut self.groups) {
            let group = Arc::make_mut(group);
            group.as_of = group.as_of.max(snapshot);
            for chunk in &mut group.chunks {
                if let Some(as_of) = chunk_as_of(chunk.index) {
                    let chunk = Arc::make_mut(chunk);
                    chunk.as_of = chunk.as_of.max(as_of);
                    group.as_of = group.as_of.max(as_of);
                }
            }
        }
    }
    /// The entries of chunk `index`.
    pub(crate) fn chunk(&self, index: u32) -> &[MessageEntry] {
        let find = || {
            let group = self
                .groups
                .binary_search_by_key(&(index / GROUP_CHUNKS), |group| group.index)
                .ok()?;
            let chunks = &self.groups[group].chunks;
            let at = chunks.binary_search_by_key(&index, |chunk| chunk.index).ok()?;
            Some(chunks[at].entries.as_slice())
        };
        find().unwrap_or(&[])
    }
    /// Checks what must always hold.
    ///
    /// # Panics
    /// When it does not.
    pub fn check(&self) {
        assert_eq!(self.count, self.iter().count(), "count is kept");
        let mut last = 0;
        for entry in self.iter() {
            assert!(entry.uid.get() > last, "UIDs grow");
            last = entry.uid.get();
            assert!(entry.modseq <= self.highest_modseq, "no entry is newer than its folder");
            assert!(
                self.keywords.len() > entry.keywords.ids().last().map_or(0, |id| id.0) as usize
                    || entry.keywords.is_empty()
            );
        }
        assert!(self.uid_next > last, "uid_next > uid_max");
        assert!(self.highest_modseq <= self.modseq && self.as_of <= self.modseq);
        for group in self.groups.iter() {
            for chunk in &group.chunks {
                assert!(chunk.as_of <= group.as_of, "a group is not older than its chunks");
                assert!(chunk.entries.iter().all(|entry| entry.modseq <= chunk.as_of));
            }
            assert_eq!(
                group.count,
                group.chunks.iter().map(|chunk| chunk.entries.len()).sum::<usize>()
            );
            assert!(
                group
                    .chunks
                    .iter()
                    .all(|chunk| chunk.index / GROUP_CHUNKS == group.index)
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_found_by_number_however_many_are_missing() {
        let lists: [Vec<u32>; 6] = [
            vec![],
            vec![7],
            (3..40).collect(),
            (3..40).filter(|number| number % 7 != 0).collect(),
            vec![0, 1, 2, 30, 31, u32::MAX],
            (0_u32..40).filter(|number| number.count_ones() == 2).collect(),
        ];
        for list in lists {
            for number in (0..45).chain([u32::MAX - 1, u32::MAX]) {
                let expect = list.contains(&number).then_some(number);
                assert_eq!(
                    numbered(&list, number, |item| *item).copied(),
                    expect,
                    "{number} of {list:?}"
                );
            }
        }
    }
}
