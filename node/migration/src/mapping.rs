//! Which folder here gets the mail of which folder there. Pure: a list goes in, a plan comes out.
//!
//! What the source says of a folder counts first (RFC 6154), then what folders of that name are for; all others keep their
//! names, as far as a mailbox may be that deep and have that many (FLD-6). What is flattened is told.

use std::collections::BTreeSet;

use hongyan_imap::{Listed, Namespaces, decode_utf7};
use hongyan_mailbox::{FOLDER_LEVELS_MAX, FOLDER_NAME_OCTETS_MAX, FolderPath, INBOX, SpecialUse};

use crate::names;

/// A folder to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mapped {
    /// Its name, as the source has it.
    pub(crate) name: Vec<u8>,
    /// Its name for people.
    pub(crate) shown: String,
    /// Where its mail goes.
    pub(crate) to: Place,
    /// It shows the mail of others too: only what is nowhere else comes from it.
    pub(crate) is_of_all: bool,
    /// What became of it that is not plain.
    pub(crate) note: Option<String>,
}

/// A folder here.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    Inbox,
    Use(SpecialUse),
    Path(FolderPath),
}

/// What there is, and how much more may be.
#[derive(Debug, Clone, Default)]
pub(crate) struct Room {
    /// Paths of the folders here.
    pub(crate) paths: BTreeSet<String>,
    /// Folders that may be made.
    pub(crate) more: usize,
}

/// What is not read: the folder for people, and why.
pub(crate) type Left = (String, String);

/// Plans for all folders, those that show the mail of others last.
pub(crate) fn map(listed: &[Listed], namespaces: &Namespaces, mut room: Room) -> (Vec<Mapped>, Vec<Left>) {
    let has =
        |listed: &Listed, attribute: &str| listed.attributes.iter().any(|one| one.eq_ignore_ascii_case(attribute));
    let announced: BTreeSet<SpecialUse> = listed.iter().filter_map(announced_use).collect();
    let (mut mapped, mut left, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
    for folder in listed {
        if has(folder, "\\Noselect") || has(folder, "\\NonExistent") || !seen.insert(&folder.name) {
            continue;
        }
        let shown = decoded(&folder.name);
        if is_foreign(folder, namespaces) {
            left.push((shown, "it is not the account's own".to_owned()));
            continue;
        }
        if has(folder, "\\Flagged") || has(folder, "\\Important") {
            left.push((shown, "it shows messages of other folders only".to_owned()));
            continue;
        }
        let levels = levels(folder, namespaces);
        let (to, note) = match place(folder, &levels, &announced) {
            Some(to) => (to, None),
            None => path(&levels, &mut room),
        };
        mapped.push(Mapped {
            name: folder.name.clone(),
            shown,
            to,
            is_of_all: has(folder, "\\All"),
            note,
        });
    }
    mapped.sort_by_key(|mapped| (mapped.is_of_all, mapped.to != Place::Inbox));
    (mapped, left)
}

fn announced_use(folder: &Listed) -> Option<SpecialUse> {
    folder
        .attributes
        .iter()
        .find_map(|attribute| SpecialUse::parse(attribute))
}

fn decoded(name: &[u8]) -> String {
    let text = String::from_utf8_lossy(name);
    let decoded = if text.is_ascii() { decode_utf7(&text) } else { None };
    decoded.unwrap_or_else(|| text.into_owned())
}

fn begins_with(folder: &Listed, prefix: &[u8]) -> bool {
    let bare = folder
        .separator
        .and_then(|separator| prefix.strip_suffix(separator.to_string().as_bytes()));
    !prefix.is_empty() && (folder.name.starts_with(prefix) || bare.is_some_and(|bare| bare == folder.name.as_slice()))
}

fn is_foreign(folder: &Listed, namespaces: &Namespaces) -> bool {
    namespaces.foreign.iter().any(|prefix| begins_with(folder, prefix))
}

/// The levels of its name, without the beginning that all of one's own folders have.
fn levels(folder: &Listed, namespaces: &Namespaces) -> Vec<String> {
    let prefix = namespaces.personal.iter().filter(|prefix| !prefix.is_empty());
    let stripped = prefix
        .filter_map(|prefix| folder.name.strip_prefix(prefix.as_slice()))
        .next();
    let name = decoded(stripped.filter(|rest| !rest.is_empty()).unwrap_or(&folder.name));
    let levels: Vec<String> = match folder.separator {
        Some(separator) => name.split(separator).map(level).collect(),
        None => vec![level(&name)],
    };
    levels.into_iter().filter(|level| !level.is_empty()).collect()
}

/// A name that a folder here may have.
fn level(name: &str) -> String {
    let clean: String = name
        .chars()
        .map(|c| match c {
            '/' => '-',
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => ' ',
            c => c,
        })
        .collect();
    let clean = clean.trim();
    clean[..clean.floor_char_boundary(FOLDER_NAME_OCTETS_MAX / 2)].to_owned()
}

/// Where it goes because of what it is for.
fn place(folder: &Listed, levels: &[String], announced: &BTreeSet<SpecialUse>) -> Option<Place> {
    if folder.name.eq_ignore_ascii_case(INBOX.as_bytes()) {
        return Some(Place::Inbox);
    }
    if let Some(special_use) = announced_use(folder) {
        return Some(Place::Use(special_use));
    }
    if folder.attributes.iter().any(|one| one.eq_ignore_ascii_case("\\All")) {
        return Some(Place::Use(SpecialUse::Archive));
    }
    let name = match levels {
        [name] => name,
        // Some servers keep all folders inside of the inbox, or of a folder of their own.
        [above, name] if names::is_inbox(above) || above == "[Gmail]" => name,
        _ => return None,
    };
    let known = names::use_of(name).filter(|special_use| !announced.contains(special_use));
    known.map(Place::Use)
}

/// Where mail goes that is to be in a folder of that name.
pub(crate) fn place_named(name: &str, mut room: Room) -> Place {
    let levels: Vec<String> = name.split('/').map(level).filter(|level| !level.is_empty()).collect();
    if let [only] = levels.as_slice() {
        if names::is_inbox(only) {
            return Place::Inbox;
        }
        if let Some(special_use) = names::use_of(only).filter(|_| !room.paths.contains(only)) {
            return Place::Use(special_use);
        }
    }
    path(&levels, &mut room).0
}

/// Where it goes by its name.
fn path(levels: &[String], room: &mut Room) -> (Place, Option<String>) {
    if levels.is_empty() {
        return (
            Place::Use(SpecialUse::Archive),
            Some("it has no name: kept in Archive".to_owned()),
        );
    }
    let is_deep = levels.len() > FOLDER_LEVELS_MAX;
    let (above, deep) = levels.split_at(levels.len().min(FOLDER_LEVELS_MAX - 1));
    let last = deep.join(" - ");
    let last = &last[..last.floor_char_boundary(FOLDER_NAME_OCTETS_MAX)];
    let mut whole: Vec<&str> = above.iter().map(String::as_str).collect();
    if !last.is_empty() {
        whole.push(last);
    }
    let text = whole.join("/");
    let Ok(path) = FolderPath::try_from(text.as_str()) else {
        let note = format!("{text} cannot be a folder's name: kept in Archive");
        return (Place::Use(SpecialUse::Archive), Some(note));
    };
    if path.is_inbox() {
        return (Place::Inbox, None);
    }
    let missing = paths_of(&path)
        .filter(|path| !room.paths.contains(path.as_str()))
        .count();
    if missing <= room.more {
        room.more -= missing;
        room.paths.extend(paths_of(&path).map(|path| path.as_str().to_owned()));
        let note = is_deep.then(|| format!("deeper than {FOLDER_LEVELS_MAX} levels: kept as {}", path.as_str()));
        return (Place::Path(path), note);
    }
    let nearest = paths_of(&path).find(|path| room.paths.contains(path.as_str()) && !path.is_inbox());
    match nearest {
        Some(nearest) => {
            let note = format!("there is no room for more folders: kept in {}", nearest.as_str());
            (Place::Path(nearest), Some(note))
        }
        None => {
            let note = "there is no room for more folders: kept in Archive".to_owned();
            (Place::Use(SpecialUse::Archive), Some(note))
        }
    }
}

/// The path, and those above it.
fn paths_of(path: &FolderPath) -> impl Iterator<Item = FolderPath> {
    std::iter::successors(Some(path.clone()), FolderPath::parent)
}

#[cfg(test)]
#[path = "mapping_test.rs"]
mod tests;
