//! A node in miniature, for tests of sessions: one account on real mailboxes over the memory store, and a real port.
//!
//! Whatever fails here fails the test that asked for it, so nothing returns an error. No production crate uses it.

mod oauth;
mod organisation;

use std::sync::Arc;
use std::time::Duration;

use hongyan_access::{Access, AccessOptions};
use hongyan_actor::{Arbiters, EntityOptions};
use hongyan_blob::{BlobOptions, BlobStore, Sources};
use hongyan_directory::{AccountSettings, Directory, DirectoryOptions, ForgetPerson, NewAccount};
use hongyan_env::Env;
use hongyan_kv::Database;
use hongyan_listener::{ConnectionLimits, Listener, ListenerParts, ListenerSettings, Service, TlsMode};
use hongyan_mailbox::{
    Append, AppendMessage, BeginSum, FolderRef, MailboxEntity, MailboxId, MailboxOptions, MailboxServices,
    MessageWriter,
};
use hongyan_memory::MemoryStore;
use hongyan_router::Router;
use hongyan_sasl::Secret;
use hongyan_types::{Address, Timestamp};

pub use oauth::tokens;
pub use organisation::Organisation;

/// The account, and its login name.
pub const USER: &str = "anna@example.test";
/// Its password.
pub const PASSWORD: &str = "pass";
/// How long an answer may take.
pub const WITHIN: Duration = Duration::from_secs(10);

const DAY_MILLIS: i64 = 86_400_000;
const CONNECTIONS_MAX: usize = 100;

/// What differs from one test to the next.
#[derive(Default)]
pub struct Options {
    /// The account's settings.
    pub account: AccountSettings,
    /// Sessions it may have, if not as many as usual.
    pub sessions_max: Option<u32>,
    /// Mails that are deleted are gone at once, and not kept to be had back.
    pub deletes_at_once: bool,
    /// How its mails are summed up, if they are.
    pub sums: Option<BeginSum>,
    /// Octets it may have, if there is a limit.
    pub quota_octets: Option<u64>,
    /// Who keep something of the account's person.
    pub forget_person: Vec<ForgetPerson>,
}

/// The parts of the node.
pub struct Miniature {
    /// The real clock and real sockets.
    pub env: Env,
    /// One thread for sessions and mailboxes.
    pub arbiters: Arbiters,
    /// The memory store.
    pub database: Database,
    /// Message text.
    pub blobs: BlobStore,
    /// The way to the mailbox.
    pub router: Router,
    /// One tenant, one domain, one account.
    pub directory: Directory,
    /// Sign-in, with the cheapest hashes there are.
    pub access: Access,
    /// The account's mailbox.
    pub mailbox: MailboxId,
    services: MailboxServices,
}

impl Miniature {
    /// Makes the account and serves its mailbox.
    ///
    /// # Panics
    /// When anything fails, as everything here.
    pub async fn start(options: &Options) -> Self {
        let env = Env::real();
        let arbiters = Arbiters::start(1);
        let database = Database::new(MemoryStore::default());
        let (clock, random) = (env.clone(), env.clone());
        let sources = Sources {
            wall_millis: Arc::new(move || clock.wall_millis()),
            random: Arc::new(move |bytes: &mut [u8]| random.fill_random(bytes)),
        };
        let blobs = BlobStore::open(database.clone(), BlobOptions::default(), sources)
            .await
            .expect("open blobs");
        let router = Router::new(env.clone(), arbiters.clone());
        let mut mailbox_options = MailboxOptions::default();
        mailbox_options.quota.octets_max = options.quota_octets.unwrap_or(0);
        if options.deletes_at_once {
            mailbox_options.purged_kept = Duration::ZERO;
        }
        let services = MailboxServices {
            database: database.clone(),
            blobs: blobs.clone(),
            env: env.clone(),
            hints: router.hints(),
            sums: options.sums,
            options: mailbox_options,
        };
        router.serve::<MailboxEntity>(services.clone(), EntityOptions::default());
        let (directory, access, mailbox) = account(&env, &database, options).await;
        Self {
            env,
            arbiters,
            database,
            blobs,
            router,
            directory,
            access,
            mailbox,
            services,
        }
    }

    /// From now on another node has the mailbox: what the one before held in memory alone is gone.
    pub fn move_mailbox(&self) {
        self.router
            .serve::<MailboxEntity>(self.services.clone(), EntityOptions::default());
    }

    /// Opens a port for a service.
    ///
    /// # Panics
    /// When there is none.
    pub async fn listen<S: Service>(&self, service: S, tls: TlsMode) -> Listener {
        let parts = ListenerParts {
            env: self.env.clone(),
            arbiters: self.arbiters.clone(),
            address: ([127, 0, 0, 1], 0).into(),
            tls,
            service: Arc::new(service),
            limits: ConnectionLimits::new(CONNECTIONS_MAX, CONNECTIONS_MAX),
            settings: ListenerSettings::default(),
        };
        Listener::start(parts).await.expect("listen")
    }

    /// Puts `mail` into a folder, as if it had come so many days ago.
    ///
    /// # Panics
    /// When the mailbox does not take it.
    pub async fn append(&self, folder: FolderRef, mail: &[u8], days_old: i64) {
        let mut writer = MessageWriter::new(&self.blobs, self.mailbox.tenant);
        writer.push(mail).await.expect("write the message");
        let message = AppendMessage {
            message: writer.finish().await.expect("finish the message"),
            flags: Vec::new(),
            internal_date: Some(Timestamp {
                millis: self.env.wall_millis() - days_old * DAY_MILLIS,
            }),
        };
        let request = Append {
            folder,
            messages: vec![message],
        };
        let reply = self.router.ask(&self.mailbox, request, WITHIN).await.expect("a reply");
        reply.expect("append");
    }

    /// Ends its thread. Whoever listens is dropped before.
    pub async fn stop(self) {
        self.arbiters.stop(&self.env, Duration::from_secs(1)).await;
    }
}

async fn account(env: &Env, database: &Database, options: &Options) -> (Directory, Access, MailboxId) {
    let mut limits = AccessOptions::default();
    if let Some(sessions) = options.sessions_max {
        limits.sessions_per_account_max = sessions;
    }
    let directory_options = DirectoryOptions {
        forget_person: options.forget_person.clone(),
        ..DirectoryOptions::default()
    };
    let Organisation {
        directory,
        access,
        tenant,
        ..
    } = Organisation::with_directory(env, database.clone(), "example.test", limits, directory_options).await;
    let credential = access.hash_password(&Secret::new(PASSWORD)).await;
    let new = NewAccount {
        credential: Some(credential.expect("hash the password")),
        settings: Some(options.account),
        ..NewAccount::at(Address::try_from(USER).expect("an address"))
    };
    let account = directory.create_account(&new).await.expect("make an account").id;
    (directory, access, MailboxId { tenant, account })
}
