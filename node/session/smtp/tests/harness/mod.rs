//! A node in miniature: real directory, access, queue and delivery over the memory store, recording probes for mailboxes,
//! and the service on a socket.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hongyan_access::{Access, AccessOptions};
use hongyan_actor::{Arbiters, EntityOptions};
use hongyan_blob::{BlobOptions, BlobStore, Sources};
use hongyan_delivery::{Delivery, DeliveryParts, DeliverySettings, Mailboxes};
use hongyan_directory::{Directory, DirectoryOptions, NewAccount, NewGroup, NewTenant};
use hongyan_env::{Env, Stream};
use hongyan_kv::{Database, Transaction};
use hongyan_listener::{Connection, Service, TlsConfig, self_signed};
use hongyan_mailbox::{Deliver, DeliverReply, EmailId, FolderId, FolderRef, MailboxError, MailboxId};
use hongyan_memory::MemoryStore;
use hongyan_queue::{Entry, List, LocalFuture, QueueEntity, QueueId, QueueServices};
use hongyan_router::{AskError, Router};
use hongyan_sasl::Secret;
use hongyan_session_smtp::{SmtpService, SmtpServices, SmtpSettings};
use hongyan_smtp::server::Mode;
use hongyan_types::{Address, Domain, Uid, UidValidity};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

pub type DeliverResult = Result<Result<DeliverReply, MailboxError>, AskError>;

/// What a mailbox was asked to keep.
#[derive(Debug, Clone)]
pub struct Kept {
    pub account: u64,
    pub folder: String,
    pub seen: bool,
    pub text: String,
}

/// Mailboxes that keep everything, unless told otherwise.
#[derive(Default)]
pub struct Probe {
    pub kept: Mutex<Vec<Kept>>,
    /// Accounts whose mailbox answers this.
    pub refuse: Mutex<BTreeMap<u64, DeliverResult>>,
    pub database: Mutex<Option<(Database, BlobStore)>>,
}

impl Mailboxes for Probe {
    fn deliver(&self, mailbox: MailboxId, request: Deliver, _: Duration) -> LocalFuture<'_, DeliverResult> {
        Box::pin(async move {
            if let Some(refusal) = self.refuse.lock().unwrap().get(&mailbox.account.0) {
                return refusal.clone();
            }
            let (database, blobs) = self.database.lock().unwrap().clone().unwrap();
            let owner = hongyan_blob::Owner(mailbox.account.0.to_be_bytes().to_vec().into());
            let blob = request.message.blob.clone();
            database
                .run(async |transaction: &mut Transaction| blob.attach(transaction, &owner).await)
                .await
                .unwrap();
            let mut reader = blobs.open_blob(mailbox.tenant.0, &blob.address()).await.unwrap();
            let mut text = Vec::new();
            while let Some(chunk) = reader.next_chunk().await.unwrap() {
                text.extend_from_slice(&chunk);
            }
            self.kept.lock().unwrap().push(Kept {
                account: mailbox.account.0,
                folder: match request.folder {
                    FolderRef::Use(kind) => kind.default_name().to_owned(),
                    _ => "INBOX".to_owned(),
                },
                seen: !request.flags.is_empty(),
                text: String::from_utf8_lossy(&text).into_owned(),
            });
            Ok(Ok(DeliverReply {
                folder: FolderId::INBOX,
                uid_validity: UidValidity::new(1).unwrap(),
                uid: Uid::new(1).unwrap(),
                email: EmailId(1),
                is_repeat: false,
            }))
        })
    }
}

pub struct Node {
    pub env: Env,
    pub directory: Directory,
    pub delivery: Delivery,
    pub probe: Arc<Probe>,
    router: Router,
    services: SmtpServices,
    tls: TlsConfig,
}

pub fn address(text: &str) -> Address {
    Address::try_from(text).unwrap()
}

/// Runs a test on a node with the accounts anna and ben, the group team (both, and far@other.test).
pub fn on_node<F: Future<Output = ()>>(test: impl FnOnce(Arc<Node>) -> F) {
    hongyan_actor::run(0, async {
        let node = Arc::new(Node::start().await);
        tokio::task::LocalSet::new().run_until(test(node)).await;
    });
}

impl Node {
    async fn start() -> Self {
        let env = Env::real();
        let database = Database::new(MemoryStore::default());
        let sources = Sources {
            wall_millis: Arc::new(|| 0),
            random: Arc::new(|bytes| bytes.fill(7)),
        };
        let blobs = BlobStore::open(database.clone(), BlobOptions::default(), sources)
            .await
            .unwrap();
        let options = DirectoryOptions {
            trial_parent: Some(Domain::try_from("try.test").unwrap()),
            ..DirectoryOptions::default()
        };
        let directory = Directory::new(database.clone(), env.clone(), options);
        let options = AccessOptions {
            argon2_memory_kib: 64,
            argon2_passes: 1,
            scram_iterations: 4096,
            ..AccessOptions::default()
        };
        let access = Access::open(directory.clone(), &database, env.clone(), options)
            .await
            .unwrap();
        let router = Router::new(env.clone(), Arbiters::start(1));
        router.serve::<QueueEntity>(
            QueueServices {
                database: database.clone(),
                blobs: blobs.clone(),
                env: env.clone(),
                hints: router.hints(),
                schedule: Default::default(),
                holders: Arc::new(hongyan_queue::Alone::new(1)),
            },
            EntityOptions::default(),
        );
        people(&directory, &access).await;
        let host = Domain::try_from("mx.example.test").unwrap();
        let probe = Arc::new(Probe::default());
        *probe.database.lock().unwrap() = Some((database.clone(), blobs.clone()));
        let delivery = Delivery::new(DeliveryParts {
            env: env.clone(),
            mailboxes: probe.clone(),
            router: router.clone(),
            directory: directory.clone(),
            database,
            blobs,
            settings: DeliverySettings::new(host.clone()),
        });
        let services = SmtpServices {
            env: env.clone(),
            directory: directory.clone(),
            access,
            delivery: delivery.clone(),
        };
        let pem = self_signed(&["mx.example.test".to_owned()]).unwrap();
        Self {
            env,
            directory,
            delivery,
            probe,
            router,
            services,
            tls: TlsConfig::from_pem(&[pem]).unwrap(),
        }
    }

    pub fn database(&self) -> Database {
        let stores = self.probe.database.lock().unwrap();
        stores.as_ref().map(|(database, _)| database.clone()).unwrap()
    }

    pub fn access(&self) -> &Access {
        &self.services.access
    }

    pub async fn account(&self, text: &str) -> u64 {
        self.directory.account_at(&address(text)).await.unwrap().id.0
    }

    /// Entries of the queue, in no order.
    pub async fn queued(&self) -> Vec<Entry> {
        let mut entries = vec![];
        for queue in QueueId::all() {
            let list = List { after: 0, limit: 100 };
            let reply = self
                .router
                .ask(&queue, list, Duration::from_secs(5))
                .await
                .unwrap()
                .unwrap();
            entries.extend(reply.entries.into_iter().map(|(_, entry)| entry));
        }
        entries
    }

    /// Opens a connection to a service in this mode.
    pub async fn connect(&self, mode: Mode, adjust: impl FnOnce(&mut SmtpSettings)) -> Client {
        let mut settings = SmtpSettings::new(mode, Domain::try_from("mx.example.test").unwrap());
        settings.authentication_in_clear = true;
        adjust(&mut settings);
        let service = Arc::new(SmtpService::new(settings, self.services.clone()));
        let listener = self.env.listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let port = listener.local_address().unwrap();
        let (env, tls) = (self.env.clone(), self.tls.clone());
        tokio::task::spawn_local(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let connection = Connection::new(env, stream, Some(tls)).unwrap();
            service.serve(connection).await;
        });
        Client {
            stream: self.env.connect(port).await.unwrap(),
        }
    }
}

async fn people(directory: &Directory, access: &Access) {
    let tenant = directory.create_tenant(&NewTenant::named("Acme")).await.unwrap().id;
    let domain = Domain::try_from("example.test").unwrap();
    directory.create_domain(tenant, &domain).await.unwrap();
    for name in ["anna", "ben"] {
        let credential = access.hash_password(&Secret::new("pass")).await.unwrap();
        let new = NewAccount {
            credential: Some(credential),
            ..NewAccount::at(address(&format!("{name}@example.test")))
        };
        directory.create_account(&new).await.unwrap();
    }
    let members = ["anna@example.test", "ben@example.test", "far@other.test"];
    let group = NewGroup {
        members: members.map(address).to_vec(),
        ..NewGroup::at(address("team@example.test"))
    };
    directory.create_group(&group).await.unwrap();
}

/// A client that writes text and reads lines.
pub struct Client {
    pub stream: Stream,
}

impl Client {
    /// Sends `text`, then reads until `expect` lines that end replies have come; gives the last lines of the replies.
    pub async fn say(&mut self, text: &str, expect: usize) -> Vec<String> {
        self.stream.write_all(text.as_bytes()).await.unwrap();
        let mut seen = Vec::new();
        loop {
            let text = String::from_utf8(seen.clone()).unwrap();
            let last = |line: &&str| line.as_bytes().get(3) == Some(&b' ');
            let ends: Vec<_> = text
                .split_inclusive("\r\n")
                .filter(|line| line.ends_with('\n'))
                .filter(last)
                .collect();
            if ends.len() >= expect {
                return ends.iter().map(|line| line.trim_end().to_owned()).collect();
            }
            let mut buffer = [0; 4096];
            let count = tokio::time::timeout(Duration::from_secs(10), self.stream.read(&mut buffer));
            let count = count.await.expect("a reply").unwrap();
            assert!(count > 0, "closed after {text:?}");
            seen.extend_from_slice(&buffer[..count]);
        }
    }

    /// Sends what is not answered yet.
    pub async fn say_nothing(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.unwrap();
    }

    /// Reads the greeting and says EHLO (or LHLO).
    pub async fn hello(mut self, word: &str) -> Self {
        self.say("", 1).await;
        self.say(&format!("{word} client.test\r\n"), 1).await;
        self
    }

    /// Sends one message; gives the replies from MAIL on.
    pub async fn send(&mut self, from: &str, to: &[&str], message: &str, replies: usize) -> Vec<String> {
        let mut text = format!("MAIL FROM:<{from}>\r\n");
        to.iter().for_each(|to| text.push_str(&format!("RCPT TO:<{to}>\r\n")));
        text.push_str("DATA\r\n");
        let mut seen = self.say(&text, to.len() + 2).await;
        if seen.last().unwrap().starts_with("354") {
            seen.extend(self.say(&format!("{message}\r\n.\r\n"), replies).await);
        }
        seen
    }
}
