//! FolderSync: the folders, and what changed of them ([MS-ASCMD] §2.2.1.5). Mail alone: other classes of items follow with their
//! folders.

use axum::response::Response;
use hongyan_activesync::Element;
use hongyan_activesync::command::folder_sync::{
    Folder, FolderChange, FolderSyncRequest, FolderSyncResponse, FolderSyncStatus, FolderType,
};
use hongyan_mailbox::{FolderId, FolderInfo, SpecialUse};

use crate::answer::{Found, body};
use crate::asking::{Asking, folder_name};
use crate::devices;
use crate::record::{self, HierarchyRecord, Key, ToldFolder};

/// Above all folders.
pub(crate) const TOP: &str = "0";

fn kind(folder: &FolderInfo) -> FolderType {
    match folder.special_use {
        _ if folder.path.is_inbox() => FolderType::Inbox,
        Some(SpecialUse::Drafts) => FolderType::Drafts,
        Some(SpecialUse::Trash) => FolderType::DeletedItems,
        Some(SpecialUse::Sent) => FolderType::SentItems,
        // There is no type for them.
        Some(SpecialUse::Junk | SpecialUse::Archive) | None => FolderType::UserMail,
    }
}

pub(crate) fn shown(folder: &FolderInfo, all: &[FolderInfo]) -> Folder {
    let above = folder.path.parent();
    let above = above.and_then(|path| all.iter().find(|other| *other.path == path));
    Folder {
        server_id: folder_name(folder.id),
        parent_id: above.map_or_else(|| TOP.to_owned(), |above| folder_name(above.id)),
        display_name: match folder.path.is_inbox() {
            true => "Inbox".to_owned(),
            false => folder.path.name().to_owned(),
        },
        kind: kind(folder),
    }
}

/// What is kept of a folder that was told, with a mark of all that was said of it.
pub(crate) fn told_folder(id: FolderId, folder: &Folder) -> ToldFolder {
    let mut hasher = blake3::Hasher::new();
    for text in [&folder.parent_id, &folder.display_name] {
        hasher.update(text.as_bytes()).update(&[0]);
    }
    hasher.update(&[folder.kind.number()]);
    let mut octets = [0; 8];
    hasher.finalize_xof().fill(&mut octets);
    ToldFolder {
        folder: id.0,
        mark: u64::from_be_bytes(octets),
    }
}

/// What became of the folders since they were told, and how they are told now.
fn difference(told: &[ToldFolder], folders: &[FolderInfo]) -> (Vec<FolderChange>, Vec<ToldFolder>) {
    let (mut changes, mut now) = (Vec::new(), Vec::new());
    for info in folders {
        let folder = shown(info, folders);
        let is = told_folder(info.id, &folder);
        match told.iter().find(|told| told.folder == is.folder) {
            None => changes.push(FolderChange::Add(folder)),
            Some(was) if was.mark != is.mark => changes.push(FolderChange::Update(folder)),
            Some(_) => {}
        }
        now.push(is);
    }
    let gone = told
        .iter()
        .filter(|told| !now.iter().any(|is| is.folder == told.folder));
    changes.extend(gone.map(|told| FolderChange::Delete(told.folder.to_string())));
    (changes, now)
}

pub(crate) async fn folder_sync(asking: &Asking<'_>, tree: &Element) -> Found<Response> {
    let request = FolderSyncRequest::read(tree, asking.version)?;
    let folders = asking.folders().await?;
    let (account, id) = (asking.account.id, &asking.line.device_id);
    let services = &asking.service.services;
    let mut transaction = services.database.begin();
    let known = devices::hierarchy(&mut transaction, account, id).await?;
    let refused = || {
        Ok(body(
            &FolderSyncResponse::Refused(FolderSyncStatus::InvalidSyncKey).write(),
        ))
    };
    // From where the device goes on, and the key of where it then is.
    let (told, key) = match (request.sync_key.as_str(), known.clone()) {
        (TOP, _) => {
            let mut seed = [0; 4];
            services.env.fill_random(&mut seed);
            (None, Key::begin(u32::from_be_bytes(seed)))
        }
        (_, None) => return refused(),
        (text, Some(known)) => match (Key::read(text), known.before) {
            (Some(key), _) if key == known.key => (Some(known.told), known.key.next()),
            // It has not had the last answer.
            (Some(key), Some(before)) if key.next() == known.key => (Some(before), known.key),
            _ => return refused(),
        },
    };
    let (changes, now) = difference(told.as_deref().unwrap_or_default(), &folders);
    if told.is_some() && changes.is_empty() && known.as_ref().is_some_and(|known| known.told == now) {
        let response = FolderSyncResponse::Changes {
            sync_key: request.sync_key,
            changes,
        };
        return Ok(body(&response.write()));
    }
    if told.is_none() {
        // All begins anew, what was told of folders too.
        devices::forget(&mut transaction, account, id);
    }
    let record = HierarchyRecord {
        key,
        told: now,
        before: told,
    };
    transaction.set(record::hierarchy(account, id), record.encode());
    transaction.commit().await?;
    let response = FolderSyncResponse::Changes {
        sync_key: key.text(),
        changes,
    };
    Ok(body(&response.write()))
}
