//! What a mailbox costs on the embedded store: `cargo bench -p hongyan-mailbox`. Prints a line a measurement: operations,
//! time and processor time each, and memory. Compare processor time first: it moves little with the machine's load.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use hongyan_actor::{Arbiters, EntityOptions};
use hongyan_blob::{BlobOptions, BlobStore, Sources};
use hongyan_embedded::{EmbeddedOptions, EmbeddedStore};
use hongyan_env::Env;
use hongyan_kv::Database;
use hongyan_mailbox::*;
use hongyan_router::{Ask, Router};
use hongyan_types::{AccountId, Flag, SystemFlag, TenantId, Uid, UidSet};

const WITHIN: Duration = Duration::from_secs(600);

#[derive(Clone)]
struct Bench {
    env: Env,
    database: Database,
    blobs: BlobStore,
    router: Router,
}

fn mailbox(number: u64) -> MailboxId {
    MailboxId {
        tenant: TenantId(1),
        account: AccountId(number + 1),
    }
}

/// Processor time in microseconds: of all threads, and of the arbiters among them, where mailboxes run.
fn processor_micros() -> (u64, u64) {
    let (mut all, mut arbiters) = (0, 0);
    for task in std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten() {
        let read = |name| std::fs::read_to_string(task.path().join(name)).unwrap_or_default();
        let nanos = read("schedstat")
            .split_whitespace()
            .next()
            .and_then(|nanos| nanos.parse::<u64>().ok());
        let micros = nanos.unwrap_or(0) / 1000;
        all += micros;
        if read("comm").starts_with("actix-rt") {
            arbiters += micros;
        }
    }
    (all, arbiters)
}

fn resident_octets() -> u64 {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    status
        .split_whitespace()
        .nth(1)
        .and_then(|pages| pages.parse::<u64>().ok())
        .unwrap_or(0)
        * 4096
}

impl Bench {
    async fn measure(&self, name: &str, operations: u64, work: impl Future<Output = ()>) {
        let (start, processor) = (self.env.now_micros(), processor_micros());
        work.await;
        let span = self.env.now_micros() - start;
        let (all, arbiters) = processor_micros();
        println!(
            "{name:<50} {operations:>7} ops {:>9.1} /s {:>9.1} us; processor {:>7.1} us, of it arbiters {:>7.1} us",
            operations as f64 * 1e6 / span as f64,
            span as f64 / operations as f64,
            (all - processor.0) as f64 / operations as f64,
            (arbiters - processor.1) as f64 / operations as f64,
        );
    }
    async fn ask<T, R>(&self, number: u64, request: R) -> T
    where
        R: Ask<Entity = MailboxEntity, Reply = Result<T, MailboxError>>,
    {
        let reply = self.router.ask(&mailbox(number), request, WITHIN).await;
        reply.expect("the mailbox answers").expect("the mailbox agrees")
    }
    async fn deliver(&self, number: u64, text: &str) {
        let mut writer = MessageWriter::new(&self.blobs, TenantId(1));
        writer.push(text.as_bytes()).await.expect("storage takes a mail");
        let request = Deliver {
            message: writer.finish().await.expect("storage takes a mail"),
            folder: FolderRef::INBOX,
            flags: Vec::new(),
            internal_date: None,
            delivery_id: Some(DeliveryId(self.delivery_id())),
            ignore_quota: false,
        };
        self.ask(number, request).await;
    }
    fn delivery_id(&self) -> [u8; 16] {
        let mut id = [0; 16];
        self.env.fill_random(&mut id);
        id
    }
    async fn view(&self, number: u64) -> FolderView {
        self.ask(
            number,
            OpenFolder {
                folder: FolderRef::INBOX,
            },
        )
        .await
        .view
    }
    /// Waits until the store has tidied up behind what came before.
    async fn settle(&self) {
        loop {
            let (before, _) = processor_micros();
            self.env.sleep(Duration::from_secs(1)).await;
            if processor_micros().0 - before < 50_000 {
                return;
            }
        }
    }
    async fn grow(&self, number: u64, messages: usize) {
        for _ in 0..100 {
            self.deliver(number, &text(0)).await;
        }
        loop {
            let view = self.view(number).await;
            let missing = messages.saturating_sub(view.len());
            let Some(last) = Uid::new(missing.min(view.len()) as u32) else {
                return;
            };
            let request = CopyMessages {
                from: FolderId::INBOX,
                uids: UidSet::from_range(Uid(std::num::NonZeroU32::MIN), last),
                to: FolderRef::INBOX,
            };
            self.ask(number, request).await;
        }
    }
}

/// 8 KB of text, each different.
fn text(number: u64) -> String {
    let mut text = format!(
        "From: a@x.example\r\nTo: b@y.example\r\nSubject: mail {number}\r\nMessage-ID: <{number}@x.example>\r\n\r\n"
    );
    let mut line = number;
    while text.len() < 8192 {
        line = line
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        text.push_str(&format!("A line of text that says {line} and little more\r\n"));
    }
    text
}

async fn deliveries(bench: &Bench, concurrent: usize) {
    let count = 4000_u64;
    let work = futures_util::stream::iter(0..count).for_each_concurrent(concurrent, |number| {
        let bench = bench.clone();
        async move { bench.deliver(number % 20, &text(number)).await }
    });
    bench
        .measure(
            &format!("deliver 8 KB to 20 mailboxes, {concurrent} at once"),
            count,
            work,
        )
        .await;
}

async fn singles(bench: &Bench, number: u64, messages: u32) {
    let count = 1000_u64;
    bench
        .measure(&format!("{messages} messages: deliver"), count, async {
            for at in 0..count {
                bench.deliver(number, &text(at)).await;
            }
        })
        .await;
    bench
        .measure(
            &format!("{messages} messages: store one flag, view and difference"),
            count,
            async {
                let mut known = bench.view(number).await;
                for at in 0..count as u32 {
                    let uid = Uid::new(messages / 2 + at * 97 % (messages / 2)).expect("not 0");
                    let request = StoreFlags {
                        folder: FolderId::INBOX,
                        uids: UidSet::from_range(uid, uid),
                        action: FlagAction::Add,
                        flags: vec![Flag::System(SystemFlag::Seen)],
                        unchanged_since: None,
                    };
                    let view = bench.ask(number, request).await.view;
                    assert!(known.difference(&view).added.is_empty());
                    known = view;
                }
            },
        )
        .await;
}

async fn run(folder: &std::path::Path) {
    let env = Env::real();
    let start = env.clone();
    let options = EmbeddedOptions {
        clock: Arc::new(move || start.now_micros()),
        ..EmbeddedOptions::default()
    };
    let store = EmbeddedStore::open(folder, options).expect("a store opens");
    let database = Database::new(store);
    let (wall, random) = (env.clone(), env.clone());
    let sources = Sources {
        wall_millis: Arc::new(move || wall.wall_millis()),
        random: Arc::new(move |bytes| random.fill_random(bytes)),
    };
    let opened = BlobStore::open(database.clone(), BlobOptions::default(), sources).await;
    let blobs = opened.expect("blobs open");
    let arbiters = Arbiters::start(2);
    let router = Router::new(env.clone(), arbiters.clone());
    let services = MailboxServices {
        database: database.clone(),
        blobs: blobs.clone(),
        env: env.clone(),
        hints: router.hints(),
        sums: None,
        options: MailboxOptions::default(),
    };
    let host = router.serve::<MailboxEntity>(services, EntityOptions::default());
    let bench = Bench {
        env: env.clone(),
        database,
        blobs,
        router,
    };
    println!("memory at rest: {} KB", resident_octets() / 1024);
    for concurrent in [1, 16, 64] {
        deliveries(&bench, concurrent).await;
    }
    let asks = 200_000;
    let work = async {
        for _ in 0..asks {
            bench.ask(0, GetQuota).await;
        }
    };
    bench
        .measure("ask that changes nothing, one after the other", asks, work)
        .await;
    let work = futures_util::stream::iter(0..asks).for_each_concurrent(64, |at| {
        let bench = bench.clone();
        async move {
            bench.ask(at % 20, GetQuota).await;
        }
    });
    bench.measure("ask that changes nothing, 64 at once", asks, work).await;
    let (before, count) = (resident_octets(), 5000);
    let work = async {
        for number in 1000..1000 + count {
            bench.ask(number, GetQuota).await;
        }
    };
    bench.measure("make a mailbox", count, work).await;
    println!(
        "memory a mailbox: {} octets",
        resident_octets().saturating_sub(before) / count
    );
    host.passivate_all(WITHIN).await;
    let work = async {
        for number in 1000..1000 + count {
            bench.ask(number, GetQuota).await;
        }
    };
    bench.measure("activate a mailbox", count, work).await;
    for (number, messages) in [(100, 10_000), (101, 1_000_000)] {
        bench.grow(number, messages as usize).await;
        bench.settle().await;
        singles(&bench, number, messages).await;
        host.passivate_all(WITHIN).await;
        bench
            .measure(&format!("{messages} messages: activate"), 1, async {
                bench.ask(number, GetQuota).await;
            })
            .await;
        let before = resident_octets();
        bench
            .measure(&format!("{messages} messages: open INBOX"), 1, async {
                bench.view(number).await;
            })
            .await;
        println!(
            "memory of its view: {} KB",
            resident_octets().saturating_sub(before) / 1024
        );
    }
    let emails: Vec<EmailId> = (1..=100).map(EmailId).collect();
    let work = async {
        let read = read_emails(&bench.database, mailbox(0), &emails)
            .await
            .expect("storage answers");
        assert!(read.iter().all(Option::is_some));
    };
    bench
        .measure("read 100 stored mails (structure and envelope)", 100, work)
        .await;
    arbiters.stop(&env, Duration::ZERO).await;
}

fn main() {
    let folder = tempfile::tempdir().expect("a folder for the store");
    hongyan_actor::run(1, run(folder.path()));
}
