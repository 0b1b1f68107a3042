//! LIST (RFC 9051 §6.3.9, RFC 5258, RFC 6154, RFC 5819), over the own mailbox and those that are open to the account.

use std::collections::BTreeSet;

use hongyan_imap::Status;
use hongyan_imap::command::list::{List, matches};
use hongyan_imap::response::ListEntry;
use hongyan_mailbox::FolderInfo;
use hongyan_types::FolderRight;

use crate::place::Place;
use crate::session::Session;
use crate::stop::{Answer, Stop};

/// What a LIST asks for.
struct Asked<'l> {
    list: &'l List,
    patterns: Vec<String>,
}

impl Asked<'_> {
    fn names(&self, name: &str) -> bool {
        self.patterns.iter().any(|pattern| name_matches(pattern, name))
    }
    fn reaches(&self, prefix: &str) -> bool {
        self.patterns.iter().any(|pattern| may_reach(pattern, prefix))
    }
}

impl Session {
    pub(crate) async fn list(&mut self, list: &List) -> Answer {
        if !list.extended && list.patterns.iter().all(String::is_empty) {
            // RFC 9051 §6.3.9: an empty pattern asks for the hierarchy separator.
            self.imap.output().list_separator();
            return Ok(Status::ok("List completed"));
        }
        let patterns = list.patterns.iter();
        let asked = Asked {
            list,
            patterns: patterns.map(|pattern| format!("{}{pattern}", list.reference)).collect(),
        };
        self.list_place(&asked, &Place::own(self.account()?.mailbox)).await?;
        self.list_others(&asked).await?;
        Ok(Status::ok("List completed"))
    }

    /// The folders of one mailbox.
    async fn list_place(&mut self, asked: &Asked<'_>, place: &Place) -> Result<(), Stop> {
        let list = asked.list;
        let folders = self.folders_in(place).await?;
        for folder in folders.folders.iter() {
            let name = place.name(&folder.path);
            if !asked.names(&name) {
                continue;
            }
            let inside = list.select_recursive_match && subscribed_inside(&folders.folders, folder);
            let chosen = (!list.select_subscribed || folder.subscribed)
                && (!list.select_special_use || folder.special_use.is_some());
            if !chosen && !inside {
                continue;
            }
            let mut attributes = match place.is_own() {
                true => attributes(folder),
                // RFC 6154 §2: the special use of a folder is meant for who owns it.
                false => children(folder),
            };
            if folder.subscribed && (list.return_subscribed || list.select_subscribed) {
                attributes.push("\\Subscribed");
            }
            self.imap.output().list(&ListEntry {
                attributes,
                name: &name,
                child_info_subscribed: inside,
                old_name: None,
            });
            if let Some(items) = list.return_status
                && place.folder_rights(folder.id).has(FolderRight::Read)
            {
                self.tell_status(place, folder, items).await?;
            }
            self.flush_if_full().await?;
        }
        if list.select_subscribed && !list.select_special_use {
            let missing = folders.subscribed_missing.iter().map(|path| place.name(path));
            for name in missing.filter(|name| asked.names(name)) {
                self.imap.output().list(&ListEntry {
                    attributes: vec!["\\NonExistent", "\\Subscribed"],
                    name: &name,
                    ..ListEntry::default()
                });
            }
        }
        Ok(())
    }

    /// The mailboxes that are open to the account, below names that are no folders themselves.
    async fn list_others(&mut self, asked: &Asked<'_>) -> Result<(), Stop> {
        let mut told: BTreeSet<String> = BTreeSet::new();
        for place in self.places().await? {
            let above: Vec<&str> = place
                .prefix
                .match_indices('/')
                .filter_map(|(at, _)| place.prefix.get(..at))
                .collect();
            for name in above {
                let bare = !asked.list.select_subscribed && !asked.list.select_special_use;
                if bare && asked.names(name) && told.insert(name.to_owned()) {
                    self.imap.output().list(&ListEntry {
                        attributes: vec!["\\Noselect", "\\HasChildren"],
                        name,
                        ..ListEntry::default()
                    });
                }
            }
            if asked.reaches(&place.prefix) {
                self.list_place(asked, &place).await?;
            }
        }
        Ok(())
    }
}

/// Whether a pattern may match names that begin with `prefix`.
pub(crate) fn may_reach(pattern: &str, prefix: &str) -> bool {
    let literal = pattern.split(['*', '%']).next().unwrap_or_default();
    let near = literal.starts_with(prefix) || prefix.starts_with(literal);
    let levels = |text: &str| text.matches('/').count();
    near && (pattern.contains('*') || levels(pattern) >= levels(prefix))
}

/// Children and special use: told to everyone (RFC 3348, RFC 6154 §2).
pub(crate) fn attributes(folder: &FolderInfo) -> Vec<&'static str> {
    let mut attributes = children(folder);
    attributes.extend(folder.special_use.map(|special_use| special_use.as_str()));
    attributes
}

fn children(folder: &FolderInfo) -> Vec<&'static str> {
    vec![if folder.has_children {
        "\\HasChildren"
    } else {
        "\\HasNoChildren"
    }]
}

/// Whether `name` matches; INBOX does in any case.
pub(crate) fn name_matches(pattern: &str, name: &str) -> bool {
    matches(pattern, name) || (name == "INBOX" && matches(&pattern.to_uppercase(), name))
}

fn subscribed_inside(folders: &[FolderInfo], above: &FolderInfo) -> bool {
    let prefix = format!("{}/", above.path.as_str());
    folders
        .iter()
        .any(|folder| folder.subscribed && folder.path.as_str().starts_with(&prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_mailboxes_are_asked_only_when_a_pattern_reaches_them() {
        let check = |pattern: &str, expect: bool| assert_eq!(may_reach(pattern, "Shared/a@b/"), expect, "{pattern}");
        check("*", true);
        check("%", false);
        check("Shared/%", false);
        check("Shared/%/%", true);
        check("Shared/a@b/INBOX", true);
        check("Shared/c@d/*", false);
        check("INBOX", false);
        check("S*", true);
    }
}
