//! A view as it travels: what came since the view that the asker has.
//!
//! Chunks that no commit after the asker's touched are named only; the asker takes them from its own view, so that the two
//! still share them. The cost is that of what changed, and of the list of groups, which is one range but for gaps.

use std::sync::Arc;

use hongyan_actor::WireError;
use hongyan_types::{Keyword, ModSeq};
use serde::{Deserialize, Serialize};

use super::value::Wired;
use super::wrong;
use crate::view::{Chunk, Group, Mark};
use crate::{FolderView, MessageEntry};

/// A view as it travels.
#[derive(Serialize, Deserialize)]
pub(super) struct ViewWire {
    folder: u32,
    uid_validity: u32,
    uid_next: u32,
    modseq: u64,
    highest_modseq: u64,
    as_of: u64,
    /// Whether the asker's view is what it builds on.
    builds_on: bool,
    /// Names of keywords after those that the asker has.
    keywords: Vec<String>,
    /// All groups there are, as ranges.
    groups: Vec<(u32, u32)>,
    /// Those that the asker does not have as they are.
    changed: Vec<GroupWire>,
}

#[derive(Serialize, Deserialize)]
struct GroupWire {
    index: u32,
    as_of: u64,
    /// All chunks there are, as ranges.
    chunks: Vec<(u32, u32)>,
    changed: Vec<ChunkWire>,
}

#[derive(Serialize, Deserialize)]
struct ChunkWire {
    index: u32,
    as_of: u64,
    entries: Vec<<MessageEntry as Wired>::Wire>,
}

/// `view` for an asker that has come to `mark`.
pub(super) fn write(view: &FolderView, mark: Option<Mark>) -> ViewWire {
    let mark = mark.filter(|mark| mark.is_before(view));
    let is_new = |as_of: ModSeq| mark.is_none_or(|mark| as_of > mark.as_of);
    let groups = view.groups.iter().filter(|group| is_new(group.as_of));
    let changed = groups.map(|group| {
        let chunks = group.chunks.iter().filter(|chunk| is_new(chunk.as_of));
        GroupWire {
            index: group.index,
            as_of: group.as_of.0,
            chunks: ranges(group.chunks.iter().map(|chunk| chunk.index)),
            changed: chunks.map(|chunk| write_chunk(chunk)).collect(),
        }
    });
    let names = view.keywords.iter().skip(mark.map_or(0, |mark| mark.keywords));
    ViewWire {
        folder: view.folder.write(),
        uid_validity: view.uid_validity.write(),
        uid_next: view.uid_next,
        modseq: view.modseq.0,
        highest_modseq: view.highest_modseq.0,
        as_of: view.as_of.0,
        builds_on: mark.is_some(),
        keywords: names.map(|(_, keyword)| keyword.write()).collect(),
        groups: ranges(view.groups.iter().map(|group| group.index)),
        changed: changed.collect(),
    }
}

fn write_chunk(chunk: &Chunk) -> ChunkWire {
    ChunkWire {
        index: chunk.index,
        as_of: chunk.as_of.0,
        entries: chunk.entries.iter().map(MessageEntry::write).collect(),
    }
}

/// The view for an asker that has `known`.
pub(super) fn read(wire: ViewWire, known: Option<&FolderView>) -> Result<FolderView, WireError> {
    let known = known.filter(|_| wire.builds_on);
    if wire.builds_on && known.is_none() {
        return Err(wrong("a view that builds on none"));
    }
    let empty = Vec::new();
    let old = known.map_or(&empty, |known| known.whole.as_ref().unwrap_or(&known.groups));
    let mut changed = wire.changed.into_iter().peekable();
    let mut groups = Vec::new();
    for index in indexes(&wire.groups) {
        let kept = old.binary_search_by_key(&index, |group| group.index).ok();
        let kept = kept.map(|at| &old[at]);
        groups.push(match changed.next_if(|group| group.index == index) {
            Some(group) => Arc::new(read_group(group, kept.map_or(&[], |group| &group.chunks))?),
            None => Arc::clone(kept.ok_or_else(|| wrong("a group is missing"))?),
        });
    }
    let mut keywords = known.map(|known| Arc::clone(&known.keywords)).unwrap_or_default();
    for name in wire.keywords {
        Arc::make_mut(&mut keywords).add(Keyword::read(name)?);
    }
    Ok(FolderView {
        folder: Wired::read(wire.folder)?,
        uid_validity: Wired::read(wire.uid_validity)?,
        uid_next: wire.uid_next,
        modseq: ModSeq(wire.modseq),
        highest_modseq: ModSeq(wire.highest_modseq),
        as_of: ModSeq(wire.as_of),
        count: groups.iter().map(|group| group.count).sum(),
        groups: Arc::new(groups),
        keywords,
        whole: None,
    })
}

fn read_group(wire: GroupWire, old: &[Arc<Chunk>]) -> Result<Group, WireError> {
    let mut changed = wire.changed.into_iter().peekable();
    let mut chunks = Vec::new();
    for index in indexes(&wire.chunks) {
        chunks.push(match changed.next_if(|chunk| chunk.index == index) {
            Some(chunk) => Arc::new(Chunk {
                index,
                as_of: ModSeq(chunk.as_of),
                entries: Wired::read(chunk.entries)?,
            }),
            None => {
                let at = old.binary_search_by_key(&index, |chunk| chunk.index);
                Arc::clone(&old[at.map_err(|_| wrong("a chunk is missing"))?])
            }
        });
    }
    Ok(Group {
        index: wire.index,
        as_of: ModSeq(wire.as_of),
        count: chunks.iter().map(|chunk| chunk.entries.len()).sum(),
        chunks,
    })
}

/// Ascending numbers as ranges of first and last.
fn ranges(numbers: impl Iterator<Item = u32>) -> Vec<(u32, u32)> {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(number) => *last = number,
            _ => ranges.push((number, number)),
        }
    }
    ranges
}

fn indexes(ranges: &[(u32, u32)]) -> impl Iterator<Item = u32> {
    ranges.iter().flat_map(|(first, last)| *first..=*last)
}
