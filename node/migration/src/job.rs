//! The work on one account: the source is looked over, and what is missing here comes, folder by folder, a few messages at a
//! time, each few noted before the next.

mod imap;
mod pop3;

use hongyan_blob::BlobStore;
use hongyan_directory::Directory;
use hongyan_mailbox::{FolderId, MailboxId, NewMessage};
use hongyan_router::Router;
use hongyan_sasl::Secret;
use hongyan_types::{Flag, Timestamp};

use crate::dial::Dialer;
use crate::failure::Failure;
use crate::imap::SignIn;
use crate::ledger::{Entry, Ledger};
use crate::target::{Incoming, Likeness, Search, Target};
use crate::{Delegation, Migration, Moving, MovingState, Protocol};

pub(crate) struct Job {
    pub(crate) dialer: Dialer,
    pub(crate) directory: Directory,
    pub(crate) router: Router,
    pub(crate) blobs: BlobStore,
    pub(crate) ledger: Ledger,
    pub(crate) migration: Migration,
    pub(crate) password: Secret,
}

/// What is known of a message that came.
struct Arrived<'a> {
    message: NewMessage,
    flags: Vec<Flag>,
    date: Option<Timestamp>,
    /// By what the source names it.
    name: &'a [u8],
    folder: FolderId,
    everywhere: bool,
}

impl Job {
    /// Works until all is here, or something is in the way.
    pub(crate) async fn run(&self) -> Result<Moving, Failure> {
        let now = self.directory.now();
        let moving = self
            .ledger
            .change(|moving| {
                moving.state = MovingState::Preparing;
                moving.since = moving.since.or(Some(now));
            })
            .await?;
        let account = self.directory.account(self.ledger.account).await;
        let account = account.map_err(|error| Failure::Target(error.to_string()))?;
        let account = account.filter(|account| account.tenant == self.migration.tenant);
        let account = account.ok_or(Failure::Gone)?;
        let mailbox = MailboxId {
            tenant: account.tenant,
            account: account.id,
        };
        let since = moving.since.unwrap_or(now);
        match self.migration.source.protocol {
            Protocol::Imap => self.run_imap(&moving, mailbox, since).await?,
            Protocol::Pop3 => self.run_pop3(&moving, mailbox, since).await?,
        }
        let finished = self.directory.now();
        self.ledger
            .change(|moving| {
                moving.state = MovingState::Done;
                moving.ready = None;
                moving.reason = String::new();
                moving.finished = Some(finished);
            })
            .await
    }

    fn sign_in<'a>(&'a self, moving: &'a Moving) -> SignIn<'a> {
        let delegated = self.migration.delegated.as_ref();
        SignIn {
            login: &moving.login,
            password: &self.password,
            delegated: delegated.map(|(admin, form): &(String, Delegation)| (admin.as_str(), *form)),
        }
    }

    /// Puts a message that came into its folder, unless it is here.
    async fn take(&self, target: &mut Target, arrived: Arrived<'_>, entry: &mut Entry) -> Result<(), Failure> {
        let likeness = Likeness::new(arrived.message.octets().0, &arrived.message.structure.envelope);
        let search = Search {
            folder: arrived.folder,
            everywhere: arrived.everywhere,
            internal_secs: arrived.date.map(Timestamp::secs),
        };
        if target.has(&likeness, search).await? {
            entry.present += 1;
            return Ok(());
        }
        let (id, account) = (self.ledger.id.0.to_be_bytes(), self.ledger.account.0.to_be_bytes());
        let incoming = Incoming {
            name: crate::ledger::hash(&[b"migration".as_slice(), &id, &account, arrived.name].concat()),
            message: arrived.message,
            flags: arrived.flags,
            date: arrived.date,
        };
        target.put(arrived.folder, &incoming).await?;
        entry.imported += 1;
        Ok(())
    }
}
