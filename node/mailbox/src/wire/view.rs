//! A view as it travels: what came since the view that the asker has.
//!
//! Chunks that no commit after the asker's touched are named only; the asker takes them from its own view, so that the two
//! still share them. The cost is that of what changed, and of the list of groups, which is one range but for gaps. What
//! changed travels in parts of about [`PART_OCTETS`], the first of them in the view itself.

use std::sync::Arc;

use hongyan_actor::WireError;
use hongyan_types::{Keyword, ModSeq};
use serde::{Deserialize, Serialize};

use super::value::Wired;
use super::wrong;
use crate::view::{Chunk, Group, Mark};
use crate::{FolderView, MessageEntry};

/// Octets of one part, about; one chunk more.
pub(super) const PART_OCTETS: usize = 512 << 10;
/// Octets of an entry without its keywords, about.
const ENTRY_OCTETS: usize = 45;
/// Octets of a keyword's number, at most.
const KEYWORD_OCTETS: usize = 5;

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
    /// Those that the asker does not have as they are, the first part.
    changed: PartWire,
}

/// Chunks that the asker does not have as they are, by groups. A group may go on in the next part.
pub(super) type PartWire = Vec<GroupWire>;

#[derive(Serialize, Deserialize)]
pub(super) struct GroupWire {
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

/// The parts of a view for an asker that has come to `mark`.
pub(super) struct Parts {
    groups: Arc<Vec<Arc<Group>>>,
    mark: Option<Mark>,
    /// The group and the chunk in it that come next.
    next: (usize, usize),
}

impl Iterator for Parts {
    type Item = PartWire;

    fn next(&mut self) -> Option<PartWire> {
        let is_new = |as_of: ModSeq| self.mark.is_none_or(|mark| as_of > mark.as_of);
        let mut part = Vec::new();
        let mut octets = 0;
        while let Some(group) = self.groups.get(self.next.0) {
            if octets >= PART_OCTETS {
                break;
            }
            let first = self.next.1;
            if !is_new(group.as_of) {
                self.next = (self.next.0 + 1, 0);
                continue;
            }
            let mut wire = GroupWire {
                index: group.index,
                as_of: group.as_of.0,
                chunks: ranges(group.chunks.iter().map(|chunk| chunk.index)),
                changed: Vec::new(),
            };
            octets += 100;
            while let Some(chunk) = group.chunks.get(self.next.1)
                && octets < PART_OCTETS
            {
                self.next.1 += 1;
                if is_new(chunk.as_of) {
                    octets += chunk_octets(chunk);
                    wire.changed.push(write_chunk(chunk));
                }
            }
            if self.next.1 == group.chunks.len() {
                self.next = (self.next.0 + 1, 0);
            }
            // That a chunk went is news too.
            if first == 0 || !wire.changed.is_empty() {
                part.push(wire);
            }
        }
        (!part.is_empty()).then_some(part)
    }
}

fn chunk_octets(chunk: &Chunk) -> usize {
    let keywords: usize = chunk.entries.iter().map(|entry| entry.keywords.ids().len()).sum();
    chunk.entries.len() * ENTRY_OCTETS + keywords * KEYWORD_OCTETS
}

/// `view` for an asker that has come to `mark`, with its first part, and the parts after that.
pub(super) fn write(view: &FolderView, mark: Option<Mark>) -> (ViewWire, Parts) {
    let mark = mark.filter(|mark| mark.is_before(view));
    let mut parts = Parts {
        groups: Arc::clone(&view.groups),
        mark,
        next: (0, 0),
    };
    let names = view.keywords.iter().skip(mark.map_or(0, |mark| mark.keywords));
    let wire = ViewWire {
        folder: view.folder.write(),
        uid_validity: view.uid_validity.write(),
        uid_next: view.uid_next,
        modseq: view.modseq.0,
        highest_modseq: view.highest_modseq.0,
        as_of: view.as_of.0,
        builds_on: mark.is_some(),
        keywords: names.map(|(_, keyword)| keyword.write()).collect(),
        groups: ranges(view.groups.iter().map(|group| group.index)),
        changed: parts.next().unwrap_or_default(),
    };
    (wire, parts)
}

fn write_chunk(chunk: &Chunk) -> ChunkWire {
    ChunkWire {
        index: chunk.index,
        as_of: chunk.as_of.0,
        entries: chunk.entries.iter().map(MessageEntry::write).collect(),
    }
}

/// A group on its way, with what has come of it.
pub(super) struct GroupPart {
    index: u32,
    as_of: ModSeq,
    /// All chunks there are.
    chunks: Vec<(u32, u32)>,
    changed: Vec<Arc<Chunk>>,
}

/// Reads a part after those in `groups`.
pub(super) fn read_part(part: PartWire, groups: &mut Vec<GroupPart>) -> Result<(), WireError> {
    for wire in part {
        let changed = wire
            .changed
            .into_iter()
            .map(read_chunk)
            .collect::<Result<Vec<_>, _>>()?;
        let part = GroupPart {
            index: wire.index,
            as_of: ModSeq(wire.as_of),
            chunks: wire.chunks,
            changed,
        };
        go_on(groups, part);
    }
    Ok(())
}

fn go_on(groups: &mut Vec<GroupPart>, part: GroupPart) {
    match groups.last_mut() {
        Some(last) if last.index == part.index => last.changed.extend(part.changed),
        _ => groups.push(part),
    }
}

fn read_chunk(wire: ChunkWire) -> Result<Arc<Chunk>, WireError> {
    Ok(Arc::new(Chunk {
        index: wire.index,
        as_of: ModSeq(wire.as_of),
        entries: Wired::read(wire.entries)?,
    }))
}

/// The view for an asker that has `known`, with what came in parts after the one in it.
pub(super) fn read(wire: ViewWire, later: Vec<GroupPart>, known: Option<&FolderView>) -> Result<FolderView, WireError> {
    let mut changed = Vec::new();
    read_part(wire.changed, &mut changed)?;
    later.into_iter().for_each(|part| go_on(&mut changed, part));
    let known = known.filter(|_| wire.builds_on);
    if wire.builds_on && known.is_none() {
        return Err(wrong("a view that builds on none"));
    }
    let empty = Vec::new();
    let old = known.map_or(&empty, |known| known.whole.as_ref().unwrap_or(&known.groups));
    let mut changed = changed.into_iter().peekable();
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

fn read_group(part: GroupPart, old: &[Arc<Chunk>]) -> Result<Group, WireError> {
    let mut changed = part.changed.into_iter().peekable();
    let mut chunks = Vec::new();
    for index in indexes(&part.chunks) {
        chunks.push(match changed.next_if(|chunk| chunk.index == index) {
            Some(chunk) => chunk,
            None => {
                let at = old.binary_search_by_key(&index, |chunk| chunk.index);
                Arc::clone(&old[at.map_err(|_| wrong("a chunk is missing"))?])
            }
        });
    }
    Ok(Group {
        index: part.index,
        as_of: part.as_of,
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
