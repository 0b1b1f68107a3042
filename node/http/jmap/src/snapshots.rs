//! Snapshots kept between requests, those used last; a request brings its mailbox's up to date.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use hongyan_actor::Entity;
use hongyan_mailbox::{
    EmailId, FolderInfo, FolderOrders, FolderView, ListFolders, ListFoldersReply, MailboxError, MailboxId, OpenFolder,
};
use hongyan_router::Ask;
use hongyan_types::ModSeq;
use parking_lot::Mutex;

use crate::account::Account;
use crate::email::Digests;
use crate::error::Outcome;
use crate::jmap::Jmap;
use crate::settings::JmapSettings;
use crate::snapshot::Snapshot;

/// How often folders are looked at again because they changed meanwhile.
const LOOKS_MAX: usize = 4;
/// Digests of emails that are gone which a mailbox may have beside as many as it has emails.
const DIGESTS_SPARE: usize = 1_024;

/// What is kept of a mailbox.
#[derive(Clone)]
pub(crate) struct Kept {
    pub(crate) snapshot: Snapshot,
    /// What queries look at in the mails themselves.
    pub(crate) digests: Arc<Digests>,
}

/// One mailbox's place. One request at a time brings it up to date; the others wait and have it then.
#[derive(Default)]
pub(crate) struct Slot {
    kept: tokio::sync::Mutex<Option<Kept>>,
}

/// The results of a query, in order, of a mailbox from one moment on until something happens that may change them.
struct List {
    mailbox: MailboxId,
    since: ModSeq,
    query: String,
    emails: Arc<Vec<EmailId>>,
}

/// All that is kept.
pub(crate) struct Snapshots {
    table: Mutex<Table>,
    /// Results of queries, those used last at the end: the next page of a list costs no sorting.
    lists: Mutex<VecDeque<List>>,
    list_ids_max: usize,
    mailboxes_max: usize,
    messages_max: usize,
}

#[derive(Default)]
struct Table {
    slots: BTreeMap<MailboxId, Entry>,
    /// Counts uses, so that the longest unused is known.
    clock: u64,
    messages: usize,
}

struct Entry {
    slot: Arc<Slot>,
    used: u64,
    messages: usize,
}

impl Snapshots {
    pub(crate) fn new(settings: &JmapSettings) -> Self {
        Self {
            table: Mutex::default(),
            lists: Mutex::default(),
            list_ids_max: settings.list_ids_max,
            mailboxes_max: settings.snapshots_max,
            messages_max: settings.snapshot_messages_max,
        }
    }
    fn slot(&self, mailbox: MailboxId) -> Arc<Slot> {
        let mut table = self.table.lock();
        table.clock += 1;
        let used = table.clock;
        let entry = table.slots.entry(mailbox).or_insert_with(|| Entry {
            slot: Arc::default(),
            used,
            messages: 0,
        });
        entry.used = used;
        Arc::clone(&entry.slot)
    }
    /// The results of a query of the mailbox since this moment, if they are known.
    pub(crate) fn list(&self, mailbox: MailboxId, since: ModSeq, query: &str) -> Option<Arc<Vec<EmailId>>> {
        let mut lists = self.lists.lock();
        let is_it = |list: &List| list.mailbox == mailbox && list.since == since && list.query == query;
        let found = lists.iter().position(is_it)?;
        let list = lists.remove(found)?;
        let emails = Arc::clone(&list.emails);
        lists.push_back(list);
        Some(emails)
    }
    /// Keeps the results of a query of the mailbox since this moment; older ones of the same query, and those longest
    /// unused, go.
    pub(crate) fn keep_list(&self, mailbox: MailboxId, since: ModSeq, query: String, emails: &Arc<Vec<EmailId>>) {
        let mut lists = self.lists.lock();
        lists.retain(|list| list.mailbox != mailbox || list.query != query);
        lists.push_back(List {
            mailbox,
            since,
            query,
            emails: Arc::clone(emails),
        });
        let mut ids: usize = lists.iter().map(|list| list.emails.len()).sum();
        while ids > self.list_ids_max {
            let Some(gone) = lists.pop_front() else { break };
            ids -= gone.emails.len();
        }
    }
    /// Notes how large a mailbox's snapshot is, and lets go of those longest unused while there is too much.
    fn note(&self, mailbox: MailboxId, messages: usize) {
        let mut table = self.table.lock();
        let Some(entry) = table.slots.get_mut(&mailbox) else {
            return;
        };
        let before = std::mem::replace(&mut entry.messages, messages);
        table.messages = table.messages + messages - before;
        while (table.messages > self.messages_max || table.slots.len() > self.mailboxes_max) && table.slots.len() > 1 {
            let oldest = table
                .slots
                .iter()
                .min_by_key(|(_, entry)| entry.used)
                .map(|(id, _)| *id);
            let Some(gone) = oldest.and_then(|id| table.slots.remove(&id)) else {
                return;
            };
            table.messages -= gone.messages;
        }
    }
}

impl Jmap {
    /// Asks a mailbox.
    pub(crate) async fn ask<R, T>(&self, mailbox: MailboxId, request: R) -> Outcome<Result<T, MailboxError>>
    where
        R: Ask<Reply = Result<T, MailboxError>>,
        R::Entity: Entity<Key = MailboxId>,
    {
        let within = self.settings.ask_timeout;
        Ok(self.services.router.ask(&mailbox, request, within).await?)
    }
    /// What the caller may see of the mailbox as it is now.
    pub(crate) async fn snapshot(&self, account: &Account) -> Outcome<Snapshot> {
        Ok(self.kept(account).await?.snapshot)
    }
    /// What the caller may see of the mailbox as it is now, and what is kept with it.
    pub(crate) async fn kept(&self, account: &Account) -> Outcome<Kept> {
        let kept = self.whole(account.mailbox).await?;
        Ok(match &account.reach {
            None => kept,
            Some(reach) => Kept {
                snapshot: kept.snapshot.within(reach),
                ..kept
            },
        })
    }
    async fn whole(&self, mailbox: MailboxId) -> Outcome<Kept> {
        let slot = self.snapshots.slot(mailbox);
        let mut kept = slot.kept.lock().await;
        let old = kept.clone().unwrap_or_else(|| Kept {
            snapshot: Snapshot::empty(),
            digests: Arc::default(),
        });
        let is_new = kept.is_none();
        let list = self.list(mailbox).await?;
        if !is_new && list.modseq == old.snapshot.modseq {
            return Ok(old);
        }
        let snapshot = self.follow(mailbox, &old.snapshot, list).await?;
        self.snapshots.note(mailbox, snapshot.len());
        let new = Kept {
            snapshot,
            digests: old.digests,
        };
        *kept = Some(new.clone());
        Ok(new)
    }
    /// The mailbox as it is now, with where its folders stand.
    pub(crate) async fn snapshot_in_order(&self, account: &Account) -> Outcome<Snapshot> {
        let mut snapshot = self.snapshot(account).await?;
        // A node of the release before does not know: then it is as if nobody had said anything.
        if let Ok(reply) = self.ask(account.mailbox, FolderOrders).await? {
            snapshot.orders = Arc::new(reply.orders.into_iter().collect());
        }
        Ok(snapshot)
    }
    /// Keeps digests with a mailbox for later requests; where most of them are of emails that are gone, without those.
    pub(crate) async fn keep_digests(&self, mailbox: MailboxId, digests: &Arc<Digests>) {
        let slot = self.snapshots.slot(mailbox);
        if let Some(kept) = slot.kept.lock().await.as_mut() {
            kept.digests = match digests.len() <= kept.snapshot.len() * 2 + DIGESTS_SPARE {
                true => Arc::clone(digests),
                false => Arc::new(digests.of_emails(kept.snapshot.emails())),
            };
        }
    }

    async fn list(&self, mailbox: MailboxId) -> Outcome<ListFoldersReply> {
        let within = self.settings.ask_timeout;
        Ok(self.services.router.ask(&mailbox, ListFolders, within).await??)
    }
    /// The state told is that of the last list: what was opened after it may be newer, never older.
    async fn follow(&self, mailbox: MailboxId, old: &Snapshot, list: ListFoldersReply) -> Outcome<Snapshot> {
        let mut list = list;
        let mut snapshot = old.clone();
        for look in 1..=LOOKS_MAX {
            let mut views = Vec::new();
            for folder in list.folders.iter() {
                if let Some(view) = self.open(mailbox, &snapshot, folder).await? {
                    views.push(view);
                }
            }
            let is_one_moment = views.iter().all(|view| view.modseq() <= list.modseq);
            snapshot = snapshot.next(list.modseq, Arc::clone(&list.folders), views);
            if is_one_moment || look == LOOKS_MAX {
                break;
            }
            list = self.list(mailbox).await?;
        }
        Ok(snapshot)
    }
    /// The folder's view, if `snapshot` does not have it as it is.
    async fn open(&self, mailbox: MailboxId, snapshot: &Snapshot, folder: &FolderInfo) -> Outcome<Option<FolderView>> {
        let known = snapshot.view(folder.id);
        // The first commit of a mailbox has the modseq that its folders begin with.
        let is_known = known.is_some_and(|view| {
            view.uid_validity() == folder.uid_validity
                && view.highest_modseq() >= folder.highest_modseq
                && view.uid_next() == folder.uid_next
                && view.len() as u64 == folder.messages
        });
        if is_known {
            return Ok(None);
        }
        let request = OpenFolder {
            folder: folder.id.into(),
        };
        let (router, within) = (&self.services.router, self.settings.ask_timeout);
        let opened = match known {
            Some(view) => router.ask(&mailbox, request.knowing(view), within).await?,
            None => router.ask(&mailbox, request, within).await?,
        };
        match opened {
            Ok(reply) => Ok(Some(reply.view)),
            // Deleted since it was listed; the next list says so.
            Err(MailboxError::NoSuchFolder) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
