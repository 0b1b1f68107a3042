//! The mailbox entity: folders, messages, flags, change log, quota.
//!
//! A mailbox is the only writer of its keys. Callers ask it through the router, one file a request in `request/`; mails
//! and their structure they read straight from storage ([`read_email`], the blob store). Its log is its truth: a commit
//! writes one log entry, and what a mailbox holds in memory is a snapshot with the log's tail applied.

mod act;
mod change;
mod changes;
mod checkpoint;
mod email;
mod entity;
mod error;
mod folder_info;
mod folder_path;
mod id;
mod keyword_table;
mod load;
mod message;
mod options;
mod permit;
mod purged;
mod quota;
mod record;
mod removal;
mod request;
pub mod search;
mod special_use;
mod state;
mod summary;
mod view;
mod wire;
mod work;

pub use act::{Act, ActId, ActKind, Acting, read_acts};
pub use changes::{Changes, ChangesSpan, read_changes};
pub use email::{
    Email, EmailBytes, look_ahead_at_emails, read_conversation, read_email, read_email_bytes_in, read_emails,
    read_emails_in,
};
pub use entity::{MailboxEntity, MailboxServices};
pub use error::MailboxError;
pub use folder_info::{FolderInfo, FolderRef};
pub use folder_path::{
    FOLDER_LEVELS_MAX, FOLDER_NAME_OCTETS_MAX, FOLDERS_MAX, FolderPath, FolderPathError, INBOX, SEPARATOR,
};
pub use id::{DeliveryId, EmailId, FolderId, MailboxId, ThreadId};
pub use keyword_table::{KeywordId, KeywordSet, KeywordTable};
pub use message::{MessageWriter, NewMessage};
pub use options::{ACTS_KEPT, DELIVERY_ID_KEPT, KEYWORDS_OF_MESSAGE_LIMIT, MailboxOptions, SUBSCRIPTIONS_MAX};
pub use permit::Permit;
pub use purged::{Purged, PurgedId, read_purged};
pub use quota::{Quota, QuotaLimits};
pub use removal::{Client, Removal, RemovedMail, is_recoverable, read_removals};
pub use request::*;
pub use special_use::SpecialUse;
pub use summary::{BeginSum, SUMMARY_EMAILS, SUMMARY_OCTETS_MAX, Sum, SummaryDraft, read_summaries, summary_of};
pub use view::{Difference, FolderView, Known, MessageEntry};
pub use work::right_to;
