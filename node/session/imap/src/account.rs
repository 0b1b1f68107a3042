//! Who is signed in, and what of the mailbox IMAP clients may see (ACC-10).

use hongyan_access::{Identity, SessionPermit};
use hongyan_directory::FetchRange;
use hongyan_env::Env;
use hongyan_mailbox::{FolderView, MailboxId};
use hongyan_types::{Timestamp, UidSet};

/// A signed-in account and its place among the account's sessions.
pub(crate) struct Account {
    pub(crate) mailbox: MailboxId,
    pub(crate) range: FetchRange,
    /// Whether it may look and change nothing (AUTH-21).
    pub(crate) read_only: bool,
    pub(crate) permit: SessionPermit,
}

impl Account {
    pub(crate) fn new(identity: &Identity, permit: SessionPermit) -> Self {
        Self {
            mailbox: MailboxId {
                tenant: identity.account.tenant,
                account: identity.account.id,
            },
            range: identity.account.settings.imap_range,
            read_only: identity.is_read_only(),
            permit,
        }
    }

    /// The messages of `view` that are older than the account's range; they stay hidden while the folder is selected.
    pub(crate) fn hidden(&self, view: &FolderView, env: &Env) -> UidSet {
        let now = Timestamp {
            millis: env.wall_millis(),
        };
        let Some(since) = self.range.since(now) else {
            return UidSet::new();
        };
        view.iter()
            .filter(|entry| entry.internal_date < since)
            .map(|entry| entry.uid)
            .collect()
    }
}
