//! LIST (RFC 9051 §6.3.9, RFC 5258, RFC 6154, RFC 5819).

use hongyan_imap::Status;
use hongyan_imap::command::list::{List, matches};
use hongyan_imap::response::ListEntry;
use hongyan_mailbox::FolderInfo;

use crate::session::Session;
use crate::stop::Answer;

impl Session {
    pub(crate) async fn list(&mut self, list: &List) -> Answer {
        if !list.extended && list.patterns.iter().all(String::is_empty) {
            // RFC 9051 §6.3.9: an empty pattern asks for the hierarchy separator.
            self.imap.output().list_separator();
            return Ok(Status::ok("List completed"));
        }
        let folders = self.folders().await?;
        let patterns: Vec<String> = list
            .patterns
            .iter()
            .map(|pattern| format!("{}{pattern}", list.reference))
            .collect();
        let named = |name: &str| patterns.iter().any(|pattern| name_matches(pattern, name));
        for folder in folders.folders.iter() {
            if !named(folder.path.as_str()) {
                continue;
            }
            let inside = list.select_recursive_match && subscribed_inside(&folders.folders, folder);
            let chosen = (!list.select_subscribed || folder.subscribed)
                && (!list.select_special_use || folder.special_use.is_some());
            if !chosen && !inside {
                continue;
            }
            let mut attributes = attributes(folder);
            if folder.subscribed && (list.return_subscribed || list.select_subscribed) {
                attributes.push("\\Subscribed");
            }
            self.imap.output().list(&ListEntry {
                attributes,
                name: folder.path.as_str(),
                child_info_subscribed: inside,
                old_name: None,
            });
            if let Some(items) = list.return_status {
                self.tell_status(folder, items).await?;
            }
            self.flush_if_full().await?;
        }
        if list.select_subscribed && !list.select_special_use {
            for path in folders.subscribed_missing.iter().filter(|path| named(path.as_str())) {
                self.imap.output().list(&ListEntry {
                    attributes: vec!["\\NonExistent", "\\Subscribed"],
                    name: path.as_str(),
                    ..ListEntry::default()
                });
            }
        }
        Ok(Status::ok("List completed"))
    }
}

/// Children and special use: told to everyone (RFC 3348, RFC 6154 §2).
pub(crate) fn attributes(folder: &FolderInfo) -> Vec<&'static str> {
    let mut attributes = vec![if folder.has_children {
        "\\HasChildren"
    } else {
        "\\HasNoChildren"
    }];
    attributes.extend(folder.special_use.map(|special_use| special_use.as_str()));
    attributes
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
