//! A mailbox on a store in memory, asked through the router as sessions ask.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use hongyan_actor::{
    Arbiters, EntityHost, EntityKey, EntityOptions, Epoch, HostError, RequestId, Tenure, Terms, WireEntity,
};
use hongyan_blob::{BlobOptions, BlobStore, Sources};
use hongyan_env::{Env, ManualClock};
use hongyan_kv::fence::{Fence, raise};
use hongyan_kv::{Backend, BackendTransaction, BoxFuture, CommitVersion, Database, KeyRange, RangeQuery, RangeReply};
use hongyan_kv::{ReadMode, Result, Watch};
use hongyan_mailbox::{
    Append, AppendMessage, AppendReply, Deliver, DeliverReply, DeliveryId, FolderRef, FolderView, MailboxEntity,
    MailboxError, MailboxId, MailboxOptions, MailboxServices, MessageWriter, NewMessage, OpenFolder,
};
use hongyan_memory::MemoryStore;
use hongyan_router::{Ask, Router};
use hongyan_types::{AccountId, Flag, TenantId};
use tokio::sync::Semaphore;

/// Commits after which a mailbox may still begin where its knowledge ended.
const STATES_KEPT: u64 = 16;

pub const ID: MailboxId = MailboxId {
    tenant: TenantId(1),
    account: AccountId(2),
};
pub const WITHIN: Duration = Duration::from_secs(600);

/// Counts what passes to the store.
#[derive(Clone, Default)]
pub struct Counts {
    pub reads: Arc<AtomicU64>,
    pub writes: Arc<AtomicU64>,
    pub octets: Arc<AtomicU64>,
    pub commits: Arc<AtomicU64>,
    pub fences: Arc<AtomicU64>,
}

impl Counts {
    /// Reads, writes, octets written, commits so far.
    pub fn take(&self) -> [u64; 4] {
        [&self.reads, &self.writes, &self.octets, &self.commits].map(|count| count.swap(0, Ordering::SeqCst))
    }
}

/// Where commits wait while it is shut, so that a test decides what happens between two of them.
pub struct Gate {
    shut: AtomicBool,
    arrivals: Semaphore,
    passes: Semaphore,
}

impl Default for Gate {
    fn default() -> Self {
        Self {
            shut: AtomicBool::new(false),
            arrivals: Semaphore::new(0),
            passes: Semaphore::new(0),
        }
    }
}

impl Gate {
    pub fn shut(&self) {
        self.shut.store(true, Ordering::SeqCst);
    }
    /// Waits until another commit stands at the shut gate.
    pub async fn arrival(&self) {
        self.arrivals.acquire().await.unwrap().forget();
    }
    /// Lets one commit through.
    pub fn pass(&self) {
        self.passes.add_permits(1);
    }
    pub fn open(&self) {
        self.shut.store(false, Ordering::SeqCst);
        self.passes.add_permits(1 << 20);
    }
    async fn go_through(&self) {
        if self.shut.load(Ordering::SeqCst) {
            self.arrivals.add_permits(1);
            self.passes.acquire().await.unwrap().forget();
        }
    }
}

struct Counting(MemoryStore, Counts, Arc<Gate>);
struct CountingTransaction(Box<dyn BackendTransaction>, Counts, Arc<Gate>);

impl Counting {
    fn transaction(&self, begun: Box<dyn BackendTransaction>) -> Box<dyn BackendTransaction> {
        Box::new(CountingTransaction(begun, self.1.clone(), Arc::clone(&self.2)))
    }
}

impl Backend for Counting {
    fn begin(&self) -> Box<dyn BackendTransaction> {
        self.transaction(self.0.begin())
    }
    fn begin_at(&self, version: CommitVersion) -> Option<Box<dyn BackendTransaction>> {
        self.0.begin_at(version).map(|begun| self.transaction(begun))
    }
}

impl BackendTransaction for CountingTransaction {
    fn get<'a>(&'a mut self, key: &'a [u8], mode: ReadMode) -> BoxFuture<'a, Result<Option<bytes::Bytes>>> {
        self.1.reads.fetch_add(1, Ordering::SeqCst);
        if key.starts_with(b"\x02fence") {
            self.1.fences.fetch_add(1, Ordering::SeqCst);
        }
        self.0.get(key, mode)
    }
    fn get_range<'a>(&'a mut self, query: RangeQuery) -> BoxFuture<'a, Result<RangeReply>> {
        self.1.reads.fetch_add(1, Ordering::SeqCst);
        self.0.get_range(query)
    }
    fn set(&mut self, key: bytes::Bytes, value: bytes::Bytes) {
        self.1.writes.fetch_add(1, Ordering::SeqCst);
        self.1
            .octets
            .fetch_add((key.len() + value.len()) as u64, Ordering::SeqCst);
        self.0.set(key, value);
    }
    fn clear(&mut self, key: &[u8]) {
        self.1.writes.fetch_add(1, Ordering::SeqCst);
        self.0.clear(key);
    }
    fn clear_range(&mut self, range: KeyRange) {
        self.0.clear_range(range);
    }
    fn atomic_add(&mut self, key: bytes::Bytes, delta: i64) {
        self.0.atomic_add(key, delta);
    }
    fn add_read_conflict(&mut self, range: KeyRange) {
        self.0.add_read_conflict(range);
    }
    fn add_write_conflict(&mut self, range: KeyRange) {
        self.0.add_write_conflict(range);
    }
    fn watch(&mut self, key: &[u8]) -> Watch {
        self.0.watch(key)
    }
    fn read_version(&mut self) -> BoxFuture<'_, Result<CommitVersion>> {
        self.0.read_version()
    }
    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<CommitVersion>> {
        self.1.commits.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            self.2.go_through().await;
            self.0.commit().await
        })
    }
}

pub struct Bench {
    pub store: MemoryStore,
    pub counts: Counts,
    pub gate: Arc<Gate>,
    pub database: Database,
    pub blobs: BlobStore,
    pub env: Env,
    pub clock: ManualClock,
    pub arbiters: Arbiters,
    pub router: Router,
    pub node: Node,
    /// Whether requests come from another node.
    pub is_far: bool,
    pub options: MailboxOptions,
}

/// Runs `test` with a mailbox of `options`.
pub fn with_mailbox<F: Future<Output = ()>>(options: MailboxOptions, test: impl FnOnce(Bench) -> F) {
    hongyan_actor::run(0, async {
        let (env, clock) = Env::manual(7);
        let store = MemoryStore::new();
        store.keep(STATES_KEPT);
        let (counts, gate) = (Counts::default(), Arc::<Gate>::default());
        let database = Database::new(Counting(store.clone(), counts.clone(), Arc::clone(&gate)));
        let (wall, random) = (env.clone(), env.clone());
        let sources = Sources {
            wall_millis: Arc::new(move || wall.wall_millis()),
            random: Arc::new(move |bytes| random.fill_random(bytes)),
        };
        let blobs = BlobStore::open(database.clone(), BlobOptions::default(), sources)
            .await
            .unwrap();
        let arbiters = Arbiters::start(1);
        let (router, node) = serve(&env, &arbiters, &database, &blobs, &options, Epoch::FIRST);
        let bench = Bench {
            store,
            counts,
            gate,
            database,
            blobs,
            env: env.clone(),
            clock,
            arbiters: arbiters.clone(),
            router,
            node,
            is_far: false,
            options,
        };
        test(bench).await;
        arbiters.stop(&env, Duration::ZERO).await;
    });
}

/// A node that believes to own the mailbox under an epoch.
#[derive(Clone)]
pub struct Node {
    pub host: EntityHost<MailboxEntity>,
    pub tenure: Tenure,
    env: Env,
}

impl Node {
    pub async fn ask<R: Ask<Entity = MailboxEntity>>(&self, request: R) -> Result<R::Reply, HostError> {
        let id = u128::from(self.env.random_u64()) << 64 | u128::from(self.env.random_u64());
        self.ask_as(RequestId(id), request).await
    }
    pub async fn ask_as<R: Ask<Entity = MailboxEntity>>(
        &self,
        id: RequestId,
        request: R,
    ) -> Result<R::Reply, HostError> {
        let terms = Terms {
            id,
            tenure: self.tenure,
            within: WITHIN,
        };
        let reply = self.host.ask(&ID, request.into_request(), &terms).await?;
        Ok(R::from_reply(reply).expect("the reply belongs to the request"))
    }
    /// As an asker on another node: request and reply travel as bytes.
    pub async fn ask_from_afar<R: Ask<Entity = MailboxEntity>>(&self, request: R) -> Result<R::Reply, HostError> {
        let services = self.host.services();
        let sent = request.into_request();
        let pieces = MailboxEntity::encode_request_pieces(services, &sent).unwrap();
        let request = MailboxEntity::decode_request_pieces(services, pieces).unwrap();
        let terms = Terms {
            id: RequestId(u128::from(self.env.random_u64())),
            tenure: self.tenure,
            within: WITHIN,
        };
        let reply = self.host.ask(&ID, request.clone(), &terms).await?;
        let mut gather = MailboxEntity::gather_reply();
        for piece in MailboxEntity::encode_reply_pieces(services, &request, &reply).unwrap() {
            gather.push(piece.unwrap()).unwrap();
        }
        let reply = gather.finish(services, &sent).unwrap();
        Ok(R::from_reply(reply).expect("the reply belongs to the request"))
    }
}

fn serve(
    env: &Env,
    arbiters: &Arbiters,
    database: &Database,
    blobs: &BlobStore,
    options: &MailboxOptions,
    epoch: Epoch,
) -> (Router, Node) {
    let router = Router::new(env.clone(), arbiters.clone());
    let services = MailboxServices {
        database: database.clone(),
        blobs: blobs.clone(),
        env: env.clone(),
        hints: router.hints(),
        sums: None,
        options: options.clone(),
    };
    let host = router.serve::<MailboxEntity>(services, EntityOptions::default());
    let env = env.clone();
    let partition = router.partition_of(&ID.entity_id());
    let tenure = Tenure { partition, epoch };
    (router, Node { host, tenure, env })
}

impl Bench {
    /// Another node on the same store takes over, without the first one's knowledge.
    pub async fn take_over(&mut self) {
        self.node.tenure.epoch.0 += 1;
        let Tenure { partition, epoch } = self.node.tenure;
        let (partition, epoch) = (partition.0, epoch.0);
        // Past the gate: the commits that stand there are the old owner's.
        let database = Database::new(self.store.clone());
        while raise(&database, Fence { partition, epoch }).await.is_err() {}
        self.intrude();
    }
    /// What is answered to `request` when another node takes over while its commit number `commits` is on its way.
    pub async fn cut_off<R: Ask<Entity = MailboxEntity>>(
        &mut self,
        commits: usize,
        id: RequestId,
        request: R,
    ) -> Result<R::Reply, HostError> {
        let old = self.node.clone();
        self.gate.shut();
        let asked = old.ask_as(id, request);
        let taking_over = async {
            for _ in 1..commits {
                self.gate.arrival().await;
                self.gate.pass();
            }
            self.gate.arrival().await;
            self.take_over().await;
            self.gate.open();
        };
        tokio::join!(asked, taking_over).0
    }
    /// Another process writes for the mailbox under the same epoch, which must not happen.
    pub fn intrude(&mut self) {
        (self.router, self.node) = serve(
            &self.env,
            &self.arbiters,
            &self.database,
            &self.blobs,
            &self.options,
            self.node.tenure.epoch,
        );
    }
    pub async fn ask<T, R>(&self, request: R) -> Result<T, MailboxError>
    where
        R: Ask<Entity = MailboxEntity, Reply = Result<T, MailboxError>>,
    {
        let asked = match self.is_far {
            false => self.node.ask(request).await,
            true => self.node.ask_from_afar(request).await,
        };
        match asked {
            Err(HostError::Unavailable) => Err(MailboxError::Unavailable),
            asked => asked.expect("the mailbox answers"),
        }
    }
    pub async fn message(&self, text: &str) -> NewMessage {
        let mut writer = MessageWriter::new(&self.blobs, ID.tenant);
        writer.push(text.as_bytes()).await.unwrap();
        writer.finish().await.unwrap()
    }
    pub async fn deliver(&self, text: &str, delivery: Option<u8>) -> Result<DeliverReply, MailboxError> {
        let message = self.message(text).await;
        self.deliver_message(message, delivery).await
    }
    pub async fn deliver_message(
        &self,
        message: NewMessage,
        delivery: Option<u8>,
    ) -> Result<DeliverReply, MailboxError> {
        self.ask(self::delivery(message, delivery)).await
    }
    pub async fn append(&self, folder: FolderRef, text: &str, flags: &[&str]) -> Result<AppendReply, MailboxError> {
        let message = AppendMessage {
            message: self.message(text).await,
            flags: self::flags(flags),
            internal_date: None,
        };
        self.ask(Append {
            folder,
            messages: vec![message],
        })
        .await
    }
    pub async fn view(&self, folder: FolderRef) -> FolderView {
        let view = self.ask(OpenFolder { folder }).await.unwrap().view;
        view.check();
        view
    }
}

pub fn flags(names: &[&str]) -> Vec<Flag> {
    names.iter().map(|name| Flag::try_from(*name).unwrap()).collect()
}

pub fn delivery(message: NewMessage, delivery: Option<u8>) -> Deliver {
    Deliver {
        message,
        folder: FolderRef::INBOX,
        flags: Vec::new(),
        internal_date: None,
        delivery_id: delivery.map(|number| DeliveryId([number; 16])),
        ignore_quota: false,
    }
}
