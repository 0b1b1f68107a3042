//! Outbound delivery against servers that behave and servers that do not, all on 127.0.0.1.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use hongyan_actor::{Arbiters, EntityOptions};
use hongyan_blob::{BlobOptions, BlobStore, Sources};
use hongyan_env::{Env, Security, ZoneDns};
use hongyan_kv::Database;
use hongyan_memory::MemoryStore;
use hongyan_queue::{
    Accept, BodyKind, Destination, Entry, EntryId, List, LocalDelivery, LocalFuture, NewEntry, NewRecipient, Outcome,
    QueueEntity, QueueId, QueueServices, RecipientState, ReportKind, Reporter, RetrySchedule,
};
use hongyan_relay::{RelayServices, RelaySettings, Runner};
use hongyan_router::Router;
use parking_lot::Mutex;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

const QUEUE: QueueId = QueueId { shard: 0 };
const WITHIN: Duration = Duration::from_secs(5);

/// What a server has seen, and what it will say to the next messages.
#[derive(Default)]
struct Seen {
    connections: usize,
    open: usize,
    open_max: usize,
    /// Recipients and text of the messages taken.
    messages: Vec<(Vec<String>, String)>,
    /// Replies to the end of the next messages; `close` breaks the connection instead. When empty, `250 ok`.
    verdicts: VecDeque<&'static str>,
}

type Log = Arc<Mutex<Seen>>;

/// A server that refuses recipients named `no` for good and `later` for now.
async fn serve(stream: TcpStream, log: Log) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut recipients = Vec::new();
    stream.write_all(b"220 mx.b.test\r\n").await?;
    let mut line = String::new();
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let verb = line.trim_end().to_ascii_uppercase();
        let reply = if verb.starts_with("EHLO") {
            "250-mx.b.test\r\n250-PIPELINING\r\n250 8BITMIME\r\n"
        } else if verb.starts_with("MAIL") {
            recipients.clear();
            "250 2.1.0 ok\r\n"
        } else if verb.starts_with("RCPT TO:<NO@") {
            "550 5.1.1 no such user\r\n"
        } else if verb.starts_with("RCPT TO:<LATER@") {
            "450 4.2.1 later\r\n"
        } else if verb.starts_with("RCPT") {
            recipients.push(line.trim_end().to_owned());
            "250 2.1.5 ok\r\n"
        } else if verb == "DATA" && recipients.is_empty() {
            "554 5.5.1 no recipients\r\n"
        } else if verb == "DATA" {
            stream.write_all(b"354 go\r\n").await?;
            let mut text = String::new();
            while !text.ends_with("\r\n.\r\n") {
                if stream.read_line(&mut text).await? == 0 {
                    return Ok(());
                }
            }
            let verdict = log.lock().verdicts.pop_front().unwrap_or("250 2.0.0 ok");
            if verdict == "close" {
                return Ok(());
            }
            // Long enough that messages overlap when connections are many.
            tokio::time::sleep(Duration::from_millis(20)).await;
            if verdict.starts_with('2') {
                log.lock().messages.push((recipients.clone(), text));
            }
            stream.write_all(format!("{verdict}\r\n").as_bytes()).await?;
            continue;
        } else if verb == "QUIT" {
            stream.write_all(b"221 bye\r\n").await?;
            return Ok(());
        } else {
            "250 ok\r\n"
        };
        stream.write_all(reply.as_bytes()).await?;
    }
}

async fn server() -> (u16, Log) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("listen");
    let port = listener.local_addr().expect("address").port();
    let log = Log::default();
    let shared = log.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let log = shared.clone();
            {
                let mut seen = log.lock();
                seen.connections += 1;
                seen.open += 1;
                seen.open_max = seen.open_max.max(seen.open);
            }
            tokio::spawn(async move {
                let _ = serve(stream, log.clone()).await;
                log.lock().open -= 1;
            });
        }
    });
    (port, log)
}

type Reports = Arc<Mutex<Vec<(ReportKind, Vec<String>)>>>;

struct Recorder(Reports);

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
        let all = 0..entry.recipients.len();
        Box::pin(async move {
            all.map(|index| (index, Outcome::Delivered(Default::default())))
                .collect()
        })
    }
}

struct Bench {
    router: Router,
    blobs: BlobStore,
    reports: Reports,
    log: Log,
    accepted: usize,
}

/// Runs `test` with a node whose DNS sends `b.test` to a fresh server, after `tune` changed the settings.
fn bench_run<F: Future<Output = ()>>(tune: impl FnOnce(&mut RelaySettings, &ZoneDns), test: impl FnOnce(Bench) -> F) {
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
        let arbiters = Arbiters::start(1);
        let router = Router::new(env.clone(), arbiters.clone());
        let services = QueueServices {
            database,
            blobs: blobs.clone(),
            env: env.clone(),
            hints: router.hints(),
            schedule: RetrySchedule {
                first_secs: 1,
                ..RetrySchedule::default()
            },
        };
        router.serve::<QueueEntity>(services, EntityOptions::default());
        let reports = Reports::default();
        let recorder = Arc::new(Recorder(reports.clone()));
        let services = RelayServices {
            env: env.clone(),
            router: router.clone(),
            blobs: blobs.clone(),
            reporter: recorder.clone(),
            local: recorder,
        };
        Runner::start(&arbiters, services, settings).expect("start");
        test(Bench {
            router,
            blobs,
            reports,
            log,
            accepted: 0,
        })
        .await;
        arbiters.stop(&env, Duration::from_secs(1)).await;
    });
}

impl Bench {
    async fn send(&mut self, destination: Destination, recipients: &[&str]) {
        self.accepted += 1;
        let text = format!("Return-Path: <a@a.test>\r\nSubject: {}\r\n\r\n.dot\r\n", self.accepted);
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
    async fn entries(&self) -> Vec<Entry> {
        let list = List { after: 0, limit: 100 };
        let page = self.router.ask(&QUEUE, list, WITHIN).await.expect("ask").expect("list");
        page.entries.into_iter().map(|(_, entry)| entry).collect()
    }
    /// Waits until the queue is as `wanted`; fails after ten seconds.
    async fn until(&self, wanted: impl Fn(&[Entry]) -> bool) -> Vec<Entry> {
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

fn to(domain: &str) -> Destination {
    Destination::Domain(domain.to_owned())
}

#[test]
fn a_message_leaves_without_our_return_path_and_connections_are_reused() {
    bench_run(
        |_, _| {},
        |mut bench| async move {
            for _ in 0..3 {
                bench.send(to("b.test"), &["x@b.test"]).await;
                bench.until(<[Entry]>::is_empty).await;
            }
            let seen = bench.log.lock();
            assert_eq!(seen.connections, 1);
            assert_eq!(seen.messages.len(), 3);
            assert_eq!(seen.messages[0].1, "Subject: 1\r\n\r\n..dot\r\n.\r\n");
            assert!(bench.reports.lock().is_empty());
        },
    );
}

#[test]
fn recipients_have_their_own_outcomes() {
    bench_run(
        |_, _| {},
        |mut bench| async move {
            bench
                .send(to("b.test"), &["x@b.test", "no@b.test", "later@b.test"])
                .await;
            let entries = bench
                .until(|entries| entries.len() == 1 && entries[0].attempts == 1)
                .await;
            let states: Vec<_> = entries[0].recipients.iter().map(|recipient| recipient.state).collect();
            assert_eq!(
                states,
                [
                    RecipientState::Delivered,
                    RecipientState::Bounced,
                    RecipientState::Pending
                ]
            );
            let last = entries[0].recipients[1].last.clone().expect("a last word");
            assert_eq!((last.code, &*last.status, &*last.host), (550, "5.1.1", "mx.b.test"));
            bench.until(|entries| entries[0].attempts >= 2).await;
            assert_eq!(
                *bench.reports.lock(),
                [(ReportKind::Failure, vec!["no@b.test".to_owned()])]
            );
            assert_eq!(bench.log.lock().messages.len(), 1, "x was not sent to twice");
        },
    );
}

#[test]
fn later_then_taken() {
    bench_run(
        |_, _| {},
        |mut bench| async move {
            bench.log.lock().verdicts.extend(["451 4.3.0 busy", "close"]);
            bench.send(to("b.test"), &["x@b.test"]).await;
            bench
                .until(|entries| entries.len() == 1 && entries[0].attempts == 2)
                .await;
            bench.until(<[Entry]>::is_empty).await;
            assert_eq!(bench.log.lock().messages.len(), 1);
        },
    );
}

#[test]
fn connections_to_a_destination_are_bounded() {
    bench_run(
        |settings, _| settings.destination_connections_max = 2,
        |mut bench| async move {
            for _ in 0..12 {
                bench.send(to("b.test"), &["x@b.test"]).await;
            }
            bench.until(<[Entry]>::is_empty).await;
            let seen = bench.log.lock();
            assert_eq!(seen.messages.len(), 12);
            assert_eq!(seen.open_max, 2);
        },
    );
}

#[test]
fn the_next_host_is_tried_when_the_first_is_away() {
    bench_run(
        |_, zone| {
            zone.add_mx("c.test", 5, "away.c.test");
            zone.add_mx("c.test", 10, "mx.b.test");
            zone.add_address("away.c.test", "127.0.0.99".parse().expect("address"));
        },
        |mut bench| async move {
            bench.send(to("c.test"), &["x@c.test"]).await;
            bench.until(<[Entry]>::is_empty).await;
            assert_eq!(bench.log.lock().messages.len(), 1);
        },
    );
}

#[test]
fn without_dns_mail_stays_visible_with_its_reason() {
    bench_run(
        |_, zone| {
            zone.set_failure(
                "d.test",
                Some(hongyan_env::DnsError::Temporary("no servers".to_owned())),
            )
        },
        |mut bench| async move {
            bench.send(to("d.test"), &["x@d.test"]).await;
            bench.send(to("nowhere.test"), &["x@nowhere.test"]).await;
            let entries = bench
                .until(|entries| entries.len() == 1 && entries[0].attempts == 1)
                .await;
            let last = entries[0].recipients[0].last.clone().expect("a last word");
            assert_eq!(last.status, "4.4.3");
            assert!(last.text.contains("d.test"), "{last:?}");
            let failed = (ReportKind::Failure, vec!["x@nowhere.test".to_owned()]);
            assert_eq!(*bench.reports.lock(), [failed]);
        },
    );
}

#[test]
fn a_mailbox_of_ours_is_served_through_its_seam() {
    bench_run(
        |_, _| {},
        |mut bench| async move {
            bench.send(Destination::Local, &["x@a.test"]).await;
            bench.until(<[Entry]>::is_empty).await;
            assert_eq!(bench.log.lock().connections, 0);
        },
    );
}
