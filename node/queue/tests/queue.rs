//! A shard as its callers see it, over the router, on the store in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hongyan_actor::{Arbiters, EntityHost, EntityKey, EntityOptions, Epoch, HostError, RequestId, Tenure, Terms};
use hongyan_blob::{BlobOptions, BlobStore, NewBlob, Sources};
use hongyan_env::{Env, ManualClock};
use hongyan_kv::fence::{Fence, raise};
use hongyan_kv::{Database, KeyRange, RangeQuery, Tuple};
use hongyan_memory::{Fault, MemoryStore};
use hongyan_queue::{
    Accept, Attempt, Delete, Destination, Due, DueEntry, EntryId, Hold, Holder, Holders, List, NewEntry, NewRecipient,
    Notify, Outcome, PutBack, QueueEntity, QueueError, QueueId, QueueReply, QueueRequest, QueueServices, Recall,
    RecallReply, RecipientState, Release, ReportKind, ReportSent, Reported, Retry, RetrySchedule, Show, Work,
};
use hongyan_router::{Ask, AskError, Router};
use hongyan_trail::SubmissionId;
use hongyan_types::{AccountId, TenantId};

const WITHIN: Duration = Duration::from_secs(5);
const QUEUE: QueueId = QueueId { shard: 3 };
const HOUR: Duration = Duration::from_secs(3600);

/// Two lives of nodes that work on entries, until a test ends them.
#[derive(Default)]
struct Lives(AtomicU64);

impl Lives {
    fn end(&self, node: u64) {
        self.0.fetch_or(1 << node, Ordering::SeqCst);
    }
}

impl Holders for Lives {
    fn me(&self) -> Holder {
        Holder { node: 1, life: 1 }
    }
    fn standing(&self) -> Option<u64> {
        Some(0)
    }
    fn is_alive(&self, holder: Holder) -> bool {
        self.0.load(Ordering::SeqCst) & 1 << holder.node == 0
    }
}

fn due_of(limit: usize) -> Due {
    let holder = Holder { node: 1, life: 1 };
    Due { limit, holder }
}

struct Bench {
    lives: Arc<Lives>,
    store: MemoryStore,
    database: Database,
    blobs: BlobStore,
    env: Env,
    clock: ManualClock,
    router: Router,
    host: EntityHost<QueueEntity>,
}

fn bench_run<F: Future<Output = ()>>(test: impl FnOnce(Bench) -> F) {
    hongyan_actor::run(1, async move {
        let store = MemoryStore::new();
        let database = Database::new(store.clone());
        let (env, clock) = Env::manual(1);
        let (wall, random) = (env.clone(), env.clone());
        let sources = Sources {
            wall_millis: Arc::new(move || wall.wall_millis()),
            random: Arc::new(move |bytes| random.fill_random(bytes)),
        };
        let blobs = BlobStore::open(database.clone(), BlobOptions::default(), sources)
            .await
            .expect("open blobs");
        let lives = Arc::<Lives>::default();
        let (router, host) = start(&database, &blobs, &env, &lives);
        test(Bench {
            lives,
            store,
            database,
            blobs,
            env,
            clock,
            router,
            host,
        })
        .await;
    });
}

/// A router with a queue that remembers nothing but what is stored.
fn start(database: &Database, blobs: &BlobStore, env: &Env, lives: &Arc<Lives>) -> (Router, EntityHost<QueueEntity>) {
    let router = Router::new(env.clone(), Arbiters::start(1));
    let services = QueueServices {
        database: database.clone(),
        blobs: blobs.clone(),
        env: env.clone(),
        hints: router.hints(),
        schedule: RetrySchedule::default(),
        holders: Arc::<Lives>::clone(lives),
    };
    let host = router.serve::<QueueEntity>(services, EntityOptions::default());
    (router, host)
}

impl Bench {
    async fn blob(&self, text: &str) -> NewBlob {
        self.blobs.blob_of(1, text.as_bytes()).await.expect("write a blob")
    }
    async fn accept(&self, id: &str, sender: Option<&str>, recipients: &[(&str, Option<Notify>)]) -> Vec<EntryId> {
        self.accept_of(id, sender, recipients, None).await
    }
    async fn accept_of(
        &self,
        id: &str,
        sender: Option<&str>,
        recipients: &[(&str, Option<Notify>)],
        submission: Option<SubmissionId>,
    ) -> Vec<EntryId> {
        let recipients = recipients.iter().map(|(address, notify)| NewRecipient {
            address: (*address).to_owned(),
            original: None,
            notify: *notify,
        });
        let entry = NewEntry {
            sender: sender.map(str::to_owned),
            envelope_id: None,
            return_content: None,
            body: hongyan_queue::BodyKind::SevenBit,
            smtputf8: false,
            destination: Destination::Domain("b.test".to_owned()),
            recipients: recipients.collect(),
            not_before_millis: 0,
            subject: "hello".to_owned(),
            submission,
        };
        let accept = Accept {
            delivery_id: id.as_bytes().to_vec(),
            blob: self.blob(id).await,
            entries: vec![entry],
        };
        self.router
            .ask(&QUEUE, accept, WITHIN)
            .await
            .expect("ask")
            .expect("accept")
            .entries
    }
    async fn due(&self) -> Vec<DueEntry> {
        self.router
            .ask(&QUEUE, due_of(10), WITHIN)
            .await
            .expect("ask")
            .expect("due")
            .entries
    }
    async fn report(&self, number: u64, outcomes: Vec<(usize, Outcome)>) {
        self.router
            .ask(&QUEUE, Reported { number, outcomes }, WITHIN)
            .await
            .expect("ask")
            .expect("report");
    }
    async fn sent(&self, number: u64, kind: ReportKind) {
        let sent = ReportSent {
            number,
            kind,
            sent: true,
        };
        self.router
            .ask(&QUEUE, sent, WITHIN)
            .await
            .expect("ask")
            .expect("report sent");
    }
    async fn show(&self, number: u64) -> Result<Box<hongyan_queue::Entry>, QueueError> {
        self.router.ask(&QUEUE, Show { number }, WITHIN).await.expect("ask")
    }
    /// The node died: nothing is left but what is stored.
    fn restart(&mut self) {
        (self.router, self.host) = start(&self.database, &self.blobs, &self.env, &self.lives);
    }
    /// The shard leaves memory, as when it is idle, moves or the node stops.
    async fn leave(&self) {
        let mut passivating = std::pin::pin!(self.host.passivate_all(HOUR));
        // Until it says so itself: it may sleep once more after the last entity has gone.
        loop {
            tokio::select! {
                biased;
                () = &mut passivating => break,
                () = tokio::task::yield_now() => self.clock.advance(Duration::from_millis(5)),
            }
        }
    }
    async fn keys_left(&self) -> usize {
        let all = RangeQuery::all(KeyRange::prefix(b""));
        self.database.begin().get_range_all(all).await.expect("scan").len()
    }
}

fn said(code: u16) -> Attempt {
    Attempt {
        host: "mx.b.test".to_owned(),
        code,
        status: String::new(),
        text: "words".to_owned(),
        ..Attempt::default()
    }
}

#[test]
fn a_message_is_handed_out_once_and_leaves_no_trace_when_delivered() {
    bench_run(|bench| async move {
        let ids = bench.accept("one", Some("a@a.test"), &[("x@b.test", None)]).await;
        let due = bench.due().await;
        assert_eq!(due.len(), 1);
        assert_eq!((due[0].id, due[0].work), (ids[0], Work::Deliver));
        assert_eq!(bench.due().await.len(), 0, "handed out");
        bench
            .report(ids[0].number, vec![(0, Outcome::Delivered(said(250)))])
            .await;
        assert_eq!(bench.show(ids[0].number).await, Err(QueueError::NoSuchEntry));
        assert_eq!(bench.due().await.len(), 0);
        bench.clock.advance(HOUR * 30);
        bench.blobs.collect_step().await.expect("collect");
        bench.due().await;
        assert_eq!(
            bench.keys_left().await,
            3,
            "the next number, the count and the blobs' address key"
        );
    });
}

#[test]
fn the_same_delivery_is_taken_once() {
    bench_run(|mut bench| async move {
        assert_eq!(
            bench.accept("one", Some("a@a.test"), &[("x@b.test", None)]).await.len(),
            1
        );
        assert_eq!(
            bench.accept("one", Some("a@a.test"), &[("x@b.test", None)]).await.len(),
            0
        );
        bench.restart();
        assert_eq!(
            bench.accept("one", Some("a@a.test"), &[("x@b.test", None)]).await.len(),
            0
        );
        assert_eq!(bench.due().await.len(), 1);
    });
}

#[test]
fn an_unknown_commit_takes_a_message_once() {
    bench_run(|bench| async move {
        bench.due().await;
        bench.store.fail_next(Fault::UnknownApplied);
        assert!(bench.accept("one", Some("a@a.test"), &[("x@b.test", None)]).await.len() <= 1);
        bench.store.fail_next(Fault::UnknownNotApplied);
        assert_eq!(
            bench.accept("two", Some("a@a.test"), &[("x@b.test", None)]).await.len(),
            1
        );
        assert_eq!(bench.due().await.len(), 2);
    });
}

#[test]
fn a_deferred_message_waits_longer_each_time_and_expires_with_a_report() {
    bench_run(|bench| async move {
        let number = bench.accept("one", Some("a@a.test"), &[("x@b.test", None)]).await[0].number;
        let mut attempts = 0;
        let mut delays = 0;
        let failure = loop {
            let due = bench.due().await;
            match due.first().map(|due| due.work) {
                None => bench.clock.advance(Duration::from_secs(60)),
                Some(Work::Deliver) => {
                    attempts += 1;
                    bench.report(number, vec![(0, Outcome::Deferred(said(450)))]).await;
                }
                Some(Work::Report(ReportKind::Delay)) => {
                    delays += 1;
                    bench.sent(number, ReportKind::Delay).await;
                }
                Some(Work::Report(kind)) => break (kind, due[0].entry.clone()),
            }
        };
        assert_eq!(failure.0, ReportKind::Failure);
        assert_eq!(failure.1.recipients[0].state, RecipientState::Expired);
        assert_eq!(delays, 1);
        // 60 s doubling to 2 h makes 7 attempts in the first 2 h, then one every 2 h for 5 days.
        assert!((60..75).contains(&attempts), "{attempts}");
        bench.sent(number, ReportKind::Failure).await;
        assert_eq!(bench.show(number).await, Err(QueueError::NoSuchEntry));
    });
}

#[test]
fn recipients_part_ways_and_confirmed_ones_are_not_repeated() {
    bench_run(|mut bench| async move {
        let recipients = [("x@b.test", None), ("y@b.test", None), ("z@b.test", None)];
        let number = bench.accept("one", Some("a@a.test"), &recipients).await[0].number;
        bench.due().await;
        let outcomes = vec![
            (0, Outcome::Delivered(said(250))),
            (1, Outcome::Bounced(said(550))),
            (2, Outcome::Deferred(said(450))),
        ];
        bench.report(number, outcomes).await;
        bench.restart();
        let due = bench.due().await;
        assert_eq!(due[0].work, Work::Report(ReportKind::Failure));
        assert_eq!(due[0].entry.recipients[1].owed, Some(ReportKind::Failure));
        bench.sent(number, ReportKind::Failure).await;
        assert_eq!(bench.due().await.len(), 0, "the wait for z is not cut short");
        bench.clock.advance(Duration::from_secs(61));
        let due = bench.due().await;
        let states: Vec<_> = due[0]
            .entry
            .recipients
            .iter()
            .map(|recipient| recipient.state)
            .collect();
        assert_eq!(
            states,
            [
                RecipientState::Delivered,
                RecipientState::Bounced,
                RecipientState::Pending
            ]
        );
    });
}

#[test]
fn reports_follow_what_the_sender_asked_for() {
    bench_run(|bench| async move {
        let never = Notify {
            success: false,
            failure: false,
            delay: false,
        };
        let success = Notify { success: true, ..never };
        let recipients = [
            ("x@b.test", Some(never)),
            ("y@b.test", Some(success)),
            ("z@b.test", Some(success)),
        ];
        let number = bench.accept("one", Some("a@a.test"), &recipients).await[0].number;
        bench.due().await;
        let relayed = Attempt {
            relayed_dsn: true,
            ..said(250)
        };
        let outcomes = vec![
            (0, Outcome::Bounced(said(550))),
            (1, Outcome::Delivered(said(250))),
            (2, Outcome::Delivered(relayed)),
        ];
        bench.report(number, outcomes).await;
        let due = bench.due().await;
        assert_eq!(due[0].work, Work::Report(ReportKind::Success));
        let owed: Vec<_> = due[0].entry.recipients.iter().map(|recipient| recipient.owed).collect();
        assert_eq!(owed, [None, Some(ReportKind::Success), None]);
        let null = bench.accept("two", None, &[("x@b.test", None)]).await[0].number;
        bench.due().await;
        bench.report(null, vec![(0, Outcome::Bounced(said(550)))]).await;
        assert_eq!(bench.show(null).await, Err(QueueError::NoSuchEntry), "nobody to tell");
    });
}

#[test]
fn operators_list_hold_release_retry_and_delete() {
    bench_run(|bench| async move {
        let one = bench.accept("one", Some("a@a.test"), &[("x@b.test", None)]).await[0].number;
        let two = bench.accept("two", Some("a@a.test"), &[("x@b.test", None)]).await[0].number;
        let page = bench
            .router
            .ask(&QUEUE, List { after: 0, limit: 1 }, WITHIN)
            .await
            .expect("ask")
            .expect("list");
        assert_eq!(page.entries[0].0.number, one);
        let page = bench
            .router
            .ask(&QUEUE, List { after: one, limit: 9 }, WITHIN)
            .await
            .expect("ask")
            .expect("list");
        assert_eq!(page.entries.iter().map(|(id, _)| id.number).collect::<Vec<_>>(), [two]);
        bench
            .router
            .ask(&QUEUE, Hold { number: one }, WITHIN)
            .await
            .expect("ask")
            .expect("hold");
        assert_eq!(
            bench.due().await.iter().map(|due| due.id.number).collect::<Vec<_>>(),
            [two]
        );
        bench.report(two, vec![(0, Outcome::Deferred(said(450)))]).await;
        assert_eq!(bench.due().await.len(), 0);
        bench
            .router
            .ask(&QUEUE, Retry { number: two }, WITHIN)
            .await
            .expect("ask")
            .expect("retry");
        bench
            .router
            .ask(&QUEUE, Release { number: one }, WITHIN)
            .await
            .expect("ask")
            .expect("release");
        assert_eq!(bench.due().await.len(), 2);
        bench
            .router
            .ask(&QUEUE, Delete { number: one }, WITHIN)
            .await
            .expect("ask")
            .expect("delete");
        assert_eq!(bench.show(one).await, Err(QueueError::NoSuchEntry));
        bench.report(one, vec![(0, Outcome::Delivered(said(250)))]).await;
        let missing = bench
            .router
            .ask(&QUEUE, Hold { number: 99 }, WITHIN)
            .await
            .expect("ask");
        assert_eq!(missing, Err(QueueError::NoSuchEntry));
    });
}

#[test]
fn an_entry_that_was_not_tried_is_due_again_and_no_attempt_counts() {
    bench_run(|bench| async move {
        let ids = bench.accept("one", Some("a@a.test"), &[("x@b.test", None)]).await;
        assert_eq!(bench.due().await.len(), 1);
        let put_back = PutBack {
            number: ids[0].number,
            due_millis: Some(bench.env.wall_millis() + 5000),
        };
        let done = bench.router.ask(&QUEUE, put_back, WITHIN).await;
        assert_eq!(done, Ok(Ok(())));
        assert_eq!(bench.due().await.len(), 0);
        bench.clock.advance(Duration::from_secs(5));
        let due = bench.due().await;
        assert_eq!((due.len(), due[0].entry.attempts), (1, 0));
        let as_it_is = PutBack {
            number: ids[0].number,
            due_millis: None,
        };
        assert_eq!(bench.router.ask(&QUEUE, as_it_is, WITHIN).await, Ok(Ok(())));
        assert_eq!(bench.due().await.len(), 1);
    });
}

#[test]
fn the_number_of_entries_is_seen_from_outside() {
    bench_run(|mut bench| async move {
        bench.accept("one", None, &[("x@b.test", None)]).await;
        bench.accept("two", None, &[("x@b.test", None)]).await;
        bench.restart();
        bench.accept("three", None, &[("x@b.test", None)]).await;
        let delete = Delete { number: 1 };
        let done = bench.router.ask(&QUEUE, delete, WITHIN).await;
        assert_eq!(done, Ok(Ok(())));
        let key = Tuple::new().string("queue").int(3u16).string("count").pack();
        let stored = bench.database.begin().get(&key).await;
        assert_eq!(stored.expect("read").as_deref(), Some(&2i64.to_le_bytes()[..]));
        assert!(hongyan_telemetry::render().contains("hongyan_queue_entries{shard=\"3\"}"));
    });
}

#[test]
fn a_hand_out_that_nobody_answers_is_made_again() {
    bench_run(|bench| async move {
        bench.accept("one", Some("a@a.test"), &[("x@b.test", None)]).await;
        assert_eq!(bench.due().await.len(), 1);
        bench.clock.advance(Duration::from_secs(14 * 60));
        assert_eq!(bench.due().await.len(), 0, "somebody works on it");
        bench.clock.advance(Duration::from_secs(60));
        assert_eq!(bench.due().await.len(), 1);
    });
}

#[test]
fn what_is_handed_out_stays_so_while_the_shard_is_away() {
    bench_run(|mut bench| async move {
        let mut numbers = Vec::new();
        for id in ["one", "two", "three", "four"] {
            numbers.push(bench.accept(id, Some("a@a.test"), &[("x@b.test", None)]).await[0].number);
        }
        assert_eq!(bench.due().await.len(), 4);
        for round in 0..3 {
            bench.leave().await;
            assert_eq!(bench.due().await.len(), 0, "round {round}");
        }
        bench.leave().await;
        bench.report(numbers[0], vec![(0, Outcome::Delivered(said(250)))]).await;
        let put_back = PutBack {
            number: numbers[1],
            due_millis: None,
        };
        assert_eq!(bench.router.ask(&QUEUE, put_back, WITHIN).await, Ok(Ok(())));
        bench.leave().await;
        let due = bench.due().await;
        assert_eq!(due.iter().map(|due| due.id.number).collect::<Vec<_>>(), [numbers[1]]);
        bench.clock.advance(Duration::from_secs(15 * 60));
        assert_eq!(bench.due().await.len(), 3, "nobody answered");
        bench.leave().await;
        assert_eq!(bench.due().await.len(), 0);
        for number in &numbers[1..] {
            bench.report(*number, vec![(0, Outcome::Delivered(said(250)))]).await;
        }
        bench.clock.advance(HOUR * 30);
        bench.blobs.collect_step().await.expect("collect");
        bench.due().await;
        assert_eq!(
            bench.keys_left().await,
            3,
            "the next number, the count and the blobs' address key"
        );
        bench.accept("five", Some("a@a.test"), &[("x@b.test", None)]).await;
        assert_eq!(bench.due().await.len(), 1);
        bench.restart();
        assert_eq!(bench.due().await.len(), 1, "a dead node's work is resumed at once");
    });
}

#[test]
fn a_deposed_shard_hands_nothing_out() {
    bench_run(|bench| async move {
        bench.accept("one", Some("a@a.test"), &[("x@b.test", None)]).await;
        let partition = bench.router.partition_of(&QUEUE.entity_id()).0;
        raise(&bench.database, Fence { partition, epoch: 2 })
            .await
            .expect("take over");
        for _ in 0..3 {
            let due = bench.router.ask(&QUEUE, due_of(10), WITHIN).await;
            assert_eq!(due.err(), Some(AskError::Unavailable));
        }
    });
}

#[test]
fn two_who_ask_together_get_different_entries() {
    bench_run(|bench| async move {
        bench.accept("one", Some("a@a.test"), &[("x@b.test", None)]).await;
        bench.leave().await;
        // The shard starts with both in its intake, so they are one batch.
        let (one, two) = tokio::join!(bench.due(), bench.due());
        assert_eq!(one.len() + two.len(), 1);
    });
}

impl Bench {
    async fn ask_as(&self, id: u128, request: QueueRequest) -> Result<QueueReply, HostError> {
        let terms = Terms {
            id: RequestId(id),
            tenure: Tenure {
                partition: self.router.partition_of(&QUEUE.entity_id()),
                epoch: Epoch::FIRST,
            },
            within: WITHIN,
        };
        self.host.ask(&QUEUE, request, &terms).await
    }
    async fn numbers(&self, id: u128, limit: usize) -> Vec<u64> {
        let Ok(QueueReply::Due(Ok(due))) = self.ask_as(id, due_of(limit).into_request()).await else {
            panic!("entries");
        };
        due.entries.iter().map(|due| due.id.number).collect()
    }
}

fn deferred(number: u64) -> QueueRequest {
    let outcomes = vec![(0, Outcome::Deferred(said(450)))];
    Reported { number, outcomes }.into_request()
}

#[test]
fn a_repeat_of_a_lost_reply_has_its_entries_and_no_second_effect() {
    bench_run(|bench| async move {
        bench.accept("one", Some("a@a.test"), &[("x@b.test", None)]).await;
        bench.accept("two", Some("a@a.test"), &[("x@b.test", None)]).await;
        for _ in 0..3 {
            assert_eq!(bench.numbers(7, 1).await, [1]);
        }
        assert_eq!(bench.numbers(8, 9).await, [2]);
        for _ in 0..3 {
            bench.ask_as(9, deferred(1)).await.expect("ask");
        }
        assert_eq!(bench.show(1).await.expect("entry").attempts, 1);
    });
}

#[test]
fn a_repeat_has_no_second_effect_in_another_life_of_the_shard_either() {
    bench_run(|mut bench| async move {
        bench.accept("one", Some("a@a.test"), &[("x@b.test", None)]).await;
        bench.accept("two", Some("a@a.test"), &[("x@b.test", None)]).await;
        assert_eq!(bench.numbers(7, 1).await, [1]);
        bench.leave().await;
        assert_eq!(bench.numbers(7, 1).await, [1], "the reply was lost");
        bench.ask_as(9, deferred(1)).await.expect("ask");
        // It is handed out to another meanwhile, and its owner dies.
        bench.clock.advance(HOUR);
        assert_eq!(bench.numbers(10, 9).await.len(), 2);
        bench.restart();
        let delete = Delete { number: 2 }.into_request();
        for _ in 0..2 {
            let done = bench.ask_as(11, delete.clone()).await;
            assert!(matches!(done, Ok(QueueReply::Done(Ok(())))), "{done:?}");
            bench.restart();
        }
        bench.ask_as(12, deferred(1)).await.expect("ask");
        bench.restart();
        bench.ask_as(12, deferred(1)).await.expect("ask");
        assert_eq!(bench.show(1).await.expect("entry").attempts, 2);
    });
}

#[test]
fn a_request_whose_commit_is_in_doubt_happens_once() {
    bench_run(|bench| async move {
        bench.accept("one", Some("a@a.test"), &[("x@b.test", None)]).await;
        let faults = [Fault::UnknownApplied, Fault::UnknownNotApplied];
        let mut attempts = 0;
        for (at, first) in faults.into_iter().enumerate() {
            for (also, second) in faults.into_iter().map(Some).chain([None]).enumerate() {
                let id = 20 + (at * 10 + also) as u128;
                bench.store.fail_next(first);
                second.into_iter().for_each(|fault| bench.store.fail_next(fault));
                while bench.ask_as(id, deferred(1)).await.is_err() {}
                attempts += 1;
                assert_eq!(
                    bench.show(1).await.expect("entry").attempts,
                    attempts,
                    "{first:?} {second:?}"
                );
            }
        }
    });
}

#[test]
fn a_store_that_fails_for_a_moment_is_no_refusal() {
    bench_run(|bench| async move {
        bench.accept("one", Some("a@a.test"), &[("x@b.test", None)]).await;
        bench.store.fail_next(Fault::Unavailable);
        // The router asks again under the same id as long as the asker waits.
        assert_eq!(bench.ask_as(5, deferred(1)).await.err(), Some(HostError::Unavailable));
        assert!(bench.ask_as(5, deferred(1)).await.is_ok());
        assert_eq!(bench.show(1).await.expect("entry").attempts, 1);
    });
}

#[test]
fn what_a_dead_node_had_in_hands_is_due_at_once() {
    bench_run(|bench| async move {
        bench.accept("one", Some("a@a.test"), &[("x@b.test", None)]).await;
        bench.accept("two", Some("a@a.test"), &[("x@b.test", None)]).await;
        let other = |limit| Due {
            limit,
            holder: Holder { node: 2, life: 1 },
        };
        let taken = bench.router.ask(&QUEUE, other(1), WITHIN).await;
        assert_eq!(taken.expect("ask").expect("due").entries.len(), 1);
        assert_eq!(bench.due().await.len(), 1);
        // Both go on while the shard moves; then one dies.
        bench.leave().await;
        assert_eq!(bench.due().await.len(), 0);
        bench.lives.end(2);
        let due = bench.due().await;
        assert_eq!(due.iter().map(|due| due.id.number).collect::<Vec<_>>(), [1]);
        assert_eq!(bench.due().await.len(), 0, "the other still works on its own");
    });
}

#[test]
fn trk_5_what_is_in_nobodys_hands_is_taken_out() {
    bench_run(|bench| async move {
        let submission = SubmissionId {
            tenant: TenantId(1),
            account: AccountId(2),
            number: 3,
        };
        let recall = async |after: u64, limit: usize| {
            let request = Recall {
                submission,
                after,
                limit,
            };
            bench.router.ask(&QUEUE, request, WITHIN).await.unwrap().unwrap()
        };
        let of = Some(submission);
        bench.accept_of("one", None, &[("x@b.test", None)], of).await;
        let leaving = bench.due().await;
        bench.accept("two", None, &[("other@b.test", None)]).await;
        let told = Some(Notify {
            success: true,
            ..Notify::default()
        });
        let entries = bench
            .accept_of("three", Some("a@a.test"), &[("y@b.test", told), ("z@b.test", told)], of)
            .await;
        assert_eq!(leaving.len(), 1);
        let looked = recall(0, 1).await;
        let expect = RecallReply {
            recalled: Vec::new(),
            leaving: vec!["x@b.test".to_owned()],
            next: Some(leaving[0].id.number),
        };
        assert_eq!(looked, expect);
        let taken = recall(leaving[0].id.number, 100).await;
        assert_eq!(
            (taken.recalled, taken.next),
            (vec!["y@b.test".to_owned(), "z@b.test".to_owned()], None)
        );
        let show = Show {
            number: entries[0].number,
        };
        let shown = bench.router.ask(&QUEUE, show, WITHIN).await.unwrap();
        assert!(
            matches!(shown, Err(QueueError::NoSuchEntry)),
            "nothing is left of it, and no report"
        );
        let left: Vec<_> = bench.due().await.into_iter().map(|due| due.entry.recipients).collect();
        assert_eq!(left.len(), 1);
        assert_eq!(left[0][0].address, "other@b.test");
        assert_eq!(recall(leaving[0].id.number, 100).await, RecallReply::default());
    });
}
