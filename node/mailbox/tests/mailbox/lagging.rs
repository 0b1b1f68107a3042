//! A session on another node reads what it was told of, on a store whose read versions lag.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use hongyan_kv::{Backend, BackendTransaction, CommitVersion, Database};
use hongyan_mailbox::*;
use hongyan_memory::MemoryStore;

use crate::harness::{Bench, ID, with_mailbox};

const HELLO: &str = "Subject: hello\r\n\r\nhello\r\n";

/// A way to the store that reads at the version at which it was made, until it hears of a later one.
struct Lagging {
    store: MemoryStore,
    version: CommitVersion,
    /// Transactions of that time.
    old: Mutex<Vec<Box<dyn BackendTransaction>>>,
    /// Transactions that asked for the present version.
    present: Arc<AtomicU64>,
}

impl Lagging {
    async fn open(store: &MemoryStore) -> (Database, Arc<AtomicU64>) {
        let mut old: Vec<_> = (0..10).map(|_| store.begin()).collect();
        let mut version = CommitVersion(0);
        for transaction in &mut old {
            version = transaction.read_version().await.unwrap();
        }
        let present = Arc::<AtomicU64>::default();
        let lagging = Self {
            store: store.clone(),
            version,
            old: Mutex::new(old),
            present: Arc::clone(&present),
        };
        (Database::new(lagging), present)
    }
}

impl Backend for Lagging {
    fn begin(&self) -> Box<dyn BackendTransaction> {
        self.present.fetch_add(1, Ordering::SeqCst);
        self.store.begin()
    }
    fn begin_recent(&self) -> Box<dyn BackendTransaction> {
        self.old.lock().unwrap().pop().unwrap_or_else(|| self.store.begin())
    }
    fn heard(&self, version: CommitVersion) {
        if version > self.version {
            self.old.lock().unwrap().clear();
        }
    }
}

async fn read(bench: &Bench, database: &Database, mails: &[EmailId]) -> usize {
    let read = read_emails(database, ID, mails).await.unwrap();
    for id in mails {
        assert!(read_email(database, ID, *id).await.unwrap().is_some());
    }
    assert_eq!(bench.view(FolderRef::INBOX).await.len(), mails.len());
    read.into_iter().flatten().count()
}

#[test]
fn a_session_on_another_node_finds_what_it_was_told_of() {
    with_mailbox(MailboxOptions::default(), async |bench| {
        let mut mails = vec![bench.deliver(HELLO, None).await.unwrap().email];
        let mut hints = bench.router.subscribe(&ID);
        for heard in [true, false] {
            let (database, present) = Lagging::open(&bench.store).await;
            assert_eq!(read(&bench, &database, &mails).await, mails.len());
            assert_eq!(present.load(Ordering::SeqCst), 0, "a moment ago is good enough");
            mails.push(bench.deliver(HELLO, None).await.unwrap().email);
            let modseq = hints.changed().await;
            let hint = hints.hint();
            assert_eq!(hint.number, modseq);
            if heard {
                database.heard(CommitVersion(hint.commit_version));
            }
            assert_eq!(read(&bench, &database, &mails).await, mails.len());
            // Who was not told looks again before a mail is taken for gone.
            assert_eq!(present.load(Ordering::SeqCst) == 0, heard);
        }
    });
}

#[test]
fn a_commit_in_doubt_is_told_of_with_a_version_at_which_it_is_seen() {
    with_mailbox(MailboxOptions::default(), async |bench| {
        bench.deliver(HELLO, None).await.unwrap();
        let hints = bench.router.subscribe(&ID);
        let (database, present) = Lagging::open(&bench.store).await;
        bench.store.fail_next(hongyan_memory::Fault::UnknownApplied);
        let mail = bench.deliver(HELLO, None).await.unwrap().email;
        database.heard(CommitVersion(hints.hint().commit_version));
        assert!(read_email(&database, ID, mail).await.unwrap().is_some());
        assert_eq!(present.load(Ordering::SeqCst), 0);
    });
}
