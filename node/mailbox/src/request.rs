//! What a mailbox can be asked: one file a request.

mod append;
mod copy_messages;
mod create_folder;
mod delete_folder;
mod deliver;
mod erase;
mod expunge;
mod get_quota;
mod list_folders;
mod lock_maildrop;
mod move_messages;
mod open_folder;
mod rename_folder;
mod replace;
mod set_quota;
mod store_flags;
mod subscribe_folder;
mod vanished;

pub use append::{Append, AppendMessage, AppendReply};
pub use copy_messages::{CopyMessages, CopyMessagesReply};
pub use create_folder::{CreateFolder, CreateFolderReply};
pub use delete_folder::{DeleteFolder, DeleteFolderReply};
pub use deliver::{Deliver, DeliverReply};
pub use erase::{Erase, EraseReply};
pub use expunge::{Expunge, ExpungeReply};
pub use get_quota::{GetQuota, GetQuotaReply};
pub use list_folders::{ListFolders, ListFoldersReply};
pub use lock_maildrop::{LockMaildrop, LockMaildropReply};
pub use move_messages::{MoveMessages, MoveMessagesReply};
pub use open_folder::{OpenFolder, OpenFolderReply};
pub use rename_folder::{RenameFolder, RenameFolderReply};
pub use replace::{Replace, ReplaceReply};
pub use set_quota::{SetQuota, SetQuotaReply};
pub use store_flags::{FlagAction, StoreFlags, StoreFlagsReply};
pub use subscribe_folder::{SubscribeFolder, SubscribeFolderReply};
pub use vanished::{Vanished, VanishedReply};
