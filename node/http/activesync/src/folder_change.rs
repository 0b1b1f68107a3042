//! FolderCreate, FolderUpdate and FolderDelete: devices make, rename, move and remove folders of mail ([MS-ASCMD] §2.2.1.3, .4
//! and .8).
//!
//! A change goes on from the key that FolderSync gave, and is told with the next one: what others did meanwhile the next
//! FolderSync tells. A device that has not had the answer asks again under the key before, and gets it.

use axum::response::Response;
use hongyan_activesync::command::folder_create::{FolderCreateRequest, FolderCreateResponse, FolderStatus};
use hongyan_activesync::command::folder_delete::{FolderDeleteRequest, FolderDeleteResponse};
use hongyan_activesync::command::folder_sync::FolderType;
use hongyan_activesync::command::folder_update::{FolderUpdateRequest, FolderUpdateResponse};
use hongyan_activesync::{Element, Status};
use hongyan_mailbox::{
    CreateFolder, DeleteFolder, FolderId, FolderInfo, FolderPath, FolderRef, MailboxError, RenameFolder,
};

use crate::answer::{Found, Stop, body};
use crate::asking::{Asking, folder_name, read_folder};
use crate::devices;
use crate::folder_sync::{TOP, shown, told_folder};
use crate::record::{self, HierarchyRecord, Key, ToldFolder};

/// A change that was not made has its status, as an answer.
type Changed<T> = Found<Result<T, FolderStatus>>;

/// Where a device stands that wants to change folders.
struct Standing {
    known: HierarchyRecord,
    folders: Vec<FolderInfo>,
    /// Whether it shows the key before the last one: it has not had the last answer.
    is_repeat: bool,
}

impl Standing {
    fn folder(&self, id: FolderId) -> Option<&FolderInfo> {
        self.folders.iter().find(|info| info.id == id)
    }
    /// Whether the last change that was told made a folder.
    fn has_made(&self, id: FolderId) -> bool {
        let has = |told: &[ToldFolder]| told.iter().any(|told| told.folder == id.0);
        self.is_repeat && has(&self.known.told) && !self.known.before.as_deref().is_some_and(has)
    }
    /// Whether the last change that was told removed a folder.
    fn has_removed(&self, id: FolderId) -> bool {
        let has = |told: &[ToldFolder]| told.iter().any(|told| told.folder == id.0);
        self.is_repeat && !has(&self.known.told) && self.known.before.as_deref().is_some_and(has)
    }
    fn path(&self, parent: &str, name: &str) -> Result<FolderPath, FolderStatus> {
        // What separates levels is not part of a name.
        if name.contains('/') {
            return Err(FolderStatus::IncorrectlyFormatted);
        }
        let whole = if parent == TOP {
            name.to_owned()
        } else {
            let above = read_folder(parent).and_then(|id| self.folder(id));
            let above = above.ok_or(FolderStatus::ParentNotFound)?;
            format!("{}/{name}", above.path.as_str())
        };
        FolderPath::try_from(whole.as_str()).map_err(|_| FolderStatus::IncorrectlyFormatted)
    }
}

async fn standing(asking: &Asking<'_>, key: &str) -> Changed<Standing> {
    if asking.read_only || !asking.account.settings.active_sync_own_folders {
        return Ok(Err(FolderStatus::Common(Status::AccessDenied)));
    }
    let mut transaction = asking.service.services.database.begin();
    let known = devices::hierarchy(&mut transaction, asking.account.id, &asking.line.device_id).await?;
    let (Some(known), Some(key)) = (known, Key::read(key)) else {
        return Ok(Err(FolderStatus::InvalidSyncKey));
    };
    let is_repeat = known.before.is_some() && key.next() == known.key;
    if key != known.key && !is_repeat {
        return Ok(Err(FolderStatus::InvalidSyncKey));
    }
    let folders = asking.folders().await?;
    Ok(Ok(Standing {
        known,
        folders,
        is_repeat,
    }))
}

/// What the mailbox says; `Err` where that is nothing for the device to know.
fn said<T>(outcome: Found<T>) -> Changed<T> {
    let status = match outcome {
        Ok(done) => return Ok(Ok(done)),
        Err(Stop::Mailbox(MailboxError::FolderExists)) => FolderStatus::AlreadyExists,
        Err(Stop::Mailbox(MailboxError::NoSuchFolder)) => FolderStatus::NotFound,
        Err(Stop::Mailbox(MailboxError::SystemFolder)) => FolderStatus::SpecialFolder,
        Err(Stop::Mailbox(MailboxError::InvalidName(_))) => FolderStatus::IncorrectlyFormatted,
        Err(Stop::Mailbox(MailboxError::TooManyFolders)) => FolderStatus::Common(Status::TooManyFolders),
        Err(Stop::Mailbox(MailboxError::NoPermission)) => FolderStatus::Common(Status::AccessDenied),
        Err(stop) => return Err(stop),
    };
    Ok(Err(status))
}

/// Notes that the device knows of a change to one folder and of those in it; the next key.
async fn note(asking: &Asking<'_>, standing: &Standing, changed: FolderId) -> Found<String> {
    let folders = asking.folders().await?;
    let is_there = |id: u32| folders.iter().any(|info| info.id.0 == id);
    let before = &standing.known.told;
    // In the order of the folders, as FolderSync tells them.
    let known = folders.iter().filter_map(|info| match info.id == changed {
        true => Some(told_folder(changed, &shown(info, &folders))),
        false => before.iter().find(|told| told.folder == info.id.0).copied(),
    });
    let mut told: Vec<ToldFolder> = known.collect();
    // What went with a folder that was removed the device knows too; what others removed it is told.
    let went = |id: u32| {
        let removed = standing.folder(changed).filter(|_| !is_there(changed.0));
        id == changed.0 || removed.is_some_and(|removed| is_inside(standing, removed, id))
    };
    let others = before
        .iter()
        .filter(|told| !is_there(told.folder) && !went(told.folder));
    told.extend(others.copied());
    let record = HierarchyRecord {
        key: standing.known.key.next(),
        told,
        before: Some(standing.known.told.clone()),
    };
    let (account, device) = (asking.account.id, &asking.line.device_id);
    let mut transaction = asking.service.services.database.begin();
    // Another request of the device was faster: it comes again, and finds what was done.
    if devices::hierarchy(&mut transaction, account, device).await?.as_ref() != Some(&standing.known) {
        return Err(Status::ServerErrorRetryLater.into());
    }
    transaction.set(record::hierarchy(account, device), record.encode());
    if !is_there(changed.0) {
        transaction.clear(&record::collection(account, device, changed));
    }
    transaction.commit().await?;
    Ok(record.key.text())
}

fn is_inside(standing: &Standing, above: &FolderInfo, id: u32) -> bool {
    let folder = standing.folder(FolderId(id));
    folder.is_some_and(|folder| folder.path.is_inside(&above.path))
}

pub(crate) async fn create(asking: &Asking<'_>, tree: &Element) -> Found<Response> {
    let request = FolderCreateRequest::read(tree, asking.version)?;
    let response = match made(asking, &request).await? {
        Ok((sync_key, id)) => FolderCreateResponse::Created {
            sync_key,
            server_id: folder_name(id),
        },
        Err(status) => FolderCreateResponse::Refused(status),
    };
    Ok(body(&response.write()))
}

async fn made(asking: &Asking<'_>, request: &FolderCreateRequest) -> Changed<(String, FolderId)> {
    // There is mail alone here, and the folders of the system are there.
    if !matches!(request.kind, FolderType::UserMail | FolderType::Generic) {
        return Ok(Err(FolderStatus::IncorrectlyFormatted));
    }
    let standing = match standing(asking, &request.sync_key).await? {
        Ok(standing) => standing,
        Err(status) => return Ok(Err(status)),
    };
    let path = match standing.path(&request.parent_id, &request.display_name) {
        Ok(path) => path,
        Err(status) => return Ok(Err(status)),
    };
    let there = standing.folders.iter().find(|info| *info.path == path);
    if let Some(info) = there.filter(|info| standing.has_made(info.id)) {
        return Ok(Ok((standing.known.key.text(), info.id)));
    }
    if standing.is_repeat {
        return Ok(Err(FolderStatus::InvalidSyncKey));
    }
    let create = CreateFolder {
        path,
        special_use: None,
    };
    let id = match said(asking.ask(create).await)? {
        Ok(created) => created.folder.id,
        Err(status) => return Ok(Err(status)),
    };
    Ok(Ok((note(asking, &standing, id).await?, id)))
}

pub(crate) async fn update(asking: &Asking<'_>, tree: &Element) -> Found<Response> {
    let request = FolderUpdateRequest::read(tree, asking.version)?;
    let outcome = renamed(asking, &request).await?;
    Ok(body(&FolderUpdateResponse(outcome).write()))
}

async fn renamed(asking: &Asking<'_>, request: &FolderUpdateRequest) -> Changed<String> {
    let standing = match standing(asking, &request.sync_key).await? {
        Ok(standing) => standing,
        Err(status) => return Ok(Err(status)),
    };
    let found = read_folder(&request.server_id).and_then(|id| standing.folder(id));
    let Some(folder) = found else {
        return Ok(Err(FolderStatus::NotFound));
    };
    // Renaming the inbox would empty it (RFC 9051 §6.3.6), which no phone means.
    if folder.path.is_inbox() || folder.special_use.is_some() {
        return Ok(Err(FolderStatus::SpecialFolder));
    }
    let to = match standing.path(&request.parent_id, &request.display_name) {
        Ok(to) => to,
        Err(status) => return Ok(Err(status)),
    };
    if *folder.path == to {
        // It is so already, be it that the device has not had the answer.
        return Ok(Ok(standing.known.key.text()));
    }
    if standing.is_repeat {
        return Ok(Err(FolderStatus::InvalidSyncKey));
    }
    let rename = RenameFolder {
        from: (*folder.path).clone(),
        to,
    };
    let id = folder.id;
    if let Err(status) = said(asking.ask(rename).await)? {
        return Ok(Err(status));
    }
    Ok(Ok(note(asking, &standing, id).await?))
}

pub(crate) async fn delete(asking: &Asking<'_>, tree: &Element) -> Found<Response> {
    let request = FolderDeleteRequest::read(tree, asking.version)?;
    let outcome = deleted(asking, &request).await?;
    Ok(body(&FolderDeleteResponse(outcome).write()))
}

async fn deleted(asking: &Asking<'_>, request: &FolderDeleteRequest) -> Changed<String> {
    let standing = match standing(asking, &request.sync_key).await? {
        Ok(standing) => standing,
        Err(status) => return Ok(Err(status)),
    };
    let Some(id) = read_folder(&request.server_id) else {
        return Ok(Err(FolderStatus::NotFound));
    };
    let Some(folder) = standing.folder(id) else {
        return Ok(match standing.has_removed(id) {
            true => Ok(standing.known.key.text()),
            false => Err(FolderStatus::NotFound),
        });
    };
    if standing.is_repeat {
        return Ok(Err(FolderStatus::InvalidSyncKey));
    }
    if folder.path.is_inbox() || folder.special_use.is_some() {
        return Ok(Err(FolderStatus::SpecialFolder));
    }
    // [MS-ASCMD] §2.2.1.4: with all that is in it.
    if let Err(status) = said(delete_inside(asking, &folder.path).await)? {
        return Ok(Err(status));
    }
    let request = DeleteFolder {
        folder: FolderRef::Id(id),
    };
    if let Err(status) = said(asking.ask(request).await)? {
        return Ok(Err(status));
    }
    Ok(Ok(note(asking, &standing, id).await?))
}

/// Removes the folders in another, the innermost first; none, if there is one that must stay.
pub(crate) async fn delete_inside(asking: &Asking<'_>, path: &FolderPath) -> Found<()> {
    let folders = asking.folders().await?;
    let mut inside: Vec<&FolderInfo> = folders.iter().filter(|info| info.path.is_inside(path)).collect();
    if inside.iter().any(|info| info.special_use.is_some()) {
        return Err(MailboxError::SystemFolder.into());
    }
    inside.sort_by_key(|info| std::cmp::Reverse(info.path.levels().count()));
    for info in inside {
        let folder = FolderRef::Id(info.id);
        match asking.ask(DeleteFolder { folder }).await {
            // Somebody else was faster.
            Ok(_) | Err(Stop::Mailbox(MailboxError::NoSuchFolder)) => {}
            Err(stop) => return Err(stop),
        }
    }
    Ok(())
}
