//! What someone may do who may use single folders of a mailbox only (RFC 4314, RFC 9670).

use std::collections::BTreeMap;

use hongyan_types::{FolderRight, FolderRights};

use crate::{FolderId, FolderInfo};

/// The folders that are open to someone, each with what may be done in it; all else of the mailbox looks missing. It goes
/// with each request of theirs, and the mailbox holds them to it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Permit {
    folders: BTreeMap<FolderId, FolderRights>,
}

impl Permit {
    /// For these folders.
    #[must_use]
    pub fn new(folders: impl IntoIterator<Item = (FolderId, FolderRights)>) -> Self {
        Self {
            folders: folders.into_iter().collect(),
        }
    }
    /// What may be done in a folder.
    #[must_use]
    pub fn rights(&self, folder: FolderId) -> FolderRights {
        self.folders.get(&folder).copied().unwrap_or_default()
    }
    /// Whether a folder is there at all.
    #[must_use]
    pub fn sees(&self, folder: FolderId) -> bool {
        self.rights(folder).has(FolderRight::Lookup)
    }
    /// Whether its messages are there.
    #[must_use]
    pub fn reads(&self, folder: FolderId) -> bool {
        let rights = self.rights(folder);
        rights.has(FolderRight::Lookup) && rights.has(FolderRight::Read)
    }
    /// Whether anything can be changed anywhere.
    #[must_use]
    pub fn can_change(&self) -> bool {
        self.folders.values().any(|rights| rights.can_change())
    }
    /// All folders, by id.
    pub fn folders(&self) -> impl Iterator<Item = (FolderId, FolderRights)> + '_ {
        self.folders.iter().map(|(folder, rights)| (*folder, *rights))
    }
    /// The folders that are there, as they look: subscriptions are each person's own, and of a folder that may not be read
    /// nobody learns what is in it.
    #[must_use]
    pub fn visible(&self, folders: &[FolderInfo]) -> Vec<FolderInfo> {
        let seen: Vec<&FolderInfo> = folders.iter().filter(|folder| self.sees(folder.id)).collect();
        let shown = seen.iter().map(|folder| {
            let counted = self.reads(folder.id);
            let count = |number: u64| if counted { number } else { 0 };
            FolderInfo {
                subscribed: false,
                has_children: seen.iter().any(|other| other.path.is_inside(&folder.path)),
                messages: count(folder.messages),
                unseen: count(folder.unseen),
                deleted: count(folder.deleted),
                octets: count(folder.octets),
                ..(*folder).clone()
            }
        });
        shown.collect()
    }
}
