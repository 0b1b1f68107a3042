//! What an account shows to someone with whom single folders of it are shared (RFC 9670): those, and nothing else.

use std::collections::BTreeSet;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hongyan_directory::{FolderNumber, FolderOpening, FolderShare};
use hongyan_jmap::object::MailboxRights;
use hongyan_mailbox::{FolderId, FolderInfo, Permit};
use hongyan_types::{FolderRight, FolderRights};
use ring::digest;

/// The folders that are open, each with what may be done.
#[derive(Debug, Clone)]
pub(crate) struct Reach {
    pub(crate) permit: Arc<Permit>,
    shares: Vec<FolderShare>,
    /// Tells what may be seen from what might be before: states of another are not continued.
    pub(crate) mark: String,
}

impl Reach {
    pub(crate) fn of(opening: &FolderOpening) -> Self {
        let shares = opening.folders.clone();
        let rights = shares.iter().map(|share| (FolderId(share.folder.0), share.rights));
        let mut context = digest::Context::new(&digest::SHA256);
        for share in &shares {
            context.update(&share.folder.0.to_be_bytes());
            context.update(&share.rights.bits().to_be_bytes());
            context.update(&[u8::from(share.subscribed)]);
        }
        Self {
            permit: Arc::new(Permit::new(rights)),
            mark: URL_SAFE_NO_PAD.encode(&context.finish().as_ref()[..9]),
            shares,
        }
    }
    pub(crate) fn share(&self, folder: FolderId) -> Option<&FolderShare> {
        self.shares.iter().find(|share| share.folder == FolderNumber(folder.0))
    }
    /// The folders that are there, as the person sees them.
    pub(crate) fn visible(&self, folders: &[FolderInfo]) -> Vec<FolderInfo> {
        let wanted = self.shares.iter().filter(|share| share.subscribed);
        let wanted: BTreeSet<u32> = wanted.map(|share| share.folder.0).collect();
        let mut visible = self.permit.visible(folders);
        for folder in &mut visible {
            folder.subscribed = wanted.contains(&folder.id.0);
        }
        visible
    }
}

/// Rights to a folder as JMAP has them (RFC 8621 §2 names the IMAP rights that they stand for).
pub(crate) fn shown(rights: FolderRights) -> MailboxRights {
    MailboxRights {
        may_read_items: rights.has(FolderRight::Read),
        may_add_items: rights.has(FolderRight::Insert),
        may_remove_items: rights.has(FolderRight::Delete) && rights.has(FolderRight::Expunge),
        may_set_seen: rights.has(FolderRight::Seen),
        may_set_keywords: rights.has(FolderRight::Write),
        may_create_child: rights.has(FolderRight::CreateChild),
        may_rename: rights.has(FolderRight::DeleteFolder),
        may_delete: rights.has(FolderRight::DeleteFolder),
        may_submit: false,
        may_share: rights.has(FolderRight::Administer),
    }
}

/// The rights that one of JMAP's stands for; none for one that is not given for single folders.
pub(crate) fn meant(right: &str) -> Option<FolderRights> {
    let letters = match right {
        "mayReadItems" => "lr",
        "mayAddItems" => "i",
        "mayRemoveItems" => "te",
        "maySetSeen" => "s",
        "maySetKeywords" => "w",
        "mayCreateChild" => "k",
        "mayRename" | "mayDelete" => "x",
        "mayShare" => "a",
        _ => return None,
    };
    FolderRights::read(letters).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_are_shown_as_they_are_meant() {
        let rights = meant("mayReadItems").unwrap().union(meant("mayRemoveItems").unwrap());
        let shown = shown(rights);
        assert!(shown.may_read_items && shown.may_remove_items && !shown.may_set_seen && !shown.may_add_items);
        assert!(meant("maySubmit").is_none() && meant("mayFly").is_none());
        assert_eq!(meant("mayRename"), meant("mayDelete"));
    }
}
