//! Replies as they travel.

use std::sync::Arc;

use hongyan_actor::WireError;
use hongyan_types::{ModSeq, Uid, UidSet, UidValidity};
use serde::{Deserialize, Serialize};

use super::value::{Wired, wired};
use super::view::{self, GroupPart, Parts, ViewWire};
use crate::request::Reply;
use crate::view::Mark;
use crate::{
    AppendReply, CopyMessagesReply, CreateFolderReply, DeleteFolderReply, DeliverReply, EmailId, EraseReply,
    ExpungeReply, FolderId, FolderInfo, FolderOrdersReply, FolderPath, FolderView, GetQuotaReply, ListFoldersReply,
    LockMaildropReply, MailboxError, MoveMessagesReply, OpenFolderReply, OrderFolderReply, Quota, RecallReply,
    RenameFolderReply, ReplaceReply, RestoreReply, SetQuotaReply, StoreFlagsReply, SubscribeFolderReply,
    TouchFolderReply, UpdateEmailReply, VanishedReply,
};

wired! {
    AppendReply { folder: FolderId, uid_validity: UidValidity, uids: Vec<Uid>, emails: Vec<EmailId> }
    CreateFolderReply { folder: FolderInfo }
    DeleteFolderReply {}
    DeliverReply { folder: FolderId, uid_validity: UidValidity, uid: Uid, email: EmailId, is_repeat: bool }
    EraseReply {}
    FolderOrdersReply { orders: Vec<(FolderId, u32)> }
    GetQuotaReply { quota: Quota }
    ListFoldersReply { folders: Arc<Vec<FolderInfo>>, subscribed_missing: Vec<FolderPath>, modseq: ModSeq }
    LockMaildropReply {}
    OrderFolderReply {}
    RecallReply { was_read: bool }
    RenameFolderReply {}
    ReplaceReply { appended: AppendReply }
    RestoreReply { message: AppendReply }
    SetQuotaReply {}
    SubscribeFolderReply {}
    TouchFolderReply {}
    UpdateEmailReply {}
    VanishedReply { uids: Option<UidSet> }
}

type Wire<T> = <T as Wired>::Wire;

/// A reply as it travels. New kinds at the end.
#[derive(Serialize, Deserialize)]
pub(super) enum ReplyWire {
    Refused(Wire<MailboxError>),
    Append(Wire<AppendReply>),
    CopyMessages(Wire<CopyMessagesReply>),
    CreateFolder(Wire<CreateFolderReply>),
    DeleteFolder(Wire<DeleteFolderReply>),
    Deliver(Wire<DeliverReply>),
    Erase(Wire<EraseReply>),
    Expunge(Wire<UidSet>, Wire<ModSeq>, ViewWire),
    GetQuota(Wire<GetQuotaReply>),
    ListFolders(Wire<ListFoldersReply>),
    LockMaildrop(Wire<LockMaildropReply>),
    MoveMessages(Wire<CopyMessagesReply>, ViewWire),
    OpenFolder(Wire<FolderInfo>, ViewWire),
    RenameFolder(Wire<RenameFolderReply>),
    Replace(Wire<ReplaceReply>),
    SetQuota(Wire<SetQuotaReply>),
    StoreFlags(Wire<UidSet>, ViewWire),
    SubscribeFolder(Wire<SubscribeFolderReply>),
    Vanished(Wire<VanishedReply>),
    UpdateEmail(Wire<UpdateEmailReply>),
    OrderFolder(Wire<OrderFolderReply>),
    Restore(Wire<RestoreReply>),
    FolderOrders(Wire<FolderOrdersReply>),
    Recall(Wire<RecallReply>),
    TouchFolder(Wire<TouchFolderReply>),
}

/// `reply` for an asker that has come to `mark`, with the first part of its view, and the parts after that.
// Replies that say nothing but "done" travel as a unit.
#[allow(clippy::unit_arg)]
pub(super) fn write(reply: &Reply, mark: Option<Mark>) -> (ReplyWire, Option<Parts>) {
    let mut parts = None;
    let mut view = |newer: &FolderView| {
        let (wire, later) = view::write(newer, mark);
        parts = Some(later);
        wire
    };
    let wire = match reply {
        Reply::Refused(error) => ReplyWire::Refused(error.write()),
        Reply::Append(reply) => ReplyWire::Append(reply.write()),
        Reply::CopyMessages(reply) => ReplyWire::CopyMessages(reply.write()),
        Reply::CreateFolder(reply) => ReplyWire::CreateFolder(reply.write()),
        Reply::DeleteFolder(reply) => ReplyWire::DeleteFolder(reply.write()),
        Reply::Deliver(reply) => ReplyWire::Deliver(reply.write()),
        Reply::Erase(reply) => ReplyWire::Erase(reply.write()),
        Reply::Expunge(reply) => ReplyWire::Expunge(reply.expunged.write(), reply.modseq.write(), view(&reply.view)),
        Reply::GetQuota(reply) => ReplyWire::GetQuota(reply.write()),
        Reply::ListFolders(reply) => ReplyWire::ListFolders(reply.write()),
        Reply::LockMaildrop(reply) => ReplyWire::LockMaildrop(reply.write()),
        Reply::MoveMessages(reply) => ReplyWire::MoveMessages(reply.moved.write(), view(&reply.view)),
        Reply::OpenFolder(reply) => ReplyWire::OpenFolder(reply.info.write(), view(&reply.view)),
        Reply::RenameFolder(reply) => ReplyWire::RenameFolder(reply.write()),
        Reply::Replace(reply) => ReplyWire::Replace(reply.write()),
        Reply::SetQuota(reply) => ReplyWire::SetQuota(reply.write()),
        Reply::StoreFlags(reply) => ReplyWire::StoreFlags(reply.modified.write(), view(&reply.view)),
        Reply::SubscribeFolder(reply) => ReplyWire::SubscribeFolder(reply.write()),
        Reply::Vanished(reply) => ReplyWire::Vanished(reply.write()),
        Reply::UpdateEmail(reply) => ReplyWire::UpdateEmail(reply.write()),
        Reply::OrderFolder(reply) => ReplyWire::OrderFolder(reply.write()),
        Reply::Restore(reply) => ReplyWire::Restore(reply.write()),
        Reply::FolderOrders(reply) => ReplyWire::FolderOrders(reply.write()),
        Reply::Recall(reply) => ReplyWire::Recall(reply.write()),
        Reply::TouchFolder(reply) => ReplyWire::TouchFolder(reply.write()),
    };
    (wire, parts)
}

/// The reply to an asker that has `known`; `later` are the parts of its view after the first.
pub(super) fn read(wire: ReplyWire, later: Vec<GroupPart>, known: Option<&FolderView>) -> Result<Reply, WireError> {
    let view = |wire: ViewWire| view::read(wire, later, known);
    Ok(match wire {
        ReplyWire::Refused(wire) => Reply::Refused(Wired::read(wire)?),
        ReplyWire::Append(wire) => Reply::Append(Wired::read(wire)?),
        ReplyWire::CopyMessages(wire) => Reply::CopyMessages(Wired::read(wire)?),
        ReplyWire::CreateFolder(wire) => Reply::CreateFolder(Wired::read(wire)?),
        ReplyWire::DeleteFolder(wire) => Reply::DeleteFolder(Wired::read(wire)?),
        ReplyWire::Deliver(wire) => Reply::Deliver(Wired::read(wire)?),
        ReplyWire::Erase(wire) => Reply::Erase(Wired::read(wire)?),
        ReplyWire::Expunge(expunged, modseq, wire) => Reply::Expunge(ExpungeReply {
            expunged: Wired::read(expunged)?,
            modseq: Wired::read(modseq)?,
            view: view(wire)?,
        }),
        ReplyWire::GetQuota(wire) => Reply::GetQuota(Wired::read(wire)?),
        ReplyWire::ListFolders(wire) => Reply::ListFolders(Wired::read(wire)?),
        ReplyWire::LockMaildrop(wire) => Reply::LockMaildrop(Wired::read(wire)?),
        ReplyWire::MoveMessages(moved, wire) => Reply::MoveMessages(MoveMessagesReply {
            moved: Wired::read(moved)?,
            view: view(wire)?,
        }),
        ReplyWire::OpenFolder(info, wire) => Reply::OpenFolder(OpenFolderReply {
            info: Wired::read(info)?,
            view: view(wire)?,
        }),
        ReplyWire::RenameFolder(wire) => Reply::RenameFolder(Wired::read(wire)?),
        ReplyWire::Replace(wire) => Reply::Replace(Wired::read(wire)?),
        ReplyWire::SetQuota(wire) => Reply::SetQuota(Wired::read(wire)?),
        ReplyWire::StoreFlags(modified, wire) => Reply::StoreFlags(StoreFlagsReply {
            modified: Wired::read(modified)?,
            view: view(wire)?,
        }),
        ReplyWire::SubscribeFolder(wire) => Reply::SubscribeFolder(Wired::read(wire)?),
        ReplyWire::Vanished(wire) => Reply::Vanished(Wired::read(wire)?),
        ReplyWire::UpdateEmail(wire) => Reply::UpdateEmail(Wired::read(wire)?),
        ReplyWire::OrderFolder(wire) => Reply::OrderFolder(Wired::read(wire)?),
        ReplyWire::Restore(wire) => Reply::Restore(Wired::read(wire)?),
        ReplyWire::Recall(wire) => Reply::Recall(Wired::read(wire)?),
        ReplyWire::TouchFolder(wire) => Reply::TouchFolder(Wired::read(wire)?),
        ReplyWire::FolderOrders(wire) => Reply::FolderOrders(Wired::read(wire)?),
    })
}
