//! Holds whoever may use single folders only to what they may do: the one place that says so, for each request. Folders that
//! they do not see look missing, what they may not do is refused, and what comes with a permitted request and is not is left
//! out (RFC 4314 §4: flags). Whose mailbox it is passes without a permit.

use std::sync::Arc;

use hongyan_types::{Flag, FolderRight, SystemFlag};

use crate::request::{Body, Reply};
use crate::state::State;
use crate::{
    Append, AppendMessage, CreateFolder, FlagAction, FolderId, FolderPath, FolderRef, MailboxError, Permit,
    RenameFolder, StoreFlags,
};

/// The right to change a flag.
#[must_use]
pub fn right_to(flag: &Flag) -> FolderRight {
    match flag {
        Flag::System(SystemFlag::Seen) => FolderRight::Seen,
        Flag::System(SystemFlag::Deleted) => FolderRight::Delete,
        Flag::System(_) | Flag::Keyword(_) => FolderRight::Write,
    }
}

/// Messages leave a folder by these.
const TAKE: [FolderRight; 3] = [FolderRight::Read, FolderRight::Delete, FolderRight::Expunge];

struct Visit<'a> {
    permit: &'a Permit,
    state: &'a State,
}

impl Visit<'_> {
    fn need(&self, folder: FolderId, rights: &[FolderRight]) -> Result<(), MailboxError> {
        if !self.permit.sees(folder) {
            return Err(MailboxError::NoSuchFolder);
        }
        let has = self.permit.rights(folder);
        match rights.iter().all(|right| has.has(*right)) {
            true => Ok(()),
            false => Err(MailboxError::NoPermission),
        }
    }
    fn need_at(&self, folder: &FolderRef, rights: &[FolderRight]) -> Result<FolderId, MailboxError> {
        let folder = self.state.resolve(folder).ok_or(MailboxError::NoSuchFolder)?;
        self.need(folder, rights)?;
        Ok(folder)
    }
    fn allowed(&self, folder: FolderId, flags: &[Flag]) -> Vec<Flag> {
        let has = self.permit.rights(folder);
        flags.iter().filter(|flag| has.has(right_to(flag))).cloned().collect()
    }

    fn store(&self, request: &StoreFlags) -> Result<Option<Body>, MailboxError> {
        self.need(request.folder, &[FolderRight::Read])?;
        if request.action == FlagAction::Set {
            // Departs from RFC 4314 §4: flags are replaced by who may change all of them; others add and remove.
            self.need(
                request.folder,
                &[FolderRight::Seen, FolderRight::Write, FolderRight::Delete],
            )?;
            return Ok(None);
        }
        let flags = self.allowed(request.folder, &request.flags);
        if flags.is_empty() && !request.flags.is_empty() {
            return Err(MailboxError::NoPermission);
        }
        Ok(Some(Body::StoreFlags(StoreFlags {
            flags,
            ..request.clone()
        })))
    }
    fn append(&self, request: &Append) -> Result<Option<Body>, MailboxError> {
        let folder = self.need_at(&request.folder, &[FolderRight::Insert])?;
        let messages = request.messages.iter().map(|message| AppendMessage {
            flags: self.allowed(folder, &message.flags),
            ..message.clone()
        });
        Ok(Some(Body::Append(Append {
            folder: folder.into(),
            messages: messages.collect(),
        })))
    }
    /// A folder is made inside one that is there: what would be missing above it is nobody's to see.
    fn create(&self, request: &CreateFolder) -> Result<(), MailboxError> {
        if request.special_use.is_some() {
            return Err(MailboxError::NoPermission);
        }
        self.need_inside(&request.path)
    }
    /// RFC 4314 §4: `k` for the folder that the path is directly inside.
    fn need_inside(&self, path: &FolderPath) -> Result<(), MailboxError> {
        let above = path.parent().ok_or(MailboxError::NoPermission)?;
        self.need_at(&above.into(), &[FolderRight::CreateChild])?;
        Ok(())
    }
    /// RFC 4314 §4: `x` for the folder, and `k` for the one that it is inside then, if that is another.
    fn rename(&self, request: &RenameFolder) -> Result<(), MailboxError> {
        self.need_at(&request.from.clone().into(), &[FolderRight::DeleteFolder])?;
        if request.from.is_inbox() {
            // Its messages would move, not the folder.
            return Err(MailboxError::NoPermission);
        }
        match request.from.parent() == request.to.parent() {
            true => Ok(()),
            false => self.need_inside(&request.to),
        }
    }
    /// Refuses what may not be; what else is to be done in place of `body`, if that is not all allowed.
    fn admit(&self, body: &Body) -> Result<Option<Body>, MailboxError> {
        match body {
            Body::ListFolders(_) | Body::FolderOrders(_) => {}
            Body::OpenFolder(request) => {
                self.need_at(&request.folder, &[FolderRight::Read])?;
            }
            Body::Vanished(request) => self.need(request.folder, &[FolderRight::Read])?,
            Body::StoreFlags(request) => return self.store(request),
            Body::Append(request) => return self.append(request),
            Body::Expunge(request) if request.deleted_only => {
                self.need(request.folder, &[FolderRight::Read, FolderRight::Expunge])?;
            }
            Body::Expunge(request) => self.need(request.folder, &TAKE)?,
            Body::CopyMessages(request) => {
                self.need(request.from, &[FolderRight::Read])?;
                self.need_at(&request.to, &[FolderRight::Insert])?;
            }
            Body::MoveMessages(request) => {
                self.need(request.from, &TAKE)?;
                self.need_at(&request.to, &[FolderRight::Insert])?;
            }
            Body::Replace(request) => {
                self.need(request.folder, &TAKE)?;
                self.need_at(&request.to, &[FolderRight::Insert])?;
            }
            Body::UpdateEmail(request) => {
                for (folder, _) in &request.places {
                    self.need(*folder, &[FolderRight::Read])?;
                    let flags = request.add.iter().chain(&request.remove);
                    let rights: Vec<FolderRight> = flags.map(right_to).collect();
                    self.need(*folder, &rights)?;
                }
                for folder in &request.put_into {
                    self.need(*folder, &[FolderRight::Insert])?;
                }
                for folder in &request.take_from {
                    self.need(*folder, &TAKE)?;
                }
            }
            Body::CreateFolder(request) => self.create(request)?,
            Body::DeleteFolder(request) => {
                self.need_at(&request.folder, &[FolderRight::DeleteFolder])?;
            }
            Body::RenameFolder(request) => self.rename(request)?,
            Body::Deliver(_)
            | Body::Erase(_)
            | Body::GetQuota(_)
            | Body::LockMaildrop(_)
            | Body::OrderFolder(_)
            | Body::Recall(_)
            | Body::Restore(_)
            | Body::SetQuota(_)
            | Body::SubscribeFolder(_)
            | Body::TouchFolder(_) => return Err(MailboxError::NoPermission),
        }
        Ok(None)
    }
}

/// What is to be done in place of `body` by someone with `permit`; nothing, when it is that itself.
pub(crate) fn admit(state: &State, permit: &Permit, body: &Body) -> Result<Option<Body>, MailboxError> {
    Visit { permit, state }.admit(body)
}

/// Leaves out of a reply what someone with `permit` does not see.
pub(crate) fn narrow(permit: &Permit, reply: &mut Reply) {
    match reply {
        Reply::ListFolders(reply) => {
            reply.folders = Arc::new(permit.visible(&reply.folders));
            reply.subscribed_missing.clear();
        }
        Reply::FolderOrders(reply) => reply.orders.retain(|(folder, _)| permit.sees(*folder)),
        Reply::OpenFolder(reply) => reply.info.subscribed = false,
        _ => {}
    }
}
