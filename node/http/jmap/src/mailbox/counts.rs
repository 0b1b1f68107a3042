//! How many emails and threads mailboxes have, read and not.

use std::collections::BTreeMap;

use hongyan_mailbox::{FolderId, SpecialUse};
use hongyan_types::SystemFlag;

use crate::snapshot::{Snapshot, Threaded, has_flag};

/// Of one mailbox.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) emails: u64,
    pub(super) unread_emails: u64,
    pub(super) threads: u64,
    pub(super) unread_threads: u64,
}

/// Counts everything in one pass over the threads.
pub(super) fn count(snapshot: &Snapshot) -> BTreeMap<FolderId, Counts> {
    let mut folders = snapshot.folders.iter();
    let trash = folders
        .find(|folder| folder.special_use == Some(SpecialUse::Trash))
        .map(|folder| folder.id);
    let mut counts = BTreeMap::new();
    for thread in snapshot.threads() {
        count_thread(&mut counts, snapshot, trash, thread);
    }
    counts
}

fn count_thread(
    counts: &mut BTreeMap<FolderId, Counts>,
    snapshot: &Snapshot,
    trash: Option<FolderId>,
    thread: &[Threaded],
) {
    // RFC 8621 §2: emails in the trash alone do not make a thread unread elsewhere, nor others make it so there.
    let (mut unread_in_trash, mut unread_elsewhere) = (false, false);
    let mut folders: Vec<FolderId> = Vec::new();
    for email in thread.chunk_by(|a, b| a.1 == b.1) {
        let is_unread = is_unread(snapshot, email);
        let mut last = None;
        for (_, _, folder, _) in email {
            if is_unread {
                match Some(*folder) == trash {
                    true => unread_in_trash = true,
                    false => unread_elsewhere = true,
                }
            }
            if last.replace(*folder) == Some(*folder) {
                continue;
            }
            let count = counts.entry(*folder).or_default();
            count.emails += 1;
            count.unread_emails += u64::from(is_unread);
            if !folders.contains(folder) {
                folders.push(*folder);
            }
        }
    }
    for folder in folders {
        let is_unread = match Some(folder) == trash {
            true => unread_in_trash,
            false => unread_elsewhere,
        };
        let count = counts.entry(folder).or_default();
        count.threads += 1;
        count.unread_threads += u64::from(is_unread);
    }
}

/// RFC 8621 §2: neither `$seen` nor `$draft`.
fn is_unread(snapshot: &Snapshot, email: &[Threaded]) -> bool {
    let entries = || {
        let views = email.iter();
        views.filter_map(|(_, _, folder, uid)| snapshot.view(*folder)?.get(*uid))
    };
    !has_flag(entries(), SystemFlag::Seen) && !has_flag(entries(), SystemFlag::Draft)
}
