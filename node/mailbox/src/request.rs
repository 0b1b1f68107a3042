//! What a mailbox can be asked: one file a request.

use std::sync::Arc;

use hongyan_router::Ask;
use hongyan_types::AccountId;

use crate::entity::MailboxEntity;
use crate::record::done::Outcome;
use crate::view::Known;
use crate::work::{Progress, Step, Stop, Work};
use crate::{Client, FolderView, MailboxError, Permit};

mod append;
mod copy_messages;
mod create_folder;
mod delete_folder;
mod deliver;
mod erase;
mod expunge;
mod folder_orders;
mod get_quota;
mod list_folders;
mod lock_maildrop;
mod move_messages;
mod open_folder;
mod order_folder;
mod recall;
mod rename_folder;
mod replace;
mod restore;
mod set_quota;
mod store_flags;
mod subscribe_folder;
mod touch_folder;
mod update_email;
mod vanished;

pub use append::{Append, AppendMessage, AppendReply};
pub use copy_messages::{CopyMessages, CopyMessagesReply};
pub use create_folder::{CreateFolder, CreateFolderReply};
pub use delete_folder::{DeleteFolder, DeleteFolderReply};
pub use deliver::{Deliver, DeliverReply};
pub use erase::{Erase, EraseReply};
pub use expunge::{Expunge, ExpungeReply};
pub use folder_orders::{FolderOrders, FolderOrdersReply};
pub use get_quota::{GetQuota, GetQuotaReply};
pub use list_folders::{ListFolders, ListFoldersReply};
pub use lock_maildrop::{LockMaildrop, LockMaildropReply};
pub use move_messages::{MoveMessages, MoveMessagesReply};
pub use open_folder::{OpenFolder, OpenFolderReply};
pub use order_folder::{OrderFolder, OrderFolderReply};
pub use recall::{Recall, RecallReply};
pub use rename_folder::{RenameFolder, RenameFolderReply};
pub use replace::{Replace, ReplaceReply};
pub use restore::{Restore, RestoreReply};
pub use set_quota::{SetQuota, SetQuotaReply};
pub use store_flags::{FlagAction, StoreFlags, StoreFlagsReply};
pub use subscribe_folder::{SubscribeFolder, SubscribeFolderReply};
pub use touch_folder::{TouchFolder, TouchFolderReply};
pub use update_email::{UpdateEmail, UpdateEmailReply};
pub use vanished::{Vanished, VanishedReply};

/// Mails of one append that are looked at ahead.
const APPENDED_AHEAD: usize = 8;

/// Any request, with what the asker knows already.
#[derive(Clone)]
pub struct Request {
    pub(crate) body: Body,
    pub(crate) known: Known,
    /// Who asks, where the mailbox is not theirs.
    pub(crate) acting: Option<AccountId>,
    /// Through what.
    pub(crate) client: Client,
    /// What they may do, where that is not everything.
    pub(crate) permit: Option<Arc<Permit>>,
}

macro_rules! requests {
    ($($request:ident => $reply:ident),* $(,)?) => {
        #[derive(Clone)]
        pub(crate) enum Body {
            $($request($request),)*
        }

        /// Any reply.
        pub enum Reply {
            $(
                #[doc = concat!("Of [`", stringify!($request), "`].")]
                $request($reply),
            )*
            /// Of any request that was refused.
            Refused(MailboxError),
        }

        impl Body {
            pub(crate) async fn handle(
                &self,
                work: &mut Work<'_>,
                progress: &mut Progress,
            ) -> Result<Step<Reply>, Stop> {
                match self {
                    $(Self::$request(request) => {
                        Ok(request.handle(work, progress).await?.map(Reply::$request))
                    })*
                }
            }
        }

        $(
            impl Ask for $request {
                type Entity = MailboxEntity;
                type Reply = Result<$reply, MailboxError>;

                fn into_request(self) -> Request {
                    Request {
                        body: Body::$request(self),
                        known: Known::default(),
                        acting: None,
                        client: Client::default(),
                        permit: None,
                    }
                }
                fn from_reply(reply: Reply) -> Option<Self::Reply> {
                    match reply {
                        Reply::$request(reply) => Some(Ok(reply)),
                        Reply::Refused(error) => Some(Err(error)),
                        _ => None,
                    }
                }
            }
        )*
    };
}

requests! {
    Append => AppendReply,
    CopyMessages => CopyMessagesReply,
    CreateFolder => CreateFolderReply,
    DeleteFolder => DeleteFolderReply,
    Deliver => DeliverReply,
    Erase => EraseReply,
    Expunge => ExpungeReply,
    FolderOrders => FolderOrdersReply,
    GetQuota => GetQuotaReply,
    ListFolders => ListFoldersReply,
    LockMaildrop => LockMaildropReply,
    MoveMessages => MoveMessagesReply,
    OpenFolder => OpenFolderReply,
    OrderFolder => OrderFolderReply,
    Recall => RecallReply,
    RenameFolder => RenameFolderReply,
    Replace => ReplaceReply,
    Restore => RestoreReply,
    SetQuota => SetQuotaReply,
    StoreFlags => StoreFlagsReply,
    SubscribeFolder => SubscribeFolderReply,
    TouchFolder => TouchFolderReply,
    UpdateEmail => UpdateEmailReply,
    Vanished => VanishedReply,
}

impl Request {
    /// Octets it will add to a transaction, about.
    pub(crate) fn octets(&self) -> usize {
        match &self.body {
            Body::Deliver(request) => request.message.blob.attach_octets() + crate::work::MAIL_OCTETS,
            Body::Recall(request) => request.notice.blob.attach_octets() + crate::work::MAIL_OCTETS,
            // These look after their own steps.
            _ => 0,
        }
    }
}

impl Body {
    /// Has what it is known to read on its way.
    pub(crate) fn look_ahead(&self, work: &mut Work<'_>) {
        match self {
            Self::Deliver(request) => {
                if let Some(id) = &request.delivery_id {
                    let key = crate::record::key::delivery(work.id, id);
                    work.transaction.look_ahead(&key);
                }
                work.look_ahead_at_mail(&request.message);
            }
            Self::Append(request) => {
                for message in request.messages.iter().take(APPENDED_AHEAD) {
                    work.look_ahead_at_mail(&message.message);
                }
            }
            _ => {}
        }
    }
    /// Whether mails may go with it, so that it is to be noted by whom.
    pub(crate) fn removes(&self) -> bool {
        matches!(
            self,
            Self::Expunge(_) | Self::MoveMessages(_) | Self::UpdateEmail(_) | Self::DeleteFolder(_)
        )
    }
    /// Whether it reads nothing but what is in memory.
    pub(crate) fn reads_memory(&self) -> bool {
        matches!(
            self,
            Self::OpenFolder(_)
                | Self::ListFolders(_)
                | Self::FolderOrders(_)
                | Self::GetQuota(_)
                | Self::LockMaildrop(_)
        )
    }
    /// Whether it depends on what others than the mailbox write, or its answer must be of the owner of this moment: where
    /// the mailbox's own knowledge ends is then not far enough.
    pub(crate) fn looks_at_present(&self) -> bool {
        match self {
            Self::Vanished(_) => true,
            Self::Deliver(request) => request.message.blob.is_uploaded(),
            Self::Append(request) => request
                .messages
                .iter()
                .any(|message| message.message.blob.is_uploaded()),
            Self::Replace(request) => request.message.message.blob.is_uploaded(),
            _ => false,
        }
    }
    /// Whether a repeat must not have a second effect, and is not recognised by what it carries.
    pub(crate) fn is_remembered(&self) -> bool {
        match self {
            Self::Deliver(request) => request.delivery_id.is_none(),
            Self::Erase(_)
            | Self::FolderOrders(_)
            | Self::GetQuota(_)
            | Self::ListFolders(_)
            | Self::LockMaildrop(_)
            | Self::OpenFolder(_)
            | Self::Vanished(_) => false,
            _ => true,
        }
    }
    /// Whether a repeat carries on where the last commit left off. What a request of several transactions shows only with
    /// its last one begins anew.
    pub(crate) fn carries_on(&self) -> bool {
        matches!(
            self,
            Self::CopyMessages(_)
                | Self::MoveMessages(_)
                | Self::StoreFlags(_)
                | Self::Expunge(_)
                | Self::RenameFolder(_)
                | Self::DeleteFolder(_)
        )
    }
    /// The reply to a repeat of a request that did `outcome`.
    pub(crate) fn answer_again(&self, outcome: Outcome, work: &Work<'_>) -> Result<Reply, Stop> {
        Ok(match (self, outcome) {
            (Self::Append(_), Outcome::Appended(reply)) => Reply::Append(reply),
            (Self::Replace(_), Outcome::Appended(appended)) => Reply::Replace(ReplaceReply { appended }),
            (Self::Restore(_), Outcome::Appended(message)) => Reply::Restore(RestoreReply { message }),
            (Self::CopyMessages(_), Outcome::Copied(reply)) => Reply::CopyMessages(reply),
            (Self::MoveMessages(request), Outcome::Copied(moved)) => {
                let view = work.view(request.from)?;
                Reply::MoveMessages(MoveMessagesReply { moved, view })
            }
            (Self::StoreFlags(request), Outcome::Stored(modified)) => {
                let view = work.view(request.folder)?;
                Reply::StoreFlags(StoreFlagsReply { modified, view })
            }
            (Self::Expunge(request), Outcome::Expunged(expunged, modseq)) => Reply::Expunge(ExpungeReply {
                expunged,
                modseq,
                view: work.view(request.folder)?,
            }),
            (Self::CreateFolder(_), Outcome::Created(folder)) => {
                let folder = work.state.info(folder).ok_or(MailboxError::NoSuchFolder)?;
                Reply::CreateFolder(CreateFolderReply { folder })
            }
            (Self::Deliver(_), Outcome::Delivered(reply)) => Reply::Deliver(reply),
            (Self::DeleteFolder(_), Outcome::Nothing) => Reply::DeleteFolder(DeleteFolderReply),
            (Self::OrderFolder(_), Outcome::Nothing) => Reply::OrderFolder(OrderFolderReply),
            (Self::RenameFolder(_), Outcome::Nothing) => Reply::RenameFolder(RenameFolderReply),
            (Self::SubscribeFolder(_), Outcome::Nothing) => Reply::SubscribeFolder(SubscribeFolderReply),
            (Self::TouchFolder(_), Outcome::Nothing) => Reply::TouchFolder(TouchFolderReply),
            (Self::SetQuota(_), Outcome::Nothing) => Reply::SetQuota(SetQuotaReply),
            (Self::Recall(_), Outcome::Nothing) => Reply::Recall(RecallReply { was_read: false }),
            (Self::UpdateEmail(_), Outcome::Nothing) => Reply::UpdateEmail(UpdateEmailReply),
            _ => {
                tracing::error!("a request id was used for two requests");
                return Err(MailboxError::Unavailable.into());
            }
        })
    }
    /// What is to be remembered of the request once it was answered with `reply`. Deliveries that carry an id of their own
    /// are remembered under that; what changes nothing is simply done again.
    pub(crate) fn outcome(&self, reply: &Reply) -> Option<Outcome> {
        Some(match reply {
            Reply::Append(reply) => Outcome::Appended(reply.clone()),
            Reply::Replace(reply) => Outcome::Appended(reply.appended.clone()),
            Reply::Restore(reply) => Outcome::Appended(reply.message.clone()),
            Reply::CopyMessages(reply) => Outcome::Copied(reply.clone()),
            Reply::MoveMessages(reply) => Outcome::Copied(reply.moved.clone()),
            Reply::StoreFlags(reply) => Outcome::Stored(reply.modified.clone()),
            Reply::Expunge(reply) => Outcome::Expunged(reply.expunged.clone(), reply.modseq),
            Reply::CreateFolder(reply) => Outcome::Created(reply.folder.id),
            Reply::Deliver(reply) => match self {
                Self::Deliver(request) if request.delivery_id.is_none() => Outcome::Delivered(*reply),
                _ => return None,
            },
            Reply::DeleteFolder(_)
            | Reply::OrderFolder(_)
            | Reply::RenameFolder(_)
            | Reply::SubscribeFolder(_)
            | Reply::SetQuota(_)
            | Reply::TouchFolder(_)
            | Reply::UpdateEmail(_) => Outcome::Nothing,
            Reply::Recall(reply) if !reply.was_read => Outcome::Nothing,
            _ => return None,
        })
    }
}

impl Reply {
    /// The view in it, if it has one.
    pub(crate) fn view_mut(&mut self) -> Option<&mut FolderView> {
        match self {
            Self::Expunge(reply) => Some(&mut reply.view),
            Self::MoveMessages(reply) => Some(&mut reply.view),
            Self::OpenFolder(reply) => Some(&mut reply.view),
            Self::StoreFlags(reply) => Some(&mut reply.view),
            _ => None,
        }
    }
}

/// A request whose reply has a view of a folder, from an asker that has an earlier one: from another node only what
/// came since is sent.
#[derive(Debug, Clone)]
pub struct Knowing<R> {
    request: R,
    known: Known,
}

macro_rules! knowing {
    ($($request:ident),*) => {$(
        impl $request {
            /// The request of an asker that has `view` of the folder.
            #[must_use]
            pub fn knowing(self, view: &FolderView) -> Knowing<Self> {
                Knowing {
                    request: self,
                    known: Known::from(view),
                }
            }
        }

        impl Ask for Knowing<$request> {
            type Entity = MailboxEntity;
            type Reply = <$request as Ask>::Reply;

            fn into_request(self) -> Request {
                Request {
                    known: self.known,
                    ..self.request.into_request()
                }
            }
            fn from_reply(reply: Reply) -> Option<Self::Reply> {
                <$request as Ask>::from_reply(reply)
            }
        }
    )*};
}
knowing!(Expunge, MoveMessages, OpenFolder, StoreFlags);
