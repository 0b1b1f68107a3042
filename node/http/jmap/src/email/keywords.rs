//! Keywords (RFC 8621 §4.1.1): system flags under their JMAP names, and the others, in lower case.

use std::collections::BTreeSet;

use hongyan_mailbox::MessageEntry;
use hongyan_types::{Flag, Keyword, SystemFlag};

use crate::snapshot::{Found, Snapshot};

/// System flags that JMAP shows, by name.
const SYSTEM: [(&str, SystemFlag); 4] = [
    ("$answered", SystemFlag::Answered),
    ("$draft", SystemFlag::Draft),
    ("$flagged", SystemFlag::Flagged),
    ("$seen", SystemFlag::Seen),
];

/// A keyword that is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    System(SystemFlag),
    Keyword(Keyword),
    /// No message can have it.
    Nothing,
}

impl Wanted {
    pub(super) fn read(name: &str) -> Self {
        let name = name.to_ascii_lowercase();
        if let Some((_, flag)) = SYSTEM.iter().find(|(known, _)| *known == name) {
            return Self::System(*flag);
        }
        Keyword::try_from(name.as_str()).map_or(Self::Nothing, Self::Keyword)
    }
    pub(super) fn is_on(&self, snapshot: &Snapshot, found: &Found<'_>) -> bool {
        match self {
            Self::System(flag) => found.has(*flag),
            Self::Nothing => false,
            Self::Keyword(keyword) => found.places.iter().any(|place| {
                let view = snapshot.view(place.folder);
                let id = view.and_then(|view| view.keywords().id(keyword));
                let entry = snapshot.entry(place);
                id.zip(entry)
                    .is_some_and(|(id, entry)| entry.keywords.ids().contains(&id))
            }),
        }
    }
}

/// The flag of a keyword; none for a text that is no keyword.
pub(super) fn flag(name: &str) -> Option<Flag> {
    match Wanted::read(name) {
        Wanted::System(flag) => Some(Flag::System(flag)),
        Wanted::Keyword(keyword) => Some(Flag::Keyword(keyword)),
        Wanted::Nothing => None,
    }
}

/// The keywords that an email has in any of its places.
pub(super) fn anywhere(snapshot: &Snapshot, found: &Found<'_>) -> BTreeSet<String> {
    let mut names: BTreeSet<String> = of(snapshot, found).into_iter().collect();
    let is_seen = found.entries().any(|entry| entry.flags.contains(SystemFlag::Seen));
    names.extend(is_seen.then(|| "$seen".to_owned()));
    names
}

/// The keywords of an email, sorted.
pub(super) fn of(snapshot: &Snapshot, found: &Found<'_>) -> Vec<String> {
    let system = SYSTEM.iter().filter(|(_, flag)| found.has(*flag));
    let mut names: Vec<String> = system.map(|(name, _)| (*name).to_owned()).collect();
    for place in found.places {
        let (Some(view), Some(entry)) = (snapshot.view(place.folder), snapshot.entry(place)) else {
            continue;
        };
        names.extend(own(entry).filter_map(|id| Some(view.keywords().name(*id)?.as_str().to_ascii_lowercase())));
    }
    names.sort_unstable();
    names.dedup();
    names
}

fn own(entry: &MessageEntry) -> impl Iterator<Item = &hongyan_mailbox::KeywordId> {
    entry.keywords.ids().iter()
}
