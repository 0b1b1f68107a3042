//! A node with a queue and outbound delivery, whose DNS sends `b.test` to a fresh server.

use std::collections::HashSet;
use std::sync::Arc;
use std::thread::ThreadId;
use std::time::Duration;

use hongyan_actor::{Arbiters, EntityOptions};
use hongyan_blob::{BlobOptions, BlobStore, Sources};
use hongyan_env::{Env, Security, ZoneDns};
use hongyan_kv::Database;
use hongyan_memory::MemoryStore;
use hongyan_queue::{
    Accept, Alone, BodyKind, Destination, Entry, EntryId, Holder, Holders, List, LocalDelivery, LocalFuture, NewEntry,
    NewRecipient, Outcome, QueueEntity, QueueId, QueueServices, ReportKind, Reporter, RetrySchedule,
};
use hongyan_relay::{RelayServices, RelaySettings, Runner};
use hongyan_router::Router;
use parking_lot::Mutex;

use crate::server::{Log, server};

const QUEUE: QueueId = QueueId { shard: 0 };
/// Arbiters of a node.
pub(crate) const ARBITERS: usize = 3;
const WITHIN: Duration = Duration::from_secs(5);

pub(crate) type Reports = Arc<Mutex<Vec<(ReportKind, Vec<String>)>>>;

/// Threads that delivered to mailboxes of ours.
pub(crate) type Threads = Arc<Mutex<HashSet<ThreadId>>>;

struct Recorder(Reports, Threads);

impl Reporter for Recorder {
    fn report<'a>(&'a self, _: EntryId, entry: &'a Entry, kind: ReportKind) -> LocalFuture<'a, Result<(), String>> {
        let owed = entry.recipients.iter().filter(|recipient| recipient.owed == Some(kind));
        self.0
            .lock()
            .push((kind, owed.map(|recipient| recipient.address.clone()).collect()));
        Box::pin(async { Ok(()) })
    }
}

impl LocalDelivery for Recorder {
    fn deliver<'a>(&'a self, _: EntryId, entry: &'a Entry) -> LocalFuture<'a, Vec<(usize, Outcome)>> {
        assert!(entry.recipients[0].address != "crash@a.test", "crashes as asked");
        self.1.lock().insert(std::thread::current().id());
        let all = 0..entry.recipients.len();
        Box::pin(async move {
            all.map(|index| (index, Outcome::Delivered(Default::default())))
                .collect()
        })
    }
}

pub(crate) struct Bench {
    env: Env,
    database: Database,
    settings: RelaySettings,
    recorder: Arc<Recorder>,
    arbiters: Arbiters,
    router: Router,
    blobs: BlobStore,
    pub(crate) reports: Reports,
    pub(crate) threads: Threads,
    pub(crate) log: Log,
    pub(crate) port: u16,
    pub(crate) holders: Arc<Wavering>,
    accepted: usize,
}

/// A node that others may take for dead.
pub(crate) struct Wavering {
    alone: Alone,
    pub(crate) standing: Mutex<Option<u64>>,
}

impl Holders for Wavering {
    fn me(&self) -> Holder {
        self.alone.me()
    }
    fn standing(&self) -> Option<u64> {
        *self.standing.lock()
    }
    fn is_alive(&self, holder: Holder) -> bool {
        self.alone.is_alive(holder)
    }
}

/// Runs `test` with a node whose DNS sends `b.test` to a fresh server, after `tune` changed the settings.
pub(crate) fn bench_run<F: Future<Output = ()>>(
    tune: impl FnOnce(&mut RelaySettings, &ZoneDns),
    test: impl FnOnce(Bench) -> F,
) {
    hongyan_actor::run(2, async move {
        let (port, log) = server().await;
        let zone = ZoneDns::new(Security::Insecure);
        zone.add_mx("b.test", 10, "mx.b.test");
        zone.add_address("mx.b.test", "127.0.0.1".parse().expect("address"));
        let mut settings = RelaySettings::new("me.test");
        settings.port = port;
        tune(&mut settings, &zone);
        let env = Env::real_with_dns(Arc::new(zone));
        let database = Database::new(MemoryStore::new());
        let (wall, random) = (env.clone(), env.clone());
        let sources = Sources {
            wall_millis: Arc::new(move || wall.wall_millis()),
            random: Arc::new(move |bytes| random.fill_random(bytes)),
        };
        let blobs = BlobStore::open(database.clone(), BlobOptions::default(), sources)
            .await
            .expect("open blobs");
        let recorder = Arc::new(Recorder(Reports::default(), Threads::default()));
        let (reports, threads) = (recorder.0.clone(), recorder.1.clone());
        let (arbiters, router, holders) = start(&env, &database, &blobs, &recorder, &settings);
        let stopping = arbiters.clone();
        test(Bench {
            env: env.clone(),
            database,
            settings,
            arbiters,
            router,
            blobs,
            reports,
            threads,
            recorder,
            log,
            port,
            holders,
            accepted: 0,
        })
        .await;
        stopping.stop(&env, Duration::from_secs(1)).await;
    });
}

/// A node on what is stored.
fn start(
    env: &Env,
    database: &Database,
    blobs: &BlobStore,
    recorder: &Arc<Recorder>,
    settings: &RelaySettings,
) -> (Arbiters, Router, Arc<Wavering>) {
    let arbiters = Arbiters::start(ARBITERS);
    let router = Router::new(env.clone(), arbiters.clone());
    let holders = Arc::new(Wavering {
        alone: Alone::new(env.random_u64()),
        standing: Mutex::new(Some(1)),
    });
    let services = QueueServices {
        holders: Arc::<Wavering>::clone(&holders),
        database: database.clone(),
        blobs: blobs.clone(),
        env: env.clone(),
        hints: router.hints(),
        schedule: RetrySchedule {
            first_secs: 1,
            ..RetrySchedule::default()
        },
    };
    router.serve::<QueueEntity>(services, EntityOptions::default());
    let services = RelayServices {
        env: env.clone(),
        router: router.clone(),
        holders: Arc::<Wavering>::clone(&holders),
        blobs: blobs.clone(),
        reporter: recorder.clone(),
        local: recorder.clone(),
    };
    Runner::start(&arbiters, services, settings.clone()).expect("start");
    (arbiters, router, holders)
}

impl Bench {
    /// Stops the node and starts another one on the same store.
    pub(crate) async fn restart(&mut self) {
        self.arbiters.stop(&self.env, Duration::from_secs(1)).await;
        let started = start(&self.env, &self.database, &self.blobs, &self.recorder, &self.settings);
        (self.arbiters, self.router, self.holders) = started;
    }
    pub(crate) async fn send(&mut self, destination: Destination, recipients: &[&str]) {
        let number = self.accepted + 1;
        let text = format!("Return-Path: <a@a.test>\r\nSubject: {number}\r\n\r\n.dot\r\n");
        self.send_text(destination, recipients, &text).await;
    }
    pub(crate) async fn send_text(&mut self, destination: Destination, recipients: &[&str], text: &str) {
        self.accepted += 1;
        let recipients = recipients.iter().map(|address| NewRecipient {
            address: (*address).to_owned(),
            original: None,
            notify: None,
        });
        let entry = NewEntry {
            sender: Some("a@a.test".to_owned()),
            envelope_id: None,
            return_content: None,
            body: BodyKind::SevenBit,
            smtputf8: false,
            destination,
            recipients: recipients.collect(),
            not_before_millis: 0,
            subject: String::new(),
            submission: None,
        };
        let blob = self.blobs.blob_of(1, text.as_bytes()).await.expect("write a blob");
        let accept = Accept {
            delivery_id: self.accepted.to_be_bytes().to_vec(),
            blob,
            entries: vec![entry],
        };
        self.router
            .ask(&QUEUE, accept, WITHIN)
            .await
            .expect("ask")
            .expect("accept");
    }
    pub(crate) async fn entries(&self) -> Vec<Entry> {
        let list = List { after: 0, limit: 100 };
        let page = self.router.ask(&QUEUE, list, WITHIN).await.expect("ask").expect("list");
        page.entries.into_iter().map(|(_, entry)| entry).collect()
    }
    /// Waits until the queue is as `wanted`; fails after ten seconds.
    pub(crate) async fn until(&self, wanted: impl Fn(&[Entry]) -> bool) -> Vec<Entry> {
        for _ in 0..1000 {
            let entries = self.entries().await;
            if wanted(&entries) {
                return entries;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the queue stays {:?}", self.entries().await);
    }
}
