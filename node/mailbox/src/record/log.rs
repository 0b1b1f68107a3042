//! One commit: key kind 4, [modseq]. The mailbox's truth; everything else can be brought up to it.

use bytes::Bytes;
use hongyan_kv::Error as StorageError;
use hongyan_kv::record::{self, Schema};
use hongyan_types::{ModSeq, SystemFlags};
use minicbor::{Decode, Encode};

use super::entry::{EntryV1, get_uids, put_uids};
use crate::change::{Change, Delta, FlagOperation, FolderChange, FolderChangeKind, LogEntry};
use crate::{EmailId, FlagAction, FolderId, KeywordId, ThreadId};

const V1: Schema = Schema(1);

#[derive(Encode, Decode)]
struct LogV1 {
    #[n(0)]
    nonce: u64,
    #[n(1)]
    email_next: u64,
    #[n(2)]
    octets: u64,
    #[n(3)]
    messages: u64,
    #[n(4)]
    changes: Vec<ChangeV1>,
    /// Folder and 0 made, 1 changed, 2 gone.
    #[n(5)]
    folders: Option<Vec<(u32, u8)>>,
}

#[derive(Encode, Decode)]
enum ChangeV1 {
    #[n(0)]
    Added {
        #[n(0)]
        folder: u32,
        #[n(1)]
        entries: Vec<EntryV1>,
    },
    #[n(1)]
    Flagged {
        #[n(0)]
        folder: u32,
        #[n(1)]
        uids: Vec<u32>,
        /// 0 add, 1 remove, 2 set.
        #[n(2)]
        action: u8,
        #[n(3)]
        flags: u8,
        #[n(4)]
        keywords: Vec<u32>,
        #[n(5)]
        delta: (i64, i64, i64, i64),
    },
    #[n(2)]
    Expunged {
        #[n(0)]
        folder: u32,
        #[n(1)]
        uids: Vec<u32>,
        #[n(2)]
        delta: (i64, i64, i64, i64),
        /// Email, thread.
        #[n(3)]
        mails: Option<Vec<(u64, u64)>>,
    },
}

/// An empty list is not written.
fn some<T>(list: Vec<T>) -> Option<Vec<T>> {
    Some(list).filter(|list| !list.is_empty())
}

fn put_delta(delta: Delta) -> (i64, i64, i64, i64) {
    (delta.messages, delta.unseen, delta.deleted, delta.octets)
}

fn get_delta((messages, unseen, deleted, octets): (i64, i64, i64, i64)) -> Delta {
    Delta {
        messages,
        unseen,
        deleted,
        octets,
    }
}

impl From<&Change> for ChangeV1 {
    fn from(change: &Change) -> Self {
        match change {
            Change::Added { folder, entries } => Self::Added {
                folder: folder.0,
                entries: entries.iter().map(EntryV1::from).collect(),
            },
            Change::Flagged {
                folder,
                uids,
                operation,
                delta,
            } => Self::Flagged {
                folder: folder.0,
                uids: put_uids(uids),
                action: match operation.action {
                    FlagAction::Add => 0,
                    FlagAction::Remove => 1,
                    FlagAction::Set => 2,
                },
                flags: operation.flags.bits(),
                keywords: operation.keywords.iter().map(|id| id.0).collect(),
                delta: put_delta(*delta),
            },
            Change::Expunged {
                folder,
                uids,
                delta,
                mails,
            } => Self::Expunged {
                folder: folder.0,
                uids: put_uids(uids),
                delta: put_delta(*delta),
                mails: some(mails.iter().map(|(email, thread)| (email.0, thread.0)).collect()),
            },
        }
    }
}

impl ChangeV1 {
    fn read(self) -> Change {
        match self {
            Self::Added { folder, entries } => Change::Added {
                folder: FolderId(folder),
                entries: entries.into_iter().filter_map(EntryV1::read).collect(),
            },
            Self::Flagged {
                folder,
                uids,
                action,
                flags,
                keywords,
                delta,
            } => Change::Flagged {
                folder: FolderId(folder),
                uids: get_uids(&uids),
                operation: FlagOperation {
                    action: match action {
                        0 => FlagAction::Add,
                        1 => FlagAction::Remove,
                        _ => FlagAction::Set,
                    },
                    flags: SystemFlags::from_bits(flags),
                    keywords: keywords.into_iter().map(KeywordId).collect(),
                },
                delta: get_delta(delta),
            },
            Self::Expunged {
                folder,
                uids,
                delta,
                mails,
            } => {
                let mails = mails.unwrap_or_default().into_iter();
                Change::Expunged {
                    folder: FolderId(folder),
                    uids: get_uids(&uids),
                    delta: get_delta(delta),
                    mails: mails
                        .map(|(email, thread)| (EmailId(email), ThreadId(thread)))
                        .collect(),
                }
            }
        }
    }
}

pub(crate) fn encode(entry: &LogEntry) -> Bytes {
    let body = LogV1 {
        nonce: entry.nonce,
        email_next: entry.email_next,
        octets: entry.octets,
        messages: entry.messages,
        changes: entry.changes.iter().map(ChangeV1::from).collect(),
        folders: some(entry.folders.iter().map(put_folder).collect()),
    };
    record::encode(V1, &body)
}

pub(crate) fn decode(modseq: ModSeq, stored: &[u8]) -> Result<LogEntry, StorageError> {
    let body: LogV1 = record::decode(V1, stored)?;
    Ok(LogEntry {
        modseq,
        nonce: body.nonce,
        email_next: body.email_next,
        octets: body.octets,
        messages: body.messages,
        changes: body.changes.into_iter().map(ChangeV1::read).collect(),
        folders: body.folders.unwrap_or_default().into_iter().map(get_folder).collect(),
    })
}

fn put_folder(change: &FolderChange) -> (u32, u8) {
    let kind = match change.kind {
        FolderChangeKind::Made => 0,
        FolderChangeKind::Changed => 1,
        FolderChangeKind::Gone => 2,
    };
    (change.folder.0, kind)
}

fn get_folder((folder, kind): (u32, u8)) -> FolderChange {
    FolderChange {
        folder: FolderId(folder),
        kind: match kind {
            0 => FolderChangeKind::Made,
            1 => FolderChangeKind::Changed,
            _ => FolderChangeKind::Gone,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MessageEntry;

    #[test]
    fn golden_bytes() {
        let entry = MessageEntry {
            uid: hongyan_types::Uid::new(300).unwrap(),
            email: crate::EmailId(7),
            thread: crate::ThreadId(6),
            modseq: ModSeq(12),
            flags: SystemFlags::from_bits(5),
            keywords: crate::KeywordSet::new(vec![crate::KeywordId(2), crate::KeywordId(0)]),
            octets: hongyan_types::Octets(8192),
            internal_date: hongyan_types::Timestamp { millis: -1 },
            save_date: hongyan_types::Timestamp {
                millis: 1_767_225_600_000,
            },
        };
        let uids = get_uids(&[1, 5, 9, 9]);
        let delta = Delta {
            messages: -6,
            unseen: -1,
            deleted: 2,
            octets: -600,
        };
        let folder = FolderId(1);
        let entry = LogEntry {
            modseq: ModSeq(12),
            nonce: 77,
            email_next: 8,
            octets: 8192,
            messages: 1,
            changes: vec![
                Change::Added {
                    folder,
                    entries: vec![entry],
                },
                Change::Flagged {
                    folder,
                    uids: uids.clone(),
                    operation: FlagOperation {
                        action: FlagAction::Remove,
                        flags: SystemFlags::from_bits(1),
                        keywords: vec![KeywordId(2)],
                    },
                    delta,
                },
                Change::Expunged {
                    folder,
                    uids,
                    delta,
                    mails: Vec::new(),
                },
            ],
            folders: Vec::new(),
        };
        let stored = encode(&entry);
        let hex: String = stored.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            hex,
            "01000185184d08192000018382008201818919012c07060c05820002192000201b0000019b76daa800820186018401050909010181028425200239025782028301840105090984252002390257"
        );
        assert_eq!(decode(ModSeq(12), &stored).unwrap(), entry);
    }

    #[test]
    fn what_went_and_which_folders_changed_is_noted() {
        let kinds = [
            FolderChangeKind::Made,
            FolderChangeKind::Changed,
            FolderChangeKind::Gone,
        ];
        let entry = LogEntry {
            modseq: ModSeq(3),
            nonce: 1,
            email_next: 2,
            octets: 0,
            messages: 0,
            changes: vec![Change::Expunged {
                folder: FolderId(1),
                uids: get_uids(&[4, 4]),
                delta: Delta::default(),
                mails: vec![(EmailId(7), ThreadId(6))],
            }],
            folders: (2..)
                .map(FolderId)
                .zip(kinds)
                .map(|(folder, kind)| FolderChange { folder, kind })
                .collect(),
        };
        let stored = encode(&entry);
        let hex: String = stored.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            hex,
            "0100018601020000818202840182040484000000008182070683820200820301820402"
        );
        assert_eq!(decode(ModSeq(3), &stored).unwrap(), entry);
    }
}
